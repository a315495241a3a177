"""Writing VHD: dynamic disks as importers want them, and fixed ones."""

from __future__ import annotations

import os
import struct
import uuid

from imgmove.sandbox.disks.identity import Identity
from imgmove.sandbox.disks.model import SECTOR_BYTES, DiskError, DiskWriter, ProblemKind, round_up
from imgmove.sandbox.disks.raw import write_at
from imgmove.sandbox.disks.vhd import (
    DYNAMIC,
    FIXED,
    FOOTER,
    FOOTER_CHECKSUM_OFFSET,
    FOOTER_MAGIC,
    HEADER,
    HEADER_CHECKSUM_OFFSET,
    HEADER_MAGIC,
    UNALLOCATED,
    checksum,
)

_BLOCK = 2 << 20
_BITMAP = b"\xff" * (_BLOCK // SECTOR_BYTES // 8)
_TABLE_OFFSET = FOOTER.size + HEADER.size
_MAX_SIZE_BYTES = 2040 << 30  # the format's own end
_NOWHERE = (1 << 64) - 1


def _geometry(size_bytes: int) -> tuple[int, int, int]:
    """Cylinders, heads, sectors a track: the specification's appendix "CHS Calculation"."""
    sectors = min(size_bytes // SECTOR_BYTES, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    per_track, cylinders_x_heads = 17, sectors // 17
    heads = max((cylinders_x_heads + 1023) // 1024, 4)
    if cylinders_x_heads >= heads * 1024 or heads > 16:
        per_track, heads, cylinders_x_heads = 31, 16, sectors // 31
    if cylinders_x_heads >= heads * 1024:
        per_track, heads, cylinders_x_heads = 63, 16, sectors // 63
    return cylinders_x_heads // heads, heads, per_track


def _footer(disk_type: int, size_bytes: int, identity: uuid.UUID) -> bytes:
    # "win " is Hyper-V's mark: readers then take the size as it stands and do not round it to the geometry.
    cylinders, heads, sectors = _geometry(size_bytes)
    data_offset = FOOTER.size if disk_type == DYNAMIC else _NOWHERE
    packed = FOOTER.pack(
        *(FOOTER_MAGIC, 2, 0x10000, data_offset, 0, b"win ", 0x60003, b"Wi2k", size_bytes, size_bytes),
        *(cylinders, heads, sectors, disk_type, 0, identity.bytes, 0),
    )
    return _with_checksum(packed, FOOTER_CHECKSUM_OFFSET)


def _header(entries: int) -> bytes:
    packed = HEADER.pack(
        HEADER_MAGIC, _NOWHERE, _TABLE_OFFSET, 0x10000, entries, _BLOCK, 0, bytes(16), 0, 0, bytes(512), bytes(192)
    )
    return _with_checksum(packed, HEADER_CHECKSUM_OFFSET)


def _with_checksum(structure: bytes, offset: int) -> bytes:
    return structure[:offset] + struct.pack(">I", checksum(structure, offset)) + structure[offset + 4 :]


def _checked(size_bytes: int) -> int:
    if size_bytes > _MAX_SIZE_BYTES:
        raise DiskError(ProblemKind.UNSUPPORTED, f"a VHD holds 2040 GiB at most, not {size_bytes} bytes")
    return size_bytes


class DynamicVhdWriter(DiskWriter):
    """The size is rounded up to whole blocks, so that MaxTableEntries x BlockSize is the size (alibaba.md 3.2)."""

    granule_bytes = _BLOCK
    subformat = "dynamic"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = _checked(round_up(max(size_bytes, 1), _BLOCK))
        self._table = [UNALLOCATED] * (self.virtual_size_bytes // _BLOCK)
        self._end = _TABLE_OFFSET + round_up(len(self._table) * 4, SECTOR_BYTES)
        self._identity = Identity("vhd", self.virtual_size_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        self._identity.add(data)
        for start in range(0, len(data), _BLOCK):
            self._table[(offset + start) // _BLOCK] = self._end // SECTOR_BYTES
            write_at(self._descriptor, self._end, _BITMAP)
            write_at(self._descriptor, self._end + len(_BITMAP), data[start : start + _BLOCK])
            self._end += len(_BITMAP) + _BLOCK

    def finish(self) -> None:
        footer = _footer(DYNAMIC, self.virtual_size_bytes, self._identity.uuid())
        table = struct.pack(f">{len(self._table)}I", *self._table)
        padding = b"\xff" * (round_up(len(table), SECTOR_BYTES) - len(table))
        write_at(self._descriptor, 0, footer + _header(len(self._table)) + table + padding)
        write_at(self._descriptor, self._end, footer)


class FixedVhdWriter(DiskWriter):
    """The raw disk with a footer behind it."""

    granule_bytes = 4096
    subformat = "fixed"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = _checked(round_up(size_bytes, SECTOR_BYTES))
        self._identity = Identity("vhd", self.virtual_size_bytes)
        os.ftruncate(descriptor, self.virtual_size_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        self._identity.add(data)
        write_at(self._descriptor, offset, data[: self.virtual_size_bytes - offset])

    def finish(self) -> None:
        footer = _footer(FIXED, self.virtual_size_bytes, self._identity.uuid())
        write_at(self._descriptor, self.virtual_size_bytes, footer)
