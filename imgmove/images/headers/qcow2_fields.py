"""The fields of a qcow2 header, versions 2 and 3, as they stand there: nothing is believed yet."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from imgmove.images.headers.image_bytes import ImageBytes, absurd

_V2: Final = struct.Struct(">4sIQIIQIIQQIIQ")
_V3: Final = struct.Struct(">QQQII")
_EXTENSION: Final = struct.Struct(">II")
_COMPRESSION_TYPE_AT: Final = 104
OFFSET_MASK: Final = 0x00FF_FFFF_FFFF_FE00
#: Incompatible features: who does not know one of them must not read the image.
DIRTY, CORRUPT, DATA_FILE, COMPRESSION, WIDE_L2 = (1 << bit for bit in range(5))
#: An autoclear feature: the external data file may be read as a raw disk.
RAW_DATA_FILE: Final = 2


@dataclass(frozen=True)
class Header:
    version: int
    backing_offset: int
    backing_bytes: int
    cluster_bits: int
    virtual_bytes: int
    crypt_method: int
    l1_entries: int
    l1_offset: int
    refcount_offset: int
    refcount_clusters: int
    snapshots: int
    snapshots_offset: int
    incompatible: int = 0
    autoclear: int = 0
    refcount_order: int = 4
    length: int = 72
    compression: int = 0

    @property
    def cluster_bytes(self) -> int:
        return 1 << self.cluster_bits

    @property
    def l2_entry_bytes(self) -> int:
        return 16 if self.incompatible & WIDE_L2 else 8

    @property
    def l1_needed(self) -> int:
        """Entries that the virtual size needs; an L2 table is one cluster of entries for a cluster each."""
        covered = self.cluster_bytes * (self.cluster_bytes // self.l2_entry_bytes)
        return -(-self.virtual_bytes // covered)

    @property
    def refcount_table_bytes(self) -> int:
        return self.refcount_clusters * self.cluster_bytes


def header_of(image: ImageBytes) -> Header:
    """The header of either version. CORRUPT for another version, and where the image ends in the header."""
    header = Header(*_V2.unpack(image.exactly(0, _V2.size, "the header"))[1:])
    if header.version == 2:
        return header
    if header.version != 3:
        absurd(f"qcow2 version {header.version}; 2 and 3 are known")
    incompatible, _, autoclear, order, length = _V3.unpack(image.exactly(_V2.size, _V3.size, "the header"))
    compression = 0
    if length > _COMPRESSION_TYPE_AT:
        compression = image.exactly(_COMPRESSION_TYPE_AT, 1, "the header")[0]
    return replace(
        header, incompatible=incompatible, autoclear=autoclear, refcount_order=order, length=length,
        compression=compression,
    )  # fmt: skip


def extensions(image: ImageBytes, header: Header) -> Iterator[tuple[int, bytes]]:
    """Header extensions, kind and content: they lie between the header and the end of the first cluster."""
    room = image.exactly(0, min(header.cluster_bytes, len(image.head)), "the header")
    position = header.length
    while position + _EXTENSION.size <= len(room):
        kind, length = _EXTENSION.unpack_from(room, position)
        if kind == 0:
            return
        begin = position + _EXTENSION.size
        position = begin + -(-length // 8) * 8
        if position > header.cluster_bytes:
            absurd(f"a header extension of {length} bytes")
        yield kind, room[begin : begin + length]
    if position < header.cluster_bytes - _EXTENSION.size:
        absurd(f"header extensions that have no end in the first {len(room)} bytes")
