"""VMDK in one file (VMware's Virtual Disk Format 5.0): monolithicSparse and streamOptimized, recognised and read."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.mapped import MappedReader, Run
from imgmove.sandbox.disks.model import (
    CHUNK_BYTES,
    MAX_VIRTUAL_SIZE_BYTES,
    SECTOR_BYTES,
    DiskError,
    DiskFormat,
    DiskInfo,
    Problem,
    ProblemKind,
    is_zero,
)

MAGIC = b"KDMV"
HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
GRAIN_MARKER = struct.Struct("<QI")
NEWLINE_TEST = b"\n \r\n"
FLAG_NEWLINE_TEST, FLAG_REDUNDANT_TABLE, FLAG_ZERO_GRAINS = 1, 2, 4
FLAG_COMPRESSED, FLAG_MARKERS = 1 << 16, 1 << 17
ZERO_GRAIN = 1

_DEFLATE = 1
_AT_END = (1 << 64) - 1  # the real header is in the footer
_MAX_DESCRIPTOR_BYTES = 64 << 10
_READABLE_TYPES = ("monolithicSparse", "streamOptimized")
_EXTENT_LINE = re.compile(r"^[ \t]*(?:RW|RDONLY|NOACCESS)[ \t]+(\d{1,18})[ \t]+\w", re.MULTILINE)


@dataclass(frozen=True)
class VmdkHeader:
    """The fields of a sparse extent's header that reading needs; sizes and places in bytes."""

    version: int
    flags: int
    virtual_size_bytes: int
    grain_bytes: int
    descriptor_offset: int
    descriptor_bytes: int
    table_entries: int
    directory_offset: int
    compression: int

    @property
    def table_span_bytes(self) -> int:
        """What one grain table covers of the guest's disk."""
        return self.grain_bytes * self.table_entries

    @property
    def directory_entries(self) -> int:
        return -(-self.virtual_size_bytes // self.table_span_bytes)


def _parse(data: bytes) -> VmdkHeader:
    if len(data) < HEADER.size:
        raise DiskError(ProblemKind.TRUNCATED, "the file ends inside the VMDK header")
    _, version, flags, capacity, grain, text, text_sectors, entries, _, directory, _, _, newline, method = (
        HEADER.unpack(data[: HEADER.size])
    )
    if flags & FLAG_NEWLINE_TEST and newline != NEWLINE_TEST:
        raise DiskError(ProblemKind.DAMAGED, "the file was damaged by a transfer as text")
    directory_offset = _AT_END if directory == _AT_END else directory * SECTOR_BYTES
    header = VmdkHeader(
        version,
        flags,
        capacity * SECTOR_BYTES,
        grain * SECTOR_BYTES,
        text * SECTOR_BYTES,
        text_sectors * SECTOR_BYTES,
        entries,
        directory_offset,
        method,
    )
    _check(header)
    return header


def _check(header: VmdkHeader) -> None:
    if not 1 <= header.version <= 3:
        raise DiskError(ProblemKind.UNSUPPORTED, f"VMDK version {header.version}; 1 to 3 are known")
    grain = header.grain_bytes
    if not SECTOR_BYTES <= grain <= CHUNK_BYTES or grain & (grain - 1):
        raise DiskError(ProblemKind.DAMAGED, f"a grain of {grain} bytes; powers of two up to 2 MiB are allowed")
    if not 0 < header.table_entries <= 512:
        raise DiskError(ProblemKind.DAMAGED, f"{header.table_entries} entries in a grain table; 512 are usual")
    if header.virtual_size_bytes > MAX_VIRTUAL_SIZE_BYTES:
        raise DiskError(ProblemKind.DAMAGED, f"a virtual size of {header.virtual_size_bytes} bytes is absurd")


def _header_of(file: ImageFile) -> VmdkHeader:
    """The header; for a stream, whose first header could not know yet where its tables are, the footer."""
    header = _parse(file.head(HEADER.size))
    if header.directory_offset != _AT_END:
        return header
    footer = file.tail(2 * SECTOR_BYTES)[:SECTOR_BYTES]  # the end-of-stream marker stands behind it
    if footer[:4] != MAGIC:
        raise DiskError(ProblemKind.TRUNCATED, "the stream's footer is missing")
    found = _parse(footer)
    if found.directory_offset == _AT_END:
        raise DiskError(ProblemKind.DAMAGED, "the stream's footer does not say where its tables are")
    return found


def probe(file: ImageFile) -> DiskInfo | None:
    """None where the file is no VMDK; raises DiskError where its header is damaged."""
    head = file.head(_MAX_DESCRIPTOR_BYTES)
    if head[:4] == b"COWD":
        problem = Problem(ProblemKind.UNSUPPORTED, "an extent of an old ESX server (COWD)")
        return DiskInfo(DiskFormat.VMDK, 0, "vmfsSparse", (problem,))
    if head.lstrip()[:21].lower() == b"# disk descriptorfile":
        return _descriptor_file(head)
    if head[:4] != MAGIC:
        return None
    header = _header_of(file)
    text = _descriptor(header, file)
    subformat = _value(text, "createType")
    return DiskInfo(
        DiskFormat.VMDK, header.virtual_size_bytes, subformat, tuple(_problems(header, text, subformat, file))
    )


def _descriptor_file(head: bytes) -> DiskInfo:
    text = head.decode("utf-8", "replace")
    sectors = sum(int(match[1]) for match in _EXTENT_LINE.finditer(text))
    problem = Problem(ProblemKind.EXTERNAL_DATA, "only the descriptor of a disk: the data is in other files")
    return DiskInfo(DiskFormat.VMDK, sectors * SECTOR_BYTES, _value(text, "createType"), (problem,))


def _descriptor(header: VmdkHeader, file: ImageFile) -> str:
    """The descriptor's text inside the file; empty where there is none."""
    if not header.descriptor_offset:
        return ""
    length = min(header.descriptor_bytes, _MAX_DESCRIPTOR_BYTES)
    data = file.exactly(header.descriptor_offset, length, "the descriptor")
    return data.split(b"\0")[0].decode("utf-8", "replace")


def _value(text: str, name: str) -> str:
    match = re.search(rf'^[ \t]*{name}[ \t]*=[ \t]*"?([^"\r\n]*)', text, re.MULTILINE | re.IGNORECASE)
    return match[1].strip() if match else ""


def _problems(header: VmdkHeader, text: str, subformat: str, file: ImageFile) -> Iterator[Problem]:
    if not text:
        yield Problem(ProblemKind.EXTERNAL_DATA, "one extent of a disk in several files, without its descriptor")
    elif subformat not in _READABLE_TYPES:
        yield Problem(ProblemKind.UNSUPPORTED, f"VMDK type {subformat or 'unknown'}")
    if _value(text, "parentCID").lower() not in ("", "ffffffff"):
        yield Problem(ProblemKind.BACKING_FILE, "the disk is the difference to a parent disk")
    if len(_EXTENT_LINE.findall(text)) > 1:
        yield Problem(ProblemKind.EXTERNAL_DATA, "the descriptor names several extents")
    if header.flags & FLAG_COMPRESSED and (header.compression != _DEFLATE or not header.flags & FLAG_MARKERS):
        yield Problem(ProblemKind.UNSUPPORTED, "the grains are compressed in an unknown way")
    if header.directory_offset + header.directory_entries * 4 > file.size_bytes:
        yield Problem(ProblemKind.TRUNCATED, "the file ends before its grain directory does")


def _words(data: bytes) -> array[int]:
    words = array("I", data)
    if sys.byteorder == "big":
        words.byteswap()
    return words


class VmdkReader(MappedReader):
    """A monolithicSparse or streamOptimized disk."""

    def __init__(self, file: ImageFile) -> None:
        self._header = header = _header_of(file)
        super().__init__(file, header.virtual_size_bytes, header.grain_bytes)
        length = header.directory_entries * 4
        self._directory = _words(file.table(header.directory_offset, length, "the grain directory"))

    def _runs(self, start: int, end: int) -> Iterator[Run]:
        span = self._header.table_span_bytes
        position = start - start % self.block_bytes
        while position < end:
            stop = min(position - position % span + span, end)
            table = self._grain_table(self._directory[position // span])
            if table is None:
                yield Run(position, stop - position, None)
            else:
                yield from self._table_runs(table, position, stop)
            position = stop

    def _grain_table(self, sector: int) -> array[int] | None:
        """The grain table, or None where it is missing or has nothing: told without looking at each entry."""
        if not sector:
            return None
        length = self._header.table_entries * 4
        self._charge(length)
        table = self.file.exactly(sector * SECTOR_BYTES, length, "a grain table")
        return None if is_zero(table) else _words(table)

    def _table_runs(self, table: array[int], start: int, end: int) -> Iterator[Run]:
        grain = self.block_bytes
        has_zero_grains = bool(self._header.flags & FLAG_ZERO_GRAINS)
        packed = 2 * grain + SECTOR_BYTES if self._header.flags & FLAG_COMPRESSED else 0
        first = start // grain % len(table)
        for index in range(first, first + -(-(end - start) // grain)):
            position, entry = start + (index - first) * grain, table[index]
            if entry == 0 or (has_zero_grains and entry == ZERO_GRAIN):
                yield Run(position, grain, None)
            else:
                yield Run(position, grain, entry * SECTOR_BYTES, packed)

    def _unpack(self, run: Run, host: int) -> bytes:
        marker = self.file.exactly(host, GRAIN_MARKER.size, "a compressed grain")
        sector, length = GRAIN_MARKER.unpack(marker)
        if not 0 < length <= run.packed:
            raise DiskError(ProblemKind.DAMAGED, f"a compressed grain at {host} with {length} bytes")
        if sector * SECTOR_BYTES != run.offset:
            raise DiskError(ProblemKind.DAMAGED, f"the grain at {host} belongs to another place")
        data = self.file.exactly(host + GRAIN_MARKER.size, length, "a compressed grain")
        try:
            grain = zlib.decompressobj().decompress(data, self.block_bytes)
        except zlib.error as error:
            raise DiskError(ProblemKind.DAMAGED, f"a compressed grain at {host}: {error}") from error
        if run.offset + len(grain) < min(run.offset + self.block_bytes, self.virtual_size_bytes):
            raise DiskError(ProblemKind.DAMAGED, f"the compressed grain at {host} is too short")
        return grain
