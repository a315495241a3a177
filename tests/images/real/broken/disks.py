"""G12, G13, G14: Windows, disks of kinds that are not taken, sizes and layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.images.real import recipes
from tests.images.real.boot import modules
from tests.images.real.broken.breaking import Broken, append, bios, large, remove
from tests.images.real.broken.starting import I386, built_for
from tests.images.real.disks import partitions as roles
from tests.images.real.disks.sparse import MIB
from tests.images.real.guests import debian, windows
from tests.images.real.guests.debian import Outline
from tests.images.real.guests.hive import hive
from tests.images.real.tree import Change, Tree, changed
from tests.images.real.workshop import Disk, Part, Volume

ROOT_NOT_LAST = {"G14/root-not-last": "WWW"}
ACTIVATION = {"G12/activation": "III"}
SWAP_UUID = "33333333-4444-4555-8666-777777777777"


def _windows(system: windows.Registry, *changes: Change) -> Callable[[], Disk]:
    return lambda: large(recipes.windows_disk(system, *changes), 40)


def _neglected_registry() -> windows.Registry:
    system = windows.system_registry()
    control = system["ControlSet001"]
    control["Services"]["viostor"]["Start"] = 3
    control["Services"]["stornvme"]["Start"] = 4
    del control["Services"]["netkvm"]
    control["Control"]["Terminal Server"]["fDenyTSConnections"] = 1
    control["Control"]["Session Manager"]["Memory Management"]["PagingFiles"] = ["D:\\pagefile.sys 0 0"]
    return system


def _desktop(tree: Tree) -> None:
    """Windows 10 of one machine: no server, and never generalised."""
    software = windows.software_registry()
    version = software["Microsoft"]["Windows NT"]["CurrentVersion"]
    version.update(InstallationType="Client", ProductName="Windows 10 Pro", EditionID="Professional")
    software["Microsoft"]["Windows"]["CurrentVersion"]["Setup"]["State"]["ImageState"] = "IMAGE_STATE_COMPLETE"
    tree.file("/Windows/System32/config/SOFTWARE", hive("SOFTWARE", software))


def _old_windows(tree: Tree) -> None:
    """Windows Server 2008 R2, which looks up its devices in the registry."""
    software = windows.software_registry()
    version = software["Microsoft"]["Windows NT"]["CurrentVersion"]
    del version["CurrentMajorVersionNumber"], version["CurrentMinorVersionNumber"]
    version.update(CurrentVersion="6.1", CurrentBuild="7601", ProductName="Windows Server 2008 R2 Standard")
    tree.file("/Windows/System32/config/SOFTWARE", hive("SOFTWARE", software))


def _hibernated(tree: Tree) -> None:
    tree.file("/hiberfil.sys", b"HIBR".ljust(4096, b"\0"))


WINDOWS = {
    "windows-neglected": Broken(
        _windows(_neglected_registry(), _desktop),
        {"G12/storage-driver": "BBB", "G12/network-driver": "BBB", "G12/nvme-driver": "--W", "G12/pagefile": "WWW",
         "G12/remote-desktop-off": "WWW", "G12/desktop-edition": "--W", "G12/not-generalized": "III"} | ACTIVATION,
    ),
    "windows-old-without-boot-manager": Broken(
        _windows(windows.system_registry(), _old_windows, remove("/bootmgr"), _hibernated),
        {"G12/critical-device": "WWW", "G12/boot-files": "BBB", "G13/hibernated": "WWW"} | ACTIVATION,
    ),
    "windows-without-driver-file": Broken(
        _windows(windows.system_registry(), remove("/Windows/System32/drivers/viostor.sys")),
        {"G12/storage-driver": "BBB"} | ACTIVATION,
    ),
}  # fmt: skip


def _beside(*kinds: str, role: str = roles.LINUX) -> Callable[[], Disk]:
    """A root, and behind it partitions with other things."""
    disk = recipes.debian_disk()
    return lambda: large(replace(disk, parts=(*disk.parts, *(Part(role, Volume(kind)) for kind in kinds))))


def _only(kind: str) -> Callable[[], Disk]:
    return lambda: large(Disk("mbr", (Part(roles.LINUX, Volume(kind), active=True),)))


def _root(volume: Volume) -> Callable[[], Disk]:
    return lambda: large(Disk("mbr", (Part(roles.LINUX, volume, active=True),)))


def _half_a_group() -> Disk:
    disk = recipes.debian_disk(lvm=True)
    *others, group = disk.parts
    return large(replace(disk, parts=(*others, replace(group, physical_volumes=2))))


def _beside_damage() -> Disk:
    """A second file system whose superblock is all that is left."""
    disk = recipes.debian_disk()
    second = Volume("ext4", debian.BOOT_UUID, Tree(), size=32 * MIB)
    behind = disk.parts[0].volume
    assert behind is not None
    start = 2 * MIB + behind.size
    damage = (start + 4096, b"\xff" * 65536)  # its group descriptors
    return large(replace(disk, parts=(*disk.parts, Part(roles.LINUX, second)), patches=(damage,)))


def _cut() -> Disk:
    """The table says that the root's partition is a MiB shorter than what is in it."""
    disk = recipes.debian_disk()
    root = disk.parts[0].volume
    assert root is not None
    sectors = (root.size - MIB) // 512
    return large(replace(disk, patches=((446 + 12, sectors.to_bytes(4, "little")),)))


def _dynamic() -> Disk:
    disk = recipes.windows_disk()
    return large(replace(disk, parts=(replace(disk.parts[0], role=roles.MS_DYNAMIC),)), 40)


def _freebsd(tree: Tree) -> None:
    tree.file("/usr/lib/os-release", 'NAME=FreeBSD\nID=freebsd\nVERSION_ID=14.0\nPRETTY_NAME="FreeBSD 14.0"\n')


def _split_usr() -> Disk:
    tree = changed(debian.debian(), append("/etc/fstab", "LABEL=usr /usr ext4 defaults 0 2\n"))
    usr = Volume("ext4", debian.BOOT_UUID, tree.split("/usr"), label="usr")
    root = Volume("ext4", debian.ROOT_UUID, tree)
    return large(Disk("mbr", (Part(roles.LINUX, usr), Part(roles.LINUX, root, active=True))))


STORAGE = {
    "encrypted-and-more": Broken(
        _beside("luks", "mdraid", "zfs"),
        {"G13/luks": "BBB", "G13/raid": "BBB", "G13/zfs": "BBB"} | ROOT_NOT_LAST,
    ),
    "luks-root": Broken(_only("luks2"), {"G13/luks": "BBB"}),
    "bitlocker": Broken(_beside("bitlocker", role=roles.MS_DATA), {"G13/bitlocker": "BBB"} | ROOT_NOT_LAST),
    "lvm-missing-disks": Broken(_half_a_group, {"G13/lvm-missing-disks": "BBB", "G14/lvm-root": "WWW"}),
    "btrfs-root": Broken(_only("btrfs"), {"G13/root-file-system": "WWB"}),
    "ext2-root": Broken(bios(file_system="ext2"), {"G13/root-file-system": "WWB"}),
    "data-disk": Broken(_root(Volume("ext4", debian.ROOT_UUID, Tree())), {"G13/root-not-found": "BBB"}),
    "unreadable": Broken(_beside_damage, {"G13/unreadable": "WWW"} | ROOT_NOT_LAST),
    "file-system-cut": Broken(_cut, {"G13/file-system-cut": "BBB"}),
    "unknown-system": Broken(bios(_freebsd), {"G13/unknown-system": "WWW"}),
    "dynamic-disk": Broken(_dynamic, {"G13/dynamic-disk": "BBB"} | ACTIVATION),
    "ext4-64bit": Broken(bios(features="64bit"), {"G13/ext4-64bit": "--W"}),
    "project-quota": Broken(bios(features="project,quota"), {"G13/project-quota": "--W"}),
    "split-root": Broken(_split_usr, {"G13/split-root": "--W"}),
}  # fmt: skip


def _with_swap() -> Disk:
    disk = recipes.debian_disk(append("/etc/fstab", f"UUID={SWAP_UUID} none swap sw 0 0\n"))
    return large(replace(disk, parts=(*disk.parts, Part(roles.SWAP, Volume("swap", size=16 * MIB)))))


def _full(tree: Tree) -> None:
    tree.file("/var/log/large.log", modules.noise("log", 56 * MIB))


def _dirty() -> Disk:
    """A root as of a machine that ran: its journal is to be replayed."""
    root = Volume("ext4", debian.ROOT_UUID, debian.debian(), commands=("feature needs_recovery",))
    return _root(root)()


SIZING = {
    "disk-too-large": Broken(lambda: large(recipes.debian_disk(), 600), {"G14/disk-too-large": "BB-"}),
    "image-too-large": Broken(bios(), {"G14/image-too-large": "BB-"}, container="qcow2", file_gib=51),
    "disk-small": Broken(recipes.debian_disk, {"G14/disk-small": "--W"}),
    "old-kernel": Broken(bios(outline=Outline(release="2.6.32-5-amd64")), {"G14/old-kernel": "WWW"}),
    "32-bit": Broken(bios(built_for(I386)), {"G14/32-bit": "WWW"}),
    "swap": Broken(_with_swap, {"G14/swap": "IIW"} | ROOT_NOT_LAST),
    "root-full": Broken(bios(_full), {"G14/root-full": "WWW"}),
    "unclean": Broken(_dirty, {"G14/unclean": "WWW"}),
    "no-growpart": Broken(bios(remove("/usr/bin/growpart")), {"G14/no-growpart": "--W"}),
}
DISKS: dict[str, Broken] = {**WINDOWS, **STORAGE, **SIZING}
