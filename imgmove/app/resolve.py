"""From what people write (addresses, ids, `--provider`, `--region`) to a provider, a region, an id, an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imgmove.clouds.registry import Registry
from imgmove.config import Configuration
from imgmove.core.abilities import Abilities
from imgmove.core.address import ImageAddress, LocalFile, ObjectAddress, Uri, parse_address
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.ports import Cloud, ComputeProvider, ObjectStore
from imgmove.core.settings import Settings


@dataclass(frozen=True)
class Place:
    """A provider's service in a region (empty only where the service takes none)."""

    provider: str
    region: str
    cloud: Cloud

    @property
    def abilities(self) -> Abilities:
        return self.cloud.services[self.provider]


#: A provider of another account than the session's own is written `tencent@PROFILE` in jobs and resources.
ACCOUNT_MARK = "@"


def with_account(provider: str, profile: str) -> str:
    """The provider's name as a job keeps it, with the profile where it is not the session's own."""
    return f"{provider}{ACCOUNT_MARK}{profile}" if profile else provider


def split_account(provider: str) -> tuple[str, str]:
    """The provider's own name, and the profile that a job's name of it carries."""
    name, _, profile = provider.partition(ACCOUNT_MARK)
    return name, profile


class Resolver:
    """Turns names into things, with one registry and one configuration; other profiles have resolvers of their own."""

    def __init__(
        self,
        registry: Registry,
        configuration: Configuration,
        load: Callable[[str], Configuration] | None = None,
    ) -> None:
        self.registry = registry
        self.configuration = configuration
        self._load = load
        self._settings: dict[str, Settings] = {}
        self._others: dict[str, Resolver] = {}

    def of_profile(self, profile: str) -> Resolver:
        """The resolver of another profile; this one for an empty name."""
        if not profile or self._load is None:
            return self
        if profile not in self._others:
            self._others[profile] = Resolver(self.registry, self._load(profile), self._load)
        return self._others[profile]

    def settings(self, cloud: Cloud) -> Settings:
        """The cloud's settings, with the vendor's own default region filled in where nothing else names one."""
        if cloud.name not in self._settings:
            self._settings[cloud.name] = self.configuration.settings(cloud)
        return self._settings[cloud.name]

    def place(self, provider: str | None, region: str | None, address: ImageAddress | None = None) -> Place:
        """The place that a command means: flags first, then the address, then profile and environment.

        Raises a usage error where nothing names a provider or a region, or flag and address name two providers.
        """
        named = provider or (address.provider if address else None)
        if not named:
            raise usage_error("which provider?", "give --provider, or an address like tencent://REGION/img-…")
        name, cloud = self.registry.provider(named)
        if address is not None and address.provider != name:
            raise usage_error(
                f"{address} is an address of {address.provider!r}, --provider says {name!r}", "leave out one of them"
            )
        abilities = cloud.services[name]
        chosen = self._region(cloud, region or (address.region if address else ""))
        if not chosen and not abilities.region_optional:
            raise usage_error(
                f"which region of {abilities.title}?",
                f"give --region, or set it in the profile or {cloud.region_variables[0]}",
            )
        return Place(name, _checked_region(chosen), cloud)

    def _region(self, cloud: Cloud, named: str) -> str:
        settings = self.settings(cloud)
        return named or settings.region or cloud.default_region(settings)

    def compute(self, place: Place) -> ComputeProvider:
        return place.cloud.compute(place.provider, place.region, self.settings(place.cloud))

    def compute_at(self, provider: str, region: str) -> ComputeProvider:
        """The service that a journal's step names, of the account that it names."""
        bare, profile = split_account(provider)
        name, cloud = self.registry.provider(bare)
        return cloud.compute(name, region, self.of_profile(profile).settings(cloud))

    def store(self, scheme: str, bucket: str, region: str = "") -> ObjectStore:
        """A bucket; with an empty region its store is asked for it."""
        cloud = self.registry.store(scheme)
        cloud.check_bucket_name(scheme, bucket)
        return cloud.store(scheme, bucket, region, self.settings(cloud))

    # ------------------------------------------------------------------------------------ what a word names

    def image(self, text: str) -> ImageAddress | str:
        """An image's or instance's address, or the bare id; a usage error for an address of something else."""
        parsed = parse_address(text)
        if isinstance(parsed, LocalFile):
            if "/" in text:
                raise usage_error(f"{text!r} is neither an id nor an address", "write it like tencent://REGION/img-…")
            return text
        address = self._image_address(parsed, text)
        if not address.id:
            raise usage_error(f"{text!r} names no image or instance", "put its id behind the region, after a '/'")
        return address

    def _image_address(self, parsed: Uri, text: str) -> ImageAddress:
        if not self.registry.is_provider(parsed.scheme):
            kind = "an object" if self.registry.is_store(parsed.scheme) else "an unknown kind of thing"
            raise usage_error(f"{text!r} names {kind}, not an image", self._provider_forms())
        if "/" in parsed.path:
            raise usage_error(f"{text!r} has more than a region and an id", self._provider_forms())
        name, _cloud = self.registry.provider(parsed.scheme)
        return ImageAddress(name, _checked_region(parsed.authority), parsed.path)

    def _provider_forms(self) -> str:
        forms = [f"{item.provider}://REGION/{item.image_id_example or 'ID'}" for item in self.registry.abilities()]
        return "images are written " + ", ".join(forms)

    def things(self, texts: Sequence[str], provider: str | None, region: str | None) -> tuple[Place, tuple[str, ...]]:
        """The one place of several images (or instances) and their ids, in order, without repetitions."""
        named = [self.image(text) for text in texts]
        places = [self.place(provider, region, item if isinstance(item, ImageAddress) else None) for item in named]
        first = places[0]
        for text, place in zip(texts, places, strict=True):
            if (place.provider, place.region) != (first.provider, first.region):
                raise usage_error(
                    f"{text!r} is not where {texts[0]!r} is ({first.provider} {first.region})",
                    "one command for each region",
                )
        ids = [item.id if isinstance(item, ImageAddress) else item for item in named]
        return first, tuple(dict.fromkeys(ids))

    def object(self, text: str, scheme: str, bucket: str | None = None) -> ObjectAddress:
        """An object's address; a bare `BUCKET/KEY` (or KEY, with `bucket`) is taken to be in the store `scheme`."""
        parsed = parse_address(text)
        if isinstance(parsed, Uri):
            cloud = self.registry.store(parsed.scheme)
            address = ObjectAddress(parsed.scheme, parsed.authority, parsed.path)
        else:
            cloud = self.registry.store(scheme)
            name, _, key = text.partition("/") if not bucket else (bucket, "", text)
            address = ObjectAddress(scheme, name, key)
        if not address.bucket or not address.key:
            raise usage_error(f"{text!r} names no object", f"write it like {scheme}://BUCKET/KEY")
        cloud.check_bucket_name(address.scheme, address.bucket)
        return address


_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


def _checked_region(region: str) -> str:
    """`region` if it could be one: it becomes part of host names."""
    if region and not _REGION.fullmatch(region):
        raise usage_error(f"{region!r} is not a region's name", "regions are written like ap-guangzhou or cn-hangzhou")
    return region


def check_id(identifier: str, pattern: str, what: str, example: str) -> None:
    """Raise INVALID where `identifier` cannot be the id of a `what`."""
    if not re.fullmatch(pattern, identifier):
        raise ImgmoveError(
            Kind.INVALID, f"{identifier!r} is not the id of {what}", code="InvalidId", hint=f"ids look like {example}"
        )
