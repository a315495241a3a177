"""From what was asked to ECS's calls and parameters, with the rules that can be checked before anything is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imgmove.clouds.alibaba import limits, os_names
from imgmove.clouds.alibaba.abilities import ECS
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    DiskSource,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    TransferRequest,
    operation_of,
)

_BOOT_MODES: Final = {
    BootMode.BIOS: "BIOS",
    BootMode.UEFI: "UEFI",
    BootMode.UEFI_PREFERRED: "UEFI-Preferred",
}
_LICENSES: Final = {"aliyun": "Aliyun", "alibaba": "Aliyun", "byol": "BYOL", "auto": "Auto"}
_DATA_DEVICES: Final = "bcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Call:
    """One call of ECS. `region` is whose endpoint it goes to; `details` is what its handle has to remember."""

    action: str
    region: str
    parameters: Mapping[str, Any]
    details: Mapping[str, Any]
    client_token: str = ""
    notes: tuple[str, ...] = field(default=())


def call_for(request: ServiceRequest, region: str, token: str) -> Call:
    """The call that carries out `request` in `region`; INVALID or UNSUPPORTED for what ECS is known to refuse."""
    return _BUILDERS[operation_of(request)](request, region, token)


def export_prefix(token: str) -> str:
    """`token` as an OSSPrefix: as it is if the rule allows, else a digest of it that does."""
    if re.fullmatch(limits.EXPORT_PREFIX.pattern, token) and len(token) <= limits.EXPORT_PREFIX.max_length:
        return token
    return "i" + hashlib.sha256(token.encode()).hexdigest()[: limits.EXPORT_PREFIX.max_length - 1]


def client_token(token: str) -> str:
    """`token` as a ClientToken: as it is if the rule allows (64 ASCII characters), else a digest of it."""
    if token.isascii() and token.isprintable() and len(token) <= limits.CLIENT_TOKEN_MAX_LENGTH:
        return token
    return hashlib.sha256(token.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------------- export


def _export(request: ExportRequest, region: str, token: str) -> Call:
    image_id = _only_image(request)
    if request.root_disk_only:
        raise _unsupported("ECS exports all disks of an image", "make an image of the system disk alone first")
    if len(request.prefixes) > 1:
        raise _invalid("one image takes one prefix", "give --prefix once")
    own_prefix = bool(request.prefixes and request.prefixes[0])
    prefix = request.prefixes[0] if own_prefix else export_prefix(token)
    limits.EXPORT_PREFIX.check(prefix, "the prefix")
    parameters = {
        "RegionId": region, "ImageId": image_id, "OSSBucket": request.bucket, "OSSPrefix": prefix,
        "ImageFormat": _export_format(request.format, region), "RoleName": request.role_name or None,
    }  # fmt: skip
    details = {"image_id": image_id, "bucket": request.bucket, "prefix": prefix, "own_prefix": own_prefix,
               "format": request.format.value if request.format else ""}  # fmt: skip
    return Call("ExportImage", region, parameters, details)


def _only_image(request: ExportRequest) -> str:
    if len(request.image_ids) != 1:
        raise _unsupported("ExportImage takes one image in a call", "export the images one after the other")
    image_id = request.image_ids[0]
    if not re.fullmatch(ECS.image_id_pattern, image_id):
        raise _invalid(f"{image_id!r} is no id of a custom image", "custom images are called m-…; see `imgmove images`")
    return image_id


def _export_format(wanted: DiskFormat | None, region: str) -> str | None:
    """None for the default, which is raw in every region."""
    if wanted is None:
        return None
    if wanted in {DiskFormat.RAW, DiskFormat.RAW_TAR_GZ}:
        return "raw"
    if wanted not in ECS.formats(Operation.EXPORT, region):
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"the region {region} exports raw alone, not {wanted.value} (list of April 2026)",
            code="InvalidImageFormat.RegionNotSupported",
            hint="leave --format out: the export is then raw (.raw.tar.gz), to be converted afterwards",
        )  # fmt: skip
    return wanted.value


# ------------------------------------------------------------------------------------------------------- import


def _import(request: ImportRequest, region: str, token: str) -> Call:
    limits.IMAGE_NAME.check(request.name)
    _check_description(request.description)
    if request.family or request.init:
        raise _unsupported("ImportImage takes neither an image family nor an init flag", "leave the option out")
    system = os_names.ecs_os(request.os_type, request.os_version)
    boot_mode = _import_boot_mode(request)
    parameters = {
        "RegionId": region, "ImageName": request.name, "Description": request.description or None,
        "Architecture": request.architecture.value if request.architecture else None,
        "OSType": system.os_type or None, "Platform": system.platform or None,
        "BootMode": _BOOT_MODES[boot_mode] if boot_mode else None,
        "LicenseType": _license(request.license, system.os_type),
        "DetectionStrategy": "Standard" if request.detect else None, "RoleName": request.role_name or None,
        "Features": None if request.nvme is None else {"NvmeSupport": "supported" if request.nvme else "unsupported"},
        "Tag": _tags(request.tags), "DiskDeviceMapping": _disk_mappings(request.disks),
    }  # fmt: skip
    details = {"name": request.name}
    return Call("ImportImage", region, parameters, details, client_token(token), _import_notes(request, system))


def _import_notes(request: ImportRequest, system: os_names.EcsOs) -> tuple[str, ...]:
    notes = list(system.notes)
    if system.os_type == os_names.WINDOWS and not request.license:
        notes.append("Windows without --license is imported with the licence Aliyun, which is billed")
    if request.force:
        notes.append("ECS has no check that --force could waive")
    return tuple(notes)


def _import_boot_mode(request: ImportRequest) -> BootMode | None:
    if request.boot_mode is BootMode.UEFI_PREFERRED:
        raise _invalid("ImportImage takes the boot modes bios and uefi", "choose --boot-mode bios or uefi")
    if request.architecture is Architecture.ARM64 and request.boot_mode is BootMode.BIOS:
        raise _invalid("arm64 images boot by UEFI alone on ECS", "use --boot-mode uefi, or leave it out")
    return request.boot_mode


def _license(wanted: str, os_type: str) -> str | None:
    """Windows needs the parameter by one source and defaults to Aliyun by the other: it is always sent (2.2)."""
    if not wanted:
        return "Aliyun" if os_type == os_names.WINDOWS else None
    found = _LICENSES.get(wanted.strip().lower())
    if found is None:
        raise _invalid(f"ECS knows no licence {wanted!r}", "use Aliyun, BYOL or Auto")
    return found


def _disk_mappings(disks: tuple[DiskSource, ...]) -> list[dict[str, Any]]:
    if not 1 <= len(disks) <= limits.IMPORT_MAX_DISKS:
        raise _invalid(
            f"an image has one system disk and up to {limits.IMPORT_MAX_DISKS - 1} data disks, not {len(disks)} in all",
            "import the other disks as an image of their own",
        )
    return [_disk_mapping(disk) for disk in disks]


def _disk_mapping(disk: DiskSource) -> dict[str, Any]:
    if not disk.key or disk.key.endswith("/"):
        raise _invalid(f"oss://{disk.bucket}/{disk.key} is no object but a prefix", "name the object itself")
    if disk.format is not None and disk.format not in ECS.formats(Operation.IMPORT, ""):
        raise _unsupported(
            f"ECS does not import {disk.format.value}", "convert it to qcow2 or raw: `imgmove copy --format qcow2` does"
        )
    if disk.size_gib is not None and not limits.IMPORT_MIN_DISK_GIB <= disk.size_gib <= limits.IMPORT_MAX_DISK_GIB:
        raise _invalid(f"a disk of {disk.size_gib} GiB is outside 1 to 2048 GiB", "shrink the disk")
    mapping = {
        "OSSBucket": disk.bucket, "OSSObject": disk.key,
        "Format": disk.format.value.upper() if disk.format else None, "DiskImageSize": disk.size_gib,
    }  # fmt: skip
    return {name: value for name, value in mapping.items() if value is not None}


# --------------------------------------------------------------------------------------------- create, transfer


def _create(request: CreateRequest, region: str, token: str) -> Call:
    """Of what ECS is told it takes the instance first (2.3): given snapshots, it only says where they are from."""
    limits.IMAGE_NAME.check(request.name)
    _check_description(request.description)
    _check_create(request)
    parameters = {
        "RegionId": region, "ImageName": request.name, "Description": request.description or None,
        "InstanceId": None if request.snapshot_ids else request.instance_id, "ImageFamily": request.family or None,
        "BootMode": _BOOT_MODES[request.boot_mode] if request.boot_mode else None, "Tag": _tags(request.tags),
        **_snapshots(request.snapshot_ids),
    }  # fmt: skip
    return Call("CreateImage", region, parameters, {"name": request.name}, client_token(token))


def _check_create(request: CreateRequest) -> None:
    if request.force_poweroff:
        raise _unsupported(
            "CreateImage does not power an instance off", "stop the instance first, then leave --force-poweroff out"
        )
    if request.sysprep:
        raise _unsupported("CreateImage runs no sysprep", "run it in the guest first")
    if request.disk_ids:
        raise _unsupported(
            "CreateImage takes no disks by their ids: it takes all of the instance's, or snapshots",
            "leave the disks out, or make snapshots of the ones you want and name these instead of the instance",
        )
    if not request.instance_id and not request.snapshot_ids:
        raise _invalid("neither an instance nor snapshots are named", "name an instance")
    if request.instance_id and not re.fullmatch(ECS.instance_id_pattern, request.instance_id):
        raise _invalid(f"{request.instance_id!r} is no id of an instance", "instances are called i-…")
    if request.family:
        limits.IMAGE_FAMILY.check(request.family, "the image family")


def _snapshots(snapshot_ids: tuple[str, ...]) -> dict[str, Any]:
    """One snapshot is that of the system disk; of several the first is."""
    if len(snapshot_ids) < 2:
        return {"SnapshotId": snapshot_ids[0]} if snapshot_ids else {}
    if len(snapshot_ids) > limits.IMPORT_MAX_DISKS:
        raise _invalid(f"{len(snapshot_ids)} snapshots are more than {limits.IMPORT_MAX_DISKS}", "leave some out")
    system, *data = snapshot_ids
    mappings = [{"DiskType": "system", "Device": "/dev/xvda", "SnapshotId": system}]
    mappings += [
        {"DiskType": "data", "Device": f"/dev/xvd{_DATA_DEVICES[position]}", "SnapshotId": snapshot_id}
        for position, snapshot_id in enumerate(data)
    ]
    return {"DiskDeviceMapping": mappings}


def _transfer(request: TransferRequest, region: str, token: str) -> Call:
    limits.IMAGE_NAME.check(request.name)
    _check_description(request.description)
    if request.source_provider != ECS.provider:
        raise _unsupported(
            f"ECS cannot fetch images of {request.source_provider}",
            "use `imgmove migrate`, which goes through the stores",
        )
    if request.source_region == region:
        raise _invalid(f"the image is in {region} already", "CopyImage copies between regions")
    parameters = {
        "RegionId": request.source_region, "ImageId": request.source_image_id, "DestinationRegionId": region,
        "DestinationImageName": request.name, "DestinationDescription": request.description or None,
        "Tag": _tags(request.tags),
    }  # fmt: skip
    return Call("CopyImage", request.source_region, parameters, {"name": request.name}, client_token(token))


# ------------------------------------------------------------------------------------------------------- shared


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]] | None:
    if len(tags) > limits.MAX_TAGS:
        raise _invalid(f"{len(tags)} tags are more than {limits.MAX_TAGS}", "leave some out")
    return [{"Key": key, "Value": value} for key, value in tags.items()] or None


def _check_description(description: str) -> None:
    if not description:
        return
    fits = limits.DESCRIPTION_MIN_LENGTH <= len(description) <= limits.DESCRIPTION_MAX_LENGTH
    if not fits or re.match("https?://", description):
        raise _invalid("the description breaks ECS's rules", "2 to 256 characters, not beginning with http(s)://")


def _invalid(message: str, hint: str) -> ImgmoveError:
    return ImgmoveError(Kind.INVALID, message, code="InvalidParameter", hint=hint)


def _unsupported(message: str, hint: str) -> ImgmoveError:
    return ImgmoveError(Kind.UNSUPPORTED, message, code="Unsupported", hint=hint)


_BUILDERS: Final[Mapping[Operation, Callable[..., Call]]] = {
    Operation.EXPORT: _export,
    Operation.IMPORT: _import,
    Operation.CREATE: _create,
    Operation.TRANSFER: _transfer,
}
