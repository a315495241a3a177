"""From requests to calls of ECM: parameters in the vendor's spelling, checked as far as the rules are known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imgmove.clouds.tencent import limits
from imgmove.clouds.tencent.cvm_calls import Call, check_description
from imgmove.clouds.tencent.os_names import OsMatch
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import Architecture, CreateRequest, ImportRequest, TransferRequest

_ARCHITECTURES: Final = {Architecture.X86_64: "x86_64", Architecture.I386: "i386"}
_INIT_FLAGS: Final = {"": None, "cloudinit": "cloudinit", "cloud-init": "cloudinit", "nbd": "nbd"}


def check_import(request: ImportRequest) -> None:
    """Raise INVALID or UNSUPPORTED where the request breaks a rule that is known here, before anything is asked."""
    limits.ECM_IMAGE_NAME.check(request.name)
    check_description(request.description, limits.ECM_DESCRIPTION_MAX_LENGTH)
    if not request.disks:
        raise ImgmoveError(
            Kind.INVALID, "no object to import", code="MissingParameter", hint="name at least one object"
        )
    if request.architecture is not None and request.architecture not in _ARCHITECTURES:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"ECM does not take {request.architecture.value}",
            code="InvalidParameterValue.InvalidImageArchitecture", hint="--arch x86_64 or i386",
        )  # fmt: skip
    if request.init.lower() not in _INIT_FLAGS:
        raise ImgmoveError(
            Kind.INVALID, f"ECM does not initialise by {request.init!r}", code="InvalidParameterValue",
            hint="--init cloudinit or nbd",
        )  # fmt: skip


def import_call(request: ImportRequest, match: OsMatch, urls: Sequence[str]) -> Call:
    """ImportCustomImage of objects at `urls`, the base layer first."""
    parameters = {
        "ImageName": request.name,
        "Architecture": _ARCHITECTURES[request.architecture or Architecture.X86_64],
        "OsType": match.os_type,
        "OsVersion": match.os_version,
        "ImageDescription": request.description or None,
        "InitFlag": _INIT_FLAGS[request.init.lower()],
        "ImageUrls": [{"ImageFile": url} for url in urls],
    }
    return Call("ImportCustomImage", parameters, "", {"name": request.name}, match.notes)


def create_call(request: CreateRequest) -> Call:
    limits.ECM_IMAGE_NAME.check(request.name)
    check_description(request.description, limits.ECM_DESCRIPTION_MAX_LENGTH)
    if not request.instance_id:
        raise ImgmoveError(
            Kind.INVALID, "no instance is named", code="MissingParameter.MissingImageParameter",
            hint="name an instance: ein-…",
        )  # fmt: skip
    parameters = {
        "ImageName": request.name,
        "InstanceId": request.instance_id,
        "ImageDescription": request.description or None,
        "ForcePoweroff": "TRUE" if request.force_poweroff else None,
    }
    return Call("CreateImage", parameters, "", {"name": request.name, "instance_id": request.instance_id})


def transfer_call(request: TransferRequest, token: str) -> Call:
    """ImportImage takes no name, but needs a description: without one of the user's it carries name and token."""
    limits.ECM_IMAGE_NAME.check(request.name)
    check_description(request.description, limits.ECM_DESCRIPTION_MAX_LENGTH)
    if request.source_provider != "tencent":
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"ECM cannot fetch an image of {request.source_provider} by itself",
            code="UnsupportedOperation", hint="export it to COS, and import the object",
        )  # fmt: skip
    if request.tags:
        raise ImgmoveError(Kind.UNSUPPORTED, "ECM has no tags", code="UnsupportedOption", hint="leave out --tag")
    description = request.description or f"{request.name} (imgmove {token})"
    parameters = {
        "ImageId": request.source_image_id,
        "ImageDescription": description,
        "SourceRegion": request.source_region,
    }
    details = {
        "source_image_id": request.source_image_id,
        "source_region": request.source_region,
        "description": description,
        "is_unique": not request.description,
    }
    note = f"ECM's ImportImage takes no name: {request.name!r} goes into the description"
    return Call("ImportImage", parameters, "", details, (note,))
