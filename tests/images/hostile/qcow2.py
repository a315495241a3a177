"""A qcow2 image of six clusters: header, refcount table, refcount block, L1, L2, data."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

CLUSTER = 65536
REFCOUNT_TABLE, REFCOUNT_BLOCK, L1, L2, DATA = (number * CLUSTER for number in range(1, 6))
OWNED = 1 << 63
COMPRESSED = 1 << 62
SNAPSHOT_TABLE = 6 * CLUSTER

_FIELDS = {
    "magic": (0, "4s"), "version": (4, "I"), "backing_offset": (8, "Q"), "backing_bytes": (16, "I"),
    "cluster_bits": (20, "I"), "virtual_bytes": (24, "Q"), "crypt_method": (32, "I"), "l1_entries": (36, "I"),
    "l1_offset": (40, "Q"), "refcount_offset": (48, "Q"), "refcount_clusters": (56, "I"), "snapshots": (60, "I"),
    "snapshots_offset": (64, "Q"), "incompatible": (72, "Q"), "compatible": (80, "Q"), "autoclear": (88, "Q"),
    "refcount_order": (96, "I"), "header_bytes": (100, "I"), "compression": (104, "B"),
}  # fmt: skip
FIELDS = tuple(_FIELDS)
_VALID: dict[str, Any] = {
    "magic": b"QFI\xfb", "version": 3, "cluster_bits": 16, "virtual_bytes": 1 << 20, "l1_entries": 1, "l1_offset": L1,
    "refcount_offset": REFCOUNT_TABLE, "refcount_clusters": 1, "refcount_order": 4, "header_bytes": 112,
}  # fmt: skip


def extension(kind: int, content: bytes, said_bytes: int | None = None) -> bytes:
    length = len(content) if said_bytes is None else said_bytes
    return struct.pack(">II", kind, length) + content.ljust(-(-len(content) // 8) * 8, b"\0")


def snapshot(table: int = L1, entries: int = 1, id_bytes: int = 1, name_bytes: int = 3, extra_bytes: int = 0) -> bytes:
    return struct.pack(">QIHHIIQII", table, entries, id_bytes, name_bytes, 0, 0, 0, 0, extra_bytes) + b"1one"


def image(
    *,
    l1: Sequence[int] = (L2 | OWNED,),
    l2: Sequence[int] = (DATA | OWNED,),
    refcount_table: Sequence[int] = (REFCOUNT_BLOCK,),
    refcounts: Sequence[int] = (1,) * 6,
    extensions: bytes = b"",
    text: bytes = b"",
    after: bytes = b"",
    **fields: Any,
) -> bytes:
    """The image; `text` stands at 4096 of the header's cluster, `after` behind the data."""
    data = bytearray(6 * CLUSTER)
    for name, value in {**_VALID, **fields}.items():
        offset, form = _FIELDS[name]
        struct.pack_into(">" + form, data, offset, value)
    header_bytes = fields.get("header_bytes", 112)
    if fields.get("version") == 2:
        header_bytes = 72
        data[72:112] = bytes(40)
    if extensions:
        data[header_bytes : header_bytes + len(extensions)] = extensions
    data[4096 : 4096 + len(text)] = text
    for place, form, numbers in (
        (REFCOUNT_TABLE, "Q", refcount_table), (REFCOUNT_BLOCK, "H", refcounts), (L1, "Q", l1), (L2, "Q", l2),
    ):  # fmt: skip
        struct.pack_into(f">{len(numbers)}{form}", data, place, *numbers)
    return bytes(data) + after
