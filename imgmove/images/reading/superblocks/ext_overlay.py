"""An ext file system as libfsext takes it: its superblocks without the features that it refuses and need not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.ext import COMPATIBLE_AT, MAGIC, MAGIC_AT, OFFSET, SIZE, UUID_AT

#: The compatible features that libfsext takes. By their definition who only reads may ignore any of them.
_COMPATIBLE: Final = 0x103D
#: Protection against two writers, and directories that are larger: both change nothing for a reader that goes through
#: directories from their beginning, as libfsext does.
_HARMLESS: Final = 0x100 | 0x4000


def readable_ext(device: Device) -> Device:
    """`device`, with those bits unset where it has them. Superblocks' checksums are not looked at by libfsext."""
    block = device.read_at(OFFSET, SIZE)
    return device if _patched(block) == block else _Overlay(device, block[UUID_AT : UUID_AT + 16])


def _patched(block: bytes) -> bytes:
    at, middle = COMPATIBLE_AT, COMPATIBLE_AT + 4
    compatible = int.from_bytes(block[at:middle], "little") & _COMPATIBLE
    incompatible = int.from_bytes(block[middle : middle + 4], "little") & ~_HARMLESS
    return block[:at] + compatible.to_bytes(4, "little") + incompatible.to_bytes(4, "little") + block[middle + 4 :]


@dataclass(frozen=True)
class _Overlay:
    """Superblocks are read in one piece each, the copies in other block groups too: told by magic and UUID."""

    device: Device
    uuid: bytes

    @property
    def size_bytes(self) -> int:
        return self.device.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        data = self.device.read_at(offset, length)
        is_superblock = len(data) == SIZE and data[MAGIC_AT : MAGIC_AT + 2] == MAGIC
        return _patched(data) if is_superblock and data[UUID_AT : UUID_AT + 16] == self.uuid else data
