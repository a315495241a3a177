"""Whose code the first sector of a disk holds, told by the texts in it."""

from __future__ import annotations

from typing import Final

CODE_BYTES: Final = 440

#: Windows' texts are in others' code too, so it comes last; the first that fits is taken.
_TEXTS: Final = (
    (b"GRUB", "grub"),
    (b"LILO", "lilo"),
    (b"SYSLINUX", "syslinux"),
    (b"EXTLINUX", "syslinux"),
    (b"Operating system load error.", "syslinux"),
    (b"Missing OS", "syslinux"),
    (b"Error loading operating system", "windows"),
    (b"bootmgr", "windows"),
    (b"BOOTMGR", "windows"),
)


def has_code(sector: bytes) -> bool:
    """Something stands where the firmware would run it."""
    return bool(sector[:CODE_BYTES].strip(b"\0"))


def owner(sector: bytes) -> str:
    """`grub`, `syslinux`, `lilo`, `windows`, or empty where the texts tell nothing."""
    code = sector[:CODE_BYTES]
    return next((name for text, name in _TEXTS if text in code), "")
