"""Where an export writes, what its objects are called, and which of them are its own (tencent.md 1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imgmove.core.formats import DiskFormat, format_of_name
from imgmove.core.ports import ObjectInfo
from imgmove.core.tasks import Artifact

#: Our clock is not the store's.
CLOCK_SLACK_SECONDS: Final = 120.0
_DISK_OF_NAME: Final = re.compile(r"_(system|data)_[^/]*$")


@dataclass(frozen=True)
class ExportTarget:
    """Where an export writes: what its handle remembers."""

    image_ids: tuple[str, ...]
    bucket: str
    prefixes: tuple[str, ...]
    own_prefix: bool = True
    """The prefixes are the user's and not our token: other exports may have used them, too."""
    root_disk_only: bool = False
    format: str = ""
    keys: tuple[str, ...] = ()
    """The objects that CVM has named; none where it has not."""
    before: Mapping[str, Any] | None = None
    """Key to [etag, last modified] of objects of such names that were there before; None where nobody looked."""

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> ExportTarget:
        return cls(
            tuple(details.get("image_ids", ())), str(details.get("bucket", "")), tuple(details.get("prefixes", ())),
            bool(details.get("own_prefix", True)), bool(details.get("root_disk_only", False)),
            str(details.get("format", "")), tuple(details.get("keys", ())), details.get("before"),
        )  # fmt: skip

    @property
    def beginnings(self) -> dict[str, str]:
        """How the names of each image's objects begin (tencent.md 1.1)."""
        return {
            image_id: f"{prefix}_{image_id}_" if prefix else f"{image_id}_"
            for image_id, prefix in zip(self.image_ids, self.prefixes, strict=True)
        }

    def is_fresh(self, info: ObjectInfo, since: float) -> bool:
        """Is it this export's, and not what an earlier one to the same name has left?"""
        if not self.own_prefix:
            return True
        if self.before is not None:
            return self.before.get(info.key) != mark_of(info)
        return info.last_modified <= 0 or info.last_modified >= since - CLOCK_SLACK_SECONDS


def mark_of(info: ObjectInfo) -> list[Any]:
    return [info.etag, info.last_modified]


def details_of(
    target: ExportTarget, keys: Sequence[str] = (), before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a handle remembers of the export."""
    return {
        "image_ids": list(target.image_ids), "bucket": target.bucket, "prefixes": list(target.prefixes),
        "own_prefix": target.own_prefix, "root_disk_only": target.root_disk_only, "format": target.format,
        "keys": list(keys), "before": before,
    }  # fmt: skip


def disk_of_name(key: str) -> str | None:
    found = _DISK_OF_NAME.search(key)
    return found.group(1) if found else None


def artifact_of(target: ExportTarget, info: ObjectInfo) -> Artifact:
    asked = DiskFormat(target.format) if target.format else None
    return Artifact(
        uri=f"cos://{target.bucket}/{info.key}", format=asked or format_of_name(info.key), disk=disk_of_name(info.key),
        size=info.size_bytes, crc64=None if info.crc64 is None else str(info.crc64), etag=info.etag,
    )  # fmt: skip
