"""The bytes of the default world's disks: unpacked once, shared by all images and both clouds through hard links."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from imgmove.sandbox.seed_disk import materialise

if TYPE_CHECKING:
    from imgmove.sandbox.world import World


class Shelf(Protocol):
    """Where a cloud keeps the raw bytes of its disks."""

    def keep(self, source: Path, *, take: bool = False) -> str:
        """Stores a file's bytes and names them; `take` moves the file."""


class SeedDisk:
    """The disks of the default world. A context manager: the files it made for itself go when it is left."""

    def __init__(self, world: World) -> None:
        self._directory = world.incoming
        self._unpacked: dict[str, Path] = {}

    def __enter__(self) -> SeedDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self._unpacked.values():
            path.unlink()

    def system_blob(self, shelf: Shelf) -> str:
        """The system disk on that shelf; calls it a new name each time."""
        return put_on_shelf(shelf, self._raw("system"))

    def data_blob(self, shelf: Shelf) -> str:
        """The data disk on that shelf, likewise."""
        return put_on_shelf(shelf, self._raw("data"))

    def raw(self) -> Path:
        """The system disk's bytes in a file, which must not be changed."""
        return self._raw("system")

    def _raw(self, name: str) -> Path:
        if name not in self._unpacked:
            self._unpacked[name] = materialise(name, self._directory / f"seed-{name}.raw")
        return self._unpacked[name]


def put_on_shelf(shelf: Shelf, raw: Path) -> str:
    """Stores raw bytes, sharing them with the file, which must not be changed any more."""
    link = raw.with_name(f"{raw.name}-{secrets.token_hex(4)}")
    link.hardlink_to(raw)
    return shelf.keep(link, take=True)
