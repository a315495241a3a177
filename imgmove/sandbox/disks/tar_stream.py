"""Reading a tar archive as a stream: ustar, GNU and PAX headers and their three ways of writing sparse files.

Not the standard library's tarfile, which holds as much in memory as a header asks for and does not survive some
hostile ones (CVE-2025-8194 among them); here every header is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imgmove.sandbox.disks.gzip_stream import GzipStream
from imgmove.sandbox.disks.model import MAX_VIRTUAL_SIZE_BYTES, DiskError, ProblemKind, round_up

BLOCK_BYTES = 512
_MAX_EXTENSION_BYTES = 32 << 20  # in all before a file; PAX 0.1 writes a whole sparse map into one header
_MAX_EXTENSIONS = 16
_MAX_SEGMENTS = 1 << 20
_MAX_DIRECTORIES = 64
_MAX_DIGITS = 20
_MAX_TRAILER_BYTES = 16 << 20

_FILE_TYPES = (b"0", b"\0", b"7", b"S")
_DIRECTORY, _GNU_SPARSE, _GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL = b"5", b"S", b"L", b"K", b"x", b"g"

Segment = tuple[int, int]


@dataclass(frozen=True)
class TarMember:
    """A regular file. `segments` says where the archive's `stored_bytes` belong in its `size_bytes`."""

    name: str
    size_bytes: int
    stored_bytes: int
    segments: list[Segment] = field(repr=False)
    dialect: str


@dataclass
class _Extensions:
    """What the headers before a member's own said about it."""

    name: str | None = None
    pax: dict[str, str] = field(default_factory=dict)
    offsets: list[str] = field(default_factory=list)  # PAX 0.0 repeats its keys
    lengths: list[str] = field(default_factory=list)
    size_bytes: int = 0


def is_header(block: bytes) -> bool:
    """Whether this block is a tar header: its checksum is right."""
    if len(block) < BLOCK_BYTES:
        return False
    field_bytes = block[148:156].strip(b"\0 ")
    if not field_bytes or not all(byte in b"01234567" for byte in field_bytes):
        return False
    return int(field_bytes, 8) == sum(block) - sum(block[148:156]) + 8 * ord(" ")


class TarStream:
    """The archive's files, one after the other."""

    def __init__(self, stream: GzipStream) -> None:
        self._stream = stream
        self._unread = 0

    def next_file(self) -> TarMember | None:
        """The next regular file, with the stream at its data; None at the end, when all checksums were right. What
        `read` left of the file before is passed over."""
        self._stream.skip(self._unread)
        self._unread = 0
        for _ in range(_MAX_DIRECTORIES):
            header, extensions = self._header()
            if header is None:
                return None
            if header[156:157] != _DIRECTORY:
                return self._member(header, extensions)
        raise DiskError(ProblemKind.UNSUPPORTED, "the archive holds too many directories")

    def read(self, length: int) -> bytes:
        """The next stored bytes of the file."""
        data = self._stream.read(length)
        if len(data) < length:
            raise DiskError(ProblemKind.TRUNCATED, "the archive ends inside the disk")
        self._unread -= length
        return data

    def _header(self) -> tuple[bytes | None, _Extensions]:
        extensions = _Extensions()
        for _ in range(_MAX_EXTENSIONS):
            block = self._stream.read(BLOCK_BYTES)
            if not block.strip(b"\0"):
                self._must_end()
                return None, extensions
            if not is_header(block):
                raise DiskError(ProblemKind.DAMAGED, "a tar header's checksum is wrong")
            kind = block[156:157]
            if kind not in (_GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL):
                return block, extensions
            _extend(extensions, kind, self._extension(block, extensions))
        raise DiskError(ProblemKind.DAMAGED, "too many extension headers before a file")

    def _extension(self, block: bytes, extensions: _Extensions) -> bytes:
        length = _number(block[124:136])
        extensions.size_bytes += length
        if extensions.size_bytes > _MAX_EXTENSION_BYTES:
            raise DiskError(ProblemKind.DAMAGED, f"an extension header of {length} bytes")
        data = self._stream.read(round_up(length, BLOCK_BYTES))
        if len(data) < length:
            raise DiskError(ProblemKind.TRUNCATED, "the archive ends inside a header")
        return data[:length]

    def _must_end(self) -> None:
        """Reads up to the end of the stream, so that its checksum is looked at; only zeros are allowed there."""
        length = 0
        while block := self._stream.read(64 << 10):
            length += len(block)
            if length > _MAX_TRAILER_BYTES or block.strip(b"\0"):
                raise DiskError(ProblemKind.DAMAGED, "the archive goes on behind its end")

    def _member(self, header: bytes, extensions: _Extensions) -> TarMember:
        kind = header[156:157]
        if kind not in _FILE_TYPES:
            raise DiskError(ProblemKind.UNSUPPORTED, f"the archive holds an entry of type {kind!r}, which is no file")
        pax = extensions.pax
        stored = _decimal(pax["size"]) if "size" in pax else _number(header[124:136])
        name = pax.get("GNU.sparse.name") or pax.get("path") or extensions.name or _text(header[:100])
        padding = -stored % BLOCK_BYTES
        if kind == _GNU_SPARSE:
            dialect, size, segments = "gnu-sparse", _number(header[483:495]), self._old_map(header)
        elif pax.get("GNU.sparse.major") == "1":
            dialect, size = "pax-sparse", _decimal(pax.get("GNU.sparse.realsize", ""))
            segments, map_bytes = self._leading_map()
            stored -= map_bytes
        elif "GNU.sparse.size" in pax:
            dialect, size = "pax-sparse", _decimal(pax["GNU.sparse.size"])
            segments = _listed_map(extensions)
        else:
            dialect, size, segments = _plain_dialect(header, pax), stored, [(0, stored)]
        _check(size, stored, segments)
        self._unread = stored + padding
        return TarMember(name, size, stored, [segment for segment in segments if segment[1]], dialect)

    def _old_map(self, header: bytes) -> list[Segment]:
        """GNU: four segments in the header, then blocks of 21 while a flag says so."""
        segments, more = list(_map_entries(header, 386, 4)), header[482]
        for _ in range(_MAX_SEGMENTS // 21):
            if not more:
                return segments
            block = self._stream.read(BLOCK_BYTES)
            if len(block) < BLOCK_BYTES:
                break
            segments += _map_entries(block, 0, 21)
            more = block[504]
        raise DiskError(ProblemKind.DAMAGED, "the sparse map does not end")

    def _leading_map(self) -> tuple[list[Segment], int]:
        """PAX 1.0: decimal numbers on lines before the data, filled up to whole blocks."""
        numbers: list[int] = []
        wanted, rest, length = 1, b"", 0
        while len(numbers) < wanted:
            block = self._stream.read(BLOCK_BYTES)
            length += len(block)
            if len(block) < BLOCK_BYTES or len(rest) > _MAX_DIGITS:
                raise DiskError(ProblemKind.DAMAGED, "the sparse map does not end")
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if len(numbers) < wanted:
                    numbers.append(_decimal(line.decode("latin-1")))
                    wanted = 1 + 2 * _bounded(numbers[0])
        return list(zip(numbers[1::2], numbers[2::2], strict=True)), length


def _extend(extensions: _Extensions, kind: bytes, data: bytes) -> None:
    if kind == _GNU_NAME:
        extensions.name = _text(data)
    elif kind == _PAX:
        for key, value in _pax_records(data):
            extensions.pax[key] = value
            if key == "GNU.sparse.offset":
                extensions.offsets.append(value)
            elif key == "GNU.sparse.numbytes":
                extensions.lengths.append(value)


def _pax_records(data: bytes) -> Iterator[tuple[str, str]]:
    """Records are `length key=value` and a newline; the length counts itself too."""
    position = 0
    while position < len(data) and data[position]:
        space = data.find(b" ", position, position + 20)
        length = _decimal(data[position:space].decode("latin-1")) if space > 0 else 0
        record = data[space + 1 : position + length]
        if space + 1 >= position + length or position + length > len(data) or record[-1:] != b"\n":
            raise DiskError(ProblemKind.DAMAGED, "a PAX header is damaged")
        key, _, value = record[:-1].partition(b"=")
        yield key.decode("utf-8", "replace"), value.decode("utf-8", "replace")
        position += length


def _listed_map(extensions: _Extensions) -> list[Segment]:
    """PAX 0.1 has one list, 0.0 repeated keys."""
    listed = extensions.pax.get("GNU.sparse.map")
    if listed is not None:
        words = listed.split(",") if listed else []
        offsets, lengths = words[::2], words[1::2]
    else:
        offsets, lengths = extensions.offsets, extensions.lengths
    if len(offsets) != len(lengths) or len(offsets) > _MAX_SEGMENTS:
        raise DiskError(ProblemKind.DAMAGED, "the sparse map is incomplete or too long")
    return [(_decimal(offset), _decimal(length)) for offset, length in zip(offsets, lengths, strict=True)]


def _map_entries(block: bytes, start: int, count: int) -> Iterator[Segment]:
    for position in range(start, start + 24 * count, 24):
        if not block[position]:  # an unused place
            return
        yield _number(block[position : position + 12]), _number(block[position + 12 : position + 24])


def _check(size: int, stored: int, segments: Iterable[Segment]) -> None:
    """The segments lie one behind the other inside the file and are what the archive stores."""
    position = total = 0
    for offset, length in segments:
        if offset < position:
            raise DiskError(ProblemKind.DAMAGED, "the sparse map's segments overlap")
        position, total = offset + length, total + length
    if not position <= size <= MAX_VIRTUAL_SIZE_BYTES or total != stored:
        raise DiskError(ProblemKind.DAMAGED, "the sparse map does not fit the file's size")


def _plain_dialect(header: bytes, pax: dict[str, str]) -> str:
    if pax:
        return "pax"
    return "gnu" if header[257:265] == b"ustar  \0" else "ustar"


def _bounded(entries: int) -> int:
    if entries > _MAX_SEGMENTS:
        raise DiskError(ProblemKind.UNSUPPORTED, f"a sparse map of {entries} segments")
    return entries


def _number(data: bytes) -> int:
    """A header's number: octal text, or base 256 where the first bit is set."""
    if data[0] & 0x80:
        if data[0] != 0x80:  # negative, or far beyond any disk
            raise DiskError(ProblemKind.DAMAGED, "a tar header has an absurd number")
        return int.from_bytes(data[1:], "big")
    text = data.strip(b"\0 ")
    if not all(byte in b"01234567" for byte in text):
        raise DiskError(ProblemKind.DAMAGED, "a tar header's number is not octal")
    return int(text or b"0", 8)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise DiskError(ProblemKind.DAMAGED, f"{text[:30]!r} in a tar header is no number")
    return int(text)


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace")
