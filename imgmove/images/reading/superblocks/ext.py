"""ext2, ext3 and ext4: the superblock, 1024 bytes after the start."""

from __future__ import annotations

from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.signature import Signature, names_of, text_of, uuid_of

OFFSET: Final = 1024
SIZE: Final = 1024
MAGIC_AT: Final = 0x38
MAGIC: Final = b"\x53\xef"
UUID_AT: Final = 0x68
COMPATIBLE_AT: Final = 0x5C
INCOMPATIBLE_AT: Final = 0x60
_READ_ONLY_AT: Final = 0x64
_MOST_BLOCK_SHIFT: Final = 16
_VALID: Final = 1
_ERRORS: Final = 2
NEEDS_RECOVERY: Final = 0x4
JOURNAL_DEVICE: Final = 0x8
_INLINE_DATA: Final = 0x8000

COMPATIBLE: Final[dict[int, str]] = {
    0x1: "dir_prealloc", 0x2: "imagic_inodes", 0x4: "has_journal", 0x8: "ext_attr", 0x10: "resize_inode",
    0x20: "dir_index", 0x40: "lazy_bg", 0x200: "sparse_super2", 0x400: "fast_commit", 0x800: "stable_inodes",
    0x1000: "orphan_file",
}  # fmt: skip
INCOMPATIBLE: Final[dict[int, str]] = {
    0x1: "compression", 0x2: "filetype", NEEDS_RECOVERY: "needs_recovery", JOURNAL_DEVICE: "journal_dev",
    0x10: "meta_bg", 0x40: "extent", 0x80: "64bit", 0x100: "mmp", 0x200: "flex_bg", 0x400: "ea_inode",
    0x1000: "dirdata", 0x2000: "metadata_csum_seed", 0x4000: "large_dir", _INLINE_DATA: "inline_data", 0x10000: "encrypt",
    0x20000: "casefold",
}  # fmt: skip
READ_ONLY: Final[dict[int, str]] = {
    0x1: "sparse_super", 0x2: "large_file", 0x8: "huge_file", 0x10: "uninit_bg", 0x20: "dir_nlink",
    0x40: "extra_isize", 0x80: "snapshot", 0x100: "quota", 0x200: "bigalloc", 0x400: "metadata_csum",
    0x1000: "read-only", 0x2000: "project", 0x4000: "shared_blocks", 0x8000: "verity", 0x10000: "orphan_present",
}  # fmt: skip
#: What only ext4 has; with a journal and none of these it is ext3.
_EXT4: Final = frozenset(
    {"extent", "64bit", "flex_bg", "meta_bg", "mmp", "inline_data", "encrypt", "casefold", "ea_inode", "large_dir",
     "huge_file", "dir_nlink", "extra_isize", "uninit_bg", "metadata_csum", "bigalloc", "project", "verity",
     "metadata_csum_seed"}
)  # fmt: skip


def look(device: Device) -> Signature | None:
    block = device.read_at(OFFSET, SIZE)
    if len(block) < SIZE or block[MAGIC_AT : MAGIC_AT + 2] != MAGIC:
        return None
    incompatible = _number(block, INCOMPATIBLE_AT, 4)
    features = (
        *names_of(_number(block, COMPATIBLE_AT, 4), COMPATIBLE, "compat"),
        *names_of(incompatible, INCOMPATIBLE, "incompat"),
        *names_of(_number(block, _READ_ONLY_AT, 4), READ_ONLY, "ro_compat"),
    )
    state = _number(block, 0x3A, 2)
    is_clean = bool(state & _VALID) and not state & _ERRORS and not incompatible & NEEDS_RECOVERY
    kind = "ext-journal" if incompatible & JOURNAL_DEVICE else _kind(features)
    identity, label = uuid_of(block[UUID_AT : UUID_AT + 16]), text_of(block[0x78:0x88])
    free_bytes, size_bytes = _counted(block, features, 0x0C, 0x158), _counted(block, features, 0x04, 0x150)
    return Signature(kind, identity, label, features, is_clean, free_bytes, size_bytes)


def _counted(block: bytes, features: tuple[str, ...], low_at: int, high_at: int) -> int | None:
    """A number of blocks, in bytes; None for blocks of an absurd size."""
    shift = 10 + _number(block, 0x18, 4)
    blocks = _number(block, low_at, 4) | (_number(block, high_at, 4) << 32 if "64bit" in features else 0)
    return blocks << shift if shift <= _MOST_BLOCK_SHIFT else None


def has_inline_data(device: Device) -> bool:
    return bool(_number(device.read_at(OFFSET + INCOMPATIBLE_AT, 4), 0, 4) & _INLINE_DATA)


def _kind(features: tuple[str, ...]) -> str:
    if not _EXT4.isdisjoint(features):
        return "ext4"
    return "ext3" if "has_journal" in features else "ext2"


def _number(block: bytes, at: int, length: int) -> int:
    return int.from_bytes(block[at : at + length], "little")
