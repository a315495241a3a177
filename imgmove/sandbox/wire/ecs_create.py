"""CreateImage: from an instance, from snapshots, or from one system-disk snapshot."""

from __future__ import annotations

import re
from dataclasses import replace

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_parameters import Arguments, Parameter, number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.ecs_rules import (
    CLIENT_TOKEN,
    DRY_RUN,
    OWNERS,
    TAGS,
    Answer,
    check_account,
    check_description,
    check_detection,
    check_family,
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
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Instance, Snapshot, Task
from imgmove.sandbox.world.alibaba_rules import MAX_DATA_DISKS

DATA_DEVICE = re.compile(r"/dev/xvd[b-z]")
SYSTEM_DEVICE = "/dev/xvda"
MAX_DISK_GIB = 32768
NO_SOURCE = (
    "The input parameter SnapshotId or InstanceId or DiskDeviceMapping that is mandatory for processing this "
    "request is not supplied."
)


def create_image(call: Call) -> Answer:
    """Starts the making of an image (alibaba.md 2.3). Safe to repeat with a ClientToken."""
    region = region_of(call)
    check_description(call.arguments.text("Description"))
    check_family(call.arguments.text("ImageFamily"))
    check_features(call.arguments.part("Features"))
    read_tags(call)
    return once(call, lambda: _create(call, region))


def _create(call: Call, region: str) -> Answer:
    alibaba = call.world.alibaba
    check_account(call)
    image, instance = _source(call, region)
    _describe(call, image)
    if call.arguments.text("ImageName"):
        check_image_name(call, region, image.name)
    check_image_quota(call, region)
    check_snapshot_quota(call, region, len(image.disks) if instance else 0)
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
            work_seconds=alibaba.settings.create_seconds,
            source_instance_id=instance.instance_id if instance else "",
        )
    )
    return {"ImageId": image.image_id}


def _source(call: Call, region: str) -> tuple[Image, Instance | None]:
    """A blank image with its disks: of the instance, else of the mapping, else of the snapshot (alibaba.md 2.3)."""
    given, alibaba = call.arguments, call.world.alibaba
    blank = Image(
        image_id=alibaba.new_id("m"),
        name="",
        region=region,
        owner=call.account,
        disks=[],
        status="Waiting",
        created=call.world.clock.wall(),
        task_id=alibaba.new_id("t"),
    )
    if "InstanceId" in given:
        return _of_instance(call, region, blank)
    if "DiskDeviceMapping" in given:
        return replace(blank, disks=_mapped_disks(call, region)), None
    if "SnapshotId" in given:
        snapshot = _snapshot(call, region, given.text("SnapshotId"))
        if snapshot.kind != "system":
            text = "The specified snapshot is not from system disk."
            raise RpcError("OperationDenied", status=403, message=text)
        return replace(blank, disks=[_disk(snapshot, SYSTEM_DEVICE, 0)]), None
    raise RpcError("MissingParameter", message=NO_SOURCE)


def _of_instance(call: Call, region: str, blank: Image) -> tuple[Image, Instance]:
    alibaba = call.world.alibaba
    instance = alibaba.instance(region, call.arguments.text("InstanceId"))
    if instance is None or instance.owner != call.account:
        raise RpcError("InvalidInstanceId.NotFound")
    if instance.status not in ("Running", "Stopped"):
        raise RpcError("IncorrectInstanceStatus")
    if instance.locked:
        raise RpcError("InstanceLockedForSecurity")
    if any(t.source_instance_id == instance.instance_id for t in alibaba.running("CreateImage", call.account)):
        raise RpcError("IncorrectDiskStatus.CreatingSnapshot")
    disks = [
        ImageDisk(disk.kind, disk.device, disk.size_gib, blob=disk.blob, encrypted=disk.encrypted)
        for disk in instance.disks
    ]
    parent = alibaba.image(region, instance.image_id)
    image = replace(blank, disks=disks, os_type=instance.os_type, os_name=instance.os_name)
    if parent is not None:
        image.platform, image.architecture = parent.platform, parent.architecture
        image.boot_mode, image.license_type = parent.boot_mode, parent.license_type
        image.product_code, image.cloud_init = parent.product_code, parent.cloud_init
        image.nvme_support = parent.nvme_support
    return image, instance


def _mapped_disks(call: Call, region: str) -> list[ImageDisk]:
    mappings = call.arguments.each("DiskDeviceMapping")
    disks = [_mapped_disk(call, region, mapping) for mapping in mappings]
    system = [disk for disk in disks if disk.kind == "system"]
    if not system:
        text = "The specified parameter DiskDeviceMapping.n.SnapshotId does not contain system disk snapshot."
        raise RpcError("OperationDenied", message=text)
    if len(system) > 1:
        text = "The specified parameter DiskDeviceMapping.n.SnapshotId contains two or more system disk snapshots."
        raise RpcError("OperationDenied", message=text)
    data = _with_devices([disk for disk in disks if disk.kind == "data"])
    return system + data


def _mapped_disk(call: Call, region: str, mapping: Arguments) -> ImageDisk:
    size_gib = mapping.number("Size")
    if not 0 <= size_gib <= MAX_DISK_GIB:
        raise RpcError("InvalidSize.ValueNotSupported")
    kind = mapping.text("DiskType")
    if kind not in ("", "system", "data"):
        raise RpcError("InvalidDiskType.ValueNotSupported")
    device = mapping.text("Device")
    if device and device != SYSTEM_DEVICE and not DATA_DEVICE.fullmatch(device):
        raise RpcError("InvalidDevice.Malformed")
    if "SnapshotId" not in mapping:
        if not size_gib or kind == "system" or device == SYSTEM_DEVICE:
            raise RpcError("InvalidSize.ValueNotSupported")
        return ImageDisk("data", device, size_gib)
    snapshot = _snapshot(call, region, mapping.text("SnapshotId"))
    if size_gib and size_gib < snapshot.size_gib:
        raise RpcError("InvalidSize.ValueNotSupported")
    disk = _disk(snapshot, device, size_gib)
    disk.kind = kind or disk.kind
    disk.device = SYSTEM_DEVICE if disk.kind == "system" else device
    return disk


def _with_devices(disks: list[ImageDisk]) -> list[ImageDisk]:
    """Gives the data disks without a device the free ones in order."""
    if len(disks) > MAX_DATA_DISKS:
        raise RpcError("InvalidDevice.Malformed")
    named = [disk.device for disk in disks if disk.device]
    if len(set(named)) < len(named) or SYSTEM_DEVICE in named:
        raise RpcError("InvalidDevice.InUse")
    free = iter(f"/dev/xvd{x}" for x in "bcdefghijklmnopqrstuvwxyz" if f"/dev/xvd{x}" not in named)
    for disk in disks:
        disk.device = disk.device or next(free)
    return disks


def _disk(snapshot: Snapshot, device: str, size_gib: int) -> ImageDisk:
    return ImageDisk(
        kind=snapshot.kind,
        device=device,
        size_gib=size_gib or snapshot.size_gib,
        blob=snapshot.blob,
        snapshot_id=snapshot.snapshot_id,
        encrypted=snapshot.encrypted,
    )


def _snapshot(call: Call, region: str, snapshot_id: str) -> Snapshot:
    snapshot = call.world.alibaba.snapshot(snapshot_id)
    if snapshot is None or (snapshot.owner, snapshot.region) != (call.account, region):
        raise RpcError("InvalidSnapshotId.NotFound")
    if snapshot.status != "accomplished":
        raise RpcError("InvalidSnapshotId.NotReady")
    return snapshot


def _describe(call: Call, image: Image) -> None:
    """Puts the call's own words over what the image has from its source."""
    given = call.arguments
    image.name = given.text("ImageName") or image.image_id
    image.architecture = read_architecture(call, image.architecture)
    image.platform = read_platform(call, image.os_type, image.architecture, image.platform)
    if "BootMode" in given or image.architecture == "arm64":
        image.boot_mode = read_boot_mode(call, image.architecture)
    check_detection(given.text("DetectionStrategy"), image.os_type)
    secure = given.part("SecureBootOptions").text("SecureBootSupport", "unsupported")
    if secure not in ("supported", "unsupported") or (secure == "supported" and image.boot_mode == "BIOS"):
        raise RpcError("InvalidParameter.SecureBootSupport")
    image.description, image.family = given.text("Description"), given.text("ImageFamily")
    image.version, image.detection = given.text("ImageVersion"), given.text("DetectionStrategy")
    image.imds_support = given.part("Features").text("ImdsSupport", image.imds_support)
    image.resource_group_id = check_resource_group(call)
    image.tags = read_tags(call)


CREATE_ACTIONS = {
    "CreateImage": Action(
        (
            *text("RegionId", required=True),
            *text("InstanceId", "SnapshotId", "ImageName", "Description", "ImageFamily", "ImageVersion"),
            *text("Platform", "Architecture", "BootMode", "DetectionStrategy", "ResourceGroupId"),
            Parameter("Features", fields=text("ImdsSupport")),
            Parameter("SecureBootOptions", fields=text("SecureBootSupport")),
            *disk_mapping(*text("Device", "DiskType", "SnapshotId"), *number("Size")),
            *TAGS,
            *CLIENT_TOKEN,
            *DRY_RUN,
            *OWNERS,
        ),
        create_image,
        "acs:ecs:{region}:{account}:image/*",
    ),
}
