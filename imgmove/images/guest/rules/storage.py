"""G13: what no import can carry over, or start: encryption, volumes on several disks, file systems that are not taken."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.layout import FileSystem
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
_SOURCE: Final = "field.md 4.5"
#: Root file systems that ECS names.
_TAKEN: Final = frozenset({"ext3", "ext4", "xfs"})
#: Those whose superblock tells how large they are.
_SAY_THEIR_SIZE: Final = frozenset({"ext2", "ext3", "ext4", "xfs"})
#: Windows's dynamic disks: the MBR type, and the GPT types of their metadata and data.
_DYNAMIC: Final = frozenset({
    "0x42", "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "af9b60a0-1431-4f62-bc68-3311714a69ad",
})  # fmt: skip
#: Folders whose own file system makes the root more than one partition.
_PARTS_OF_ROOT: Final = frozenset({"/usr", "/var", "/etc", "/lib"})

_CASES: Final = (
    Case(
        "luks", _B, "{about} is encrypted (LUKS)",
        "the start waits for a passphrase at the console, importers find no root file system in it, and nothing can be checked",
        "move the system to an unencrypted disk and encrypt the cloud's disk instead; --force if you type the passphrase at "
        "the console", _SOURCE,
    ),
    Case(
        "bitlocker", _B, "{about} is encrypted (BitLocker)",
        "its key is bound to the old machine: the new one asks for the recovery key, and importers cannot look in",
        "on the source: `manage-bde -off C:`, wait until it is done (`manage-bde -status`), then export", _SOURCE,
    ),
    Case(
        "lvm-missing-disks", _B, "volume group {group} lies on {count} disks, and {missing} of them are not in this image",
        "LVM does not set up an incomplete group: the start ends in emergency mode, or without its root",
        "on the source: `pvmove` everything to this disk and `vgreduce {quoted}`; or bring the other disks over as well", _SOURCE,
    ),
    Case(
        "raid", _B, "{about} is part of a RAID (md)",
        "an array without its other disks starts degraded or not at all, and importers find no root file system in it",
        "move the system to a plain partition: the cloud's disks are redundant already", _SOURCE,
    ),
    Case(
        "zfs", _B, "{about} is part of a ZFS pool", "importers find no root file system in it, and nothing can be checked",
        "move the system to ext4 or XFS; --force if you know that it starts", _SOURCE,
    ),
    Case(
        "root-file-system", {ALIBABA: _B, ANY: _W}, "the root file system is {kind}",
        {ALIBABA: "ECS's guide takes ext3, ext4 and XFS as root only",
         ANY: "importers look for the root in ext and XFS; others may not be found (RootPartitionNotFound)"},
        "move the system to ext4 or XFS; --force if you want to try", "alibaba.md 3.2; tencent.md 7.3",
    ),
    Case(
        "root-not-found", _B, "no file system on this disk is a root of a system that is known here",
        {TENCENT: "CVM refuses it (RootPartitionNotFound, told by mail only); a data disk is imported another way",
         ECM: "the import refuses it as CVM does (RootPartitionNotFound)",
         ANY: "there is nothing to start; a data disk is imported as a data disk"},
        "name the system disk's image; if this is it, check its file systems where it came from", "tencent.md 7.3",
    ),
    Case(
        "unreadable", _W, "{about} ({kind}) could not be read: {why}",
        "if the root is in it, nothing was looked at; importers may fail on it too",
        "check it where it came from (`fsck -n`, `xfs_repair -n`, `chkdsk`) and export again", _SOURCE,
    ),
    Case(
        "file-system-cut", _B, "{about} has a {kind} of {size} bytes in a partition of {room}",
        "the kernel does not mount a file system that ends behind its partition: the start stops at it",
        "the image was cut off, or its table is another disk's: compare the sizes with the source, and export again", _SOURCE,
    ),
    Case(
        "unknown-system", _W, "the system on {about} is not one that is known here ({name})",
        "no rule for it exists: whether it starts was not looked at",
        {TENCENT: "import it as `Other Linux` with --force, and try", ANY: "import it as `Others Linux`, and try"},
        "field.md 4.1",
    ),
    Case(
        "dynamic-disk", _B, "Windows's disk is a dynamic disk (LDM)",
        "importers do not find its volumes, and Windows may not start without its other disks",
        "on the source: convert it to a basic disk (the system partition in place: with a partitioning tool)", _SOURCE,
    ),
    Case(
        "hibernated", _W, "Windows was hibernated, not shut down (or fast startup is on)",
        "waking up on other hardware fails with a blue screen, and changes not yet written are lost",
        "on the source: `powercfg /h off`, then `shutdown /s /t 0`, and make the image again", "field.md 4.5",
    ),
    Case(
        "ext4-64bit", {ALIBABA: _W}, "the root's ext4 has the feature 64bit",
        "ECS's guide to importing excludes it (written 2021; every ext4 made since 2015 has it, and most are taken)",
        "try it; if the import fails: `resize2fs -s DEVICE` from a rescue system, then `e2fsck -f`",
        "alibaba.md 3.2 (2021, not checked again)",
    ),
    Case(
        "project-quota", {ALIBABA: _W}, "the root's ext4 has the features project and quota together",
        "ECS's guide to importing excludes it", "from a rescue system: `tune2fs -O ^project,^quota DEVICE`",
        "alibaba.md 3.2 (2021, not checked again)",
    ),
    Case(
        "split-root", {ALIBABA: _W}, "{about} mounts {mount_point} from a file system of its own",
        "ECS's guide to importing asks for a single root partition",
        "move it into the root file system; --force tries it as it is", "alibaba.md 3.2 (2021, not checked again)",
    ),
)  # fmt: skip

_OPAQUE_CASES: Final = {"luks": "luks", "bitlocker": "bitlocker", "mdraid": "raid", "zfs": "zfs"}


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    rooms = {part.number: part.size_bytes for part in guest.layout.partitions}
    for system in guest.layout.file_systems:
        yield from _of_file_system(system)
        room = rooms.get(system.partition or 0, 0)
        if system.kind in _SAY_THEIR_SIZE and not system.volume_group and 0 < room < system.size_bytes:
            yield Hit(
                "file-system-cut",
                system.where,
                {"kind": system.kind, "size": str(system.size_bytes), "room": str(room)},
            )
    for group in guest.layout.volume_groups:
        if group.missing_volumes:
            words = {
                "group": group.name,
                "quoted": quote(group.name),
                "count": str(group.physical_volumes),
                "missing": str(group.missing_volumes),
            }
            yield Hit("lvm-missing-disks", group.name, words)
    if any(part.type.lower() in _DYNAMIC for part in guest.layout.partitions):
        yield Hit("dynamic-disk", "partition table")
    if guest.facts.windows and guest.facts.windows.is_hibernated:
        yield Hit("hibernated", "hiberfil.sys")
    yield from _of_root(guest)
    for entry in guest.facts.fstab or ():
        if entry.mount_point in _PARTS_OF_ROOT and not {"bind", "noauto"} & set(entry.options):
            yield Hit("split-root", entry.at, {"mount_point": entry.mount_point})


def _of_file_system(system: FileSystem) -> Iterator[Hit]:
    if system.kind in _OPAQUE_CASES:
        yield Hit(_OPAQUE_CASES[system.kind], system.where)
    elif system.unreadable and system.kind not in {"", "swap", "lvm2-pv", "btrfs"}:
        yield Hit("unreadable", system.where, {"kind": system.kind, "why": system.unreadable})


def _of_root(guest: Guest) -> Iterator[Hit | Unseen]:
    root = guest.root
    if root is None:
        yield from _without_root(guest)
        return
    if guest.os.kind == "windows":
        return
    if guest.os.kind != "linux":
        yield Hit("unknown-system", root.where, {"name": guest.os.name or guest.os.kind or "no name"})
    if root.kind not in _TAKEN:
        yield Hit("root-file-system", root.where, {"kind": root.kind or "of an unknown kind"})
    if root.kind == "ext4" and "64bit" in root.features:
        yield Hit("ext4-64bit", root.where)
    if root.kind == "ext4" and {"project", "quota"} <= set(root.features):
        yield Hit("project-quota", root.where)


def _without_root(guest: Guest) -> Iterator[Hit | Unseen]:
    """No root: because nothing is there, or because it is in something that nobody reads here."""
    systems = guest.layout.file_systems
    if any(system.kind == "btrfs" for system in systems):
        yield Hit("root-file-system", next(item.where for item in systems if item.kind == "btrfs"), {"kind": "btrfs"})
    hidden = any(
        system.kind in {*_OPAQUE_CASES, "btrfs"} or (system.unreadable and system.kind != "swap") for system in systems
    )
    if hidden:
        yield Unseen("the root may be in a file system that could not be read")
    else:
        yield Hit("root-not-found", "disk")


G13: Final = Rule(
    id="G13",
    title="The disk is of a kind that can be imported and started",
    looks_at="encryption, volume groups, RAID, ZFS, the root's file system and its features, dynamic disks, hibernation",
    cases=_CASES,
    look=_look,
    systems=frozenset(),
)
