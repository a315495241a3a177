"""Windows registry hives: keys by path, values by name, read where they lie.

libregf reads a hive from end to end when it opens it (the head of every bin), which for SOFTWARE is 60 to 150 MB over
the network; what is asked here lies in a few cells. The format: msuhanov's "Windows registry file format specification".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from imgmove.images.guest.facts import bounded
from imgmove.images.guest.files import FileTree

_BASE_BYTES: Final = 4096
_NO_CELL: Final = 0xFFFF_FFFF
_MOST_CELL_BYTES: Final = 1 << 20
_MOST_SUBKEYS: Final = 4096
_MOST_VALUES: Final = 1024
_VALUE_BYTES: Final = 4096
_KEY: Final = struct.Struct("<2s2xQ4x4xI4xI4xII28xH")
"""From a key's cell: signature, time, count of subkeys, their list, count of values, their list, bytes of its name."""
_KEY_NAME_AT: Final = 76
_VALUE: Final = struct.Struct("<2sHIIIH")
_VALUE_NAME_AT: Final = 20
_ASCII_KEY, _ASCII_VALUE = 0x20, 0x01
_INLINE: Final = 0x8000_0000
_DWORD: Final = 4
_TEXTS: Final = frozenset({1, 2})
_MULTI: Final = 7
_LEAVES: Final = {b"lf": 8, b"lh": 8, b"li": 4}
"""Lists of subkeys, and the bytes of an entry, which begins with the key's cell."""

ReadAt = Callable[[int, int], bytes]


class RegistryError(Exception):
    """A hive cannot be read."""


def hive_in(tree: FileTree, path: str) -> Hive:
    """The hive that is the file at `path`. Raises RegistryError where there is none; what `tree` raises for damage."""
    if tree.stat(path) is None:
        raise RegistryError(f"{path} is missing")
    return Hive(lambda offset, length: tree.read_at(path, offset, length) or b"")


class Hive:
    """One hive behind `read(offset, length)`. Methods raise only RegistryError, and what `read` raises."""

    def __init__(self, read: ReadAt) -> None:
        self._read = read
        base = read(0, 48)
        if base[:4] != b"regf" or len(base) < 48:
            raise RegistryError("it is no registry hive")
        self._root = int(struct.unpack_from("<I", base, 36)[0])

    def key(self, path: str) -> Key | None:
        """The key at `path` below the root, names without case."""
        found: Key | None = Key(self, self._root, path)
        for name in path.split("\\"):
            found = found.subkey(name) if found else None
        return found

    def cell(self, offset: int, most_bytes: int = _MOST_CELL_BYTES) -> bytes:
        """The contents of the cell at `offset`, cut off at `most_bytes`."""
        if offset == _NO_CELL:
            raise RegistryError("a key leads nowhere")
        at = _BASE_BYTES + offset
        head = self._read(at, 4)
        size = -int(struct.unpack("<i", head)[0]) - 4 if len(head) == 4 else 0
        if size <= 0:
            raise RegistryError(f"the cell at {offset} is not in use")
        return self._read(at + 4, min(size, most_bytes))


class Key:
    """A key of a hive."""

    def __init__(self, hive: Hive, offset: int, path: str) -> None:
        self._hive, self._path = hive, path
        cell = hive.cell(offset, 1024)
        if cell[:2] != b"nk" or len(cell) < _KEY_NAME_AT:
            raise RegistryError(bounded(f"{path}: a cell that should be a key is none"))
        _, _, self._subkeys, self._subkey_list, self._values, self._value_list, length = _KEY.unpack_from(cell)
        is_ascii = struct.unpack_from("<H", cell, 2)[0] & _ASCII_KEY
        self.name = _name(cell[_KEY_NAME_AT : _KEY_NAME_AT + length], is_ascii=bool(is_ascii))

    def number(self, name: str) -> int | None:
        """A DWORD."""
        kind, data = self._value(name)
        return int(struct.unpack("<I", data)[0]) if kind == _DWORD and len(data) == 4 else None

    def text(self, name: str) -> str:
        """A string, up to its end."""
        kind, data = self._value(name)
        return bounded(_decoded(data).split("\0")[0]) if kind in _TEXTS else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; a single one counts as a list."""
        kind, data = self._value(name)
        if kind in _TEXTS | {_MULTI}:
            return tuple(bounded(text) for text in _decoded(data).split("\0") if text)[:32]
        return ()

    def subkey(self, name: str) -> Key | None:
        """The subkey of that name; where the list has hashes, only keys that may be it are read."""
        wanted, hashed = name.casefold(), _hash(name)
        for offset, hint in self._entries():
            if hint is None or hint == hashed:
                key = Key(self._hive, offset, self._path)
                if key.name.casefold() == wanted:
                    return key
        return None

    def subkey_names(self) -> Iterator[str]:
        for offset, _ in self._entries():
            yield bounded(Key(self._hive, offset, self._path).name)

    def _entries(self) -> Iterator[tuple[int, int | None]]:
        """The cells of subkeys, each with the hash of its name where the list has it."""
        if not self._subkeys or self._subkey_list == _NO_CELL:
            return
        left = _MOST_SUBKEYS
        for kind, leaf in self._leaves():
            size = _LEAVES[kind]
            for at in range(4, min(len(leaf), 4 + size * _count(leaf)) - size + 1, size):
                if left == 0:
                    return
                left -= 1
                offset = int(struct.unpack_from("<I", leaf, at)[0])
                yield offset, int(struct.unpack_from("<I", leaf, at + 4)[0]) if kind == b"lh" else None

    def _leaves(self) -> Iterator[tuple[bytes, bytes]]:
        """The list of subkeys: one leaf, or an index of leaves (`ri`), which is never nested."""
        first = self._hive.cell(self._subkey_list)
        is_index = first[:2] == b"ri"
        listed = first[4 : 4 + 4 * _count(first)] if is_index else b""
        offsets = struct.iter_unpack("<I", listed[: len(listed) & ~3])
        for leaf in (self._hive.cell(offset) for (offset,) in offsets) if is_index else (first,):
            if leaf[:2] not in _LEAVES:
                raise RegistryError(bounded(f"{self._path}: a list of keys is none"))
            yield leaf[:2], leaf

    def _value(self, name: str) -> tuple[int, bytes]:
        """Type and data of a value; (0, nothing) where there is none."""
        if not self._values or self._value_list == _NO_CELL:
            return 0, b""
        offsets = self._hive.cell(self._value_list, 4 * min(self._values, _MOST_VALUES))
        for (offset,) in struct.iter_unpack("<I", offsets[: len(offsets) & ~3]):
            cell = self._hive.cell(offset, 1024)
            if cell[:2] != b"vk" or len(cell) < _VALUE_NAME_AT:
                raise RegistryError(bounded(f"{self._path}: a cell that should be a value is none"))
            _, length, size, data_at, kind, flags = _VALUE.unpack_from(cell[:16] + cell[16:18])
            found = _name(cell[_VALUE_NAME_AT : _VALUE_NAME_AT + length], is_ascii=bool(flags & _ASCII_VALUE))
            if found.casefold() == name.casefold():
                return kind, self._data(size, data_at)
        return 0, b""

    def _data(self, size: int, data_at: int) -> bytes:
        """Up to four bytes lie in place of their offset; what is longer than a cell takes begins with `db`, and is left."""
        if size & _INLINE:
            return struct.pack("<I", data_at)[: min(size & ~_INLINE, 4)]
        return self._hive.cell(data_at, min(size, _VALUE_BYTES))[:size] if size else b""


def _count(listed: bytes) -> int:
    return int(struct.unpack_from("<H", listed, 2)[0]) if len(listed) >= 4 else 0


def _name(raw: bytes, *, is_ascii: bool) -> str:
    return raw.decode("latin-1") if is_ascii else raw[: len(raw) & ~1].decode("utf-16-le", "replace")


def _hash(name: str) -> int:
    """What `lh` lists keep of a name."""
    value = 0
    for character in name.upper():
        value = (value * 37 + ord(character)) & 0xFFFF_FFFF
    return value


def _decoded(data: bytes) -> str:
    return data[: len(data) & ~1].decode("utf-16-le", "replace").rstrip("\0")
