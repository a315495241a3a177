"""An image file opened for reading: bounded reads, and where the file system keeps holes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from imgmove.sandbox.disks.model import DiskError, ProblemKind

MAX_TABLE_BYTES = 64 << 20
"""Enough for 16 TiB of VDI or 32 TiB of VHD in their usual blocks."""


class ImageFile:
    """A regular file: anything else is refused when it is opened, a directory with IsADirectoryError. Reads never move a
    shared position, and never trust an offset that came from a header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # O_NONBLOCK: a pipe without a writer must not hold us up before it is refused.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            raise DiskError(ProblemKind.UNSUPPORTED, f"{path} is no regular file")
        self.size_bytes = found.st_size

    def close(self) -> None:
        """Closes the file. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def exactly(self, offset: int, length: int, what: str) -> bytes:
        """`length` bytes at `offset`, or a DiskError that says that `what` lies outside the file."""
        if offset < 0 or length < 0 or offset + length > self.size_bytes:
            raise DiskError(
                ProblemKind.TRUNCATED,
                f"{what} should be at byte {offset} ({length} bytes), but the file has {self.size_bytes}",
            )
        data = self._read(offset, length)
        if len(data) < length:
            raise DiskError(ProblemKind.TRUNCATED, f"the file became shorter while {what} was read")
        return data

    def table(self, offset: int, length: int, what: str) -> bytes:
        """As `exactly`, for a table that has to be held in memory: refused where that would be much."""
        if length > MAX_TABLE_BYTES:
            raise DiskError(ProblemKind.UNSUPPORTED, f"{what} has {length} bytes; {MAX_TABLE_BYTES} are allowed")
        return self.exactly(offset, length, what)

    def padded(self, offset: int, length: int, what: str) -> bytes:
        """As `exactly`, but a piece that merely ends behind the end of the file is filled up with zeros."""
        inside = min(length, self.size_bytes - offset)
        if inside <= 0:
            return self.exactly(offset, length, what)
        return self.exactly(offset, inside, what).ljust(length, b"\0")

    def head(self, length: int) -> bytes:
        """The first bytes: fewer than `length` where the file is shorter."""
        return self._read(0, min(length, self.size_bytes))

    def tail(self, length: int) -> bytes:
        """The last bytes: fewer than `length` where the file is shorter."""
        length = min(length, self.size_bytes)
        return self._read(self.size_bytes - length, length)

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """(offset, length, is data) over [start, end), in order and without gaps, as SEEK_DATA tells it."""
        position = start
        while position < end:
            data = min(self._seek(position, os.SEEK_DATA, end), end)
            if data > position:
                yield position, data - position, False
            if data >= end:
                return
            position = min(self._seek(data, os.SEEK_HOLE, end), end)
            yield data, position - data, True

    def _seek(self, position: int, whence: int, otherwise: int) -> int:
        try:
            return os.lseek(self._descriptor, position, whence)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here to the end
                return otherwise
            raise

    def _read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        if len(data) == length or not data:
            return data
        pieces = [data]
        while data and sum(map(len, pieces)) < length:  # a signal or the kernel's 2 GiB limit
            got = sum(map(len, pieces))
            data = os.pread(self._descriptor, length - got, offset + got)
            pieces.append(data)
        return b"".join(pieces)
