"""The GUID partition table: the primary one, or its copy at the end of the disk; checksums are checked."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.layout import Partition
from imgmove.images.reading.device import Device
from imgmove.images.reading.partition_types import GPT_ROLES

_SIGNATURE: Final = b"EFI PART"
_HEADER: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
SECTOR_SIZES: Final = (512, 4096)
#: No tool makes more or larger entries; 128 of 128 bytes are the rule.
_MOST_ENTRIES: Final = 1024
_MOST_ENTRY_BYTES: Final = 4096
_LEGACY_BOOTABLE: Final = 1 << 2


@dataclass(frozen=True)
class Gpt:
    sector_bytes: int
    partitions: tuple[Partition, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    partitions: tuple[Partition, ...] | None
    problem: str = ""
    """What is wrong; empty where nothing is, or where there is no table at all."""


def read_gpt(device: Device, *, is_announced: bool) -> Gpt | None:
    """The table, None where there is none. The disk's end is read only where the MBR announces a GPT
    (`is_announced`), or the primary table is damaged: for an archive the end is far away."""
    for sector_bytes in SECTOR_SIZES:
        primary = _table(device, sector_bytes, sector_bytes)
        if primary.partitions is not None:
            return Gpt(sector_bytes, primary.partitions, tuple(filter(None, [primary.problem])))
        if primary.problem:
            return _copy(device, (sector_bytes,), primary.problem)
    return _copy(device, SECTOR_SIZES, "its first header is missing") if is_announced else None


def _copy(device: Device, sector_sizes: tuple[int, ...], problem: str) -> Gpt:
    """The table at the end of the disk, in place of a primary one that cannot be read."""
    problem = f"the GPT is damaged: {problem}"
    for sector_bytes in sector_sizes:
        copy = _table(device, sector_bytes, device.size_bytes // sector_bytes * sector_bytes - sector_bytes)
        if copy.partitions is not None:
            return Gpt(sector_bytes, copy.partitions, (f"{problem}; its copy at the end of the disk is whole",))
    return Gpt(sector_sizes[0], (), (f"{problem}; its copy at the end of the disk is damaged or missing",))


def _table(device: Device, sector_bytes: int, offset: int) -> _Found:
    raw = device.read_at(offset, sector_bytes)
    if len(raw) < sector_bytes or raw[:8] != _SIGNATURE:
        return _Found(None)
    fields = _HEADER.unpack_from(raw)
    header_bytes, checksum = fields[2], fields[3]
    entries_at, count, entry_bytes, entries_checksum = fields[10:14]
    if not _HEADER.size <= header_bytes <= sector_bytes:
        return _Found(None, f"a header of {header_bytes} bytes")
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:header_bytes]) != checksum:
        return _Found(None, "the checksum of its header is wrong")
    if count > _MOST_ENTRIES or not _ENTRY.size <= entry_bytes <= _MOST_ENTRY_BYTES:
        return _Found(None, f"{count} entries of {entry_bytes} bytes")
    entries = device.read_at(entries_at * sector_bytes, count * entry_bytes)
    if zlib.crc32(entries) != entries_checksum:
        return _Found(None, "the checksum of its entries is wrong")
    numbered = [(index + 1, entries[index * entry_bytes :][: _ENTRY.size]) for index in range(count)]
    return _Found(tuple(_partition(number, entry, sector_bytes) for number, entry in numbered if any(entry[:16])))


def _partition(number: int, entry: bytes, sector_bytes: int) -> Partition:
    kind, unique, first, last, attributes, name = _ENTRY.unpack(entry)
    guid = str(uuid.UUID(bytes_le=kind))
    return Partition(
        number=number,
        offset_bytes=first * sector_bytes,
        size_bytes=max(0, last + 1 - first) * sector_bytes,
        type=guid,
        role=GPT_ROLES.get(guid, ""),
        name=name.decode("utf-16-le", "replace").split("\0")[0],
        uuid=str(uuid.UUID(bytes_le=unique)),
        is_active=bool(attributes & _LEGACY_BOOTABLE),
    )
