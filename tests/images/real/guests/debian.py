"""A Debian 12 as its cloud images are, cut down: it keeps every rule of both clouds."""

from __future__ import annotations

from dataclasses import dataclass

from tests.images.real.boot import initramfs, kernel, modules
from tests.images.real.tree import Tree

RELEASE = "6.1.0-18-amd64"
ROOT_UUID = "11111111-2222-4333-8444-555555555555"
BOOT_UUID = "22222222-3333-4444-8555-666666666666"
ESP_UUID = "ABCD-1234"
MARKER = "/srv/marker"
MARKER_TEXT = "the marker is read right out of every combination\n"


@dataclass(frozen=True)
class Outline:
    """How a guest lies on its disk, and what its initial RAM disk is like."""

    release: str = RELEASE
    file_system: str = "ext4"
    root: str = f"UUID={ROOT_UUID}"
    boot: str = ""
    """What /boot is, where it has a file system of its own."""
    esp: str = ""
    """What /boot/efi is, where there is an ESP."""
    packing: str = "zstd"
    microcode: bool = True
    bulk: int = 0
    drivers: tuple[str, ...] = initramfs.FOR_A_CLOUD
    lvm_tools: bool = False


def debian(outline: Outline | None = None) -> Tree:
    """The tree of a guest that would start on both clouds."""
    outline = outline or Outline()
    tree = Tree()
    for part in (_skeleton, _accounts, _programs, _cloud_init, _network, _packages):
        part(tree)
    _boot(tree, outline)
    _mounts(tree, outline)
    tree.file(MARKER, MARKER_TEXT)
    return tree


def _skeleton(tree: Tree) -> None:
    for path in FOLDERS:
        tree.directory(f"/{path}")
    for name in ("bin", "lib", "lib64", "sbin"):
        tree.directory(f"/usr/{name}")
        tree.symlink(f"/{name}", f"usr/{name}")
    tree.directory("/tmp", 0o1777)
    tree.directory("/var/tmp", 0o1777)
    tree.directory("/root", 0o700)
    tree.file("/usr/lib/os-release", OS_RELEASE)
    tree.symlink("/etc/os-release", "../usr/lib/os-release")
    tree.file("/etc/debian_version", "12.5\n")
    tree.file("/etc/hostname", "web1\n")
    tree.file("/etc/hosts", "127.0.0.1 localhost\n")
    tree.file("/etc/machine-id", "")
    tree.symlink("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    tree.file("/etc/adjtime", "0.0 0 0.0\n0\nUTC\n")
    tree.file("/etc/resolv.conf", "# Written by dhclient\n")


def _accounts(tree: Tree) -> None:
    tree.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsshd:x:102:65534::/run/sshd:/usr/sbin/nologin\n")
    tree.file("/etc/shadow", "root:!*:19723:0:99999:7:::\nsshd:!*:19723:0:99999:7:::\n", 0o640, 0, 42)
    tree.file("/etc/group", "root:x:0:\nshadow:x:42:\n")
    tree.file("/etc/ssh/sshd_config", "Port 22\nPermitRootLogin prohibit-password\nUsePAM yes\n")
    tree.file("/usr/sbin/sshd", modules.contents("sshd"), 0o755)
    tree.file("/usr/lib/systemd/system/ssh.service", UNIT.format(program="/usr/sbin/sshd"))
    _enable(tree, "ssh.service")


def _programs(tree: Tree) -> None:
    for path in (
        "/usr/bin/dash",
        "/usr/bin/bash",
        "/usr/lib/systemd/systemd",
        "/usr/bin/growpart",
        "/usr/sbin/resize2fs",
    ):
        tree.file(path, modules.contents(path), 0o755)
    tree.symlink("/usr/bin/sh", "dash")
    tree.symlink("/usr/sbin/init", "/lib/systemd/systemd")


def _cloud_init(tree: Tree) -> None:
    tree.file("/etc/cloud/cloud.cfg", CLOUD_CFG)
    tree.file("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", DATASOURCES)
    tree.file("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755)
    sources = "/usr/lib/python3/dist-packages/cloudinit/sources"
    for name in ("AliYun", "ConfigDrive", "Ec2", "NoCloud", "None", "OpenStack"):
        tree.file(f"{sources}/DataSource{name}.py", "")
    tree.file("/usr/lib/python3/dist-packages/cloudinit/version.py", '__VERSION__ = "22.4.2"\n')
    for name in ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final"):
        tree.file(f"/usr/lib/systemd/system/{name}.service", UNIT.format(program="/usr/bin/cloud-init"))
        _enable(tree, f"{name}.service")
    tree.directory("/var/lib/cloud")


def _network(tree: Tree) -> None:
    tree.file("/etc/network/interfaces", "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n")
    tree.file("/etc/network/interfaces.d/50-cloud-init", "auto eth0\niface eth0 inet dhcp\n")
    tree.file("/usr/sbin/dhclient", modules.contents("dhclient"), 0o755)
    tree.file("/usr/lib/systemd/system/networking.service", UNIT.format(program="/sbin/ifup"))
    _enable(tree, "networking.service")


def _packages(tree: Tree) -> None:
    tree.file("/etc/apt/sources.list", "deb http://mirror.example.org/debian bookworm main\n")
    tree.file("/var/lib/dpkg/status", "".join(PACKAGE.format(name=n, version=v) for n, v in VERSIONS.items()))
    tree.file("/etc/initramfs-tools/initramfs.conf", "MODULES=most\nCOMPRESS=zstd\n")
    tree.file("/etc/initramfs-tools/modules", "")


def _boot(tree: Tree, outline: Outline) -> None:
    release = outline.release
    tree.file(f"/boot/vmlinuz-{release}", kernel.bzimage(release))
    tree.file(f"/boot/config-{release}", kernel.configuration(release))
    tree.file(f"/boot/initrd.img-{release}", initrd(outline))
    tree.symlink("/vmlinuz", f"boot/vmlinuz-{release}")
    tree.symlink("/initrd.img", f"boot/initrd.img-{release}")
    modules.put_modules(tree, f"/usr/lib/modules/{release}", modules.needed(*modules.MODULES))
    prefix = "" if outline.boot else "/boot"
    tree.file("/boot/grub/grub.cfg", GRUB_CFG.format(root=outline.root, release=release, prefix=prefix), 0o444)
    tree.file("/boot/grub/i386-pc/core.img", modules.contents("core.img"))
    tree.file("/boot/grub/grubenv", b"# GRUB Environment Block\n".ljust(1024, b"#"))
    tree.file("/etc/default/grub", DEFAULT_GRUB)


def initrd(outline: Outline) -> bytes:
    """The initial RAM disk of such a guest."""
    return initramfs.initramfs_tools(
        outline.release, drivers=outline.drivers, packing=outline.packing, microcode=outline.microcode,
        lvm_tools=outline.lvm_tools, bulk=outline.bulk,
    )  # fmt: skip


def _mounts(tree: Tree, outline: Outline) -> None:
    options = "errors=remount-ro" if outline.file_system.startswith("ext") else "defaults"
    lines = [f"{outline.root} / {outline.file_system} {options} 0 1"]
    lines += [f"{outline.boot} /boot ext4 defaults 0 2"] if outline.boot else []
    lines += [f"{outline.esp} /boot/efi vfat umask=0077 0 1"] if outline.esp else []
    tree.file("/etc/fstab", "# <file system> <mount point> <type> <options> <dump> <pass>\n" + "\n".join(lines) + "\n")
    if outline.esp:
        tree.directory("/boot/efi")
        tree.file("/boot/grub/x86_64-efi/core.efi", modules.contents("core.efi"))


def _enable(tree: Tree, unit: str) -> None:
    tree.symlink(f"/etc/systemd/system/multi-user.target.wants/{unit}", f"/lib/systemd/system/{unit}")


FOLDERS = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "var/log", "var/cache", "var/spool",
    "usr/local", "usr/share",
)  # fmt: skip
OS_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""
UNIT = "[Unit]\nDescription=A unit\n[Service]\nExecStart={program}\n[Install]\nWantedBy=multi-user.target\n"
CLOUD_CFG = """\
users:
  - default
disable_root: true
cloud_init_modules:
  - growpart
  - resizefs
  - set_hostname
  - ssh
system_info:
  distro: debian
"""
DATASOURCES = (
    "# to update this file, run dpkg-reconfigure cloud-init\ndatasource_list: [ ConfigDrive, AliYun, Ec2, None ]\n"
)
VERSIONS = {
    "cloud-init": "22.4.2-1+deb12u3",
    "cloud-guest-utils": "0.33-1",
    "e2fsprogs": "1.47.0-2",
    "linux-image-6.1.0-18-amd64": "6.1.76-1",
    "openssh-server": "1:9.2p1-2+deb12u6",
    "systemd": "252.38-1~deb12u1",
}
PACKAGE = "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
GRUB_CFG = """\
set default="0"
insmod part_msdos
insmod ext2
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=1
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class os {{
	linux	{prefix}/vmlinuz-{release} root={root} ro console=tty0 console=ttyS0,115200
	initrd	{prefix}/initrd.img-{release}
}}
"""
DEFAULT_GRUB = """\
GRUB_DEFAULT=0
GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
GRUB_TERMINAL="console serial"
"""
