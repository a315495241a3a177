"""From what an operator asks for to requests, checked against what the service declares, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from imgmove.app.resolve import Place, check_id
from imgmove.core.abilities import OperationAbility
from imgmove.core.address import Uri, parse_address
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
)

#: Request fields that no service needs to declare: they are what the operation is about.
_NECESSARY = frozenset({"name", "image_ids", "bucket", "disks", "instance_id", "format", "architecture", "boot_mode",
                        "source_provider", "source_region", "source_image_id"})  # fmt: skip

#: How the command line calls a field, for the error.
_FLAGS = {"prefixes": "--prefix", "disk_ids": "--disk", "snapshot_ids": "--snapshot", "init": "--init",
          "license": "--license", "tags": "--tag"}  # fmt: skip


def check_options(place: Place, request: ServiceRequest, ability: OperationAbility) -> None:
    """Raise UNSUPPORTED, naming the flag, for a given field that the service does not understand."""
    for field in fields(request):
        value = getattr(request, field.name)
        given = (
            bool(value)
            if value is not None and not isinstance(value, bool)
            else value is not None and value is not False
        )
        if given and field.name not in _NECESSARY and field.name not in ability.options:
            flag = _FLAGS.get(field.name, "--" + field.name.replace("_", "-"))
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{place.abilities.title} has no {flag} here", code="UnsupportedOption",
                hint=f"leave out {flag}; `imgmove providers -o json` lists the options of each service",
            )  # fmt: skip


def export_requests(
    place: Place,
    image_ids: Sequence[str],
    bucket: str,
    disk_format: DiskFormat | None,
    prefixes: Sequence[str],
    root_disk_only: bool,
    role_name: str,
) -> list[ExportRequest]:
    """One request for as many images as the service takes at once, in the order given."""
    abilities = place.abilities
    ability = abilities.ability(Operation.EXPORT)
    place.cloud.check_bucket_name(abilities.store_scheme, bucket)
    for image_id in image_ids:
        check_id(image_id, abilities.image_id_pattern, f"an image of {abilities.title}", abilities.image_id_example)
    for prefix in prefixes:
        if abilities.prefix:
            abilities.prefix.check(prefix, "the prefix")
    _check_format(place, Operation.EXPORT, disk_format)
    by_image = _prefix_of_each(image_ids, prefixes)
    size = ability.max_images
    chunks = [tuple(image_ids[start : start + size]) for start in range(0, len(image_ids), size)]
    requests = [
        ExportRequest(
            image_ids=chunk,
            bucket=bucket,
            format=disk_format,
            prefixes=tuple(by_image[image_id] for image_id in chunk) if by_image else (),
            root_disk_only=root_disk_only,
            role_name=role_name,
        )
        for chunk in chunks
    ]
    for request in requests:
        check_options(place, request, ability)
    return requests


def _prefix_of_each(image_ids: Sequence[str], prefixes: Sequence[str]) -> Mapping[str, str]:
    if not prefixes:
        return {}
    if len(prefixes) == 1:
        return dict.fromkeys(image_ids, prefixes[0])
    if len(prefixes) != len(image_ids):
        raise usage_error(
            f"{len(prefixes)} prefixes for {len(image_ids)} images",
            "give --prefix once, or once for each image, in their order",
        )
    return dict(zip(image_ids, prefixes, strict=True))


def _check_format(place: Place, operation: Operation, disk_format: DiskFormat | None) -> None:
    allowed = place.abilities.formats(operation, place.region)
    if disk_format is None or not allowed or disk_format in allowed:
        return
    where = f"{place.abilities.title} in {place.region}" if place.region else place.abilities.title
    listed = ", ".join(item.value for item in allowed)
    raise ImgmoveError(
        Kind.UNSUPPORTED, f"{where} does not {operation.value} {disk_format.value}", code="UnsupportedFormat",
        hint=f"choose one of: {listed}",
    )  # fmt: skip


def check_import(place: Place, request: ImportRequest) -> None:
    """Raise INVALID or UNSUPPORTED where the service's declared rules refuse `request`."""
    abilities = place.abilities
    ability = abilities.ability(Operation.IMPORT)
    abilities.image_name.check(request.name)
    check_options(place, request, ability)
    _check_choice(place, "--arch", request.architecture, ability.architectures)
    _check_choice(place, "--boot-mode", request.boot_mode, ability.boot_modes)
    if len(request.disks) > ability.max_disks:
        raise ImgmoveError(
            Kind.UNSUPPORTED,
            f"{abilities.title} imports at most {ability.max_disks} disk(s) as one image, not {len(request.disks)}",
            code="TooManyDisks", hint="import the data disks as images of their own",
        )  # fmt: skip
    for disk in request.disks:
        _check_format(place, Operation.IMPORT, disk.format)


def _check_choice(
    place: Place, flag: str, value: Architecture | BootMode | None, allowed: Sequence[Architecture | BootMode]
) -> None:
    if value is not None and value not in allowed:
        listed = ", ".join(item.value for item in allowed) or "none: leave it out"
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"{place.abilities.title} does not take {flag} {value.value}", code="UnsupportedOption",
            hint=f"it takes {listed}",
        )  # fmt: skip


def check_create(place: Place, request: CreateRequest) -> None:
    """Raise INVALID or UNSUPPORTED where the service's declared rules refuse `request`."""
    abilities = place.abilities
    ability = abilities.ability(Operation.CREATE)
    abilities.image_name.check(request.name)
    check_options(place, request, ability)
    if request.instance_id:
        check_id(
            request.instance_id, abilities.instance_id_pattern, f"an instance of {abilities.title}", "the console's"
        )
    _check_choice(place, "--boot-mode", request.boot_mode, ability.boot_modes)


def bucket_name(place: Place, text: str) -> str:
    """`--bucket` as a name, or as an address of the provider's own store."""
    scheme = place.abilities.store_scheme
    parsed = parse_address(text)
    if isinstance(parsed, Uri):
        if parsed.scheme != scheme or parsed.path.strip("/"):
            raise usage_error(f"{text!r} is no bucket of {scheme}://", f"give the bucket's name, or {scheme}://BUCKET")
        return parsed.authority
    return text
