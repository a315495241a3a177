"""Archives as kernels read them, made in the test: cpio, and every way to pack it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable, Iterable
from typing import Any

import lz4.block
import lz4.frame
import zstandard

TRAILER = "TRAILER!!!"


def cpio(
    names: Iterable[str] = (), *, content: bytes = b"content", magic: bytes = b"070701", trailer: bool = True
) -> bytes:
    """An archive with these files, all of the same content."""
    found = b"".join(_entry(magic, name, content) for name in names)
    return found + (_entry(magic, TRAILER, b"") if trailer else b"")


def _entry(magic: bytes, name: str, content: bytes) -> bytes:
    raw = name.encode() + b"\0"
    fields = (1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(raw), 0)
    head = magic + b"".join(b"%08X" % number for number in fields)
    return _padded(head + raw) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def lz4_legacy(data: bytes, block_bytes: int = 8 << 20) -> bytes:
    """As `lz4 -l` writes it, and the kernel reads it."""
    found = b"\x02\x21\x4c\x18"
    for start in range(0, len(data), block_bytes):
        block: Any = lz4.block.compress(data[start : start + block_bytes], store_size=False)
        found += struct.pack("<I", len(block)) + block
    return found


def _zstd_stream(data: bytes) -> bytes:
    """Without the contents' size in front, as a pipe through zstd is."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, lzma.FORMAT_XZ, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": _zstd_stream,
    "lz4": lambda data: bytes(lz4.frame.compress(data)),
    "lz4-legacy": lz4_legacy,
    "none": bytes,
}

EARLY_MICROCODE = cpio(["kernel/x86/microcode/GenuineIntel.bin"], content=b"\x01" * 5000) + bytes(512)


def module(driver: str, version: str, ending: str = ".ko.xz") -> str:
    """Where an initramfs has a driver."""
    return f"usr/lib/modules/{version}/kernel/drivers/some/{driver}{ending}"
