"""What is no file system of ours: swap, encryption, volume managers, and file systems that nobody here reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imgmove.images.reading.device import Device
from imgmove.images.reading.superblocks.signature import Signature, text_of, uuid_of

#: Where swap's magic ends is the page size of the machine that made it.
_PAGE_SIZES: Final = (4096, 8192, 16384, 65536)
_ZFS_UBERBLOCKS_AT: Final = 128 << 10
_RAID_MAGIC: Final = b"\xfc\x4e\x2b\xa9"


@dataclass(frozen=True)
class _Magic:
    """`magic` at `offset`; the UUID and the label at places of their own, counted from the start (0: none)."""

    kind: str
    offset: int
    magic: bytes
    uuid_at: int = 0
    label_at: int = 0
    label_bytes: int = 0
    features: tuple[str, ...] = ()


_CONTAINERS: Final = (
    _Magic("lvm2-pv", 512, b"LABELONE"),
    _Magic("lvm2-pv", 0, b"LABELONE"),
    _Magic("mdraid", 4096, _RAID_MAGIC, 4096 + 16, 4096 + 32, 32, ("1.2",)),
    _Magic("mdraid", 0, _RAID_MAGIC, 16, 32, 32, ("1.1",)),
    _Magic("bitlocker", 3, b"-FVE-FS-"),
)
_FILE_SYSTEMS: Final = (
    _Magic("btrfs", 0x10040, b"_BHRfS_M", 0x10020, 0x1012B, 256),
    _Magic("squashfs", 0, b"hsqs"),
    _Magic("iso9660", 0x8001, b"CD001", 0, 0x8028, 32),
    _Magic("reiserfs", 0x10034, b"ReIsEr", 0x10054, 0x10064, 16),
    _Magic("jfs", 0x8000, b"JFS1", 0x8088, 0x8098, 16),
    _Magic("f2fs", 1024, b"\x10\x20\xf5\xf2", 1024 + 108),
    _Magic("bcachefs", 4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"), 4096 + 56),
    _Magic("ufs", 65536 + 1372, b"\x19\x01\x54\x19"),
    _Magic("refs", 3, b"ReFS\0\0\0\0"),
)


def look_containers(device: Device) -> Signature | None:
    return _by_magic(device, _CONTAINERS)


def look_file_systems(device: Device) -> Signature | None:
    return _by_magic(device, _FILE_SYSTEMS)


def _by_magic(device: Device, magics: tuple[_Magic, ...]) -> Signature | None:
    for item in magics:
        if device.read_at(item.offset, len(item.magic)) == item.magic:
            identity = uuid_of(device.read_at(item.uuid_at, 16)) if item.uuid_at else ""
            label = text_of(device.read_at(item.label_at, item.label_bytes)) if item.label_at else ""
            return Signature(item.kind, identity, label, item.features)
    return None


def look_luks(device: Device) -> Signature | None:
    head = device.read_at(0, 512)
    if head[:6] != b"LUKS\xba\xbe":
        return None
    version = int.from_bytes(head[6:8], "big")
    label = text_of(head[24:72]) if version == 2 else ""
    return Signature("luks", text_of(head[168:208]), label, (f"luks{version}",))


def look_swap(device: Device) -> Signature | None:
    for page in _PAGE_SIZES:
        magic = device.read_at(page - 10, 10)
        if magic in {b"SWAPSPACE2", b"SWAP-SPACE"}:
            head = device.read_at(1024, 52)
            return Signature("swap", uuid_of(head[12:28]), text_of(head[28:44]))
    return None


def look_zfs(device: Device) -> Signature | None:
    """Uberblocks stand in an array, one or more of them written."""
    ring = device.read_at(_ZFS_UBERBLOCKS_AT, 128 << 10)
    magics = {b"\x00\x00\x00\x00\x00\xba\xb1\x0c", b"\x0c\xb1\xba\x00\x00\x00\x00\x00"}
    return Signature("zfs") if any(ring[start : start + 8] in magics for start in range(0, len(ring), 1024)) else None


def look_raid_at_end(device: Device) -> Signature | None:
    """Versions 0.90 and 1.0 keep their superblock near the end of the member."""
    if device.size_bytes < 256 << 10:
        return None
    for version, offset in (
        ("1.0", (device.size_bytes // 512 - 16) // 8 * 8 * 512),
        ("0.90", device.size_bytes // 65536 * 65536 - 65536),
    ):
        head = device.read_at(offset, 32)
        if head[:4] == _RAID_MAGIC:
            return Signature("mdraid", uuid_of(head[16:32]) if version == "1.0" else "", features=(version,))
    return None
