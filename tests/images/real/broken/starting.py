"""G02, G03, G04: disks that do not start."""

from __future__ import annotations

from dataclasses import replace

from tests.images.real import recipes
from tests.images.real.boot import initramfs, modules
from tests.images.real.broken.breaking import Broken, append, bios, edit, large, redhat, remove, uefi, write
from tests.images.real.guests import debian, windows
from tests.images.real.guests import redhat as redhat_guest
from tests.images.real.guests.debian import RELEASE, ROOT_UUID, Outline
from tests.images.real.tree import Change, Tree
from tests.images.real.workshop import Disk

GPT = {"G02/gpt-unconfirmed": "WW-"}
UEFI = GPT | {"G02/uefi-unconfirmed": "WW-"}
GRUB_CFG = "/boot/grub/grub.cfg"
INITRD = f"/boot/initrd.img-{RELEASE}"
NOBODYS_UUID = "deadbeef-0000-4000-8000-000000000000"
ARM64, I386 = 183, 3


def built_for(machine: int) -> Change:
    """All programs are another processor's."""

    def change(tree: Tree) -> None:
        for path, node in tree:
            if node.content[:4] == b"\x7fELF":
                data = node.content[:18] + machine.to_bytes(2, "little") + node.content[20:]
                tree.file(path, data, node.mode)

    return change


def with_initrd(*drivers: str, lvm_tools: bool = False) -> Change:
    """An initial RAM disk of these drivers only."""
    outline = Outline(drivers=drivers, lvm_tools=lvm_tools)
    return lambda tree: tree.file(INITRD, debian.initrd(outline))


def _whole_disk() -> Disk:
    return large(recipes.debian_disk(table=""))


def _gpt(**changes: object) -> Disk:
    return large(replace(recipes.debian_disk(table="gpt"), **changes))  # type: ignore[arg-type]


def _without_bios_boot() -> Disk:
    disk = recipes.debian_disk(table="gpt")
    return large(Disk("gpt", disk.parts[1:]))


def _without_esp() -> Disk:
    disk = recipes.uefi_disk()
    return large(Disk("gpt", disk.parts[1:], boot_code=b""))


def _without_active() -> Disk:
    disk = recipes.alpine_disk(write("/usr/bin/growpart", "#!/bin/sh\n", 0o755))
    return large(replace(disk, parts=(replace(disk.parts[0], active=False),)))


def _arm_esp() -> Tree:
    tree = recipes.efi_files(fallback=False)
    tree.file("/EFI/BOOT/BOOTAA64.EFI", windows.program("shimaa64.efi"))
    return tree


def _unified_esp() -> Tree:
    tree = recipes.efi_files()
    tree.file("/EFI/Linux/debian.efi", windows.program("debian"))
    return tree


def _without_virtio_net(tree: Tree) -> None:
    """A slim kernel, built without the driver."""
    tree.edit(f"/boot/config-{RELEASE}", "CONFIG_VIRTIO_NET=m", "# CONFIG_VIRTIO_NET is not set")
    folder = f"/usr/lib/modules/{RELEASE}"
    lines = tree.text(f"{folder}/modules.dep").splitlines(keepends=True)
    tree.file(f"{folder}/modules.dep", "".join(line for line in lines if "virtio_net" not in line.split(":")[0]))
    tree.remove(f"{folder}/{modules.path_of('virtio_net')}")
    tree.file(INITRD, debian.initrd(Outline(drivers=tuple(set(initramfs.FOR_A_CLOUD) - {"virtio_net"}))))


def _cut_initrd(tree: Tree) -> None:
    data = tree.content(INITRD)
    tree.file(INITRD, data[: len(data) - 2000])


BOOT_WAY = {
    "no-partition-table": Broken(_whole_disk, {"G02/no-partition-table": "BBB"}),
    "damaged-table": Broken(
        lambda: _gpt(patches=((512 + 56, bytes(16)),)), GPT | {"G02/damaged-table": "WWW"},
    ),
    "hybrid-table": Broken(lambda: _gpt(hybrid=(2,)), GPT | {"G02/hybrid-table": "III"}),
    "needs-uefi": Broken(uefi(), GPT | {"G02/needs-uefi": "BBB"}),
    "needs-bios": Broken(bios(), {"G02/uefi-unconfirmed": "WW-", "G02/needs-bios": "BBB"}, "uefi"),
    "no-esp": Broken(_without_esp, UEFI | {"G02/no-esp": "BBB", "G03/fstab-absent": "BBB"}, "uefi"),
    "fallback-loader-missing": Broken(
        uefi(esp=recipes.efi_files(fallback=False)), UEFI | {"G02/fallback-loader-missing": "BBB"}, "uefi"
    ),
    "windows-fallback-loader-missing": Broken(
        lambda: large(recipes.windows_uefi_disk(fallback=False), 40),
        UEFI | {"G02/fallback-loader-missing": "BBB", "G12/activation": "III"}, "uefi",
    ),
    "no-boot-code": Broken(
        lambda: large(replace(recipes.debian_disk(), boot_code=b"")), {"G02/no-boot-code": "BBB"}
    ),
    "no-bios-boot-partition": Broken(_without_bios_boot, GPT | {"G02/no-bios-boot-partition": "BBB"}),
    "no-active-partition": Broken(_without_active, {"G02/no-active-partition": "BBB"}),
    "arm-needs-uefi": Broken(
        uefi(built_for(ARM64), edit(GRUB_CFG, "console=ttyS0", "console=ttyAMA0"),
             write("/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n"), esp=_arm_esp()),
        GPT | {"G02/arm-needs-uefi": "WWB", "G14/local-clock": "--W"}, "bios",
    ),
}  # fmt: skip
NAMES = {
    "names-in-fstab": Broken(
        bios(append("/etc/fstab", f"""\
/dev/sda2 /srv/a ext4 defaults 0 2
/dev/vda1 /srv/b ext4 defaults 0 2
/dev/vdb1 /srv/c ext4 defaults 0 2
UUID={NOBODYS_UUID} /srv/d ext4 defaults 0 2
UUID={NOBODYS_UUID} none swap sw 0 0
192.0.2.7:/export /srv/e nfs defaults 0 0
/dev/vdc1 /srv/f ext4 nofail 0 2
/dev/vdd1 /srv/g ext4 noauto 0 2
"""), write("/etc/crypttab", "data /dev/vdb2 none luks\n")),
        {"G03/fstab-wrong-name": "BBB", "G03/fstab-kernel-name": "WWW", "G03/fstab-other-disk": "BBB",
         "G03/fstab-absent": "BBB", "G03/fstab-swap-absent": "WWW", "G03/fstab-network": "WWW",
         "G03/fstab-crypt": "BBB", "G14/swap": "IIW"},
    ),
    "root-wrong-name": Broken(
        bios(edit(GRUB_CFG, f"root=UUID={ROOT_UUID}", f"root=/dev/sda1 resume=UUID={NOBODYS_UUID}"),
             edit("/etc/default/grub", "console=tty0", "root=/dev/sda1 console=tty0")),
        {"G03/root-wrong-name": "BBB", "G03/resume-absent": "WWW", "G03/grub-defaults": "WWW"},
    ),
    "root-kernel-name": Broken(
        bios(edit(GRUB_CFG, f"root=UUID={ROOT_UUID}", "root=/dev/vda1")), {"G03/root-kernel-name": "WWW"}
    ),
    "root-absent": Broken(
        bios(edit(GRUB_CFG, ROOT_UUID, NOBODYS_UUID)), {"G03/root-absent": "BBB"}
    ),
}  # fmt: skip
NO_DISK_DRIVERS = {"G04/virtio_pci": "BBB", "G04/virtio_blk": "BBB", "G04/nvme": "--W"}
DRIVERS = {
    "initramfs-without-virtio": Broken(bios(outline=Outline(drivers=("sd_mod", "ext4"))), NO_DISK_DRIVERS),
    "initramfs-without-virtio-in-xz": Broken(
        bios(outline=Outline(drivers=("virtio_pci", "nvme", "ext4"), packing="xz")), {"G04/virtio_blk": "BBB"}
    ),
    "kernel-without-virtio-net": Broken(bios(_without_virtio_net), {"G04/virtio_net": "BBB"}),
    "root-driver": Broken(
        bios(outline=Outline(drivers=("virtio_pci", "virtio_blk", "nvme", "ext4")), file_system="xfs"),
        {"G04/root-driver": "BBB"},
    ),
    "dm_mod": Broken(
        bios(with_initrd(*initramfs.FOR_A_CLOUD, lvm_tools=True), lvm=True),
        {"G04/dm_mod": "BBB", "G14/lvm-root": "WWW"},
    ),
    "lvm-tools": Broken(
        bios(with_initrd(*initramfs.FOR_A_CLOUD, "dm_mod"), lvm=True),
        {"G04/lvm-tools": "BBB", "G14/lvm-root": "WWW"},
    ),
    "kernel-missing": Broken(bios(remove(f"/boot/vmlinuz-{RELEASE}")), {"G04/kernel-missing": "BBB"}),
    "initramfs-missing": Broken(
        bios(remove(INITRD)),
        NO_DISK_DRIVERS | {"G04/initramfs-missing": "BBB", "G04/root-driver": "BBB"},
    ),
    "initramfs-damaged": Broken(bios(_cut_initrd), {"G04/initramfs-damaged": "WWW"}),
    "no-kernel": Broken(
        bios(remove("/boot", "/vmlinuz", "/initrd.img")), {"G04/no-kernel": "BBB", "G04/no-boot-entry": "WWW"}
    ),
    "no-modules": Broken(bios(remove(f"/usr/lib/modules/{RELEASE}")), {"G04/no-modules": "WWW"}),
    "fw_cfg": Broken(
        redhat(edit(f"/boot/config-{redhat_guest.RELEASE}", "CONFIG_FW_CFG_SYSFS=y\n", "")),
        {"G04/fw_cfg": "--W", "G10/selinux-enforcing": "III"},
    ),
    "unified-kernel": Broken(uefi(esp=_unified_esp()), UEFI | {"G04/unified-kernel": "III"}, "uefi"),
}  # fmt: skip
STARTING: dict[str, Broken] = {**BOOT_WAY, **NAMES, **DRIVERS}
