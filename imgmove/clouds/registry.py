"""Which clouds are installed, and which of them a provider's name, an alias or a store's scheme belongs to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points

from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.ports import Cloud

GROUP = "imgmove.clouds"


class Registry:
    """Clouds by what they provide. Two clouds that claim one name are an error that names both."""

    def __init__(self, clouds: Iterable[Cloud]) -> None:
        self._clouds = tuple(clouds)
        self._providers: dict[str, tuple[str, Cloud]] = {}
        self._stores: dict[str, Cloud] = {}
        for cloud in self._clouds:
            self._add(cloud)

    @classmethod
    def installed(cls) -> Registry:
        """All clouds whose packages are installed. A broken package is an error that names it, not a missing cloud."""
        points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
        if not points:
            raise ImgmoveError(
                Kind.USAGE,
                "no cloud is installed",
                code="NoClouds",
                hint="reinstall imgmove: pip install --force-reinstall imgmove",
            )
        return cls(_load(point) for point in points)

    def _add(self, cloud: Cloud) -> None:
        names = {name: name for name in cloud.services} | dict(cloud.aliases)
        for name, provider in names.items():
            if name in self._providers:
                raise usage_error(
                    f"both {self._providers[name][1].name!r} and {cloud.name!r} provide {name!r}",
                    "uninstall one of them",
                )
            self._providers[name] = (provider, cloud)
        for scheme in cloud.stores:
            if scheme in self._stores:
                raise usage_error(
                    f"both {self._stores[scheme].name!r} and {cloud.name!r} provide {scheme}://",
                    "uninstall one of them",
                )
            self._stores[scheme] = cloud

    def clouds(self) -> tuple[Cloud, ...]:
        return self._clouds

    def provider(self, name: str) -> tuple[str, Cloud]:
        """The provider's own name (aliases resolved) and its cloud; a usage error with the names that exist else."""
        found = self._providers.get(name.strip().lower())
        if found is None:
            raise usage_error(
                f"{name!r} is no provider", self._suggest(name, list(self._providers)), code="UnknownProvider"
            )
        return found

    def store(self, scheme: str) -> Cloud:
        """The cloud whose store has this scheme; a usage error with the schemes that exist else."""
        found = self._stores.get(scheme)
        if found is None:
            raise usage_error(
                f"{scheme}:// is no object store", self._suggest(scheme, list(self._stores)), code="UnknownScheme"
            )
        return found

    def is_provider(self, name: str) -> bool:
        return name in self._providers

    def is_store(self, scheme: str) -> bool:
        return scheme in self._stores

    def abilities(self) -> Iterator[Abilities]:
        for cloud in self._clouds:
            yield from cloud.services.values()

    @staticmethod
    def _suggest(name: str, known: list[str]) -> str:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        listed = "there are " + ", ".join(known)
        return f"did you mean {near[0]!r}? {listed}" if near else listed


def _load(point: EntryPoint) -> Cloud:
    try:
        cloud: Cloud = point.load()
    except Exception as error:
        raise usage_error(
            f"the cloud {point.name!r} ({point.value}) cannot be loaded: {error}", "reinstall or uninstall its package"
        ) from error
    return cloud
