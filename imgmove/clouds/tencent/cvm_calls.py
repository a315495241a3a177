"""From requests to calls of CVM: parameters in the vendor's spelling, checked as far as the rules are known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from imgmove.clouds.tencent import limits
from imgmove.clouds.tencent.export_target import ExportTarget
from imgmove.clouds.tencent.os_names import OsMatch
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    ExportRequest,
    ImportRequest,
    TransferRequest,
)

_EXPORT_FORMATS: Final = {
    DiskFormat.RAW: "RAW", DiskFormat.QCOW2: "QCOW2", DiskFormat.VHD: "VHD", DiskFormat.VMDK: "VMDK",
}  # fmt: skip
_ARCHITECTURES: Final = {
    Architecture.X86_64: "x86_64", Architecture.I386: "i386", Architecture.ARM64: "arm_64",
}  # fmt: skip
_BOOT_MODES: Final = {BootMode.BIOS: "Legacy BIOS", BootMode.UEFI: "UEFI"}
#: The contract's words; `auto` leaves the choice to CVM.
_LICENSES: Final = {"": None, "auto": None, "tencentcloud": "TencentCloud", "byol": "BYOL"}


@dataclass(frozen=True)
class Call:
    """One call, without DryRun. Parameters that are None are left out."""

    action: str
    parameters: Mapping[str, Any]
    region: str
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def export_target(request: ExportRequest, token: str) -> ExportTarget:
    """Where the export will write. Without prefixes the token is one: by it `find` knows our objects."""
    count = len(request.image_ids)
    if not 1 <= count <= limits.EXPORT_MAX_IMAGES:
        raise _invalid(
            f"{count} images in one export", f"1 to {limits.EXPORT_MAX_IMAGES}", "InvalidParameterValue.LimitExceeded"
        )
    if len(set(request.image_ids)) < count:
        raise _invalid("an image is named twice", "name each image once", "InvalidParameterValue.InvalidImageId")
    given = request.prefixes * count if len(request.prefixes) == 1 else request.prefixes
    prefixes = given or (token,) * count
    if len(prefixes) != count:
        raise _invalid(
            f"{len(prefixes)} prefixes for {count} images", "give one, or one for each image",
            "InvalidParameterValue.InvalidFileNamePrefixList",
        )  # fmt: skip
    for prefix in prefixes:
        limits.EXPORT_PREFIX.check(prefix, "the prefix")
        if len(prefix.encode()) > limits.EXPORT_PREFIX_MAX_BYTES:
            raise _invalid("the prefix is too long", f"at most {limits.EXPORT_PREFIX_MAX_BYTES} bytes")
    disk_format = request.format.value if request.format else DiskFormat.RAW.value
    return ExportTarget(
        request.image_ids, request.bucket, prefixes, bool(request.prefixes), request.root_disk_only, disk_format
    )


def export_call(request: ExportRequest, target: ExportTarget, region: str) -> Call:
    if request.format is not None and request.format not in _EXPORT_FORMATS:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"CVM does not export {request.format.value}", code="UnsupportedFormat",
            hint=f"choose one of: {', '.join(item.value for item in _EXPORT_FORMATS)}",
        )  # fmt: skip
    parameters = {
        "BucketName": request.bucket,
        "ImageIds": list(target.image_ids),
        "ExportFormat": _EXPORT_FORMATS[request.format] if request.format else None,
        "FileNamePrefixList": list(target.prefixes),
        "OnlyExportRootDisk": request.root_disk_only or None,
        "RoleName": request.role_name or None,
    }
    return Call("ExportImages", parameters, region)


def check_import(request: ImportRequest) -> None:
    """Raise INVALID or UNSUPPORTED where the request breaks a rule that is known here, before anything is asked."""
    limits.CVM_IMAGE_NAME.check(request.name)
    check_description(request.description, limits.CVM_DESCRIPTION_MAX_LENGTH)
    if not request.disks:
        raise _invalid("no object to import", "name at least one object")
    if request.boot_mode is not None and request.boot_mode not in _BOOT_MODES:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"CVM has no boot mode {request.boot_mode.value}",
            code="InvalidParameterValue.InvalidBootMode", hint="--boot-mode bios or uefi",
        )  # fmt: skip
    if request.license.lower() not in _LICENSES:
        raise _invalid(
            f"CVM has no licence type {request.license!r}", "--license TencentCloud, BYOL or auto",
            "InvalidParameterValue.InvalidLicenseType",
        )  # fmt: skip
    for disk in request.disks:
        if disk.format is not None and disk.format not in _EXPORT_FORMATS:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"CVM does not import {disk.format.value}", code="UnsupportedFormat",
                hint="convert it first: `imgmove copy --format qcow2`",
            )  # fmt: skip


def import_call(request: ImportRequest, match: OsMatch, urls: Sequence[str], region: str) -> Call:
    """ImportImage of objects at signed `urls`, the system disk first."""
    parameters = {
        "ImageName": request.name,
        "ImageUrl": urls[0],
        "Architecture": _ARCHITECTURES[request.architecture or Architecture.X86_64],
        "OsType": match.os_type,
        "OsVersion": match.os_version,
        "ImageDescription": request.description or None,
        "Force": request.force or None,
        "TagSpecification": tag_specification(request.tags),
        "LicenseType": _LICENSES[request.license.lower()],
        "BootMode": _BOOT_MODES[request.boot_mode] if request.boot_mode else None,
        "ImageFamily": request.family or None,
        "ImportImageDataDiskList": [{"ImageUrl": url} for url in urls[1:]] or None,
    }
    return Call("ImportImage", parameters, region, {"name": request.name}, match.notes)


def create_call(request: CreateRequest, region: str) -> Call:
    """CreateImage takes an instance or snapshots: given snapshots, the instance only says where they are from."""
    limits.CVM_IMAGE_NAME.check(request.name)
    check_description(request.description, limits.CVM_DESCRIPTION_MAX_LENGTH)
    if request.disk_ids and request.snapshot_ids:
        raise _invalid("data disks and snapshots exclude each other", "give --disk or --snapshot")
    if not request.instance_id and not request.snapshot_ids:
        raise _invalid("neither an instance nor snapshots are named", "name an instance")
    parameters = {
        "ImageName": request.name,
        "InstanceId": None if request.snapshot_ids else request.instance_id,
        "SnapshotIds": list(request.snapshot_ids) or None,
        "ImageDescription": request.description or None,
        "ForcePoweroff": "true" if request.force_poweroff else None,
        "Sysprep": "true" if request.sysprep else None,
        "DataDiskIds": list(request.disk_ids) or None,
        "TagSpecification": tag_specification(request.tags),
        "ImageFamily": request.family or None,
    }
    return Call("CreateImage", parameters, region, {"name": request.name})


def transfer_call(request: TransferRequest, region: str) -> Call:
    """SyncImages, which is sent to the region of the source and names this one."""
    limits.CVM_IMAGE_NAME.check(request.name)
    if request.source_provider != "tencent":
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"CVM cannot fetch an image of {request.source_provider} by itself",
            code="UnsupportedOperation", hint="export it, and import the object",
        )  # fmt: skip
    if request.description or request.tags:
        raise ImgmoveError(
            Kind.UNSUPPORTED, "SyncImages takes neither a description nor tags", code="UnsupportedOption",
            hint="leave them out, and set them on the copy",
        )  # fmt: skip
    parameters = {
        "ImageIds": [request.source_image_id],
        "DestinationRegions": [region],
        "ImageName": request.name,
        "ImageSetRequired": True,
    }
    return Call("SyncImages", parameters, request.source_region, {"name": request.name})


def check_description(text: str, max_length: int) -> None:
    if len(text) > max_length:
        raise _invalid(
            f"the description has {len(text)} characters", f"at most {max_length}", "InvalidParameterValue.TooLarge"
        )


def tag_specification(tags: Mapping[str, str]) -> list[dict[str, Any]] | None:
    if not tags:
        return None
    return [{"ResourceType": "image", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def _invalid(message: str, hint: str, code: str = "InvalidParameterValue") -> ImgmoveError:
    return ImgmoveError(Kind.INVALID, message, code=code, hint=hint)
