"""The bytes of the default world's disks: unpacked once, shared by all images and both clouds through hard links."""

from __future__ import annotations

import secrets
from importlib.resources import as_file, files
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from imgmove.sandbox.disks import DiskFormat, convert

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

SHIPPED = "seed-disk.qcow2"
"""A small Debian-like system: partition table, ext4, `/etc`. Made by `scripts/build_seed_disk.py`."""
DATA_DISK_BYTES = 64 << 20


class Shelf(Protocol):
    """Where a cloud keeps the raw bytes of its disks."""

    def keep(self, source: Path, *, take: bool = False) -> str:
        """Stores a file's bytes and names them; `take` moves the file."""


class SeedDisk:
    """The disks of the default world. A context manager: the files it made for itself go when it is left."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._system: Path | None = None
        self._data: Path | None = None

    def __enter__(self) -> SeedDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in (self._system, self._data):
            if path is not None:
                path.unlink()

    def system_blob(self, shelf: Shelf) -> str:
        """The system disk on that shelf."""
        if self._system is None:
            self._system = unpack_shipped(self._world.incoming / "seed-system.raw")
        return put_on_shelf(shelf, self._system)

    def data_blob(self, shelf: Shelf) -> str:
        """A data disk on that shelf: blank, as a new one is."""
        if self._data is None:
            self._data = self._world.incoming / "seed-data.raw"
            with self._data.open("xb") as file:
                file.truncate(DATA_DISK_BYTES)
        return put_on_shelf(shelf, self._data)


def unpack_shipped(target: Path) -> Path:
    """Writes the shipped disk's raw bytes, sparse, to `target`."""
    with as_file(files("imgmove.sandbox.seed") / SHIPPED) as source:
        convert(source, DiskFormat.QCOW2, target, DiskFormat.RAW)
    return target


def put_on_shelf(shelf: Shelf, raw: Path) -> str:
    """Stores raw bytes, sharing them with the file, which must not be changed any more."""
    link = raw.with_name(f"{raw.name}-{secrets.token_hex(4)}")
    link.hardlink_to(raw)
    return shelf.keep(link, take=True)
