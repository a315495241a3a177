"""The disk in a VDI: a map of blocks, after the header that VirtualBox writes."""

from __future__ import annotations

import struct
from typing import Final

from imgmove.images.reading.device import Device, DeviceError, clipped, read_exactly

#: Offsets of the map and of the data; then the disk's size, the block's size, and how many blocks there are.
_OFFSETS: Final = struct.Struct("<II")
_OFFSETS_AT: Final = 0x154
_SIZES: Final = struct.Struct("<QIII")
_SIZES_AT: Final = 0x170
#: Entries from here on say "nothing" and "zeros".
_NO_BLOCK: Final = 0xFFFF_FFFE


class Vdi:
    """The disk in `file`."""

    def __init__(self, file: Device) -> None:
        self._file = file
        self._map, self._data = _OFFSETS.unpack(read_exactly(file, _OFFSETS_AT, _OFFSETS.size, "the VDI header"))
        self.size_bytes, self._block_bytes, self._extra_bytes, self._blocks = _SIZES.unpack(
            read_exactly(file, _SIZES_AT, _SIZES.size, "the VDI header")
        )
        if not 512 <= self._block_bytes <= 1 << 30 or self._extra_bytes > self._block_bytes:
            raise DeviceError(f"a VDI with blocks of {self._block_bytes} bytes")
        if self.size_bytes > self._blocks * self._block_bytes:
            raise DeviceError("the VDI's map is shorter than its disk")

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        pieces: list[bytes] = []
        while length > 0:
            block, within = divmod(offset, self._block_bytes)
            piece = min(length, self._block_bytes - within)
            pieces.append(self._piece(block, within, piece))
            offset += piece
            length -= piece
        return b"".join(pieces)

    def _piece(self, block: int, within: int, length: int) -> bytes:
        entry = int.from_bytes(read_exactly(self._file, self._map + 4 * block, 4, "the VDI's map"), "little")
        if entry >= _NO_BLOCK:
            return bytes(length)
        start = self._data + entry * (self._block_bytes + self._extra_bytes) + self._extra_bytes
        return self._file.read_at(start + within, length).ljust(length, b"\0")
