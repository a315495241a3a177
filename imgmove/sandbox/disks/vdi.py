"""VDI (VirtualBox): header, what speaks against a disk, reading and writing it."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from imgmove.sandbox.disks.identity import Identity
from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.mapped import MappedReader, Run
from imgmove.sandbox.disks.model import (
    MAX_VIRTUAL_SIZE_BYTES,
    SECTOR_BYTES,
    DiskError,
    DiskFormat,
    DiskInfo,
    DiskWriter,
    Problem,
    ProblemKind,
    round_up,
)
from imgmove.sandbox.disks.raw import write_at

SIGNATURE = b"\x7f\x10\xda\xbe"
_HEADER = struct.Struct("<64s4sIIII256sIIIIIIIQIIII16s16s16s16s")
_VERSION = 0x0001_0001
_DYNAMIC, _FIXED = 1, 2
_NOT_ALLOCATED, _DISCARDED = 0xFFFF_FFFF, 0xFFFF_FFFE
_SUBFORMATS = {_DYNAMIC: "dynamic", _FIXED: "fixed"}
_BLOCK = 1 << 20
_BLOCK_TABLE_OFFSET = 512


@dataclass(frozen=True)
class VdiHeader:
    """The fields that reading needs."""

    image_type: int
    table_offset: int
    data_offset: int
    virtual_size_bytes: int
    block_bytes: int
    blocks: int
    has_parent: bool


def _parse(data: bytes) -> VdiHeader:
    if len(data) < _HEADER.size:
        raise DiskError(ProblemKind.TRUNCATED, "the file ends inside the VDI header")
    fields = _HEADER.unpack_from(data)
    version, image_type, table, start = fields[2], fields[4], fields[7], fields[8]
    size, block, extra, blocks, link, parent = (fields[index] for index in (14, 15, 16, 17, 21, 22))
    if version != _VERSION:
        raise DiskError(ProblemKind.UNSUPPORTED, f"VDI version {version >> 16}.{version & 0xFFFF}; 1.1 is known")
    header = VdiHeader(image_type, table, start, size, block, blocks, any(link) or any(parent))
    if extra or not _sane(header):
        raise DiskError(ProblemKind.DAMAGED, "the VDI header's sizes do not fit together")
    return header


def _sane(header: VdiHeader) -> bool:
    block = header.block_bytes
    return (
        header.virtual_size_bytes <= MAX_VIRTUAL_SIZE_BYTES
        and 4096 <= block <= 64 << 20
        and block & (block - 1) == 0
        and header.blocks * block >= header.virtual_size_bytes
    )


def probe(file: ImageFile) -> DiskInfo | None:
    """None where the file is no VDI; raises DiskError where its header is damaged."""
    head = file.head(_HEADER.size)
    if head[64:68] != SIGNATURE:
        return None
    header = _parse(head)
    size = round_up(header.virtual_size_bytes, SECTOR_BYTES)
    subformat = _SUBFORMATS.get(header.image_type, f"type {header.image_type}")
    return DiskInfo(DiskFormat.VDI, size, subformat, tuple(_problems(header, file)))


def _problems(header: VdiHeader, file: ImageFile) -> Iterator[Problem]:
    if header.image_type not in _SUBFORMATS:
        yield Problem(ProblemKind.UNSUPPORTED, f"VDI type {header.image_type}; dynamic and fixed are known")
    if header.has_parent:
        yield Problem(ProblemKind.BACKING_FILE, "the image is the difference to a parent image")
    if header.table_offset + header.blocks * 4 > file.size_bytes:
        yield Problem(ProblemKind.TRUNCATED, "the file ends before its block map does")


class VdiReader(MappedReader):
    """A dynamic or fixed image."""

    def __init__(self, file: ImageFile) -> None:
        header = _parse(file.head(_HEADER.size))
        super().__init__(file, round_up(header.virtual_size_bytes, SECTOR_BYTES), header.block_bytes)
        self._data_offset = header.data_offset
        self._table = array("I", file.table(header.table_offset, header.blocks * 4, "the block map"))
        if sys.byteorder == "big":
            self._table.byteswap()

    def _runs(self, start: int, end: int) -> Iterator[Run]:
        block = self.block_bytes
        for index in range(start // block, -(-end // block)):
            entry = self._table[index]
            host = None if entry in (_NOT_ALLOCATED, _DISCARDED) else self._data_offset + entry * block
            yield Run(index * block, block, host)


class VdiWriter(DiskWriter):
    """A dynamic image in blocks of 1 MiB, in the order of the disk."""

    granule_bytes = _BLOCK
    subformat = "dynamic"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = round_up(size_bytes, SECTOR_BYTES)
        self._table = [_NOT_ALLOCATED] * -(-size_bytes // _BLOCK)
        self._data_offset = round_up(_BLOCK_TABLE_OFFSET + len(self._table) * 4, SECTOR_BYTES)
        self._blocks = 0
        self._identity = Identity("vdi", self.virtual_size_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        self._identity.add(data)
        write_at(self._descriptor, self._data_offset + self._blocks * _BLOCK, data)
        for index in range(offset // _BLOCK, (offset + len(data)) // _BLOCK):
            self._table[index] = self._blocks
            self._blocks += 1

    def finish(self) -> None:
        text = b"<<< Oracle VM VirtualBox Disk Image >>>\n"
        identity = self._identity.uuid()
        header = _HEADER.pack(
            *(text, SIGNATURE, _VERSION, _HEADER.size - 72, _DYNAMIC, 0, b"", _BLOCK_TABLE_OFFSET),
            *(self._data_offset, 0, 0, 0, SECTOR_BYTES, 0, self.virtual_size_bytes, _BLOCK, 0),
            *(len(self._table), self._blocks, identity.bytes_le, bytes(16), bytes(16), bytes(16)),
        )
        table = struct.pack(f"<{len(self._table)}I", *self._table)
        start = header.ljust(_BLOCK_TABLE_OFFSET, b"\0") + table
        write_at(self._descriptor, 0, start.ljust(self._data_offset, b"\0"))
