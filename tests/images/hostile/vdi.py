"""A VDI of two blocks, the first one written."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

MIB = 1 << 20
MAP, DATA = 512, 1024
UNUSED = 0xFFFF_FFFF

_FIELDS = {
    "text": (0, "64s"), "magic": (64, "I"), "version": (68, "I"), "header_bytes": (72, "I"), "type": (76, "I"),
    "flags": (80, "I"), "map_offset": (340, "I"), "data_offset": (344, "I"), "sector_bytes": (360, "I"),
    "disk_bytes": (368, "Q"), "block_bytes": (376, "I"), "extra": (380, "I"), "blocks": (384, "I"),
    "allocated": (388, "I"), "identity": (392, "16s"), "link": (424, "16s"), "parent": (440, "16s"),
}  # fmt: skip
FIELDS = tuple(_FIELDS)
_VALID: dict[str, Any] = {
    "text": b"<<< a disk image >>>\n", "magic": 0xBEDA107F, "version": 0x10001, "header_bytes": 400, "type": 1,
    "map_offset": MAP, "data_offset": DATA, "sector_bytes": 512, "disk_bytes": 2 * MIB, "block_bytes": MIB, "blocks": 2,
    "allocated": 1, "identity": bytes(range(16)),
}  # fmt: skip


def image(*, block_map: Sequence[int] = (0, UNUSED), after: bytes = b"", **fields: Any) -> bytes:
    data = bytearray(DATA + MIB)
    for name, value in {**_VALID, **fields}.items():
        offset, form = _FIELDS[name]
        struct.pack_into("<" + form, data, offset, value)
    struct.pack_into(f"<{len(block_map)}I", data, MAP, *block_map)
    return bytes(data) + after
