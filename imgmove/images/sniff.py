"""Recognising a disk image's format from its first and last bytes: the one place that does.

Magic numbers: qcow2 `QFI\\xfb`, sparse VMDK `KDMV` (ESX: `COWD`) and a text descriptor, VDI 0xbeda107f at 64, VHD
`conectix` at the start (dynamic) or in the last 512 bytes (fixed), gzip 1f 8b. Anything else may be a raw disk: then a
boot signature (55 AA) or a GPT header says that it really is one. What is known and no format of ours has a name.
"""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.image_bytes import HEAD_BYTES
from imgmove.images.headers.vmdk_descriptor import is_descriptor

__all__ = [
    "HEAD_BYTES",
    "TAIL_BYTES",
    "Foreign",
    "foreign",
    "has_boot_signature",
    "has_partition_table",
    "recognise",
    "recognise_all",
    "unpacked_head",
]

#: `HEAD_BYTES` of an object's beginning are enough to tell; its last 512 bytes tell a fixed VHD.
TAIL_BYTES: Final = 512

_MAGIC: Final[tuple[tuple[int, bytes, DiskFormat], ...]] = (
    (0, b"QFI\xfb", DiskFormat.QCOW2),
    (0, b"KDMV", DiskFormat.VMDK),
    (0, b"COWD", DiskFormat.VMDK),
    (64, b"\x7f\x10\xda\xbe", DiskFormat.VDI),
    (0, b"conectix", DiskFormat.VHD),
    (0, b"cxsparse", DiskFormat.VHD),
)


class Foreign(NamedTuple):
    """Bytes that are known, and are no disk image of ours."""

    offset: int
    magic: bytes
    name: str
    code: str = "NotAnImage"
    hint: str = "name the right object; `imgmove import --force` sends it to the provider as it is"
    on_disk: bool = False
    """A disk of data may begin so: what a machine wrote there is its own business."""
    on_partitioned_disk: bool = False
    """The same, of a disk with a partition table: an old CD's bytes survive in front of the first partition."""


_NO_KEY: Final = "a system disk must begin in the clear; a disk of data may be encrypted: import it as one"
_CD: Final = "an ISO 9660 or UDF image (a CD or an installation medium)"
#: What is met in practice where a disk image should be, and what programs that guess formats would open.
_FOREIGN: Final = (
    Foreign(0, b"LUKS\xba\xbe", "a LUKS container (an encrypted disk)", "EncryptedImage", _NO_KEY, on_disk=True),
    *(Foreign(0x8001, magic, _CD, on_partitioned_disk=True) for magic in (b"CD001", b"BEA01", b"NSR02", b"NSR03")),
    Foreign(0, b"vhdxfile", "a VHDX, which no importer here takes"),
    Foreign(0, b"QED\0", "a QED image, which no importer takes"),
    Foreign(0, b"OOOM\xff\xff\xff\xff", "a COW image"),
    Foreign(0, b"WithoutFreeSpace", "a Parallels image"),
    Foreign(0, b"WithouFreSpacExt", "a Parallels image"),
    Foreign(0, b"Bochs Virtual HD Image", "a Bochs image"),
    Foreign(0, b"#!/bin/sh\n#V2.0 Format\n", "a cloop image"),
    Foreign(0, b"PK\x03\x04", "a ZIP archive"),
    Foreign(0, b"\xfd7zXZ\0", "an xz archive"),
    Foreign(0, b"BZh", "a bzip2 archive"),
    Foreign(0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    Foreign(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    Foreign(257, b"ustar", "a tar archive that is not compressed (an OVA?)"),
    Foreign(0, b"\x1f\x8b", "a gzip file without a tar archive in it"),
)


def recognise_all(head: bytes, tail: bytes = b"") -> tuple[DiskFormat, ...]:
    """Every container format that these bytes may be taken for. More than one: somebody plays tricks."""
    found = [kind for offset, magic, kind in _MAGIC if head[offset : offset + len(magic)] == magic]
    if not found and is_descriptor(head):
        found.append(DiskFormat.VMDK)
    if tail[-TAIL_BYTES:][:8] == b"conectix":
        found.append(DiskFormat.VHD)
    if head[:2] == b"\x1f\x8b" and unpacked_head(head, 1024)[257:262] == b"ustar":
        found.append(DiskFormat.RAW_TAR_GZ)
    return tuple(dict.fromkeys(found))


def recognise(head: bytes, tail: bytes = b"") -> DiskFormat | None:
    """The format of a disk image, or None where these bytes are no disk image that we know.

    `head` is the beginning (up to `HEAD_BYTES`), `tail` the last `TAIL_BYTES` (may be empty: then a fixed VHD looks
    like the raw disk that it begins with).
    """
    found = recognise_all(head, tail)
    if found:
        return found[0]
    return DiskFormat.RAW if has_partition_table(head) else None


def unpacked_head(head: bytes, most_bytes: int) -> bytes:
    """What the beginning of a gzip stream inflates to, up to `most_bytes`; nothing where it is none."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, most_bytes)
    except zlib.error:
        return b""


def has_partition_table(head: bytes) -> bool:
    return has_boot_signature(head) or head[512:520] == b"EFI PART" or head[4096:4104] == b"EFI PART"


def has_boot_signature(head: bytes) -> bool:
    return head[510:512] == b"\x55\xaa"


def foreign(head: bytes) -> Foreign | None:
    """What the bytes are instead of a disk image of ours; None where nothing is known of them."""
    return next((item for item in _FOREIGN if head[item.offset : item.offset + len(item.magic)] == item.magic), None)
