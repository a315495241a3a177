"""The raw disk inside a `.raw.tar.gz`, as a stream of runs: GNU, GNU sparse and PAX sparse members, base-256 sizes.

The dialect that ECS writes is not documented (alibaba.md 4), so all of them are read. Nothing is seeked and nothing is
kept: memory stays bounded whatever the disk's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NoReturn

from imgmove.core.errors import ImgmoveError, Kind

_BLOCK: Final = 512
#: Bounds for what a hostile archive may make us keep: extended headers and maps.
_MAX_HEADER_BYTES: Final = 1 << 20
_MAX_MAP_ENTRIES: Final = 1 << 20

Run = tuple[int, bytes]
"""Bytes at an offset of the disk; what no run covers is zeros."""


@dataclass(frozen=True)
class RawDisk:
    """The one member: its name, the disk's size, and its runs in order. Consume `runs` before asking anything else."""

    name: str
    size_bytes: int
    runs: Iterator[Run]


@dataclass
class _Member:
    name: str
    stored_bytes: int
    kind: bytes
    real_bytes: int
    extents: list[tuple[int, int]] = field(default_factory=list)
    is_sparse: bool = False


def open_tar(pieces: Iterable[bytes]) -> RawDisk:
    """The raw disk in an unpacked tar stream. CORRUPT for anything that is not a tar with exactly one file in it."""
    reader = _Reader(iter(pieces))
    member = _next_file(reader)
    if member is None:
        _damaged("there is no file in the archive")
    return RawDisk(member.name, member.real_bytes, _runs(reader, member))


def _damaged(what: str, code: str = "DamagedTar") -> NoReturn:
    raise ImgmoveError(Kind.CORRUPT, f"the tar archive is damaged: {what}", code=code, hint="export the image again")


class _Reader:
    """Exact reads from pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def stream(self, length: int) -> Iterator[bytes]:
        """The next `length` bytes, in pieces as they come."""
        while length:
            if not self._rest:
                self._rest = memoryview(next(self._pieces, b""))
                if not self._rest:
                    _damaged("it ends early", "TruncatedTar")
            piece = self._rest[:length]
            self._rest = self._rest[len(piece) :]
            length -= len(piece)
            yield bytes(piece)

    def read(self, length: int) -> bytes:
        return b"".join(self.stream(length))

    def skip(self, length: int) -> None:
        for _ in self.stream(length):
            pass

    def block(self) -> bytes:
        """The next 512 bytes, or nothing at the very end (some writers leave out the closing zeros)."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        return self.read(_BLOCK) if self._rest else b""

    def drain(self) -> None:
        for _ in self._pieces:
            pass


# ------------------------------------------------------------------------------------------------------ headers


def _next_file(reader: _Reader) -> _Member | None:
    """The next regular file; None at the end of the archive."""
    extra: dict[str, str] = {}
    sparse_pairs: list[tuple[int, int]] = []
    long_name = ""
    while True:
        block = reader.block()
        if not block or not block.strip(b"\0"):
            return None
        _check_sum(block)
        member = _header(block)
        if member.kind in {b"x", b"g", b"L", b"K"}:
            body = _extension(reader, member)
            if member.kind == b"x":
                extra, sparse_pairs = _pax(body)
            elif member.kind == b"L":
                long_name = body.rstrip(b"\0").decode("utf-8", "replace")
            continue
        if member.kind in {b"0", b"\0", b"7", b"S"}:
            member.name = extra.get("GNU.sparse.name") or extra.get("path") or long_name or member.name
            _apply(reader, member, block, extra, sparse_pairs)
            return member
        reader.skip(_padded(member.stored_bytes) if member.kind not in {b"1", b"2", b"5"} else 0)
        extra, sparse_pairs, long_name = {}, [], ""


def _check_sum(block: bytes) -> None:
    stated = _number(block[148:156])
    if stated != sum(block[:148]) + sum(block[156:]) + 8 * 32:
        _damaged("a header has a wrong checksum")


def _header(block: bytes) -> _Member:
    size = _number(block[124:136])
    name = block[:100].split(b"\0")[0].decode("utf-8", "replace")
    return _Member(name, size, block[156:157], size)


def _number(raw: bytes) -> int:
    """An octal number, or a base-256 one as GNU tar writes it for 8 GiB and more."""
    if raw[0] & 0x80:
        if raw[0] & 0x40:
            _damaged("a negative number in a header")
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    text = raw.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        _damaged("a header is no tar header")


def _padded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _extension(reader: _Reader, member: _Member) -> bytes:
    if member.stored_bytes > _MAX_HEADER_BYTES:
        _damaged("an extended header is absurdly large")
    return reader.read(_padded(member.stored_bytes))[: member.stored_bytes]


def _pax(body: bytes) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """The records of a PAX header, and the pairs of its sparse map in the 0.0 form, whose keys repeat."""
    records: dict[str, str] = {}
    offsets: list[int] = []
    pairs: list[tuple[int, int]] = []
    while body:
        head, blank, _ = body.partition(b" ")
        if not blank or not head.isdigit() or not 0 < int(head) <= len(body):
            _damaged("a PAX header is malformed")
        record, body = body[len(head) + 1 : int(head) - 1], body[int(head) :]
        key, _, value = record.decode("utf-8", "replace").partition("=")
        if key == "GNU.sparse.offset":
            offsets.append(_decimal(value))
        elif key == "GNU.sparse.numbytes" and len(offsets) == len(pairs) + 1:
            pairs.append((offsets[-1], _decimal(value)))
        records[key] = value
    return records, pairs


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        _damaged("a sparse map is malformed")
    return int(text)


# -------------------------------------------------------------------------------------------------- sparse maps


def _apply(reader: _Reader, member: _Member, block: bytes, extra: dict[str, str], pairs: list[tuple[int, int]]) -> None:
    """Fill in the member's true size and its extents, from whichever form of sparse map it has."""
    if "size" in extra:
        member.stored_bytes = member.real_bytes = _decimal(extra["size"])
    if member.kind == b"S":
        member.extents, member.real_bytes = _old_gnu_map(reader, block), _number(block[483:495])
    elif extra.get("GNU.sparse.major") == "1":
        member.extents, member.real_bytes = (
            _map_in_front(reader, member),
            _decimal(extra.get("GNU.sparse.realsize", "")),
        )
    elif "GNU.sparse.map" in extra:
        numbers = [_decimal(word) for word in extra["GNU.sparse.map"].split(",")]
        member.extents = list(zip(numbers[::2], numbers[1::2], strict=False))
        member.real_bytes = _decimal(extra.get("GNU.sparse.size", extra.get("GNU.sparse.realsize", "")))
    elif pairs:
        member.extents, member.real_bytes = pairs, _decimal(extra.get("GNU.sparse.size", ""))
    else:
        member.extents = [(0, member.stored_bytes)]
        return
    member.is_sparse = True
    _check_extents(member)


def _old_gnu_map(reader: _Reader, block: bytes) -> list[tuple[int, int]]:
    extents = _map_entries(block[386:482])
    more = block[482]
    while more:
        if len(extents) > _MAX_MAP_ENTRIES:
            _damaged("a sparse map is absurdly long")
        following = reader.read(_BLOCK)
        extents += _map_entries(following[:504])
        more = following[504]
    return extents


def _map_entries(raw: bytes) -> list[tuple[int, int]]:
    entries = [raw[start : start + 24] for start in range(0, len(raw) - 23, 24)]
    return [(_number(entry[:12]), _number(entry[12:])) for entry in entries if entry[0]]


def _map_in_front(reader: _Reader, member: _Member) -> list[tuple[int, int]]:
    """PAX 1.0: the map stands in front of the data, one decimal number a line, padded to a block."""
    text, used = b"", 0
    wanted: int | None = None
    while wanted is None or text.count(b"\n") < wanted:
        text += reader.read(_BLOCK)
        used += _BLOCK
        if wanted is None and b"\n" in text:
            count = _decimal(text.split(b"\n", 1)[0].decode("ascii", "replace"))
            wanted = 1 + 2 * count
        if used > min(member.stored_bytes, 64 * _MAX_HEADER_BYTES):
            _damaged("a sparse map is absurdly long")
    member.stored_bytes -= used
    numbers = [_decimal(line.decode("ascii", "replace")) for line in text.split(b"\n")[1:wanted]]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _check_extents(member: _Member) -> None:
    """Extents rise, do not overlap, stay inside the disk, and need exactly the bytes that are stored."""
    end = 0
    for offset, length in member.extents:
        if offset < end or offset + length > member.real_bytes:
            _damaged("a sparse map does not fit the file")
        end = offset + length
    if sum(length for _, length in member.extents) != member.stored_bytes:
        _damaged("a sparse map does not fit the data")


# --------------------------------------------------------------------------------------------------------- data


def _runs(reader: _Reader, member: _Member) -> Iterator[Run]:
    for start, length in member.extents:
        position = start
        for piece in reader.stream(length):
            yield position, piece
            position += len(piece)
    reader.skip(_padded(member.stored_bytes) - member.stored_bytes)
    if _next_file(reader) is not None:
        raise ImgmoveError(
            Kind.CORRUPT, "the archive holds more than one file", code="SeveralFiles",
            hint="unpack it by hand and name the disk that is meant",
        )  # fmt: skip
    reader.drain()


def peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first piece, and the stream as if nothing had been taken from it."""
    first = next(pieces, b"")
    return first, chain([first], pieces)
