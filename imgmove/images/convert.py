"""Streaming conversions: raw disks out of archives, qcow2 and fixed VHD out of raw; random access is `qemu`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.core.formats import DiskFormat
from imgmove.images.inflate import Gunzip
from imgmove.images.qcow2_writer import CLUSTER_BYTES, Qcow2Writer, largest_size
from imgmove.images.tar_stream import Run, open_tar
from imgmove.images.vhd_writer import FOOTER_BYTES, fixed_vhd, vhd_bytes

_ZEROS: Final = bytes(1 << 20)


@dataclass
class ConvertedStream:
    """Bytes in order, but for the first `head_bytes`, which `head()` knows after `body` was consumed."""

    largest_bytes: int
    head_bytes: int
    body: Iterator[bytes]
    head: Callable[[], bytes]


Conversion = Callable[[Iterator[bytes], int], ConvertedStream]
_Disk = tuple[int, Iterator[Run]]


def _raw(pieces: Iterator[bytes], size_bytes: int) -> _Disk:
    """A raw object as a disk; its end is filled up to a whole sector, as hypervisors want it."""
    return -(-size_bytes // 512) * 512, _offsets(pieces)


def _offsets(pieces: Iterable[bytes]) -> Iterator[Run]:
    offset = 0
    for piece in pieces:
        yield offset, piece
        offset += len(piece)


def _tar_gz(pieces: Iterator[bytes], _size_bytes: int) -> _Disk:
    disk = open_tar(_inflated(pieces))
    return disk.size_bytes, disk.runs


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gunzip = Gunzip()
    for piece in pieces:
        yield from gunzip.feed(piece)
    gunzip.finish()


def _to_qcow2(disk: _Disk) -> ConvertedStream:
    size_bytes, runs = disk
    writer = Qcow2Writer(size_bytes)
    return ConvertedStream(largest_size(size_bytes), CLUSTER_BYTES, writer.body(runs), writer.header)


def _to_raw(disk: _Disk) -> ConvertedStream:
    size_bytes, runs = disk
    return ConvertedStream(size_bytes, 0, _filled(runs, size_bytes), lambda: b"")


def _to_vhd(disk: _Disk) -> ConvertedStream:
    raw_bytes, runs = disk
    size_bytes = vhd_bytes(raw_bytes)
    body = fixed_vhd(_filled(runs, size_bytes), size_bytes)
    return ConvertedStream(size_bytes + FOOTER_BYTES, 0, body, lambda: b"")


def _filled(runs: Iterable[Run], size_bytes: int) -> Iterator[bytes]:
    """The disk as a run of bytes, zeros written out."""
    position = 0
    for offset, data in runs:
        yield from _zeros(offset - position)
        yield data
        position = offset + len(data)
    yield from _zeros(size_bytes - position)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS[:count]
        count -= len(_ZEROS)


_READERS: Final[dict[DiskFormat, Callable[[Iterator[bytes], int], _Disk]]] = {
    DiskFormat.RAW: _raw,
    DiskFormat.RAW_TAR_GZ: _tar_gz,
}
_WRITERS: Final[dict[DiskFormat, Callable[[_Disk], ConvertedStream]]] = {
    DiskFormat.RAW: _to_raw,
    DiskFormat.QCOW2: _to_qcow2,
    DiskFormat.VHD: _to_vhd,
}


def can_convert(source: DiskFormat, wanted: DiskFormat) -> bool:
    """Is there a way from `source` to `wanted` in one pass and constant memory?"""
    return source != wanted and source in _READERS and wanted in _WRITERS


def conversion(source: DiskFormat, wanted: DiskFormat) -> Conversion:
    """The converter from `source` to `wanted`; KeyError where `can_convert` is false."""
    read, write = _READERS[source], _WRITERS[wanted]

    def convert(pieces: Iterator[bytes], size_bytes: int) -> ConvertedStream:
        return write(read(pieces, size_bytes))

    return convert
