"""The guard: looks at an image's header before anybody else does, and refuses what is hostile or cannot be.

Refused (CORRUPT, exit code 7): another format than declared; several formats at once; what needs other files (backing
files, data files, VMDK extents, parents); what is encrypted, cut off, or has sizes that no program writes; a disk that
is larger than the destination takes. Reads a few ranges, 8 MiB at most in all; allocates nothing by what a header says.
The model is the format inspector of oslo.utils (OpenStack's answer to CVE-2024-32498 and its family); where it is
installed, it is asked too (`second_opinion`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat, format_of_name
from imgmove.images import second_opinion
from imgmove.images.headers import archive, qcow2, vdi, vhd, vmdk
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, file_bytes, quoted, refuse
from imgmove.images.sniff import (
    TAIL_BYTES,
    foreign,
    has_boot_signature,
    has_partition_table,
    recognise_all,
)
from imgmove.images.tar_reader import MAX_DISK_BYTES

#: A disk that is larger is a size bomb: no service here takes half of it.
LIMIT_BYTES: Final = MAX_DISK_BYTES
_NAME_IT: Final = "name the right object; `imgmove import --force` sends it to the provider as it is"

#: What a disk may hold from its first byte on. Nothing starts from it; a disk of data may be so.
_WITHOUT_TABLE: Final = (
    (0x438, b"\x53\xef", "an ext2, ext3 or ext4 file system"),
    (0, b"XFSB", "an XFS file system"),
    (0x10040, b"_BHRfS_M", "a Btrfs file system"),
    (0x200, b"LABELONE", "a physical volume of LVM"),
)


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
        notes = second_opinion.ask(facts, image)
    except ImgmoveError as error:
        if error.kind is not Kind.CORRUPT:
            raise
        raise replace(error, message=f"{name} {error.message}") from error
    return replace(facts, notes=(*facts.notes, *notes))


def inspect_file(path: Path, declared: DiskFormat | None = None, *, system_disk: bool = False) -> Facts:
    """As `inspect`, of a local file."""
    return inspect(str(path), file_bytes(path), declared, system_disk=system_disk)


def _looked(image: ImageBytes, claimed: DiskFormat | None, system_disk: bool) -> Facts:
    head = image.head
    kinds = recognise_all(head, image.tail(TAIL_BYTES))
    found = kinds[0] if kinds else DiskFormat.RAW if has_partition_table(head) else None
    notes = (
        _check_one_only(head, kinds) if not _is_disk(head, kinds) else _check_disk(head, found, claimed, system_disk)
    )
    if found and claimed and found != claimed:
        refuse(
            "FormatMismatch", f"is said to be {claimed.value} and is {found.value}",
            f"give --format {found.value}, or rename the object",
        )  # fmt: skip
    facts = _LOOKS[found](image)
    return replace(facts, notes=(*facts.notes, *notes))


def _is_disk(head: bytes, kinds: tuple[DiskFormat, ...]) -> bool:
    """Is the beginning of the file the beginning of the disk? A fixed VHD is the disk and a footer."""
    return not kinds or (kinds == (DiskFormat.VHD,) and not head.startswith((b"conectix", b"cxsparse")))


def _check_one_only(head: bytes, kinds: tuple[DiskFormat, ...]) -> tuple[str, ...]:
    """A container is one container, and neither a partitioned disk nor a CD for those who look there."""
    names = [kind.value for kind in kinds]
    if kinds != (DiskFormat.RAW_TAR_GZ,):
        names += ["a partitioned disk"] if has_boot_signature(head) else []
        names += [other.name] if (other := foreign(head)) else []
    if len(names) > 1:
        refuse(
            "AmbiguousFormat", f"is {' and '.join(names)} at once: who reads it decides",
            "write it again in one format, from a source that is trusted",
        )  # fmt: skip
    return ()


def _check_disk(
    head: bytes, found: DiskFormat | None, claimed: DiskFormat | None, system_disk: bool
) -> tuple[str, ...]:
    """The first bytes of a disk: what may lie on it is noted, what takes its place is refused."""
    other = foreign(head)
    claims_disk = claimed in {None, DiskFormat.RAW, found}
    if other and claims_disk and not system_disk and (other.on_disk or (found and other.on_partitioned_disk)):
        return (f"it begins as {other.name}",)
    if other:
        refuse(other.code, f"is not a disk image: it is {other.name}", other.hint)
    if found is None and (system_disk or not claims_disk):
        refuse("NotAnImage", f"is not a disk image: it begins with {_described(head)}", _NAME_IT)
    return ()


def _described(head: bytes) -> str:
    if not head:
        return "nothing (it is empty)"
    if not head.strip(b"\0"):
        return "zeros, without a partition table"
    if head.lstrip()[:1] == b"<":
        return "markup, like a web page"
    for offset, magic, name in _WITHOUT_TABLE:
        if head[offset : offset + len(magic)] == magic:
            return f"{name}, without a partition table (a disk of data?)"
    beginning = head[:16].strip()
    return f"the text {quoted(beginning.decode())}" if _is_text(beginning) else f"the bytes {head[:8].hex(' ')}"


def _is_text(beginning: bytes) -> bool:
    return bool(beginning) and all(0x20 <= byte < 0x7F for byte in beginning)


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


_LOOKS: Final[dict[DiskFormat | None, Callable[[ImageBytes], Facts]]] = {
    None: _unknown,
    DiskFormat.RAW: _raw,
    DiskFormat.QCOW2: qcow2.look,
    DiskFormat.VMDK: vmdk.look,
    DiskFormat.VHD: vhd.look,
    DiskFormat.VDI: vdi.look,
    DiskFormat.RAW_TAR_GZ: archive.look,
}
