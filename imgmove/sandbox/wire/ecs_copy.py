"""CopyImage to another region, and CancelCopyImage."""

from __future__ import annotations

from dataclasses import replace

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_parameters import flag, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.ecs_rules import (
    CLIENT_TOKEN,
    DRY_RUN,
    OWNERS,
    TAGS,
    Answer,
    check_account,
    check_description,
    check_image_name,
    check_image_quota,
    check_resource_group,
    check_snapshot_quota,
    end_dry_run,
    once,
    own_image,
    read_tags,
    region_of,
    visible,
)
from imgmove.sandbox.world.alibaba_records import Image, Task
from imgmove.sandbox.world.alibaba_rules import REGIONS


def copy_image(call: Call) -> Answer:
    """Starts a copy to another region; the id returned is the copy's (alibaba.md 2.4). Safe to repeat with a token."""
    destination = _regions(call)
    check_description(call.arguments.text("DestinationDescription"))
    read_tags(call)
    if "KMSKeyId" in call.arguments:
        if not call.arguments.flag("Encrypted"):
            raise RpcError("InvalidParameter.EncryptedIllegal")
        raise RpcError("InvalidParameter.KMSKeyId.NotFound")  # there is no KMS here to hold any key
    return once(call, lambda: _copy(call, destination))


def cancel_copy_image(call: Call) -> Answer:
    """Stops a copy that is under way and removes it; RegionId is the destination (alibaba.md 1.6)."""
    image = own_image(call, region_of(call), call.arguments.text("ImageId"))
    if not image.copied:
        raise RpcError("ImageCreatedNotFromCopy")
    task = call.world.alibaba.task(image.task_id)
    if task is None or task.over:
        raise RpcError("IncorrectImageStatus", message="The image is copied finished.")
    call.world.alibaba.cancel(task)
    return {}


def _regions(call: Call) -> str:
    destination = call.arguments.text("DestinationRegionId")
    if call.region not in REGIONS:
        raise RpcError("SourceRegion.NotFound")
    if destination not in REGIONS:
        raise RpcError("DestinationRegion.NotFound")
    if destination == call.region:
        raise RpcError("IncorrectDestinationRegion")
    if {call.region, destination} & {*call.world.alibaba.settings.no_copy_regions}:
        raise RpcError("RegionNotSupportCopy")
    return destination


def _copy(call: Call, destination: str) -> Answer:
    alibaba = call.world.alibaba
    source = _copyable(call)
    copy = _blank(call, source, destination)
    if call.arguments.text("DestinationImageName"):
        check_image_name(call, destination, copy.name)
    check_account(call)
    check_image_quota(call, destination)
    check_snapshot_quota(call, destination, len(copy.disks))
    end_dry_run(call)
    alibaba.add_image(copy)
    alibaba.start(
        Task(
            task_id=copy.task_id,
            action=call.action,
            region=destination,
            owner=call.account,
            image_id=copy.image_id,
            created=0.0,
            started=0.0,
            work_seconds=alibaba.settings.copy_seconds,
            source_image_id=source.image_id,
            source_region=source.region,
        )
    )
    return {"ImageId": copy.image_id}


def _copyable(call: Call) -> Image:
    image = call.world.alibaba.image(call.region, call.arguments.text("ImageId"))
    if image is None or not visible(call, image):
        raise RpcError("InvalidImageId.NotFound")
    if image.owner != call.account:
        raise RpcError("OperationDenied.SameRegionOnly")
    if image.status in ("Waiting", "Creating"):
        raise RpcError("OperationDenied.ImageCopying")
    if image.status != "Available":
        raise RpcError("IncorrectImageStatus")
    if image.encrypted:
        raise RpcError("OperationDeined.EncryptedSnapshot")
    if image.size_gib > call.world.alibaba.settings.max_copy_gib:
        raise RpcError("SizeExceed.Image")
    return image


def _blank(call: Call, source: Image, destination: str) -> Image:
    """The copy as it stands in its region from now on, its disks without bytes yet."""
    alibaba, given = call.world.alibaba, call.arguments
    encrypted = given.flag("Encrypted")
    image_id = alibaba.new_id("m")
    return replace(
        source,
        image_id=image_id,
        name=given.text("DestinationImageName") or image_id,
        region=destination,
        disks=[replace(disk, blob="", snapshot_id="", encrypted=encrypted) for disk in source.disks],
        status="Waiting",
        created=call.world.clock.wall(),
        description=given.text("DestinationDescription"),
        tags=read_tags(call),
        resource_group_id=check_resource_group(call),
        shared_with=[],
        community=False,
        copied=True,
        task_id=alibaba.new_id("t"),
    )


COPY_ACTIONS = {
    "CopyImage": Action(
        (
            *text("RegionId", "ImageId", "DestinationRegionId", required=True),
            *text("DestinationImageName", "DestinationDescription", "KMSKeyId", "EncryptAlgorithm"),
            *text("ResourceGroupId"),
            *flag("Encrypted"),
            *TAGS,
            *CLIENT_TOKEN,
            *DRY_RUN,
            *OWNERS,
        ),
        copy_image,
        "acs:ecs:{region}:{account}:image/{ImageId}",
    ),
    "CancelCopyImage": Action(
        (*text("RegionId", "ImageId", required=True), *OWNERS),
        cancel_copy_image,
        "acs:ecs:{region}:{account}:image/{ImageId}",
    ),
}
