"""Images of a seed, at both vendors: made of a disk file or of the default world's disk, or changed as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskError, DiskFormat, convert
from imgmove.sandbox.seed import alibaba_image, tencent_image
from imgmove.sandbox.seed.disk import SeedDisk
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.stores import seed_file
from imgmove.sandbox.seed.tables import ImageTable

if TYPE_CHECKING:
    from imgmove.sandbox.world import World


def sow_image(world: World, table: ImageTable, folder: Path | None) -> None:
    """Makes an image or changes the one of that id. To be called under `world.lock`. Raises SeedError."""
    if table.id and _change(world, table):
        return
    if table.absent:
        raise SeedError(f"there is no image {table.id!r} to take away")
    if not table.name:
        raise SeedError("a [[image]] has no name, or an id that there is not")
    if table.id and table.provider is None:
        raise SeedError(f"image {table.id!r}: a new image with an id needs its provider")
    add_image(world, table, seed_file(folder, table.file) if table.file else None)


def _change(world: World, table: ImageTable) -> bool:
    return tencent_image.change(world, table) or alibaba_image.change(world, table)


def add_image(world: World, table: ImageTable, file: Path | None) -> None:
    """Makes an image of a disk file, whatever its format, in the default world's account; without a provider at both."""
    makers = {"tencent": tencent_image.add, "alibaba": alibaba_image.add}
    wanted = [table.provider] if table.provider else list(makers)
    if file is None:
        with SeedDisk(world) as disk:
            for provider in wanted:
                makers[provider](world, table, disk.raw())
        return
    raw = world.incoming / "image.raw"
    try:
        convert(file, None, raw, DiskFormat.RAW)
    except (OSError, DiskError) as error:
        raise SeedError(f"{file}: {error}") from error
    try:
        for provider in wanted:
            makers[provider](world, table, raw)
    finally:
        raw.unlink()
