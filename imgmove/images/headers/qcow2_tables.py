"""The tables of a qcow2 image: L1, refcounts, snapshots, and a sample of the L2 tables; loops, and what is cut off.

A table that another entry names as well, or that is a table of another kind, is a loop. Of the L2 tables eight are
looked at, spread over the disk; an image of up to 4 GiB of data, as qemu-img writes it, has no more.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from typing import Final

from imgmove.images.headers.image_bytes import MAX_READ_BYTES, ImageBytes, absurd, truncated
from imgmove.images.headers.places import Place, check_apart, check_free
from imgmove.images.headers.qcow2_fields import DIRTY, OFFSET_MASK, Header

_SAMPLED_TABLES: Final = 8
_SAMPLE_BYTES: Final = 64 << 10
_COMPRESSED: Final = 1 << 62
_ZEROS: Final = 1
_SNAPSHOT: Final = struct.Struct(">QIHHIIQII")
_SNAPSHOT_TABLE_BYTES: Final = 64 << 10
_MAX_SNAPSHOT_EXTRA: Final = 1024
_MAX_SNAPSHOT_L1_BYTES: Final = 32 << 20


def check_tables(image: ImageBytes, header: Header) -> None:
    """CORRUPT for tables that lie outside of the image or on each other."""
    places = [
        Place(0, header.cluster_bytes, "the header"),
        Place(header.l1_offset, header.l1_entries * 8, "the L1 table"),
        Place(header.refcount_offset, header.refcount_table_bytes, "the refcount table"),
    ]
    blocks = _refcount_blocks(image, header)
    tables = _l2_tables(image, header)
    ordered = check_apart(tables, header.cluster_bytes, places, "L2 tables")
    taken = check_apart((block for block in blocks if block), header.cluster_bytes, places, "refcount blocks")
    if not set(ordered).isdisjoint(taken):
        absurd("an L2 table is a refcount block too")
    _check_end(image, header, blocks)
    _check_snapshots(image, header)
    for table in _spread(tables):
        _check_l2(image, header, table, places, ordered)


def _l2_tables(image: ImageBytes, header: Header) -> list[int]:
    found = image.table(header.l1_offset, header.l1_entries, "Q", "big", "the L1 table")
    tables = [entry & OFFSET_MASK for entry in found if entry & OFFSET_MASK]
    _check_clusters(image, header, tables, "an L2 table")
    return tables


def _refcount_blocks(image: ImageBytes, header: Header) -> list[int]:
    entries = header.refcount_table_bytes // 8
    found = image.table(header.refcount_offset, entries, "Q", "big", "the refcount table")
    blocks = [entry & OFFSET_MASK for entry in found]
    _check_clusters(image, header, blocks, "a refcount block")
    return blocks


def _check_clusters(image: ImageBytes, header: Header, offsets: Sequence[int], what: str) -> None:
    """Each begins where a cluster does, inside the image."""
    if any(offset % header.cluster_bytes for offset in offsets):
        absurd(f"{what} does not begin where a cluster does")
    last = max(offsets, default=0)
    if last >= image.size_bytes:
        truncated(f"{what} would be at {last}, and it has {image.size_bytes} bytes")


def _spread(tables: Sequence[int]) -> Sequence[int]:
    """The first, the last, and some between them."""
    if len(tables) <= _SAMPLED_TABLES:
        return tables
    return [tables[index * (len(tables) - 1) // (_SAMPLED_TABLES - 1)] for index in range(_SAMPLED_TABLES)]


def _check_l2(image: ImageBytes, header: Header, table: int, places: Sequence[Place], tables: Sequence[int]) -> None:
    length = min(header.cluster_bytes, _SAMPLE_BYTES)
    entries = image.table(table, length // 8, "Q", "big", "an L2 table")[:: header.l2_entry_bytes // 8]
    _check_compressed(image, header, entries)
    plain = sorted({entry & OFFSET_MASK for entry in entries if not entry & _COMPRESSED and entry & OFFSET_MASK})
    if any(offset % header.cluster_bytes for offset in plain):
        absurd("a cluster of data does not begin where a cluster does")
    check_free(plain, header.cluster_bytes, places, "clusters of data")
    if not set(plain).isdisjoint(tables):
        absurd("a cluster of data is an L2 table too")
    written = max((entry & OFFSET_MASK for entry in entries if not entry & (_COMPRESSED | _ZEROS)), default=0)
    if written >= image.size_bytes:
        truncated(f"a cluster of data would be at {written}, and it has {image.size_bytes} bytes")


def _check_compressed(image: ImageBytes, header: Header, entries: array[int]) -> None:
    mask = (1 << (62 - (header.cluster_bits - 8))) - 1
    offsets = [entry & mask for entry in entries if entry & _COMPRESSED]
    if offsets and min(offsets) < header.cluster_bytes:
        absurd("compressed data lies in the header")
    if offsets and max(offsets) >= image.size_bytes:
        truncated(f"compressed data would be at {max(offsets)}, and it has {image.size_bytes} bytes")


def _check_end(image: ImageBytes, header: Header, blocks: Sequence[int]) -> None:
    """Where the refcounts are to be trusted, the last cluster in use must begin inside the image: a cut upload doesn't."""
    if header.incompatible & DIRTY or header.cluster_bytes > MAX_READ_BYTES:
        return
    cluster = header.cluster_bytes
    last = max((index for index, offset in enumerate(blocks) if offset), default=-1)
    if last < 0:
        return
    block = image.exactly(blocks[last], cluster, "a refcount block")
    counts_bits = len(block.rstrip(b"\0")) * 8 - 8
    end = (last * (cluster * 8 >> header.refcount_order) + (counts_bits >> header.refcount_order)) * cluster
    if counts_bits >= 0 and end >= image.size_bytes:
        truncated(f"its last cluster in use would be at {end}, and it has {image.size_bytes} bytes")


def _check_snapshots(image: ImageBytes, header: Header) -> None:
    """The snapshots' headers, as far as 64 KiB go: each with an L1 table inside the image."""
    if not header.snapshots:
        return
    start, least = header.snapshots_offset, header.snapshots * _SNAPSHOT.size
    if start + least > image.size_bytes:
        truncated(f"its snapshots would reach from {start} to {start + least}, and it has {image.size_bytes} bytes")
    if start % header.cluster_bytes or not start:
        absurd(f"a table of snapshots at {start}")
    raw = image.exactly(start, min(_SNAPSHOT_TABLE_BYTES, image.size_bytes - start), "the table of snapshots")
    end = 0
    for _ in range(header.snapshots):
        position = -(-end // 8) * 8
        if position + _SNAPSHOT.size > len(raw):
            break
        end = _snapshot_end(image, header, raw, position)
    if start + end > image.size_bytes:
        truncated(f"its snapshots would end at {start + end}, and it has {image.size_bytes} bytes")


def _snapshot_end(image: ImageBytes, header: Header, raw: bytes, position: int) -> int:
    fields = _SNAPSHOT.unpack_from(raw, position)
    table, entries, id_bytes, name_bytes, extra_bytes = fields[0], fields[1], fields[2], fields[3], fields[8]
    if extra_bytes > _MAX_SNAPSHOT_EXTRA or table % header.cluster_bytes or entries * 8 > _MAX_SNAPSHOT_L1_BYTES:
        absurd(f"a snapshot with an L1 table of {entries} entries at {table} and {extra_bytes} bytes of its own")
    if table + entries * 8 > image.size_bytes:
        truncated(f"a snapshot's L1 table would end at {table + entries * 8}, and it has {image.size_bytes} bytes")
    end: int = position + _SNAPSHOT.size + extra_bytes + id_bytes + name_bytes
    return end
