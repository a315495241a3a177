"""Disks on their way into Tencent's images: unpacked to raw bytes, and refused for what the vendor refuses."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from imgmove.sandbox.disks import (
    DiskError,
    DiskFormat,
    DiskInfo,
    DiskReader,
    ProblemKind,
    Scheme,
    convert,
    file_systems,
    open_disk,
    partitions,
    recognise,
)
from imgmove.sandbox.disks.image_file import ImageFile
from imgmove.sandbox.disks.mapped import Run
from imgmove.sandbox.disks.qcow2 import COMPRESSED, ZERO_CLUSTER, Qcow2Reader
from imgmove.sandbox.world.tencent_records import ImportSource
from imgmove.sandbox.world.tencent_rules import GIB, Settings

TAKEN_FORMATS = (DiskFormat.RAW, DiskFormat.VHD, DiskFormat.QCOW2, DiskFormat.VMDK)
ROOT_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "ntfs", "lvm2"})
FREEBSD_TYPES = frozenset(
    {"a5", "516e7cb4-6ecf-11d6-8ff8-00022d09712b", "516e7cb6-6ecf-11d6-8ff8-00022d09712b",
     "516e7cba-6ecf-11d6-8ff8-00022d09712b"}
)  # fmt: skip
SEARCH_OVERLAP_BYTES = 64


class RejectedError(Exception):
    """A disk that the importer does not take; `code` is one of `IMPORT_PROBLEMS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def copy_sparse(source: Path, destination: Path) -> None:
    """Copies raw bytes; what is zero takes up no space."""
    convert(source, DiskFormat.RAW, destination, DiskFormat.RAW)


def gib(size_bytes: int) -> int:
    """A size in whole GiB, rounded up, at least 1."""
    return max(1, -(-size_bytes // GIB))


def unpack(paths: Sequence[Path], destination: Path, source: ImportSource, settings: Settings) -> int:
    """Writes the raw bytes of a disk, given as one file or as layers, base first. Gives its size in bytes.

    Raises RejectedError with the vendor's code for a format or size that is not taken.
    """
    base, *upper = paths
    try:
        _check_format(recognise(base), source, settings)
        convert(base, _readable_as(base), destination, DiskFormat.RAW)
        for layer in upper:
            _lay_over(destination, layer)
    except DiskError as error:
        raise RejectedError("InvalidFormatSize", str(error)) from error
    if destination.stat().st_blocks * 512 > settings.max_import_actual_gib * GIB:
        raise RejectedError("InvalidFormatSize", f"the data is larger than {settings.max_import_actual_gib} GB")
    return destination.stat().st_size


def _readable_as(path: Path) -> DiskFormat:
    """How to read a file of an accepted format: an ISO, or a disk without any signature, as it is."""
    found = recognise(path).format
    return found if found in TAKEN_FORMATS else DiskFormat.RAW


def _check_format(info: DiskInfo, source: ImportSource, settings: Settings) -> None:
    if info.format is DiskFormat.ISO and source.forced:
        return
    if info.format not in (*TAKEN_FORMATS, DiskFormat.UNKNOWN) or info.has(ProblemKind.EMPTY):
        raise RejectedError("InvalidFormatSize", f"the file is {info.format.value}, not RAW, VHD, QCOW2 or VMDK")
    if info.virtual_size_bytes % 512:
        raise RejectedError("InvalidFormatSize", "the size is no multiple of 512 bytes")
    if info.virtual_size_bytes > settings.max_import_virtual_gib * GIB:
        raise RejectedError("InvalidFormatSize", f"the disk is larger than {settings.max_import_virtual_gib} GB")


class _Layer(Qcow2Reader):
    """A qcow2 whose backing file is the layer below: what it zeroes differs from what it leaves alone."""

    def __init__(self, file: ImageFile) -> None:
        super().__init__(file)
        self.zeroed: list[tuple[int, int]] = []

    def _l2_runs(self, entries: array[int], start: int, end: int) -> Iterator[Run]:
        cluster = self.block_bytes
        for position in range(start, end, cluster):
            entry = entries[position // cluster % len(entries)]
            if entry & ZERO_CLUSTER and not entry & COMPRESSED:
                self.zeroed.append((position, min(cluster, self.virtual_size_bytes - position)))
        yield from super()._l2_runs(entries, start, end)


def _lay_over(destination: Path, layer: Path) -> None:
    info = recognise(layer)
    others = [problem for problem in info.problems if problem.kind is not ProblemKind.BACKING_FILE]
    if info.format is not DiskFormat.QCOW2 or others:
        raise RejectedError("InvalidFormatSize", "an upper layer has to be a qcow2 over the one below")
    file = ImageFile(layer)
    try:
        reader = _Layer(file)
        with destination.open("r+b") as target:
            target.truncate(max(destination.stat().st_size, reader.virtual_size_bytes))
            for extent in reader.extents():
                if extent.data is not None:
                    target.seek(extent.offset)
                    target.write(extent.data)
            for offset, length in reader.zeroed:
                target.seek(offset)
                target.write(bytes(length))
    finally:
        file.close()


def check_guest(path: Path, source: ImportSource, settings: Settings) -> None:
    """Looks at a system disk as the importer does. Raises RejectedError with the vendor's code."""
    if recognise(path).format is DiskFormat.ISO:
        return
    with open_disk(path, DiskFormat.RAW) as reader:
        found = partitions(reader)
        if not found:
            raise RejectedError("PartitionNotPresent", "no partition table with partitions was found")
        if settings.gpt_needs_uefi and found[0].scheme is Scheme.GPT and source.boot_mode != "UEFI":
            raise RejectedError("PartitionNotPresent", "a GPT disk needs the boot mode UEFI")
        kinds = {file_system.kind for file_system in file_systems(reader)}
        if not (kinds & ROOT_FILE_SYSTEMS or {each.type for each in found} & FREEBSD_TYPES):
            raise RejectedError("RootPartitionNotFound", "no partition holds a file system for a root")
        if settings.look_for_virtio and not _contains(reader, b"virtio"):
            raise RejectedError("VirtioNotInstall", "no virtio driver was found")
        if settings.look_for_cloudinit and not source.forced and not _contains(reader, b"cloud-init"):
            raise RejectedError("CloudInitNotInstalled", "cloud-init was not found")


def _contains(reader: DiskReader, text: bytes) -> bool:
    """Whether the bytes occur anywhere on the disk: crude, but it needs no file system's help."""
    tail = b""
    for extent in reader.extents():
        if extent.data is None:
            tail = b""
            continue
        if text in tail + extent.data:
            return True
        tail = extent.data[-SEARCH_OVERLAP_BYTES:]
    return False
