"""How a disk is laid out: partitions, volumes, file systems. Plain data; what is unknown is empty or None."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Partition:
    """One partition. `number` as Linux counts them (sda1 is 1); `type` is the MBR byte as `0x83` or the GPT GUID."""

    number: int
    offset_bytes: int
    size_bytes: int
    type: str
    """`0x83`, or a GUID in lower case."""
    role: str = ""
    """What the type means: `linux`, `efi` (ESP), `bios-boot`, `lvm`, `swap`, `raid`, `msdata`, `msr`, `extended`…"""
    name: str = ""
    uuid: str = ""
    """PARTUUID as Linux writes it, lower case."""
    is_active: bool = False
    """The MBR's boot flag."""


@dataclass(frozen=True)
class FileSystem:
    """A file system (or what lies in its place: `swap`, `luks`, `lvm2-pv`, `zfs`, `btrfs`, `mdraid`, `bitlocker`…)."""

    where: str
    """A name for people and for facts: `partition 2`, `disk`, `vg0/root`."""
    kind: str
    """`ext2`, `ext3`, `ext4`, `xfs`, `ntfs`, `fat`, or one of the above; empty for unknown."""
    size_bytes: int = 0
    uuid: str = ""
    """As in `UUID=`; lower case, except for FAT (`ABCD-1234`) and NTFS (sixteen digits), as blkid writes them."""
    label: str = ""
    features: tuple[str, ...] = ()
    """Features of ext and XFS by the names that tune2fs and xfs_info use (`64bit`, `metadata_csum`, `project`)."""
    is_clean: bool | None = None
    """False where it was not unmounted cleanly."""
    partition: int | None = None
    """The number of the partition that it lies in."""
    volume_group: str = ""
    free_bytes: int | None = None
    """As its superblock says; None where it does not."""
    unreadable: str = ""
    """Why the reader could not open it, in words; empty where it could, or where no reader exists for the kind."""


@dataclass(frozen=True)
class VolumeGroup:
    name: str
    physical_volumes: int
    """How many its metadata speaks of."""
    missing_volumes: int = 0
    """How many of them are not on this disk."""
    logical_volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DiskLayout:
    """A disk as its tables describe it."""

    format: str
    """`raw`, `qcow2`, `vhd`, `vmdk`, `raw.tar.gz`."""
    disk_bytes: int
    file_bytes: int
    table: str = ""
    """`mbr`, `gpt`, or empty for none."""
    is_hybrid: bool = False
    """A GPT whose MBR has more than the protective partition."""
    has_boot_code: bool = False
    """The MBR's first 440 bytes hold code (a boot loader for BIOS)."""
    boot_code: str = ""
    """Whose it is, where that can be told: `grub`, `syslinux`, `windows`, `lilo`."""
    table_problem: str = ""
    """What is wrong with the table, in words: overlapping partitions, a partition beyond the end, a bad checksum…"""
    sector_bytes: int = 512
    partitions: tuple[Partition, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    volume_groups: tuple[VolumeGroup, ...] = ()
