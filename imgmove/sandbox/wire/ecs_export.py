"""ExportImage: its checks in the vendor's order, and the task that it starts."""

from __future__ import annotations

import re

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_parameters import text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.ecs_errors import EXPORT_ERRORS_OF_2017
from imgmove.sandbox.wire.ecs_oss import check_rights, service_role, usable_bucket
from imgmove.sandbox.wire.ecs_rules import DRY_RUN, OWNERS, Answer, check_account, end_dry_run, region_of, visible
from imgmove.sandbox.world import World
from imgmove.sandbox.world.alibaba_names import export_names
from imgmove.sandbox.world.alibaba_records import Image, Task
from imgmove.sandbox.world.alibaba_rules import EXPORT_FORMATS, EXPORT_RIGHTS, EXPORT_ROLE
from imgmove.sandbox.world.object_records import Bucket

PREFIX = re.compile(r"[A-Za-z0-9]{1,30}")


def export_image(call: Call) -> Answer:
    """Starts the export of one image to a bucket (alibaba.md 2.1, 3.1). No client token: twice is refused."""
    region = region_of(call, status=400)
    prefix, image_format = _spelling(call)
    _check_service(call, region)
    image = _exportable(call, region)
    settings = call.world.alibaba.settings
    if image_format != "raw" and region not in settings.format_regions:
        raise RpcError("InvalidImageFormat.RegionNotSupported")
    if any((t.region, t.image_id) == (region, image.image_id) for t in _running(call)):
        raise RpcError("ImageIsExporting")
    role = service_role(call, EXPORT_ROLE)
    bucket = usable_bucket(call, call.arguments.text("OSSBucket"), region)
    check_rights(call, role, EXPORT_RIGHTS, bucket.name)
    task = Task(
        task_id=call.world.alibaba.new_id("t"),
        action=call.action,
        region=region,
        owner=call.account,
        image_id=image.image_id,
        created=0.0,
        started=0.0,
        work_seconds=settings.export_seconds,
        lag_seconds=settings.object_lag_seconds,
        bucket=bucket.name,
        prefix=prefix,
        format=image_format,
    )
    task.objects = export_names(settings, task, image)
    _check_targets(call, bucket, task)
    _check_quotas(call)
    check_account(call)
    end_dry_run(call)
    call.world.alibaba.start(task)
    named = {settings.export_task_key: task.task_id} if settings.export_task_key else {}
    return {"RegionId": region, **named}


def reword_for_2017(world: World, action: str, refusal: RpcError) -> None:
    """Gives a refusal of ExportImage the code and status of the older page, where the settings ask for it."""
    if action == "ExportImage" and world.alibaba.settings.error_names == "2017":
        renamed = EXPORT_ERRORS_OF_2017.get(refusal.code)
        if renamed is not None:
            refusal.status, refusal.code = renamed


def _spelling(call: Call) -> tuple[str, str]:
    prefix = call.arguments.text("OSSPrefix")
    if prefix and not PREFIX.fullmatch(prefix):
        raise RpcError("InvalidOSSPrefix.Malformed")
    image_format = call.arguments.text("ImageFormat", "raw").lower()
    if image_format not in EXPORT_FORMATS:
        raise RpcError("InvalidImageFormat.Malformed")
    return prefix, image_format


def _check_service(call: Call, region: str) -> None:
    settings = call.world.alibaba.settings
    if region in settings.closed_regions:
        raise RpcError("InvalidRegion.NotSupport")
    if not settings.white_listed:
        raise RpcError("UserNotInTheWhiteList")


def _exportable(call: Call, region: str) -> Image:
    """The image, if it may be exported at all: the account's own, free of the market's and of encryption, ready."""
    image = call.world.alibaba.image(region, call.arguments.text("ImageId"))
    if image is None or not visible(call, image):
        raise RpcError("InvalidImageId.NotFound")
    if image.product_code or image.owner == "marketplace":
        raise RpcError("ImageNotSupported")
    if image.owner != call.account:
        raise RpcError("InvalidImageCategory.NotSupported")
    if image.os_type == "windows":
        raise RpcError("InvalidImageLicense.NotSupported", "the image is a Windows image")
    if image.encrypted:
        text = "The specified Image contains encrypted snapshots, do not support export."
        raise RpcError("ImageNotSupported", status=400, message=text)
    if image.status != "Available":
        raise RpcError("IncorrectImageStatus")
    _check_data_disks(call, image)
    return image


def _check_data_disks(call: Call, image: Image) -> None:
    settings, disks = call.world.alibaba.settings, image.data_disks
    if disks and not settings.export_data_disks:
        raise RpcError("OperationDenied")
    if len(disks) > settings.max_export_data_disks:
        limit = f"{len(disks)} data disks, at most {settings.max_export_data_disks} are supported"
        raise RpcError("InvalidImage.DiskAmountOrSize", limit)
    largest = max((disk.size_gib for disk in disks), default=0)
    if largest > settings.max_export_data_disk_gib:
        limit = f"a data disk of {largest} GiB, at most {settings.max_export_data_disk_gib} GiB are supported"
        raise RpcError("InvalidImage.DiskAmountOrSize", limit)


def _check_targets(call: Call, bucket: Bucket, task: Task) -> None:
    for key in task.objects:
        there = call.world.objects.head(bucket, key)
        if there is not None and there.archived:
            raise RpcError("InvalidOSSObject.NeedRestore")


def _check_quotas(call: Call) -> None:
    alibaba = call.world.alibaba
    if len(_running(call)) >= alibaba.settings.concurrent_exports:
        raise RpcError("ConcurrentQuotaExceed.ExportImage", str(alibaba.settings.concurrent_exports))
    if alibaba.exports_this_week(call.account) >= alibaba.settings.weekly_exports:
        raise RpcError("WeeklyQuotaExceed.ExportImage", str(alibaba.settings.weekly_exports))


def _running(call: Call) -> list[Task]:
    return call.world.alibaba.running("ExportImage", call.account)


EXPORT_ACTIONS = {
    "ExportImage": Action(
        (
            *text("RegionId", "ImageId", "OSSBucket", required=True),
            *text("OSSPrefix", "ImageFormat", "RoleName"),
            *DRY_RUN,
            *OWNERS,
        ),
        export_image,
        "acs:ecs:{region}:{account}:image/{ImageId}",
    ),
}
