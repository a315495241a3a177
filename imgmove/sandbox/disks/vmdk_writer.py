"""Writing VMDK as monolithicSparse: descriptor and tables in front, grains behind in the order of the disk."""

from __future__ import annotations

import os
import struct

from imgmove.sandbox.disks.identity import Identity
from imgmove.sandbox.disks.model import SECTOR_BYTES, DiskWriter, round_up
from imgmove.sandbox.disks.raw import write_at
from imgmove.sandbox.disks.vmdk import (
    FLAG_NEWLINE_TEST,
    FLAG_REDUNDANT_TABLE,
    HEADER,
    MAGIC,
    NEWLINE_TEST,
)

_GRAIN = 64 << 10
_TABLE_ENTRIES = 512
_TABLE_BYTES = _TABLE_ENTRIES * 4
_TABLE_SPAN = _TABLE_ENTRIES * _GRAIN
_DESCRIPTOR_SECTORS = 20

_DESCRIPTOR = """# Disk DescriptorFile
version=1
CID={content_id:08x}
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW {sectors} SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "16"
ddb.geometry.sectors = "63"
ddb.adapterType = "ide"
"""


class VmdkWriter(DiskWriter):
    """All grain tables have their place from the start, twice, as VMware has it; empty ones stay holes in the file."""

    granule_bytes = _GRAIN
    subformat = "monolithicSparse"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = round_up(size_bytes, SECTOR_BYTES)
        self._tables = -(-self.virtual_size_bytes // _TABLE_SPAN)
        directory_bytes = round_up(self._tables * 4, SECTOR_BYTES)
        self._directories = [(1 + _DESCRIPTOR_SECTORS) * SECTOR_BYTES]
        self._directories.append(self._directories[0] + directory_bytes + self._tables * _TABLE_BYTES)
        self._first_table = directory_bytes  # behind its directory
        tables_end = self._directories[1] + directory_bytes + self._tables * _TABLE_BYTES
        self._data_offset = self._end = round_up(tables_end, _GRAIN)
        self._identity = Identity("vmdk", self.virtual_size_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        self._identity.add(data)
        write_at(self._descriptor, self._end, data)
        start = 0
        while start < len(data):  # a piece for each grain table
            table, inside = divmod(offset + start, _TABLE_SPAN)
            length = min(len(data) - start, _TABLE_SPAN - inside)
            self._enter(table, inside // _GRAIN, self._end + start, length // _GRAIN)
            start += length
        self._end += len(data)

    def finish(self) -> None:
        for directory in self._directories:
            first = directory + self._first_table
            sectors = [(first + table * _TABLE_BYTES) // SECTOR_BYTES for table in range(self._tables)]
            write_at(self._descriptor, directory, struct.pack(f"<{self._tables}I", *sectors))
        write_at(self._descriptor, SECTOR_BYTES, self._descriptor_text())
        write_at(self._descriptor, 0, self._header())
        os.ftruncate(self._descriptor, self._end)

    def _enter(self, table: int, first: int, host: int, grains: int) -> None:
        sectors = [(host + grain * _GRAIN) // SECTOR_BYTES for grain in range(grains)]
        entries = struct.pack(f"<{grains}I", *sectors)
        for directory in self._directories:
            place = directory + self._first_table + table * _TABLE_BYTES + first * 4
            write_at(self._descriptor, place, entries)

    def _descriptor_text(self) -> bytes:
        sectors = self.virtual_size_bytes // SECTOR_BYTES
        text = _DESCRIPTOR.format(
            content_id=self._identity.uuid().fields[0] or 1, sectors=sectors, cylinders=sectors // (16 * 63)
        )
        return text.encode("ascii").ljust(_DESCRIPTOR_SECTORS * SECTOR_BYTES, b"\0")

    def _header(self) -> bytes:
        redundant, primary = (offset // SECTOR_BYTES for offset in self._directories)
        return HEADER.pack(
            *(MAGIC, 1, FLAG_NEWLINE_TEST | FLAG_REDUNDANT_TABLE, self.virtual_size_bytes // SECTOR_BYTES),
            *(_GRAIN // SECTOR_BYTES, 1, _DESCRIPTOR_SECTORS, _TABLE_ENTRIES, redundant, primary),
            *(self._data_offset // SECTOR_BYTES, 0, NEWLINE_TEST, 0),
        )
