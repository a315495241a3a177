"""VMDK: only images that are whole in one file pass; descriptors that name other files, and ESX's own types, do not.

The format: VMware's "Virtual Disk Format 5.0"; what QEMU takes for a descriptor: vmdk_probe in block/vmdk.c.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, absurd, check_sectors, refuse, truncated
from imgmove.images.headers.places import Place, check_apart
from imgmove.images.headers.vmdk_descriptor import ONE_FILE, SECTOR_BYTES, check_descriptor, named_extents

_SPARSE: Final = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER: Final = struct.Struct("<QII496s")
_NEWLINES: Final = b"\n \r\n"
_AT_END: Final = (1 << 64) - 1
_FOOTER_BYTES: Final = 3 * SECTOR_BYTES
_FOOTER_MARKER: Final = 3
_REDUNDANT: Final = 2
_LAST_TABLES: Final = 8


@dataclass(frozen=True)
class _Header:
    magic: bytes
    version: int
    flags: int
    capacity: int
    grain: int
    descriptor: int
    descriptor_sectors: int
    entries_in_table: int
    redundant_directory: int
    directory: int
    overhead: int
    unclean: int
    newlines: bytes
    compression: int

    @property
    def tables(self) -> int:
        return -(-self.capacity // (self.entries_in_table * self.grain))


def look(image: ImageBytes) -> Facts:
    """What is in the header, the descriptor, the grain directory and its last tables."""
    if image.head.startswith(b"COWD"):
        refuse("ForeignExtents", "is an extent of ESX's own sparse type, without its descriptor", ONE_FILE)
    if not image.head.startswith(b"KDMV"):
        named = named_extents(image.head)
        refuse("ForeignExtents", f"is only the descriptor of a VMDK: the disk is in other files{named}", ONE_FILE)
    header = _unpacked(image.exactly(0, _SPARSE.size, "the header"))
    _check_header(header)
    variant = check_descriptor(image, header.descriptor, header.descriptor_sectors, header.capacity, header.grain)
    _check_directory(image, header, _directory(image, header))
    notes = ("it was not closed cleanly",) if header.unclean else ()
    return Facts(DiskFormat.VMDK, header.capacity * SECTOR_BYTES, variant, notes)


def _unpacked(raw: bytes) -> _Header:
    return _Header(*_SPARSE.unpack(raw))


def _check_header(header: _Header) -> None:
    if header.version not in {1, 2, 3}:
        absurd(f"VMDK version {header.version}; 1 to 3 are known")
    if not header.capacity:
        # QEMU would follow the descriptor's extents then, wherever they point.
        refuse("ForeignExtents", "has no disk of its own: its extents are in other files", ONE_FILE)
    if header.newlines != _NEWLINES:
        refuse("DamagedImage", "was changed by a transfer in text mode", "transfer it again in binary mode")
    if not 8 <= header.grain <= 65536 or header.grain & (header.grain - 1):
        absurd(f"grains of {header.grain} sectors")
    if not 1 <= header.entries_in_table <= 512:
        absurd(f"grain tables of {header.entries_in_table} entries")
    if header.compression > 1:
        absurd(f"compression method {header.compression}")


def _directory(image: ImageBytes, header: _Header) -> int:
    """The sector of the grain directory; a stream keeps it in a footer, which must say the same as the header."""
    if header.directory != _AT_END:
        return header.directory
    check_sectors(image)
    end = image.tail(_FOOTER_BYTES)
    if len(end) < _FOOTER_BYTES:
        truncated("the footer of the stream is missing")
    _check_markers(end)
    footer = _unpacked(end[SECTOR_BYTES : SECTOR_BYTES + _SPARSE.size])
    same = ("magic", "version", "capacity", "grain", "descriptor", "descriptor_sectors", "entries_in_table")
    if footer.directory == _AT_END or any(getattr(header, name) != getattr(footer, name) for name in same):
        absurd("header and footer differ")
    return footer.directory


def _check_markers(end: bytes) -> None:
    """In front of the footer stands a marker that says so, and behind it one of zeros: the end of the stream."""
    _, size, kind, rest = _MARKER.unpack(end[:SECTOR_BYTES])
    if kind != _FOOTER_MARKER:
        truncated("the footer of the stream is missing")
    if size or any(rest) or any(end[-SECTOR_BYTES:]):
        absurd("the markers around the footer are none")


def _check_directory(image: ImageBytes, header: _Header, directory: int) -> None:
    found = image.table(directory * SECTOR_BYTES, header.tables, "I", "little", "the grain directory")
    if header.flags & _REDUNDANT and header.redundant_directory * SECTOR_BYTES + header.tables * 4 > image.size_bytes:
        truncated(f"the second grain directory would be at sector {header.redundant_directory}")
    tables = [entry for entry in found if entry]
    table_bytes = header.entries_in_table * 4
    last = max(tables, default=0) * SECTOR_BYTES
    if tables and last + table_bytes > image.size_bytes:
        truncated(f"a grain table would be at {last}, and it has {image.size_bytes} bytes")
    places = (
        Place(0, (1 + header.descriptor_sectors) * SECTOR_BYTES, "the header or the descriptor"),
        Place(directory * SECTOR_BYTES, header.tables * 4, "the grain directory"),
    )
    check_apart((table * SECTOR_BYTES for table in tables), table_bytes, places, "grain tables")
    _check_last_grain(image, header, tables)


def _check_last_grain(image: ImageBytes, header: _Header, tables: list[int]) -> None:
    """In the last table that is in use, the grains must begin inside the image: in a cut upload they don't."""
    for sector in reversed(tables[-_LAST_TABLES:]):
        grains = image.table(sector * SECTOR_BYTES, header.entries_in_table, "I", "little", "a grain table")
        last = max(grains) * SECTOR_BYTES
        if last >= image.size_bytes:
            truncated(f"a grain would be at {last}, and it has {image.size_bytes} bytes")
        if any(1 < grain <= header.descriptor_sectors for grain in grains):
            absurd("a grain lies in the descriptor")
        if last > SECTOR_BYTES:
            return
