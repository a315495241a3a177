"""G03: root and everything mounted at boot have names that hold on the new machine, and are on this disk."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import FstabEntry
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.guest.rules.catalogue import Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.devices import Means, what_it_means
from imgmove.images.guest.rules.guest import Guest

_B, _W = Severity.BLOCK, Severity.WARN
_EMERGENCY: Final = "the start waits 90 seconds for it, then ends in emergency mode: no network, no SSH"
_SOURCE: Final = "field.md 4.1, 4.2, 4.4"
_NO_DISK: Final = frozenset({"none", "proc", "sysfs", "tmpfs", "devpts", "devtmpfs", "efivarfs", "cgroup", "debugfs"})
#: Mounted when somebody asks for it, not by the start.
_ON_DEMAND: Final = frozenset({"noauto", "x-systemd.automount", "comment=systemd.automount"})

_CASES: Final = (
    Case(
        "fstab-wrong-name", _B, "{about} mounts {device} at {mount_point}; the disk is called vda or nvme0n1 there",
        _EMERGENCY, "in {about} write UUID={uuid} instead of {device}{blkid}", _SOURCE,
    ),
    Case(
        "fstab-kernel-name", _W, "{about} mounts {device} at {mount_point} by the kernel's name",
        "it holds as long as the disk is a virtio disk and the first one; instance types with NVMe disks call it nvme0n1",
        "in {about} write UUID={uuid} instead of {device}{blkid}", _SOURCE,
    ),
    Case(
        "fstab-other-disk", _B, "{about} mounts {device} at {mount_point}, which is another disk and does not come along",
        _EMERGENCY, "in {about} add `nofail` to the options ({options}), or take the line out: `{comment}`",
        "field.md 4.1, 4.4; tencent.md 7.4",
    ),
    Case(
        "fstab-absent", _B, "{about} mounts {device} at {mount_point}, and nothing on this disk has that name", _EMERGENCY,
        "if it is a data disk that stays behind: in {about} add `nofail` to the options ({options}), or take the line out: "
        "`{comment}`; else correct the name (`blkid` lists them)", "field.md 4.1, 4.4; tencent.md 7.4",
    ),
    Case(
        "fstab-swap-absent", _W, "{about} has swap on {device}, which is not on this disk",
        "the start waits 90 seconds for it", "`{comment}`", _SOURCE,
    ),
    Case(
        "fstab-network", _W, "{about} mounts {device} at {mount_point} over the network",
        "file servers of the old network are not there: the start waits for it, some systems stop",
        "in {about} add `nofail,_netdev` to the options ({options}), or take the line out: `{comment}`", _SOURCE,
    ),
    Case(
        "root-wrong-name", _B, "{about} starts the kernel with root={device}; the disk is called vda or nvme0n1 there",
        "the kernel does not find its root file system: the start ends in the initramfs's shell",
        "on the source: remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub, then `{update_grub}`; or write root=UUID={uuid} "
        "into {about}", _SOURCE,
    ),
    Case(
        "root-kernel-name", _W, "{about} starts the kernel with root={device}, the kernel's name of the disk",
        "it holds as long as the disk is a virtio disk and the first one; instance types with NVMe disks call it nvme0n1",
        "on the source: write root=UUID={uuid} into {about}, or remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub and run "
        "`{update_grub}`", _SOURCE,
    ),
    Case(
        "root-absent", _B, "{about} starts the kernel with root={device}, and nothing on this disk has that name",
        "the kernel does not find its root file system: the start ends in the initramfs's shell",
        "on the source: `{update_grub}`; or write root=UUID={uuid} into {about}", _SOURCE,
    ),
    Case(
        "resume-absent", _W, "{about} starts the kernel with resume={device}, which is not on this disk",
        "the start waits for it, up to 90 seconds", "remove resume=… from {about} and from /etc/default/grub, then "
        "`{update_grub}`", _SOURCE,
    ),
    Case(
        "grub-defaults", _W, "{about} has root={device} for every kernel",
        "the next update of the kernel writes that name into the boot menu, and the machine does not start after it",
        "remove root=… from {about}, then `{update_grub}`", _SOURCE,
    ),
    Case(
        "fstab-crypt", _B, "{about} unlocks {device} at boot, which is another disk and does not come along",
        _EMERGENCY, "in {about} add `nofail` to the options, or take the line out: `{comment}`", _SOURCE,
    ),
)  # fmt: skip

_MOUNT_CASES: Final = {
    Means.WRONG_NAME: "fstab-wrong-name", Means.KERNEL_NAME: "fstab-kernel-name", Means.OTHER_DISK: "fstab-other-disk",
    Means.ABSENT: "fstab-absent", Means.NETWORK: "fstab-network",
}  # fmt: skip
_ROOT_CASES: Final = {
    Means.WRONG_NAME: "root-wrong-name", Means.KERNEL_NAME: "root-kernel-name", Means.OTHER_DISK: "root-wrong-name",
    Means.ABSENT: "root-absent",
}  # fmt: skip
_GONE: Final = frozenset({Means.OTHER_DISK, Means.ABSENT})


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    for entry in guest.facts.fstab or ():
        yield from _of_fstab(entry, guest)
    yield from _of_kernel(guest)
    for line in guest.facts.sundries.crypttab if guest.facts.sundries else ():
        device = line.value.split()[-1] if line.value else ""
        if what_it_means(device, guest.layout) in _GONE:
            yield Hit("fstab-crypt", line.at, {"device": device, "comment": _comment(line.file, line.line)})


def _of_fstab(entry: FstabEntry, guest: Guest) -> Iterator[Hit]:
    if entry.device in _NO_DISK or _ON_DEMAND & set(entry.options):
        return
    means = what_it_means(entry.device, guest.layout, entry.kind)
    values = {
        "device": entry.device, "mount_point": entry.mount_point, "options": ",".join(entry.options) or "defaults",
        "comment": _comment(entry.file, entry.line),
        **_uuid_words(_uuid_of(entry.device, entry.mount_point, guest)),
    }  # fmt: skip
    if entry.kind == "swap" or entry.mount_point == "swap":
        if means in _GONE | {Means.WRONG_NAME} and "nofail" not in entry.options:
            yield Hit("fstab-swap-absent", entry.at, values)
    elif means in _MOUNT_CASES and not ("nofail" in entry.options and entry.mount_point != "/"):
        yield Hit(_MOUNT_CASES[means], entry.at, values)


def _comment(file: str, line: int) -> str:
    """The command that takes a line out."""
    return f"sed -i '{line}s/^/#/' {quote(file)}"


def _of_kernel(guest: Guest) -> Iterator[Hit | Unseen]:
    root = guest.root
    words = {"uuid": root.uuid if root and root.uuid else "(of `blkid`)", "update_grub": guest.update_grub()}
    entry = guest.entry
    if entry is None:
        yield Unseen("no boot entry was found, so nothing is known of root=")
    else:
        device = _argument(entry.arguments, "root")
        case = _ROOT_CASES.get(what_it_means(device, guest.layout)) if device else None
        if case:
            yield Hit(case, entry.at, {"device": device, **words})
        resume = _argument(entry.arguments, "resume")
        if resume and what_it_means(resume, guest.layout) in _GONE | {Means.WRONG_NAME}:
            yield Hit("resume-absent", entry.at, {"device": resume, **words})
    for mention in guest.facts.boot.grub_defaults if guest.facts.boot else ():
        device = _argument(mention.value, "root")
        if device and what_it_means(device, guest.layout) is not Means.HERE:
            yield Hit("grub-defaults", mention.at, {"device": device, **words})


def _argument(text: str, name: str) -> str:
    """The last of an argument counts, as for the kernel."""
    found = [word.partition("=")[2] for word in text.split() if word.startswith(f"{name}=")]
    return found[-1].strip("\"'") if found else ""


def _uuid_of(device: str, mount_point: str, guest: Guest) -> str:
    """The UUID to write instead of a device's name; empty where it cannot be told."""
    if mount_point == "/" and guest.root:
        return guest.root.uuid
    number = device.rstrip("0123456789")
    return _uuid_of_partition(device[len(number) :], guest.layout)


def _uuid_of_partition(number: str, layout: DiskLayout) -> str:
    return next((system.uuid for system in layout.file_systems if number and str(system.partition) == number), "")


def _uuid_words(uuid: str) -> dict[str, str]:
    return {"uuid": uuid or "…", "blkid": "" if uuid else " (`blkid` on the source tells it)"}


G03: Final = Rule(
    id="G03",
    title="Disks are mounted by names that hold on the new machine",
    looks_at="/etc/fstab, /etc/crypttab, root= and resume= of the default boot entry, /etc/default/grub",
    cases=_CASES,
    look=_look,
    areas=("fstab", "boot"),
)
