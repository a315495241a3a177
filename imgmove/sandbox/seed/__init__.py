"""What a new sandbox holds: the default world, a world described in a TOML file, or what a function puts there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.seed.alibaba import KEY_ID as ALIBABA_KEY_ID
from imgmove.sandbox.seed.alibaba import REGION as ALIBABA_REGION
from imgmove.sandbox.seed.alibaba import SECRET as ALIBABA_SECRET
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.tencent import KEY_ID as TENCENT_KEY_ID
from imgmove.sandbox.seed.tencent import REGION as TENCENT_REGION
from imgmove.sandbox.seed.tencent import SECRET as TENCENT_SECRET

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

__all__ = ["CREDENTIALS", "DEFAULT", "Seed", "SeedError", "default_world", "sow", "with_images"]

Seed = Path | Callable[["World"], None]
"""The path of a TOML file (see `imgmove.sandbox.seed.file`), or a function that fills the world it is given."""

CREDENTIALS = {
    "TENCENTCLOUD_SECRET_ID": TENCENT_KEY_ID,
    "TENCENTCLOUD_SECRET_KEY": TENCENT_SECRET,
    "TENCENTCLOUD_REGION": TENCENT_REGION,
    "ALIBABA_CLOUD_ACCESS_KEY_ID": ALIBABA_KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ALIBABA_SECRET,
    "ALIBABA_CLOUD_REGION_ID": ALIBABA_REGION,
}
"""The environment variables that make a program the operator of the default world."""


def sow(world: World, seed: Seed) -> None:
    """Fills a world. To be called under `world.lock`. Raises SeedError."""
    if isinstance(seed, Path):
        from imgmove.sandbox.seed.file import sow_file

        sow_file(world, seed)
    else:
        seed(world)


def default_world(world: World) -> None:
    """An account at each vendor with a key, roles, buckets, images of all kinds and instances."""
    from imgmove.sandbox.seed.default import sow_default

    sow_default(world)


def with_images(seed: Seed, images: Sequence[tuple[Path, str]]) -> Seed:
    """A seed that adds images made of disk files, given as (file, name), at both vendors."""

    def sow_both(world: World) -> None:
        from imgmove.sandbox.seed.images import add_image
        from imgmove.sandbox.seed.tables import ImageTable

        sow(world, seed)
        for file, name in images:
            add_image(world, ImageTable(name=name), file)

    return sow_both


DEFAULT: Seed = default_world
