"""The raw disk inside a `.raw.tar.gz`: inflated as a stream, with marks from which it can be inflated again.

A place is reached by inflating all that stands before it; a place before the last one by inflating from the nearest
mark. Marks are bounded in number: when there are too many, every second one goes.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from imgmove.core.errors import ImgmoveError
from imgmove.images.reading.device import Device, DeviceError, clipped
from imgmove.images.tar_stream import locate_disk

#: Small, because a mark keeps what is left of it.
_INPUT_BYTES: Final = 16 << 10
_PAGE_BYTES: Final = 256 << 10
_KEPT_PAGES: Final = 512
_MOST_MARKS: Final = 1024
_FIRST_SPACING: Final = 4 << 20


@dataclass
class _Mark:
    """A place in the stream: so much is inflated, so much of the input used. `inflater` has its window."""

    output: int
    input: int
    inflater: Any

    def copy(self) -> _Mark:
        return _Mark(self.output, self.input, self.inflater.copy())


class GzipStream:
    """What a gzip file inflates to, as pages that can be asked for in any order. Members may follow each other."""

    def __init__(self, file: Device) -> None:
        self._file = file
        self._at = _Mark(0, 0, _inflater())
        self._marks = [self._at.copy()]
        self._spacing = _FIRST_SPACING
        self._pages: OrderedDict[int, bytes] = OrderedDict()

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes there; fewer where the stream ends."""
        first, last = offset // _PAGE_BYTES, (offset + length - 1) // _PAGE_BYTES
        pieces: list[bytes] = []
        for number in range(first, last + 1):
            pieces.append(self._page(number))
            if len(pieces[-1]) < _PAGE_BYTES:
                break
        return b"".join(pieces)[offset - first * _PAGE_BYTES :][:length]

    def pieces(self) -> Iterator[bytes]:
        """All of it from the beginning, as far as it is asked for."""
        number = 0
        while page := self._page(number):
            yield page
            number += 1

    def _page(self, number: int) -> bytes:
        found = self._pages.get(number)
        if found is None:
            self._go_to(number * _PAGE_BYTES)
            found = self._pages[number] = self._inflate(_PAGE_BYTES)
            while len(self._pages) > _KEPT_PAGES:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return found

    def _go_to(self, output: int) -> None:
        mark = self._marks[bisect_right(self._marks, output, key=lambda mark: mark.output) - 1]
        if not mark.output <= self._at.output <= output:
            self._at = mark.copy()
        while self._at.output < output:
            if not self._inflate(min(_PAGE_BYTES, output - self._at.output)):
                return

    def _inflate(self, length: int) -> bytes:
        """The next `length` bytes of the stream; fewer at its end."""
        found = bytearray()
        while len(found) < length:
            piece = self._step(length - len(found))
            if piece is None:
                break
            found += piece
            self._at.output += len(piece)
        self._set_mark()
        return bytes(found)

    def _step(self, length: int) -> bytes | None:
        """Some bytes, maybe none yet; None at the end."""
        at = self._at
        if at.inflater.eof:
            rest = self._file.read_at(at.input, 2)
            if rest != b"\x1f\x8b":
                return None
            at.inflater = _inflater()
        data = self._file.read_at(at.input, _INPUT_BYTES)
        if not data:
            raise DeviceError("the gzip stream ends early")
        try:
            piece: bytes = at.inflater.decompress(data, length)
        except zlib.error as error:
            raise DeviceError(f"the gzip stream is damaged after {at.output} bytes") from error
        at.input += len(data) - len(at.inflater.unconsumed_tail) - len(at.inflater.unused_data)
        return piece

    def _set_mark(self) -> None:
        if self._at.output < self._marks[-1].output + self._spacing or self._at.inflater.eof:
            return
        self._marks.append(self._at.copy())
        if len(self._marks) > _MOST_MARKS:
            del self._marks[1::2]
            self._spacing *= 2


class Archive:
    """The raw disk in `file`: the archive's one member, whose sparse map says what of it is stored."""

    def __init__(self, file: Device) -> None:
        self._stream = GzipStream(file)
        try:
            disk = locate_disk(self._stream.pieces())
        except ImgmoveError as error:
            raise DeviceError(error.message) from error
        self.size_bytes = disk.size_bytes
        self._extents = disk.extents
        self._starts = [extent.disk_offset for extent in disk.extents]

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        found = bytearray(length)
        index = max(0, bisect_right(self._starts, offset) - 1)
        for extent in self._extents[index:]:
            if extent.disk_offset >= offset + length:
                break
            start = max(offset, extent.disk_offset)
            end = min(offset + length, extent.disk_offset + extent.length)
            if start < end:
                stored = extent.stored_offset + start - extent.disk_offset
                found[start - offset : end - offset] = self._stored(stored, end - start)
        return bytes(found)

    def _stored(self, offset: int, length: int) -> bytes:
        data = self._stream.read_at(offset, length)
        if len(data) != length:
            raise DeviceError("the archive ends early")
        return data


def _inflater() -> Any:
    return zlib.decompressobj(wbits=31)
