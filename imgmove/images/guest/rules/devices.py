"""What the name of a block device means on another machine: does it name something on this disk, and will it still?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from imgmove.images.guest.layout import DiskLayout


class Means(StrEnum):
    HERE = "here"
    """Something on this disk, by a name that stays."""
    KERNEL_NAME = "kernel-name"
    """The disk as virtio calls its first one: right on most machines of these clouds, wrong where disks are NVMe."""
    WRONG_NAME = "wrong-name"
    """The disk by a name that it will not have there (`/dev/sda1`)."""
    OTHER_DISK = "other-disk"
    """Another disk, which does not come along."""
    ABSENT = "absent"
    """A UUID or label that nothing on this disk has."""
    NETWORK = "network"
    OTHER = "other"
    """Nothing that needs a disk, or that cannot be told."""


_FIRST_DISK: Final = re.compile(r"/dev/(?:sda|hda|xvda|nvme\d+n1|mmcblk0)(?:p?\d+)?$")
_VIRTIO_DISK: Final = re.compile(r"/dev/vda\d*$")
_NEXT_DISK: Final = re.compile(r"/dev/(?:sd|hd|xvd|vd)[b-z][a-z]?\d*$")
#: Links that depend on the machine, not on the disk's contents.
_BY_MACHINE: Final = re.compile(r"/dev/disk/by-(?:id|path)/")
_TAG: Final = re.compile(r"(UUID|LABEL|PARTUUID|PARTLABEL)=(.+)$", re.IGNORECASE)
_BY_TAG: Final = re.compile(r"/dev/disk/by-(uuid|label|partuuid|partlabel)/(.+)$")
_MAPPED: Final = re.compile(r"/dev/mapper/(?!luks-|crypt|mpath|control)(.+?)(?<!-)-(?!-)")
_VOLUME: Final = re.compile(r"/dev/(?!disk/|block/|md/|mapper/)([^/]+)/[^/]+$")
_NETWORK_KINDS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs", "lustre"}
)
#: What may hold something whose UUID nobody reads.
_OPAQUE: Final = frozenset({"luks", "mdraid", "zfs", "bcache", "bitlocker"})
_FILE_SYSTEMS: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "swap"})


@dataclass(frozen=True)
class Device:
    """A device's name and what it means."""

    name: str
    means: Means


def what_it_means(name: str, layout: DiskLayout, kind: str = "") -> Means:
    """Judge a name as it stands in fstab or behind `root=`; `kind` is the file system's type there."""
    if kind in _NETWORK_KINDS or re.match(r"[\w.-]+:/|//[\w.-]+/", name):
        return Means.NETWORK
    tag = _TAG.match(name) or _BY_TAG.match(name)
    if tag:
        return _by_tag(tag[1].upper(), tag[2].strip("\"'"), layout)
    if _VIRTIO_DISK.match(name):
        return Means.KERNEL_NAME
    if _FIRST_DISK.match(name):
        return Means.WRONG_NAME
    if _NEXT_DISK.match(name) or _BY_MACHINE.match(name):
        return Means.OTHER_DISK
    return _by_volume(name, layout)


def _by_tag(tag: str, value: str, layout: DiskLayout) -> Means:
    known = {
        "UUID": {system.uuid.lower() for system in layout.file_systems},
        "LABEL": {system.label.lower() for system in layout.file_systems},
        "PARTUUID": {part.uuid.lower() for part in layout.partitions},
        "PARTLABEL": {part.name.lower() for part in layout.partitions},
    }[tag]
    if value.lower() in known:
        return Means.HERE
    return Means.OTHER if tag in {"UUID", "LABEL"} and _hides_something(layout) else Means.ABSENT


def _hides_something(layout: DiskLayout) -> bool:
    """May there be file systems on the disk whose names were not read?"""
    return any(
        system.kind in _OPAQUE or (system.kind in _FILE_SYSTEMS and not system.uuid) for system in layout.file_systems
    )


def _by_volume(name: str, layout: DiskLayout) -> Means:
    """A logical volume: of a group that is on this disk, or of another."""
    groups = {group.name for group in layout.volume_groups}
    match = _MAPPED.match(name) or _VOLUME.match(name)
    if not match or not groups:
        return Means.OTHER
    # The device mapper writes a group's own dashes twice.
    group = match[1].replace("--", "-") if "/mapper/" in name else match[1]
    return Means.HERE if group in groups else Means.OTHER_DISK
