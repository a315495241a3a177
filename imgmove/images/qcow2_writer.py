"""Writing qcow2 as a stream: data clusters as they come, tables at the end, the header last.

Layout (qcow2 version 3, 64 KiB clusters): header cluster, data clusters in the order of their offsets, L2 tables, L1
table, refcount blocks, refcount table. Clusters of zeros are not written. The header is at the front and knows where
the tables are, so it can be written only when everything else is: whoever stores the stream keeps its beginning back.
Memory: eight bytes for each data cluster.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

CLUSTER_BITS: Final = 16
CLUSTER_BYTES: Final = 1 << CLUSTER_BITS
_ENTRIES: Final = CLUSTER_BYTES // 8
_COPIED: Final = 1 << 63
_REFCOUNTS_IN_BLOCK: Final = CLUSTER_BYTES // 2
_ZERO: Final = bytes(CLUSTER_BYTES)
#: magic, version, backing offset and size, cluster bits, size, crypt, L1 size, L1 offset, refcount table offset and
#: clusters, snapshots, snapshots offset, incompatible, compatible, autoclear features, refcount order, header length
_HEADER: Final = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_HEADER_BYTES: Final = 104


def largest_size(virtual_bytes: int) -> int:
    """How long the stream can get at most: everything written, and all tables."""
    data = -(-virtual_bytes // CLUSTER_BYTES)
    l2 = -(-data // _ENTRIES)
    l1 = -(-(l2 * 8) // CLUSTER_BYTES)
    rest = 1 + data + l2 + max(1, l1)
    blocks = -(-rest // (_REFCOUNTS_IN_BLOCK - 2)) + 1
    return (rest + blocks + -(-(blocks * 8) // CLUSTER_BYTES) + 1) * CLUSTER_BYTES


class Qcow2Writer:
    """One image of `virtual_bytes`, written from runs that rise in offset. Use once."""

    def __init__(self, virtual_bytes: int) -> None:
        self.virtual_bytes = virtual_bytes
        self._clusters: array[int] = array("Q")
        """Guest cluster numbers that were written, in order; the n-th is at host cluster n + 1."""
        self._header = b""

    def body(self, runs: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """Everything behind the header cluster, in pieces of one cluster (data) or more (tables)."""
        for number, cluster in _clusters(runs):
            self._clusters.append(number)
            yield cluster
        yield from self._tables()

    def header(self) -> bytes:
        """The header cluster; only after `body` was consumed."""
        if not self._header:
            raise ValueError("the body was not consumed")
        return self._header

    def _tables(self) -> Iterator[bytes]:
        data_end = 1 + len(self._clusters)
        l1_entries = max(1, -(-self.virtual_bytes // (CLUSTER_BYTES * _ENTRIES)))
        l1 = array("Q", bytes(8 * l1_entries))
        position = data_end
        for index, table in self._l2_tables():
            l1[index] = (position << CLUSTER_BITS) | _COPIED
            position += 1
            yield table
        l1_offset = position << CLUSTER_BITS
        packed = _padded(_big_endian(l1))
        position += len(packed) // CLUSTER_BYTES
        yield packed
        yield from self._refcounts(position, l1_entries, l1_offset)

    def _l2_tables(self) -> Iterator[tuple[int, bytes]]:
        current, table = -1, array("Q")
        for host, guest in enumerate(self._clusters, 1):
            if guest // _ENTRIES != current:
                if current >= 0:
                    yield current, _big_endian(table)
                current, table = guest // _ENTRIES, array("Q", _ZERO)
            table[guest % _ENTRIES] = (host << CLUSTER_BITS) | _COPIED
        if current >= 0:
            yield current, _big_endian(table)

    def _refcounts(self, used: int, l1_entries: int, l1_offset: int) -> Iterator[bytes]:
        """Every cluster of the file, these tables too, is used once."""
        blocks, table_clusters = 1, 1
        while True:
            total = used + blocks + table_clusters
            needed = -(-total // _REFCOUNTS_IN_BLOCK)
            needed_table = -(-(needed * 8) // CLUSTER_BYTES)
            if (needed, needed_table) == (blocks, table_clusters):
                break
            blocks, table_clusters = needed, needed_table
        for block in range(blocks):
            count = min(_REFCOUNTS_IN_BLOCK, total - block * _REFCOUNTS_IN_BLOCK)
            yield _padded(b"\0\1" * count)
        table = array("Q", ((used + block) << CLUSTER_BITS for block in range(blocks)))
        yield _padded(_big_endian(table))
        self._header = self._pack(l1_entries, l1_offset, (used + blocks) << CLUSTER_BITS, table_clusters)

    def _pack(self, l1_entries: int, l1_offset: int, refcount_offset: int, refcount_clusters: int) -> bytes:
        fixed = _HEADER.pack(
            b"QFI\xfb", 3, 0, 0, CLUSTER_BITS, self.virtual_bytes, 0, l1_entries, l1_offset, refcount_offset,
            refcount_clusters, 0, 0, 0, 0, 0, 4, _HEADER_BYTES,
        )  # fmt: skip
        return _padded(fixed + bytes(8))  # an empty header extension ends the list


def _big_endian(values: array[int]) -> bytes:
    swapped = array("Q", values)
    swapped.byteswap()
    return swapped.tobytes()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % CLUSTER_BYTES)


def _clusters(runs: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Whole clusters that are not all zeros, with their numbers, from runs of any alignment that rise in offset."""
    pending, pending_number = bytearray(), -1
    for offset, data in runs:
        position = 0
        while position < len(data):
            at = offset + position
            number, inside = divmod(at, CLUSTER_BYTES)
            if pending and number != pending_number:
                yield from _full(pending_number, pending)
                pending = bytearray()
            if not inside and not pending and len(data) - position >= CLUSTER_BYTES:
                if not data.startswith(_ZERO, position):
                    yield number, data[position : position + CLUSTER_BYTES]
                position += CLUSTER_BYTES
                continue
            pending_number = number
            pending.extend(bytes(inside - len(pending)))
            taken = data[position : position + CLUSTER_BYTES - inside]
            pending.extend(taken)
            position += len(taken)
    if pending:
        yield from _full(pending_number, pending)


def _full(number: int, pending: bytearray) -> Iterator[tuple[int, bytes]]:
    pending.extend(bytes(CLUSTER_BYTES - len(pending)))
    if pending != _ZERO:
        yield number, bytes(pending)
