"""Files that hold the bytes of objects and parts: taking over, joining, slicing, removing. No locks, no records.

A blob never changes once it has a name, so copies of an object are hard links, and a reader that was sent to a
blob keeps reading the old bytes while the key is overwritten.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from fastcrc import crc64

CHUNK_BYTES = 1 << 20
LINGER_SECONDS = 30.0
"""How long a replaced object's file stays, for answers that were given its path but have not opened it yet."""

NO_KERNEL_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})
"""What `copy_file_range` says where the file systems or the kernel can't do it."""


@dataclass(frozen=True)
class Checksums:
    """What the stores say about bytes: the MD5 digest and the CRC-64/XZ."""

    md5: bytes
    crc64: int

    @classmethod
    def of(cls, source: Path | bytes) -> Checksums:
        """The checksums of bytes or of a whole file."""
        md5, crc = hashlib.md5(), 0
        for chunk in (source,) if isinstance(source, bytes) else _chunks(source, 0, source.stat().st_size):
            md5.update(chunk)
            crc = crc64.xz(chunk, crc)
        return cls(md5.digest(), crc)


class Blobs:
    """The directory of blobs. Methods return the names of new blobs, and leave nothing behind when they fail."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._retired: deque[tuple[float, str]] = deque()

    def path(self, name: str) -> Path:
        """The file of a blob."""
        return self.directory / name

    def adopt(self, source: Path | bytes, *, move: bool) -> str:
        """Takes bytes or a file in; `move` takes the file itself over, else it is copied, holes staying holes."""
        name = _new_name()
        target = self.path(name)
        if isinstance(source, bytes):
            target.write_bytes(source)
        elif move:
            shutil.move(source, target)
        else:
            self._filled(target, lambda out: _copy_sparse(source, out))
        return name

    def link(self, name: str) -> str:
        """A second name for a blob's bytes, at no cost."""
        copy = _new_name()
        self.path(copy).hardlink_to(self.path(name))
        return copy

    def slice(self, name: str, offset: int, length: int) -> tuple[str, Checksums]:
        """A new blob of `length` bytes of another from `offset` on, and its checksums."""
        copy, md5, crc = _new_name(), hashlib.md5(), 0
        with self.path(copy).open("wb") as out:
            for chunk in _chunks(self.path(name), offset, length):
                md5.update(chunk)
                crc = crc64.xz(chunk, crc)
                out.write(chunk)
        return copy, Checksums(md5.digest(), crc)

    def join(self, names: list[str]) -> str:
        """A new blob of others laid end to end, copied inside the kernel. The others stay."""
        if len(names) == 1:
            return self.link(names[0])
        name = _new_name()
        self._filled(self.path(name), lambda out: _append_all(map(self.path, names), out))
        return name

    def drop(self, names: Iterable[str]) -> None:
        """Removes blobs at once. Absent is fine."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def retire(self, name: str, now: float) -> None:
        """Removes a blob that an answer may still be about to send: after `LINGER_SECONDS`, when next called."""
        self._retired.append((now, name))
        while self._retired and self._retired[0][0] <= now - LINGER_SECONDS:
            self.drop([self._retired.popleft()[1]])

    def sweep(self, keep: set[str]) -> int:
        """Removes every file that is not in `keep`, and says how many. For start-up, before anybody reads."""
        strays = [entry.name for entry in self.directory.iterdir() if entry.name not in keep]
        self.drop(strays)
        return len(strays)

    def _filled(self, target: Path, fill: Callable[[int], None]) -> None:
        """Writes a new file by `fill`, and removes it again if that fails."""
        try:
            with target.open("wb") as out:
                fill(out.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _new_name() -> str:
    return uuid4().hex


def _chunks(path: Path, offset: int, length: int) -> Iterable[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            yield chunk
            length -= len(chunk)


def _append_all(sources: Iterable[Path], out: int) -> None:
    for source in sources:
        with source.open("rb", buffering=0) as file:
            _transfer(file.fileno(), out, os.fstat(file.fileno()).st_size)


def _copy_sparse(source: Path, out: int) -> None:
    with source.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        os.truncate(out, size)
        for start, end in _data_ranges(file.fileno(), size):
            os.lseek(file.fileno(), start, os.SEEK_SET)
            os.lseek(out, start, os.SEEK_SET)
            _transfer(file.fileno(), out, end - start)


def _data_ranges(file: int, size: int) -> Iterable[tuple[int, int]]:
    """The ranges of a file that are not holes; the whole of it where the system can't tell."""
    if not hasattr(os, "SEEK_DATA"):
        yield 0, size
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here on
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def _transfer(source: int, out: int, length: int) -> None:
    """Copies `length` bytes between the two files' positions, in the kernel where it can."""
    while length > 0:
        copied = _kernel_copy(source, out, length)
        if copied is None:
            chunk = os.read(source, min(CHUNK_BYTES, length))
            copied = len(chunk)
            while chunk:
                chunk = chunk[os.write(out, chunk) :]
        if copied == 0:
            raise OSError(errno.EIO, "a blob is shorter than its record says")
        length -= copied


def _kernel_copy(source: int, out: int, length: int) -> int | None:
    if not hasattr(os, "copy_file_range"):
        return None
    try:
        return os.copy_file_range(source, out, length)
    except OSError as error:
        if error.errno in NO_KERNEL_COPY:
            return None
        raise
