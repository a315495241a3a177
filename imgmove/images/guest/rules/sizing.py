"""G14: sizes, ages and layouts that the destination limits, or that make trouble later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.layout import FileSystem
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import GIB, Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
#: The largest system disk that an import takes, in GiB.
LARGEST_GIB: Final[Mapping[str, int]] = {TENCENT: 500, ECM: 500, ALIBABA: 2048}
#: Most data in an image, measured as qcow2: the size of any other format says nothing of it.
_MOST_DATA_GIB: Final = 50
_SMALLEST_GIB: Final = 20
_SMALLEST_WINDOWS_GIB: Final = 40
_OLDEST_KERNEL: Final = (3, 10)
#: Less free than this share of the root counts as full.
_FREE_SHARE: Final = 0.05

_CASES: Final = (
    Case(
        "disk-too-large", _B, "the disk has {gib} GiB, the import takes {limit} at most",
        {TENCENT: "CVM refuses it (InvalidFormatSize, told by mail only)", ECM: "the import refuses it as CVM does",
         ANY: "the import refuses it (InvalidImageSize)"},
        "shrink the file system and the disk on the source, or move data to a disk of its own",
        "tencent.md 3.3; alibaba.md 3.2",
    ),
    Case(
        "image-too-large", {TENCENT: _B, ECM: _B}, "the image has {gib} GiB of data, the import takes 50 at most",
        {TENCENT: "CVM refuses it (InvalidFormatSize, told by mail only)", ECM: "the import refuses it as CVM does"},
        "on the source: delete what is not needed, then `fstrim -av` (or write zeros into the free space), and export again",
        "tencent.md 3.3, 7.3",
    ),
    Case(
        "disk-small", {ALIBABA: _W}, "the disk has {gib} GiB, {least} are advised",
        "the machine's system disk is at least that large, and the root has to grow into it; some types refuse to start smaller "
        "images", "import with a larger disk size; growpart and resize2fs let the root grow at the first start",
        "field.md 4.1, 4.2 (rancher/os#2856); alibaba.md 3.2",
    ),
    Case(
        "old-kernel", _W, "kernel {version} is older than 3.10",
        "newer instance families do not start it, and its virtio drivers know old devices only",
        "choose an old instance family, or upgrade the system before the move", "field.md 4.2 (KernelVersion; UNCONFIRMED where "
        "the vendors draw the line)",
    ),
    Case(
        "32-bit", _W, "the system is 32-bit (i386)", "newer instance types start 64-bit systems only; 4 GB of memory are used",
        "choose a type that takes i386, and import with --arch i386", "tencent.md 2.1; alibaba.md 2.2",
    ),
    Case(
        "swap", {ALIBABA: _W, ANY: _I}, "{about} sets up swap on {device}",
        "cloud disks are billed by what they do, and slow for it; ECS's marketplace refuses images with swap",
        "on the source: `swapoff -a && {comment}`", "field.md 4.1",
    ),
    Case(
        "lvm-root", _W, "the root is a logical volume ({about})",
        "the clouds' own tools cannot grow it, reset its password or repair it offline; ECS's marketplace refuses it",
        "leave it, and grow it by hand (`pvresize`, `lvextend -r`); or move the root to a plain partition", "field.md 4.1",
    ),
    Case(
        "root-not-last", _W, "the root ({about}) is not the last partition: {after} lies behind it",
        "the root cannot grow when the disk does",
        "move what lies behind it (swap, a recovery partition) to the front, or into a file; or grow the disk no further",
        "field.md 4.1",
    ),
    Case(
        "root-full", _W, "the root has {free} MiB free of {total}",
        {TENCENT: "CVM's guide asks for a root that is not full; the first start writes keys, logs and settings",
         ANY: "the first start writes keys, logs and settings, and fails half-way"},
        "free some space on the source (`apt-get clean`, `journalctl --vacuum-size=100M`), or enlarge the root",
        "tencent.md 3.3",
    ),
    Case(
        "unclean", _W, "{about} was not unmounted cleanly: the image is of a machine that ran",
        "the first start repairs it; what was being written when the image was made may be lost",
        "make the image of a stopped machine if you can; else let the first start take its time", "field.md 4.1",
    ),
    Case(
        "no-growpart", {ALIBABA: _W}, "growpart is not installed",
        "the root stays as large as it is in the image, whatever the disk's size: ECS asks for growpart and resize2fs",
        "on the source: {install}", "alibaba.md 3.2",
    ),
    Case(
        "local-clock", {ALIBABA: _W}, "{about} says that the hardware clock runs in local time",
        "ECS asks for UTC on arm64: the clock is hours off at every start", "on the source: `timedatectl set-local-rtc 0`",
        "alibaba.md 3.2",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    yield from _of_disk(guest)
    if guest.kernel and _is_old(guest.kernel.version):
        yield Hit("old-kernel", "kernel", {"version": guest.kernel.version})
    if guest.os.architecture == "i386":
        yield Hit("32-bit", "system")
    for entry in guest.facts.fstab or ():
        if entry.kind == "swap" and "noauto" not in entry.options:
            comment = f"sed -i '{entry.line}s/^/#/' {quote(entry.file)}"
            yield Hit("swap", entry.at, {"device": entry.device, "comment": comment})
    yield from _of_root(guest)
    yield from _of_sundries(guest)


def _is_old(version: str) -> bool:
    """A version that cannot be read is not."""
    numbers = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return bool(numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST_KERNEL)


def _of_disk(guest: Guest) -> Iterator[Hit]:
    gib = guest.layout.disk_bytes / GIB
    limit = LARGEST_GIB.get(guest.target.provider)
    data_gib = guest.layout.file_bytes / GIB
    if guest.layout.format == "qcow2" and data_gib > _MOST_DATA_GIB:
        yield Hit("image-too-large", "image", {"gib": f"{data_gib:.1f}"})
    least = _SMALLEST_WINDOWS_GIB if guest.os.kind == "windows" else _SMALLEST_GIB
    words = {"gib": f"{gib:.1f}".removesuffix(".0"), "limit": str(limit), "least": str(least)}
    if limit and gib > limit:
        yield Hit("disk-too-large", "disk", words)
    if gib < least:
        yield Hit("disk-small", "disk", words)


def _of_root(guest: Guest) -> Iterator[Hit]:
    root, partition = guest.root, guest.root_partition
    if root is None:
        return
    if root.volume_group:
        yield Hit("lvm-root", root.where)
    elif partition:
        behind = [part for part in guest.layout.partitions if part.offset_bytes > partition.offset_bytes]
        # An extended partition begins before the logical ones in it, and is no partition of its own.
        behind = [part for part in behind if part.role != "extended"]
        if behind:
            after = f"partition {behind[0].number}" + (f" ({behind[0].role})" if behind[0].role else "")
            yield Hit("root-not-last", root.where, {"after": after})
    if root.is_clean is False:
        yield Hit("unclean", root.where)
    if _is_full(root):
        words = {"free": str((root.free_bytes or 0) >> 20), "total": str(root.size_bytes >> 20)}
        yield Hit("root-full", root.where, words)


def _is_full(root: FileSystem) -> bool:
    return root.free_bytes is not None and root.size_bytes > 0 and root.free_bytes < root.size_bytes * _FREE_SHARE


def _of_sundries(guest: Guest) -> Iterator[Hit]:
    found = guest.facts.sundries
    if found is None:
        return
    if found.has_growpart is False:
        yield Hit("no-growpart", "growpart", {"install": guest.install("cloud-guest-utils", "cloud-utils-growpart")})
    if found.local_clock_at and guest.is_arm:
        yield Hit("local-clock", found.local_clock_at)


G14: Final = Rule(
    id="G14",
    title="Sizes, kernel and layout suit the destination",
    looks_at="the disk's size, kernel version, architecture, swap, LVM, place and fullness of the root, growpart, the clock",
    cases=_CASES,
    look=_look,
    systems=frozenset({"linux", "windows"}),
)
