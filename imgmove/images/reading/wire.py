"""What the parent and the reader say to each other: frames of a kind, a length and a payload, over two pipes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.inspection import Limits

HEADER: Final = struct.Struct(">cI")
RANGE: Final = struct.Struct(">QI")
"""Payload of READ: offset and length."""

# From the parent.
TASK: Final = b"H"
DATA: Final = b"D"
# From the reader.
READ: Final = b"R"
LAYOUT: Final = b"L"
FACTS: Final = b"F"
TROUBLE: Final = b"T"
END: Final = b"E"

#: No range that is asked for is longer.
MAX_RANGE_BYTES: Final = 8 << 20
MAX_TROUBLE_BYTES: Final = 16 << 10
MAX_TROUBLES: Final = 16
#: The reader's exit code where memory ran out: said without allocating anything.
MEMORY_EXIT: Final = 71

_PAGE_BYTES: Final = 64 << 10
#: What an archive takes longer: it is inflated up to the farthest place that is looked at.
_STREAM_SECONDS: Final = 600
_STREAM_BYTES_A_SECOND: Final = 4 << 20


@dataclass(frozen=True)
class Task:
    """What the reader is to do, and what it may take."""

    disk_format: DiskFormat
    size_bytes: int
    memory_bytes: int
    cpu_seconds: int
    read_bytes: int
    requests: int


def stream_seconds(disk_format: DiskFormat, size_bytes: int) -> int:
    """Seconds that this image may take longer than others."""
    if disk_format is not DiskFormat.RAW_TAR_GZ:
        return 0
    return _STREAM_SECONDS + size_bytes // _STREAM_BYTES_A_SECOND


def make_task(disk_format: DiskFormat, size_bytes: int, limits: Limits) -> Task:
    """An archive is read from its beginning, and places in it again: its limits grow with its size."""
    again = 2 * size_bytes if disk_format is DiskFormat.RAW_TAR_GZ else 0
    return Task(
        disk_format=disk_format,
        size_bytes=size_bytes,
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds + stream_seconds(disk_format, size_bytes),
        read_bytes=limits.read_bytes + again,
        requests=limits.requests + again // _PAGE_BYTES,
    )


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(payload)) + payload
