"""Windows registry hives, written: enough of the format for real readers (msuhanov's "regf" specification).

A hive is a tree of dictionaries: a key's values are text (REG_SZ), numbers (REG_DWORD), bytes (REG_BINARY) or lists
of text (REG_MULTI_SZ), its subkeys are dictionaries.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import reduce
from operator import xor

Value = str | int | bytes | list[str]
Key = Mapping[str, "Value | Key"]

HEADER = 4096
BIN_HEADER = 32
NO_CELL = 0xFFFFFFFF
FILE_TIME = 133485408000000000  # 2024-01-01
ROOT_FLAGS, KEY_FLAGS = 0x2C, 0x20
REG_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 1, 3, 4, 7


def hive(name: str, root: Key) -> bytes:
    """The hive's file, not dirty: both sequence numbers are the same."""
    cells = _Cells()
    top = cells.key("ROOT", root, parent=NO_CELL, flags=ROOT_FLAGS)
    bins = cells.closed()
    head = struct.pack("<4sIIQIIIIIII", b"regf", 7, 7, FILE_TIME, 1, 5, 0, 1, top, len(bins), 1)
    head += name.encode("utf-16-le")[-62:].ljust(64, b"\0")
    head = head.ljust(508, b"\0")
    checksum = reduce(xor, struct.unpack("<127I", head))
    return (head + struct.pack("<I", checksum)).ljust(HEADER, b"\0") + bins


class _Cells:
    """The cells of one bin; each returns its offset, which is counted from behind the file's header."""

    def __init__(self) -> None:
        self._data = bytearray(BIN_HEADER)
        self._security = NO_CELL

    def key(self, name: str, content: Key, parent: int, flags: int = KEY_FLAGS) -> int:
        values = [(label, value) for label, value in content.items() if not isinstance(value, Mapping)]
        keys = sorted((label, key) for label, key in content.items() if isinstance(key, Mapping))
        at = self._cell(bytes(76 + len(name)))
        security = self._security_cell()
        value_list = self._list([self._value(label, value) for label, value in values])
        below = [(label, self.key(label, key, parent=at)) for label, key in sorted(keys, key=lambda k: k[0].upper())]
        record = struct.pack("<2sHQII", b"nk", flags, FILE_TIME, 0, parent)
        record += struct.pack("<IIII", len(below), 0, self._index(below), NO_CELL)
        record += struct.pack("<IIII", len(values), value_list, security, NO_CELL)
        record += struct.pack("<IIIII", 64, 0, 64, 1024, 0) + struct.pack("<HH", len(name), 0) + name.encode("ascii")
        self._data[at + 4 : at + 4 + len(record)] = record
        return at

    def closed(self) -> bytes:
        """The bin, filled up to whole pages; what is left is one free cell."""
        length = -(-(len(self._data) + 8) // 4096) * 4096
        rest = length - len(self._data)
        self._data += struct.pack("<i", rest) + bytes(rest - 4)
        self._data[:BIN_HEADER] = struct.pack("<4sIIQQI", b"hbin", 0, length, 0, FILE_TIME, 0)
        return bytes(self._data)

    def _cell(self, content: bytes) -> int:
        at, length = len(self._data), -(-(len(content) + 4) // 8) * 8
        self._data += struct.pack("<i", -length) + content.ljust(length - 4, b"\0")
        return at

    def _list(self, offsets: list[int]) -> int:
        return self._cell(struct.pack(f"<{len(offsets)}I", *offsets)) if offsets else NO_CELL

    def _index(self, keys: list[tuple[str, int]]) -> int:
        """An "lh" list: offsets with hashes of the names."""
        if not keys:
            return NO_CELL
        entries = b"".join(struct.pack("<II", at, _hash(name)) for name, at in keys)
        return self._cell(struct.pack("<2sH", b"lh", len(keys)) + entries)

    def _value(self, name: str, value: Value) -> int:
        kind, data = _encoded(value)
        inline = len(data) <= 4
        place = int.from_bytes(data.ljust(4, b"\0"), "little") if inline else self._cell(data)
        size = len(data) | (0x80000000 if inline else 0)
        return self._cell(struct.pack("<2sHIIIHH", b"vk", len(name), size, place, kind, 1, 0) + name.encode("ascii"))

    def _security_cell(self) -> int:
        """One descriptor for all keys: owner SYSTEM, and nothing more."""
        if self._security == NO_CELL:
            system = bytes.fromhex("010100000000000512000000")
            descriptor = struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 32, 0, 0) + system + system
            at = self._cell(bytes(20 + len(descriptor)))
            record = struct.pack("<2sHIIII", b"sk", 0, at, at, 1, len(descriptor)) + descriptor
            self._data[at + 4 : at + 4 + len(record)] = record
            self._security = at
        return self._security


def _encoded(value: Value) -> tuple[int, bytes]:
    if isinstance(value, str):
        return REG_SZ, (value + "\0").encode("utf-16-le")
    if isinstance(value, int):
        return REG_DWORD, struct.pack("<I", value)
    if isinstance(value, bytes):
        return REG_BINARY, value
    return REG_MULTI_SZ, "".join(f"{line}\0" for line in [*value, ""]).encode("utf-16-le")


def _hash(name: str) -> int:
    return reduce(lambda total, letter: (total * 37 + ord(letter)) & 0xFFFFFFFF, name.upper(), 0)
