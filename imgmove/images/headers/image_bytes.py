"""The bytes of an image of unknown intentions: read in small ranges, bounded in number and size whatever a header says."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NoReturn

from imgmove.core.errors import ImgmoveError, Kind

#: What is read first: in most images it holds every table that is looked at, and one request costs more than its bytes.
HEAD_BYTES: Final = 320 << 10
TAIL_BYTES: Final = 2048
#: No range is longer, and no look at one image reads more in all.
MAX_READ_BYTES: Final = 1 << 20
MAX_TOTAL_BYTES: Final = 8 << 20
MAX_READS: Final = 32

Read = Callable[[int, int], bytes]
"""`read(offset, length)`: the bytes there, fewer at the end. Raises only `ImgmoveError`."""


def refuse(code: str, message: str, hint: str) -> NoReturn:
    """Refuse an image (CORRUPT, exit code 7). `message` goes on after the image's name: "has a backing file"."""
    raise ImgmoveError(Kind.CORRUPT, message, code=code, hint=hint)


def quoted(text: str) -> str:
    """Words of an image, for a message: harmless, and not long."""
    shown = repr(text[:200])
    return shown if len(shown) <= 200 else shown[:199] + "…"


def absurd(what: str) -> NoReturn:
    """Refuse a header that no program writes."""
    refuse("AbsurdHeader", f"has a header that cannot be: {what}", "export or write the image again")


def truncated(what: str) -> NoReturn:
    """Refuse an image that ends before what its header speaks of."""
    refuse("TruncatedImage", f"is cut off: {what}", "copy or upload it again, and compare the sizes")


def check_sectors(image: ImageBytes) -> None:
    """Refuse a file with a footer that is not whole sectors long: readers disagree on where such a footer is."""
    if image.size_bytes % 512:
        absurd(f"a footer at the end of {image.size_bytes} bytes, which are not whole sectors")


class ImageBytes:
    """An image of `size_bytes` behind a `read`. Its beginning and end are read once and kept."""

    def __init__(self, size_bytes: int, read: Read) -> None:
        self.size_bytes = size_bytes
        self._read = read
        self.read_bytes = self.reads = 0
        """What the look cost so far."""

    @cached_property
    def head(self) -> bytes:
        """The first `HEAD_BYTES`, or all there is."""
        return self._fetch(0, min(HEAD_BYTES, self.size_bytes))

    @cached_property
    def _end(self) -> bytes:
        if self.size_bytes <= HEAD_BYTES:
            return self.head[-TAIL_BYTES:]
        return self._fetch(self.size_bytes - TAIL_BYTES, TAIL_BYTES)

    def tail(self, length: int) -> bytes:
        """The last `length` bytes (2 KiB at most); fewer where there are fewer."""
        return self._end[-min(length, TAIL_BYTES) :]

    def exactly(self, offset: int, length: int, what: str) -> bytes:
        """`length` bytes at `offset`. CORRUPT where the image ends before, or where `length` is beyond all bounds."""
        if offset < 0 or length < 0 or offset + length > self.size_bytes:
            truncated(f"{what} would reach from {offset} to {offset + length}, and it has {self.size_bytes} bytes")
        if offset + length <= len(self.head):
            return self.head[offset : offset + length]
        return self._fetch(offset, length)

    def table(
        self, offset: int, entries: int, typecode: Literal["I", "Q"], byteorder: Literal["big", "little"], what: str
    ) -> array[int]:
        """The beginning of a table of integers: all of it, or its first MiB. The whole table must lie in the image."""
        found = array(typecode, b"")
        length = entries * found.itemsize
        if offset < 0 or offset + length > self.size_bytes:
            truncated(f"{what} would end at {offset + length}, and it has {self.size_bytes} bytes")
        found.frombytes(self.exactly(offset, min(length, MAX_READ_BYTES), what))
        if byteorder != sys.byteorder:
            found.byteswap()
        return found

    def _fetch(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.read_bytes += length
        if length > MAX_READ_BYTES or self.read_bytes > MAX_TOTAL_BYTES or self.reads > MAX_READS:
            absurd("it sends its reader to more places than any image needs")
        found = self._read(offset, length)[:length]
        if len(found) < length:
            truncated(f"{length} bytes at {offset} were asked for, {len(found)} are there")
        return found


def file_bytes(path: Path) -> ImageBytes:
    """A local file; NOT_FOUND or DENIED where it cannot be read."""

    def read(offset: int, length: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise _unreadable(path, error) from error

    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    return ImageBytes(size_bytes, read)


def _unreadable(path: Path, error: OSError) -> ImgmoveError:
    kind = Kind.NOT_FOUND if isinstance(error, FileNotFoundError) else Kind.DENIED
    return ImgmoveError(kind, f"{path}: {error.strerror}", code=type(error).__name__, hint="check the path")
