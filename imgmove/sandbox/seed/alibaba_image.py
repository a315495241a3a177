"""An image of a seed at Alibaba: a new one, or changes to one that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.seed.alibaba import ACCOUNT, REGION
from imgmove.sandbox.seed.disk import put_on_shelf
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.tables import ImageTable
from imgmove.sandbox.world.alibaba_records import IMAGE_STATES, Image, ImageDisk, Snapshot

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

OTHER_ACCOUNT = "1000000000000009"
"""Whose images are shared with the default world's account."""
PRODUCT_CODE = "cmjj00000001"
GIB = 1 << 30
_AS_THEY_ARE = ("os_name", "architecture", "boot_mode", "license_type", "cloud_init", "tags")


def add(world: World, table: ImageTable, raw: Path) -> None:
    """A new image with a system disk of these bytes."""
    platform = table.platform or "Debian"
    image = Image(
        table.id or world.alibaba.new_id("m"),
        table.name,
        table.region or REGION,
        ACCOUNT,
        [],
        created=world.clock.wall(),
        platform=platform,
        os_type="windows" if platform.startswith("Windows") else "linux",
    )
    _add_disk(world, image, raw, max(1, -(-raw.stat().st_size // GIB)))
    world.alibaba.add_image(image)
    _apply(world, image, table)


def _add_disk(world: World, image: Image, raw: Path, size_gib: int) -> None:
    alibaba, kind = world.alibaba, "data" if image.disks else "system"
    device = f"/dev/xvd{chr(ord('a') + len(image.disks))}"
    snapshot_id, blob = alibaba.new_id("s"), put_on_shelf(alibaba, raw)
    alibaba.add_snapshot(
        Snapshot(snapshot_id, image.region, image.owner, kind, size_gib, blob, created=world.clock.wall())
    )
    image.disks.append(ImageDisk(kind, device, size_gib, blob, snapshot_id))


def change(world: World, table: ImageTable) -> bool:
    """Changes the image of that id; False where there is none."""
    found = [i for i in world.alibaba.state.images if i.image_id == table.id and table.provider in (None, "alibaba")]
    for image in found:
        if table.absent:
            world.alibaba.remove_image(image)
            continue
        image.name = table.name or image.name
        if table.platform is not None:
            image.platform = table.platform
            image.os_type = "windows" if table.platform.startswith("Windows") else "linux"
        _apply(world, image, table)
    return bool(found)


def _apply(world: World, image: Image, table: ImageTable) -> None:
    for name in _AS_THEY_ARE:
        if getattr(table, name) is not None:
            setattr(image, name, getattr(table, name))
    if table.state is not None:
        if table.state not in IMAGE_STATES:
            raise SeedError(f"ECS's images have no state {table.state!r}; there are: {', '.join(IMAGE_STATES)}")
        image.status = table.state
    if table.kind is not None:
        _make(image, table.kind)
    _apply_to_disks(world, image, table)
    world.changed()


def _make(image: Image, kind: str) -> None:
    image.owner = {"public": "system", "market": "marketplace", "shared": OTHER_ACCOUNT}.get(kind, ACCOUNT)
    image.shared_with = [ACCOUNT] if kind == "shared" else []
    image.product_code = PRODUCT_CODE if kind in ("market", "from-market") else ""


def _apply_to_disks(world: World, image: Image, table: ImageTable) -> None:
    for size_gib in (table.data_disks_gib or []) if image.disks else []:
        _add_disk(world, image, world.alibaba.blob(image.disks[0].blob), size_gib)
    if table.encrypted is not None:
        for disk in image.disks:
            disk.encrypted = table.encrypted
    if table.size_gib is not None and image.disks:
        image.disks[0].size_gib = table.size_gib
