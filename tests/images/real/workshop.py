"""Where disks are built, once in a run: a recipe is data, and its disk is found again by what it says."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.images.real.disks import ext, fat, lvm2, ntfs, partitions, signatures, xfs
from tests.images.real.disks.containers import contained
from tests.images.real.disks.partitions import Slot, grub_boot_code
from tests.images.real.disks.sparse import MIB, patch
from tests.images.real.exclusive import alone
from tests.images.real.tree import Tree


@dataclass(frozen=True)
class Volume:
    """A file system with a tree in it, or only the head of something (`luks`, `swap`…)."""

    kind: str
    uuid: str = ""
    tree: Tree | None = None
    size: int = 64 * MIB
    label: str = ""
    features: str = ""
    bits: int = 32
    commands: tuple[str, ...] = ()
    """What debugfs has to do to it in the end."""


@dataclass(frozen=True)
class Part:
    """A partition of a disk; `lvm` are the logical volumes of the volume group that it holds instead of `volume`."""

    role: str
    volume: Volume | None = None
    size: int = 0
    active: bool = False
    number: int | None = None
    name: str = ""
    lvm: tuple[tuple[str, Volume], ...] = ()
    group: str = "vg0"
    physical_volumes: int = 1


@dataclass(frozen=True)
class Disk:
    """A disk with a table (`mbr`, `gpt`), or without one: then its one part is the whole disk."""

    table: str
    parts: tuple[Part, ...]
    boot_code: bytes = grub_boot_code()
    hybrid: tuple[int, ...] = ()
    size: int = 0
    """More than its parts need; it takes no room."""
    patches: tuple[tuple[int, bytes], ...] = ()
    """Bytes that are changed in the end, by offset."""


class Workshop:
    """Builds disks in one directory, which several processes may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def built(self, name: str, suffix: str, build: Callable[[Path, Path], object]) -> Path:
        """The file that `build(path, scratch)` makes, as soon as it is whole."""
        place = self.folder / f"{name}.{suffix}"
        if not place.exists():
            with alone(self.folder / f"{name}.{suffix}.lock"):
                self._build(place, suffix, build)
        return place

    def _build(self, place: Path, suffix: str, build: Callable[[Path, Path], object]) -> None:
        if place.exists():  # another process was faster
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            made = Path(scratch, f"made.{suffix}")
            build(made, Path(scratch))
            made.replace(place)

    def disk(self, disk: Disk, container: str = "raw") -> Path:
        """The image of a disk."""
        raw = self.built(_digest(disk), "raw", lambda path, _: self._assemble(disk, path))
        if container == "raw":
            return raw
        return self.built(
            f"{raw.stem}-{container}", _suffix(container), lambda path, _: contained(raw, container, path)
        )

    def enlarged(self, image: Path, size: int) -> Path:
        """A copy of an image with a long hole behind it."""

        def build(path: Path, _: Path) -> None:
            shutil.copy(image, path)
            os.truncate(path, size)

        return self.built(f"{image.stem}-{size}", image.suffix.lstrip("."), build)

    def volume(self, volume: Volume) -> Path:
        """The image of a file system by itself."""
        return self.built(_digest(volume), volume.kind, lambda path, scratch: _make(volume, path, scratch))

    def _assemble(self, disk: Disk, path: Path) -> None:
        if disk.table:
            self._partition(disk, path)
        else:
            shutil.copy(self._content(disk.parts[0]), path)
            os.truncate(path, max(disk.size, path.stat().st_size))
        for offset, data in disk.patches:
            patch(path, offset, data)

    def _partition(self, disk: Disk, path: Path) -> None:
        slots = [self._slot(part) for part in disk.parts]
        partitions.partitioned(path, disk.table, slots, size=disk.size)
        if disk.hybrid:
            partitions.hybrid(path, *disk.hybrid)
        patch(path, 0, disk.boot_code)

    def _slot(self, part: Part) -> Slot:
        content = self._content(part) if part.volume or part.lvm else None
        size = part.size or (content.stat().st_size if content else MIB)
        return Slot(part.role, size, content, part.active, part.number, part.name)

    def _content(self, part: Part) -> Path:
        if part.volume is not None:
            return self.volume(part.volume)
        volumes = [lvm2.LogicalVolume(name, one.size, self.volume(one)) for name, one in part.lvm]
        volumes = [replace(one, size=one.content.stat().st_size) for one in volumes if one.content]
        if part.physical_volumes > 1:
            volumes.append(lvm2.LogicalVolume("elsewhere", 8 * MIB, on=1))

        def build(path: Path, _: Path) -> Path:
            return lvm2.physical_volume(path, part.group, volumes, physical_volumes=part.physical_volumes)

        return self.built(_digest(part), "pv", build)


def _make(volume: Volume, path: Path, scratch: Path) -> None:
    tree = volume.tree or Tree()
    if volume.kind in ("ext2", "ext3", "ext4"):
        ext.make(
            path, tree, scratch, volume.size, volume.kind,
            features=volume.features, uuid=volume.uuid, label=volume.label,
        )  # fmt: skip
        if volume.commands:
            ext.edit(path, scratch, *volume.commands)
    elif volume.kind == "xfs":
        xfs.make(path, tree, scratch, volume.size, uuid=volume.uuid, label=volume.label, features=volume.features)
    elif volume.kind == "fat":
        fat.make(path, tree, scratch, volume.size, uuid=volume.uuid, bits=volume.bits)
    elif volume.kind == "ntfs":
        ntfs.make(path, tree, volume.size, uuid=volume.uuid)
    else:
        signatures.make(path, volume.kind, volume.size)


def _suffix(container: str) -> str:
    return "raw.tar.gz" if container.startswith("raw.tar.gz") else container.split("-")[0]


def _digest(recipe: object) -> str:
    """A name for all that a recipe says, trees included."""
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:24]
