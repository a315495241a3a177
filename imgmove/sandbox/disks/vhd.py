"""VHD (Microsoft's Virtual Hard Disk Image Format 1.0): footer, header, what speaks against a disk, and reading it."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.mapped import MappedReader, Run
from imgmove.sandbox.disks.model import (
    MAX_VIRTUAL_SIZE_BYTES,
    SECTOR_BYTES,
    DiskError,
    DiskFormat,
    DiskInfo,
    DiskReader,
    Problem,
    ProblemKind,
    round_up,
)
from imgmove.sandbox.disks.raw import RawReader

FOOTER_MAGIC = b"conectix"
HEADER_MAGIC = b"cxsparse"
FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
HEADER = struct.Struct(">8sQQIIII16sII512s192s256x")
FOOTER_CHECKSUM_OFFSET = 64
HEADER_CHECKSUM_OFFSET = 36
UNALLOCATED = 0xFFFF_FFFF
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4

_MAX_GEOMETRY_SECTORS = 65535 * 16 * 255
# Virtual PC and old QEMU let the geometry decide on the size; everybody else writes the size itself.
_GEOMETRY_DECIDES = (b"vpc ", b"vs  ", b"qemu")


@dataclass(frozen=True)
class VhdFooter:
    """The fields of a footer that reading needs."""

    header_offset: int
    current_size_bytes: int
    geometry_sectors: int
    disk_type: int
    creator: bytes
    checksum_right: bool

    @property
    def virtual_size_bytes(self) -> int:
        """As QEMU decides it: by geometry for creators that round to it, unless the geometry is at its end."""
        if self.creator in _GEOMETRY_DECIDES and self.geometry_sectors < _MAX_GEOMETRY_SECTORS:
            return self.geometry_sectors * SECTOR_BYTES
        return round_up(self.current_size_bytes, SECTOR_BYTES)


@dataclass(frozen=True)
class VhdHeader:
    """The fields of a dynamic disk's header that reading needs."""

    table_offset: int
    max_table_entries: int
    block_bytes: int
    checksum_right: bool

    @property
    def bitmap_bytes(self) -> int:
        """What stands before each block's data: a bit for each sector, in whole sectors."""
        return round_up(self.block_bytes // SECTOR_BYTES // 8, SECTOR_BYTES)


def checksum(structure: bytes, checksum_offset: int) -> int:
    """One's complement of the sum of all bytes but the checksum's own."""
    return ~(sum(structure) - sum(structure[checksum_offset : checksum_offset + 4])) & 0xFFFF_FFFF


def _parse_footer(data: bytes) -> VhdFooter | None:
    if len(data) < FOOTER.size or data[:8] != FOOTER_MAGIC:
        return None
    fields = FOOTER.unpack(data)
    header_offset, creator, size, cylinders, heads, sectors, disk_type, stored = (
        fields[index] for index in (3, 5, 9, 10, 11, 12, 13, 14)
    )
    right = stored == checksum(data, FOOTER_CHECKSUM_OFFSET)
    return VhdFooter(header_offset, size, cylinders * heads * sectors, disk_type, creator, right)


def _parse_header(data: bytes) -> VhdHeader:
    fields = HEADER.unpack(data)
    header = VhdHeader(fields[2], fields[4], fields[5], fields[6] == checksum(data, HEADER_CHECKSUM_OFFSET))
    if fields[0] != HEADER_MAGIC:
        raise DiskError(ProblemKind.DAMAGED, "the dynamic disk's header is missing")
    block = header.block_bytes
    if not SECTOR_BYTES <= block <= 1 << 28 or block & (block - 1):
        raise DiskError(ProblemKind.DAMAGED, f"a block size of {block} bytes; powers of two from 512 are allowed")
    return header


def _footer_of(file: ImageFile) -> VhdFooter | None:
    """A dynamic disk starts with a copy of its footer; a fixed one, and a dynamic one cut at its start, only ends."""
    return _parse_footer(file.head(FOOTER.size)) or _parse_footer(file.tail(FOOTER.size))


def probe(file: ImageFile) -> DiskInfo | None:
    """None where the file is no VHD; raises DiskError where its header is damaged."""
    footer = _footer_of(file)
    if footer is None:
        return None
    size = footer.virtual_size_bytes
    if size > MAX_VIRTUAL_SIZE_BYTES:
        raise DiskError(ProblemKind.DAMAGED, f"a virtual size of {size} bytes is absurd")
    problems = [] if footer.checksum_right else [Problem(ProblemKind.DAMAGED, "the footer's checksum is wrong")]
    if footer.disk_type == FIXED:
        problems += _fixed_problems(footer, file)
        return DiskInfo(DiskFormat.VHD, size, "fixed", tuple(problems))
    if footer.disk_type == DYNAMIC:
        problems += _dynamic_problems(footer, file)
        return DiskInfo(DiskFormat.VHD, size, "dynamic", tuple(problems))
    if footer.disk_type == DIFFERENCING:
        problems.append(Problem(ProblemKind.BACKING_FILE, "the disk is the difference to a parent disk"))
        return DiskInfo(DiskFormat.VHD, size, "differencing", tuple(problems))
    raise DiskError(ProblemKind.DAMAGED, f"disk type {footer.disk_type}; 2, 3 and 4 are known")


def _fixed_problems(footer: VhdFooter, file: ImageFile) -> Iterator[Problem]:
    if footer.virtual_size_bytes > file.size_bytes - FOOTER.size:
        yield Problem(ProblemKind.TRUNCATED, "the file is smaller than the disk")


def _dynamic_problems(footer: VhdFooter, file: ImageFile) -> Iterator[Problem]:
    header = _parse_header(file.exactly(footer.header_offset, HEADER.size, "the dynamic disk's header"))
    table_bytes, size = header.max_table_entries * 4, footer.virtual_size_bytes
    covered = header.max_table_entries * header.block_bytes
    if not header.checksum_right:
        yield Problem(ProblemKind.DAMAGED, "the header's checksum is wrong")
    if header.table_offset + table_bytes > file.size_bytes:
        yield Problem(ProblemKind.TRUNCATED, "the file ends before its block allocation table does")
    if covered < size:
        yield Problem(ProblemKind.DAMAGED, f"the block allocation table covers {covered} bytes of {size}")
    if covered != size:
        yield Problem(ProblemKind.VHD_SIZE, f"MaxTableEntries x BlockSize is {covered}, the size {size}")
    if file.tail(FOOTER.size)[:8] != FOOTER_MAGIC:
        yield Problem(ProblemKind.TRUNCATED, "the footer at the end of the file is missing")


def open_vhd(file: ImageFile) -> DiskReader:
    """The reader for a disk in which `probe` saw nothing that prevents reading."""
    footer = _footer_of(file)
    if footer is None:
        raise DiskError(ProblemKind.DAMAGED, "not a VHD: there is no footer")
    if footer.disk_type == FIXED:
        return RawReader(file, footer.virtual_size_bytes)
    return DynamicVhdReader(file, footer)


class DynamicVhdReader(MappedReader):
    """A dynamic disk. As QEMU does, it takes the data of allocated blocks as it is and leaves their bitmaps aside."""

    def __init__(self, file: ImageFile, footer: VhdFooter) -> None:
        header = _parse_header(file.exactly(footer.header_offset, HEADER.size, "the dynamic disk's header"))
        super().__init__(file, footer.virtual_size_bytes, header.block_bytes)
        table = file.table(header.table_offset, header.max_table_entries * 4, "the block allocation table")
        self._bitmap_bytes = header.bitmap_bytes
        self._table = array("I", table)
        if sys.byteorder == "little":
            self._table.byteswap()

    def _runs(self, start: int, end: int) -> Iterator[Run]:
        block = self.block_bytes
        for index in range(start // block, -(-end // block)):
            entry = self._table[index]
            host = None if entry == UNALLOCATED else entry * SECTOR_BYTES + self._bitmap_bytes
            yield Run(index * block, block, host)
