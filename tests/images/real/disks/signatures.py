"""What lies where a file system could be and cannot be read: LUKS, md, ZFS, btrfs, swap, BitLocker. Heads only."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tests.images.real.disks.sparse import MIB, empty

SIZE = 64 * MIB
UUID = "33333333-4444-4555-8666-777777777777"
UUID_BYTES = bytes.fromhex(UUID.replace("-", ""))


def make(path: Path, kind: str, size: int = SIZE) -> Path:
    """A file that looks like `kind` to blkid."""
    empty(path, size)
    with path.open("r+b") as file:
        for offset, data in SIGNATURES[kind](size).items():
            file.seek(offset)
            file.write(data)
    return path


def _luks(size: int) -> dict[int, bytes]:
    head = struct.pack(">6sH32s32s32sII", b"LUKS\xba\xbe", 1, b"aes", b"xts-plain64", b"sha256", 4096, 64)
    head = head.ljust(168, b"\x11") + UUID.encode().ljust(40, b"\0")
    slots = b"".join(
        struct.pack(">II32sII", 0x00AC71F3 if number == 0 else 0xDEAD, 100000, bytes(32), 8 + 512 * number, 4000)
        for number in range(8)
    )
    return {0: head + slots}


def _luks2(size: int) -> dict[int, bytes]:
    head = struct.pack(">6sHQQ48s32s64s40s", b"LUKS\xba\xbe", 2, 16384, 1, b"root", b"sha256", bytes(64), UUID.encode())
    return {0: head.ljust(4096, b"\0") + b'{"keyslots":{},"tokens":{},"segments":{},"digests":{},"config":{}}'}


def _md(size: int) -> dict[int, bytes]:
    """A member of an array, version 1.2: its block is 4 KiB from the beginning."""
    block = struct.pack("<IIII", 0xA92B4EFC, 1, 0, 0) + UUID_BYTES + b"web1:0".ljust(32, b"\0")
    block += struct.pack("<QIIQIIII", 1704067200, 1, 0, (size - MIB) // 512, 0, 2, 0, 0)
    block = block.ljust(128, b"\0") + struct.pack("<QQQ", 2048, (size - MIB) // 512, 8)
    return {4096: block.ljust(256, b"\0") + bytes(256)}


def _zfs(size: int) -> dict[int, bytes]:
    """Uberblocks in the first label, which is where they are looked for."""
    block = struct.pack("<QQQQQ", 0x00BAB10C, 5000, 4, 5, 1704067200)
    return {128 * 1024 + number * 1024: block for number in range(32)}


def _btrfs(size: int) -> dict[int, bytes]:
    head = bytes(32) + UUID_BYTES + struct.pack("<QQ8sQQQQQQQ", 65536, 1, b"_BHRfS_M", 7, 0, 0, 0, 0, size, 147456)
    head += struct.pack("<QQIIIII", 6, 1, 4096, 16384, 16384, 4096, 97)
    return {65536: head.ljust(4096, b"\0")}


def _swap(size: int) -> dict[int, bytes]:
    head = struct.pack("<III", 1, size // 4096 - 1, 0) + UUID_BYTES
    return {1024: head, 4096 - 10: b"SWAPSPACE2"}


def _bitlocker(size: int) -> dict[int, bytes]:
    head = b"\xeb\x58\x90-FVE-FS-" + struct.pack("<HB", 512, 8)
    guid = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
    return {0: head.ljust(160, b"\0") + guid.ljust(350, b"\0") + b"\x55\xaa"}


SIGNATURES: dict[str, Callable[[int], dict[int, bytes]]] = {
    "luks": _luks,
    "luks2": _luks2,
    "mdraid": _md,
    "zfs": _zfs,
    "btrfs": _btrfs,
    "swap": _swap,
    "bitlocker": _bitlocker,
}
