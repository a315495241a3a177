"""Files of this machine as an object store, so that a copy may begin or end here. A cloud without image services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.ports import ComputeProvider, ErrorRow, ObjectStore
from imgmove.core.settings import Settings


class LocalFiles:
    """The `Cloud` of local files: scheme `file`; a bucket is a directory, a key a path below it."""

    name = "local"
    services: Mapping[str, Abilities] = {}
    aliases: Mapping[str, str] = {}
    stores = ("file",)
    endpoint_services: tuple[str, ...] = ()
    region_variables: tuple[str, ...] = ()

    def compute(self, provider: str, _region: str, _settings: Settings) -> ComputeProvider:
        self._refuse(provider)

    def _refuse(self, provider: str) -> NoReturn:
        raise ImgmoveError(Kind.UNSUPPORTED, f"files have no image service {provider!r}", code="UnsupportedOperation")

    def store(self, _scheme: str, bucket: str, _region: str, _settings: Settings) -> ObjectStore:
        from imgmove.clouds.local.store import LocalStore

        return LocalStore(Path(bucket))

    def check_bucket_name(self, _scheme: str, bucket: str) -> None:
        """A directory, or one that can be: what is written there creates it."""
        there = next(path for path in (Path(bucket), *Path(bucket).parents) if path.exists())
        if not there.is_dir():
            raise usage_error(f"{there} is not a directory", "name another")

    def default_region(self, _settings: Settings) -> str:
        return ""

    def error_table(self) -> Sequence[ErrorRow]:
        return ()


cloud = LocalFiles()
