"""Why the object stores refuse: reasons that each wire translates into its vendor's codes."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a store refuses; each wire has its vendor's code for it."""

    BUCKET_EXISTS = "bucket exists"
    BUCKET_OWNED = "bucket exists and is the caller's own"
    BUCKET_NOT_EMPTY = "bucket not empty"
    NO_SUCH_BUCKET = "no such bucket"
    NO_SUCH_UPLOAD = "no such upload"
    NO_PARTS = "no parts"
    INVALID_PART = "invalid part"
    INVALID_PART_ORDER = "invalid part order"
    PART_TOO_SMALL = "part too small"
    OBJECT_EXISTS = "object exists"


class StoreError(Exception):
    """A refusal. `details` holds what the vendors add to their errors: PartNumber, UploadId, sizes."""

    def __init__(self, reason: Reason, **details: str | int) -> None:
        super().__init__(f"{reason}: {details}")
        self.reason = reason
        self.details = {name: str(value) for name, value in details.items()}
