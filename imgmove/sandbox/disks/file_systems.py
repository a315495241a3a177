"""File-system signatures: ext2/3/4, XFS, btrfs, NTFS, FAT, swap, LVM2 and LUKS, by their superblocks alone."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

from imgmove.sandbox.disks.model import DiskReader
from imgmove.sandbox.disks.partitions import partitions

_EXT_MAGIC_OFFSET = 0x438
_BTRFS_OFFSET = 64 << 10

# (word of the superblock, bit, name) of the ext features that matter to importers; alibaba.md 3.2.
_EXT_FEATURES = (
    (0, 0x0004, "has_journal"),
    (1, 0x0040, "extents"),
    (1, 0x0080, "64bit"),
    (2, 0x0008, "huge_file"),
    (2, 0x0100, "quota"),
    (2, 0x0400, "metadata_csum"),
    (2, 0x2000, "project"),
)
_EXT4_ONLY = frozenset({"extents", "64bit", "huge_file", "metadata_csum"})


@dataclass(frozen=True)
class FileSystem:
    """A file system, swap area or physical volume. `partition` is the partition's number, or None where it fills the
    whole disk; `features` are those of ext2/3/4 that importers ask about ("64bit", "project", "quota", …)."""

    kind: str
    offset_bytes: int
    size_bytes: int
    partition: int | None = None
    uuid: str = ""
    label: str = ""
    features: frozenset[str] = frozenset()


def file_systems(reader: DiskReader) -> list[FileSystem]:
    """What is found at the start of each partition, or of the disk where it has no partitions; what is not known is
    not listed. Reads some KB of each, ascending."""
    found = partitions(reader)
    if not found:
        whole = signature_at(reader, 0, reader.virtual_size_bytes)
        return [] if whole is None else [whole]
    signatures = (
        signature_at(reader, part.offset_bytes, part.size_bytes, part.number)
        for part in sorted(found, key=lambda part: part.offset_bytes)
    )
    return [signature for signature in signatures if signature is not None]


def signature_at(
    reader: DiskReader, offset_bytes: int, size_bytes: int, partition: int | None = None
) -> FileSystem | None:
    """The file system that starts at `offset_bytes`, or None."""
    head = reader.read(offset_bytes, min(4096, size_bytes)).ljust(4096, b"\0")
    for detect in (_ext, _xfs, _ntfs, _fat, _swap, _lvm, _luks):
        found = detect(head)
        if found is not None:
            kind, identity, label, features = found
            return FileSystem(kind, offset_bytes, size_bytes, partition, identity, label, features)
    if size_bytes > _BTRFS_OFFSET:
        block = reader.read(offset_bytes + _BTRFS_OFFSET, 0x400)
        if block[0x40:0x48] == b"_BHRfS_M":
            label = _text(block[0x12B:0x22B])
            return FileSystem("btrfs", offset_bytes, size_bytes, partition, _uuid(block[0x20:0x30]), label)
    return None


_Found = tuple[str, str, str, frozenset[str]]


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace").strip()


def _uuid(data: bytes) -> str:
    return str(uuid.UUID(bytes=data))


def _ext(head: bytes) -> _Found | None:
    if head[_EXT_MAGIC_OFFSET : _EXT_MAGIC_OFFSET + 2] != b"\x53\xef":
        return None
    words = struct.unpack_from("<3I", head, 0x45C)
    features = frozenset(name for word, bit, name in _EXT_FEATURES if words[word] & bit)
    kind = "ext4" if features & _EXT4_ONLY else "ext3" if "has_journal" in features else "ext2"
    return kind, _uuid(head[0x468:0x478]), _text(head[0x478:0x488]), features


def _xfs(head: bytes) -> _Found | None:
    if head[:4] != b"XFSB":
        return None
    return "xfs", _uuid(head[32:48]), _text(head[108:120]), frozenset()


def _ntfs(head: bytes) -> _Found | None:
    if head[3:11] != b"NTFS    " or head[510:512] != b"\x55\xaa":
        return None
    return "ntfs", head[0x48:0x50][::-1].hex(), "", frozenset()


def _fat(head: bytes) -> _Found | None:
    if head[510:512] != b"\x55\xaa":
        return None
    for kind_offset, volume_offset in ((54, 39), (82, 67)):
        if head[kind_offset : kind_offset + 3] == b"FAT":
            volume = head[volume_offset : volume_offset + 4][::-1].hex()
            return "fat", volume, _text(head[volume_offset + 4 : volume_offset + 15]), frozenset()
    return None


def _swap(head: bytes) -> _Found | None:
    if head[4086:4096] not in (b"SWAPSPACE2", b"SWAP-SPACE"):
        return None
    return "swap", _uuid(head[0x40C:0x41C]), _text(head[0x41C:0x42C]), frozenset()


def _lvm(head: bytes) -> _Found | None:
    for sector in range(0, 2048, 512):  # the label may stand in any of the first four sectors
        if head[sector : sector + 8] == b"LABELONE" and head[sector + 24 : sector + 32] == b"LVM2 001":
            return "lvm2", _text(head[sector + 32 : sector + 64]), "", frozenset()
    return None


def _luks(head: bytes) -> _Found | None:
    if head[:6] != b"LUKS\xba\xbe":
        return None
    return "luks", _text(head[168:208]), "", frozenset()
