"""qcow2, versions 2 and 3: the header, what speaks against an image, and reading it (docs/interop/qcow2 of QEMU)."""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.mapped import MappedReader, Run
from imgmove.sandbox.disks.model import (
    MAX_VIRTUAL_SIZE_BYTES,
    DiskError,
    DiskFormat,
    DiskInfo,
    Problem,
    ProblemKind,
    is_zero,
)

MAGIC = b"QFI\xfb"
HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
HEADER_V3 = struct.Struct(">QQQII")
OFFSET_MASK = 0x00FF_FFFF_FFFF_FE00
COPIED = 1 << 63
COMPRESSED = 1 << 62
ZERO_CLUSTER = 1

_CLUSTER_BITS = range(9, 22)
_MAX_L1_BYTES = 32 << 20  # QEMU's own limit
_INCOMPATIBLE = (
    (0, ProblemKind.UNCLEAN, "the image was not closed cleanly (dirty bit)"),
    (1, ProblemKind.DAMAGED, "the image is marked as corrupt"),
    (2, ProblemKind.EXTERNAL_DATA, "the data is in another file"),
    (3, ProblemKind.UNSUPPORTED, "the clusters are compressed with zstd"),
    (4, ProblemKind.UNSUPPORTED, "the image has subclusters (extended L2 entries)"),
)


@dataclass(frozen=True)
class Qcow2Header:
    """The fields that reading needs."""

    version: int
    virtual_size_bytes: int
    cluster_bits: int
    l1_offset: int
    l1_entries: int
    backing_file_offset: int
    crypt_method: int
    incompatible: int

    @property
    def cluster_bytes(self) -> int:
        return 1 << self.cluster_bits

    @property
    def l2_span_bytes(self) -> int:
        """What one L2 table covers of the guest's disk."""
        return self.cluster_bytes * (self.cluster_bytes // 8)


def parse_header(data: bytes) -> Qcow2Header:
    """Raises DiskError where the header cannot be that of a qcow2 image."""
    if len(data) < HEADER.size:
        raise DiskError(ProblemKind.TRUNCATED, "the file ends inside the qcow2 header")
    _, version, backing, _, cluster_bits, size, crypt, l1_entries, l1_offset = HEADER.unpack_from(data)[:9]
    if version not in (2, 3):
        raise DiskError(ProblemKind.UNSUPPORTED, f"qcow version {version}; 2 and 3 are known")
    incompatible = 0
    if version == 3:
        if len(data) < HEADER.size + HEADER_V3.size:
            raise DiskError(ProblemKind.TRUNCATED, "the file ends inside the qcow2 header")
        incompatible = HEADER_V3.unpack_from(data, HEADER.size)[0]
    header = Qcow2Header(version, size, cluster_bits, l1_offset, l1_entries, backing, crypt, incompatible)
    _check(header)
    return header


def _check(header: Qcow2Header) -> None:
    if header.cluster_bits not in _CLUSTER_BITS:
        raise DiskError(ProblemKind.DAMAGED, f"cluster size 2^{header.cluster_bits}; 2^9 to 2^21 are allowed")
    if header.virtual_size_bytes > MAX_VIRTUAL_SIZE_BYTES:
        raise DiskError(ProblemKind.DAMAGED, f"a virtual size of {header.virtual_size_bytes} bytes is absurd")
    needed = -(-header.virtual_size_bytes // header.l2_span_bytes)
    if header.l1_entries < needed:
        raise DiskError(ProblemKind.DAMAGED, f"the L1 table has {header.l1_entries} entries of {needed}")
    if header.l1_entries * 8 > _MAX_L1_BYTES:
        raise DiskError(ProblemKind.DAMAGED, f"an L1 table of {header.l1_entries} entries is too large")
    if header.l1_offset % header.cluster_bytes:
        raise DiskError(ProblemKind.DAMAGED, "the L1 table does not start at a cluster")


def probe(file: ImageFile) -> DiskInfo | None:
    """None where the file is no qcow2; raises DiskError where its header is damaged."""
    head = file.head(HEADER.size + HEADER_V3.size)
    if head[:4] != MAGIC:
        return None
    header = parse_header(head)
    return DiskInfo(DiskFormat.QCOW2, header.virtual_size_bytes, f"v{header.version}", tuple(_problems(header, file)))


def _problems(header: Qcow2Header, file: ImageFile) -> Iterator[Problem]:
    if header.backing_file_offset:
        yield Problem(ProblemKind.BACKING_FILE, "the image needs a backing file")
    if header.crypt_method:
        yield Problem(ProblemKind.ENCRYPTED, "the image is encrypted")
    known = 0
    for bit, kind, message in _INCOMPATIBLE:
        known |= 1 << bit
        if header.incompatible >> bit & 1:
            yield Problem(kind, message)
    if header.incompatible & ~known:
        features = header.incompatible & ~known
        yield Problem(ProblemKind.UNSUPPORTED, f"the image has unknown incompatible features ({features:#x})")
    if header.l1_offset + header.l1_entries * 8 > file.size_bytes:
        yield Problem(ProblemKind.TRUNCATED, "the file ends before its L1 table does")


def _table(data: bytes) -> array[int]:
    entries = array("Q", data)
    if sys.byteorder == "little":
        entries.byteswap()
    return entries


class Qcow2Reader(MappedReader):
    """The active state of an image, without its internal snapshots."""

    def __init__(self, file: ImageFile) -> None:
        self._header = header = parse_header(file.head(HEADER.size + HEADER_V3.size))
        super().__init__(file, header.virtual_size_bytes, header.cluster_bytes)
        self._l1 = _table(file.table(header.l1_offset, header.l1_entries * 8, "the L1 table"))

    def _runs(self, start: int, end: int) -> Iterator[Run]:
        span = self._header.l2_span_bytes
        position = start - start % self.block_bytes
        while position < end:
            stop = min(position - position % span + span, end)
            entries = self._l2(self._l1[position // span])
            if entries is None:
                yield Run(position, stop - position, None)
            else:
                yield from self._l2_runs(entries, position, stop)
            position = stop

    def _l2(self, l1_entry: int) -> array[int] | None:
        """The L2 table, or None where it has nothing."""
        offset = l1_entry & OFFSET_MASK
        if offset == 0:
            return None
        self._must_be_aligned(offset, "an L2 table")
        self._charge(self.block_bytes)
        table = self.file.exactly(offset, self.block_bytes, "an L2 table")
        return None if is_zero(table) else _table(table)

    def _l2_runs(self, entries: array[int], start: int, end: int) -> Iterator[Run]:
        cluster, zero_flag = self.block_bytes, ZERO_CLUSTER if self._header.version == 3 else 0
        first = start // cluster % len(entries)
        for index in range(first, first + -(-(end - start) // cluster)):
            position, entry = start + (index - first) * cluster, entries[index]
            host = entry & OFFSET_MASK
            if entry & COMPRESSED:
                yield self._compressed(position, entry)
            elif not host or entry & zero_flag:
                yield Run(position, cluster, None)
            else:
                self._must_be_aligned(host, "a data cluster")
                yield Run(position, cluster, host)

    def _compressed(self, position: int, entry: int) -> Run:
        shift = 62 - (self._header.cluster_bits - 8)
        host = entry & ((1 << shift) - 1)
        sectors = (entry & (COMPRESSED - 1)) >> shift
        return Run(position, self.block_bytes, host, (sectors + 1) * 512 - host % 512)

    def _unpack(self, run: Run, host: int) -> bytes:
        data = self.file.padded(host, run.packed, "a compressed cluster")
        try:
            cluster = zlib.decompressobj(-15).decompress(data, self.block_bytes)
        except zlib.error as error:
            raise DiskError(ProblemKind.DAMAGED, f"a compressed cluster at {host}: {error}") from error
        if len(cluster) < self.block_bytes:
            raise DiskError(ProblemKind.DAMAGED, f"the compressed cluster at {host} is too short")
        return cluster

    def _must_be_aligned(self, offset: int, what: str) -> None:
        if offset % self.block_bytes:
            raise DiskError(ProblemKind.DAMAGED, f"{what} at byte {offset}, which is no cluster boundary")
