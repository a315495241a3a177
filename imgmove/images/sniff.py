"""Recognising a disk image's format from its first and last bytes.

Magic numbers: qcow2 `QFI\\xfb`, sparse VMDK `KDMV` and the text descriptor `# Disk DescriptorFile`, VDI 0xbeda107f
at 64, VHD `conectix` at the start (dynamic) or in the last 512 bytes (fixed), gzip 1f 8b, ISO 9660 `CD001` at
0x8001. Anything else may be a raw disk: then a boot signature (55 AA) or a GPT header says that it really is one.
"""

from __future__ import annotations

import zlib
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat, format_of_name

#: How much of an object's beginning is enough to tell; its last 512 bytes tell a fixed VHD.
HEAD_BYTES: Final = 64 * 1024
TAIL_BYTES: Final = 512

_MAGIC: Final[tuple[tuple[int, bytes, DiskFormat], ...]] = (
    (0, b"QFI\xfb", DiskFormat.QCOW2),
    (0, b"KDMV", DiskFormat.VMDK),
    (0, b"# Disk DescriptorFile", DiskFormat.VMDK),
    (64, b"\x7f\x10\xda\xbe", DiskFormat.VDI),
    (0, b"conectix", DiskFormat.VHD),
    (0, b"cxsparse", DiskFormat.VHD),
)


def recognise(head: bytes, tail: bytes = b"") -> DiskFormat | None:
    """The format of a disk image, or None where these bytes are no disk image that we know.

    `head` is the beginning (up to `HEAD_BYTES`), `tail` the last `TAIL_BYTES` (may be empty: then a fixed VHD looks
    like the raw disk that it begins with).
    """
    for offset, magic, found in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return found
    if tail[:8] == b"conectix":
        return DiskFormat.VHD
    if head[:2] == b"\x1f\x8b":
        return DiskFormat.RAW_TAR_GZ if _is_tar(_inflate(head)) else None
    return DiskFormat.RAW if _has_partition_table(head) else None


def _inflate(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _is_tar(block: bytes) -> bool:
    return block[257:262] == b"ustar"


def _has_partition_table(head: bytes) -> bool:
    return head[510:512] == b"\x55\xaa" or head[512:520] == b"EFI PART" or head[4096:4104] == b"EFI PART"


def check_image(
    uri: str, head: bytes, tail: bytes, declared: DiskFormat | None, system_disk: bool
) -> DiskFormat | None:
    """The format of the object `uri`; CORRUPT (exit code 7) where it is no image or not what it is said to be.

    `declared` is what the operator said, else what the name claims. A data disk may be raw without a partition
    table: then the answer is None ("cannot be told, the provider may look").
    """
    claimed = declared or format_of_name(uri)
    found = recognise(head, tail)
    if found is None and (system_disk or claimed not in {None, DiskFormat.RAW}):
        raise ImgmoveError(
            Kind.CORRUPT, f"{uri} is not a disk image: it begins with {_describe(head)}", code="NotAnImage",
            hint="name the right object; --force sends it to the provider as it is",
        )  # fmt: skip
    if found and claimed and found != claimed:
        raise ImgmoveError(
            Kind.CORRUPT, f"{uri} is said to be {claimed.value} and is {found.value}", code="FormatMismatch",
            hint=f"give --format {found.value}, or rename the object",
        )  # fmt: skip
    return found


def _describe(head: bytes) -> str:
    if not head:
        return "nothing (it is empty)"
    if not head.strip(b"\0"):
        return "zeros, without a partition table"
    if head.lstrip()[:1] == b"<":
        return "markup, like a web page"
    return f"the bytes {head[:8].hex(' ')}"
