"""File systems by their readers: ext and XFS, NTFS, FAT, each as nodes that can be found, listed and read."""

from __future__ import annotations

import stat
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

from imgmove.images.guest.files import FileStat
from imgmove.images.reading.device import Device, DeviceError
from imgmove.images.reading.libyal import DeviceFile, reading
from imgmove.images.reading.superblocks.ext import has_inline_data
from imgmove.images.reading.superblocks.ext_overlay import readable_ext

Path = tuple[str, ...]
"""Names from the file system's own root; empty for the root itself."""

_KEPT_NODES: Final = 4096
_KINDS: Final = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}
#: A target that cannot be written as text leads to nothing.
_NO_NAME: Final = "\ufffd"
_NTFS_REPARSE: Final = 0x400
_NTFS_ELSEWHERE: Final = (
    (_NTFS_REPARSE, "its contents are kept in another way (a reparse point: compressed by the system, or elsewhere)"),
    (0x4000, "it is encrypted (EFS)"),
)
_INLINE_REST: Final = "system.data"
_INLINE_WORDS: Final = "its contents are kept in its inode (inline_data), and cannot be read here"
_FAT_DIRECTORY: Final = 0x10


@dataclass(frozen=True)
class Node:
    """Something with a name. `entry` is the reader's own object."""

    entry: Any
    stat: FileStat
    target: str | None = None
    """Of a symbolic link."""
    unreadable: str = ""
    """Why its contents cannot be read although it is a file, or its names although it is a directory."""


@dataclass(eq=False)
class FileSystemReader:
    """One opened file system. Raises only DeviceError and ReadsSpentError; absence is None."""

    volume: Any
    file: DeviceFile
    ignores_case: bool = False
    separator: ClassVar[str] = "/"
    _nodes: OrderedDict[Path, Node | None] = field(default_factory=OrderedDict)

    def find(self, path: Path) -> Node | None:
        """The node at `path`; links are not followed."""
        key = tuple(name.casefold() for name in path) if self.ignores_case else path
        if key in self._nodes:
            self._nodes.move_to_end(key)
            return self._nodes[key]
        with reading("cannot be read", self.file):
            node = self._look_up(path)
        self._nodes[key] = node
        while len(self._nodes) > _KEPT_NODES:
            self._nodes.popitem(last=False)
        return node

    def names(self, node: Node, limit: int) -> list[str]:
        """The names in a directory, at most `limit`, in the order that the reader gives; without those that are no text."""
        if node.unreadable:
            raise DeviceError(node.unreadable)
        with reading("the folder cannot be read", self.file):
            count = min(node.entry.number_of_sub_file_entries, limit)
            names = [self._text(node.entry.get_sub_file_entry(index), "name") for index in range(count)]
        return [name for name in names if name is not None]

    def _text(self, entry: Any, attribute: str) -> str | None:
        """A name or a target; None for bytes that are no UTF-8, which the libyal readers refuse."""
        try:
            text: str | None = getattr(entry, attribute)
        except (OSError, ValueError):
            if self.file.failure is not None:
                raise
            return None
        return text

    def read_at(self, node: Node, offset: int, length: int) -> bytes:
        """The bytes of a file there, fewer at its end."""
        if node.unreadable:
            raise DeviceError(node.unreadable)
        length = min(length, node.stat.size_bytes - offset)
        if length <= 0:
            return b""
        with reading("its contents cannot be read", self.file):
            data: bytes = node.entry.read_buffer_at_offset(length, offset)
        return data

    def _look_up(self, path: Path) -> Node | None:
        if not path:
            return self._node(self.volume.get_root_directory())
        parent = self.find(path[:-1])
        if parent is None or parent.stat.kind != "directory":
            return None
        if parent.unreadable:
            raise DeviceError(parent.unreadable)
        # By path and never by name: libfsext and libfsxfs do not find by name what is there.
        entry = self.volume.get_file_entry_by_path(self.separator + self.separator.join(path))
        return None if entry is None else self._node(entry)

    def _node(self, entry: Any) -> Node:
        """Of a Unix file system; others say it in their own way."""
        mode = entry.file_mode
        kind = _KINDS.get(stat.S_IFMT(mode), "other")
        described = FileStat(
            kind,
            entry.size if kind == "file" else 0,
            stat.S_IMODE(mode),
            entry.owner_identifier,
            entry.group_identifier,
        )
        return Node(entry, described, self._target(entry) if kind == "symlink" else None)

    def _target(self, entry: Any) -> str:
        return self._text(entry, "symbolic_link_target") or _NO_NAME


class _InlineExt(FileSystemReader):
    """An ext4 that keeps small contents in inodes: what does not fit into sixty bytes goes on in an attribute, which
    libfsext leaves out, or misreads where inodes are large. So these are refused."""

    def _node(self, entry: Any) -> Node:
        node = super()._node(entry)
        if not entry.has_extended_attribute_by_name(_INLINE_REST):
            return node
        if not entry.get_extended_attribute_by_name(_INLINE_REST).size:
            return node
        if node.target is not None:
            raise DeviceError(_INLINE_WORDS)
        return replace(node, unreadable=_INLINE_WORDS)


class _Ntfs(FileSystemReader):
    separator = "\\"

    def _node(self, entry: Any) -> Node:
        flags = entry.file_attribute_flags
        if flags & _NTFS_REPARSE:
            target = self._text(entry, "symbolic_link_target")
            if target:
                return Node(entry, FileStat("symlink"), _unix_path(target))
        unreadable = next((words for flag, words in _NTFS_ELSEWHERE if flags & flag), "")
        if entry.has_directory_entries_index():
            return Node(entry, FileStat("directory"), unreadable=unreadable)
        return Node(entry, FileStat("file", entry.size), unreadable=unreadable)


class _Fat(FileSystemReader):
    separator = "\\"

    def _look_up(self, path: Path) -> Node | None:
        if not path:
            return Node(self.volume.get_root_directory(), FileStat("directory"))
        return super()._look_up(path)

    def _node(self, entry: Any) -> Node:
        is_directory = entry.file_attribute_flags & _FAT_DIRECTORY
        return Node(entry, FileStat("directory") if is_directory else FileStat("file", entry.size))


def _unix_path(target: str) -> str:
    r"""`\??\C:\Users` and `..\x` as paths of a tree; the drive is taken for this one."""
    path = target.removeprefix("\\??\\")
    if path[1:2] == ":":
        path = path[2:] or "\\"
    return path.replace("\\", "/")


# ------------------------------------------------------------------------------------------------------ opening


def _ext(device: Device) -> FileSystemReader:
    import pyfsext

    kind = _InlineExt if has_inline_data(device) else FileSystemReader
    return _opened(kind, pyfsext.volume(), readable_ext(device))


def _xfs(device: Device) -> FileSystemReader:
    import pyfsxfs

    return _opened(FileSystemReader, pyfsxfs.volume(), device)


def _ntfs(device: Device) -> FileSystemReader:
    import pyfsntfs

    return _opened(_Ntfs, pyfsntfs.volume(), device, ignores_case=True)


def _fat(device: Device) -> FileSystemReader:
    import pyfsfat

    return _opened(_Fat, pyfsfat.volume(), device, ignores_case=True)


def _opened(
    kind: type[FileSystemReader], volume: Any, device: Device, *, ignores_case: bool = False
) -> FileSystemReader:
    file = DeviceFile(device)
    with reading("it cannot be opened", file):
        volume.open_file_object(file)
    return kind(volume, file, ignores_case)


_OPENERS: Final[dict[str, Callable[[Device], FileSystemReader]]] = {
    "ext2": _ext, "ext3": _ext, "ext4": _ext, "xfs": _xfs, "ntfs": _ntfs, "fat": _fat,
}  # fmt: skip


def is_readable_kind(kind: str) -> bool:
    return kind in _OPENERS


def open_file_system(kind: str, device: Device) -> FileSystemReader:
    """A reader of a kind that is readable, its root looked at. Raises DeviceError where it cannot be opened."""
    reader = _OPENERS[kind](device)
    root = reader.find(())
    if root is None or root.stat.kind != "directory":
        raise DeviceError("its root is no directory")
    return reader
