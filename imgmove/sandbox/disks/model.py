"""The words of the disk formats: formats, what was recognised, extents, the reader and the one error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self

SECTOR_BYTES = 512
CHUNK_BYTES = 2 << 20
"""No extent carries more data than this; it is also what bounds the memory of a conversion."""
MAX_VIRTUAL_SIZE_BYTES = 64 << 40
"""No cloud disk is larger (both vendors stop below 64 TiB); a header that says more is refused as hostile."""

ZEROS = bytes(CHUNK_BYTES)


class DiskFormat(StrEnum):
    """What a file is. Built from vendors' spellings too: ``DiskFormat("QCOW2")``, ``DiskFormat("raw.tar.gz")``."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VHD = "vhd"
    VMDK = "vmdk"
    VDI = "vdi"
    TAR_GZ = "tar.gz"
    ISO = "iso"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> DiskFormat | None:
        name = str(value).lower().removeprefix("raw.")
        return next((member for member in cls if member.value == name), None)


class ProblemKind(StrEnum):
    """Why an importer may refuse a disk. ``DiskInfo.readable`` says whether the bytes can be read all the same."""

    EMPTY = "empty"
    BACKING_FILE = "backing-file"
    EXTERNAL_DATA = "external-data"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    NOT_A_DISK_INSIDE = "not-a-disk-inside"
    VHD_SIZE = "vhd-size"
    UNCLEAN = "unclean"


HARMLESS_TO_READ = frozenset({ProblemKind.VHD_SIZE, ProblemKind.UNCLEAN})


class DiskError(Exception):
    """The disk cannot be read, or not be written as asked: `kind` for programs, the message for people."""

    def __init__(self, kind: ProblemKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a disk."""

    kind: ProblemKind
    message: str


@dataclass(frozen=True)
class DiskInfo:
    """What `recognise` found. `virtual_size_bytes` is what the guest sees; `subformat` is the format's own word
    ("v3", "dynamic", "monolithicSparse", "gnu-sparse", "mbr") or empty."""

    format: DiskFormat
    virtual_size_bytes: int
    subformat: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether `open_disk` can give the bytes: no problem but those that only a strict importer minds."""
        return self.format not in (DiskFormat.ISO, DiskFormat.UNKNOWN) and all(
            problem.kind in HARMLESS_TO_READ for problem in self.problems
        )

    def has(self, kind: ProblemKind) -> bool:
        """Whether a problem of this kind was found."""
        return any(problem.kind is kind for problem in self.problems)


class Extent(NamedTuple):
    """A piece of the disk as the guest sees it; `data` is None where all `length` bytes are zero."""

    offset: int
    length: int
    data: bytes | None


class DiskReader(ABC):
    """A disk's bytes as the guest sees them. Not safe for several threads at once. Close it, or use it with `with`."""

    virtual_size_bytes: int

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`: fewer than `length` only where the disk ends. Raises DiskError on damage."""

    @abstractmethod
    def extents(self) -> Iterator[Extent]:
        """The whole disk in order, without gaps; data comes in pieces of CHUNK_BYTES at most, zeros in any length.
        Raises DiskError on damage, which may be found late."""

    @abstractmethod
    def close(self) -> None:
        """Gives the file back. Safe to repeat."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DiskWriter(ABC):
    """Writes one disk into an open, empty file. `write` is called with ascending offsets, `finish` once at the end."""

    granule_bytes: int
    """Data comes in whole granules at multiples of this; granules that are never written are zero."""
    subformat: str = ""
    virtual_size_bytes: int
    """What the guest will see: the source's size, rounded up as the format demands."""

    @abstractmethod
    def write(self, offset: int, data: memoryview) -> None:
        """Puts granules that hold something else than zeros at `offset`. The last may reach past the disk's end."""

    @abstractmethod
    def finish(self) -> None:
        """Writes tables and headers; the file is whole afterwards."""


def is_zero(data: bytes | memoryview) -> bool:
    """Whether there are only zeros in these bytes, CHUNK_BYTES of them at most (compared at memory speed)."""
    return ZEROS.startswith(data)


def round_up(value: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `value`."""
    return -(-value // step) * step
