"""Random access to bytes: what containers, tables, volumes and file systems are read through, in the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class DeviceError(Exception):
    """Bytes that cannot be read: a damaged container, or a table that leads nowhere."""


class ReadsSpentError(Exception):
    """The look may read no more: it ends here, whoever asks."""


class Device(Protocol):
    """`size_bytes` bytes. A read beyond the end is cut off there. Raises only DeviceError and ReadsSpentError."""

    @property
    def size_bytes(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True)
class Slice:
    """A part of a device: a partition, or a fixed disk without its footer."""

    device: Device
    offset_bytes: int
    size_bytes: int

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        return self.device.read_at(self.offset_bytes + offset, length) if length else b""


def clipped(size_bytes: int, offset: int, length: int) -> int:
    """How many of `length` bytes at `offset` there are."""
    return max(0, min(length, size_bytes - offset)) if offset >= 0 else 0


def read_exactly(device: Device, offset: int, length: int, what: str) -> bytes:
    """`length` bytes, or DeviceError: "the L1 table lies beyond the end"."""
    data = device.read_at(offset, length)
    if len(data) != length:
        raise DeviceError(f"{what} lies beyond the end")
    return data
