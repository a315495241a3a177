"""Windows registry hives, read through libregf with bounds: keys by path, values by name."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, Final

from imgmove.images.guest.facts import bounded

#: Most bytes of a hive. SYSTEM is 10 to 30 MB, SOFTWARE up to 150.
HIVE_BYTES: Final = 192 << 20
_MOST_SUBKEYS: Final = 4096
_VALUE_BYTES: Final = 4096
_DWORD: Final = 4
_TEXTS: Final = frozenset({1, 2})
_MULTI: Final = 7


class RegistryError(Exception):
    """A hive cannot be read."""


class Hive:
    """One hive. Every method raises only RegistryError; what is not there is None or empty."""

    def __init__(self, data: bytes) -> None:
        import pyregf

        self._file: Any = pyregf.file()
        try:
            self._file.open_file_object(io.BytesIO(data))
        except (OSError, MemoryError) as error:
            raise RegistryError(bounded(f"the hive cannot be opened: {error}")) from error

    def key(self, path: str) -> Key | None:
        """The key at `path` below the root, names without case."""
        try:
            found = self._file.get_key_by_path("\\" + path)
        except (OSError, MemoryError) as error:
            raise RegistryError(bounded(f"{path}: {error}")) from error
        return None if found is None else Key(found, path)


class Key:
    """A key of a hive."""

    def __init__(self, inner: Any, path: str) -> None:
        self._inner, self._path = inner, path

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

    def subkey_names(self) -> Iterator[str]:
        try:
            for index in range(min(self._inner.number_of_sub_keys, _MOST_SUBKEYS)):
                yield bounded(self._inner.get_sub_key(index).name or "")
        except (OSError, MemoryError) as error:
            raise RegistryError(bounded(f"{self._path}: {error}")) from error

    def _value(self, name: str) -> tuple[int, bytes]:
        try:
            value = self._inner.get_value_by_name(name)
            if value is None:
                return 0, b""
            return int(value.type), bytes(value.data or b"")[:_VALUE_BYTES]
        except (OSError, MemoryError) as error:
            raise RegistryError(bounded(f"{self._path}\\{name}: {error}")) from error


def _decoded(data: bytes) -> str:
    return data[: len(data) & ~1].decode("utf-16-le", "replace").rstrip("\0")
