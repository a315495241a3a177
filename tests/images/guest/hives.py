"""Registry hives, written in the test: one bin of cells, enough for libregf and for rules."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

#: A key: its values (int, str, list of str) and its subkeys (dictionaries), by name.
Node = Mapping[str, Any]
_NONE = 0xFFFFFFFF


class _Cells:
    """Cells after the header of the first bin."""

    def __init__(self) -> None:
        self.data = bytearray(32)

    def add(self, content: bytes) -> int:
        at = len(self.data)
        size = (4 + len(content) + 7) & ~7
        self.data += struct.pack("<i", -size) + content + bytes(size - 4 - len(content))
        return at

    def put(self, at: int, place: int, number: int) -> None:
        struct.pack_into("<I", self.data, at + 4 + place, number)


def hive(root: Node) -> bytes:
    """A hive with these keys below its root."""
    cells = _Cells()
    top = _key(cells, "ROOT", root, _NONE, is_root=True)
    size = (len(cells.data) + 4095) & ~4095
    free = size - len(cells.data)
    if free:
        cells.data += struct.pack("<i", free) + bytes(free - 4)
    struct.pack_into("<4sII", cells.data, 0, b"hbin", 0, size)
    return _header(top, size) + bytes(cells.data)


def _header(root: int, size: int) -> bytes:
    head = bytearray(4096)
    struct.pack_into("<4sIIQIIIIIII", head, 0, b"regf", 1, 1, 0, 1, 5, 0, 1, root, size, 1)
    checksum = 0
    for (word,) in struct.iter_unpack("<I", head[:508]):
        checksum ^= word
    struct.pack_into("<I", head, 508, checksum)
    return bytes(head)


def _key(cells: _Cells, name: str, node: Node, parent: int, *, is_root: bool = False) -> int:
    children = {key: value for key, value in node.items() if isinstance(value, Mapping)}
    values = {key: value for key, value in node.items() if not isinstance(value, Mapping)}
    raw = name.encode("ascii")
    at = cells.add(
        struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", 0x2C if is_root else 0x20, 0, 0, parent, len(children), 0, _NONE, _NONE,
                    len(values), _NONE, _NONE, _NONE, 0, 0, 0, 0, 0, len(raw), 0) + raw
    )  # fmt: skip
    if values:
        offsets = [_value(cells, key, value) for key, value in values.items()]
        cells.put(at, 40, cells.add(struct.pack(f"<{len(offsets)}I", *offsets)))
    if children:
        found = sorted((key, _key(cells, key, value, at)) for key, value in children.items())
        entries = b"".join(struct.pack("<I4s", offset, key.encode()[:4].ljust(4, b"\0")) for key, offset in found)
        cells.put(at, 28, cells.add(struct.pack("<2sH", b"lf", len(found)) + entries))
    return at


def _value(cells: _Cells, name: str, value: Any) -> int:
    kind, data = _encoded(value)
    raw = name.encode("ascii")
    size, place = len(data), 0
    if len(data) <= 4:
        size, place = len(data) | 0x80000000, int.from_bytes(data.ljust(4, b"\0"), "little")
    else:
        place = cells.add(data)
    return cells.add(struct.pack("<2sHIIIHH", b"vk", len(raw), size, place, kind, 1, 0) + raw)


def _encoded(value: Any) -> tuple[int, bytes]:
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, str):
        return 1, (value + "\0").encode("utf-16-le")
    return 7, ("\0".join(value) + "\0\0").encode("utf-16-le")
