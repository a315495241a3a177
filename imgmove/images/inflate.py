"""Inflating gzip streams: with ISA-L where it is installed, several times as fast as zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from imgmove.core.errors import ImgmoveError, Kind

#: The largest piece that one step yields: bounds the memory of a stream that inflates a thousandfold.
PIECE_BYTES = 1 << 20
#: What is left behind a member is copied: in small bites, a stream of a million tiny members costs no more than another.
_BITE_BYTES = 64 << 10


class _Inflater(Protocol):
    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib behind the face of ISA-L's decompressor."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._tail = b""
        self._full = False

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail and not self._full and not self._stream.eof

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._stream.decompress(self._tail + data, max_length)
        self._tail = self._stream.unconsumed_tail
        self._full = len(piece) == max_length
        return piece


def _isal() -> _Inflater:
    from isal import igzip_lib

    inflater: _Inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return inflater


def _inflater() -> _Inflater:
    try:
        return _isal()
    except ImportError:
        return _Zlib()


class Gunzip:
    """A gzip stream, pushed in and taken out in bounded pieces. CORRUPT for anything that is not one."""

    def __init__(self) -> None:
        self._stream = _inflater()
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` inflates to, in pieces of at most 1 MiB."""
        for start in range(0, len(data), _BITE_BYTES):
            yield from self._bite(data[start : start + _BITE_BYTES])

    def _bite(self, data: bytes) -> Iterator[bytes]:
        while data or not self._stream.needs_input:
            if self._stream.eof:
                data = (self._stream.unused_data + data).lstrip(b"\0")
                if not data:
                    return
                self._stream = _inflater()
            piece = self._step(data)
            data = b""
            if piece:
                self._any = True
                yield piece

    def _step(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, PIECE_BYTES)
        except Exception as error:  # ISA-L and zlib have unrelated exceptions for the same thing
            raise ImgmoveError(
                Kind.CORRUPT, f"the gzip stream is damaged: {error}", code="DamagedGzip", hint="export the image again"
            ) from error

    def finish(self) -> None:
        """Raise CORRUPT unless the stream came to its end."""
        if not self._any or not self._stream.eof:
            raise ImgmoveError(
                Kind.CORRUPT, "the gzip stream ends early", code="TruncatedGzip", hint="export the image again"
            )
