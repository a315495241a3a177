"""qcow2: refuses what names other files, is encrypted, has features nobody knows, or tables that cannot be.

The format: docs/interop/qcow2.txt of QEMU; the bounds are those that QEMU itself sets (block/qcow2.h). The tables that
the header names are looked at in `qcow2_tables`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, absurd, quoted, refuse, truncated
from imgmove.images.headers.qcow2_fields import (
    COMPRESSION,
    CORRUPT,
    DATA_FILE,
    DIRTY,
    RAW_DATA_FILE,
    WIDE_L2,
    Header,
    extensions,
    header_of,
)
from imgmove.images.headers.qcow2_tables import check_tables

_MAX_L1_BYTES: Final = 32 << 20
_MAX_REFCOUNT_TABLE_BYTES: Final = 8 << 20
_MAX_SNAPSHOTS: Final = 65536
_KNOWN: Final = DIRTY | CORRUPT | DATA_FILE | COMPRESSION | WIDE_L2
_DATA_FILE_NAME: Final = 0x44415441
_CRYPTO_HEADER: Final = 0x0537BE77
_BITMAPS: Final = 0x23852875
_BITMAPS_FIELDS: Final = struct.Struct(">IIQQ")
_CRYPT_METHODS: Final = {1: "AES", 2: "LUKS"}
_FLATTEN: Final = (
    "where the files belong together and are trusted, make one of them: `qemu-img convert -f qcow2 -O qcow2 IN OUT`"
)


def look(image: ImageBytes) -> Facts:
    """What is in the header and the tables that it names. Reads the header, tables and some of the L2 tables."""
    header = header_of(image)
    _check_features(header)
    _check_references(image, header)
    _check_sizes(header)
    _check_table_sizes(header)
    _check_extensions(image, header)
    check_tables(image, header)
    return Facts(DiskFormat.QCOW2, header.virtual_bytes, f"version {header.version}", tuple(_notes(header)))


def _check_features(header: Header) -> None:
    if header.incompatible & DATA_FILE or header.autoclear & RAW_DATA_FILE:
        refuse("ExternalData", "keeps its data in another file (external data file)", _FLATTEN)
    if header.incompatible & CORRUPT:
        refuse(
            "DamagedImage", "is marked as corrupt by the program that wrote it", "`qemu-img check -r all` may mend it"
        )
    unknown = header.incompatible & ~_KNOWN
    if unknown or header.compression > 1:
        what = f"{unknown:#x}" if unknown else f"compression type {header.compression}"
        refuse(
            "UnknownFeatures", f"needs features that nobody knows ({what})", "write it again with a current qemu-img"
        )
    if header.crypt_method:
        method = _CRYPT_METHODS.get(header.crypt_method, f"method {header.crypt_method}")
        refuse("EncryptedImage", f"is encrypted ({method}): no importer has the key",
               "decrypt it with `qemu-img convert` where the key is")  # fmt: skip


def _check_references(image: ImageBytes, header: Header) -> None:
    if not header.backing_offset and not header.backing_bytes:
        return
    name = "a name that cannot be read"
    if 0 < header.backing_bytes <= 1023 and header.backing_offset + header.backing_bytes <= len(image.head):
        raw = image.head[header.backing_offset : header.backing_offset + header.backing_bytes]
        name = quoted(raw.decode("utf-8", "replace"))
    refuse("BackingFile", f"is only the difference to a backing file, {name}", _FLATTEN)


def _check_sizes(header: Header) -> None:
    if not 9 <= header.cluster_bits <= 21:
        absurd(f"clusters of 2^{header.cluster_bits} bytes; 2^9 to 2^21 are allowed")
    if header.version == 3 and (header.refcount_order > 6 or not 104 <= header.length <= header.cluster_bytes):
        absurd(f"refcounts of 2^{header.refcount_order} bits, or a header of {header.length} bytes")
    if bool(header.compression) != bool(header.incompatible & COMPRESSION):
        absurd(f"compression type {header.compression}, and features ({header.incompatible:#x}) that say otherwise")
    if header.virtual_bytes % 512:
        absurd(f"a disk of {header.virtual_bytes} bytes, which are not whole sectors")


def _check_table_sizes(header: Header) -> None:
    if header.l1_entries * 8 > _MAX_L1_BYTES:
        absurd(f"an L1 table of {header.l1_entries} entries")
    if header.l1_entries < header.l1_needed:
        absurd(f"an L1 table of {header.l1_entries} entries for {header.virtual_bytes} bytes")
    if not 1 <= header.refcount_table_bytes <= _MAX_REFCOUNT_TABLE_BYTES:
        absurd(f"a refcount table of {header.refcount_clusters} clusters")
    if header.snapshots > _MAX_SNAPSHOTS:
        absurd(f"{header.snapshots} snapshots")
    for offset, what in ((header.l1_offset, "the L1 table"), (header.refcount_offset, "the refcount table")):
        if offset % header.cluster_bytes or not offset:
            absurd(f"{what} is at {offset}, which is no cluster of its own")


def _check_extensions(image: ImageBytes, header: Header) -> None:
    for kind, content in extensions(image, header):
        if kind == _DATA_FILE_NAME:
            refuse("ExternalData", "names another file for its data (external data file)", _FLATTEN)
        if kind == _CRYPTO_HEADER:
            refuse("EncryptedImage", "is encrypted: it has a crypto header", "decrypt it where the key is")
        if kind == _BITMAPS:
            _check_bitmaps(image, content)


def _check_bitmaps(image: ImageBytes, content: bytes) -> None:
    if len(content) != _BITMAPS_FIELDS.size:
        absurd(f"a directory of bitmaps described in {len(content)} bytes")
    _, _, size, offset = _BITMAPS_FIELDS.unpack(content)
    if offset + size > image.size_bytes:
        truncated(f"its bitmaps' directory would end at {offset + size}, and it has {image.size_bytes} bytes")


def _notes(header: Header) -> Iterator[str]:
    if header.incompatible & DIRTY:
        yield "it was not closed cleanly: its reference counts may be stale (`qemu-img check -r leaks` mends them)"
    if header.incompatible & (COMPRESSION | WIDE_L2):
        yield "it uses features of qcow2 that older importers do not know (zstd clusters or extended L2 entries)"
    if header.snapshots:
        yield f"it holds {header.snapshots} internal snapshots, which no importer brings over"
