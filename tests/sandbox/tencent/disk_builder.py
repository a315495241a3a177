"""Builds tiny disks for the tests: a partition table and a file system's superblock, and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

MIB = 1 << 20
PARTITION_OFFSET = MIB


def write_disk(
    path: Path, *, size_mib: int = 4, table: bool = True, file_system: bool = True, marker: bytes = b"a disk"
) -> Path:
    """A raw disk with an MBR, one partition and an ext4 superblock, as far as they are wanted; the rest are holes."""
    with path.open("wb") as disk:
        disk.truncate(size_mib * MIB)
        if table:
            sectors = (size_mib * MIB - PARTITION_OFFSET) // 512
            disk.seek(446)
            disk.write(struct.pack("<B3xB3xII", 0x80, 0x83, PARTITION_OFFSET // 512, sectors))
            disk.seek(510)
            disk.write(b"\x55\xaa")
        if file_system:
            disk.seek(PARTITION_OFFSET + 0x438)
            disk.write(b"\x53\xef")
            disk.seek(PARTITION_OFFSET + 0x460)
            disk.write(struct.pack("<I", 0x40))  # extents: ext4
        disk.seek(PARTITION_OFFSET + 64 * 1024)
        disk.write(marker)
    return path
