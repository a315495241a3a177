"""A world described in a TOML file, and images made of disk files of one's own.

default = true                # begin with the default world (default: true)

[[image]]
file = "build/web.qcow2"      # relative to the TOML file; raw, qcow2, vhd, vmdk, vdi or raw.tar.gz
name = "web"
provider = "tencent"          # or "alibaba"; left out: both
region = "ap-shanghai"        # left out: the default world's
platform = "Ubuntu"           # left out: "Debian"

[[bucket]]
provider = "alibaba"
name = "my-images"
region = "cn-shanghai"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.disks import DiskError, DiskFormat, convert
from imgmove.sandbox.seed import SeedError, alibaba, default_world, tencent
from imgmove.sandbox.seed.disk import put_on_shelf
from imgmove.sandbox.settings import SettingError, change_settings
from imgmove.sandbox.world import alibaba_records, tencent_records

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

GIB = 1 << 30
DEFAULT_REGIONS = {"tencent": tencent.REGION, "alibaba": alibaba.REGION}
_FIELDS = {
    "image": ({"file", "name"}, {"provider", "region", "platform"}),
    "bucket": ({"provider", "name"}, {"region"}),
}
"""Table: required and optional settings; all are texts."""


def sow_file(world: World, path: Path) -> None:
    """Fills a world as a TOML file says. To be called under `world.lock`. Raises SeedError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}") from error
    with_default, settings = document.pop("default", True), document.pop("settings", {})
    unknown = sorted(set(document) - set(_FIELDS))
    if unknown or not isinstance(with_default, bool) or not isinstance(settings, dict):
        wrong = (unknown or ["default" if not isinstance(with_default, bool) else "settings"])[0]
        raise SeedError(f"{path}: {wrong!r}: allowed are default = true|false, [[image]], [[bucket]], [settings]")
    try:
        change_settings(world, settings)
    except SettingError as error:
        raise SeedError(f"{path}: {error}") from error
    if with_default:
        default_world(world)
    for table in _tables(path, document, "bucket"):
        add_bucket(world, table["provider"], table["name"], table.get("region", ""))
    for table in _tables(path, document, "image"):
        add_image(world, path.parent / table.pop("file"), **table)


def add_bucket(world: World, provider: str, name: str, region: str = "") -> None:
    """Creates a bucket of the default world's account. Raises SeedError."""
    owner = {"tencent": tencent.UIN, "alibaba": alibaba.ACCOUNT}.get(provider)
    if owner is None:
        raise SeedError(f"there is no provider {provider!r}; allowed: {', '.join(DEFAULT_REGIONS)}")
    if world.objects.bucket(provider, name):
        raise SeedError(f"there is a bucket {name!r} already")
    world.objects.create_bucket(provider, name, region or DEFAULT_REGIONS[provider], owner)


def add_image(
    world: World, file: Path, name: str, provider: str = "", region: str = "", platform: str = "Debian"
) -> dict[str, str]:
    """Makes an image of a disk file, whatever its format, in the default world's account; "" means both providers.

    To be called under `world.lock`. Returns the new ids by provider. Raises SeedError for a file that is no disk
    image or can't be read.
    """
    if provider not in ("", *DEFAULT_REGIONS):
        raise SeedError(f"there is no provider {provider!r}; allowed: {', '.join(DEFAULT_REGIONS)}")
    raw = world.incoming / "image.raw"
    try:
        convert(file, None, raw, DiskFormat.RAW)
    except (OSError, DiskError) as error:
        raise SeedError(f"{file}: {error}") from error
    makers = {"tencent": _add_to_tencent, "alibaba": _add_to_alibaba}
    try:
        return {
            each: makers[each](world, raw, name, region or DEFAULT_REGIONS[each], platform)
            for each in ([provider] if provider else DEFAULT_REGIONS)
        }
    finally:
        raw.unlink()


def _add_to_tencent(world: World, raw: Path, name: str, region: str, platform: str) -> str:
    cloud, size_gib = world.tencent, _gib(raw)
    blob, snapshot_id, now = put_on_shelf(cloud, raw), cloud.new_id("snap"), world.clock.wall()
    cloud.add_snapshot(
        tencent_records.Snapshot(snapshot_id, tencent.UIN, region, tencent_records.SYSTEM_DISK, size_gib, blob)
    )
    image = tencent_records.Image(
        cloud.new_id("img"),
        tencent.UIN,
        region,
        name,
        os_name=platform,
        platform="Windows" if platform.startswith("Windows") else platform,
        os_type=platform,
        size_gib=size_gib,
        created=now,
        snapshot_ids=[snapshot_id],
    )
    return cloud.add_image(image).image_id


def _add_to_alibaba(world: World, raw: Path, name: str, region: str, platform: str) -> str:
    cloud, size_gib = world.alibaba, _gib(raw)
    blob, snapshot_id, now = put_on_shelf(cloud, raw), cloud.new_id("s"), world.clock.wall()
    cloud.add_snapshot(
        alibaba_records.Snapshot(snapshot_id, region, alibaba.ACCOUNT, "system", size_gib, blob, created=now)
    )
    image = alibaba_records.Image(
        cloud.new_id("m"),
        name,
        region,
        alibaba.ACCOUNT,
        [alibaba_records.ImageDisk("system", "/dev/xvda", size_gib, blob, snapshot_id)],
        created=now,
        platform=platform,
        os_type="windows" if platform.startswith("Windows") else "linux",
    )
    return cloud.add_image(image).image_id


def _gib(raw: Path) -> int:
    return max(1, -(-raw.stat().st_size // GIB))


def _tables(path: Path, document: Mapping[str, Any], kind: str) -> list[dict[str, str]]:
    tables = document.get(kind, [])
    required, optional = _FIELDS[kind]
    for table in tables if isinstance(tables, list) else [tables]:
        if not isinstance(table, dict) or not isinstance(tables, list):
            raise SeedError(f"{path}: write [[{kind}]] for each {kind}")
        for name, value in table.items():
            if name not in required | optional:
                raise SeedError(
                    f"{path}: [[{kind}]] takes no {name!r}; allowed: {', '.join(sorted(required | optional))}"
                )
            if not isinstance(value, str):
                raise SeedError(f"{path}: {name} of [[{kind}]] must be a text, not {value!r}")
        for name in sorted(required - set(table)):
            raise SeedError(f"{path}: a [[{kind}]] has no {name}")
    return [dict(table) for table in tables]
