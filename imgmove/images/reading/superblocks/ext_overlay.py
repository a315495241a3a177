"""An ext superblock as libfsext takes it: without the features that it refuses and a reader need not know."""

from __future__ import annotations

from typing import Final

from imgmove.images.reading.device import Device, Patched
from imgmove.images.reading.superblocks.ext import COMPATIBLE_AT, OFFSET

#: The compatible features that libfsext takes. By their definition who only reads may ignore any of them.
_COMPATIBLE: Final = 0x103D
#: Protection against two writers, and directories that are larger: both change nothing for a reader that goes through
#: directories from their beginning, as libfsext does.
_HARMLESS: Final = 0x100 | 0x4000


def readable_ext(device: Device) -> Device:
    """`device`, with those bits of its superblock unset. The superblock's checksum is not looked at by libfsext."""
    raw = device.read_at(OFFSET + COMPATIBLE_AT, 8)
    compatible, incompatible = int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:8], "little")
    patch = (compatible & _COMPATIBLE).to_bytes(4, "little") + (incompatible & ~_HARMLESS).to_bytes(4, "little")
    return device if patch == raw else Patched(device, OFFSET + COMPATIBLE_AT, patch)
