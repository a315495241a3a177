"""VDI: VirtualBox's own format. Differences and sizes that cannot be are refused; the bounds are QEMU's (block/vdi.c)."""

from __future__ import annotations

import struct
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, absurd, refuse, truncated
from imgmove.images.headers.places import Place, check_apart, check_free

#: From the signature on: signature, version, header size, type, flags, description, block map, data, geometry,
#: sector size, unused, disk size, block size, extra, blocks, allocated, and the identities of image, snapshot, link, parent.
_HEADER: Final = struct.Struct("<IIIII256sIIIIIIIQIIII16s16s16s16s")
_SIGNATURE_OFFSET: Final = 64
_VARIANTS: Final = {1: "dynamic", 2: "static"}
_BLOCK_BYTES: Final = 1 << 20
_MAX_BLOCKS: Final = 0x3FFF_FFFF
_UNALLOCATED: Final = 0xFFFF_FFFE


def look(image: ImageBytes) -> Facts:
    """What is in the header and the block map."""
    fields = _HEADER.unpack(image.exactly(_SIGNATURE_OFFSET, _HEADER.size, "the header"))
    _, version, _, kind, *_ = fields
    map_offset, data_offset, sector_bytes, disk_bytes, block_bytes = (fields[index] for index in (6, 7, 11, 13, 14))
    extra, blocks, allocated = fields[15:18]
    if version != 0x0001_0001:
        absurd(f"VDI version {version >> 16}.{version & 0xFFFF}; 1.1 is known")
    if kind not in _VARIANTS or any(fields[20]) or any(fields[21]):
        refuse("DifferencingDisk", "is only the difference to a parent disk (or an undo disk)",
               "merge or clone it in VirtualBox first")  # fmt: skip
    if sector_bytes != 512 or block_bytes != _BLOCK_BYTES or extra:
        absurd(f"sectors of {sector_bytes} and blocks of {block_bytes} bytes and {extra}")
    if blocks > _MAX_BLOCKS or allocated > blocks or disk_bytes > blocks * block_bytes:
        absurd(f"{blocks} blocks, {allocated} of them written, for a disk of {disk_bytes} bytes")
    if map_offset % 512 or data_offset % 512:
        absurd(f"a block map at {map_offset}, data at {data_offset}")
    _check_map(image, map_offset, data_offset, blocks)
    return Facts(DiskFormat.VDI, -(-disk_bytes // sector_bytes) * sector_bytes, _VARIANTS[kind])


def _check_map(image: ImageBytes, map_offset: int, data_offset: int, blocks: int) -> None:
    """The map lies behind the header, the data behind the map, and no two blocks of the disk are one of the file's."""
    found = image.table(map_offset, blocks, "I", "little", "the block map")
    header = Place(0, _SIGNATURE_OFFSET + _HEADER.size, "the header")
    check_free([map_offset], blocks * 4, (header,), "block maps")
    written = [entry for entry in found if entry < _UNALLOCATED]
    end = data_offset + (max(written, default=-1) + 1) * _BLOCK_BYTES
    if written and end > image.size_bytes:
        truncated(f"a block would end at {end}, and it has {image.size_bytes} bytes")
    places = (header, Place(map_offset, blocks * 4, "the block map"))
    check_apart((data_offset + entry * _BLOCK_BYTES for entry in written), _BLOCK_BYTES, places, "blocks")
