"""Long operations as their callers see them: the handle that a submit gives, and what each look at it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from imgmove.core.errors import ImgmoveError
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Operation


class TaskState(StrEnum):
    """The states of the contract's JSON."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


#: A task in one of these does not move any more. UNKNOWN is not among them: a strange word means "still going".
FINAL_TASK_STATES: Final = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})


@dataclass(frozen=True)
class Artifact:
    """An object or a file that an operation wrote. `crc64` is the store's CRC-64/XZ as an unsigned decimal."""

    uri: str
    format: DiskFormat | None = None
    disk: str | None = None
    """`system`, or `data` (with the vendor's own mark behind a colon where it gives one: `data:xvdb`)."""
    size: int | None = None
    crc64: str | None = None
    etag: str | None = None


@dataclass(frozen=True)
class Handle:
    """What a submit gave, enough to follow the operation from another process. Holds no secret and no signed URL.

    `details` is the adapter's own: JSON types only, readable by later versions of the same adapter.
    """

    operation: Operation
    region: str
    task_id: str | None = None
    image_id: str | None = None
    request_id: str | None = None
    submitted_at: float = 0.0
    """Unix seconds, by our clock, just before the submit was sent."""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskReport:
    """What one look at an operation showed.

    `progress` is a percentage, None where the vendor gives none. `vendor_state` is the vendor's own word, raw.
    `memo` is handed to the next poll of the same operation: the adapter compares looks with it (is the object
    still growing?). It is JSON, and kept in the journal.
    """

    state: TaskState
    progress: int | None = None
    vendor_state: str = ""
    message: str = ""
    task_id: str | None = None
    image_id: str | None = None
    request_id: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    error: ImgmoveError | None = None
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_TASK_STATES


@dataclass(frozen=True)
class Image:
    """An image as its provider lists it. `state` is the vendor's own word."""

    id: str
    name: str
    state: str
    size_gib: int | None = None
    os: str = ""
    created: str = ""
    """As RFC 3339 in UTC where the vendor's form allows it, else as the vendor writes it."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Vendor-neutral extras under fixed names where known: `architecture`, `boot_mode`, `owner` (`self`, `public`,
    `shared`, `market`), `os_type` (`linux`, `windows`), `platform`, `encrypted`, `license`, `disks` (list of
    {`kind`: `system`|`data`, `size_gib`, `device`}), `usable` (bool: would start or export now), `tags`,
    `product_code` (the marketplace's product that it is or derives from)."""


@dataclass(frozen=True)
class Instance:
    """An instance that an image can be made of."""

    id: str
    name: str = ""
    state: str = ""


@dataclass(frozen=True)
class OsChoice:
    """One operating system that an import may name, and its versions (empty: any, or the provider has no versions)."""

    os_type: str
    versions: tuple[str, ...] = ()
    family: str = "linux"
    architectures: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    """How names of it begin elsewhere, their letters alone in lower case (`redhatenterpriselinux`); of all choices the
    longest that fits is meant, so that TencentOS is no CentOS and openSUSE no SUSE. Empty: its own name alone."""
