"""Sparse maps of tar members, in every form that GNU tar has written: which bytes of the disk the archive holds."""

from __future__ import annotations

from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.images.tar_reader import BLOCK_BYTES, MAX_DISK_BYTES, Member, Reader, damaged, decimal, number

#: Half a million holes: 64 MiB of ours at most.
_MAX_MAP_ENTRIES: Final = 1 << 19


def apply_map(
    reader: Reader, member: Member, block: bytes, extra: dict[str, str], pairs: list[tuple[int, int]]
) -> None:
    """Fill in the member's true size and its extents, from whichever form of sparse map it has."""
    if "size" in extra:
        member.stored_bytes = member.real_bytes = decimal(extra["size"])
    if member.kind == b"S":
        member.extents, member.real_bytes = _old_gnu_map(reader, block), number(block[483:495])
    elif extra.get("GNU.sparse.major") == "1":
        member.extents, member.real_bytes = (
            _map_in_front(reader, member),
            decimal(extra.get("GNU.sparse.realsize", "")),
        )
    elif "GNU.sparse.map" in extra:
        numbers = [decimal(word) for word in extra["GNU.sparse.map"].split(",")]
        if len(numbers) % 2:
            damaged("a sparse map is malformed")
        member.extents = list(zip(numbers[::2], numbers[1::2], strict=True))
        member.real_bytes = decimal(extra.get("GNU.sparse.size", extra.get("GNU.sparse.realsize", "")))
    elif pairs:
        member.extents, member.real_bytes = pairs, decimal(extra.get("GNU.sparse.size", ""))
    else:
        member.extents = [(0, member.stored_bytes)]
    _check_extents(member)


def _old_gnu_map(reader: Reader, block: bytes) -> list[tuple[int, int]]:
    extents = _map_entries(block[386:482])
    more = block[482]
    while more:
        if len(extents) > _MAX_MAP_ENTRIES:
            damaged("a sparse map is absurdly long")
        following = reader.read(BLOCK_BYTES)
        extents += _map_entries(following[:504])
        more = following[504]
    return extents


def _map_entries(raw: bytes) -> list[tuple[int, int]]:
    entries = [raw[start : start + 24] for start in range(0, len(raw) - 23, 24)]
    return [(number(entry[:12]), number(entry[12:])) for entry in entries if entry[0]]


def _map_in_front(reader: Reader, member: Member) -> list[tuple[int, int]]:
    """PAX 1.0: the map stands in front of the data, one decimal number a line, padded to a block."""
    blocks: list[bytes] = []
    lines, wanted = 0, 1
    while lines < wanted:
        if len(blocks) * BLOCK_BYTES >= member.stored_bytes:
            damaged("a sparse map is longer than the file")
        blocks.append(reader.read(BLOCK_BYTES))
        lines += blocks[-1].count(b"\n")
        if len(blocks) == 1:
            wanted = 1 + 2 * _map_length(blocks[0])
    member.stored_bytes -= len(blocks) * BLOCK_BYTES
    words = b"".join(blocks).split(b"\n", wanted)[1:wanted]
    numbers = [decimal(word.decode("ascii", "replace")) for word in words]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _map_length(block: bytes) -> int:
    count = decimal(block.split(b"\n", 1)[0].decode("ascii", "replace"))
    if count > _MAX_MAP_ENTRIES:
        damaged("a sparse map is absurdly long")
    return count


def _check_extents(member: Member) -> None:
    """Extents rise, do not overlap, stay inside the disk, and need exactly the bytes that are stored."""
    if member.real_bytes > MAX_DISK_BYTES:
        raise ImgmoveError(
            Kind.CORRUPT, f"the archive's disk has {member.real_bytes} bytes; {MAX_DISK_BYTES} are the limit",
            code="TooLarge", hint="shrink the disk, or split it",
        )  # fmt: skip
    end = 0
    for offset, length in member.extents:
        if offset < end or offset + length > member.real_bytes:
            damaged("a sparse map does not fit the file")
        end = offset + length
    if sum(length for _, length in member.extents) != member.stored_bytes:
        damaged("a sparse map does not fit the data")
