"""NTFS: the boot sector, and the record of `$Volume`, which has the label and whether it was unmounted cleanly."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.signature import Signature

_SECTOR: Final = 512
_VOLUME_RECORD: Final = 3
_LABEL_ATTRIBUTE: Final = 0x60
_INFORMATION_ATTRIBUTE: Final = 0x70
_END: Final = 0xFFFFFFFF
_DIRTY: Final = 1
_SIZES: Final = frozenset({512, 1024, 2048, 4096})


def look(device: Device) -> Signature | None:
    sector = device.read_at(0, _SECTOR)
    if len(sector) < _SECTOR or sector[3:11] != b"NTFS    ":
        return None
    serial = f"{int.from_bytes(sector[0x48:0x50], 'little'):016X}"
    attributes = dict(_attributes(_volume_record(device, sector)))
    label = attributes.get(_LABEL_ATTRIBUTE, b"").decode("utf-16-le", "replace")
    information = attributes.get(_INFORMATION_ATTRIBUTE, b"")
    if len(information) < 12:
        return Signature("ntfs", serial, label)
    version, flags = f"{information[8]}.{information[9]}", int.from_bytes(information[10:12], "little")
    return Signature("ntfs", serial, label, (f"version-{version}",), not flags & _DIRTY)


def _volume_record(device: Device, sector: bytes) -> bytes:
    sector_bytes = int.from_bytes(sector[0x0B:0x0D], "little")
    factor = sector[0x0D]
    cluster_bytes = sector_bytes * (factor if factor <= 0x80 else 1 << (256 - factor))
    size = struct.unpack_from("<b", sector, 0x40)[0]
    record_bytes = 1 << -size if -16 < size < 0 else size * cluster_bytes
    if record_bytes not in _SIZES:
        return b""
    at = int.from_bytes(sector[0x30:0x38], "little") * cluster_bytes + _VOLUME_RECORD * record_bytes
    return _mended(device.read_at(at, record_bytes))


def _mended(record: bytes) -> bytes:
    """The last two bytes of each sector are kept in the update sequence, and put back here."""
    if record[:4] != b"FILE":
        return b""
    at, count = struct.unpack_from("<HH", record, 4)
    mended = bytearray(record)
    for index in range(1, count):
        end = index * _SECTOR
        if end <= len(mended) and at + 2 * index + 2 <= len(record):
            mended[end - 2 : end] = record[at + 2 * index : at + 2 * index + 2]
    return bytes(mended)


def _attributes(record: bytes) -> Iterator[tuple[int, bytes]]:
    """The resident attributes, by type."""
    if len(record) < 0x16:
        return
    at = int.from_bytes(record[0x14:0x16], "little")
    while at + 24 <= len(record):
        kind, length, is_elsewhere = struct.unpack_from("<IIB", record, at)
        if kind == _END or length < 24:
            return
        if not is_elsewhere:
            size, start = struct.unpack_from("<IH", record, at + 16)
            yield kind, record[at + start : at + start + min(size, length)]
        at += length
