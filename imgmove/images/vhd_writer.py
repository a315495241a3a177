"""Writing a fixed VHD as a stream: the raw disk, filled up to whole MiB, and a footer behind it.

Microsoft's "Virtual Hard Disk Image Format Specification" 1.0. A dynamic VHD cannot be written in one pass: its block
allocation table stands in front of the data. The same disk gives the same bytes, so that an upload can be taken up.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.images.headers.vhd import COOKIE, FIXED, FOOTER, FOOTER_CHECKSUM, SECTOR_BYTES, checksum

FOOTER_BYTES: Final = FOOTER.size
#: Importers want whole MiB (Azure's rule, which Alibaba's size check keeps too: alibaba.md 3.2).
_ALIGNMENT: Final = 1 << 20
#: The format's own end.
MAX_BYTES: Final = 2040 << 30
_FEATURES: Final = 2
_VERSION: Final = 0x0001_0000
_NOWHERE: Final = (1 << 64) - 1
#: The creator that says "the size is the size field's": others' readers would round it to the geometry.
_CREATOR, _CREATOR_VERSION, _HOST = b"win ", 0x0006_0003, b"Wi2k"
#: Partition tables, and with them the disk's identity, are within this.
_IDENTITY_BYTES: Final = 64 << 10


def vhd_bytes(raw_bytes: int) -> int:
    """The size of the disk that a raw disk becomes. UNSUPPORTED where it is more than a VHD holds."""
    size = max(1, -(-raw_bytes // _ALIGNMENT)) * _ALIGNMENT
    if size > MAX_BYTES:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"a VHD holds {MAX_BYTES} bytes at most, the disk has {raw_bytes}", code="TooLargeForVhd",
            hint="choose --format qcow2",
        )  # fmt: skip
    return size


def fixed_vhd(pieces: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """The VHD whose disk is `pieces`, which are `size_bytes` (a result of `vhd_bytes`) together."""
    beginning = bytearray()
    for piece in pieces:
        if len(beginning) < _IDENTITY_BYTES:
            beginning += piece[: _IDENTITY_BYTES - len(beginning)]
        yield piece
    yield footer(size_bytes, bytes(beginning))


def footer(size_bytes: int, beginning: bytes) -> bytes:
    """The 512 bytes behind a fixed disk; its identity is made of the disk's size and beginning, its time is zero."""
    identity = hashlib.blake2b(beginning + size_bytes.to_bytes(8, "big"), digest_size=16).digest()
    packed = bytearray(
        FOOTER.pack(
            COOKIE, _FEATURES, _VERSION, _NOWHERE, 0, _CREATOR, _CREATOR_VERSION, _HOST, size_bytes, size_bytes,
            *geometry(size_bytes), FIXED, 0, identity, 0,
        )
    )  # fmt: skip
    struct.pack_into(">I", packed, FOOTER_CHECKSUM, checksum(bytes(packed), FOOTER_CHECKSUM))
    return bytes(packed)


def geometry(size_bytes: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors per track: the specification's appendix "CHS Calculation"."""
    sectors = min(size_bytes // SECTOR_BYTES, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    tracks = sectors // 17
    heads = max(4, -(-tracks // 1024))
    if tracks < heads * 1024 and heads <= 16:
        return tracks // heads, heads, 17
    per_track = 31 if sectors // 31 < 16 * 1024 else 63
    return sectors // per_track // 16, 16, per_track
