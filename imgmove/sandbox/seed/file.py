"""A world described in a TOML file, or in the same words by a program.

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

All tables and what they take: `imgmove.sandbox.seed.tables`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.seed.default import sow_default
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.identities import sow_key, sow_role
from imgmove.sandbox.seed.images import sow_image
from imgmove.sandbox.seed.stores import sow_bucket, sow_object
from imgmove.sandbox.seed.tables import (
    TABLES,
    BucketTable,
    ImageTable,
    KeyTable,
    ObjectTable,
    RoleTable,
    Table,
    read_tables,
)
from imgmove.sandbox.settings import SettingError, change_settings

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

Document = Mapping[str, Any]
"""A seed's tables by name, each a list, and its settings."""


def sow_file(world: World, path: Path) -> None:
    """Fills a world as a TOML file says. To be called under `world.lock`. Raises SeedError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}") from error
    with_default = document.pop("default", True)
    if not isinstance(with_default, bool):
        raise SeedError(f"{path}: {_allowed('default')}")
    try:
        tables, settings = _read(document)
        _settle(world, settings)
        if with_default:
            sow_default(world)
        _sow(world, tables, path.parent)
    except SeedError as error:
        raise SeedError(f"{path}: {error}") from error


def sow_document(world: World, document: Document) -> None:
    """Adds to a world what a document says, or changes what is there; nothing of it, if its form is wrong. No files.

    To be called under `world.lock`. Raises SeedError.
    """
    tables, settings = _read(document)
    _settle(world, settings)
    _sow(world, tables, None)


def _read(document: Document) -> tuple[list[Table], Mapping[str, Any]]:
    settings = document.get("settings", {})
    for name, content in document.items():
        if name not in (*TABLES, "settings") or (name == "settings" and not isinstance(content, dict)):
            raise SeedError(_allowed(name))
    return [t for name, kind in TABLES.items() for t in read_tables(document.get(name, []), name, kind)], settings


def _allowed(name: str) -> str:
    return f"{name!r}: allowed are default = true|false, {', '.join(f'[[{each}]]' for each in TABLES)}, [settings]"


def _settle(world: World, settings: Mapping[str, Any]) -> None:
    try:
        change_settings(world, settings)
    except SettingError as error:
        raise SeedError(str(error)) from error


def _sow(world: World, tables: list[Table], folder: Path | None) -> None:
    for table in tables:
        _SOWERS[type(table)](world, table, folder)
    world.changed()


_SOWERS: Mapping[type[Table], Callable[[World, Any, Path | None], None]] = {
    BucketTable: lambda world, table, _: sow_bucket(world, table),
    ObjectTable: sow_object,
    RoleTable: lambda world, table, _: sow_role(world, table),
    KeyTable: lambda world, table, _: sow_key(world, table),
    ImageTable: sow_image,
}
