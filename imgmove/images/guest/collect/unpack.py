"""The ways in which kernels' archives are packed: recognised by their first bytes, unpacked in small pieces."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

from imgmove.images.guest.collect.byte_source import ByteSource, UnpackError

#: What comes out at once, about; a few packings cannot be told, and are bounded by what goes in.
PIECE_BYTES: Final = 1 << 20
_LZMA_MEMORY: Final = 192 << 20
_ZSTD_WINDOW: Final = 128 << 20
_ZSTD_BITE: Final = 256
#: The kernel's LZ4 has blocks of 8 MiB.
_LZ4_BLOCK: Final = 8 << 20
_LZ4_LEGACY_MAGIC: Final = b"\x02\x21\x4c\x18"
_DAMAGE: Final = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the manners of lzma's and bz2's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _stepwise(make: Callable[[], _Decompressor], source: ByteSource) -> Iterator[bytes]:
    """One packed stream; what follows it goes back to `source`."""
    inner = make()
    while not inner.eof:
        is_hungry = inner.needs_input
        data = source.piece() if is_hungry else b""
        found = inner.decompress(data, PIECE_BYTES)
        if is_hungry and not data and not found and not inner.eof:
            raise UnpackError("it is cut off")
        if found:
            yield found
    source.push_back(inner.unused_data or b"")


def _zstd(source: ByteSource) -> Iterator[bytes]:
    """In small bites: 256 bytes can become 8 MiB, and no more."""
    import zstandard

    inner = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    while data := source.piece():
        for start in range(0, len(data), _ZSTD_BITE):
            try:
                found = inner.decompress(data[start : start + _ZSTD_BITE])
            except zstandard.ZstdError as error:
                raise UnpackError(f"it is damaged ({error})") from error
            if found:
                yield found
            if inner.eof:
                source.push_back(inner.unused_data + data[start + _ZSTD_BITE :])
                return
    raise UnpackError("it is cut off")


def _lz4_frame() -> Any:
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor()


def _lz4_legacy(source: ByteSource) -> Iterator[bytes]:
    """Blocks, each after its length; a length that is a magic number begins the next stream."""
    import lz4.block

    source.skip(4, "its header")
    while len(head := source.peek(4)) == 4:
        (length,) = struct.unpack("<I", head)
        if head == _LZ4_LEGACY_MAGIC:
            source.skip(4, "its header")
            continue
        if not 0 < length <= _LZ4_BLOCK + (1 << 16):
            return
        source.skip(4, "a block")
        try:
            unpacked = lz4.block.decompress(source.exactly(length, "a block"), uncompressed_size=_LZ4_BLOCK)
        except lz4.block.LZ4BlockError as error:
            raise UnpackError(f"it is damaged ({error})") from error
        for start in range(0, len(unpacked), PIECE_BYTES):
            yield unpacked[start : start + PIECE_BYTES]


_XZ: Final = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _LZMA_MEMORY)
_ALONE: Final = partial(lzma.LZMADecompressor, lzma.FORMAT_ALONE, _LZMA_MEMORY)

#: First bytes, name, and how it is unpacked (None: known, and nobody here can).
FORMATS: Final[tuple[tuple[bytes, str, Callable[[ByteSource], Iterator[bytes]] | None], ...]] = (
    (b"\x1f\x8b", "gzip", partial(_stepwise, _Gzip)),
    (b"\xfd7zXZ\0", "xz", partial(_stepwise, _XZ)),
    (b"\x5d\0\0", "lzma", partial(_stepwise, _ALONE)),
    (b"BZh", "bzip2", partial(_stepwise, bz2.BZ2Decompressor)),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"\x04\x22\x4d\x18", "lz4", partial(_stepwise, _lz4_frame)),
    (_LZ4_LEGACY_MAGIC, "lz4", _lz4_legacy),
    (b"\x89LZO", "lzo", None),
)
MAGIC_BYTES: Final = 6


def packing(head: bytes) -> tuple[str, Callable[[ByteSource], Iterator[bytes]] | None]:
    """How something that begins with `head` is packed: a name, empty for unknown, and its unpacker."""
    for magic, name, unpacker in FORMATS:
        if head.startswith(magic):
            return name, unpacker
    return "", None


def unpacked(source: ByteSource) -> tuple[str, Iterator[bytes]]:
    """The name of the packing, and the contents of one packed stream at the beginning of `source`.

    The contents come in pieces of a few MiB and raise only UnpackError (and what `source` raises).
    """
    head = source.peek(MAGIC_BYTES)
    name, unpacker = packing(head)
    if unpacker is None:
        raise UnpackError(f"it is packed with {name}" if name else f"it begins with {head.hex(' ') or 'nothing'}")
    return name, _guarded(unpacker, source)


def _guarded(unpacker: Callable[[ByteSource], Iterator[bytes]], source: ByteSource) -> Iterator[bytes]:
    try:
        yield from unpacker(source)
    except _DAMAGE as error:
        raise UnpackError(f"it is damaged ({error})"[:200]) from error
