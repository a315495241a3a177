"""Reading formats that map the guest's disk to places in the file: what qcow2, VHD, VMDK and VDI have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.model import CHUNK_BYTES, DiskError, DiskReader, Extent, ProblemKind


class Run(NamedTuple):
    """`length` bytes of the guest's disk: at `host` in the file, or zero where `host` is None. Where `packed` is set,
    the run is one compressed cluster, and `packed` the bytes that it takes up in the file at most."""

    offset: int
    length: int
    host: int | None
    packed: int = 0


BEST_DEFLATE_RATIO = 1032
"""Deflate cannot pack tighter (zlib's technical details)."""


class MappedReader(DiskReader):
    """A reader whose format only has to say where things are (`_runs`) and how to unpack them (`_unpack`)."""

    def __init__(self, file: ImageFile, virtual_size_bytes: int, block_bytes: int) -> None:
        self.file = file
        self.virtual_size_bytes = virtual_size_bytes
        self.block_bytes = block_bytes
        self._allowance = 0

    @abstractmethod
    def _runs(self, start: int, end: int) -> Iterator[Run]:
        """Runs from the block that holds `start` up to `end` or the end of its block; ascending, without gaps."""

    def _unpack(self, run: Run, host: int) -> bytes:
        """The `run.length` bytes of a compressed run, which lies at `host` in the file."""
        raise DiskError(ProblemKind.UNSUPPORTED, f"compressed data at byte {host} in a format without any")

    def close(self) -> None:
        self.file.close()

    def extents(self) -> Iterator[Extent]:
        self._allow()
        for run in _joined(self._runs(0, self.virtual_size_bytes)):
            length = min(run.length, self.virtual_size_bytes - run.offset)
            if run.host is not None:
                self._charge(length // BEST_DEFLATE_RATIO + 1 if run.packed else length)
            yield from self._extents_of(run._replace(length=length))

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.virtual_size_bytes)
        if offset < 0 or offset >= end:
            return b""
        self._allow()
        result = bytearray(end - offset)
        for run in _joined(self._runs(offset, end)):
            start, stop = max(run.offset, offset), min(run.offset + run.length, end)
            if run.host is not None and start < stop:
                result[start - offset : stop - offset] = self._piece(run, run.host, start, stop)
        return bytes(result)

    def _allow(self) -> None:
        """Starts a walk through the tables: no byte of the file is used for two purposes, so what tables and data take
        up together is no more than the file has. A few KB that claim to be terabytes of data end here."""
        self._allowance = self.file.size_bytes + self.block_bytes

    def _charge(self, length: int) -> None:
        """Counts a table or a piece of data; raises DiskError where the file can't hold them all."""
        self._allowance -= length
        if self._allowance < 0:
            raise DiskError(ProblemKind.DAMAGED, "the tables point to the same place more than once")

    def _extents_of(self, run: Run) -> Iterator[Extent]:
        if run.host is None:
            yield Extent(run.offset, run.length, None)
            return
        for start in range(run.offset, run.offset + run.length, CHUNK_BYTES):
            stop = min(start + CHUNK_BYTES, run.offset + run.length)
            yield Extent(start, stop - start, self._piece(run, run.host, start, stop))

    def _piece(self, run: Run, host: int, start: int, stop: int) -> bytes:
        if run.packed:
            return self._unpack(run, host)[start - run.offset : stop - run.offset]
        # The last cluster of a file may be cut where the rest was never written; qemu reads zeros there too.
        return self.file.padded(host + start - run.offset, stop - start, "disk data")


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """The same runs, with neighbours put together that are neighbours in the file too."""
    current: Run | None = None
    for run in runs:
        if current is not None and _continues(current, run):
            current = current._replace(length=current.length + run.length)
            continue
        if current is not None:
            yield current
        current = run
    if current is not None:
        yield current


def _continues(left: Run, right: Run) -> bool:
    if left.packed or right.packed:
        return False
    if left.host is None or right.host is None:
        return left.host is right.host
    return left.host + left.length == right.host
