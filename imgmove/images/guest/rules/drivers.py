"""G04: the kernel that will start has the drivers that it needs there, and has them early enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import BootEntry, Kernel
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen, Words
from imgmove.images.guest.rules.guest import Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
_VIRTIO_REFUSED: Final[Words] = {
    TENCENT: "CVM refuses it (VirtioNotInstall, told by mail only); the kernel would not see its disk or its network there",
    ECM: "the import refuses it as CVM does (VirtioNotInstall); the kernel would not see its disk or its network there",
    ANY: "{effect}",
}  # fmt: skip
_WHAT: Final = "kernel {version} has no {driver}: {place}"
_MODERN: Final = frozenset(
    {"anolis", "almalinux", "uos", "uniontech", "kylin", "rocky", "centos-stream", "alinux", "openeuler"}
)
#: Drivers without which there is no root file system, and the case that says so.
_EARLY: Final = ("virtio_pci", "virtio_blk")
_EFFECTS: Final = {
    "virtio_pci": "nothing of the machine's virtio devices is seen: no disk, no network",
    "virtio_blk": "the disk is not seen: the start ends in the initramfs's shell, or in a kernel panic",
    "virtio_net": "the machine starts without a network card: no SSH",
}

_CASES: Final = (
    *(
        Case(driver, _B, _WHAT, _VIRTIO_REFUSED, "on the source: {mend}", "tencent.md 3.3, 7.3; alibaba.md 3.2")
        for driver in ("virtio_pci", "virtio_blk", "virtio_net")
    ),
    Case(
        "nvme", {ALIBABA: _W}, _WHAT,
        "new instance families (c8i, r9i) have NVMe disks only: the image does not start on them",
        "on the source: {mend}; import with NVMe declared only after that. Families with virtio disks start it as it is",
        "alibaba.md 3.2",
    ),
    Case(
        "root-driver", _B, "kernel {version} has no {driver}, the driver of its root file system: {place}",
        "the root file system cannot be mounted: the start ends in the initramfs's shell, or in a kernel panic",
        "on the source: {mend}", "field.md 4.5",
    ),
    Case(
        "dm_mod", _B, "the root is a logical volume, and kernel {version} has no {driver}: {place}",
        "logical volumes cannot be set up: the start ends in the initramfs's shell", "on the source: {mend}", "field.md 4.5",
    ),
    Case(
        "lvm-tools", _B, "the root is a logical volume, and the initramfs {initramfs} has no lvm program",
        "nothing sets the volume up: the start ends in the initramfs's shell",
        "on the source: {install}, then {mend}", "field.md 4.5",
    ),
    Case(
        "kernel-missing", _B, "{about} starts {kernel}, which is not there",
        "the boot loader stops with \"file not found\"", "on the source: `{update_grub}`, and look at what /boot holds",
        "field.md 4.5",
    ),
    Case(
        "initramfs-missing", _B, "{about} loads {initramfs}, which is not there",
        "the boot loader stops with \"file not found\", or the kernel panics without its root",
        "on the source: {mend}, then `{update_grub}`", "field.md 4.5",
    ),
    Case(
        "initramfs-damaged", _W, "{initramfs} cannot be read to its end: {problem}",
        "if the kernel cannot either, it panics; nothing can be said of the drivers in it",
        "on the source: {mend}", "field.md 4.5",
    ),
    Case(
        "no-kernel", _B, "/boot holds no kernel", "a Linux disk without a kernel does not start (an image of a container?)",
        "on the source: {install} and install a boot loader, or make the image of a machine that runs", "field.md 4.5",
    ),
    Case(
        "no-boot-entry", _W, "no boot loader's configuration names a kernel (grub.cfg, loader entries, extlinux.conf)",
        "the boot loader stops at its prompt; or it is one that is not known here",
        "on the source: `{update_grub}`", "field.md 4.5",
    ),
    Case(
        "no-modules", _W, "kernel {version} has no folder /lib/modules/{version}",
        "no module can be loaded once the root is mounted: network and file systems may be missing",
        "on the source: install the kernel's package again, or make the entry of another kernel the default", "field.md 4.5",
    ),
    Case(
        "fw_cfg", {ALIBABA: _W}, "kernel {version} is built without CONFIG_FW_CFG_SYSFS",
        "ECS hands settings over through it on arm64 and to {name}: passwords and keys may not arrive",
        "on the source: install the distribution's own kernel", "alibaba.md 3.2",
    ),
    Case(
        "unified-kernel", _I, "the EFI system partition holds unified kernels ({files}), which are not opened here",
        "kernel and initramfs are in one signed file: whether its drivers suffice was not looked at",
        "make sure that it was built with virtio_blk, virtio_net and nvme (`lsinitrd FILE`)", "field.md 4.5",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    boot = guest.facts.boot
    if boot and boot.unified_kernels:
        yield Hit("unified-kernel", "EFI system partition", {"files": ", ".join(boot.unified_kernels[:3])})
        if guest.entry is None:
            yield Unseen("kernel and initramfs are in a unified kernel image")
    kernel, entry = guest.kernel, guest.entry
    if entry is not None:
        yield from _of_entry(entry, guest)
    elif not (boot and boot.unified_kernels):
        yield Hit("no-boot-entry", "/boot", {"update_grub": guest.update_grub()})
    if kernel is not None:
        yield from _of_kernel(kernel, guest)
    elif entry is None and not (boot and boot.unified_kernels):
        yield Hit("no-kernel", "/boot", {"install": guest.install("linux-image-amd64", "kernel")})


def _of_entry(entry: BootEntry, guest: Guest) -> Iterator[Hit]:
    words = {
        "kernel": entry.kernel, "initramfs": entry.initramfs, "update_grub": guest.update_grub(),
        "mend": guest.rebuild_initramfs(),
    }  # fmt: skip
    if entry.kernel_exists is False:
        yield Hit("kernel-missing", entry.at, words)
    if entry.initramfs_exists is False:
        yield Hit("initramfs-missing", entry.at, words)


def _of_kernel(kernel: Kernel, guest: Guest) -> Iterator[Hit | Unseen]:
    if kernel.initramfs_problem:
        yield Hit(
            "initramfs-damaged", kernel.initramfs,
            {"initramfs": kernel.initramfs, "problem": kernel.initramfs_problem, "mend": guest.rebuild_initramfs()},
        )  # fmt: skip
    if not kernel.has_modules and kernel.version:
        yield Hit("no-modules", f"/lib/modules/{kernel.version}", {"version": kernel.version})
    for driver in kernel.drivers:
        yield from _of_driver(driver, kernel, guest)
    if guest.root and guest.root.volume_group and kernel.has_lvm_tools is False:
        words = {
            "initramfs": kernel.initramfs,
            "install": guest.install("lvm2"),
            "mend": guest.rebuild_initramfs(),
        }
        yield Hit("lvm-tools", kernel.initramfs, words)
    if kernel.has_fw_cfg is False and (guest.is_arm or _is_modern(guest)):
        yield Hit("fw_cfg", kernel.config, {"version": kernel.version, "name": guest.os.name or "this system"})


def _is_modern(guest: Guest) -> bool:
    """A distribution that ECS demands more of."""
    return guest.os.id in _MODERN or "stream" in guest.os.name.lower()


def _of_driver(driver: str, kernel: Kernel, guest: Guest) -> Iterator[Hit | Unseen]:
    place = kernel.drivers[driver]
    is_early = driver != "virtio_net"
    if place in {"builtin", "initramfs"} or (place == "module" and not is_early):
        return
    if place == "unknown" or (place == "module" and kernel.initramfs_problem):
        yield Unseen(f"where kernel {kernel.version or '(unknown)'} has {driver} could not be seen")
        return
    case = driver if driver in {*_EARLY, "virtio_net", "nvme", "dm_mod"} else "root-driver"
    lacking = f"it is a module, and {kernel.initramfs or 'there is no initramfs, which'} does not hold it"
    words = {
        "version": kernel.version, "driver": driver, "effect": _EFFECTS.get(driver, ""),
        "place": lacking if place == "module" else "it is neither built in nor a module",
        "mend": guest.rebuild_initramfs(driver) if place == "module"
        else f"install the distribution's own kernel, one with {driver} (a slim or cloud kernel of another cloud may lack it)",
    }  # fmt: skip
    yield Hit(case, driver, words)


G04: Final = Rule(
    id="G04",
    title="The kernel has its drivers: virtio, NVMe, the root file system",
    looks_at="default boot entry, kernel configuration, modules, and the initramfs, which is really opened",
    cases=_CASES,
    look=_look,
    areas=("boot", "kernels"),
)
