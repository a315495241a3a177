"""From what an import command names to its place and its disks; looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from imgmove.app.objects import look_at_image
from imgmove.app.resolve import Place, Resolver
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import DiskSource, ImportRequest, Operation


def import_place(resolver: Resolver, scheme: str | None, provider: str | None, region: str | None) -> Place:
    """The place of an import: the flag's, else the first service that imports from the object's store."""
    if provider or not scheme:
        return resolver.place(provider, region)
    cloud = resolver.registry.store(scheme)
    for name, abilities in cloud.services.items():
        if abilities.store_scheme == scheme and Operation.IMPORT in abilities.operations:
            return resolver.place(name, region)
    raise usage_error(f"no service imports from {scheme}://", "copy the object to a store that one imports from")


def disk_sources(
    resolver: Resolver,
    place: Place,
    sources: Sequence[str],
    bucket: str | None,
    disk_format: str | None,
    sizes: Sequence[int],
) -> tuple[DiskSource, ...]:
    if sizes and len(sizes) != len(sources):
        raise usage_error(
            f"{len(sizes)} --disk-size for {len(sources)} disks", "give one for each disk, in their order"
        )
    scheme = place.abilities.store_scheme
    disks = []
    for index, text in enumerate(sources):
        address = resolver.object(text, scheme, bucket)
        if address.scheme != scheme:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{place.abilities.title} imports from {scheme}://, not from {address.scheme}://",
                code="UnsupportedStore", hint=f"copy the object to a bucket of {scheme}:// in {place.region} first",
            )  # fmt: skip
        disks.append(
            DiskSource(
                address.bucket,
                address.key,
                DiskFormat(disk_format) if disk_format else None,
                sizes[index] if sizes else None,
            )
        )
    return tuple(disks)


def look_at_disks(resolver: Resolver, place: Place, request: ImportRequest) -> None:
    """Raise for an object that is not there (NOT_FOUND) or is no image (CORRUPT), before anything is sent."""
    # A service without regions says nothing about the bucket's: its store is asked.
    region = "" if place.abilities.region_optional else place.region
    for index, disk in enumerate(request.disks):
        store = resolver.store(place.abilities.store_scheme, disk.bucket, region)
        look_at_image(store, disk.key, disk.format, system_disk=index == 0)
