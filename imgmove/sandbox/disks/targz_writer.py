"""Writing raw.tar.gz: one member in GNU's dialect, without times or owners, packed with gzip's fastest level."""

from __future__ import annotations

import tarfile

from imgmove.sandbox.disks.gzip_stream import GzipWriter
from imgmove.sandbox.disks.model import DiskWriter, round_up

_RECORD_BYTES = 10240  # tar fills its archives up to whole records of 20 blocks


class TarGzWriter(DiskWriter):
    """The disk as a plain (not sparse) member: what `tar -xzf` of any make unpacks."""

    granule_bytes = 4096
    subformat = "gnu"

    def __init__(self, descriptor: int, size_bytes: int, *, member_name: str) -> None:
        self.virtual_size_bytes = size_bytes
        self._gzip = GzipWriter(descriptor)
        member = tarfile.TarInfo(member_name)
        member.size, member.mode = size_bytes, 0o644
        header = member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        self._gzip.write(header)
        self._header_bytes = len(header)
        self._position = 0

    def write(self, offset: int, data: memoryview) -> None:
        data = data[: self.virtual_size_bytes - offset]
        self._gzip.write_zeros(offset - self._position)
        self._gzip.write(data)
        self._position = offset + len(data)

    def finish(self) -> None:
        content = self._header_bytes + self.virtual_size_bytes
        end = round_up(round_up(content, tarfile.BLOCKSIZE) + 2 * tarfile.BLOCKSIZE, _RECORD_BYTES)
        self._gzip.write_zeros(end - self._header_bytes - self._position)
        self._gzip.finish()
