"""Writing qcow2 version 3: data and L2 tables in the order of the disk, reference counts and the header at the end."""

from __future__ import annotations

import os
import struct
import zlib

from imgmove.sandbox.disks.model import SECTOR_BYTES, DiskWriter, round_up
from imgmove.sandbox.disks.qcow2 import COMPRESSED, COPIED, HEADER, HEADER_V3, MAGIC
from imgmove.sandbox.disks.raw import write_at

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_L2_ENTRIES = _CLUSTER // 8
_REFCOUNT_ORDER = 4  # 16 bits a cluster
_REFCOUNTS_PER_BLOCK = _CLUSTER // 2
_HEADER_BYTES = HEADER.size + HEADER_V3.size
_PACKED_SECTORS_SHIFT = 62 - (_CLUSTER_BITS - 8)
_LEVEL, _WINDOW_BITS = 9, -12  # the small window is part of the format


class Qcow2Writer(DiskWriter):
    """Clusters as they are. `qemu-img check` finds no leak: every cluster of the file is in use."""

    granule_bytes = _CLUSTER
    subformat = "v3"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = round_up(size_bytes, SECTOR_BYTES)
        self._l1 = [0] * max(1, -(-self.virtual_size_bytes // (_CLUSTER * _L2_ENTRIES)))
        self._l2 = bytearray(_CLUSTER)
        self._l2_index: int | None = None
        # Cluster 0 is the header's, then comes the L1 table, whose size is known.
        self._next = 1 + -(-len(self._l1) * 8 // _CLUSTER)
        self._shared: dict[int, int] = {}  # clusters that are referred to more than once, and how often

    def write(self, offset: int, data: memoryview) -> None:
        host = self._take(data) * _CLUSTER
        for start in range(0, len(data), _CLUSTER):
            self._enter((offset + start) // _CLUSTER, COPIED | (host + start))

    def finish(self) -> None:
        self._flush_l2()
        table_cluster, table_clusters = self._write_refcounts()
        write_at(self._descriptor, _CLUSTER, struct.pack(f">{len(self._l1)}Q", *self._l1))
        header = HEADER.pack(
            *(MAGIC, 3, 0, 0, _CLUSTER_BITS, self.virtual_size_bytes, 0, len(self._l1), _CLUSTER),
            *(table_cluster * _CLUSTER, table_clusters, 0, 0),
        )
        write_at(self._descriptor, 0, header + HEADER_V3.pack(0, 0, 0, _REFCOUNT_ORDER, _HEADER_BYTES))
        os.ftruncate(self._descriptor, self._next * _CLUSTER)

    def _enter(self, cluster: int, entry: int) -> None:
        """Puts an entry into the L2 table of that cluster of the guest's disk."""
        if cluster // _L2_ENTRIES != self._l2_index:
            self._flush_l2()
            self._l2_index = cluster // _L2_ENTRIES
        struct.pack_into(">Q", self._l2, cluster % _L2_ENTRIES * 8, entry)

    def _take(self, data: memoryview | bytearray) -> int:
        """Appends whole clusters to the file; returns the number of the first."""
        first = self._next
        write_at(self._descriptor, first * _CLUSTER, data)
        self._next += len(data) // _CLUSTER
        return first

    def _flush_l2(self) -> None:
        if self._l2_index is None:
            return
        self._l1[self._l2_index] = COPIED | self._take(self._l2) * _CLUSTER
        self._l2 = bytearray(_CLUSTER)

    def _write_refcounts(self) -> tuple[int, int]:
        """Counts everything, the counts themselves among it; returns the table's first cluster and how many it has."""
        blocks = tables = 0
        while (total := self._next + blocks + tables) > blocks * _REFCOUNTS_PER_BLOCK or not tables:
            blocks = -(-total // _REFCOUNTS_PER_BLOCK)
            tables = -(-blocks * 8 // _CLUSTER)
        first_block = self._next
        counts = bytearray(b"\0\1" * total).ljust(blocks * _CLUSTER, b"\0")
        for cluster, count in self._shared.items():
            struct.pack_into(">H", counts, cluster * 2, count)
        self._take(counts)
        pointers = [(first_block + index) * _CLUSTER for index in range(blocks)]
        table = self._take(bytearray(struct.pack(f">{blocks}Q", *pointers).ljust(tables * _CLUSTER, b"\0")))
        return table, tables


class CompressedQcow2Writer(Qcow2Writer):
    """Clusters deflated one by one, as many in a cluster of the file as it holds. Small and slow: for shipping."""

    subformat = "compressed"

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        super().__init__(descriptor, size_bytes)
        self._open_cluster = 0
        self._used_bytes = _CLUSTER

    def write(self, offset: int, data: memoryview) -> None:
        for start in range(0, len(data), _CLUSTER):
            cluster = data[start : start + _CLUSTER]
            deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS)
            packed = deflater.compress(cluster) + deflater.flush()
            if len(packed) < _CLUSTER:
                self._enter((offset + start) // _CLUSTER, self._pack_in(packed))
            else:
                super().write(offset + start, cluster)

    def _pack_in(self, packed: bytes) -> int:
        """Puts packed data into the file; returns its L2 entry."""
        if self._used_bytes + len(packed) > _CLUSTER:
            self._open_cluster, self._used_bytes = self._take(bytearray(_CLUSTER)), 0
            self._shared[self._open_cluster] = 0
        host = self._open_cluster * _CLUSTER + self._used_bytes
        write_at(self._descriptor, host, packed)
        self._used_bytes += len(packed)
        self._shared[self._open_cluster] += 1
        further_sectors = (host + len(packed) - 1) // SECTOR_BYTES - host // SECTOR_BYTES
        return COMPRESSED | further_sectors << _PACKED_SECTORS_SHIFT | host
