"""What every part of a tar archive is read with: blocks from a stream, numbers as tar writes them, the one refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

from imgmove.core.errors import ImgmoveError, Kind

BLOCK_BYTES: Final = 512
#: No service here takes half of it.
MAX_DISK_BYTES: Final = 32 << 40


@dataclass
class Member:
    name: str
    stored_bytes: int
    kind: bytes
    real_bytes: int
    extents: list[tuple[int, int]] = field(default_factory=list)


def damaged(what: str, code: str = "DamagedTar") -> NoReturn:
    raise ImgmoveError(Kind.CORRUPT, f"the tar archive is damaged: {what}", code=code, hint="export the image again")


def number(raw: bytes) -> int:
    """An octal number, or a base-256 one as GNU tar writes it for 8 GiB and more."""
    if raw[0] & 0x80:
        if raw[0] & 0x40:
            damaged("a negative number in a header")
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    text = raw.strip(b" \0")
    if text.strip(b"01234567"):
        damaged("a header is no tar header")
    return int(text, 8) if text else 0


def padded(length: int) -> int:
    return -(-length // BLOCK_BYTES) * BLOCK_BYTES


def decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        damaged("a sparse map is malformed")
    return int(text)


class Reader:
    """Exact reads from pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.position = 0
        """Bytes taken so far."""

    def stream(self, length: int) -> Iterator[bytes]:
        """The next `length` bytes, in pieces as they come."""
        while length:
            if not self._rest:
                self._rest = memoryview(next(self._pieces, b""))
                if not self._rest:
                    damaged("it ends early", "TruncatedTar")
            piece = self._rest[:length]
            self._rest = self._rest[len(piece) :]
            length -= len(piece)
            self.position += len(piece)
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
        return self.read(BLOCK_BYTES) if self._rest else b""

    def drain(self) -> bool:
        """Read to the end: was there anything but zeros?"""
        found = bool(bytes(self._rest).rstrip(b"\0"))
        for piece in self._pieces:
            found = found or bool(piece.rstrip(b"\0"))
        return found
