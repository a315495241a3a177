"""Images as tests look at them: as devices, as sources that keep count, and opened without a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from imgmove.core.formats import DiskFormat
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.reading.containers import open_container
from imgmove.images.reading.device import clipped
from imgmove.images.reading.guest_tree import Guest, find_guest
from imgmove.images.reading.mounts import MountedTree
from imgmove.images.reading.pages import Pages
from imgmove.images.reading.source import ImageSource
from imgmove.images.reading.survey import survey
from tests.images.real.tree import Tree

PLENTY = 1 << 40


@dataclass
class Memory:
    """A device of bytes."""

    data: bytes | bytearray

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self.data[offset : offset + clipped(len(self.data), offset, length)])


@dataclass
class Counted:
    """A file or bytes that are read in ranges, each of which must lie inside."""

    size_bytes: int
    get: Callable[[int, int], bytes]
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length > 0
        assert offset + length <= self.size_bytes
        self.ranges.append((offset, length))
        return self.get(offset, length)

    @property
    def read_bytes(self) -> int:
        return sum(length for _, length in self.ranges)

    def pages(self) -> Pages:
        return Pages(self.size_bytes, self.read, PLENTY, PLENTY)

    def source(self) -> ImageSource:
        return ImageSource("disk", self.size_bytes, self.read)


def counted(image: Path | bytes) -> Counted:
    if isinstance(image, bytes):
        data = image
        return Counted(len(data), lambda offset, length: data[offset : offset + length])

    def get(offset: int, length: int) -> bytes:
        with image.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    return Counted(image.stat().st_size, get)


def guest_of(image: Path | bytes, disk_format: DiskFormat = DiskFormat.RAW) -> Guest:
    """Layout and tree, read in this process."""
    read = counted(image)
    return find_guest(survey(open_container(disk_format, read.pages()), disk_format, read.size_bytes))


def layout_of(image: Path | bytes, disk_format: DiskFormat = DiskFormat.RAW) -> DiskLayout:
    return guest_of(image, disk_format).layout


def only_tree(image: Path | bytes) -> MountedTree:
    """The tree of an image that is one file system."""
    guest = guest_of(image)
    assert [item.unreadable for item in guest.layout.file_systems] == [""]
    return guest.tree or guest.others["disk"]


def differences(tree: MountedTree, wanted: Tree) -> list[str]:
    """What is not in a file system as it was put there: kinds, contents, targets and names."""
    wrong = []
    for path, node in wanted:
        found = tree.stat(path, follow=False)
        if found is None or found.kind != node.kind:
            wrong.append(f"{path} is {found}")
        elif node.kind == "symlink" and tree.readlink(path) != node.content.decode():
            wrong.append(f"{path} leads to {tree.readlink(path)}")
        elif node.kind == "file" and b"".join(tree.stream(path, 50_000) or ()) != node.content:
            wrong.append(f"{path} has other contents")
        elif node.kind == "directory" and not _names_below(wanted, path) <= set(tree.list(path)):
            wrong.append(f"{path} lacks names")
    return wrong


def _names_below(wanted: Tree, path: str) -> set[str]:
    return {name[len(path) + 1 :] for name, _ in wanted if name.rpartition("/")[0] == path}
