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


@dataclass(frozen=True)
class Patched:
    """A device with a few bytes at `at` that read differently."""

    device: Device
    at: int
    patch: bytes

    @property
    def size_bytes(self) -> int:
        return self.device.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        data = self.device.read_at(offset, length)
        start, end = max(self.at, offset), min(self.at + len(self.patch), offset + len(data))
        if start >= end:
            return data
        piece = self.patch[start - self.at : end - self.at]
        return data[: start - offset] + piece + data[end - offset :]


def clipped(size_bytes: int, offset: int, length: int) -> int:
    """How many of `length` bytes at `offset` there are."""
    return max(0, min(length, size_bytes - offset)) if offset >= 0 else 0


def read_exactly(device: Device, offset: int, length: int, what: str) -> bytes:
    """`length` bytes, or DeviceError: "the L1 table lies beyond the end"."""
    data = device.read_at(offset, length)
    if len(data) != length:
        raise DeviceError(f"{what} lies beyond the end")
    return data
