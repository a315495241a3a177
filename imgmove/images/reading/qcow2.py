"""The disk in a qcow2, with compressed clusters and extended L2 entries. Guarded before: it has no other files.

Own code, because libqcow gives wrong data for compressed clusters and knows neither zstd nor extended L2 entries.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from imgmove.images.reading.device import Device, DeviceError, clipped, read_exactly

_HEADER: Final = struct.Struct(">4sIQIIQIIQ")
_V3: Final = struct.Struct(">Q")
_V3_OFFSET: Final = 72
_COMPRESSION_OFFSET: Final = 104
_OFFSET_MASK: Final = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED: Final = 1 << 62
_ZERO: Final = 1
_COMPRESSION_FEATURE: Final = 8
_WIDE_FEATURE: Final = 16
#: Dirty refcounts do not matter to who only reads.
_READABLE: Final = 1 | _COMPRESSION_FEATURE | _WIDE_FEATURE
_SUBCLUSTERS: Final = 32
#: Inflated clusters that are kept: file systems are read in pieces that are smaller than a cluster.
_KEPT_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class _Run:
    """Bytes of the disk in one piece: at `offset` of the file (None: zeros), or `offset` bytes into a compressed cluster."""

    length: int
    offset: int | None = None
    packed: int = 0
    """The L2 entry of a compressed cluster."""


class Qcow2:
    """The disk in `file`."""

    def __init__(self, file: Device) -> None:
        self._file = file
        _, version, _, _, self._cluster_bits, self.size_bytes, _, self._l1_entries, self._l1_offset = _HEADER.unpack(
            read_exactly(file, 0, _HEADER.size, "the qcow2 header")
        )
        features = 0
        if version >= 3:
            features = _V3.unpack(read_exactly(file, _V3_OFFSET, _V3.size, "the qcow2 header"))[0]
        if features & ~_READABLE or not 9 <= self._cluster_bits <= 21:
            raise DeviceError(f"a qcow2 with features or clusters that nobody knows ({features:#x})")
        self._is_wide = bool(features & _WIDE_FEATURE)
        self._is_zstd = bool(features & _COMPRESSION_FEATURE) and file.read_at(_COMPRESSION_OFFSET, 1) == b"\1"
        self._inflated: OrderedDict[int, bytes] = OrderedDict()

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        return b"".join(self._data(run) for run in _joined(self._runs(offset, length)))

    def _data(self, run: _Run) -> bytes:
        if run.packed:
            start = run.offset or 0
            return self._cluster(run.packed)[start : start + run.length]
        if run.offset is None:
            return bytes(run.length)
        # The last cluster of a file may be cut short where the disk ends within it.
        return self._file.read_at(run.offset, run.length).ljust(run.length, b"\0")

    # ---------------------------------------------------------------------------------------------------- tables

    def _runs(self, offset: int, length: int) -> Iterator[_Run]:
        cluster_bytes = 1 << self._cluster_bits
        while length > 0:
            within = offset & (cluster_bytes - 1)
            piece = min(length, cluster_bytes - within)
            yield from self._cluster_runs(offset >> self._cluster_bits, within, piece)
            offset += piece
            length -= piece

    def _cluster_runs(self, cluster: int, within: int, length: int) -> Iterator[_Run]:
        entry, bitmap = self._entry(cluster)
        if entry & _COMPRESSED:
            yield _Run(length, within, entry)
        elif self._is_wide:
            yield from self._subcluster_runs(entry & _OFFSET_MASK, bitmap, within, length)
        elif entry & _OFFSET_MASK and not entry & _ZERO:
            yield _Run(length, (entry & _OFFSET_MASK) + within)
        else:
            yield _Run(length)

    def _subcluster_runs(self, host: int, bitmap: int, within: int, length: int) -> Iterator[_Run]:
        """32 bits say which subclusters are there; the others, of zeros or nothing, are zeros without a backing file."""
        step = (1 << self._cluster_bits) // _SUBCLUSTERS
        while length > 0:
            piece = min(length, step - within % step)
            is_there = host and bitmap >> (within // step) & 1
            yield _Run(piece, host + within if is_there else None)
            within += piece
            length -= piece

    def _entry(self, cluster: int) -> tuple[int, int]:
        entry_bytes = 16 if self._is_wide else 8
        index, position = divmod(cluster, (1 << self._cluster_bits) // entry_bytes)
        if index >= self._l1_entries:
            raise DeviceError("the L1 table is shorter than the disk")
        table = int.from_bytes(read_exactly(self._file, self._l1_offset + 8 * index, 8, "the L1 table"), "big")
        table &= _OFFSET_MASK
        if not table:
            return 0, 0
        raw = read_exactly(self._file, table + entry_bytes * position, entry_bytes, "an L2 table")
        return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")

    # ------------------------------------------------------------------------------------------- compressed clusters

    def _cluster(self, entry: int) -> bytes:
        found = self._inflated.get(entry)
        if found is None:
            found = self._inflated[entry] = self._inflate(entry)
            while len(self._inflated) << self._cluster_bits > _KEPT_BYTES:
                self._inflated.popitem(last=False)
        return found

    def _inflate(self, entry: int) -> bytes:
        """`62 - (cluster_bits - 8)` bits of offset, and above them the number of 512-byte sectors after the first."""
        offset_bits = 62 - (self._cluster_bits - 8)
        offset = entry & ((1 << offset_bits) - 1)
        sectors = (entry & (_COMPRESSED - 1)) >> offset_bits
        packed = self._file.read_at(offset, (sectors + 1) * 512 - offset % 512)
        cluster_bytes = 1 << self._cluster_bits
        data = _unzstd(packed, cluster_bytes) if self._is_zstd else _inflated(packed, cluster_bytes)
        if len(data) != cluster_bytes:
            raise DeviceError("a compressed cluster of the qcow2 is damaged")
        return data


def _inflated(packed: bytes, cluster_bytes: int) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(packed, cluster_bytes)
    except zlib.error:
        return b""


def _unzstd(packed: bytes, cluster_bytes: int) -> bytes:
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
            return stream.read(cluster_bytes)
    except zstandard.ZstdError:
        return b""


def _joined(runs: Iterator[_Run]) -> Iterator[_Run]:
    """Runs that follow each other in the file as one, so that they are fetched as one."""
    last: _Run | None = None
    for run in runs:
        if last is not None and _follows(last, run):
            last = replace(last, length=last.length + run.length)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _follows(last: _Run, run: _Run) -> bool:
    if last.packed or run.packed:
        return False
    return run.offset is None if last.offset is None else run.offset == last.offset + last.length
