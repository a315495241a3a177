"""A streamOptimized VMDK as VMware's tools write it: in one pass, with the real header in a footer at the end."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from imgmove.sandbox.disks.vmdk import GRAIN_MARKER, HEADER, NEWLINE_TEST

SECTOR = 512
GRAIN = 64 << 10
AT_END = (1 << 64) - 1
_GRAIN_TABLE, _GRAIN_DIRECTORY, _FOOTER, _END = 1, 2, 3, 0


def write_stream(path: Path, disk: bytes) -> None:
    """Packs `disk` (of whole grains, at most one grain table full) grain by grain; grains of zeros are left out."""
    descriptor = (
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n"
        f'createType="streamOptimized"\n\nRW {len(disk) // SECTOR} SPARSE "disk.vmdk"\n\nddb.adapterType = "lsilogic"\n'
    ).encode()
    out = bytearray(_header(len(disk), AT_END) + descriptor.ljust(127 * SECTOR, b"\0"))
    table = [0] * 512
    for number, start in enumerate(range(0, len(disk), GRAIN)):
        grain = disk[start : start + GRAIN]
        if any(grain):
            table[number] = len(out) // SECTOR
            packed = zlib.compress(grain)
            out += _filled(GRAIN_MARKER.pack(start // SECTOR, len(packed)) + packed)
    table_sector = _append(out, _GRAIN_TABLE, struct.pack("<512I", *table))
    directory_sector = _append(out, _GRAIN_DIRECTORY, _filled(struct.pack("<I", table_sector)))
    _append(out, _FOOTER, _header(len(disk), directory_sector))
    _append(out, _END, b"")
    path.write_bytes(out)


def _header(size: int, directory: int) -> bytes:
    flags = 1 | 1 << 16 | 1 << 17
    return HEADER.pack(
        *(b"KDMV", 3, flags, size // SECTOR, GRAIN // SECTOR, 1, 127, 512, 0, directory, 128, 0, NEWLINE_TEST, 1)
    )


def _append(out: bytearray, kind: int, data: bytes) -> int:
    """A metadata marker and its data; returns the sector of the data."""
    out += struct.pack("<QII496x", len(data) // SECTOR, 0, kind) + data
    return (len(out) - len(data)) // SECTOR


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % SECTOR)
