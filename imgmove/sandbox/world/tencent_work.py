"""What Tencent's tasks do when they are due: fetch imports, copy disks; and how each of them fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.world.tencent_disks import RejectedError, check_guest, copy_sparse, gib, unpack
from imgmove.sandbox.world.tencent_export_work import Running, WorkError, fail_export, finish_export
from imgmove.sandbox.world.tencent_records import (
    DATA_DISK,
    FAILED,
    FAILED_STATE,
    SUCCESS,
    SYSTEM_DISK,
    DiskSource,
    FetchError,
    Image,
    ImportSource,
    Snapshot,
    Task,
)
from imgmove.sandbox.world.tencent_rules import IMPORT_PROBLEMS
from imgmove.sandbox.world.working import Steps, lend

if TYPE_CHECKING:
    from imgmove.sandbox.world import World


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What one kind of task does in the end, and what its failure leaves behind. The directory is for its files."""

    finish: Callable[[World, Task, Path], Steps]
    fail: Callable[[World, Task], None]


def work(world: World, task: Task, scratch: Path) -> Running:
    """The work of a task that is due, to its end, good or bad."""
    try:
        _check_doom(task)
        yield from WORK[task.service, task.action].finish(world, task, scratch)
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


def _check_doom(task: Task) -> None:
    if task.doom_code:
        raise WorkError(task.doom_code, task.message)


def _end_badly(world: World, task: Task, code: str, message: str) -> None:
    task.code, task.message = code, message
    task.move(FAILED)
    WORK[task.service, task.action].fail(world, task)
    world.tencent.notify(task, code, IMPORT_PROBLEMS.get(code, message))


# Imports


def _finish_import(world: World, task: Task, scratch: Path) -> Steps:
    image, source = _image(world, task), task.fetch
    disks = [[url] for url in source.urls] if not source.layered else [source.urls]
    raws = [scratch / f"raw{index}" for index in range(len(disks))]

    def fetch() -> None:
        for index, urls in enumerate(disks):
            _fetch_disk(world, image, source, urls, raws[index], is_system=index == 0)

    yield fetch
    for index, raw in enumerate(raws):
        usage, size_gib = DATA_DISK if index else SYSTEM_DISK, gib(raw.stat().st_size)
        snapshot_id, blob = world.tencent.new_id("snap"), world.tencent.keep(raw, take=True)
        world.tencent.add_snapshot(Snapshot(snapshot_id, image.account_id, image.region, usage, size_gib, blob))
        image.snapshot_ids.append(snapshot_id)
        image.size_gib = size_gib if usage == SYSTEM_DISK else image.size_gib
    image.move("NORMAL")


def _fetch_disk(
    world: World, image: Image, source: ImportSource, urls: list[str], raw: Path, *, is_system: bool
) -> None:
    """Fetches one disk, or its layers, writes its raw bytes and looks at it as the importer does."""
    settings = world.tencent.settings
    paths = [_fetched(world, url, raw.with_name(f"{raw.name}-layer{n}"), image) for n, url in enumerate(urls)]
    size_bytes = unpack(paths, raw, source, settings)
    if is_system:
        check_guest(raw, source, settings)
    if image.service == "ecm" and gib(size_bytes) > settings.ecm_max_image_gib:
        raise RejectedError("InvalidFormatSize", f"the image is larger than {settings.ecm_max_image_gib} GB")


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


def _finish_creation(world: World, task: Task, scratch: Path) -> Steps:
    new = [disk for disk in task.disks if world.tencent.snapshot(disk.snapshot_id) is None]
    lent = {disk.snapshot_id: lend(world.tencent.blob(disk.blob), scratch, f"disk-{disk.snapshot_id}") for disk in new}
    copies = {snapshot_id: scratch / snapshot_id for snapshot_id in lent}

    def copy() -> None:
        for snapshot_id, path in lent.items():
            copy_sparse(path, copies[snapshot_id])

    yield copy
    image = _image(world, task)
    for disk in task.disks:
        if disk.snapshot_id in copies:
            blob = world.tencent.keep(copies[disk.snapshot_id], take=True)
            world.tencent.add_snapshot(_snapshot_of(image, disk, blob))
        image.snapshot_ids.append(disk.snapshot_id)
    image.move("NORMAL")


def _snapshot_of(image: Image, disk: DiskSource, blob: str) -> Snapshot:
    return Snapshot(
        disk.snapshot_id, image.account_id, image.region, disk.usage, disk.size_gib, blob, encrypted=disk.encrypted
    )


def _finish_copy(world: World, task: Task, _scratch: Path) -> Steps:
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
    yield from ()


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
    ("cvm", "ExportImages"): Work(finish_export, fail_export),
    ("cvm", "ImportImage"): Work(_finish_import, _fail_new_image),
    ("cvm", "CreateImage"): Work(_finish_creation, _fail_new_image),
    ("cvm", "SyncImages"): Work(_finish_copy, _fail_copy),
    ("ecm", "CreateImage"): Work(_finish_creation, _fail_new_image),
    ("ecm", "ImportImage"): Work(_finish_copy, _fail_new_image),
    ("ecm", "ImportCustomImage"): Work(_finish_import, _fail_new_image),
}
"""Every kind of task."""
