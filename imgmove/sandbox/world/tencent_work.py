"""What Tencent's tasks do when they are due: write exports, fetch imports, copy disks; and how each of them fails."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskError, DiskFormat, convert
from imgmove.sandbox.world.sparse_checksums import checksums_of_parts
from imgmove.sandbox.world.tencent import SCRATCH_PREFIX
from imgmove.sandbox.world.tencent_disks import RejectedError, check_guest, gib, unpack
from imgmove.sandbox.world.tencent_records import (
    DATA_DISK,
    FAILED,
    FAILED_STATE,
    SUCCESS,
    SYSTEM_DISK,
    DiskSource,
    ExportedFile,
    FetchError,
    Image,
    ImportSource,
    Snapshot,
    Task,
)
from imgmove.sandbox.world.tencent_rules import IMPORT_PROBLEMS

if TYPE_CHECKING:
    from imgmove.sandbox.world import World
    from imgmove.sandbox.world.object_records import Bucket


logger = logging.getLogger(__name__)

EXPORT_PART_BYTES = 64 << 20


class WorkError(Exception):
    """The work of a task cannot be done; `code` goes to the message centre or the task."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Work:
    """What one kind of task does in the end, and what its failure leaves behind."""

    finish: Callable[[World, Task], None]
    fail: Callable[[World, Task], None]


def advance(world: World, task: Task) -> None:
    """Brings one unfinished task up to the present."""
    if task.stalled:
        return
    if task.due > world.clock.now():
        if world.tencent.settings.partial_objects and world.tencent.percent(task) >= 50:
            _show_part(world, task)
        return
    try:
        _finish(world, task)
    except (WorkError, RejectedError) as error:
        _end_badly(world, task, error.code, str(error))
    except Exception as error:
        # Whatever it is, it must not keep every later call from being answered.
        logger.exception("task %s (%s) failed in a way that was not foreseen", task.task_id, task.action)
        _end_badly(world, task, "InternalError", str(error))
    else:
        task.message = "success"
        task.move(SUCCESS)
    task.ended = world.clock.wall()
    world.tencent.litter()
    world.changed()


def _finish(world: World, task: Task) -> None:
    if task.doom_code:
        raise WorkError(task.doom_code, task.message)
    WORK[task.service, task.action].finish(world, task)


def _end_badly(world: World, task: Task, code: str, message: str) -> None:
    task.code, task.message = code, message
    task.move(FAILED)
    WORK[task.service, task.action].fail(world, task)
    world.tencent.notify(task, code, IMPORT_PROBLEMS.get(code, message))


@contextmanager
def _scratch(world: World) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=world.root, prefix=SCRATCH_PREFIX) as directory:
        yield Path(directory)


# Exports


def _finish_export(world: World, task: Task) -> None:
    bucket = _export_bucket(world, task)
    with _scratch(world) as directory:
        written = [(file, _converted(world, task, file, directory)) for file in task.export.files]
        for file, path in written:
            _store(world, bucket, file.key, path)
    _back_to_normal(world, task)


def _store(world: World, bucket: Bucket, key: str, path: Path) -> None:
    """Puts an exported file into the bucket; larger ones look as if they had been uploaded in parts."""
    in_parts = path.stat().st_size > EXPORT_PART_BYTES
    item = world.objects.put(bucket, key, path, move=True, checksums=checksums_of_parts(path) if in_parts else None)
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


def _converted(world: World, task: Task, file: ExportedFile, directory: Path) -> Path:
    snapshot = world.tencent.snapshot(file.snapshot_id)
    if snapshot is None:
        raise WorkError("InvalidParameter.SnapshotNotFound", f"snapshot {file.snapshot_id} is gone")
    path = directory / file.snapshot_id
    try:
        convert(world.tencent.blob(snapshot.blob), DiskFormat.RAW, path, task.export.format)
    except DiskError as error:
        raise WorkError("InternalError", str(error)) from error
    return path


def _show_part(world: World, task: Task) -> None:
    """Puts the first half of every object into the bucket, once (tencent.md 1.1: unconfirmed that this happens)."""
    export = task.export
    bucket = world.objects.bucket("tencent", export.bucket)
    if export.part_shown or bucket is None:
        return
    with _scratch(world) as directory:
        for file in export.files:
            path = _converted(world, task, file, directory)
            with path.open("r+b") as half:
                half.truncate(max(1, path.stat().st_size // 2))
            _store(world, bucket, file.key, path)
    export.part_shown = True
    world.changed()


def _fail_export(world: World, task: Task) -> None:
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


# Imports


def _finish_import(world: World, task: Task) -> None:
    image, source = _image(world, task), task.fetch
    with _scratch(world) as directory:
        disks = [[url] for url in source.urls] if not source.layered else [source.urls]
        snapshots = [
            _imported_disk(world, image, source, urls, directory / str(index), SYSTEM_DISK if index == 0 else DATA_DISK)
            for index, urls in enumerate(disks)
        ]
    for snapshot in snapshots:
        world.tencent.add_snapshot(snapshot)
        image.snapshot_ids.append(snapshot.snapshot_id)
    image.size_gib = snapshots[0].size_gib
    image.move("NORMAL")


def _imported_disk(
    world: World, image: Image, source: ImportSource, urls: list[str], work: Path, usage: str
) -> Snapshot:
    work.mkdir()
    tencent = world.tencent
    paths = [_fetched(world, url, work / f"layer{number}", image) for number, url in enumerate(urls)]
    raw = work / "raw"
    size_bytes = unpack(paths, raw, source, tencent.settings)
    if usage == SYSTEM_DISK:
        check_guest(raw, source, tencent.settings)
    if image.service == "ecm" and gib(size_bytes) > tencent.settings.ecm_max_image_gib:
        raise RejectedError("InvalidFormatSize", f"the image is larger than {tencent.settings.ecm_max_image_gib} GB")
    blob = tencent.keep(raw, take=True)
    return Snapshot(tencent.new_id("snap"), image.account_id, image.region, usage, gib(size_bytes), blob)


def _fetched(world: World, url: str, path: Path, image: Image) -> Path:
    try:
        return world.tencent.fetch(url, path, image)
    except FetchError as error:
        raise RejectedError("InvalidUrl", str(error)) from error


def _fail_new_image(world: World, task: Task) -> None:
    image = _image(world, task)
    image.move(FAILED_STATE[image.state])


def _image(world: World, task: Task) -> Image:
    """The image that a task makes; it cannot be deleted before the task has ended."""
    region = "" if task.service == "ecm" else task.region
    image = world.tencent.image(task.service, region, task.image_ids[0])
    if image is None:
        raise LookupError(f"task {task.task_id} has lost its image")
    return image


# Creations and copies


def _finish_creation(world: World, task: Task) -> None:
    image = _image(world, task)
    for disk in task.disks:
        if world.tencent.snapshot(disk.snapshot_id) is None:
            world.tencent.add_snapshot(_snapshot_of(world, image, disk))
        image.snapshot_ids.append(disk.snapshot_id)
    image.move("NORMAL")


def _snapshot_of(world: World, image: Image, disk: DiskSource) -> Snapshot:
    blob = world.tencent.keep(world.tencent.blob(disk.blob))
    return Snapshot(
        disk.snapshot_id, image.account_id, image.region, disk.usage, disk.size_gib, blob, encrypted=disk.encrypted
    )


def _finish_copy(world: World, task: Task) -> None:
    image = _image(world, task)
    for disk in task.disks:
        # The bytes of a snapshot never change, so that both may share them.
        snapshot = Snapshot(
            disk.snapshot_id, image.account_id, image.region, disk.usage, disk.size_gib, disk.blob, disk.encrypted
        )
        world.tencent.add_snapshot(snapshot)
        image.snapshot_ids.append(disk.snapshot_id)
    image.move("NORMAL")
    _free_source(world, task)


def _fail_copy(world: World, task: Task) -> None:
    _fail_new_image(world, task)
    _free_source(world, task)


def _free_source(world: World, task: Task) -> None:
    """The image that was copied is NORMAL again once the last of its copies has come to an end."""
    if not task.source_image_id:
        return
    others = [t for t in world.tencent.running("cvm", "SyncImages") if t is not task]
    if any(other.source_image_id == task.source_image_id for other in others):
        return
    region, _, image_id = task.source_image_id.partition("/")
    source = world.tencent.image("cvm", region, image_id)
    if source is not None and source.state == "SYNCING":
        source.move("NORMAL")


WORK: Mapping[tuple[str, str], Work] = {
    ("cvm", "ExportImages"): Work(_finish_export, _fail_export),
    ("cvm", "ImportImage"): Work(_finish_import, _fail_new_image),
    ("cvm", "CreateImage"): Work(_finish_creation, _fail_new_image),
    ("cvm", "SyncImages"): Work(_finish_copy, _fail_copy),
    ("ecm", "CreateImage"): Work(_finish_creation, _fail_new_image),
    ("ecm", "ImportImage"): Work(_finish_copy, _fail_new_image),
    ("ecm", "ImportCustomImage"): Work(_finish_import, _fail_new_image),
}
"""Every kind of task."""
