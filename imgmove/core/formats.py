"""Disk image formats and what their names look like."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DiskFormat(StrEnum):
    RAW = "raw"
    QCOW2 = "qcow2"
    VHD = "vhd"
    VMDK = "vmdk"
    VDI = "vdi"
    RAW_TAR_GZ = "raw.tar.gz"
    """What ECS calls a raw export: a gzip-compressed tar with the raw disk as its member (alibaba.md 4)."""


#: Longest suffix first, so that `.raw.tar.gz` is not taken for `.gz`.
_SUFFIXES: Final = (
    (".raw.tar.gz", DiskFormat.RAW_TAR_GZ),
    (".tar.gz", DiskFormat.RAW_TAR_GZ),
    (".tgz", DiskFormat.RAW_TAR_GZ),
    (".qcow2", DiskFormat.QCOW2),
    (".vmdk", DiskFormat.VMDK),
    (".vhd", DiskFormat.VHD),
    (".vdi", DiskFormat.VDI),
    (".raw", DiskFormat.RAW),
    (".img", DiskFormat.RAW),
)


def format_of_name(name: str) -> DiskFormat | None:
    """The format that a file or object name claims by its suffix, or None. A claim, not a fact."""
    lowered = name.lower()
    return next((fmt for suffix, fmt in _SUFFIXES if lowered.endswith(suffix)), None)
