"""XFS: the superblock, in the first sector."""

from __future__ import annotations

from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.signature import Signature, names_of, text_of, uuid_of

_MOST_BLOCK_BYTES: Final = 64 << 10
_VERSION_BITS: Final = 0x000F
_MORE_BITS: Final = 0x8000
_OLD_FTYPE: Final = 0x200

_VERSION: Final[dict[int, str]] = {0x10: "attr", 0x20: "nlink", 0x40: "quota", 0x80: "align", 0x100: "dalign",
                                   0x1000: "extflg", 0x2000: "dirv2", 0x4000: "ascii-ci"}  # fmt: skip
_READ_ONLY: Final[dict[int, str]] = {0x1: "finobt", 0x2: "rmapbt", 0x4: "reflink", 0x8: "inobtcount"}
_INCOMPATIBLE: Final[dict[int, str]] = {0x1: "ftype", 0x2: "sparse", 0x4: "meta_uuid", 0x8: "bigtime",
                                        0x10: "needsrepair", 0x20: "nrext64", 0x40: "exchange", 0x80: "parent",
                                        0x100: "metadir", 0x200: "zoned"}  # fmt: skip


def look(device: Device) -> Signature | None:
    block = device.read_at(0, 512)
    if len(block) < 512 or block[:4] != b"XFSB":
        return None
    block_bytes = _number(block, 0x04, 4)
    sizes = [_number(block, at, 8) * block_bytes if block_bytes <= _MOST_BLOCK_BYTES else None for at in (0x90, 0x08)]
    identity, label = uuid_of(block[0x20:0x30]), text_of(block[0x6C:0x78])
    return Signature("xfs", identity, label, tuple(_features(block)), None, *sizes)


def _features(block: bytes) -> list[str]:
    """By the names of xfs_info, and `crc` for version 5."""
    version = _number(block, 0x64, 2)
    found = names_of(version & 0x7FF0 & sum(_VERSION), _VERSION, "version")
    if version & _VERSION_BITS == 5:
        found += ["crc", *names_of(_number(block, 0xD4, 4), _READ_ONLY, "ro_compat")]
        found += names_of(_number(block, 0xD8, 4), _INCOMPATIBLE, "incompat")
    elif version & _MORE_BITS and _number(block, 0xC8, 4) & _OLD_FTYPE:
        found.append("ftype")
    return found


def _number(block: bytes, at: int, length: int) -> int:
    return int.from_bytes(block[at : at + length], "big")
