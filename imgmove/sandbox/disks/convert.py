"""Converts a disk into another format: one pass in constant memory, zeros skipped, the result whole or not there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from imgmove.sandbox.disks.blocks import blocks_with_data
from imgmove.sandbox.disks.model import DiskError, DiskFormat, DiskInfo, DiskReader, DiskWriter, ProblemKind
from imgmove.sandbox.disks.qcow2_writer import CompressedQcow2Writer, Qcow2Writer
from imgmove.sandbox.disks.raw import RawWriter
from imgmove.sandbox.disks.recognise import open_disk
from imgmove.sandbox.disks.targz_writer import TarGzWriter
from imgmove.sandbox.disks.vdi import VdiWriter
from imgmove.sandbox.disks.vhd_writer import DynamicVhdWriter, FixedVhdWriter
from imgmove.sandbox.disks.vmdk_writer import VmdkWriter

_WRITERS: dict[tuple[DiskFormat, str], Callable[[int, int], DiskWriter]] = {
    (DiskFormat.RAW, ""): RawWriter,
    (DiskFormat.QCOW2, ""): Qcow2Writer,
    (DiskFormat.QCOW2, "compressed"): CompressedQcow2Writer,
    (DiskFormat.VHD, ""): DynamicVhdWriter,
    (DiskFormat.VHD, "dynamic"): DynamicVhdWriter,
    (DiskFormat.VHD, "fixed"): FixedVhdWriter,
    (DiskFormat.VMDK, ""): VmdkWriter,
    (DiskFormat.VDI, ""): VdiWriter,
}


def convert(
    source: Path,
    source_format: DiskFormat | str | None,
    destination: Path,
    destination_format: DiskFormat | str,
    *,
    member_name: str = "disk.raw",
    subformat: str = "",
) -> DiskInfo:
    """Writes the disk of `source` to `destination` in another format (or the same, rewritten) and says what it wrote.

    `source_format` None means: whatever `recognise` says. `member_name` names the file inside a raw.tar.gz;
    `subformat` chooses where there is a choice (VHD: "dynamic", which is the default, or "fixed"; qcow2: "compressed"
    where clusters shall be deflated). Raw files are sparse; qcow2 is version 3; VMDK is monolithicSparse; the size of a
    dynamic VHD is rounded up to whole blocks, that of every other format but raw to whole sectors.
    The same source gives the same bytes. `destination` is replaced only when all is written, so it is safe to repeat;
    nothing is left behind on failure. Raises DiskError, ValueError for a format that is none, OSError.
    """
    wanted = DiskFormat(destination_format)
    with open_disk(source, source_format) as reader:
        return write_disk(reader, destination, wanted, member_name=member_name, subformat=subformat)


def write_disk(
    reader: DiskReader,
    destination: Path,
    destination_format: DiskFormat,
    *,
    member_name: str = "disk.raw",
    subformat: str = "",
) -> DiskInfo:
    """As `convert`, from a reader that is open already (and stays open)."""
    make_writer = _writer_for(destination_format, subformat, member_name)
    with _replacing(destination) as descriptor:
        writer = make_writer(descriptor, reader.virtual_size_bytes)
        for offset, data in blocks_with_data(reader.extents(), writer.granule_bytes):
            writer.write(offset, data)
        writer.finish()
    return DiskInfo(destination_format, writer.virtual_size_bytes, writer.subformat)


def _writer_for(wanted: DiskFormat, subformat: str, member_name: str) -> Callable[[int, int], DiskWriter]:
    if wanted is DiskFormat.TAR_GZ and not subformat:
        return partial(TarGzWriter, member_name=member_name)
    writer = _WRITERS.get((wanted, subformat))
    if writer is None:
        kind = f"{wanted.value} {subformat}".strip()
        raise DiskError(ProblemKind.UNSUPPORTED, f"{kind} cannot be written")
    return writer


@contextmanager
def _replacing(destination: Path) -> Iterator[int]:
    """A descriptor of a new file beside `destination` that takes its place at the end, or vanishes on an error."""
    # Unique among the living; what a killed process left behind under the same name is written over.
    unique = f"{os.getpid()}-{threading.get_ident()}"
    partial_file = destination.with_name(f".{destination.name}.{unique}.partial")
    descriptor = os.open(partial_file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        partial_file.replace(destination)
    except BaseException:
        partial_file.unlink(missing_ok=True)
        raise
