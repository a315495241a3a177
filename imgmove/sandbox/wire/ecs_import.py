"""ImportImage: its checks, and the image and task that it starts. What is in the file is looked at by the task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from imgmove.sandbox.wire.alibaba_access import VENDOR
from imgmove.sandbox.wire.alibaba_errors import RpcError, missing
from imgmove.sandbox.wire.alibaba_parameters import Arguments, Parameter, number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.ecs_oss import (
    check_bucket_name,
    check_key,
    check_rights,
    readable_object,
    service_role,
    usable_bucket,
)
from imgmove.sandbox.wire.ecs_rules import (
    CLIENT_TOKEN,
    DRY_RUN,
    OWNERS,
    TAGS,
    Answer,
    check_account,
    check_description,
    check_detection,
    check_features,
    check_image_name,
    check_image_quota,
    check_resource_group,
    check_snapshot_quota,
    disk_mapping,
    end_dry_run,
    once,
    read_architecture,
    read_boot_mode,
    read_platform,
    read_tags,
    region_of,
)
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Task
from imgmove.sandbox.world.alibaba_rules import (
    BYOL_PLATFORMS,
    IMPORT_FORMATS,
    IMPORT_RIGHTS,
    IMPORT_ROLE,
    MAX_DATA_DISKS,
    MAX_IMAGE_GIB,
)

CLOUD_BOX_ROLE = "AliyunECSCloudBoxImageImportDefaultRole"
DATA_DEVICES = tuple(f"/dev/xvd{letter}" for letter in "bcdefghijklmnopq")


@dataclass(frozen=True)
class _Guest:
    """What an import says of the guest."""

    os_type: str
    platform: str
    architecture: str
    boot_mode: str
    license_type: str


def import_image(call: Call) -> Answer:
    """Starts an import of one or several disks (alibaba.md 2.2, 3.2). Safe to repeat with a ClientToken."""
    region = region_of(call, status=400)
    disks, guest = _read_disks(call), _read_guest(call)
    read_tags(call)
    check_description(call.arguments.text("Description"))
    check_features(call.arguments.part("Features"))
    _check_service(call, region)
    return once(call, lambda: _import(call, region, disks, guest))


def _import(call: Call, region: str, disks: list[ImageDisk], guest: _Guest) -> Answer:
    alibaba = call.world.alibaba
    image = _image(call, region, disks, guest)
    if call.arguments.text("ImageName"):
        _check_not_importing(call, image)
        check_image_name(call, region, image.name)
    check_account(call)
    check_image_quota(call, region)
    check_snapshot_quota(call, region, len(disks))
    role = service_role(call, IMPORT_ROLE)
    for disk in disks:
        bucket = usable_bucket(call, disk.oss_bucket, region)
        check_rights(call, role, IMPORT_RIGHTS, bucket.name, disk.oss_object)
        if bucket.name in alibaba.settings.flow_limited_buckets:
            raise RpcError("InvalidOSSBucket.FlowLimit")
        readable_object(call, bucket, disk.oss_object)
        if PurePosixPath(disk.oss_object).suffix.lower() not in alibaba.settings.import_suffixes:
            raise RpcError("UnsupportedSuffix.OSSObject")
    end_dry_run(call)
    alibaba.add_image(image)
    alibaba.start(
        Task(
            task_id=image.task_id,
            action=call.action,
            region=region,
            owner=call.account,
            image_id=image.image_id,
            created=0.0,
            started=0.0,
            work_seconds=alibaba.settings.import_seconds,
            lag_seconds=alibaba.settings.image_lag_seconds,
            bucket=disks[0].oss_bucket,
        )
    )
    return {"RegionId": region, "ImageId": image.image_id, "TaskId": image.task_id}


def _image(call: Call, region: str, disks: list[ImageDisk], guest: _Guest) -> Image:
    given, alibaba = call.arguments, call.world.alibaba
    image_id = alibaba.new_id("m")
    features = given.part("Features")
    return Image(
        image_id=image_id,
        name=given.text("ImageName") or image_id,
        region=region,
        owner=call.account,
        disks=disks,
        status="Waiting",
        created=call.world.clock.wall(),
        description=given.text("Description"),
        os_type=guest.os_type,
        platform=guest.platform,
        os_name=f"{guest.platform} 64 bit" if guest.architecture != "i386" else f"{guest.platform} 32 bit",
        architecture=guest.architecture,
        boot_mode=guest.boot_mode,
        license_type=guest.license_type,
        tags=read_tags(call),
        resource_group_id=check_resource_group(call),
        nvme_support=features.text("NvmeSupport", "unsupported"),
        imds_support=features.text("ImdsSupport", "v1"),
        detection=given.text("DetectionStrategy"),
        task_id=alibaba.new_id("t"),
    )


def _read_disks(call: Call) -> list[ImageDisk]:
    """The disks asked for: the first is the system disk, those above the 17th are ignored (alibaba.md 2.2)."""
    mappings = call.arguments.each("DiskDeviceMapping")
    if not mappings:
        raise RpcError("MissingParameter.DiskDeviceMapping")
    return [_read_disk(call, mapping, place) for place, mapping in enumerate(mappings[: MAX_DATA_DISKS + 1])]


def _read_disk(call: Call, mapping: Arguments, place: int) -> ImageDisk:
    for name in ("OSSBucket", "OSSObject"):
        if name not in mapping:
            raise missing(f"DiskDeviceMapping.{place + 1}.{name}")
    check_bucket_name(mapping.text("OSSBucket"))
    check_key(mapping.text("OSSObject"))
    size_gib = mapping.number("DiskImageSize", mapping.number("DiskImSize"))
    if not 1 <= size_gib <= MAX_IMAGE_GIB and size_gib != 0:
        if place:
            raise RpcError("InvalidDataDiskSize")
        raise RpcError("InvalidImageSize", f"{size_gib} GiB is not between 1 and {MAX_IMAGE_GIB} GiB")
    return ImageDisk(
        kind="data" if place else "system",
        device=DATA_DEVICES[place - 1] if place else "/dev/xvda",
        size_gib=size_gib,
        format=_read_format(call, mapping),
        oss_bucket=mapping.text("OSSBucket"),
        oss_object=mapping.text("OSSObject"),
    )


def _read_format(call: Call, mapping: Arguments) -> str:
    named = mapping.text("Format").upper()
    if named not in ("", *IMPORT_FORMATS):
        raise RpcError("InvalidImageFormat.Malformed")
    if named == "VMDK" and not call.world.alibaba.settings.vmdk_invited:
        raise RpcError("InvalidImageFormat.RegionNotSupported")
    return named


def _read_guest(call: Call) -> _Guest:
    os_type = call.arguments.text("OSType", "linux").lower()
    if os_type not in ("linux", "windows"):
        raise RpcError("InvalidOSType.Malformed")
    architecture = read_architecture(call)
    platform = read_platform(call, os_type, architecture)
    check_detection(call.arguments.text("DetectionStrategy"), os_type)
    return _Guest(
        os_type=os_type,
        platform=platform,
        architecture=architecture,
        boot_mode=read_boot_mode(call, architecture, ("BIOS", "UEFI")),
        license_type=_read_license(call, platform),
    )


def _read_license(call: Call, platform: str) -> str:
    """The documents disagree about the default, so Auto, Aliyun and BYOL are all taken (alibaba.md 2.2)."""
    license_type = call.arguments.text("LicenseType", "Auto")
    if license_type not in ("Auto", "Aliyun", "BYOL"):
        raise RpcError("InvalidLicenseType.NotSupported")
    if license_type == "Aliyun" and platform in BYOL_PLATFORMS:
        raise RpcError("InvalidLicenseType.BYOLOnly")
    return license_type


def _check_service(call: Call, region: str) -> None:
    settings = call.world.alibaba.settings
    if region in settings.closed_regions:
        raise RpcError("InvalidRegion.NotSupport")
    if not settings.white_listed:
        text = "The user is not in the white list of importing image."
        raise RpcError("UserNotInTheWhiteList", message=text)
    if "StorageLocationArn" in call.arguments:
        # No CloudBox exists here: the role that its import needs is asked for first, as at the vendor.
        if call.world.accounts.role(VENDOR, call.account, CLOUD_BOX_ROLE) is None:
            raise RpcError("InvalidOperation.CloudBoxImageImportRoleRequired")
        raise RpcError("InvalidStorageLocation.NotFound")


def _check_not_importing(call: Call, image: Image) -> None:
    """Refuses the import that is running already: same name, same objects (alibaba.md 9.3)."""
    files = [(disk.oss_bucket, disk.oss_object) for disk in image.disks]
    for task in call.world.alibaba.running("ImportImage", call.account):
        other = call.world.alibaba.image(task.region, task.image_id)
        if other is None or (other.region, other.name) != (image.region, image.name):
            continue
        if [(disk.oss_bucket, disk.oss_object) for disk in other.disks] == files:
            raise RpcError("ImageIsImporting")


_DISK_FIELDS: tuple[Parameter, ...] = (
    *text("OSSBucket", "OSSObject", "Format", "Device"),
    *number("DiskImageSize", "DiskImSize"),
)

IMPORT_ACTIONS = {
    "ImportImage": Action(
        (
            *text("RegionId", required=True),
            *text("ImageName", "Description", "Architecture", "OSType", "Platform", "BootMode", "LicenseType"),
            *text("DetectionStrategy", "RoleName", "ResourceGroupId", "StorageLocationArn"),
            Parameter("Features", fields=text("NvmeSupport", "ImdsSupport")),
            *disk_mapping(*_DISK_FIELDS),
            *TAGS,
            *CLIENT_TOKEN,
            *DRY_RUN,
            *OWNERS,
        ),
        import_image,
        "acs:ecs:{region}:{account}:image/*",
    ),
}
