"""Sparse files: what is put together from them takes no more room than what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
PIECE = 4 * MIB


def empty(path: Path, size: int) -> Path:
    """A new file of zeros that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def extents(path: Path) -> Iterator[tuple[int, int]]:
    """Offset and length of the pieces that hold data."""
    with path.open("rb") as file:
        end = 0
        while True:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # ENXIO: only a hole is left
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start, end - start


def splice(source: Path, target: Path, offset: int) -> None:
    """Write what `source` holds into `target`, from `offset` on; holes stay holes."""
    with source.open("rb") as reader, target.open("r+b") as writer:
        for start, length in extents(source):
            for at in range(start, start + length, PIECE):
                writer.seek(offset + at)
                writer.write(os.pread(reader.fileno(), min(PIECE, start + length - at), at))


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite some bytes; from the end where `offset` is negative."""
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(data)
