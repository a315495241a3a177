"""What the guest mounts where, by its own fstab: as far as it is on this disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from imgmove.images.guest.layout import DiskLayout, FileSystem
from imgmove.images.reading.filesystems import Path

#: `/dev/vda2`, `/dev/nvme0n1p2`: the second partition of the first disk. Later disks are not here.
_FIRST_DISK: Final = re.compile(r"/dev/(?:(?:[shv]d|xvd)a|(?:nvme0n1|mmcblk0)p)(\d{1,3})")
_BY: Final = re.compile(r"/dev/disk/by-(uuid|label|partuuid|partlabel)/(.+)")
_TAG: Final = re.compile(r"(UUID|LABEL|PARTUUID|PARTLABEL)=\"?([^\"]+)\"?", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")
_HEX: Final = re.compile(r"\\x([0-9a-fA-F]{2})")


def mounted(text: str, layout: DiskLayout) -> dict[Path, FileSystem]:
    """Mount points other than `/`, and the file systems that belong there."""
    found: dict[Path, FileSystem] = {}
    for device, point in _entries(text):
        names = tuple(name for name in point.split("/") if name)
        place = _file_system(device, layout)
        if point.startswith("/") and names and ".." not in names and place is not None:
            found[names] = place
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and not words[0].startswith("#"):
            yield _unescaped(words[0]), _unescaped(words[1])


def _unescaped(word: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), word)


def _file_system(device: str, layout: DiskLayout) -> FileSystem | None:
    """The file system that a word of the first column means; None for one that is not on this disk."""
    tag = _TAG.fullmatch(device) or _BY.fullmatch(device)
    if tag:
        value = _HEX.sub(lambda match: chr(int(match[1], 16)), tag[2])
        return _first(item for item in layout.file_systems if value.casefold() in _names(item, tag[1].lower(), layout))
    if match := _FIRST_DISK.fullmatch(device):
        return _first(item for item in layout.file_systems if item.partition == int(match[1]))
    return _first(item for item in layout.file_systems if item.volume_group and device in _volume_paths(item.where))


def _names(item: FileSystem, tag: str, layout: DiskLayout) -> set[str]:
    if tag in {"uuid", "label"}:
        return {(item.uuid if tag == "uuid" else item.label).casefold()} - {""}
    own = [partition for partition in layout.partitions if partition.number == item.partition]
    return {(partition.uuid if tag == "partuuid" else partition.name).casefold() for partition in own} - {""}


def _volume_paths(where: str) -> set[str]:
    """`vg0/root` as the device mapper writes it, with hyphens doubled, and as a path."""
    group, _, volume = where.partition("/")
    return {f"/dev/{where}", f"/dev/mapper/{group.replace('-', '--')}-{volume.replace('-', '--')}"}


def _first(items: Iterable[FileSystem]) -> FileSystem | None:
    return next(iter(items), None)
