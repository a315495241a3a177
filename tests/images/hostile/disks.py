"""Beginnings of raw disks: partition tables, and what is no partition table."""

from __future__ import annotations

import struct

SECTOR = 512
MIB = 1 << 20


def entry(kind: int, start: int = 2048, sectors: int = 2048, *, boot: int = 0, chs: bytes = b"\0\2\0") -> bytes:
    return bytes([boot]) + chs + bytes([kind]) + b"\xff\xff\xff" + struct.pack("<II", start, sectors)


def mbr(*entries: bytes, size_bytes: int = MIB, code: bytes = b"") -> bytes:
    """A disk with a partition table; `code` is what stands in front of it."""
    table = b"".join(entries).ljust(64, b"\0")
    return (code.ljust(446, b"\0") + table + b"\x55\xaa").ljust(size_bytes, b"\0")


def gpt(size_bytes: int = MIB, **changes: object) -> bytes:
    protective = entry(0xEE, 1, size_bytes // SECTOR - 1, **changes)  # type: ignore[arg-type]
    data = bytearray(mbr(protective, size_bytes=size_bytes))
    data[512:520] = b"EFI PART"
    return bytes(data)


def with_bytes(data: bytes, offset: int, piece: bytes) -> bytes:
    longer = bytearray(data.ljust(offset + len(piece), b"\0"))
    longer[offset : offset + len(piece)] = piece
    return bytes(longer)


def cd(data: bytes = b"") -> bytes:
    return with_bytes(data, 0x8000, b"\1CD001\1" + bytes(2041))
