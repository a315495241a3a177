"""What ECS calls the objects that it exports, and the member inside a `.raw.tar.gz` (alibaba.md 4)."""

from __future__ import annotations

from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Task
from imgmove.sandbox.world.alibaba_rules import Settings


def export_names(settings: Settings, task: Task, image: Image) -> list[str]:
    """The keys of an export's objects, one a disk in the image's order.

    Raw: `[<prefix>_]<image>_system.raw.tar.gz`, `…_data_xvdb.raw.tar.gz`. Other formats are plain files. How the
    vendor names those is known from one sample only, so `Settings.object_names` chooses.
    """
    return [_name(settings, task, disk) for disk in image.disks]


def member_name(key: str) -> str:
    """The only member of a raw export's archive."""
    return key.removesuffix(".tar.gz")


def _name(settings: Settings, task: Task, disk: ImageDisk) -> str:
    start = f"{task.prefix}_{task.image_id}" if task.prefix else task.image_id
    place = "system" if disk.kind == "system" else f"data_{disk.device.removeprefix('/dev/')}"
    if task.format == "raw":
        return f"{start}_{place}.raw.tar.gz"
    if settings.object_names == "disk":
        return f"{start}_{place}.{task.format}"
    tail = "" if disk.kind == "system" else f"_{place}"
    return f"{start}_{task.task_id}{tail}.{task.format}"
