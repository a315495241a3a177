"""Initial RAM disks as initramfs-tools and dracut make them, with microcode in front and in every packing."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable

import lz4.block
import zstandard

from tests.images.real.boot import cpio, modules
from tests.images.real.tree import Tree

FOR_A_CLOUD = ("virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "sd_mod", "nvme", "ext4", "xfs", "vfat")
LZ4_BLOCK = 8 << 20


def initramfs_tools(
    release: str,
    *,
    drivers: tuple[str, ...] = FOR_A_CLOUD,
    packing: str = "zstd",
    microcode: bool = True,
    lvm_tools: bool = False,
    bulk: int = 0,
) -> bytes:
    """Debian's /boot/initrd.img-…: `drivers` and what they need; `bulk` bytes of firmware that do not pack."""
    tree = Tree()
    for link in ("bin", "lib", "sbin"):
        tree.symlink(f"/{link}", f"usr/{link}")
    modules.put_modules(tree, f"/usr/lib/modules/{release}", modules.needed(*drivers))
    tree.file("/usr/bin/busybox", modules.contents("busybox"), 0o755)
    tree.file("/usr/sbin/modprobe", modules.contents("kmod"), 0o755)
    if lvm_tools:
        tree.file("/usr/sbin/lvm", modules.contents("lvm"), 0o755)
    tree.file("/conf/initramfs.conf", "MODULES=most\nBUSYBOX=auto\n")
    tree.file("/conf/modules", "")
    tree.file("/init", "#!/bin/sh\nexport ROOT=\n", 0o755)
    tree.file("/scripts/local", "mountroot() { :; }\n")
    tree.file("/etc/modprobe.d/aliases.conf", "")
    if bulk:
        tree.file("/usr/lib/firmware/large.bin", modules.noise("firmware", bulk))
    return (early_microcode() if microcode else b"") + PACKINGS[packing](cpio.archive(tree))


def dracut(release: str, *, drivers: tuple[str, ...] = FOR_A_CLOUD, packing: str = "gzip") -> bytes:
    """RHEL's /boot/initramfs-….img: modules are packed, and dracut's own names lie about."""
    tree = Tree()
    for link in ("bin", "lib", "lib64", "sbin"):
        tree.symlink(f"/{link}", f"usr/{link}")
    modules.put_modules(tree, f"/usr/lib/modules/{release}", modules.needed(*drivers), ".xz")
    tree.file("/usr/lib/dracut/dracut-057-21.git20230214.el9", "")
    tree.file("/usr/lib/dracut/modules.txt", "systemd\nkernel-modules\nrootfs-block\n")
    tree.file("/usr/bin/bash", modules.contents("bash"), 0o755)
    tree.symlink("/init", "usr/lib/systemd/systemd")
    tree.file("/usr/lib/systemd/systemd", modules.contents("systemd"), 0o755)
    tree.file("/etc/cmdline.d/90-lvm.conf", "")
    return early_microcode() + PACKINGS[packing](cpio.archive(tree))


def early_microcode() -> bytes:
    """The unpacked archive in front, which the kernel reads before anything is unpacked."""
    tree = Tree()
    tree.file("/kernel/x86/microcode/GenuineIntel.bin", modules.noise("microcode", 40_000))
    tree.file("/kernel/x86/microcode/AuthenticAMD.bin", modules.noise("microcode of the other", 20_000))
    return cpio.archive(tree)


def _lz4_legacy(data: bytes) -> bytes:
    """`lz4 -l`, the only lz4 that the kernel reads: blocks of 8 MiB, each with its length in front."""
    pieces = [data[start : start + LZ4_BLOCK] for start in range(0, len(data), LZ4_BLOCK)]
    blocks = [lz4.block.compress(piece, store_size=False) for piece in pieces]
    return b"\x02\x21\x4c\x18" + b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32, preset=0),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE, preset=0),
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "lz4": _lz4_legacy,
}
