"""qcow2: refuses what names other files, is encrypted, has features nobody knows, or tables that cannot be.

The format: docs/interop/qcow2.txt of QEMU; the bounds are those that QEMU itself sets (block/qcow2.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import MAX_READ_BYTES, ImageBytes, absurd, refuse, truncated

_V2: Final = struct.Struct(">4sIQIIQIIQQIIQ")
_V3: Final = struct.Struct(">QQQII")
_EXTENSION: Final = struct.Struct(">II")
_OFFSET_MASK: Final = 0x00FF_FFFF_FFFF_FE00
_MAX_L1_BYTES: Final = 32 << 20
_MAX_REFCOUNT_TABLE_BYTES: Final = 8 << 20
_MAX_SNAPSHOTS: Final = 65536
_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION, _WIDE_L2 = (1 << bit for bit in range(5))
_KNOWN: Final = _DIRTY | _CORRUPT | _DATA_FILE | _COMPRESSION | _WIDE_L2
_DATA_FILE_NAME: Final = 0x44415441
_CRYPTO_HEADER: Final = 0x0537BE77
_CRYPT_METHODS: Final = {1: "AES", 2: "LUKS"}
_FLATTEN: Final = (
    "where the files belong together and are trusted, make one of them: `qemu-img convert -f qcow2 -O qcow2 IN OUT`"
)


@dataclass(frozen=True)
class _Header:
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
    refcount_order: int = 4
    length: int = 72

    @property
    def cluster_bytes(self) -> int:
        return 1 << self.cluster_bits

    @property
    def l1_needed(self) -> int:
        """Entries that the virtual size needs; an L2 table is one cluster of 8 (or 16) bytes for each cluster."""
        covered = self.cluster_bytes * (self.cluster_bytes // (16 if self.incompatible & _WIDE_L2 else 8))
        return -(-self.virtual_bytes // covered)


def look(image: ImageBytes) -> Facts:
    """What is in the header and the tables that it names. Reads the header, the L1 table and what tells the end."""
    header = _header(image)
    _check_features(header)
    _check_references(image, header)
    _check_sizes(header)
    _check_extensions(image, header)
    _check_tables(image, header)
    _check_end(image, header)
    return Facts(DiskFormat.QCOW2, header.virtual_bytes, f"version {header.version}", tuple(_notes(header)))


def _header(image: ImageBytes) -> _Header:
    header = _Header(*_V2.unpack(image.exactly(0, _V2.size, "the header"))[1:])
    if header.version == 2:
        return header
    if header.version != 3:
        absurd(f"qcow2 version {header.version}; 2 and 3 are known")
    incompatible, _, _, order, length = _V3.unpack(image.exactly(_V2.size, _V3.size, "the header"))
    return replace(header, incompatible=incompatible, refcount_order=order, length=length)


def _check_features(header: _Header) -> None:
    if header.incompatible & _DATA_FILE:
        refuse("ExternalData", "keeps its data in another file (external data file)", _FLATTEN)
    if header.incompatible & _CORRUPT:
        refuse(
            "DamagedImage", "is marked as corrupt by the program that wrote it", "`qemu-img check -r all` may mend it"
        )
    if header.incompatible & ~_KNOWN:
        refuse("UnknownFeatures", f"needs features that nobody knows ({header.incompatible & ~_KNOWN:#x})",
               "write it again with a current qemu-img")  # fmt: skip
    if header.crypt_method:
        method = _CRYPT_METHODS.get(header.crypt_method, f"method {header.crypt_method}")
        refuse("EncryptedImage", f"is encrypted ({method}): no importer has the key",
               "decrypt it with `qemu-img convert` where the key is")  # fmt: skip


def _check_references(image: ImageBytes, header: _Header) -> None:
    if not header.backing_offset and not header.backing_bytes:
        return
    name = "a name that cannot be read"
    if 0 < header.backing_bytes <= 1023 and header.backing_offset + header.backing_bytes <= len(image.head):
        raw = image.head[header.backing_offset : header.backing_offset + header.backing_bytes]
        name = repr(raw.decode("utf-8", "replace")[:200])
    refuse("BackingFile", f"is only the difference to a backing file, {name}", _FLATTEN)


def _check_sizes(header: _Header) -> None:
    if not 9 <= header.cluster_bits <= 21:
        absurd(f"clusters of 2^{header.cluster_bits} bytes; 2^9 to 2^21 are allowed")
    if header.version == 3 and (header.refcount_order > 6 or not 104 <= header.length <= header.cluster_bytes):
        absurd(f"refcounts of 2^{header.refcount_order} bits, or a header of {header.length} bytes")
    if header.l1_entries * 8 > _MAX_L1_BYTES:
        absurd(f"an L1 table of {header.l1_entries} entries")
    if header.l1_entries < header.l1_needed:
        absurd(f"an L1 table of {header.l1_entries} entries for {header.virtual_bytes} bytes")
    if not 1 <= header.refcount_clusters * header.cluster_bytes <= _MAX_REFCOUNT_TABLE_BYTES:
        absurd(f"a refcount table of {header.refcount_clusters} clusters")
    if header.snapshots > _MAX_SNAPSHOTS:
        absurd(f"{header.snapshots} snapshots")
    for offset, what in ((header.l1_offset, "the L1 table"), (header.refcount_offset, "the refcount table")):
        if offset % header.cluster_bytes or not offset:
            absurd(f"{what} is at {offset}, which is no cluster of its own")


def _check_extensions(image: ImageBytes, header: _Header) -> None:
    """Header extensions lie between the header and the first cluster's end, each eight bytes long at least."""
    room = image.exactly(0, min(header.cluster_bytes, len(image.head)), "the header")
    position = header.length
    while position + _EXTENSION.size <= len(room):
        kind, length = _EXTENSION.unpack_from(room, position)
        if kind == 0:
            return
        if kind == _DATA_FILE_NAME:
            refuse("ExternalData", "names another file for its data (external data file)", _FLATTEN)
        if kind == _CRYPTO_HEADER:
            refuse("EncryptedImage", "is encrypted: it has a crypto header", "decrypt it where the key is")
        position += _EXTENSION.size + -(-length // 8) * 8
        if position > header.cluster_bytes:
            absurd(f"a header extension of {length} bytes")


def _check_tables(image: ImageBytes, header: _Header) -> None:
    """L2 tables lie in the image, on clusters of their own: a table that two entries share, or that is another, is a loop."""
    if header.snapshots and header.snapshots_offset >= image.size_bytes:
        truncated(f"the snapshots would begin at {header.snapshots_offset}, and it has {image.size_bytes} bytes")
    cluster = header.cluster_bytes
    table_bytes = header.refcount_clusters * cluster
    if header.refcount_offset + table_bytes > image.size_bytes:
        truncated(f"the refcount table would end at {header.refcount_offset + table_bytes}")
    found = image.table(header.l1_offset, header.l1_entries, "Q", "big", "the L1 table")
    tables = sorted(entry & _OFFSET_MASK for entry in found if entry & _OFFSET_MASK)
    if any(offset % cluster for offset in tables):
        absurd("an L2 table that does not begin where a cluster does")
    if tables and tables[-1] >= image.size_bytes:
        truncated(f"an L2 table would be at {tables[-1]}, and it has {image.size_bytes} bytes")
    if any(first == second for first, second in pairwise(tables)):
        absurd("several L1 entries share an L2 table")
    taken = [(0, cluster), (header.l1_offset, header.l1_entries * 8), (header.refcount_offset, table_bytes)]
    if any(start <= offset < start + length for offset in tables for start, length in taken):
        absurd("an L2 table lies in the header or in another table")


def _check_end(image: ImageBytes, header: _Header) -> None:
    """Where the refcounts are to be trusted, the last cluster in use must begin inside the image: a cut upload doesn't."""
    if header.incompatible & _DIRTY or header.cluster_bytes > MAX_READ_BYTES:
        return
    cluster = header.cluster_bytes
    blocks = image.table(
        header.refcount_offset, header.refcount_clusters * cluster // 8, "Q", "big", "the refcount table"
    )
    last = max((index for index, offset in enumerate(blocks) if offset), default=-1)
    if last < 0:
        return
    block = image.exactly(blocks[last] & _OFFSET_MASK, cluster, "a refcount block")
    counts_bits = len(block.rstrip(b"\0")) * 8 - 8
    end = (last * (cluster * 8 >> header.refcount_order) + (counts_bits >> header.refcount_order)) * cluster
    if counts_bits >= 0 and end >= image.size_bytes:
        truncated(f"its last cluster in use would be at {end}, and it has {image.size_bytes} bytes")


def _notes(header: _Header) -> Iterator[str]:
    if header.incompatible & _DIRTY:
        yield "it was not closed cleanly: its reference counts may be stale (`qemu-img check -r leaks` mends them)"
    if header.incompatible & (_COMPRESSION | _WIDE_L2):
        yield "it uses features of qcow2 that older importers do not know (zstd clusters or extended L2 entries)"
    if header.snapshots:
        yield f"it holds {header.snapshots} internal snapshots, which no importer brings over"
