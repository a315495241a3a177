"""FAT12, FAT16, FAT32 and exFAT: the boot sector, and the bit in the table that says how it was left."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.signature import Signature

_BLOCK: Final = struct.Struct("<HBHBHHBHHHII")
_BLOCK_AT: Final = 0x0B
#: Fewest clusters of FAT16 and of FAT32: the number of clusters alone says which it is.
_FAT16_CLUSTERS: Final = 4085
_FAT32_CLUSTERS: Final = 65525
_NO_LABEL: Final = "NO NAME"
_VOLUME_LABEL: Final = 0x08
_ATTRIBUTES: Final = 0x3F


@dataclass(frozen=True)
class _Geometry:
    bits: int
    sector_bytes: int
    fat_at: int
    root_at: int
    root_bytes: int


def look(device: Device) -> Signature | None:
    sector = device.read_at(0, 512)
    if len(sector) < 512 or sector[510:512] != b"\x55\xaa":
        return None
    if sector[3:11] == b"EXFAT   ":
        flags = int.from_bytes(sector[0x6A:0x6C], "little")
        return Signature("exfat", _serial(sector[0x64:0x68]), is_clean=not flags & 2)
    geometry = _geometry(sector)
    if geometry is None:
        return None
    extended = 0x40 if geometry.bits == 32 else 0x24
    label = _root_label(device, geometry) or _text(sector[extended + 7 : extended + 18])
    return Signature(
        "fat", _serial(sector[extended + 3 : extended + 7]) if sector[extended + 2] in {0x28, 0x29} else "",
        "" if label == _NO_LABEL else label, (f"fat{geometry.bits}",), _is_clean(device, geometry),
    )  # fmt: skip


def _geometry(sector: bytes) -> _Geometry | None:
    """None for a boot sector that is none of FAT: every number must be one that a FAT may have."""
    (size, per_cluster, reserved, fats, root_entries, small_count, media, fat_size, _, _, _, count) = (
        _BLOCK.unpack_from(sector, _BLOCK_AT)
    )
    is_sound = (
        size in {512, 1024, 2048, 4096} and per_cluster and not per_cluster & (per_cluster - 1)
        and reserved and fats in {1, 2} and (media == 0xF0 or media >= 0xF8)
    )  # fmt: skip
    fat_sectors = fat_size or int.from_bytes(sector[0x24:0x28], "little")
    if not is_sound or not fat_sectors:
        return None
    root_at = reserved + fats * fat_sectors
    root_sectors = -(-root_entries * 32 // size)
    clusters = ((small_count or count) - root_at - root_sectors) // per_cluster
    if clusters < 1:
        return None
    if not fat_size:
        root_cluster = int.from_bytes(sector[0x2C:0x30], "little")
        root_at += max(0, root_cluster - 2) * per_cluster
        return _Geometry(32, size, reserved * size, root_at * size, per_cluster * size)
    bits = 12 if clusters < _FAT16_CLUSTERS else 16
    return _Geometry(bits, size, reserved * size, root_at * size, root_entries * 32)


def _is_clean(device: Device, geometry: _Geometry) -> bool | None:
    """The second entry's highest bits: whether it was left cleanly. FAT12 has none."""
    entry = device.read_at(geometry.fat_at, 8)
    if geometry.bits == 12 or len(entry) < 8:
        return None
    return bool(entry[3] & 0x80) if geometry.bits == 16 else bool(entry[7] & 0x08)


def _root_label(device: Device, geometry: _Geometry) -> str:
    """The label as an entry of the root directory, which is the one that counts."""
    directory = device.read_at(geometry.root_at, min(geometry.root_bytes, 4096))
    for start in range(0, len(directory) - 31, 32):
        entry = directory[start : start + 32]
        if not entry[0]:
            break
        if entry[0] != 0xE5 and entry[11] & _ATTRIBUTES == _VOLUME_LABEL:
            return _text(entry[:11])
    return ""


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("cp437").rstrip()


def _serial(raw: bytes) -> str:
    number = int.from_bytes(raw, "little")
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}" if number else ""
