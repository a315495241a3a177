"""The guest's file systems as one tree: mounted by its own fstab, links followed inside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.files import FileStat, FileTreeError
from imgmove.images.reading.device import DeviceError
from imgmove.images.reading.filesystems import FileSystemReader, Node, Path

_MOST_LINKS: Final = 40
#: No path is longer, however links lead it around.
_MOST_NAMES: Final = 4096

Open = Callable[[], FileSystemReader]
"""Opens a file system when it is first looked at; the same reader each time. Raises DeviceError."""


@dataclass(frozen=True)
class _Place:
    reader: FileSystemReader
    node: Node


class MountedTree:
    """The FileTree of a root and of what is mounted in it, by the names of the mount point."""

    def __init__(self, root: Open, mounts: Mapping[Path, Open] | None = None) -> None:
        self._mounts: dict[Path, Open] = {**(mounts or {}), (): root}

    def stat(self, path: str, *, follow: bool = True) -> FileStat | None:
        with _damage(path):
            place = self._resolve(path, follow=follow)
            return place.node.stat if place else None

    def list(self, path: str, limit: int = 4096) -> list[str]:
        with _damage(path):
            place = self._resolve(path)
            if place is None or place.node.stat.kind != "directory":
                return []
            # Two more, for the names that are left out.
            names = place.reader.names(place.node, limit + 2)
            return sorted(name for name in names if name not in {".", ".."})[:limit]

    def read(self, path: str, limit_bytes: int = 1 << 20) -> bytes | None:
        with _damage(path):
            place = self._file(path)
            return None if place is None else b"".join(_pieces(place, limit_bytes, 1 << 20))

    def read_at(self, path: str, offset: int, length: int) -> bytes | None:
        with _damage(path):
            place = self._file(path)
            return None if place is None else place.reader.read_at(place.node, offset, length)

    def stream(self, path: str, piece_bytes: int = 1 << 20) -> Iterator[bytes] | None:
        with _damage(path):
            place = self._file(path)
        return None if place is None else _guarded(path, _pieces(place, place.node.stat.size_bytes, piece_bytes))

    def readlink(self, path: str) -> str | None:
        with _damage(path):
            place = self._resolve(path, follow=False)
            return place.node.target if place else None

    def _file(self, path: str) -> _Place | None:
        place = self._resolve(path)
        return place if place is not None and place.node.stat.kind == "file" else None

    def _resolve(self, path: str, *, follow: bool = True) -> _Place | None:
        """What is at `path`, None where nothing is, or where links go in circles."""
        if not _is_text(path):
            return None
        todo = deque(path.split("/"))
        at: Path = ()
        place = self._at(at)
        links = 0
        while todo and place is not None:
            name = todo.popleft()
            if name in {"", "."}:
                continue
            following = at[:-1] if name == ".." else (*at, name)
            place = self._at(following)
            if place is not None and place.node.target is not None and (follow or any(todo)):
                links += 1
                todo.extendleft(reversed(place.node.target.split("/")))
                following = () if place.node.target.startswith("/") else at
                place = self._at(following)
                if links > _MOST_LINKS or len(todo) > _MOST_NAMES:
                    return None
            at = following
        return place

    def _at(self, names: Path) -> _Place | None:
        """The node by names that hold no links, in the file system that is mounted nearest above."""
        mounted = next(names[:length] for length in range(len(names), -1, -1) if names[:length] in self._mounts)
        reader = self._mounts[mounted]()
        node = reader.find(names[len(mounted) :])
        return None if node is None else _Place(reader, node)


def _is_text(path: str) -> bool:
    """No name on a disk has a zero byte or half a character."""
    return "\0" not in path and not any("\ud800" <= character <= "\udfff" for character in path)


def _pieces(place: _Place, limit_bytes: int, piece_bytes: int) -> Iterator[bytes]:
    offset, end = 0, min(limit_bytes, place.node.stat.size_bytes)
    while offset < end:
        piece = place.reader.read_at(place.node, offset, min(piece_bytes, end - offset))
        if not piece:
            raise DeviceError(f"a file ends after {offset} bytes and is said to have more")
        yield piece
        offset += len(piece)


def _guarded(path: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with _damage(path):
        yield from pieces


@contextmanager
def _damage(path: str) -> Iterator[None]:
    try:
        yield
    except DeviceError as error:
        raise FileTreeError(f"{path}: {error}") from error
