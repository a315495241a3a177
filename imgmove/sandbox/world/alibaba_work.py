"""What Alibaba's tasks do when they are due: write exports, read imports, make snapshots; and how each can fail."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskFormat, convert
from imgmove.sandbox.world.alibaba_disks import UnfitDiskError, unpack
from imgmove.sandbox.world.alibaba_names import member_name
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Snapshot, Task, move

if TYPE_CHECKING:
    from imgmove.sandbox.world import World
    from imgmove.sandbox.world.object_records import Bucket

logger = logging.getLogger(__name__)

GIB = 1 << 30


class WorkError(Exception):
    """The work of a task cannot be done; `code` becomes the task's ErrorCode."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def advance(world: World, task: Task) -> None:
    """Takes one task through every state that is due by now."""
    elapsed = world.alibaba.elapsed(task)
    if task.status == "Waiting" and elapsed >= task.queue_seconds:
        _begin(world, task)
    due = task.queue_seconds + task.work_seconds
    if task.status == "Processing" and not task.stalled and elapsed >= due:
        _finish(world, task)
    if task.status == "Finished" and not task.delivered and elapsed >= due + task.lag_seconds:
        _deliver(world, task)


def _begin(world: World, task: Task) -> None:
    move(task, "Processing")
    image = _made(world, task)
    if image is not None:
        move(image, "Creating")
    world.changed()


def _finish(world: World, task: Task) -> None:
    try:
        _carry_out(world, task)
    except (WorkError, UnfitDiskError) as error:
        _fail(world, task, error.code, str(error))
    except Exception as error:
        # Whatever it is, it must not keep every later call from being answered.
        logger.exception("task %s (%s) failed in a way that was not foreseen", task.task_id, task.action)
        _fail(world, task, "InternalError", str(error))
    else:
        move(task, "Finished")
        task.finished = world.clock.wall()
        world.changed()


def _carry_out(world: World, task: Task) -> None:
    if task.doom_code:
        raise WorkError(task.doom_code, task.doom_message)
    _WORK[task.action](world, task)


def _fail(world: World, task: Task, code: str, message: str) -> None:
    task.percent = world.alibaba.percent(task)
    move(task, "Failed")
    task.error_code, task.error_message, task.finished = code, message, world.clock.wall()
    image = _made(world, task)
    if image is not None:
        move(image, "CreateFailed")
        for disk in image.disks:
            disk.blob = disk.blob if disk.snapshot_id else ""
        if task.action == "ImportImage" and not world.alibaba.settings.failed_import_leaves_image:
            world.alibaba.remove_image(image)
    world.alibaba.drop_unused_blobs()
    world.changed()


def _deliver(world: World, task: Task) -> None:
    """Makes the result visible: the image Available, or an export's objects in their bucket."""
    image = _made(world, task)
    if image is not None:
        move(image, "Available")
        image.task_id = ""
    elif task.lag_seconds:
        _write_late(world, task)
    task.delivered = True
    world.changed()


def _write_late(world: World, task: Task) -> None:
    """Writes the objects of a task that is Finished already, so that it is too late for it to fail."""
    bucket = world.objects.bucket("alibaba", task.bucket)
    try:
        if bucket is not None:
            _write_objects(world, task, bucket)
    except Exception:
        logger.exception("the objects of task %s could not be written", task.task_id)


def _made(world: World, task: Task) -> Image | None:
    """The image that a task makes; None for an export, or when the image has been deleted meanwhile."""
    return None if task.action == "ExportImage" else world.alibaba.image(task.region, task.image_id)


def _export(world: World, task: Task) -> None:
    bucket = world.objects.bucket("alibaba", task.bucket)
    if bucket is None:
        raise WorkError("InvalidOSSBucket.NotFound", "The specified OSS bucket does not exist in this region.")
    if not task.lag_seconds:
        _write_objects(world, task, bucket)


def _write_objects(world: World, task: Task, bucket: Bucket) -> None:
    """Writes all disks first and puts them then, so that a failure leaves nothing in the bucket."""
    image = world.alibaba.image(task.region, task.image_id)
    if image is None:
        raise WorkError("InvalidImageId.NotFound", "The specified ImageId does not exist.")
    with tempfile.TemporaryDirectory(dir=world.alibaba.blobs, prefix="work-") as scratch:
        written = [
            (key, _written(world, task, disk, key, Path(scratch)))
            for disk, key in zip(image.disks, task.objects, strict=True)
        ]
        for key, path in written:
            world.objects.put(bucket, key, path, move=True)


def _written(world: World, task: Task, disk: ImageDisk, key: str, scratch: Path) -> Path:
    path = scratch / f"{disk.device.replace('/', '-')}"
    target = DiskFormat.TAR_GZ if task.format == "raw" else DiskFormat(task.format)
    convert(world.alibaba.blob(disk.blob), DiskFormat.RAW, path, target, member_name=member_name(key))
    return path


def _import(world: World, task: Task) -> None:
    image = _existing(world, task)
    for disk in image.disks:
        bucket = world.objects.bucket("alibaba", disk.oss_bucket)
        found = world.objects.head(bucket, disk.oss_object) if bucket is not None else None
        if found is None:
            raise WorkError("InvalidOSSObject.NotFound", "The specified OSS object does not exist in this region.")
        unpack(world.alibaba, disk, world.objects.path(found))
    for disk in image.disks:
        _take_snapshot(world, image, disk)


def _create(world: World, task: Task) -> None:
    image = _existing(world, task)
    instance = world.alibaba.instance(task.region, task.source_instance_id)
    ids = {disk.device: disk.disk_id for disk in instance.disks} if instance is not None else {}
    for disk in image.disks:
        if not disk.blob:  # a data disk made without a snapshot is blank
            disk.blob = world.alibaba.keep_blank(disk.size_gib * GIB)
        if not disk.snapshot_id:
            _take_snapshot(world, image, disk, ids.get(disk.device, ""))


def _copy(world: World, task: Task) -> None:
    image = _existing(world, task)
    source = world.alibaba.image(task.source_region, task.source_image_id)
    if source is None:
        raise WorkError("InvalidImageId.NotFound", "The source image does not exist any more.")
    for disk, original in zip(image.disks, source.disks, strict=True):
        disk.blob = original.blob
        _take_snapshot(world, image, disk)


def _existing(world: World, task: Task) -> Image:
    image = _made(world, task)
    if image is None:
        raise WorkError("InvalidImageId.NotFound", "The specified ImageId does not exist.")
    return image


def _take_snapshot(world: World, image: Image, disk: ImageDisk, source_disk_id: str = "") -> None:
    disk.snapshot_id = world.alibaba.new_id("s")
    world.alibaba.add_snapshot(
        Snapshot(
            snapshot_id=disk.snapshot_id,
            region=image.region,
            owner=image.owner,
            kind=disk.kind,
            size_gib=disk.size_gib,
            blob=disk.blob,
            name=f"SnapshotForImage-{image.image_id}",
            created=world.clock.wall(),
            encrypted=disk.encrypted,
            source_disk_id=source_disk_id,
        )
    )


_WORK: dict[str, Callable[[World, Task], None]] = {
    "ExportImage": _export,
    "ImportImage": _import,
    "CreateImage": _create,
    "CopyImage": _copy,
}
