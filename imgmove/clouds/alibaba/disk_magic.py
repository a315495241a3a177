"""What an exported object is by its first bytes, for its name does not tell (alibaba.md 4)."""

from __future__ import annotations

import zlib
from typing import Final

from imgmove.core.formats import DiskFormat, format_of_name

#: Enough for every mark below and for the first header of a compressed tar.
HEAD_BYTES: Final = 4096
#: (offset, mark, format).
_MARKS: Final = (
    (0, b"QFI\xfb", DiskFormat.QCOW2),
    (0, b"conectix", DiskFormat.VHD),
    (0, b"cxsparse", DiskFormat.VHD),
    (0, b"KDMV", DiskFormat.VMDK),
    (0x40, b"\x7f\x10\xda\xbe", DiskFormat.VDI),
)
_GZIP: Final = b"\x1f\x8b"
_TAR_MARK: Final = (257, b"ustar")
_BOOT_SECTOR_MARK: Final = (510, b"\x55\xaa")


def disk_format(head: bytes, name: str) -> DiskFormat | None:
    """The format of an object by its first bytes; where they tell nothing, what its name claims.

    A VHD of fixed size has its mark at the end and looks like a raw disk: there the name decides.
    """
    marked = next((fmt for offset, mark, fmt in _MARKS if head[offset : offset + len(mark)] == mark), None)
    if marked is not None:
        return marked
    claimed = format_of_name(name)
    if head[:2] == _GZIP:
        return DiskFormat.RAW_TAR_GZ if _holds_tar(head) or claimed is DiskFormat.RAW_TAR_GZ else None
    if _has(head, _BOOT_SECTOR_MARK) and claimed is not DiskFormat.VHD:
        return DiskFormat.RAW
    return claimed


def disk_of_name(key: str) -> str | None:
    """`system`, or `data` with the device where the name tells it (`…_data_xvdb.raw.tar.gz`: `data:xvdb`)."""
    if "_system." in key or key.endswith("_system"):
        return "system"
    _, found, rest = key.partition("_data")
    if not found:
        return None
    device = rest.lstrip("_").partition(".")[0]
    return f"data:{device}" if device else "data"


def _holds_tar(head: bytes) -> bool:
    try:
        first = zlib.decompressobj(wbits=31).decompress(head, 512)
    except zlib.error:
        return False
    return _has(first, _TAR_MARK)


def _has(data: bytes, mark: tuple[int, bytes]) -> bool:
    offset, expected = mark
    return data[offset : offset + len(expected)] == expected
