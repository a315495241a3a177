"""Raw disks: recognising them by what stands at their start, reading them along their holes, writing them sparse."""

from __future__ import annotations

import os
from collections.abc import Iterator

from imgmove.sandbox.disks.file_systems import signature_at
from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.model import (
    CHUNK_BYTES,
    DiskFormat,
    DiskInfo,
    DiskReader,
    DiskWriter,
    Extent,
    Problem,
    ProblemKind,
)
from imgmove.sandbox.disks.partitions import partitions

ISO_MAGIC_OFFSET = 16 * 2048 + 1


class RawReader(DiskReader):
    """The file's bytes as they are; of a fixed VHD only those before the footer."""

    def __init__(self, file: ImageFile, length: int | None = None) -> None:
        self.file = file
        self.virtual_size_bytes = file.size_bytes if length is None else length

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.virtual_size_bytes)
        if offset < 0 or offset >= end:
            return b""
        return self.file.exactly(offset, end - offset, "disk data")

    def extents(self) -> Iterator[Extent]:
        for offset, length, is_data in self.file.runs(0, self.virtual_size_bytes):
            if not is_data:
                yield Extent(offset, length, None)
                continue
            for start in range(offset, offset + length, CHUNK_BYTES):
                data = self.file.exactly(start, min(CHUNK_BYTES, offset + length - start), "disk data")
                yield Extent(start, len(data), data)

    def close(self) -> None:
        self.file.close()


class RawWriter(DiskWriter):
    """A sparse file: what is zero is never written."""

    granule_bytes = 4096

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self.virtual_size_bytes = size_bytes
        os.ftruncate(descriptor, size_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        write_at(self._descriptor, offset, data[: self.virtual_size_bytes - offset])

    def finish(self) -> None:
        """Nothing is left to do: a raw disk has no tables."""


def write_at(descriptor: int, offset: int, data: bytes | bytearray | memoryview) -> None:
    """Writes all of `data` at `offset`, also where the kernel takes it in pieces."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset, rest = offset + written, rest[written:]


def probe(file: ImageFile) -> DiskInfo:
    """The last of the probes: an ISO, a disk with a partition table or a bare file system, or nothing known."""
    if file.size_bytes == 0:
        return DiskInfo(DiskFormat.UNKNOWN, 0, "", (Problem(ProblemKind.EMPTY, "the file is empty"),))
    with_iso = file.head(ISO_MAGIC_OFFSET + 5)
    if with_iso[ISO_MAGIC_OFFSET:] == b"CD001":
        return DiskInfo(DiskFormat.ISO, file.size_bytes)
    subformat = _subformat(file, with_iso)
    return DiskInfo(DiskFormat.RAW if subformat else DiskFormat.UNKNOWN, file.size_bytes, subformat)


def _subformat(file: ImageFile, head: bytes) -> str:
    reader = RawReader(file)
    table = partitions(reader)
    if table:
        return table[0].scheme.value
    # A boot sector's signature is a FAT or NTFS volume's too, so the file systems come before it.
    found = signature_at(reader, 0, file.size_bytes)
    if found is not None:
        return found.kind
    return "mbr" if head[510:512] == b"\x55\xaa" else ""
