"""What Alibaba's tasks do when they are due: write exports, read imports, make snapshots; and how each can fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskFormat, convert
from imgmove.sandbox.world.alibaba_disks import UnfitDiskError, check_items, unpack
from imgmove.sandbox.world.alibaba_names import member_name
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Snapshot, Task, move
from imgmove.sandbox.world.blobs import Checksums
from imgmove.sandbox.world.working import lend

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


Running = Generator[Callable[[], None], None, None]
Step = Callable[["World", Task, Path], Running]


def due_step(world: World, task: Task) -> Step | None:
    """Takes a task through the states that cost nothing; what is due of the rest, if anything."""
    elapsed = world.alibaba.elapsed(task)
    if task.status == "Waiting" and elapsed >= task.queue_seconds:
        _begin(world, task)
    due = task.queue_seconds + task.work_seconds
    if task.status == "Processing" and not task.stalled and elapsed >= due:
        return finish
    if task.status == "Finished" and not task.delivered and elapsed >= due + task.lag_seconds:
        return deliver
    return None


def _begin(world: World, task: Task) -> None:
    move(task, "Processing")
    image = _made(world, task)
    if image is not None:
        move(image, "Creating")
    world.changed()


def finish(world: World, task: Task, scratch: Path) -> Running:
    """The work of a task, to its end, good or bad."""
    try:
        _check_doom(task)
        yield from _WORK[task.action](world, task, scratch)
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


def _check_doom(task: Task) -> None:
    if task.doom_code:
        raise WorkError(task.doom_code, task.doom_message)


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


def deliver(world: World, task: Task, scratch: Path) -> Running:
    """Makes the result visible: the image Available, or an export's objects in their bucket."""
    image = _made(world, task)
    if image is not None:
        move(image, "Available")
        image.task_id = ""
    elif task.lag_seconds and world.objects.bucket("alibaba", task.bucket) is not None:
        yield from _write_late(world, task, scratch)
    task.delivered = True
    world.changed()


def _write_late(world: World, task: Task, scratch: Path) -> Running:
    """Writes the objects of a task that is Finished already, so that it is too late for it to fail."""
    try:
        yield from _write_objects(world, task, scratch)
    except Exception:
        logger.exception("the objects of task %s could not be written", task.task_id)


def _made(world: World, task: Task) -> Image | None:
    """The image that a task makes; None for an export, or when the image has been deleted meanwhile."""
    return None if task.action == "ExportImage" else world.alibaba.image(task.region, task.image_id)


def _export(world: World, task: Task, scratch: Path) -> Running:
    _bucket(world, task)
    if not task.lag_seconds:
        yield from _write_objects(world, task, scratch)


def _bucket(world: World, task: Task) -> Bucket:
    bucket = world.objects.bucket("alibaba", task.bucket)
    if bucket is None:
        raise WorkError("InvalidOSSBucket.NotFound", "The specified OSS bucket does not exist in this region.")
    return bucket


def _write_objects(world: World, task: Task, scratch: Path) -> Running:
    """Writes all disks first and puts them then, so that a failure leaves nothing in the bucket."""
    image = world.alibaba.image(task.region, task.image_id)
    if image is None:
        raise WorkError("InvalidImageId.NotFound", "The specified ImageId does not exist.")
    lent = [lend(world.alibaba.blob(disk.blob), scratch, f"disk{n}") for n, disk in enumerate(image.disks)]
    written = {key: scratch / f"export{n}" for n, key in enumerate(task.objects)}
    checksums: dict[str, Checksums] = {}

    def write() -> None:
        for source, (key, path) in zip(lent, written.items(), strict=True):
            target = DiskFormat.TAR_GZ if task.format == "raw" else DiskFormat(task.format)
            convert(source, DiskFormat.RAW, path, target, member_name=member_name(key))
            checksums[key] = Checksums.of(path)

    yield write
    bucket = _bucket(world, task)
    for key, path in written.items():
        world.objects.put(bucket, key, path, move=True, checksums=checksums[key])


def _import(world: World, task: Task, scratch: Path) -> Running:
    image = _existing(world, task)
    lent = [lend(_object(world, disk), scratch, f"object{n}") for n, disk in enumerate(image.disks)]
    raws = [scratch / f"raw{n}" for n in range(len(image.disks))]

    def read() -> None:
        for disk, path, raw in zip(image.disks, lent, raws, strict=True):
            unpack(world.alibaba.settings, disk, path, raw)
        image.checked = check_items(raws[0]) if image.detection else []

    yield read
    for disk, raw in zip(image.disks, raws, strict=True):
        disk.blob = world.alibaba.keep(raw, take=True)
        _take_snapshot(world, image, disk)


def _object(world: World, disk: ImageDisk) -> Path:
    bucket = world.objects.bucket("alibaba", disk.oss_bucket)
    found = world.objects.head(bucket, disk.oss_object) if bucket is not None else None
    if found is None:
        raise WorkError("InvalidOSSObject.NotFound", "The specified OSS object does not exist in this region.")
    return world.objects.path(found)


def _create(world: World, task: Task, _scratch: Path) -> Running:
    image = _existing(world, task)
    instance = world.alibaba.instance(task.region, task.source_instance_id)
    ids = {disk.device: disk.disk_id for disk in instance.disks} if instance is not None else {}
    for disk in image.disks:
        if not disk.blob:  # a data disk made without a snapshot is blank
            disk.blob = world.alibaba.keep_blank(disk.size_gib * GIB)
        if not disk.snapshot_id:
            _take_snapshot(world, image, disk, ids.get(disk.device, ""))
    yield from ()


def _copy(world: World, task: Task, _scratch: Path) -> Running:
    image = _existing(world, task)
    source = world.alibaba.image(task.source_region, task.source_image_id)
    if source is None:
        raise WorkError("InvalidImageId.NotFound", "The source image does not exist any more.")
    for disk, original in zip(image.disks, source.disks, strict=True):
        disk.blob = original.blob
        _take_snapshot(world, image, disk)
    yield from ()


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


_WORK: dict[str, Step] = {
    "ExportImage": _export,
    "ImportImage": _import,
    "CreateImage": _create,
    "CopyImage": _copy,
}
