"""Whole guests for the tests: sound ones, in which every rule is kept, and the means to break them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec

from imgmove.core.findings import Finding
from imgmove.images.guest.collect import collect
from imgmove.images.guest.facts import GuestFacts
from imgmove.images.guest.layout import DiskLayout, FileSystem, Partition, VolumeGroup
from imgmove.images.guest.rules import Target, Verdict, judge
from imgmove.images.reading.inspection import Trouble
from tests.images.guest.archives import EARLY_MICROCODE, PACKERS, cpio, module
from tests.images.guest.hives import Node, hive
from tests.images.guest.trees import Content, MemoryTree, changed

GIB = 1 << 30
MIB = 1 << 20
VERSION = "6.1.0-18-amd64"
ROOT_UUID = "0a1b2c3d-1111-2222-3333-444455556666"
ROOT = "partition 1"
ELF_X86 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0" + bytes(44)
ELF_ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\xb7\0" + bytes(44)
ELF_I386 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(44)

CONFIG = """# CONFIG_XEN is not set
CONFIG_VIRTIO_PCI=m
CONFIG_VIRTIO_BLK=m
CONFIG_VIRTIO_NET=m
CONFIG_BLK_DEV_NVME=m
CONFIG_EXT4_FS=m
CONFIG_XFS_FS=m
CONFIG_BLK_DEV_DM=m
CONFIG_FW_CFG_SYSFS=m
"""
ARGUMENTS = f"root=UUID={ROOT_UUID} ro net.ifnames=0 console=tty0 console=ttyS0,115200"
GRUB_CFG = f"""
set default="0"
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {{
    linux /boot/vmlinuz-{VERSION} {ARGUMENTS}
    initrd /boot/initrd.img-{VERSION}
}}
"""
MODULES_DEP = "".join(
    f"kernel/drivers/{name}.ko: \n"
    for name in ("virtio_pci", "virtio_blk", "virtio_net", "nvme", "ext4", "xfs", "dm-mod")
)
DRIVERS = ("virtio_pci", "virtio_blk", "nvme", "ext4", "xfs", "dm-mod")
PACKAGE = "/usr/lib/python3/dist-packages/cloudinit"


def initramfs(*drivers: str, packing: str = "gzip", lvm: bool = False) -> bytes:
    """An initramfs with microcode in front."""
    names = [module(driver, VERSION) for driver in drivers]
    return EARLY_MICROCODE + PACKERS[packing](cpio(["init", *names, *(["usr/sbin/lvm"] if lvm else [])]))


def debian_files() -> dict[str, Content]:
    """A Debian in which all is as it should be, for either cloud."""
    return {
        "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
        "/usr/bin/dash": ELF_X86,
        "/usr/lib/systemd/systemd": ELF_X86,
        "/var/lib/dpkg/status": "Package: cloud-init\nStatus: install ok installed\nVersion: 22.4.2-1+deb12u3\n\n",
        "/etc/fstab": f"# file systems\nUUID={ROOT_UUID} / ext4 errors=remount-ro 0 1\ntmpfs /tmp tmpfs defaults 0 0\n",
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX="net.ifnames=0 console=ttyS0"\n',
        "/boot/grub/grub.cfg": GRUB_CFG,
        "/boot/grub/i386-pc/normal.mod": b"",
        f"/boot/vmlinuz-{VERSION}": b"MZ kernel",
        f"/boot/config-{VERSION}": CONFIG,
        f"/boot/initrd.img-{VERSION}": initramfs(*DRIVERS),
        f"/usr/lib/modules/{VERSION}/modules.dep": MODULES_DEP,
        f"/usr/lib/modules/{VERSION}/modules.builtin": "kernel/fs/fat/fat.ko\n",
        "/usr/sbin/update-initramfs": b"#!/bin/sh",
        "/usr/bin/cloud-init": b"#!/usr/bin/python3",
        f"{PACKAGE}/version.py": '__VERSION__ = "22.4.2"\n_PACKAGED_VERSION = "@@PACKAGED_VERSION@@"\n',
        f"{PACKAGE}/sources/DataSourceAliYun.py": b"",
        f"{PACKAGE}/sources/DataSourceConfigDrive.py": b"",
        f"{PACKAGE}/sources/DataSourceNone.py": b"",
        "/usr/lib/systemd/system-generators/cloud-init-generator": b"#!/bin/sh",
        "/etc/cloud/cloud.cfg": "datasource_list: [ ConfigDrive, AliYun, None ]\nssh_pwauth: true\n",
        "/etc/netplan/50-cloud-init.yaml": "network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n",
        "/etc/apt/sources.list": "deb http://archive.example/debian bookworm main\n",
        "/etc/resolv.conf": "nameserver 127.0.0.53\n",
        "/etc/chrony/chrony.conf": "pool 2.debian.pool.ntp.org iburst\n",
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/usr/sbin/sshd": ELF_X86,
        "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin prohibit-password\n",
        "/etc/systemd/system/multi-user.target.wants/ssh.service": b"",
        "/etc/shadow": "root:*:19000:0:99999:7:::\n",
        "/etc/machine-id": "",
        "/usr/bin/growpart": b"#!/bin/sh",
        "/etc/adjtime": "0.0 0 0.0\n0\nUTC\n",
    }


def debian_tree(files: Mapping[str, Content | None] | None = None) -> MemoryTree:
    links = {"/bin": "usr/bin", "/lib": "usr/lib", "/sbin": "usr/sbin", "/usr/bin/sh": "dash"}
    return changed(MemoryTree(debian_files(), links, {"/etc/shadow": 0o640}), files)


def root_system(**fields: Any) -> FileSystem:
    made = FileSystem(ROOT, "ext4", 40 * GIB - MIB, ROOT_UUID, "", ("has_journal", "extent"), True, 1, "", 30 * GIB)
    return replace(made, **fields)


PARTITION = Partition(1, MIB, 40 * GIB - MIB, "0x83", "linux", "", "a1b2c3d4-01", True)
LAYOUT = DiskLayout(
    format="qcow2", disk_bytes=40 * GIB, file_bytes=2 * GIB, table="mbr", has_boot_code=True, boot_code="grub",
    partitions=(PARTITION,), file_systems=(root_system(),),
)  # fmt: skip
ESP = Partition(15, 0x800, 100 * MIB, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "efi", "", "e-15")
BIOS_BOOT = Partition(14, 0x400, MIB, "21686148-6449-6e6f-744e-656564454649", "bios-boot", "", "e-14")
ESP_SYSTEM = FileSystem("partition 15", "fat", 100 * MIB, "ABCD-1234", partition=15)
GPT = replace(LAYOUT, table="gpt", partitions=(BIOS_BOOT, ESP, replace(PARTITION, type="linux-guid")),
              file_systems=(ESP_SYSTEM, root_system()))  # fmt: skip
LOADER = {"/boot/efi/EFI/debian/shimx64.efi": b"MZ", "/boot/efi/EFI/BOOT/BOOTX64.EFI": b"MZ"}
GROUP = VolumeGroup("vg0", 1, 0, ("root",))
LVM = replace(
    LAYOUT, volume_groups=(GROUP,),
    file_systems=(FileSystem("partition 1", "lvm2-pv", partition=1),
                  root_system(where="vg0/root", volume_group="vg0", kind="xfs")),
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A guest on a disk, and where it is to go."""

    tree: MemoryTree | None = field(default_factory=debian_tree)
    layout: DiskLayout = LAYOUT
    root: str = ROOT
    boot_mode: str | None = None
    source_cloud: str = ""
    others: Mapping[str, MemoryTree] = field(default_factory=dict)
    trouble: tuple[Trouble, ...] = ()

    def files(self, files: Mapping[str, Content | None], **links: str) -> Scene:
        assert self.tree is not None
        return replace(self, tree=changed(self.tree, files, **links))

    def disk(self, **fields: Any) -> Scene:
        return replace(self, layout=replace(self.layout, **fields))

    def root_with(self, **fields: Any) -> Scene:
        return self.disk(file_systems=(root_system(**fields),))

    @cached_property
    def gathered(self) -> GuestFacts:
        """The facts, after their way through the pipe."""
        facts = collect(self.layout, self.tree, self.root if self.tree else "", self.others)
        return msgspec.json.decode(msgspec.json.encode(facts), type=GuestFacts)

    def judged(self, provider: str) -> Verdict:
        return judge(Target(provider, self.boot_mode, self.source_cloud), self.layout, self.gathered, self.trouble)

    def findings(self, provider: str, rule: str = "", case: str = "") -> list[Finding]:
        found = self.judged(provider).findings
        return [item for item in found if rule in {"", item.id} and case in {"", item.case}]


DEBIAN = Scene()
Break = Callable[[Scene], Scene]


def edited(path: str, old: str, new: str) -> Break:
    """A file with other words in it."""

    def do(scene: Scene) -> Scene:
        assert scene.tree is not None
        content = scene.tree.files[path]
        assert isinstance(content, str)
        assert old in content
        return scene.files({path: content.replace(old, new)})

    return do


def with_files(files: Mapping[str, Content | None]) -> Break:
    return lambda scene: scene.files(files)


# -------------------------------------------------------------------------------------------------- Windows

SYSTEM: dict[str, Any] = {
    "Select": {"Current": 1},
    "ControlSet001": {
        "Services": {
            "viostor": {"Start": 0, "ImagePath": r"System32\drivers\viostor.sys"},
            "netkvm": {"Start": 3, "ImagePath": r"\SystemRoot\System32\drivers\netkvm.sys"},
            "stornvme": {"Start": 0, "ImagePath": r"System32\drivers\stornvme.sys"},
        },
        "Control": {
            "CriticalDeviceDatabase": {"pci#ven_1af4&dev_1001": {"Service": "viostor"}},
            "Session Manager": {"Memory Management": {"PagingFiles": [r"C:\pagefile.sys 0 0"]}},
            "Terminal Server": {"fDenyTSConnections": 0},
        },
    },
}
SOFTWARE: dict[str, Any] = {
    "Microsoft": {
        "Windows NT": {
            "CurrentVersion": {
                "ProductName": "Windows Server 2019 Datacenter", "CurrentMajorVersionNumber": 10,
                "CurrentMinorVersionNumber": 0, "CurrentBuildNumber": "17763", "InstallationType": "Server",
            },
        },
        "Windows": {"CurrentVersion": {"Setup": {"State": {"ImageState": "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"}}}},
    },
}  # fmt: skip
NTOSKRNL = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0\x64\x86" + bytes(100)
WINDOWS_ROOT = FileSystem("partition 1", "ntfs", 60 * GIB, "0123456789ABCDEF", partition=1, is_clean=True)
WINDOWS_LAYOUT = DiskLayout(
    format="vhd", disk_bytes=60 * GIB, file_bytes=20 * GIB, table="mbr", has_boot_code=True, boot_code="windows",
    partitions=(replace(PARTITION, type="0x07", role="msdata", size_bytes=60 * GIB - MIB),), file_systems=(WINDOWS_ROOT,),
)  # fmt: skip


def merged(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of keys with some of it otherwise; None takes a key away."""
    made = dict(base)
    for name, value in other.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, Mapping):
            made[name] = merged(made.get(name) or {}, value)
        else:
            made[name] = value
    return made


def windows_tree(system: Node | None = None, software: Node | None = None) -> MemoryTree:
    config = "/Windows/System32/config"
    drivers = {f"/Windows/System32/drivers/{name}.sys": b"MZ" for name in ("viostor", "netkvm", "stornvme")}
    files: dict[str, Content] = {
        "/Windows/System32/ntoskrnl.exe": NTOSKRNL,
        f"{config}/SYSTEM": hive(merged(SYSTEM, system or {})),
        f"{config}/SOFTWARE": hive(merged(SOFTWARE, software or {})),
        "/bootmgr": b"BOOTMGR",
        "/Boot/BCD": b"regf",
        "/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf": b"",
        **drivers,
    }
    return MemoryTree(files, ignores_case=True)


def windows(source_cloud: str = "", **changes: Any) -> Scene:
    """A Windows Server in which all is as it should be."""
    return Scene(windows_tree(**changes), WINDOWS_LAYOUT, source_cloud=source_cloud)
