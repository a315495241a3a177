"""A disk's layout, from its tables down to what lies in each partition and volume; and the devices behind the names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.guest.layout import DiskLayout, FileSystem, Partition
from imgmove.images.reading.device import Device, Slice
from imgmove.images.reading.partitions import Division, read_division
from imgmove.images.reading.signatures import recognise
from imgmove.images.reading.volumes import LogicalVolume, PhysicalVolume, Volumes, assemble, open_physical

#: Partitions that hold no file system, or others' partitions.
_NOT_LOOKED_INTO: Final = frozenset({"extended", "protective", "bios-boot", "msr", "prep"})
#: More are not looked at: nobody starts from the three-hundredth.
_MOST_FILE_SYSTEMS: Final = 256
_MOST_PARTITIONS: Final = 256
#: No superblock that says more is believed to say anything.
_LARGEST_BYTES: Final = 1 << 62


@dataclass(frozen=True)
class Survey:
    """`devices` has a device for each FileSystem of the layout that can be reached, by its `where`."""

    layout: DiskLayout
    devices: dict[str, Device]


def survey(disk: Device, disk_format: DiskFormat, file_bytes: int) -> Survey:
    division = read_division(disk)
    devices = dict(_places(disk, division))
    partitions = {f"partition {item.number}": item for item in division.partitions}
    found = [_file_system(where, device, partitions.get(where)) for where, device in devices.items()]
    physical = {
        item.where: opened
        for item in found
        if item.kind == "lvm2-pv" and (opened := open_physical(devices[item.where]))
    }
    volumes = assemble(physical.values())
    found = [_with_group(item, physical.get(item.where)) for item in found]
    for volume in volumes.logical[: _MOST_FILE_SYSTEMS - len(found)]:
        where = f"{volume.group}/{volume.name}"
        if volume.device is not None:
            devices[where] = volume.device
        found.append(_in_volume(where, volume))
    return Survey(_layout(disk, disk_format, file_bytes, division, found, volumes), devices)


def _places(disk: Device, division: Division) -> Iterator[tuple[str, Device]]:
    """Where a file system may be, by name."""
    if not division.table:
        yield "disk", disk
        return
    for item in division.partitions[:_MOST_PARTITIONS]:
        if item.role not in _NOT_LOOKED_INTO and 0 < item.offset_bytes < disk.size_bytes:
            size_bytes = min(item.size_bytes, disk.size_bytes - item.offset_bytes)
            yield f"partition {item.number}", Slice(disk, item.offset_bytes, size_bytes)


def _file_system(where: str, device: Device, partition: Partition | None) -> FileSystem:
    signature = recognise(device, role=partition.role if partition else "")
    return FileSystem(
        where=where,
        kind=signature.kind,
        size_bytes=min(signature.size_bytes or device.size_bytes, _LARGEST_BYTES),
        uuid=signature.uuid,
        label=signature.label,
        features=signature.features,
        is_clean=signature.is_clean,
        partition=partition.number if partition else None,
        free_bytes=signature.free_bytes,
    )


def _with_group(item: FileSystem, physical: PhysicalVolume | None) -> FileSystem:
    if physical is None:
        return item
    return replace(item, uuid=physical.id, volume_group=physical.group_name, unreadable=physical.problem)


def _in_volume(where: str, volume: LogicalVolume) -> FileSystem:
    if volume.device is None:
        return FileSystem(where, "", volume.size_bytes, volume_group=volume.group, unreadable=volume.unreadable)
    return replace(_file_system(where, volume.device, None), volume_group=volume.group)


def _layout(
    disk: Device,
    disk_format: DiskFormat,
    file_bytes: int,
    division: Division,
    found: list[FileSystem],
    volumes: Volumes,
) -> DiskLayout:
    return DiskLayout(
        format=disk_format.value,
        disk_bytes=disk.size_bytes,
        file_bytes=file_bytes,
        table=division.table,
        is_hybrid=division.is_hybrid,
        has_boot_code=division.has_boot_code,
        boot_code=division.boot_code,
        table_problem=division.table_problem,
        sector_bytes=division.sector_bytes,
        partitions=division.partitions,
        file_systems=tuple(found),
        volume_groups=volumes.groups,
    )
