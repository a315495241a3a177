"""Partition tables: MBR with its logical partitions, and GPT. What the importers look at first."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from imgmove.sandbox.disks.model import SECTOR_BYTES, DiskReader

EFI_SYSTEM_PARTITION = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_PROTECTIVE = 0xEE
_EXTENDED = (0x05, 0x0F, 0x85)
_MAX_LOGICAL = 60
_MAX_GPT_ENTRIES = 1024
_GPT_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_ENTRY = struct.Struct("<16s16sQQQ72s")


class Scheme(StrEnum):
    """How a disk is divided."""

    MBR = "mbr"
    GPT = "gpt"


@dataclass(frozen=True)
class Partition:
    """One partition. `type` is two hex digits for MBR ("83") and a lower-case GUID for GPT."""

    scheme: Scheme
    number: int
    offset_bytes: int
    size_bytes: int
    type: str
    bootable: bool = False
    name: str = ""

    @property
    def is_efi_system(self) -> bool:
        """Whether firmware looks for UEFI loaders here."""
        return self.type in ("ef", EFI_SYSTEM_PARTITION)


def partitions(reader: DiskReader) -> list[Partition]:
    """The partitions that lie wholly on the disk, by number; empty where there is no usable table (none at all, a bare
    file system, or a GPT of which neither copy has right checksums). Reads some KB, whatever the table claims."""
    sector = reader.read(0, SECTOR_BYTES)
    if len(sector) < SECTOR_BYTES or sector[510:] != b"\x55\xaa":
        return []
    primary = [_mbr_entry(sector, index) for index in range(4)]
    if any(kind == _PROTECTIVE for _, kind, _, _ in primary):
        found = _gpt(reader)
    elif any(flag & 0x7F for flag, _, _, _ in primary):  # no table but a boot sector's code
        found = []
    else:
        found = list(_mbr(reader, primary))
    return [partition for partition in found if _lies_on(reader, partition)]


def _lies_on(reader: DiskReader, partition: Partition) -> bool:
    end = partition.offset_bytes + partition.size_bytes
    return 0 < partition.offset_bytes < end <= reader.virtual_size_bytes


def _mbr_entry(sector: bytes, index: int) -> tuple[int, int, int, int]:
    """(flag, type, first sector, sectors)."""
    flag, kind, first, count = struct.unpack_from("<B3xB3xII", sector, 446 + 16 * index)
    return flag, kind, first, count


def _mbr(reader: DiskReader, entries: list[tuple[int, int, int, int]]) -> Iterator[Partition]:
    for index, (flag, kind, first, count) in enumerate(entries):
        if kind and count:
            yield _mbr_partition(index + 1, flag, kind, first, count)
    for _, kind, first, _ in entries:
        if kind in _EXTENDED:
            yield from _logical(reader, first)
            return


def _mbr_partition(number: int, flag: int, kind: int, first: int, count: int) -> Partition:
    offset, size = first * SECTOR_BYTES, count * SECTOR_BYTES
    return Partition(Scheme.MBR, number, offset, size, f"{kind:02x}", bootable=flag == 0x80)


def _logical(reader: DiskReader, extended: int) -> Iterator[Partition]:
    """Follows the chain of the extended partition: at most _MAX_LOGICAL links, forwards only, so that no loop holds."""
    link = extended
    for number in range(5, 5 + _MAX_LOGICAL):
        sector = reader.read(link * SECTOR_BYTES, SECTOR_BYTES)
        if len(sector) < SECTOR_BYTES or sector[510:] != b"\x55\xaa":
            return
        flag, kind, first, count = _mbr_entry(sector, 0)
        if kind and count:
            yield _mbr_partition(number, flag, kind, link + first, count)
        _, next_kind, next_first, _ = _mbr_entry(sector, 1)
        following = extended + next_first
        if next_kind not in _EXTENDED or following <= link:
            return
        link = following


def _gpt(reader: DiskReader) -> list[Partition]:
    """Primary table, else the one at the disk's end: the first of which both checksums are right."""
    for sector in (1, reader.virtual_size_bytes // SECTOR_BYTES - 1):
        found = _gpt_at(reader, sector)
        if found is not None:
            return found
    return []


def _gpt_at(reader: DiskReader, sector: int) -> list[Partition] | None:
    header = reader.read(sector * SECTOR_BYTES, SECTOR_BYTES)
    if len(header) < SECTOR_BYTES:
        return None
    fields = _GPT_HEADER.unpack_from(header)
    magic, header_bytes, header_crc = fields[0], fields[2], fields[3]
    table_sector, count, entry_bytes, table_crc = fields[10:14]
    if magic != b"EFI PART" or not _GPT_HEADER.size <= header_bytes <= SECTOR_BYTES:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:header_bytes]) != header_crc:
        return None
    if not 0 < count <= _MAX_GPT_ENTRIES or entry_bytes not in (128, 256, 512):
        return None
    table = reader.read(table_sector * SECTOR_BYTES, count * entry_bytes)
    if zlib.crc32(table) != table_crc:
        return None
    return list(_gpt_entries(table, entry_bytes))


def _gpt_entries(table: bytes, entry_bytes: int) -> Iterator[Partition]:
    for number, position in enumerate(range(0, len(table), entry_bytes), start=1):
        kind, _, first, last, attributes, name = _GPT_ENTRY.unpack_from(table, position)
        if any(kind) and first <= last:
            yield Partition(
                Scheme.GPT,
                number,
                first * SECTOR_BYTES,
                (last - first + 1) * SECTOR_BYTES,
                str(uuid.UUID(bytes_le=kind)),
                bootable=bool(attributes & 0b100),
                name=name.decode("utf-16-le", "replace").split("\0")[0],
            )
