"""From a migrate command to a job's plan: what can be known without asking any provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imgmove.app.migrate import migration_steps
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.resolve import Place, Resolver, check_id, with_account
from imgmove.app.route import choose_route
from imgmove.core.address import ImageAddress, LocalFile, Uri, parse_address
from imgmove.core.errors import usage_error
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Step
from imgmove.core.requests import Architecture, BootMode, Operation
from imgmove.engine.transfer.bandwidth import parse_bandwidth


def destination_place(resolver: Resolver, text: str, region: str | None) -> Place:
    """`alibaba://cn-hangzhou` as a place; a usage error for anything else."""
    parsed = parse_address(text)
    if isinstance(parsed, LocalFile) or not resolver.registry.is_provider(parsed.scheme) or parsed.path.strip("/"):
        raise usage_error(f"{text!r} is no place for images", "write the destination like alibaba://cn-hangzhou")
    name, _cloud = resolver.registry.provider(parsed.scheme)
    return resolver.place(None, region, ImageAddress(name, parsed.authority))


def source_place(resolver: Resolver, text: str, region: str | None) -> tuple[Place, str]:
    """`tencent://ap-guangzhou/img-…` as a place and an image id."""
    parsed = parse_address(text)
    if not isinstance(parsed, Uri):
        raise usage_error(f"{text!r} is not an image's address", "write the source like tencent://ap-guangzhou/img-…")
    place, ids = resolver.things([text], None, region)
    abilities = place.abilities
    check_id(ids[0], abilities.image_id_pattern, f"an image of {abilities.title}", abilities.image_id_example)
    return place, ids[0]


@dataclass(frozen=True)
class Asked:
    """What a migrate (or doctor) command asks for: both places, and the request as far as words alone make it."""

    source: Place
    destination: Place
    request: MigrateRequest
    same_account: bool


def asked_for(
    resolver: Resolver,
    source: str,
    destination: str,
    *,
    source_bucket: str = "",
    dest_bucket: str = "",
    source_region: str = "",
    dest_region: str = "",
    source_profile: str = "",
    dest_profile: str = "",
    disk_format: str | None = None,
    architecture: str | None = None,
    boot_mode: str | None = None,
    license_: str = "",
    tags: Mapping[str, str] | None = None,
    part_bytes: float | None = None,
    **plain: Any,
) -> Asked:
    """From words to a request; `plain` are fields of it that need no reading. Usage errors; nobody is asked."""
    there, here = resolver.of_profile(source_profile), resolver.of_profile(dest_profile)
    from_, image_id = source_place(there, source, source_region)
    to = destination_place(here, destination, dest_region)
    same_account = source_profile == dest_profile
    if same_account:
        check_ends(from_, to)
    schemes = from_.abilities.store_scheme, to.abilities.store_scheme
    buckets = bucket_names(resolver, list(zip((source_bucket, dest_bucket), schemes, strict=True)))
    request = MigrateRequest(
        with_account(from_.provider, source_profile), from_.region, image_id,
        with_account(to.provider, dest_profile), to.region, buckets[0], buckets[1],
        format=DiskFormat(disk_format) if disk_format else None,
        architecture=Architecture(architecture) if architecture else None,
        boot_mode=BootMode(boot_mode) if boot_mode else None,
        license=license_, tags=dict(tags or {}), part_bytes=int(part_bytes) if part_bytes else None, **plain,
    )  # fmt: skip
    return Asked(from_, to, request, same_account)


def for_report(asked: Asked) -> MigrateRequest:
    """The request as a report looks at it: whatever is missing or cannot work is left for it to find."""
    source, destination = asked.source.abilities, asked.destination.abilities
    own_copy = asked.same_account and _fetches_by_itself(asked.source, asked.destination)
    return replace(
        asked.request, own_copy=own_copy, source_scheme=source.store_scheme, dest_scheme=destination.store_scheme
    )


def _fetches_by_itself(source: Place, destination: Place) -> bool:
    abilities = destination.abilities
    return source.provider in abilities.transfer_from and Operation.TRANSFER in abilities.operations


def transfer_steps(
    source: Place, destination: Place, request: MigrateRequest
) -> tuple[list[Step], MigrateRequest] | None:
    """The steps where the destination's provider fetches the image by itself (SyncImages, CopyImage, ECM ImportImage);
    None where it cannot."""
    if not _fetches_by_itself(source, destination):
        return None
    if request.name:
        destination.abilities.image_name.check(request.name)
    complete = replace(request, own_copy=True)
    return migration_steps(complete), complete


def export_steps(source: Place, destination: Place, request: MigrateRequest) -> tuple[list[Step], MigrateRequest]:
    """The steps of a migration through both stores; refuses what cannot work whatever the providers say."""
    source.abilities.ability(Operation.EXPORT)
    destination.abilities.ability(Operation.IMPORT)
    parse_bandwidth(request.bandwidth)
    source_scheme, dest_scheme = source.abilities.store_scheme, destination.abilities.store_scheme
    for flag, bucket, place, scheme in (
        ("--source-bucket", request.source_bucket, source, source_scheme),
        ("--dest-bucket", request.dest_bucket, destination, dest_scheme),
    ):
        if not bucket:
            raise usage_error(f"which bucket of {scheme}:// in {place.region}?", f"give {flag}")
        place.cloud.check_bucket_name(scheme, bucket)
    if request.name:
        destination.abilities.image_name.check(request.name)
    choose_route(source.abilities, source.region, destination.abilities, destination.region, request.format)
    complete = replace(request, source_scheme=source_scheme, dest_scheme=dest_scheme)
    return migration_steps(complete), complete


def check_ends(source: Place, destination: Place) -> None:
    if (source.provider, source.region) == (destination.provider, destination.region):
        raise usage_error(
            f"source and destination are the same: {source.provider} {source.region}", "name another region or provider"
        )


def bucket_names(resolver: Resolver, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Buckets given as names or as addresses of the expected scheme."""
    names = []
    for text, scheme in pairs:
        parsed = parse_address(text) if text else None
        if isinstance(parsed, Uri):
            if parsed.scheme != scheme or parsed.path.strip("/"):
                raise usage_error(f"{text!r} is no bucket of {scheme}://", f"give its name, or {scheme}://BUCKET")
            resolver.registry.store(scheme)
            names.append(parsed.authority)
        else:
            names.append(text)
    return names
