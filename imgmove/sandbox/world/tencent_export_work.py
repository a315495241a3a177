"""CVM's exports when they are due: disks converted and put into a bucket, or half-way to be seen there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskError, DiskFormat, convert
from imgmove.sandbox.world.blobs import Checksums
from imgmove.sandbox.world.sparse_checksums import checksums_of_parts
from imgmove.sandbox.world.tencent_records import Export, ExportedFile, Task
from imgmove.sandbox.world.working import Steps, lend

if TYPE_CHECKING:
    from imgmove.sandbox.world import World
    from imgmove.sandbox.world.object_records import Bucket

logger = logging.getLogger(__name__)

EXPORT_PART_BYTES = 64 << 20
Running = Generator[Callable[[], None], None, None]


class WorkError(Exception):
    """The work of a task cannot be done; `code` goes to the message centre or the task."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def shows_part(world: World, task: Task) -> bool:
    """Whether an unfinished task is far enough to show the beginnings of its objects, and has not yet."""
    wanted = world.tencent.settings.partial_objects and bool(task.export.files) and not task.export.part_shown
    return wanted and not task.stalled and world.tencent.percent(task) >= 50


@dataclass
class _Written:
    """An exported disk on its way into a bucket."""

    file: ExportedFile
    source: Path
    path: Path
    checksums: Checksums | None = None


def finish_export(world: World, task: Task, scratch: Path) -> Steps:
    """Writes all disks first and puts them then, so that a failure leaves nothing in the bucket."""
    _export_bucket(world, task)
    written = _planned(world, task.export, scratch)
    yield lambda: _write(written, task.export.format)
    bucket = _export_bucket(world, task)
    for each in written:
        _store(world, bucket, each)
    _back_to_normal(world, task)


def show_part(world: World, task: Task, scratch: Path) -> Running:
    """Puts the first half of every object into the bucket, once (tencent.md 1.1: unconfirmed that this happens)."""
    task.export.part_shown = True
    try:
        written = _planned(world, task.export, scratch)
        yield lambda: _write(written, task.export.format, half=True)
        bucket = _export_bucket(world, task)
        for each in written:
            _store(world, bucket, each)
    except WorkError:
        logger.info("task %s shows nothing of its objects half-way", task.task_id)
    world.changed()


def _planned(world: World, export: Export, scratch: Path) -> list[_Written]:
    planned = []
    for number, file in enumerate(export.files):
        snapshot = world.tencent.snapshot(file.snapshot_id)
        if snapshot is None:
            raise WorkError("InvalidParameter.SnapshotNotFound", f"snapshot {file.snapshot_id} is gone")
        source = lend(world.tencent.blob(snapshot.blob), scratch, f"disk{number}")
        planned.append(_Written(file, source, scratch / f"export{number}"))
    return planned


def _write(written: list[_Written], disk_format: str, *, half: bool = False) -> None:
    """Converts the disks and reckons their checksums: what takes long."""
    for each in written:
        try:
            convert(each.source, DiskFormat.RAW, each.path, disk_format)
        except DiskError as error:
            raise WorkError("InternalError", str(error)) from error
        if half:
            with each.path.open("r+b") as file:
                file.truncate(max(1, each.path.stat().st_size // 2))
        each.checksums = checksums_of_parts(each.path) if _in_parts(each.path) else Checksums.of(each.path)


def _in_parts(path: Path) -> bool:
    """Larger objects look as if they had been uploaded in parts."""
    return path.stat().st_size > EXPORT_PART_BYTES


def _store(world: World, bucket: Bucket, written: _Written) -> None:
    in_parts = _in_parts(written.path)
    item = world.objects.put(bucket, written.file.key, written.path, move=True, checksums=written.checksums)
    if in_parts:
        item.part_count = -(-item.size_bytes // EXPORT_PART_BYTES)
        item.etag = f"{item.etag}-{item.part_count}"
    if not world.tencent.settings.export_crc:
        item.crc64 = None
    world.changed()


def _export_bucket(world: World, task: Task) -> Bucket:
    bucket = world.objects.bucket("tencent", task.export.bucket)
    if bucket is None:
        raise WorkError("InvalidParameterValue.BucketNotFound", "the bucket is gone")
    return bucket


def fail_export(world: World, task: Task) -> None:
    """Takes back what of an export was shown."""
    export = task.export
    bucket = world.objects.bucket("tencent", export.bucket)
    if bucket is not None and export.part_shown:
        for file in export.files:
            world.objects.delete(bucket, file.key)
    _back_to_normal(world, task)


def _back_to_normal(world: World, task: Task) -> None:
    for image_id in task.image_ids:
        image = world.tencent.image("cvm", task.region, image_id)
        if image is not None and image.state == "EXPORTING":
            image.move("NORMAL")
