"""VHD: footer and header with their checksums; differences to a parent, sizes that contradict each other, cut files.

The format: Microsoft's "Virtual Hard Disk Image Format Specification" 1.0; the size's rule: block/vpc.c of QEMU.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, absurd, check_sectors, refuse, truncated
from imgmove.images.headers.places import Place, check_apart, check_free

SECTOR_BYTES: Final = 512
FOOTER: Final = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_HEADER: Final = struct.Struct(">8sQQIIII16sII512s192s256x")
COOKIE: Final = b"conectix"
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
FOOTER_CHECKSUM: Final = 64
HEADER_CHECKSUM: Final = 36
_UNALLOCATED: Final = 0xFFFF_FFFF
_MAX_BLOCK_BYTES: Final = 256 << 20
_MAX_GEOMETRY_SECTORS: Final = 65535 * 16 * 255
#: Creators whose disks are as large as their geometry says, and not as the size field says; and those whose size field
#: counts for everybody. For all others QEMU takes the geometry, and Hyper-V and libvhdi the size field.
_BY_GEOMETRY: Final = frozenset({b"vpc ", b"vs  ", b"qemu"})
_BY_SIZE: Final = frozenset({b"win ", b"qem2", b"d2v ", b"tap\0", b"CTXS", b"wa\0\0"})


@dataclass(frozen=True)
class _Footer:
    header_offset: int
    creator: bytes
    current_bytes: int
    geometry_sectors: int
    disk_type: int

    @property
    def virtual_bytes(self) -> int:
        if self.creator in _BY_GEOMETRY and self.geometry_sectors < _MAX_GEOMETRY_SECTORS:
            return self.geometry_sectors * SECTOR_BYTES
        return self.current_bytes

    @property
    def notes(self) -> tuple[str, ...]:
        by_geometry = self.geometry_sectors * SECTOR_BYTES
        if self.creator in _BY_GEOMETRY | _BY_SIZE or by_geometry == self.virtual_bytes:
            return ()
        if self.geometry_sectors >= _MAX_GEOMETRY_SECTORS:
            return ()
        return (f"programs disagree on its size: {self.virtual_bytes} bytes, or {by_geometry} by its geometry",)


def checksum(structure: bytes, at: int) -> int:
    """The one's complement of the sum of all bytes but the checksum's own four."""
    return ~(sum(structure) - sum(structure[at : at + 4])) & 0xFFFF_FFFF


def look(image: ImageBytes) -> Facts:
    """What is in the footer, its copy, the dynamic header and the block allocation table."""
    end = image.tail(FOOTER.size)
    if len(end) < FOOTER.size or end[:8] != COOKIE:
        truncated("the footer of the VHD is missing at its end")
    check_sectors(image)
    footer = _footer(end)
    if footer.disk_type == DIFFERENCING:
        refuse("DifferencingDisk", "is only the difference to a parent disk", "merge it with its parent first")
    if footer.disk_type == FIXED:
        if image.head.startswith(COOKIE):
            absurd("its end says that it is fixed, its beginning that it is not")
        if footer.virtual_bytes > image.size_bytes - FOOTER.size:
            truncated(f"a fixed disk of {footer.virtual_bytes} bytes in a file of {image.size_bytes}")
        return Facts(DiskFormat.VHD, footer.virtual_bytes, "fixed", footer.notes)
    if footer.disk_type != DYNAMIC:
        absurd(f"VHD disk type {footer.disk_type}; 2, 3 and 4 are known")
    if image.head[:8] != COOKIE or _footer(image.head[: FOOTER.size]) != footer:
        absurd("the footer and its copy at the front differ")
    _check_dynamic(image, footer)
    return Facts(DiskFormat.VHD, footer.virtual_bytes, "dynamic", footer.notes)


def _footer(raw: bytes) -> _Footer:
    fields = FOOTER.unpack(raw)
    _check_sum(raw, FOOTER_CHECKSUM, "footer")
    if fields[9] % SECTOR_BYTES:
        absurd(f"a disk of {fields[9]} bytes, which are not whole sectors")
    cylinders, heads, sectors = fields[10:13]
    return _Footer(fields[3], fields[5], fields[9], cylinders * heads * sectors, fields[13])


def _check_sum(raw: bytes, at: int, what: str) -> None:
    if int.from_bytes(raw[at : at + 4], "big") != checksum(raw, at):
        refuse("DamagedImage", f"has a {what} with a wrong checksum", "copy or export it again")


def _check_dynamic(image: ImageBytes, footer: _Footer) -> None:
    raw = image.exactly(footer.header_offset, _HEADER.size, "the header of the dynamic disk")
    cookie, _, table_offset, _, entries, block_bytes, _, parent, *_, locators = _HEADER.unpack(raw)
    if cookie != b"cxsparse":
        absurd("the header of the dynamic disk is missing")
    _check_sum(raw, HEADER_CHECKSUM, "dynamic header")
    if any(parent) or any(locators):
        refuse("DifferencingDisk", "names a parent disk", "merge it with its parent first")
    if not SECTOR_BYTES <= block_bytes <= _MAX_BLOCK_BYTES or block_bytes & (block_bytes - 1):
        absurd(f"blocks of {block_bytes} bytes")
    if entries * block_bytes < max(footer.virtual_bytes, footer.current_bytes):
        absurd(f"a table of {entries} blocks of {block_bytes} bytes for a disk of {footer.current_bytes}")
    places = (
        Place(0, FOOTER.size, "the footer's copy"),
        Place(footer.header_offset, _HEADER.size, "the header"),
        Place(table_offset, entries * 4, "the block allocation table"),
        Place(image.size_bytes - FOOTER.size, FOOTER.size, "the footer"),
    )
    _check_blocks(image, table_offset, entries, block_bytes, places)


def _check_blocks(
    image: ImageBytes, table_offset: int, entries: int, block_bytes: int, places: tuple[Place, ...]
) -> None:
    """A block is its bitmap, in whole sectors, and its data."""
    found = image.table(table_offset, entries, "I", "big", "the block allocation table")
    others = [place for place in places if place.start != table_offset]
    check_free([table_offset], entries * 4, others, "block allocation tables")
    blocks = [entry * SECTOR_BYTES for entry in found if entry != _UNALLOCATED]
    last = max(blocks, default=0)
    if last >= image.size_bytes:
        truncated(f"a block would be at {last}, and it has {image.size_bytes} bytes")
    bitmap_bytes = -(-block_bytes // (SECTOR_BYTES * 8 * SECTOR_BYTES)) * SECTOR_BYTES
    check_apart(blocks, bitmap_bytes + block_bytes, places, "blocks")
