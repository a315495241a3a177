"""Partition tables by sfdisk and sgdisk on plain files, and the code in front that a BIOS starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import MIB, empty, splice

LINUX, SWAP, EXTENDED, LVM, RAID, MS_DATA, MS_DYNAMIC, ESP, BIOS_BOOT, MS_RESERVED = (
    "linux", "swap", "extended", "lvm", "raid", "msdata", "ldm", "efi", "bios-boot", "msr",
)  # fmt: skip
MBR_TYPES = {LINUX: "83", SWAP: "82", EXTENDED: "5", LVM: "8e", RAID: "fd", MS_DATA: "7", MS_DYNAMIC: "42", ESP: "ef"}
GPT_TYPES = {
    LINUX: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    SWAP: "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
    LVM: "E6D6D379-F507-44C2-A23C-238F2A3DF928",
    RAID: "A19D880F-05FC-4D3B-A006-743F0F84911E",
    MS_DATA: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
    MS_RESERVED: "E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
    ESP: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    BIOS_BOOT: "21686148-6449-6E6F-744E-656564454649",
}
DISK_SIGNATURE = "0x5eed0099"
GPT_DISK = "5EED0099-AAAA-4BBB-8CCC-DDDDDDDDDDDD"


@dataclass(frozen=True)
class Slot:
    """One partition. `number` only where it is not the next; logical ones (MBR) are numbered from 5."""

    role: str
    size: int
    content: Path | None = None
    active: bool = False
    number: int | None = None
    name: str = ""


def partitioned(path: Path, table: str, slots: list[Slot], *, size: int = 0) -> Path:
    """A disk with a table (`mbr` or `gpt`) and the contents in their places; each partition begins at a whole MiB."""
    places = _places(slots)
    end = max(start + slot.size for start, slot in zip(places, slots, strict=True))
    empty(path, size or end + MIB)
    run("fdisk", "sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, stdin=_script(table, slots, places))
    for start, slot in zip(places, slots, strict=True):
        if slot.content is not None:
            splice(slot.content, path, start)
    return path


def hybrid(path: Path, *numbers: int) -> None:
    """Puts partitions of a GPT into its MBR too, as some people do for old loaders."""
    run("gdisk", "sgdisk", "-h", ":".join(map(str, numbers)), path)


def _places(slots: list[Slot]) -> list[int]:
    places, next_free = [], MIB
    for slot in slots:
        places.append(next_free)
        # A logical partition's own table needs a place in front of it.
        next_free = next_free + MIB if slot.role == EXTENDED else next_free + _whole(slot.size) + MIB
    return places


def _whole(size: int) -> int:
    return -(-size // MIB) * MIB


def _script(table: str, slots: list[Slot], places: list[int]) -> str:
    types = MBR_TYPES if table == "mbr" else GPT_TYPES
    lines = [f"label: {'dos' if table == 'mbr' else 'gpt'}", "unit: sectors"]
    lines.append(f"label-id: {DISK_SIGNATURE if table == 'mbr' else GPT_DISK}")
    for index, (start, slot) in enumerate(zip(places, slots, strict=True), start=1):
        fields = [f"start={start // 512}", f"size={slot.size // 512}", f"type={types[slot.role]}"]
        fields += ["bootable"] if slot.active else []
        fields += [f'name="{slot.name}"'] if slot.name else []
        fields += [f"uuid=5EED0099-0000-4000-8000-{index:012d}"] if table == "gpt" else []
        lines.append(f"{slot.number or index} : {', '.join(fields)}")
    return "\n".join(lines) + "\n"


def grub_boot_code() -> bytes:
    """GRUB's boot.img as far as it can be told: the jump, its texts at their place, and code that halts."""
    code = bytearray(440)
    code[0:3] = b"\xeb\x63\x90"
    code[0x65:0x69] = b"\xfa\xf4\xeb\xfd"
    code[0x5A:0x64] = bytes(10)
    code[0x5C:0x60] = (1).to_bytes(4, "little")  # where core.img begins: the sector behind
    code[0x64] = 0xFF
    texts = b"GRUB \0Geom\0Hard Disk\0Read\0 Error\r\n\0"
    code[0x180 : 0x180 + len(texts)] = texts
    return bytes(code)


def windows_boot_code() -> bytes:
    """The Windows MBR as far as it can be told: its first instructions and its texts."""
    code = bytearray(440)
    code[0:12] = bytes.fromhex("33c08ed0bc007c8ec08ed8be")
    texts = b"Invalid partition table\0Error loading operating system\0Missing operating system\0"
    code[0x163 : 0x163 + len(texts)] = texts
    return bytes(code)


def syslinux_boot_code() -> bytes:
    """Syslinux' mbr.bin as far as it can be told."""
    code = bytearray(440)
    code[0:12] = bytes.fromhex("33c0fa8ed88ed0bc007c89e6")
    texts = b"Missing operating system.\r\nOperating system load error.\r\n\0"
    code[0x150 : 0x150 + len(texts)] = texts
    return bytes(code)
