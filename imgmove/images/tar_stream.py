"""The raw disk inside a `.raw.tar.gz`, as a stream of runs: GNU, GNU sparse and PAX sparse members, base-256 sizes.

The dialect that ECS writes is not documented (alibaba.md 4), so all of them are read. Nothing is seeked and nothing is
kept: memory stays bounded whatever the disk's size. Exactly one plain file is taken: no link, no device, no second file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.images.tar_reader import Member, Reader, damaged, decimal, number, padded
from imgmove.images.tar_sparse import apply_map

#: Bounds for what a hostile archive may make us keep or read through: an extended header, all of them, a name.
_MAX_HEADER_BYTES: Final = 1 << 20
_MAX_HEADERS_BYTES: Final = 8 << 20
_MAX_NAME_CHARACTERS: Final = 1024

_PLAIN: Final = frozenset({b"0", b"\0", b"7", b"S"})
_EXTENSIONS: Final = frozenset({b"x", b"g", b"L", b"K"})
_DIRECTORY: Final = b"5"
_KINDS: Final = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe",
}  # fmt: skip

Run = tuple[int, bytes]
"""Bytes at an offset of the disk; what no run covers is zeros."""


@dataclass(frozen=True)
class RawDisk:
    """The one member: its name, the disk's size, and its runs in order. Consume `runs` before asking anything else."""

    name: str
    size_bytes: int
    runs: Iterator[Run]
    stored_bytes: int = 0
    """What the archive must hold for it: less than `size_bytes` where the member is sparse."""


@dataclass(frozen=True)
class Extent:
    """`length` bytes of the disk at `disk_offset`, which stand at `stored_offset` of the unpacked archive."""

    disk_offset: int
    length: int
    stored_offset: int


@dataclass(frozen=True)
class LocatedDisk:
    """Where the one member's bytes are; what no extent covers is zeros."""

    name: str
    size_bytes: int
    extents: tuple[Extent, ...]


def open_tar(pieces: Iterable[bytes]) -> RawDisk:
    """The raw disk in an unpacked tar stream. CORRUPT for anything that is not a tar with exactly one file in it."""
    reader = Reader(iter(pieces))
    member = _next_file(reader)
    if member is None:
        damaged("there is no file in the archive")
    return RawDisk(member.name, member.real_bytes, _runs(reader, member), member.stored_bytes)


def locate_disk(pieces: Iterable[bytes]) -> LocatedDisk:
    """Where the raw disk is in an unpacked tar stream; reads no farther than to its first byte. CORRUPT as `open_tar`."""
    reader = Reader(iter(pieces))
    member = _next_file(reader)
    if member is None:
        damaged("there is no file in the archive")
    extents: list[Extent] = []
    stored_offset = reader.position
    for disk_offset, length in member.extents:
        extents.append(Extent(disk_offset, length, stored_offset))
        stored_offset += length
    return LocatedDisk(member.name, member.real_bytes, tuple(extents))


# ------------------------------------------------------------------------------------------------------ headers


@dataclass
class _Announced:
    """What extended headers said of the member that follows, and how much had to be read for it."""

    records: dict[str, str] = field(default_factory=dict)
    sparse_pairs: list[tuple[int, int]] = field(default_factory=list)
    long_name: str = ""

    def take(self, kind: bytes, body: bytes) -> None:
        if kind == b"x":
            self.records, self.sparse_pairs = _pax(body)
        elif kind == b"L":
            self.long_name = body.rstrip(b"\0").decode("utf-8", "replace")
        elif kind == b"g":
            _check_global(body)

    def name(self, member: Member) -> str:
        return self.records.get("GNU.sparse.name") or self.records.get("path") or self.long_name or member.name


def _next_file(reader: Reader) -> Member | None:
    """The next regular file; None at the end of the archive. CORRUPT for links, devices and what nobody knows."""
    announced, started = _Announced(), reader.position
    while (block := reader.block()).strip(b"\0"):
        if reader.position - started > _MAX_HEADERS_BYTES:
            damaged("it has headers without end")
        _check_sum(block)
        member = _header(block)
        if member.kind in _EXTENSIONS:
            announced.take(member.kind, _extension(reader, member))
        elif member.kind in _PLAIN:
            member.name = announced.name(member)
            _check_name(member.name)
            apply_map(reader, member, block, announced.records, announced.sparse_pairs)
            return member
        else:
            _check_directory(member)
            announced = _Announced()
    return None


def _check_directory(member: Member) -> None:
    if member.kind != _DIRECTORY or member.stored_bytes:
        kind = _KINDS.get(member.kind, f"a member of the kind {member.kind!r}")
        raise ImgmoveError(
            Kind.CORRUPT, f"the archive holds {kind} where a plain file should be", code="NotAPlainFile",
            hint="unpack it by hand, look at it, and import the disk that is meant",
        )  # fmt: skip


def _check_name(name: str) -> None:
    if len(name) > _MAX_NAME_CHARACTERS or not name.isprintable() or ".." in name.split("/"):
        raise ImgmoveError(
            Kind.CORRUPT, f"the archive holds a file with a name that nobody gives: {name[:50]!r}", code="AbsurdName",
            hint="unpack it by hand, look at it, and import the disk that is meant",
        )  # fmt: skip


def _check_global(body: bytes) -> None:
    """Records for all members: programs differ on whether they count, so that none may say what a member is."""
    records, _ = _pax(body)
    if any(key in {"size", "path", "linkpath"} or key.startswith("GNU.sparse") for key in records):
        damaged("a global header speaks of sizes or names")


def _check_sum(block: bytes) -> None:
    stated = number(block[148:156])
    if stated != sum(block[:148]) + sum(block[156:]) + 8 * 32:
        damaged("a header has a wrong checksum")


def _header(block: bytes) -> Member:
    size = number(block[124:136])
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (folder := _text(block[345:500])):
        name = f"{folder}/{name}"
    return Member(name, size, block[156:157], size)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def _extension(reader: Reader, member: Member) -> bytes:
    if member.stored_bytes > _MAX_HEADER_BYTES:
        damaged("an extended header is absurdly large")
    return reader.read(padded(member.stored_bytes))[: member.stored_bytes]


def _pax(body: bytes) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """The records of a PAX header, and the pairs of its sparse map in the 0.0 form, whose keys repeat."""
    records: dict[str, str] = {}
    offsets: list[int] = []
    pairs: list[tuple[int, int]] = []
    position = 0
    while position < len(body):
        record, position = _record(body, position)
        key, _, value = record.decode("utf-8", "replace").partition("=")
        if key == "GNU.sparse.offset":
            offsets.append(decimal(value))
        elif key == "GNU.sparse.numbytes" and len(offsets) == len(pairs) + 1:
            pairs.append((offsets[-1], decimal(value)))
        records[key] = value
    return records, pairs


def _record(body: bytes, position: int) -> tuple[bytes, int]:
    """The record at `position`, "LENGTH KEY=VALUE" and a line's end, and where the next one begins."""
    blank = body.find(b" ", position, position + 10)
    digits = body[position : max(blank, position)]
    if not digits.isdigit():
        damaged("a PAX header is malformed")
    end = position + int(digits)
    if not blank < end <= len(body):
        damaged("a PAX header is malformed")
    return body[blank + 1 : end - 1], end


# --------------------------------------------------------------------------------------------------------- data


def _runs(reader: Reader, member: Member) -> Iterator[Run]:
    for start, length in member.extents:
        position = start
        for piece in reader.stream(length):
            yield position, piece
            position += len(piece)
    reader.skip(padded(member.stored_bytes) - member.stored_bytes)
    if _next_file(reader) is not None or reader.drain():
        raise ImgmoveError(
            Kind.CORRUPT, "the archive holds more than one file", code="SeveralFiles",
            hint="unpack it by hand and name the disk that is meant",
        )  # fmt: skip


def peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first piece, and the stream as if nothing had been taken from it."""
    first = next(pieces, b"")
    return first, chain([first], pieces)
