"""DescribeImages with all its filters, and what an image looks like in an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from imgmove.sandbox.wire.alibaba_errors import RpcError, missing
from imgmove.sandbox.wire.alibaba_parameters import flag, number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.alibaba_time import to_second
from imgmove.sandbox.wire.ecs_lists import FILTERS, PAGES, created_within, has_tags, page, shown_tags
from imgmove.sandbox.wire.ecs_rules import DRY_RUN, OWNERS, TAGS, Answer, end_dry_run, region_of, visible
from imgmove.sandbox.world.alibaba_records import IMAGE_STATES, CheckItem, Image, ImageDisk
from imgmove.sandbox.world.alibaba_rules import ARCHITECTURES

ALIASES = ("system", "self", "others", "marketplace")
DEFAULT_ALIASES = ("system", "self", "others")
ARM_INSTANCE_TYPE = re.compile(r"ecs\.[a-z]+\d+(r|y)[a-z]*\..+")
INSTANCE_TYPE = re.compile(r"ecs\.[a-z0-9-]+\.[a-z0-9-]+")
OTHER_FILTER_KEYS = (
    "NetworkType",
    "CpuOnlineUpgrade",
    "CpuOnlineDowngrade",
    "MemoryOnlineUpgrade",
    "MemoryOnlineDowngrade",
)
"""Filter keys that are taken and change nothing: no image here differs in them."""

Test = Callable[[Image], bool]


def describe_images(call: Call) -> Answer:
    """The images that the caller can see and that pass all filters (alibaba.md 2.5); Available ones by default."""
    region = region_of(call)
    tests = [_alias(call), _status(call), _named(call), _kind(call), _use(call), _rest(call)]
    end_dry_run(call)
    found = [
        image
        for image in call.world.alibaba.images(region)
        if visible(call, image) and all(test(image) for test in tests)
    ]
    shown, told = page(call, found)
    return {"RegionId": region, **told, "Images": {"Image": [show_image(call, image) for image in shown]}}


def describe_image_from_family(call: Call) -> Answer:
    """The newest Available image of a family; an empty Image when there is none."""
    region, family = region_of(call), call.arguments.text("ImageFamily")
    for image in call.world.alibaba.images(region):
        if image.family == family and image.status == "Available" and visible(call, image):
            return {"Image": show_image(call, image)}
    return {"Image": {}}


def show_image(call: Call, image: Image) -> dict[str, Any]:
    """An image as answers hold it."""
    alias = _alias_of(call, image)
    shown: dict[str, Any] = {
        "ImageId": image.image_id,
        "ImageName": image.name,
        "Description": image.description,
        "Status": image.status,
        "Progress": f"{_percent(call, image)}%",
        "Usable": image.status == "Available",
        "Usage": "instance" if in_use(call, image) else "none",
        "Size": image.size_gib,
        "OSType": image.os_type,
        "Platform": image.platform,
        "OSName": image.os_name,
        "OSNameEn": image.os_name,
        "Architecture": image.architecture,
        "BootMode": image.boot_mode,
        "ImageOwnerAlias": alias,
        "ImageFamily": image.family,
        "ImageVersion": image.version,
        "ProductCode": image.product_code,
        "ResourceGroupId": image.resource_group_id,
        "CreationTime": to_second(image.created),
        "IsPublic": image.community,
        "IsCopied": image.copied,
        "IsSubscribed": False,
        "IsSelfShared": str(bool(image.shared_with)) if alias == "self" else "False",
        "IsSupportCloudinit": image.cloud_init,
        "IsSupportIoOptimized": True,
        "LoginAsNonRootSupported": False,
        "Features": {"NvmeSupport": image.nvme_support, "ImdsSupport": image.imds_support},
        "Tags": shown_tags(image.tags),
        "DiskDeviceMappings": {"DiskDeviceMapping": [_show_disk(call, image, disk) for disk in image.disks]},
    }
    if image.owner.isdecimal():
        shown["ImageOwnerId"] = int(image.owner)
    if image.license_type:
        shown["LicenseType"] = image.license_type
    if image.detection and image.status == "Available":
        shown["DetectionOptions"] = {"Status": "Finished", "Items": {"Item": list(map(_show_item, image.checked))}}
    return shown


def _show_item(item: CheckItem) -> dict[str, str]:
    risk = {"RiskCode": item.risk_code, "RiskLevel": item.risk_level} if item.risk_code else {}
    return {"Name": item.name, "Value": item.value, **risk}


def in_use(call: Call, image: Image) -> bool:
    """Whether an instance was made from an image."""
    return any(
        (instance.region, instance.image_id) == (image.region, image.image_id)
        for instance in call.world.alibaba.state.instances
    )


def _show_disk(call: Call, image: Image, disk: ImageDisk) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Type": disk.kind,
        "Device": disk.device,
        "Size": str(disk.size_gib),
        "SnapshotId": disk.snapshot_id,
        "Format": disk.format,
        "ImportOSSBucket": disk.oss_bucket,
        "ImportOSSObject": disk.oss_object,
        "Encrypted": disk.encrypted,
        "Progress": f"{_percent(call, image)}%",
    }
    task = call.world.alibaba.task(image.task_id)
    if task is not None and task.action == "CopyImage" and not task.over:
        left = task.queue_seconds + task.work_seconds - call.world.alibaba.elapsed(task)
        shown["RemainTime"] = max(0, int(left))
    return shown


def _percent(call: Call, image: Image) -> int:
    task = call.world.alibaba.task(image.task_id)
    return 100 if task is None else call.world.alibaba.percent(task)


def _alias_of(call: Call, image: Image) -> str:
    if image.owner in ("system", "marketplace"):
        return image.owner
    return "self" if image.owner == call.account else "others"


def _alias(call: Call) -> Test:
    wanted = call.arguments.text("ImageOwnerAlias")
    if wanted and wanted not in ALIASES:
        raise RpcError("InvalidImageOwnerAlias.ValueNotSupported")
    public = call.arguments.flag("IsPublic")
    if public and wanted != "others":
        raise RpcError("InvalidParamter")
    aliases = (wanted,) if wanted else DEFAULT_ALIASES
    owner = call.arguments.text("ImageOwnerId")

    def test(image: Image) -> bool:
        alias = _alias_of(call, image)
        if alias == "others" and (image.community != public or (owner and owner != image.owner)):
            return False
        return alias in aliases

    return test


def _status(call: Call) -> Test:
    if "Usable" in call.arguments and "Status" not in call.arguments:
        raise missing("Status")
    wanted = [each.strip() for each in call.arguments.text("Status", "Available").split(",")]
    if not {*wanted} <= {*IMAGE_STATES, "ALL"} or ("ALL" in wanted and len(wanted) > 1):
        raise RpcError("InvalidParamter")
    usable = call.arguments.flag("Usable")

    def test(image: Image) -> bool:
        if "Usable" in call.arguments and usable != (image.status == "Available"):
            return False
        return image.status in wanted or wanted == ["ALL"]

    return test


def _named(call: Call) -> Test:
    given = call.arguments
    ids = {each.strip() for each in given.text("ImageId").split(",") if each.strip()}
    name, family, snapshot = given.text("ImageName"), given.text("ImageFamily"), given.text("SnapshotId")
    pattern = f"*{name}*".replace("[", "[[]")
    return lambda image: (
        (not ids or image.image_id in ids)
        and (not name or fnmatchcase(image.name, pattern))
        and family in ("", image.family)
        and (not snapshot or any(disk.snapshot_id == snapshot for disk in image.disks))
    )


def _kind(call: Call) -> Test:
    given = call.arguments
    os_type, architecture = given.text("OSType"), given.text("Architecture")
    if os_type not in ("", "linux", "windows"):
        raise RpcError("InvalidOSType")
    if architecture not in ("", *ARCHITECTURES):
        raise RpcError("InvalidArchitecture")
    instance_type = given.text("InstanceType")
    if instance_type and not INSTANCE_TYPE.fullmatch(instance_type):
        raise RpcError("InvalidInstanceType.ValueNotSupported")
    arm_only = bool(ARM_INSTANCE_TYPE.fullmatch(instance_type))
    return lambda image: (
        os_type in ("", image.os_type)
        and architecture in ("", image.architecture)
        and (not instance_type or arm_only == (image.architecture == "arm64"))
    )


def _use(call: Call) -> Test:
    usage, action = call.arguments.text("Usage"), call.arguments.text("ActionType", "CreateEcs")
    if usage not in ("", "instance", "none"):
        raise RpcError("InvalidUsage")
    if action not in ("CreateEcs", "ChangeOS"):
        raise RpcError("InvalidParamter")
    return lambda image: not usage or (usage == "instance") == in_use(call, image)


def _rest(call: Call) -> Test:
    given, in_time = call.arguments, created_within(call, OTHER_FILTER_KEYS)
    group = given.text("ResourceGroupId")
    return lambda image: (
        in_time(image.created)
        and has_tags(call, image.tags)
        and group in ("", image.resource_group_id)
        and given.flag("IsSupportCloudinit", image.cloud_init) == image.cloud_init
        and given.flag("IsSupportIoOptimized", True)
    )


DESCRIBE_IMAGE_ACTIONS = {
    "DescribeImages": Action(
        (
            *text("RegionId", required=True),
            *text("ImageId", "ImageName", "ImageFamily", "ImageOwnerAlias", "Status", "Usage", "Architecture"),
            *text("OSType", "SnapshotId", "InstanceType", "ActionType", "ResourceGroupId"),
            *number("ImageOwnerId"),
            *flag("Usable", "IsPublic", "IsSupportCloudinit", "IsSupportIoOptimized", "ShowExpired"),
            *TAGS,
            *FILTERS,
            *PAGES,
            *DRY_RUN,
            *OWNERS,
        ),
        describe_images,
    ),
    "DescribeImageFromFamily": Action(
        (*text("RegionId", "ImageFamily", required=True), *OWNERS), describe_image_from_family
    ),
}
