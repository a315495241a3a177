"""The default world: an account at each vendor with a key, roles, buckets, images of all kinds and instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgmove.sandbox.seed import alibaba, tencent
from imgmove.sandbox.seed.disk import SeedDisk

if TYPE_CHECKING:
    from imgmove.sandbox.world import World


def sow_default(world: World) -> None:
    """Fills a world with it. To be called under `world.lock`."""
    with SeedDisk(world) as disk:
        tencent.sow(world, disk)
        alibaba.sow(world, disk)
