"""Says what a file is, by its content alone, and opens it for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imgmove.sandbox.disks import qcow2, raw, targz, vdi, vhd, vmdk
from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.model import DiskError, DiskFormat, DiskInfo, DiskReader, ProblemKind

# In this order: whatever has a magic number, then what is told by the look of its content.
_PROBES: tuple[Callable[[ImageFile], DiskInfo | None], ...] = (
    qcow2.probe,
    vmdk.probe,
    vdi.probe,
    vhd.probe,
    targz.probe,
    raw.probe,
)
_READERS: dict[DiskFormat, Callable[[ImageFile], DiskReader]] = {
    DiskFormat.RAW: raw.RawReader,
    DiskFormat.QCOW2: qcow2.Qcow2Reader,
    DiskFormat.VHD: vhd.open_vhd,
    DiskFormat.VMDK: vmdk.VmdkReader,
    DiskFormat.VDI: vdi.VdiReader,
    DiskFormat.TAR_GZ: targz.TarGzReader,
}


def recognise(path: Path) -> DiskInfo:
    """What the file is. Names are never trusted; what speaks against the disk is in `problems`. A file with no sign of
    a format, a partition table or a file system is UNKNOWN, an empty one too. Raises DiskError where a known format's
    header is absurd, and OSError where the file cannot be read. Reads little, whatever the headers claim."""
    with _opened(path) as file:
        return _probe(file)


def open_disk(path: Path, source_format: DiskFormat | str | None = None) -> DiskReader:
    """Opens the disk for reading: with `source_format` as that format (raw reads any file as it is), without it as what
    `recognise` says. Raises DiskError where the file is not what it should be or cannot be read for a reason among
    its problems, ValueError for a format that is none, OSError where the file cannot be read."""
    wanted = None if source_format is None else DiskFormat(source_format)
    file = ImageFile(path)
    try:
        return _READERS[_format(file, wanted)](file)
    except BaseException:
        file.close()
        raise


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    file = ImageFile(path)
    try:
        yield file
    finally:
        file.close()


def _probe(file: ImageFile) -> DiskInfo:
    for probe in _PROBES:
        info = probe(file)
        if info is not None:
            return info
    return DiskInfo(DiskFormat.UNKNOWN, file.size_bytes)


def _format(file: ImageFile, wanted: DiskFormat | None) -> DiskFormat:
    if wanted is DiskFormat.RAW:
        return wanted
    info = _probe(file)
    if info.format not in _READERS or (wanted is not None and info.format is not wanted):
        expected = "a known disk" if wanted is None else wanted.value
        raise DiskError(ProblemKind.UNSUPPORTED, f"not {expected}: the content is {info.format.value}")
    if not info.readable:
        raise DiskError(info.problems[0].kind, "; ".join(problem.message for problem in info.problems))
    return info.format
