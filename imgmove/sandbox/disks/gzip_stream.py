"""Reading gzip as a stream in bounded memory, and writing it so that runs of zeros cost next to nothing."""

from __future__ import annotations

import os
import struct
import zlib
from functools import cache

from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.model import CHUNK_BYTES, DiskError, ProblemKind
from imgmove.sandbox.disks.raw import write_at

MAGIC = b"\x1f\x8b"
_INPUT_BYTES = 256 << 10
_GZIP = 31  # zlib: expect gzip's header, check its CRC-32 and length
_RAW_DEFLATE = -15
_LEVEL = 1
# magic, deflate, no flags, no time, fastest, Unix
_HEADER = struct.pack("<2sBBIBB", MAGIC, 8, 0, 0, 4, 3)


class GzipStream:
    """The unpacked bytes in order; several gzip members count as one stream. Damage and early ends are DiskErrors."""

    def __init__(self, file: ImageFile) -> None:
        self._file = file
        self._position = 0
        self._input = b""
        self._inflater = zlib.decompressobj(_GZIP)

    def read(self, length: int) -> bytes:
        """`length` bytes: fewer only at the end of the stream, whose checksum was right then."""
        first = self._more(length)
        if len(first) == length:
            return first
        pieces, got = [first], len(first)
        while pieces[-1] and got < length:
            pieces.append(self._more(length - got))
            got += len(pieces[-1])
        return b"".join(pieces)

    def skip(self, length: int) -> None:
        """Passes over `length` bytes; the stream has to hold them."""
        while length:
            got = len(self.read(min(length, CHUNK_BYTES)))
            if not got:
                raise DiskError(ProblemKind.TRUNCATED, "the archive ends early")
            length -= got

    def _more(self, limit: int) -> bytes:
        """Some bytes, `limit` at most; none at the end."""
        while limit:
            if self._inflater.eof and not self._next_member():
                break
            data = self._input or self._fetch()
            try:
                piece = self._inflater.decompress(data, limit)
            except zlib.error as error:
                raise DiskError(ProblemKind.DAMAGED, f"the gzip stream is damaged: {error}") from error
            self._input = self._inflater.unconsumed_tail
            if piece:
                return piece
            if not data and not self._inflater.eof:
                raise DiskError(ProblemKind.TRUNCATED, "the gzip stream ends early")
        return b""

    def _fetch(self) -> bytes:
        length = min(_INPUT_BYTES, self._file.size_bytes - self._position)
        data = self._file.exactly(self._position, length, "the gzip stream")
        self._position += length
        return data

    def _next_member(self) -> bool:
        rest = self._inflater.unused_data
        if len(rest) < len(MAGIC):
            rest += self._fetch()
        if rest[: len(MAGIC)] != MAGIC:  # padding behind the end, which gzip ignores as well
            return False
        self._inflater, self._input = zlib.decompressobj(_GZIP), rest
        return True


@cache
def _packed_zeros() -> bytes:
    """CHUNK_BYTES of zeros as deflate blocks that begin and end at a byte and refer to nothing before them."""
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_DEFLATE)
    return deflater.compress(bytes(CHUNK_BYTES)) + deflater.flush(zlib.Z_FULL_FLUSH)


class GzipWriter:
    """One gzip member, written from the start of an open file. Same input, same bytes (for one version of zlib)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_DEFLATE)
        self._crc = 0
        self._length = 0
        self._put(_HEADER)

    def write(self, data: bytes | memoryview) -> None:
        """Packs `data`."""
        self._put(self._deflater.compress(data))
        self._crc = zlib.crc32(data, self._crc)
        self._length += len(data)

    def write_zeros(self, length: int) -> None:
        """Packs `length` zeros: whole chunks of them are put down ready made, and counted in by arithmetic."""
        chunks, rest = divmod(length, CHUNK_BYTES)
        if chunks:
            # A full flush ends at a byte, and nothing after it looks back: there is room for foreign blocks.
            self._put(self._deflater.flush(zlib.Z_FULL_FLUSH))
            for _ in range(chunks):
                self._put(_packed_zeros())
            self._crc = crc32_with_zeros(self._crc, chunks * CHUNK_BYTES)
            self._length += chunks * CHUNK_BYTES
        self.write(bytes(rest))

    def finish(self) -> None:
        """Writes the end of the stream."""
        self._put(self._deflater.flush() + struct.pack("<II", self._crc, self._length & 0xFFFF_FFFF))
        os.ftruncate(self._descriptor, self._position)

    def _put(self, data: bytes) -> None:
        write_at(self._descriptor, self._position, data)
        self._position += len(data)


_CRC32_POLYNOMIAL = 0xEDB88320  # reflected


def crc32_with_zeros(crc: int, length: int) -> int:
    """The CRC-32 of data with CRC `crc` after `length` zero bytes are appended, in time logarithmic in `length`."""
    factor, power, bits = 1 << 31, 1 << 30, length * 8  # x^0, x^1: bit 31 is the lowest power
    while bits:
        if bits & 1:
            factor = _multiplied(factor, power)
        power = _multiplied(power, power)
        bits >>= 1
    return _multiplied(factor, crc ^ 0xFFFF_FFFF) ^ 0xFFFF_FFFF


def _multiplied(left: int, right: int) -> int:
    """The product of two polynomials modulo CRC-32's."""
    product = 0
    for bit in range(31, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = (right >> 1) ^ (_CRC32_POLYNOMIAL if right & 1 else 0)
    return product
