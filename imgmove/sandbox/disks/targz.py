"""raw.tar.gz, which Alibaba exports: recognising it and reading the disk out of it as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from imgmove.sandbox.disks import gzip_stream, qcow2, vdi, vhd, vmdk
from imgmove.sandbox.disks.gzip_stream import GzipStream
from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.model import (
    CHUNK_BYTES,
    DiskError,
    DiskFormat,
    DiskInfo,
    DiskReader,
    Extent,
    Problem,
    ProblemKind,
    is_zero,
)
from imgmove.sandbox.disks.tar_stream import BLOCK_BYTES, TarMember, TarStream, is_header

_MAGICS = (
    (0, qcow2.MAGIC, DiskFormat.QCOW2),
    (0, vmdk.MAGIC, DiskFormat.VMDK),
    (0, vhd.FOOTER_MAGIC, DiskFormat.VHD),
    (64, vdi.SIGNATURE, DiskFormat.VDI),
    (0, gzip_stream.MAGIC, DiskFormat.TAR_GZ),
)


def probe(file: ImageFile) -> DiskInfo | None:
    """None where the file is not gzip; UNKNOWN where there is no tar inside; raises DiskError where that is damaged."""
    if file.head(2) != gzip_stream.MAGIC:
        return None
    if not _is_tar(file):
        return DiskInfo(DiskFormat.UNKNOWN, file.size_bytes, "gzip")
    archive = TarStream(GzipStream(file))
    member = archive.next_file()
    if member is None:
        problem = Problem(ProblemKind.NOT_A_DISK_INSIDE, "the archive holds no file")
        return DiskInfo(DiskFormat.TAR_GZ, 0, "", (problem,))
    problems = tuple(_content_problems(archive, member))
    return DiskInfo(DiskFormat.TAR_GZ, member.size_bytes, member.dialect, problems)


def _is_tar(file: ImageFile) -> bool:
    try:
        block = GzipStream(file).read(BLOCK_BYTES)
    except DiskError:  # two bytes of magic are little evidence: this may be anything
        return False
    return is_header(block) or (len(block) == BLOCK_BYTES and is_zero(block))


def _content_problems(archive: TarStream, member: TarMember) -> Iterator[Problem]:
    if not member.segments:
        return
    offset, length = member.segments[0]
    head = archive.read(min(length, 512)) if offset == 0 else b""
    for place, magic, found in _MAGICS:
        if head[place : place + len(magic)] == magic:
            message = f"{member.name!r} in the archive is {found.value}, not raw"
            yield Problem(ProblemKind.NOT_A_DISK_INSIDE, message)


class TarGzReader(DiskReader):
    """The archive's only file. Reading backwards starts over: read in ascending order, or convert to raw first."""

    def __init__(self, file: ImageFile) -> None:
        self._file = file
        _, member = self._opened()
        self.member_name = member.name
        self.virtual_size_bytes = member.size_bytes
        self._ahead: Iterator[Extent] = iter(())
        self._current = Extent(0, 0, None)

    def close(self) -> None:
        self._file.close()

    def extents(self) -> Iterator[Extent]:
        archive, member = self._opened()
        position = 0
        for offset, length in member.segments:
            if offset > position:
                yield Extent(position, offset - position, None)
            for start in range(offset, offset + length, CHUNK_BYTES):
                data = archive.read(min(CHUNK_BYTES, offset + length - start))
                yield Extent(start, len(data), None if is_zero(data) else data)
            position = offset + length
        if position < member.size_bytes:
            yield Extent(position, member.size_bytes - position, None)
        if archive.next_file() is not None:
            raise DiskError(ProblemKind.NOT_A_DISK_INSIDE, "the archive holds more than one file")

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.virtual_size_bytes)
        if offset < 0 or offset >= end:
            return b""
        if offset < self._current.offset or self._current.length == 0:
            self._ahead = self.extents()
            self._current = next(self._ahead)
        pieces = []
        while offset < end:
            while offset >= self._current.offset + self._current.length:
                self._current = next(self._ahead)
            pieces.append(_slice(self._current, offset, end))
            offset += len(pieces[-1])
        return b"".join(pieces)

    def _opened(self) -> tuple[TarStream, TarMember]:
        archive = TarStream(GzipStream(self._file))
        member = archive.next_file()
        if member is None:
            raise DiskError(ProblemKind.NOT_A_DISK_INSIDE, "the archive holds no file")
        return archive, member


def _slice(extent: Extent, start: int, end: int) -> bytes:
    """The extent's bytes from `start`, up to `end` or to its own end."""
    stop = min(end, extent.offset + extent.length)
    if extent.data is None:
        return bytes(stop - start)
    return extent.data[start - extent.offset : stop - extent.offset]
