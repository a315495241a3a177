"""A stream of foreign bytes that can be looked ahead into, skipped, and never brings more than its limit."""

from __future__ import annotations

from collections.abc import Iterator


class UnpackError(Exception):
    """What is packed cannot be unpacked: damaged, absurd, or in a way that nobody knows. The text is for people."""


class ByteSource:
    """Pieces of bytes, seen as one stream of at most `limit_bytes`; beyond that every call raises UnpackError."""

    def __init__(self, pieces: Iterator[bytes], limit_bytes: int) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._at = 0
        self._left = limit_bytes

    def peek(self, length: int) -> bytes:
        """The next bytes, which stay where they are; fewer at the end. Meant for short lengths."""
        while len(self._buffer) - self._at < length:
            more = self._pull()
            if not more:
                break
            self._buffer = self._buffer[self._at :] + more
            self._at = 0
        return self._buffer[self._at : self._at + length]

    def take(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        found = self.peek(length)
        self._at += len(found)
        return found

    def exactly(self, length: int, what: str) -> bytes:
        """The next `length` bytes; UnpackError where the stream ends before."""
        found = self.take(length)
        if len(found) < length:
            raise UnpackError(f"it ends in the middle of {what}")
        return found

    def skip(self, length: int, what: str) -> None:
        """Go on behind `length` bytes; UnpackError where the stream ends before."""
        while length > len(self._buffer) - self._at:
            length -= len(self._buffer) - self._at
            if not self._next():
                raise UnpackError(f"it ends in the middle of {what}")
        self._at += length

    def skip_zeros(self) -> bool:
        """Go on to the next byte that is not zero; False where there is none."""
        while True:
            rest = self._buffer[self._at :].lstrip(b"\0")
            if rest:
                self._at = len(self._buffer) - len(rest)
                return True
            if not self._next():
                return False

    def piece(self) -> bytes:
        """Some next bytes, as many as come easily; empty at the end."""
        found = self._buffer[self._at :] or self._pull()
        self._buffer, self._at = b"", 0
        return found

    def push_back(self, data: bytes) -> None:
        """Put `data` in front again."""
        self._buffer, self._at = data + self._buffer[self._at :], 0

    def _next(self) -> bool:
        """Leave what is buffered, and go to the next piece; False at the end."""
        self._buffer, self._at = self._pull(), 0
        return bool(self._buffer)

    def _pull(self) -> bytes:
        for piece in self._pieces:
            if not piece:
                continue
            self._left -= len(piece)
            if self._left < 0:
                raise UnpackError("it is larger than anything that is looked at here")
            return piece
        return b""
