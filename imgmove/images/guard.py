"""The guard: looks at an image's header before anybody else does, and refuses what is hostile or cannot be.

Refused (CORRUPT, exit code 7): another format than declared; several formats at once; what needs other files (backing
files, data files, VMDK extents, parents); what is encrypted, cut off, or has sizes that no program writes; a disk that
is larger than the destination takes. Reads a few ranges, 8 MiB at most in all; allocates nothing by what a header says.
The model is the format inspector of oslo.utils (OpenStack's answer to CVE-2024-32498 and its family).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat, format_of_name
from imgmove.images.headers import qcow2, vdi, vhd, vmdk
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, file_bytes, refuse
from imgmove.images.sniff import TAIL_BYTES, foreign_name, has_partition_table, recognise_all, unpacked_head
from imgmove.images.tar_stream import open_tar

#: A disk that is larger is a size bomb: no service here takes half of it.
LIMIT_BYTES: Final = 32 << 40
_ARCHIVE_HEAD_BYTES: Final = 1 << 20


def inspect(
    name: str,
    image: ImageBytes,
    declared: DiskFormat | None = None,
    *,
    system_disk: bool,
    limit_bytes: int = LIMIT_BYTES,
) -> Facts:
    """What the image called `name` is. Raises CORRUPT for what is refused, and what `read` raises.

    `declared` is what the operator said; without it the suffix of `name` counts. A data disk may be raw without a
    partition table: then `Facts.format` is None ("cannot be told, the provider may look").
    """
    try:
        facts = _looked(image, declared or format_of_name(name), system_disk)
        _check_limit(facts, limit_bytes)
    except ImgmoveError as error:
        if error.kind is not Kind.CORRUPT:
            raise
        raise replace(error, message=f"{name} {error.message}") from error
    return facts


def inspect_file(path: Path, declared: DiskFormat | None = None, *, system_disk: bool = False) -> Facts:
    """As `inspect`, of a local file."""
    return inspect(str(path), file_bytes(path), declared, system_disk=system_disk)


def _looked(image: ImageBytes, claimed: DiskFormat | None, system_disk: bool) -> Facts:
    head = image.head
    kinds = recognise_all(head, image.tail(TAIL_BYTES))
    if len(kinds) > 1:
        refuse(
            "AmbiguousFormat", f"is {' and '.join(kind.value for kind in kinds)} at once: who reads it decides",
            "write it again in one format, from a source that is trusted",
        )  # fmt: skip
    found = kinds[0] if kinds else DiskFormat.RAW if has_partition_table(head) else None
    foreign = foreign_name(head) if found in {None, DiskFormat.RAW} else ""
    if (found is None or foreign) and (system_disk or claimed not in {None, DiskFormat.RAW}):
        refuse(
            "NotAnImage", f"is not a disk image: it is {foreign}" if foreign
            else f"is not a disk image: it begins with {_described(head)}",
            "name the right object; --force sends it to the provider as it is",
        )  # fmt: skip
    if found and claimed and found != claimed:
        refuse(
            "FormatMismatch", f"is said to be {claimed.value} and is {found.value}",
            f"give --format {found.value}, or rename the object",
        )  # fmt: skip
    return _LOOKS[found](image)


def _described(head: bytes) -> str:
    if not head:
        return "nothing (it is empty)"
    if not head.strip(b"\0"):
        return "zeros, without a partition table"
    if head.lstrip()[:1] == b"<":
        return "markup, like a web page"
    return f"the bytes {head[:8].hex(' ')}"


def _check_limit(facts: Facts, limit_bytes: int) -> None:
    size = facts.virtual_bytes
    if size is None:
        return
    if size > limit_bytes:
        refuse("TooLarge", f"is a disk of {size} bytes; {limit_bytes} are the limit", "shrink the disk, or split it")
    if facts.format not in {None, DiskFormat.RAW} and not size:
        refuse("AbsurdHeader", "is a disk of 0 bytes", "export or write the image again")


def _raw(image: ImageBytes) -> Facts:
    return Facts(DiskFormat.RAW, image.size_bytes)


def _unknown(image: ImageBytes) -> Facts:
    return Facts(None, image.size_bytes)


def _archive(image: ImageBytes) -> Facts:
    """The archive's first member, as far as its first bytes show it: it must be a raw disk, not another image."""
    unpacked = unpacked_head(image.head, _ARCHIVE_HEAD_BYTES)
    try:
        disk = open_tar(iter([unpacked]))
    except ImgmoveError as error:
        if error.code == "TruncatedTar":  # a sparse map longer than what was looked at: unpacking checks it
            return Facts(DiskFormat.RAW_TAR_GZ)
        raise replace(error, message=f"is refused: {error.message}") from error
    try:
        offset, first = next(disk.runs, (0, b""))
    except ImgmoveError as error:
        if error.code != "TruncatedTar":
            raise replace(error, message=f"is refused: {error.message}") from error
        offset, first = 0, b""
    inner = recognise_all(first) if offset == 0 else ()
    if inner:
        refuse(
            "FormatMismatch", f"holds a {inner[0].value} image where the raw disk should be",
            "unpack it, look at it, and import what is in it",
        )  # fmt: skip
    return Facts(DiskFormat.RAW_TAR_GZ, disk.size_bytes, disk.name[:100])


_LOOKS: Final[dict[DiskFormat | None, Callable[[ImageBytes], Facts]]] = {
    None: _unknown,
    DiskFormat.RAW: _raw,
    DiskFormat.QCOW2: qcow2.look,
    DiskFormat.VMDK: vmdk.look,
    DiskFormat.VHD: vhd.look,
    DiskFormat.VDI: vdi.look,
    DiskFormat.RAW_TAR_GZ: _archive,
}
