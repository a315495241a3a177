"""A VHD, dynamic (footer's copy, header, table, one block, footer) or fixed (disk, footer), checksums right."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

SECTOR = 512
BLOCK_BYTES = 2 << 20
HEADER, TABLE, BLOCK = 512, 1536, 2048
VIRTUAL = 4 << 20
UNUSED = 0xFFFF_FFFF

_FOOTER = {
    "cookie": (0, "8s"), "features": (8, "I"), "version": (12, "I"), "header_offset": (16, "Q"), "time": (24, "I"),
    "creator": (28, "4s"), "original_bytes": (40, "Q"), "current_bytes": (48, "Q"), "geometry": (56, "4s"),
    "disk_type": (60, "I"), "identity": (68, "16s"),
}  # fmt: skip
_HEADER = {
    "header_cookie": (0, "8s"), "next": (8, "Q"), "table_offset": (16, "Q"), "header_version": (24, "I"),
    "entries": (28, "I"), "block_bytes": (32, "I"), "parent": (40, "16s"), "parent_name": (64, "512s"),
    "locators": (576, "192s"),
}  # fmt: skip
FIELDS = (*_FOOTER, *_HEADER)
_VALID_FOOTER: dict[str, Any] = {
    "cookie": b"conectix", "features": 2, "version": 0x10000, "header_offset": HEADER, "creator": b"win ",
    "original_bytes": VIRTUAL, "current_bytes": VIRTUAL, "disk_type": 3, "identity": bytes(range(16)),
}  # fmt: skip
_VALID_HEADER: dict[str, Any] = {
    "header_cookie": b"cxsparse", "next": (1 << 64) - 1, "table_offset": TABLE, "header_version": 0x10000, "entries": 2,
    "block_bytes": BLOCK_BYTES,
}  # fmt: skip


def _structure(length: int, places: dict[str, tuple[int, str]], values: dict[str, Any], sum_at: int) -> bytes:
    data = bytearray(length)
    for name, value in values.items():
        if name in places:
            offset, form = places[name]
            struct.pack_into(">" + form, data, offset, value)
    struct.pack_into(">I", data, sum_at, ~sum(data) & 0xFFFF_FFFF)
    return bytes(data)


def footer(**fields: Any) -> bytes:
    return _structure(512, _FOOTER, {**_VALID_FOOTER, **fields}, 64)


def image(*, table: Sequence[int] = (BLOCK // SECTOR, UNUSED), after: bytes = b"", **fields: Any) -> bytes:
    end = footer(**fields)
    head = _structure(1024, _HEADER, {**_VALID_HEADER, **fields}, 36)
    entries = struct.pack(f">{len(table)}I", *table).ljust(512, b"\xff")
    return end + head + entries + bytes(SECTOR + BLOCK_BYTES) + end + after


def fixed(disk: bytes, **fields: Any) -> bytes:
    return disk + footer(**{
        "disk_type": 2, "header_offset": (1 << 64) - 1, "current_bytes": len(disk), "original_bytes": len(disk), **fields,
    })  # fmt: skip
