"""Which file system is the guest's root, and what is mounted in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from imgmove.images.guest.files import FileTreeError
from imgmove.images.guest.layout import DiskLayout, FileSystem
from imgmove.images.reading.device import DeviceError
from imgmove.images.reading.filesystems import FileSystemReader, Path, is_readable_kind, open_file_system
from imgmove.images.reading.fstab import mounted
from imgmove.images.reading.mounts import MountedTree
from imgmove.images.reading.survey import Survey

ESP: Final[Path] = (".esp",)
_ESP_MOUNT: Final[Path] = ("boot", "efi")

#: What speaks for a root, and how much; links count without being followed, as /usr may be elsewhere.
_SIGNS: Final = (
    ("/etc/os-release", 4), ("/etc/fstab", 4), ("/etc/passwd", 1), ("/usr", 1), ("/sbin", 1), ("/lib", 1), ("/var", 1),
    ("/usr/lib/os-release", 2), ("/Windows/System32", 6), ("/Windows/System32/config/SYSTEM", 4),
)  # fmt: skip
_ENOUGH: Final = 6


@dataclass(frozen=True)
class Guest:
    """`tree` None: no root was found. `others` are file systems that fstab does not mount, by their `where`."""

    layout: DiskLayout
    tree: MountedTree | None = None
    root_where: str = ""
    others: Mapping[str, MountedTree] = field(default_factory=dict)


def find_guest(found: Survey) -> Guest:
    """Opens every file system that there is a reader for; those that cannot be opened say so in the layout."""
    readers: dict[str, FileSystemReader] = {}
    items = [_opened(item, found, readers) for item in found.layout.file_systems]
    layout = replace(found.layout, file_systems=tuple(items))
    scores = {where: _score(MountedTree(_opener(reader))) for where, reader in readers.items()}
    root = max(scores, key=lambda where: scores[where], default="")
    if not root or scores[root] < _ENOUGH:
        return Guest(layout, others={where: MountedTree(_opener(reader)) for where, reader in readers.items()})
    return _guest(layout, root, readers)


def _opened(item: FileSystem, found: Survey, readers: dict[str, FileSystemReader]) -> FileSystem:
    if not is_readable_kind(item.kind):
        return item
    try:
        readers[item.where] = open_file_system(item.kind, found.devices[item.where])
    except DeviceError as error:
        return replace(item, unreadable=str(error))
    return item


def _score(tree: MountedTree) -> int:
    """How much a file system looks like a root; nothing where it cannot be read."""
    try:
        return sum(weight for path, weight in _SIGNS if tree.stat(path, follow=False) is not None)
    except FileTreeError:
        return 0


def _guest(layout: DiskLayout, root: str, readers: dict[str, FileSystemReader]) -> Guest:
    places = mounted(_fstab(MountedTree(_opener(readers[root]))), layout)
    mounts = {names: _lookup(item, readers) for names, item in places.items() if item.where != root}
    shown = {root, *(item.where for item in places.values())}
    esp = _esp(layout)
    if esp is not None:
        opener = _lookup(esp, readers)
        mounts[ESP] = opener
        if esp.where not in shown:
            mounts.setdefault(_ESP_MOUNT, opener)
    others = {where: MountedTree(_opener(reader)) for where, reader in readers.items() if where not in shown}
    return Guest(layout, MountedTree(_opener(readers[root]), mounts), root, others)


def _fstab(tree: MountedTree) -> str:
    try:
        return (tree.read("/etc/fstab", 64 << 10) or b"").decode("utf-8", "replace")
    except FileTreeError:
        return ""


def _esp(layout: DiskLayout) -> FileSystem | None:
    numbers = {item.number for item in layout.partitions if item.role == "efi"}
    return next((item for item in layout.file_systems if item.kind == "fat" and item.partition in numbers), None)


def _opener(reader: FileSystemReader) -> Callable[[], FileSystemReader]:
    return lambda: reader


def _lookup(item: FileSystem, readers: dict[str, FileSystemReader]) -> Callable[[], FileSystemReader]:
    """The reader of a file system that is mounted; DeviceError when it is looked at and could not be opened."""

    @cache
    def opener() -> FileSystemReader:
        if item.where not in readers:
            raise DeviceError(f"{item.where} cannot be read: {item.unreadable or item.kind or 'unknown contents'}")
        return readers[item.where]

    return opener
