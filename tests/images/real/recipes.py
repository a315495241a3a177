"""Disks that tests ask for: the guests of `guests/`, laid out as machines and clouds lay them out."""

from __future__ import annotations

from dataclasses import replace

from tests.images.real.disks import partitions as roles
from tests.images.real.disks.partitions import windows_boot_code
from tests.images.real.disks.sparse import MIB
from tests.images.real.guests import alpine, debian, redhat, windows
from tests.images.real.guests.debian import Outline
from tests.images.real.tree import Change, Tree, changed
from tests.images.real.workshop import Disk, Part, Volume

LVM_ROOT = "/dev/mapper/vg0-root"
ESP_SIZE = 36 * MIB


def debian_disk(
    *changes: Change, table: str = "mbr", file_system: str = "ext4", lvm: bool = False, features: str = "",
    outline: Outline | None = None,
) -> Disk:  # fmt: skip
    """A Debian that starts by BIOS. On LVM its kernels lie in a /boot of their own."""
    outline = replace(outline or Outline(), file_system=file_system)
    if lvm:
        boot, drivers = f"UUID={debian.BOOT_UUID}", (*outline.drivers, "dm_mod")
        outline = replace(outline, root=LVM_ROOT, boot=boot, drivers=drivers, lvm_tools=True)
    tree = changed(debian.debian(outline), *changes)
    if lvm:
        return _with_volume_group(table, file_system, tree)
    root = Volume(file_system, debian.ROOT_UUID, tree, features=features)
    if not table:
        return Disk("", (Part(roles.LINUX, root),))
    return Disk(table, (*_in_front(table), Part(roles.LINUX, root, active=table == "mbr")))


def uefi_disk(*changes: Change, esp: Tree | None = None) -> Disk:
    """A Debian that starts by UEFI: GPT, an ESP with the fallback loader, and the root."""
    tree = changed(debian.debian(Outline(esp=f"UUID={debian.ESP_UUID}")), *changes)
    root = Volume("ext4", debian.ROOT_UUID, tree)
    files = Volume("fat", debian.ESP_UUID, esp or efi_files(), size=ESP_SIZE)
    return Disk("gpt", (Part(roles.ESP, files, name="EFI system"), Part(roles.LINUX, root)), boot_code=b"")


def efi_files(*, fallback: bool = True) -> Tree:
    """What GRUB puts into an ESP, with or without the copy that firmware finds by itself."""
    tree = Tree()
    for name in ("shimx64.efi", "grubx64.efi"):
        tree.file(f"/EFI/debian/{name}", windows.program(name))
    tree.file("/EFI/debian/grub.cfg", f"search.fs_uuid {debian.ROOT_UUID} root\nset prefix=($root)'/boot/grub'\n")
    if fallback:
        tree.file("/EFI/BOOT/BOOTX64.EFI", windows.program("shimx64.efi"))
        tree.file("/EFI/BOOT/grubx64.efi", windows.program("grubx64.efi"))
    return tree


def redhat_disk(*changes: Change, table: str = "mbr", packing: str = "gzip") -> Disk:
    tree = changed(redhat.redhat(packing=packing), *changes)
    root = Volume("xfs", redhat.ROOT_UUID, tree, size=300 * MIB)
    return Disk(table, (*_in_front(table), Part(roles.LINUX, root, active=table == "mbr")))


def alpine_disk(*changes: Change) -> Disk:
    root = Volume("ext4", alpine.ROOT_UUID, changed(alpine.alpine(), *changes))
    return Disk("mbr", (Part(roles.LINUX, root, active=True),), boot_code=roles.syslinux_boot_code())


def windows_disk(system: windows.Registry | None = None, *changes: Change) -> Disk:
    """A Windows that starts by BIOS, all on one partition."""
    tree = changed(windows.windows(system), *changes)
    drive = Volume("ntfs", windows.UUID, tree, size=96 * MIB)
    return Disk("mbr", (Part(roles.MS_DATA, drive, active=True),), boot_code=windows_boot_code())


def windows_uefi_disk(*, fallback: bool = True) -> Disk:
    """A Windows that starts by UEFI: ESP, reserved partition, drive."""
    files = Volume("fat", debian.ESP_UUID, windows.esp(fallback=fallback), size=ESP_SIZE)
    drive = Volume("ntfs", windows.UUID, windows.windows(boot_files=False), size=96 * MIB)
    parts = (Part(roles.ESP, files), Part(roles.MS_RESERVED, size=16 * MIB), Part(roles.MS_DATA, drive))
    return Disk("gpt", parts, boot_code=b"")


def _with_volume_group(table: str, file_system: str, tree: Tree) -> Disk:
    boot = Volume("ext4", debian.BOOT_UUID, tree.split("/boot"), size=32 * MIB)
    root = Volume(file_system, debian.ROOT_UUID, tree)
    group = (("root", root), ("swap", Volume("swap", size=8 * MIB)))
    if not table:  # without a table there is no place for a /boot: it is not even a disk that starts
        return Disk("", (Part(roles.LVM, lvm=(*group, ("boot", boot))),))
    parts = (Part(roles.LINUX, boot, active=table == "mbr"), Part(roles.LVM, lvm=group))
    return Disk(table, (*_in_front(table), *parts))


def _in_front(table: str) -> tuple[Part, ...]:
    """Where GRUB's core lies on a GPT; on an MBR it is in the gap."""
    return (Part(roles.BIOS_BOOT, size=MIB),) if table == "gpt" else ()
