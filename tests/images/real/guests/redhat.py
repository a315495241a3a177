"""A RHEL 9-like guest, cut down: XFS, entries of the Boot Loader Specification, dracut, SELinux, NetworkManager."""

from __future__ import annotations

from tests.images.real.boot import initramfs, kernel, modules
from tests.images.real.tree import Tree

RELEASE = "5.14.0-427.13.1.el9_4.x86_64"
ROOT_UUID = "99999999-2222-4333-8444-555555555555"
MACHINE = "0123456789abcdef0123456789abcdef"
MARKER = "/srv/marker"
MARKER_TEXT = "the marker of the other family\n"


def redhat(root: str = f"UUID={ROOT_UUID}", *, packing: str = "gzip") -> Tree:
    """The tree of a guest that would start on both clouds; its root file system is XFS."""
    tree = Tree()
    for path in FOLDERS:
        tree.directory(f"/{path}")
    for name in ("bin", "lib", "lib64", "sbin"):
        tree.directory(f"/usr/{name}")
        tree.symlink(f"/{name}", f"usr/{name}")
    _system(tree, root)
    _boot(tree, root, packing)
    _services(tree)
    tree.file(MARKER, MARKER_TEXT)
    return tree


def _system(tree: Tree, root: str) -> None:
    tree.file("/usr/lib/os-release", OS_RELEASE)
    tree.symlink("/etc/os-release", "../usr/lib/os-release")
    tree.file("/etc/redhat-release", "AlmaLinux release 9.4 (Seafoam Ocelot)\n")
    tree.file("/etc/machine-id", "")
    tree.file("/etc/fstab", f"{root} / xfs defaults 0 0\n")
    tree.file("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    tree.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    tree.file("/etc/shadow", "root:!!:19723:0:99999:7:::\n", 0o000)
    tree.directory("/root", 0o550)
    tree.symlink("/etc/localtime", "../usr/share/zoneinfo/UTC")
    for path in ("/usr/bin/bash", "/usr/lib/systemd/systemd", "/usr/bin/growpart", "/usr/sbin/xfs_growfs"):
        tree.file(path, modules.contents(path), 0o755)
    tree.symlink("/usr/bin/sh", "bash")
    tree.symlink("/usr/sbin/init", "../lib/systemd/systemd")


def _boot(tree: Tree, root: str, packing: str) -> None:
    tree.file(f"/boot/vmlinuz-{RELEASE}", kernel.bzimage(RELEASE))
    tree.file(f"/boot/config-{RELEASE}", kernel.configuration(RELEASE))
    tree.file(f"/boot/initramfs-{RELEASE}.img", initramfs.dracut(RELEASE, packing=packing))
    tree.file(f"/boot/loader/entries/{MACHINE}-{RELEASE}.conf", ENTRY.format(root=root, release=RELEASE))
    tree.file("/boot/grub2/grub.cfg", "set timeout=1\ninsmod blscfg\nblscfg\n", 0o600)
    environment = f"# GRUB Environment Block\nkernelopts=root={root} ro net.ifnames=0 console=ttyS0,115200n8 \n"
    tree.file("/boot/grub2/grubenv", environment.encode().ljust(1024, b"#"))
    tree.file("/boot/grub2/i386-pc/core.img", modules.contents("core.img"))
    tree.file(
        "/etc/default/grub", 'GRUB_CMDLINE_LINUX="net.ifnames=0 console=ttyS0,115200n8"\nGRUB_ENABLE_BLSCFG=true\n'
    )
    modules.put_modules(tree, f"/usr/lib/modules/{RELEASE}", modules.needed(*modules.MODULES), ".xz")


def _services(tree: Tree) -> None:
    tree.file("/etc/cloud/cloud.cfg", "users:\n  - default\ndatasource_list: [ ConfigDrive, AliYun, Ec2, None ]\n")
    tree.file("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755)
    tree.file("/usr/lib/python3.9/site-packages/cloudinit/version.py", '__VERSION__ = "23.4"\n')
    for name in ("AliYun", "ConfigDrive", "Ec2", "None"):
        tree.file(f"/usr/lib/python3.9/site-packages/cloudinit/sources/DataSource{name}.py", "")
    tree.file("/usr/sbin/sshd", modules.contents("sshd"), 0o755)
    tree.file("/etc/ssh/sshd_config", "PermitRootLogin prohibit-password\n", 0o600)
    tree.file("/usr/sbin/NetworkManager", modules.contents("NetworkManager"), 0o755)
    tree.file("/etc/NetworkManager/system-connections/eth0.nmconnection", CONNECTION, 0o600)
    for unit in ("sshd", "NetworkManager", "cloud-init-local", "cloud-init", "cloud-config", "cloud-final"):
        tree.file(f"/usr/lib/systemd/system/{unit}.service", f"[Service]\nExecStart=/usr/bin/{unit}\n")
        tree.symlink(
            f"/etc/systemd/system/multi-user.target.wants/{unit}.service", f"/usr/lib/systemd/system/{unit}.service"
        )


FOLDERS = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "var/log", "var/cache", "usr/local",
    "usr/share", "var/lib/cloud",
)  # fmt: skip
OS_RELEASE = """\
NAME="AlmaLinux"
VERSION="9.4 (Seafoam Ocelot)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PLATFORM_ID="platform:el9"
PRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"
"""
ENTRY = """\
title AlmaLinux ({release}) 9.4 (Seafoam Ocelot)
version {release}
linux /boot/vmlinuz-{release}
initrd /boot/initramfs-{release}.img
options root={root} ro net.ifnames=0 console=ttyS0,115200n8
grub_users $grub_users
grub_class almalinux
"""
CONNECTION = "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n"
