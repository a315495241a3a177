"""A VMDK in one file: header, descriptor, one grain directory, one grain table, one grain; or a stream with a footer."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

SECTOR = 512
DIRECTORY, TABLE, GRAIN, END = 21, 22, 128, 256
CAPACITY = 2048
AT_END = (1 << 64) - 1
MAGIC = b"KDMV"

_FIELDS = {
    "magic": (0, "4s"), "version": (4, "I"), "flags": (8, "I"), "capacity": (12, "Q"), "grain": (20, "Q"),
    "descriptor": (28, "Q"), "descriptor_sectors": (36, "Q"), "entries": (44, "I"), "redundant": (48, "Q"),
    "directory": (56, "Q"), "overhead": (64, "Q"), "unclean": (72, "B"), "newlines": (73, "4s"), "compression": (77, "H"),
}  # fmt: skip
FIELDS = tuple(_FIELDS)
_VALID: dict[str, Any] = {
    "magic": MAGIC, "version": 1, "flags": 1, "capacity": CAPACITY, "grain": 128, "descriptor": 1,
    "descriptor_sectors": 20, "entries": 512, "directory": DIRECTORY, "overhead": 128, "newlines": b"\n \r\n",
}  # fmt: skip


def descriptor(
    create_type: str = "monolithicSparse",
    extents: Sequence[str] = (f'RW {CAPACITY} SPARSE "disk.vmdk"',),
    parent_cid: str = "ffffffff",
    more: Sequence[str] = (),
) -> bytes:
    lines = [
        "# Disk DescriptorFile", "version=1", "CID=12345678", f"parentCID={parent_cid}", f'createType="{create_type}"',
        "", "# Extent description", *extents, "", "# The Disk Data Base", "#DDB", "",
        'ddb.adapterType = "ide"', *more,
    ]  # fmt: skip
    return "\n".join(lines).encode() + b"\n"


def header(**fields: Any) -> bytes:
    data = bytearray(SECTOR)
    for name, value in {**_VALID, **fields}.items():
        offset, form = _FIELDS[name]
        struct.pack_into("<" + form, data, offset, value)
    return bytes(data)


def image(
    *,
    text: bytes | None = None,
    directory_entries: Sequence[int] = (TABLE,),
    grains: Sequence[int] = (GRAIN,),
    after: bytes = b"",
    **fields: Any,
) -> bytes:
    data = bytearray(END * SECTOR)
    data[:SECTOR] = header(**fields)
    words = descriptor() if text is None else text
    data[SECTOR : SECTOR + len(words)] = words
    struct.pack_into(f"<{len(directory_entries)}I", data, DIRECTORY * SECTOR, *directory_entries)
    struct.pack_into(f"<{len(grains)}I", data, TABLE * SECTOR, *grains)
    return bytes(data) + after


def stream(
    *,
    marker: bytes = struct.pack("<QII", 1, 0, 3),
    marker_pad: bytes = b"\0",
    end_of_stream: bytes = b"",
    padding: bytes = b"",
    footer: dict[str, Any] | None = None,
    directory_entries: Sequence[int] = (TABLE,),
    grains: Sequence[int] = (GRAIN,),
    **fields: Any,
) -> bytes:
    """streamOptimized: the directory's place is told by a footer, between a marker and an end."""
    front = image(
        text=descriptor("streamOptimized"), directory_entries=directory_entries, grains=grains,
        **{"directory": AT_END, "flags": 0x30001, **fields},
    )  # fmt: skip
    behind = header(**{"flags": 0x30001, **fields, "directory": DIRECTORY, **(footer or {})})
    return front + padding + marker.ljust(SECTOR, marker_pad) + behind + end_of_stream.ljust(SECTOR, b"\0")
