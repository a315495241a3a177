"""Kernel modules of a small Debian-like kernel: where each lies, and what it needs."""

from __future__ import annotations

import hashlib
import lzma

from tests.images.real.tree import Tree

# module -> (directory below kernel/, modules it needs)
MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "virtio": ("drivers/virtio", ("virtio_ring",)),
    "virtio_ring": ("drivers/virtio", ()),
    "virtio_pci_modern_dev": ("drivers/virtio", ()),
    "virtio_pci_legacy_dev": ("drivers/virtio", ()),
    "virtio_pci": ("drivers/virtio", ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev")),
    "virtio_blk": ("drivers/block", ("virtio", "virtio_ring")),
    "virtio_scsi": ("drivers/scsi", ("virtio", "virtio_ring", "scsi_mod", "scsi_common")),
    "virtio_net": ("drivers/net", ("virtio", "virtio_ring", "net_failover")),
    "net_failover": ("drivers/net", ("failover",)),
    "failover": ("net/core", ()),
    "scsi_common": ("drivers/scsi", ()),
    "scsi_mod": ("drivers/scsi", ("scsi_common",)),
    "sd_mod": ("drivers/scsi", ("scsi_mod", "scsi_common")),
    "nvme_core": ("drivers/nvme/host", ()),
    "nvme": ("drivers/nvme/host", ("nvme_core",)),
    "ext4": ("fs/ext4", ("jbd2", "mbcache", "crc16")),
    "jbd2": ("fs/jbd2", ()),
    "mbcache": ("fs", ()),
    "crc16": ("lib", ()),
    "xfs": ("fs/xfs", ("libcrc32c",)),
    "libcrc32c": ("lib", ()),
    "dm_mod": ("drivers/md", ()),
    "vfat": ("fs/fat", ("fat",)),
    "fat": ("fs/fat", ()),
    "isofs": ("fs/isofs", ("cdrom",)),
    "cdrom": ("drivers/cdrom", ()),
}
"""Names as the kernel spells them; files have `-` where Debian's have it."""

HYPHENATED = {"nvme_core": "nvme-core", "dm_mod": "dm-mod"}
BUILT_IN = (
    "kernel/drivers/tty/serial/8250/8250.ko",
    "kernel/drivers/firmware/qemu_fw_cfg.ko",
    "kernel/fs/proc/proc.ko",
)


def path_of(module: str, suffix: str = "") -> str:
    """Where a module lies below /lib/modules/RELEASE."""
    folder, _ = MODULES[module]
    return f"kernel/{folder}/{HYPHENATED.get(module, module)}.ko{suffix}"


def needed(*modules: str) -> list[str]:
    """The modules and all that they need, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += MODULES[module][1]
    return sorted(found)


def put_modules(tree: Tree, folder: str, modules: list[str], suffix: str = "", *, bulk: int = 0) -> None:
    """The modules with modules.dep, modules.order and modules.builtin in `folder`; `bulk` bytes more in each."""
    for module in modules:
        tree.file(f"{folder}/{path_of(module, suffix)}", contents(module, suffix, bulk))
    lines = [_dependencies(module, suffix) for module in modules]
    tree.file(f"{folder}/modules.dep", "".join(f"{line}\n" for line in lines))
    tree.file(f"{folder}/modules.order", "".join(f"{path_of(module)}\n" for module in modules))
    tree.file(f"{folder}/modules.builtin", "".join(f"{name}\n" for name in BUILT_IN))


def contents(module: str, suffix: str = "", bulk: int = 0) -> bytes:
    """An ELF head and the text that modinfo would print; as hard to pack as a real one where there is bulk."""
    elf = bytes.fromhex("7f454c4602010100") + bytes(8) + bytes.fromhex("01003e0001000000") + bytes(40)
    data = elf + f"license=GPL\0name={module}\0vermagic=SMP preempt mod_unload\0".encode() + noise(module, bulk)
    return lzma.compress(data, check=lzma.CHECK_CRC32) if suffix == ".xz" else data


def noise(name: str, length: int) -> bytes:
    """Bytes that do not repeat, the same for each name."""
    return hashlib.shake_128(name.encode()).digest(length)


def _dependencies(module: str, suffix: str) -> str:
    below = [path_of(name, suffix) for name in needed(module) if name != module]
    return f"{path_of(module, suffix)}: {' '.join(below)}".rstrip() if below else f"{path_of(module, suffix)}:"
