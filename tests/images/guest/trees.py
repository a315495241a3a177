"""A guest's files in memory: a FileTree of plain dictionaries, which can be damaged on purpose."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from imgmove.images.guest.files import FileStat, FileTreeError

Content = bytes | str


@dataclass
class MemoryTree:
    """Files by path. `links` are symbolic links; `modes` are permission bits; reading what is `damaged` fails."""

    files: dict[str, Content] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    damaged: frozenset[str] = frozenset()
    ignores_case: bool = False
    bytes_read: int = 0

    def stat(self, path: str, *, follow: bool = True) -> FileStat | None:
        if not follow and self._own(path) in self.links:
            return FileStat("symlink")
        found = self._resolved(path)
        if found is None:
            return None
        if found in self.files:
            return FileStat("file", len(self._bytes(found)), self.modes.get(found, 0o644), 0, 0)
        return FileStat("directory", 0, 0o755, 0, 0)

    @cached_property
    def _folders(self) -> dict[str, set[str]]:
        """Folders, and the names in them."""
        found: dict[str, set[str]] = {"/": set()}
        for path in [*self.files, *self.links]:
            while path != "/":
                folder, name = posixpath.split(path)
                found.setdefault(folder, set()).add(name)
                path = folder
        return found

    def list(self, path: str, limit: int = 4096) -> list[str]:
        found = self._resolved(path)
        return sorted(self._folders.get(found, ()))[:limit] if found is not None else []

    def read(self, path: str, limit_bytes: int = 1 << 20) -> bytes | None:
        found = self._resolved(path)
        if found is None or found not in self.files:
            return None
        data = self._bytes(found)[:limit_bytes]
        self.bytes_read += len(data)
        return data

    def read_at(self, path: str, offset: int, length: int) -> bytes | None:
        found = self._resolved(path)
        if found is None or found not in self.files:
            return None
        data = self._bytes(found)[offset : offset + length]
        self.bytes_read += len(data)
        return data

    def stream(self, path: str, piece_bytes: int = 1 << 20) -> Iterator[bytes] | None:
        found = self._resolved(path)
        if found is None or found not in self.files:
            return None
        return self._pieces(self._bytes(found), piece_bytes)

    def readlink(self, path: str) -> str | None:
        return self.links.get(self._own(path))

    def _pieces(self, data: bytes, piece_bytes: int) -> Iterator[bytes]:
        for start in range(0, len(data), piece_bytes):
            self.bytes_read += len(data[start : start + piece_bytes])
            yield data[start : start + piece_bytes]

    def _bytes(self, path: str) -> bytes:
        content = self.files[path]
        return content.encode() if isinstance(content, str) else content

    def _own(self, path: str) -> str:
        path = posixpath.normpath("/" + path.lstrip("/"))
        return self._by_lower.get(path.lower(), path) if self.ignores_case else path

    @cached_property
    def _by_lower(self) -> dict[str, str]:
        return {name.lower(): name for name in [*self.files, *self._folders]}

    def _resolved(self, path: str) -> str | None:
        """The path without links, None where nothing is; damage below `damaged` is raised."""
        here = self._own(path)
        for _ in range(40):
            if any(here == bad or here.startswith(bad.rstrip("/") + "/") for bad in self.damaged):
                raise FileTreeError(f"{here}: a block is damaged")
            link = next((name for name in self.links if here == name or here.startswith(name + "/")), None)
            if link is None:
                break
            target = posixpath.join(posixpath.dirname(link), self.links[link])
            here = self._own(target + here[len(link) :])
        else:
            return None
        known = here in self.files or any(
            name.startswith(here.rstrip("/") + "/") for name in [*self.files, *self.links]
        )
        return here if known or here == "/" else None


def changed(tree: MemoryTree, files: Mapping[str, Content | None] | None = None, **links: str) -> MemoryTree:
    """A copy of `tree` with other files; None takes one away, with all that is below it."""
    kept = dict(tree.files)
    for path, content in (files or {}).items():
        for name in [name for name in kept if name == path or name.startswith(path + "/")]:
            del kept[name]
        if content is not None:
            kept[path] = content
    return MemoryTree(kept, {**tree.links, **links}, dict(tree.modes), tree.damaged, tree.ignores_case)
