"""One guest for every case of every rule, in which just that case is met. `tests/images/guest/test_rules.py` goes through all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.findings import Finding
from imgmove.images.guest.layout import FileSystem, VolumeGroup
from imgmove.images.guest.rules import refused
from imgmove.images.reading.inspection import Trouble, TroubleKind
from tests.images.guest.archives import cpio
from tests.images.guest.scenes import (
    CONFIG,
    DEBIAN,
    DRIVERS,
    ELF_ARM,
    ELF_I386,
    GIB,
    GPT,
    GRUB_CFG,
    LOADER,
    LVM,
    MIB,
    MODULES_DEP,
    PACKAGE,
    PARTITION,
    ROOT_UUID,
    VERSION,
    WINDOWS_LAYOUT,
    Scene,
    edited,
    initramfs,
    root_system,
    windows,
)
from tests.images.guest.trees import Content

Make = Callable[[], Scene]
FSTAB = "/etc/fstab"
GRUB = "/boot/grub/grub.cfg"
CLOUD = "/etc/cloud/cloud.cfg"
NETPLAN = "/etc/netplan/50-cloud-init.yaml"
OWN = "/etc/network/interfaces"
ABSENT = "99999999-0000-0000-0000-000000000000"
CONFIG_FILE, INITRD, DEP = (
    f"/boot/config-{VERSION}",
    f"/boot/initrd.img-{VERSION}",
    f"/usr/lib/modules/{VERSION}/modules.dep",
)


def fstab(line: str) -> Make:
    return lambda: DEBIAN.files({FSTAB: f"UUID={ROOT_UUID} / ext4 defaults 0 1\n{line}\n"})


def kernel(old: str, new: str) -> Make:
    return lambda: edited(GRUB, old, new)(DEBIAN)


def without_driver(driver: str, option: str) -> Make:
    """Neither built in nor a module."""
    name = f"kernel/drivers/{driver}.ko: \n"
    files: dict[str, Content | None] = {
        CONFIG_FILE: CONFIG.replace(f"{option}=m\n", ""),
        DEP: MODULES_DEP.replace(name, ""),
        INITRD: initramfs(*(other for other in DRIVERS if other != driver)),
    }
    return lambda: DEBIAN.files(files)


def slim(*missing: str) -> Scene:
    """Drivers that are modules, and not in the initramfs."""
    return DEBIAN.files({INITRD: initramfs(*(driver for driver in DRIVERS if driver not in missing))})


def on_lvm(drivers: tuple[str, ...] = DRIVERS, *, lvm: bool = True) -> Scene:
    scene = DEBIAN.files({INITRD: initramfs(*drivers, lvm=lvm), GRUB: GRUB_CFG.replace(ROOT_UUID, ROOT_UUID)})
    return replace(scene, layout=LVM, root="vg0/root")


def interfaces(text: str) -> Make:
    return lambda: DEBIAN.files({OWN: f"auto lo\niface lo inet loopback\n{text}\n"})


def uefi(*, loader: bool = True, bios: bool = False) -> Scene:
    """A disk that starts with UEFI; with `bios` it does with BIOS as well."""
    layout = GPT if bios else replace(GPT, has_boot_code=False, boot_code="", partitions=GPT.partitions[1:])
    files: dict[str, Content | None] = {**LOADER} if loader else {"/boot/efi/EFI/debian/shimx64.efi": b"MZ"}
    return replace(DEBIAN.files(files), layout=layout)


def data_only() -> Scene:
    return replace(DEBIAN, tree=None)


def more_system(system: FileSystem) -> Scene:
    return DEBIAN.disk(file_systems=(root_system(), system))


def trouble(kind: TroubleKind) -> Make:
    return lambda: replace(DEBIAN, trouble=(Trouble(kind, "the reader crashed (SIGSEGV)"),))


def arm(**fields: object) -> Scene:
    files: dict[str, Content | None] = {
        "/usr/bin/dash": ELF_ARM,
        "/boot/efi/EFI/BOOT/BOOTAA64.EFI": b"MZ",
        GRUB: GRUB_CFG.replace("ttyS0", "ttyAMA0"),
    }
    scene = DEBIAN.files(files)
    return replace(scene, layout=GPT, **fields)  # type: ignore[arg-type]


#: (rule, case) to a guest that breaks it, and a destination that says so.
SCENES: dict[tuple[str, str], tuple[str, Make]] = {
    ("G01", "reader-crashed"): ("alibaba", trouble(TroubleKind.CRASHED)),
    ("G01", "reader-out-of-memory"): ("alibaba", trouble(TroubleKind.MEMORY)),
    ("G01", "reader-out-of-time"): ("alibaba", trouble(TroubleKind.TIME)),
    ("G01", "reader-too-many-reads"): ("alibaba", trouble(TroubleKind.READS)),
    ("G01", "reader-taken-over"): ("alibaba", trouble(TroubleKind.PROTOCOL)),
    ("G01", "reader-unreadable"): ("alibaba", trouble(TroubleKind.UNREADABLE)),
    ("G01", "reader-facts"): ("alibaba", trouble(TroubleKind.FACTS)),
    ("G02", "no-partition-table"): ("tencent", lambda: DEBIAN.disk(table="", partitions=())),
    ("G02", "damaged-table"): ("alibaba", lambda: DEBIAN.disk(table_problem="partitions 1 and 2 overlap")),
    ("G02", "hybrid-table"): ("alibaba", lambda: replace(uefi(bios=True), layout=replace(GPT, is_hybrid=True))),
    ("G02", "needs-uefi"): ("alibaba", uefi),
    ("G02", "needs-bios"): ("alibaba", lambda: replace(DEBIAN, boot_mode="uefi")),
    ("G02", "no-esp"): (
        "alibaba", lambda: replace(DEBIAN.disk(has_boot_code=False, boot_code=""), boot_mode="uefi"),
    ),
    ("G02", "fallback-loader-missing"): ("alibaba", lambda: replace(uefi(loader=False), boot_mode="uefi")),
    ("G02", "no-boot-code"): ("alibaba", lambda: DEBIAN.disk(has_boot_code=False, boot_code="")),
    ("G02", "no-bios-boot-partition"): ("alibaba", lambda: DEBIAN.disk(table="gpt")),
    ("G02", "no-active-partition"): (
        "alibaba", lambda: DEBIAN.disk(boot_code="syslinux", partitions=(replace(PARTITION, is_active=False),)),
    ),
    ("G02", "arm-needs-uefi"): ("alibaba", lambda: arm(boot_mode="bios")),
    ("G02", "gpt-unconfirmed"): ("tencent", lambda: uefi(bios=True)),
    ("G02", "uefi-unconfirmed"): ("ecm", lambda: replace(uefi(), boot_mode="uefi")),
    ("G03", "fstab-wrong-name"): ("alibaba", lambda: DEBIAN.files({FSTAB: "/dev/sda1 / ext4 defaults 0 1\n"})),
    ("G03", "fstab-kernel-name"): ("alibaba", lambda: DEBIAN.files({FSTAB: "/dev/vda1 / ext4 defaults 0 1\n"})),
    ("G03", "fstab-other-disk"): ("alibaba", fstab("/dev/vdb1 /data ext4 defaults 0 2")),
    ("G03", "fstab-absent"): ("tencent", fstab(f"UUID={ABSENT} /data xfs defaults 0 2")),
    ("G03", "fstab-swap-absent"): ("tencent", fstab("/dev/vdb1 none swap sw 0 0")),
    ("G03", "fstab-network"): ("alibaba", fstab("10.0.0.4:/share /mnt nfs defaults 0 0")),
    ("G03", "root-wrong-name"): ("alibaba", kernel(f"root=UUID={ROOT_UUID}", "root=/dev/sda1")),
    ("G03", "root-kernel-name"): ("alibaba", kernel(f"root=UUID={ROOT_UUID}", "root=/dev/vda1")),
    ("G03", "root-absent"): ("alibaba", kernel(f"root=UUID={ROOT_UUID}", f"root=UUID={ABSENT}")),
    ("G03", "resume-absent"): ("alibaba", kernel(" ro ", f" ro resume=UUID={ABSENT} ")),
    ("G03", "grub-defaults"): (
        "alibaba", lambda: DEBIAN.files({"/etc/default/grub": 'GRUB_CMDLINE_LINUX="root=/dev/sda1 quiet"\n'}),
    ),
    ("G03", "fstab-crypt"): ("alibaba", lambda: DEBIAN.files({"/etc/crypttab": f"data UUID={ABSENT} none luks\n"})),
    ("G04", "virtio_pci"): ("tencent", lambda: slim("virtio_pci")),
    ("G04", "virtio_blk"): ("tencent", without_driver("virtio_blk", "CONFIG_VIRTIO_BLK")),
    ("G04", "virtio_net"): ("alibaba", without_driver("virtio_net", "CONFIG_VIRTIO_NET")),
    ("G04", "nvme"): ("alibaba", lambda: slim("nvme")),
    ("G04", "root-driver"): ("alibaba", lambda: slim("ext4")),
    ("G04", "dm_mod"): ("alibaba", lambda: on_lvm(tuple(driver for driver in DRIVERS if driver != "dm-mod"))),
    ("G04", "lvm-tools"): ("alibaba", lambda: on_lvm(lvm=False)),
    ("G04", "kernel-missing"): ("alibaba", kernel(f"vmlinuz-{VERSION}", "vmlinuz-9.9.9")),
    ("G04", "initramfs-missing"): ("alibaba", kernel(f"initrd.img-{VERSION}", "initrd.img-9.9.9")),
    ("G04", "initramfs-damaged"): ("alibaba", lambda: DEBIAN.files({INITRD: initramfs(*DRIVERS)[:-100]})),
    ("G04", "no-kernel"): (
        "alibaba", lambda: DEBIAN.files({"/boot": None, "/usr/lib/modules": None}),
    ),
    ("G04", "no-boot-entry"): ("alibaba", lambda: DEBIAN.files({"/boot/grub": None})),
    ("G04", "no-modules"): ("alibaba", lambda: DEBIAN.files({f"/usr/lib/modules/{VERSION}": None})),
    ("G04", "fw_cfg"): (
        "alibaba",
        lambda: edited("/etc/os-release", "ID=debian", "ID=rocky")(
            DEBIAN.files({CONFIG_FILE: CONFIG.replace("CONFIG_FW_CFG_SYSFS=m\n", "")})
        ),
    ),
    ("G04", "unified-kernel"): (
        "alibaba",
        lambda: replace(uefi().files({"/boot/efi/EFI/Linux/debian-6.1.efi": b"MZ"}), boot_mode="uefi"),
    ),
    ("G05", "cloud-init-missing"): (
        "tencent", lambda: DEBIAN.files({"/usr/bin/cloud-init": None, PACKAGE: None, "/etc/cloud": None}),
    ),
    ("G05", "cloudbase-init-missing"): ("tencent", lambda: windows().files({"/Program Files": None})),
    ("G05", "source-pinned"): ("alibaba", lambda: edited(CLOUD, "ConfigDrive, AliYun", "ConfigDrive, TencentCloud")(DEBIAN)),
    ("G05", "source-not-shipped"): ("alibaba", lambda: DEBIAN.files({f"{PACKAGE}/sources/DataSourceAliYun.py": None})),
    ("G05", "identify-pinned"): (
        "alibaba", lambda: DEBIAN.files({"/etc/cloud/ds-identify.cfg": "datasource: ConfigDrive\n"}),
    ),
    ("G05", "disabled"): ("alibaba", lambda: DEBIAN.files({"/etc/cloud/cloud-init.disabled": ""})),
    ("G05", "not-enabled"): (
        "alibaba", lambda: DEBIAN.files({"/usr/lib/systemd/system-generators/cloud-init-generator": None}),
    ),
    ("G05", "cache-kept"): (
        "tencent",
        lambda: DEBIAN.files({
            "/etc/cloud/cloud.cfg.d/05-keep.cfg": "manual_cache_clean: true\n",
            "/var/lib/cloud/instance/datasource": "DataSourceAliYun: DataSourceAliYun\n",
        }),
    ),
    ("G05", "old-version"): (
        "alibaba",
        lambda: edited(f"{PACKAGE}/version.py", "22.4.2", "18.5")(arm()),
    ),
    ("G06", "static-address"): (
        "alibaba", interfaces("auto eth0\niface eth0 inet static\n  address 10.0.0.5/24\n  gateway 10.0.0.1"),
    ),
    ("G06", "mac-bound"): (
        "tencent",
        lambda: DEBIAN.files({"/etc/sysconfig/network-scripts/ifcfg-eth0": "BOOTPROTO=dhcp\nHWADDR=52:54:00:12:34:56\n"}),
    ),
    ("G06", "persistent-rule"): (
        "alibaba",
        lambda: DEBIAN.files({
            "/etc/udev/rules.d/70-persistent-net.rules":
            'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="52:54:00:12:34:56", NAME="eth0"\n',
        }),
    ),
    ("G06", "interface-name"): ("alibaba", interfaces("auto ens33\niface ens33 inet dhcp")),
    ("G06", "old-interface-name"): (
        "alibaba",
        lambda: edited(GRUB, "net.ifnames=0 ", "")(DEBIAN.files({OWN: "auto eth0\niface eth0 inet dhcp\n"})),
    ),
    ("G06", "nothing-set-up"): (
        "alibaba",
        lambda: DEBIAN.files({NETPLAN: None, "/usr/bin/cloud-init": None, PACKAGE: None}),
    ),
    ("G06", "several-interfaces"): ("alibaba", interfaces("iface eth0 inet dhcp\niface eth1 inet dhcp")),
    ("G06", "ipv6"): (
        "alibaba", interfaces("iface eth0 inet dhcp\niface eth0 inet6 static\n  address 2001:db8:1::5/64"),
    ),
    ("G07", "no-serial-console"): ("tencent", kernel(" console=ttyS0,115200", "")),
    ("G08", "mirror"): (
        "alibaba", lambda: DEBIAN.files({"/etc/apt/sources.list": "deb http://mirrors.tencentyun.com/debian bookworm main\n"}),
    ),
    ("G08", "resolver"): ("tencent", lambda: DEBIAN.files({"/etc/resolv.conf": "nameserver 100.100.2.136\n"})),
    ("G08", "time-server"): (
        "alibaba", lambda: DEBIAN.files({"/etc/chrony/chrony.conf": "server time1.tencentyun.com iburst\n"}),
    ),
    ("G08", "hosts-entry"): ("tencent", lambda: DEBIAN.files({"/etc/hosts": "100.100.100.200 metadata\n"})),
    ("G09", "agent"): ("alibaba", lambda: DEBIAN.files({"/usr/local/qcloud/YunJing/uninst.sh": b""})),
    ("G09", "guest-tools"): ("tencent", lambda: DEBIAN.files({"/usr/bin/vmtoolsd": b""})),
    ("G09", "qemu-guest-agent"): ("alibaba", lambda: DEBIAN.files({"/usr/sbin/qemu-ga": b""})),
    ("G10", "ssh-missing"): ("alibaba", lambda: DEBIAN.files({"/usr/sbin/sshd": None})),
    ("G10", "ssh-disabled"): (
        "alibaba",
        lambda: DEBIAN.files({
            "/etc/systemd/system/multi-user.target.wants/ssh.service": None,
            "/etc/systemd/system/multi-user.target.wants/cron.service": b"",
        }),
    ),
    ("G10", "root-login-off"): (
        "tencent", lambda: DEBIAN.files({"/etc/ssh/sshd_config.d/10-own.conf": "PermitRootLogin no\n"}),
    ),
    ("G10", "password-off"): (
        "alibaba",
        lambda: DEBIAN.files({"/etc/ssh/sshd_config": "PasswordAuthentication no\n", "/etc/cloud/cloud-init.disabled": ""}),
    ),
    ("G10", "shadow-missing"): ("alibaba", lambda: DEBIAN.files({"/etc/shadow": None})),
    ("G10", "shadow-open"): ("alibaba", lambda: shadow(0o644)),
    ("G10", "shadow-read-only"): ("alibaba", lambda: shadow(0o400)),
    ("G10", "selinux-enforcing"): ("alibaba", lambda: DEBIAN.files({"/etc/selinux/config": "SELINUX=enforcing\n"})),
    ("G10", "relabel-pending"): ("alibaba", lambda: DEBIAN.files({"/.autorelabel": b""})),
    ("G10", "firewall"): (
        "alibaba", lambda: DEBIAN.files({"/etc/systemd/system/multi-user.target.wants/firewalld.service": b""}),
    ),
    ("G11", "machine-id"): ("alibaba", lambda: DEBIAN.files({"/etc/machine-id": "0123456789abcdef0123456789abcdef\n"})),
    ("G11", "host-keys"): ("alibaba", lambda: DEBIAN.files({"/etc/ssh/ssh_host_rsa_key": b"secret"})),
    ("G11", "cloud-instance"): ("alibaba", lambda: DEBIAN.files({"/var/lib/cloud/instances/i-1/user-data.txt": b"secret"})),
    ("G12", "storage-driver"): (
        "tencent", lambda: windows(system={"ControlSet001": {"Services": {"viostor": {"Start": 3}}}}),
    ),
    ("G12", "network-driver"): ("alibaba", lambda: windows(system={"ControlSet001": {"Services": {"netkvm": None}}})),
    ("G12", "nvme-driver"): ("alibaba", lambda: windows(system={"ControlSet001": {"Services": {"stornvme": None}}})),
    ("G12", "critical-device"): (
        "alibaba",
        lambda: windows(
            system={"ControlSet001": {"Control": {"CriticalDeviceDatabase": None}}},
            software={"Microsoft": {"Windows NT": {"CurrentVersion": {
                "CurrentMajorVersionNumber": None, "CurrentVersion": "6.1", "ProductName": "Windows Server 2008 R2",
            }}}},
        ),
    ),
    ("G12", "boot-files"): ("alibaba", lambda: windows().files({"/Boot/BCD": None})),
    ("G12", "not-generalized"): (
        "alibaba",
        lambda: windows(
            software={"Microsoft": {"Windows": {"CurrentVersion": {"Setup": {"State": {"ImageState": "IMAGE_STATE_COMPLETE"}}}}}}
        ),
    ),
    ("G12", "pagefile"): (
        "alibaba",
        lambda: windows(system={"ControlSet001": {"Control": {"Session Manager": {
            "Memory Management": {"PagingFiles": [r"d:\pagefile.sys 0 0"]}}}}}),
    ),
    ("G12", "desktop-edition"): (
        "alibaba",
        lambda: windows(software={"Microsoft": {"Windows NT": {"CurrentVersion": {"InstallationType": "Client"}}}}),
    ),
    ("G12", "remote-desktop-off"): (
        "tencent",
        lambda: windows(system={"ControlSet001": {"Control": {"Terminal Server": {"fDenyTSConnections": 1}}}}),
    ),
    ("G12", "activation"): ("tencent", lambda: windows(source_cloud="alibaba")),
    ("G13", "luks"): ("alibaba", lambda: more_system(FileSystem("partition 2", "luks", GIB, partition=2))),
    ("G13", "bitlocker"): (
        "alibaba",
        lambda: replace(windows(), tree=None, layout=replace(
            WINDOWS_LAYOUT, file_systems=(FileSystem("partition 1", "bitlocker", partition=1),))),
    ),
    ("G13", "lvm-missing-disks"): (
        "alibaba", lambda: DEBIAN.disk(volume_groups=(VolumeGroup("vg0", 3, 2, ("data",)),)),
    ),
    ("G13", "raid"): ("alibaba", lambda: more_system(FileSystem("partition 2", "mdraid", GIB, partition=2))),
    ("G13", "zfs"): ("alibaba", lambda: more_system(FileSystem("partition 2", "zfs", GIB, partition=2))),
    ("G13", "root-file-system"): ("alibaba", lambda: DEBIAN.root_with(kind="btrfs")),
    ("G13", "root-not-found"): ("tencent", data_only),
    ("G13", "unreadable"): (
        "alibaba", lambda: more_system(FileSystem("partition 2", "xfs", GIB, ABSENT, unreadable="its log is damaged")),
    ),
    ("G13", "file-system-cut"): ("alibaba", lambda: DEBIAN.root_with(size_bytes=500 * GIB)),
    ("G13", "unknown-system"): (
        "tencent",
        lambda: DEBIAN.files({"/etc": None, "/usr": None, "/boot": None, "/var": None, "/bin/freebsd-version": b""}),
    ),
    ("G13", "dynamic-disk"): (
        "alibaba", lambda: windows().disk(partitions=(replace(WINDOWS_LAYOUT.partitions[0], type="0x42"),)),
    ),
    ("G13", "hibernated"): ("alibaba", lambda: windows().files({"/hiberfil.sys": b"HIBR" + bytes(100)})),
    ("G13", "ext4-64bit"): ("alibaba", lambda: DEBIAN.root_with(features=("extent", "64bit"))),
    ("G13", "project-quota"): ("alibaba", lambda: DEBIAN.root_with(features=("project", "quota"))),
    ("G13", "split-root"): (
        "alibaba", lambda: replace(fstab(f"UUID={ROOT_UUID} /usr ext4 defaults 0 2")()),
    ),
    ("G14", "disk-too-large"): ("tencent", lambda: DEBIAN.disk(disk_bytes=501 * GIB)),
    ("G14", "image-too-large"): ("tencent", lambda: DEBIAN.disk(file_bytes=51 * GIB)),
    ("G14", "disk-small"): ("alibaba", lambda: DEBIAN.disk(disk_bytes=10 * GIB)),
    ("G14", "old-kernel"): (
        "alibaba",
        lambda: edited(GRUB, VERSION, "2.6.32-754.el6")(
            DEBIAN.files({"/boot/vmlinuz-2.6.32-754.el6": b"", "/boot/initrd.img-2.6.32-754.el6": cpio()})
        ),
    ),
    ("G14", "32-bit"): ("alibaba", lambda: DEBIAN.files({"/usr/bin/dash": ELF_I386})),
    ("G14", "swap"): ("alibaba", fstab("/swapfile none swap sw 0 0")),
    ("G14", "lvm-root"): ("alibaba", on_lvm),
    ("G14", "root-not-last"): (
        "alibaba",
        lambda: DEBIAN.disk(partitions=(PARTITION, replace(PARTITION, number=2, offset_bytes=50 * GIB, role="swap"))),
    ),
    ("G14", "root-full"): ("tencent", lambda: DEBIAN.root_with(free_bytes=100 * MIB)),
    ("G14", "unclean"): ("alibaba", lambda: DEBIAN.root_with(is_clean=False)),
    ("G14", "no-growpart"): ("alibaba", lambda: DEBIAN.files({"/usr/bin/growpart": None})),
    ("G14", "local-clock"): ("alibaba", lambda: edited("/etc/adjtime", "UTC", "LOCAL")(arm())),
}  # fmt: skip


def shadow(mode: int) -> Scene:
    assert DEBIAN.tree is not None
    return replace(DEBIAN, tree=replace(DEBIAN.tree, modes={"/etc/shadow": mode}))


def refusal(code: str) -> Finding:
    """What the guard's refusal becomes."""
    error = ImgmoveError(Kind.CORRUPT, "disk.qcow2 is not what it says", code=code, hint="export it again")
    (found,) = refused(error, "disk.qcow2").findings
    return found


#: Cases of G01 that come from the guard, by its codes.
REFUSALS = {
    "format-mismatch": "FormatMismatch", "ambiguous-format": "AmbiguousFormat", "not-an-image": "NotAnImage",
    "backing-file": "BackingFile", "external-data": "ExternalData", "differencing-disk": "DifferencingDisk",
    "foreign-extents": "ForeignExtents", "encrypted-image": "EncryptedImage", "absurd-header": "AbsurdHeader",
    "unknown-features": "UnknownFeatures", "truncated-image": "TruncatedImage", "damaged-image": "DamagedImage",
    "size-bomb": "TooLarge", "refused": "SomethingNew",
}  # fmt: skip
