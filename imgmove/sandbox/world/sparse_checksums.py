"""Checksums of large, mostly empty files in the time that their data takes: holes are reckoned, not read."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from fastcrc import crc64

from imgmove.sandbox.crc import combine
from imgmove.sandbox.disks import DiskFormat, open_disk
from imgmove.sandbox.world.blobs import Checksums

SHORT_HOLE_BYTES = 1 << 20
"""Holes below this are hashed like data: reckoning costs more."""


def checksums_of_parts(path: Path) -> Checksums:
    """The file's true CRC-64, and bytes for the ETag of an object in parts, which is the MD5 of nothing in particular."""
    crc = 0
    with open_disk(path, DiskFormat.RAW) as reader:
        for extent in reader.extents():
            crc = _over_zeros(crc, extent.length) if extent.data is None else crc64.xz(extent.data, crc)
    return Checksums(hashlib.md5(f"{crc} {path.stat().st_size}".encode()).digest(), crc)


def _over_zeros(crc: int, length: int) -> int:
    """The CRC after `length` more zero bytes: in steps of powers of two, whose values are kept."""
    long, short = divmod(length, SHORT_HOLE_BYTES)
    step = SHORT_HOLE_BYTES
    while long:
        if long & 1:
            crc = combine(crc, _zeros_crc(step), step)
        long, step = long >> 1, step << 1
    return int(crc64.xz(bytes(short), crc))


@lru_cache(maxsize=64)
def _zeros_crc(length: int) -> int:
    if length <= SHORT_HOLE_BYTES:
        return int(crc64.xz(bytes(length)))
    half = length // 2
    return combine(_zeros_crc(half), _zeros_crc(half), half)
