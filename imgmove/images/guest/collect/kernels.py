"""Kernels of a guest, and where each driver is that they need: in the kernel, in the initramfs, on the root, nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from imgmove.images.guest.collect.boot_entries import version_key
from imgmove.images.guest.collect.initramfs import LVM_TOOLS, Contents, driver_name, look_into
from imgmove.images.guest.collect.kernel_image import HEADER_BYTES, release_in
from imgmove.images.guest.collect.text_files import exists, first_existing, join, text_of
from imgmove.images.guest.facts import Boot, Kernel, bounded
from imgmove.images.guest.files import FileTree, FileTreeError
from imgmove.images.guest.layout import DiskLayout

#: Drivers and the kernel options that build them.
DRIVERS: Final[dict[str, tuple[str, ...]]] = {
    "virtio_pci": ("CONFIG_VIRTIO_PCI",),
    "virtio_blk": ("CONFIG_VIRTIO_BLK",),
    "virtio_net": ("CONFIG_VIRTIO_NET",),
    "nvme": ("CONFIG_BLK_DEV_NVME",),
    "ext4": ("CONFIG_EXT4_FS",),
    "ext3": ("CONFIG_EXT3_FS", "CONFIG_EXT4_FS"),
    "ext2": ("CONFIG_EXT2_FS", "CONFIG_EXT4_FS"),
    "xfs": ("CONFIG_XFS_FS",),
    "btrfs": ("CONFIG_BTRFS_FS",),
    "dm_mod": ("CONFIG_BLK_DEV_DM",),
}
#: Needed before the root file system is there, on every machine of these clouds.
EARLY: Final = ("virtio_pci", "virtio_blk")
#: May come from the root file system: nobody reads an initramfs to its end for them.
LATE: Final = frozenset({"virtio_net"})
_ALWAYS: Final = (*EARLY, "virtio_net", "nvme")
#: A driver that does another's work.
STAND_INS: Final = {"ext3": "ext4", "ext2": "ext4"}
MOST_KERNELS: Final = 16
_CONFIG_BYTES: Final = 1 << 20
_DEPENDENCIES_BYTES: Final = 4 << 20
_IMAGE_NAMES: Final = re.compile(r"(?:vmlinuz|vmlinux|[bz]?[iI]mage|kernel)-(.+)$")
_INITRAMFS_NAMES: Final = (
    "/boot/initramfs-{v}.img", "/boot/initrd.img-{v}", "/boot/initrd-{v}", "/boot/initrd-{v}.img", "/boot/initramfs-{v}",
    "/boot/initramfs-linux.img",
)  # fmt: skip
_MAKERS: Final = (
    ("initramfs-tools", ("/usr/sbin/update-initramfs", "/usr/sbin/mkinitramfs")),
    ("dracut", ("/usr/bin/dracut", "/sbin/dracut", "/usr/sbin/dracut")),
    ("mkinitcpio", ("/usr/bin/mkinitcpio",)),
    ("mkinitrd", ("/sbin/mkinitrd", "/usr/sbin/mkinitrd")),
    ("mkinitfs", ("/sbin/mkinitfs", "/usr/sbin/mkinitfs")),
)


@dataclass
class _Found:
    """A kernel that something speaks of, before it is looked at."""

    version: str
    image: str = ""
    initramfs: str | None = None
    """What the boot entry loads; None where no entry says it, so that it is looked for by its usual names."""
    is_default: bool = False


@dataclass
class _Sources:
    """Where a kernel's drivers may be, as far as it was read."""

    config: dict[str, str] = field(default_factory=dict)
    builtin: set[str] = field(default_factory=set)
    modules: set[str] | None = None
    initramfs: Contents = field(default_factory=Contents)


def collect_kernels(layout: DiskLayout, tree: FileTree, root_where: str, boot: Boot | None) -> tuple[Kernel, ...]:
    """The kernels on `tree`, the default first. Only the default's initramfs is opened: it is what will start."""
    found = _kernels(tree, boot)
    if found and not any(item.is_default for item in found):
        found[0].is_default = True
    wanted = wanted_drivers(layout, root_where)
    ordered = sorted(found, key=lambda item: not item.is_default)[:MOST_KERNELS]
    return tuple(_looked_at(tree, item, wanted) for item in ordered)


def wanted_drivers(layout: DiskLayout, root_where: str) -> tuple[str, ...]:
    """The drivers that a guest with this root needs on either cloud, or may want."""
    root = next((system for system in layout.file_systems if system.where == root_where), None)
    wanted = list(_ALWAYS)
    if root and root.kind in DRIVERS:
        wanted.append(root.kind)
    if root and root.volume_group:
        wanted.append("dm_mod")
    return tuple(wanted)


def _kernels(tree: FileTree, boot: Boot | None) -> list[_Found]:
    """The kernels in /boot, the newest first; the boot entries say which is the default, and its initramfs."""
    found = []
    for name in tree.list("/boot"):
        match = _IMAGE_NAMES.match(name)
        if match and "rescue" not in name and not name.endswith((".hmac", ".old", ".sig")):
            found.append(_Found(match[1], join("/boot", name)))
    found.sort(key=lambda item: version_key(item.version), reverse=True)
    for entry in boot.entries if boot else ():
        if not entry.is_default or not entry.kernel:
            continue
        item = next((item for item in found if item.image == entry.kernel), None)
        if item is None and entry.kernel_exists:
            item = _Found(_version_of(tree, entry.kernel), entry.kernel)
            found.append(item)
        if item:
            item.is_default = True
            is_usable = entry.initramfs_exists is not False and "$" not in entry.initramfs
            item.initramfs = entry.initramfs if is_usable else ""
    return found


def _version_of(tree: FileTree, image: str) -> str:
    """The version of a kernel that its file's name does not tell: a link's target, or the only modules there are."""
    name = (tree.readlink(image) or image).rsplit("/", 1)[-1]
    match = _IMAGE_NAMES.match(name)
    versions = tree.list("/lib/modules")
    return match[1] if match else versions[0] if len(versions) == 1 else ""


def _release_of(tree: FileTree, found: _Found) -> str:
    """What the kernel calls itself, and its modules' folder. Some distributions name its file after its flavour only."""
    if found.version and exists(tree, f"/lib/modules/{found.version}"):
        return found.version
    own = release_in(tree.read(found.image, HEADER_BYTES) or b"") if found.image else ""
    return own if own and (not found.version or exists(tree, f"/lib/modules/{own}")) else found.version


def _looked_at(tree: FileTree, found: _Found, wanted: tuple[str, ...]) -> Kernel:
    version = _release_of(tree, found)
    config = first_existing(tree, (f"/boot/config-{version}", f"/lib/modules/{version}/config",
                                   f"/usr/lib/modules/{version}/config", f"/boot/config-{found.version}"))  # fmt: skip
    initramfs = found.initramfs
    if initramfs is None:
        initramfs = first_existing(tree, tuple(name.format(v=version) for name in _INITRAMFS_NAMES))
    sources = _Sources(_options(tree, config), _builtin(tree, version))
    if found.is_default and initramfs:
        sources.initramfs = _initramfs(tree, initramfs, version, sources, wanted)
    if any(_place(driver, sources) in {"absent", "unknown"} for driver in wanted):
        sources.modules = _modules(tree, version)
    contents = sources.initramfs
    return Kernel(
        version=bounded(version),
        image=bounded(found.image),
        config=bounded(config),
        initramfs=bounded(initramfs),
        initramfs_format=contents.packing,
        initramfs_maker=next((maker for maker, paths in _MAKERS if first_existing(tree, paths)), ""),
        initramfs_problem=bounded(contents.problem or _of_another_kernel(contents, version)),
        is_default=found.is_default,
        has_modules=exists(tree, f"/lib/modules/{version}") if version else False,
        drivers={driver: _place(driver, sources) for driver in wanted},
        has_lvm_tools=True if LVM_TOOLS in contents.found else False if contents.is_whole else None,
        has_fw_cfg=_has_fw_cfg(sources.config),
    )


def _options(tree: FileTree, path: str) -> dict[str, str]:
    """The kernel's configuration: only what is set, by option."""
    data = tree.read(path, _CONFIG_BYTES) if path else None
    pairs = (line.partition("=") for line in text_of(data or b"").split("\n") if line.startswith("CONFIG_"))
    return {name: value[:1] for name, _, value in pairs}


def _builtin(tree: FileTree, version: str) -> set[str]:
    return _listed(tree.read(f"/lib/modules/{version}/modules.builtin", _CONFIG_BYTES) if version else None)


def _modules(tree: FileTree, version: str) -> set[str] | None:
    """The modules on the root file system; None where no list of them is there."""
    data = tree.read(f"/lib/modules/{version}/modules.dep", _DEPENDENCIES_BYTES) if version else None
    return None if data is None else _listed(data)


def _listed(data: bytes | None) -> set[str]:
    """Names of the modules in modules.builtin or modules.dep: what is before a line's colon, without folders."""
    paths = (line.partition(":")[0] for line in text_of(data or b"").split("\n"))
    return {driver_name(path.rsplit("/", 1)[-1].partition(".ko")[0]) for path in paths if ".ko" in path}


def _initramfs(tree: FileTree, path: str, version: str, sources: _Sources, wanted: tuple[str, ...]) -> Contents:
    """Search the initramfs for what the kernel does not have itself."""
    missing = {driver for driver in wanted if _place(driver, sources) != "builtin"}
    sought = {STAND_INS.get(driver, driver) for driver in missing - LATE}
    if "dm_mod" in wanted:
        sought.add(LVM_TOOLS)
    if not sought:
        return Contents()
    try:
        pieces = tree.stream(path)
        return (
            Contents(problem="it is no file")
            if pieces is None
            else look_into(pieces, frozenset(sought), version, also=LATE)
        )
    except FileTreeError as error:
        return Contents(problem=bounded(error))


def _of_another_kernel(contents: Contents, version: str) -> str:
    if not contents.versions or version in contents.versions or not version:
        return ""
    return f"it has modules for {', '.join(sorted(contents.versions))} only"


def _place(driver: str, sources: _Sources) -> str:
    """Where a driver is, as `Kernel.drivers` says it."""
    names = {driver, STAND_INS.get(driver, driver)}
    options = [sources.config.get(option, "") for option in DRIVERS[driver]]
    if "y" in options or names & sources.builtin:
        return "builtin"
    if names & sources.initramfs.found:
        return "initramfs"
    if sources.modules is not None:
        return "module" if names & sources.modules else "absent"
    if sources.config:
        return "module" if "m" in options else "absent"
    return "unknown"


def _has_fw_cfg(config: dict[str, str]) -> bool | None:
    return "CONFIG_FW_CFG_SYSFS" in config if config else None
