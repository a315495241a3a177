"""An image of a seed at Tencent: a new one, or changes to one that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.seed.disk import put_on_shelf
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.tables import ImageTable
from imgmove.sandbox.seed.tencent import ECM_REGION, OTHER_UIN, REGION, UIN
from imgmove.sandbox.world.tencent_disks import gib
from imgmove.sandbox.world.tencent_records import (
    CUSTOM,
    DATA_DISK,
    IMAGE_STATES,
    MARKET,
    PUBLIC,
    SYSTEM_DISK,
    Image,
    Snapshot,
)

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

BOOT_MODES = {"BIOS": "Legacy BIOS"}
"""Words that are Alibaba's and what CVM says instead."""
_AS_THEY_ARE = {
    "os_name": "os_name", "architecture": "architecture", "license_type": "license_type", "cloud_init": "cloudinit",
    "tags": "tags",
}  # fmt: skip


def add(world: World, table: ImageTable, raw: Path) -> None:
    """A new image with a system disk of these bytes."""
    tencent, service = world.tencent, table.service or "cvm"
    platform = table.platform or "Debian"
    image = Image(
        table.id or tencent.new_id("img"),
        UIN,
        "" if service == "ecm" else table.region or REGION,
        table.name,
        service=service,
        os_name=platform,
        platform="Windows" if platform.startswith("Windows") else platform,
        os_type=platform,
        size_gib=gib(raw.stat().st_size),
        created=world.clock.wall(),
    )
    _add_disk(world, image, raw, SYSTEM_DISK, image.size_gib)
    tencent.add_image(image)
    _apply(world, image, table)


def _add_disk(world: World, image: Image, raw: Path, usage: str, size_gib: int) -> None:
    tencent = world.tencent
    snapshot_id, blob = tencent.new_id("snap"), put_on_shelf(tencent, raw)
    region = image.region or ECM_REGION
    tencent.add_snapshot(Snapshot(snapshot_id, image.account_id, region, usage, size_gib, blob))
    image.snapshot_ids.append(snapshot_id)


def change(world: World, table: ImageTable) -> bool:
    """Changes the image of that id; False where there is none."""
    found = [i for i in world.tencent.state.images if i.image_id == table.id and table.provider in (None, "tencent")]
    for image in found:
        if table.absent:
            world.tencent.remove_image(image, with_snapshots=True)
            continue
        image.name = table.name or image.name
        if table.platform is not None:
            image.platform = image.os_type = table.platform
        _apply(world, image, table)
    return bool(found)


def _apply(world: World, image: Image, table: ImageTable) -> None:
    for name, own in _AS_THEY_ARE.items():
        if getattr(table, name) is not None:
            setattr(image, own, getattr(table, name))
    if table.boot_mode is not None:
        image.boot_mode = BOOT_MODES.get(table.boot_mode, table.boot_mode)
    if table.state is not None:
        if table.state not in IMAGE_STATES:
            raise SeedError(f"CVM's images have no state {table.state!r}; there are: {', '.join(IMAGE_STATES)}")
        image.state = table.state
    if table.kind is not None:
        _make(image, table.kind)
    _apply_to_disks(world, image, table)
    world.changed()


def _make(image: Image, kind: str) -> None:
    image.kind = {"public": PUBLIC, "market": MARKET}.get(kind, CUSTOM)
    image.source = "CREATE_IMAGE" if image.kind == CUSTOM else "OFFICIAL"
    image.from_market = kind == "from-market"
    image.account_id, image.shared_with = (OTHER_UIN, [UIN]) if kind == "shared" else (UIN, [])


def _apply_to_disks(world: World, image: Image, table: ImageTable) -> None:
    system = next((s for s in world.tencent.snapshots_of(image) if s.usage == SYSTEM_DISK), None)
    if system is not None:
        for size_gib in table.data_disks_gib or []:
            _add_disk(world, image, world.tencent.blob(system.blob), DATA_DISK, size_gib)
    if table.encrypted is not None:
        for snapshot in world.tencent.snapshots_of(image):
            snapshot.encrypted = table.encrypted
    if table.size_gib is not None:
        image.size_gib = table.size_gib
        if system is not None:
            system.size_gib = table.size_gib
    if table.snapshot_gone and system is not None:
        world.tencent.remove_snapshot(system)
