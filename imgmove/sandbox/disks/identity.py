"""Identifiers that formats want in their headers: the same disk gives the same ones, different disks different ones."""

from __future__ import annotations

import uuid
import zlib

_NAMESPACE = uuid.UUID("6f8f2b1e-6b7f-5f0e-9d53-2a6a1f8a7c11")


class Identity:
    """Gathers a checksum of the data as it is written, so that files can be made twice with the same bytes."""

    def __init__(self, kind: str, size_bytes: int) -> None:
        self._kind = f"{kind}/{size_bytes}"
        self._checksum = 0

    def add(self, data: memoryview) -> None:
        """Counts a piece of data in; into how many pieces it is cut makes no difference."""
        self._checksum = zlib.crc32(data, self._checksum)

    def uuid(self) -> uuid.UUID:
        """The identifier of what was counted in until now."""
        return uuid.uuid5(_NAMESPACE, f"{self._kind}/{self._checksum:08x}")
