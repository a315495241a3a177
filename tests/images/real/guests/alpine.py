"""An Alpine-like guest, cut down: no systemd, no GRUB, nothing in its usual place, and yet it starts."""

from __future__ import annotations

from tests.images.real.boot import initramfs, kernel, modules
from tests.images.real.tree import Tree

RELEASE = "6.6.31-0-virt"
ROOT_UUID = "77777777-2222-4333-8444-555555555555"
MARKER = "/srv/marker"
MARKER_TEXT = "the marker of the small one\n"


def alpine() -> Tree:
    """The tree; its boot loader is extlinux."""
    tree = Tree()
    for path in FOLDERS:
        tree.directory(f"/{path}")
    tree.file(
        "/etc/os-release", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.0\nPRETTY_NAME="Alpine Linux v3.20"\n'
    )
    tree.file("/etc/alpine-release", "3.20.0\n")
    tree.file("/etc/fstab", f"UUID={ROOT_UUID}\t/\text4\trw,relatime 0 1\n")
    tree.file("/bin/busybox", modules.contents("busybox"), 0o755)
    tree.symlink("/bin/sh", "/bin/busybox")
    tree.symlink("/sbin/init", "/bin/busybox")
    tree.file("/boot/vmlinuz-virt", kernel.bzimage(RELEASE))
    tree.file("/boot/config-virt", kernel.configuration(RELEASE))
    tree.file("/boot/initramfs-virt", initramfs.initramfs_tools(RELEASE, packing="gzip", microcode=False))
    tree.file("/boot/extlinux.conf", EXTLINUX)
    modules.put_modules(tree, f"/lib/modules/{RELEASE}", modules.needed(*modules.MODULES))
    _services(tree)
    tree.file(MARKER, MARKER_TEXT)
    return tree


def _services(tree: Tree) -> None:
    tree.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    tree.file("/etc/shadow", "root:!::0:::::\n", 0o640, 0, 42)
    tree.file("/etc/network/interfaces", "auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n")
    tree.file("/etc/ssh/sshd_config", "PermitRootLogin prohibit-password\n")
    tree.file("/usr/sbin/sshd", modules.contents("sshd"), 0o755)
    tree.file("/etc/cloud/cloud.cfg", "datasource_list: [ ConfigDrive, AliYun, Ec2, None ]\n")
    tree.file("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755)
    tree.file("/usr/lib/python3.12/site-packages/cloudinit/version.py", '__VERSION__ = "24.1"\n')
    for name in ("AliYun", "ConfigDrive", "Ec2", "None"):
        tree.file(f"/usr/lib/python3.12/site-packages/cloudinit/sources/DataSource{name}.py", "")
    for name in ("sshd", "cloud-init-local", "cloud-init", "cloud-config", "cloud-final", "networking"):
        tree.file(f"/etc/init.d/{name}", "#!/sbin/openrc-run\n", 0o755)
        tree.symlink(f"/etc/runlevels/default/{name}", f"/etc/init.d/{name}")


FOLDERS = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "var/log", "bin", "sbin", "lib",
    "usr/bin", "usr/sbin", "var/lib/cloud",
)  # fmt: skip
EXTLINUX = f"""\
SERIAL 0 115200
DEFAULT virt
LABEL virt
  LINUX vmlinuz-virt
  INITRD initramfs-virt
  APPEND root=UUID={ROOT_UUID} modules=ext4 console=ttyS0,115200
"""
