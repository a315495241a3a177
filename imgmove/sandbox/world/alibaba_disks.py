"""Disk files on their way into ECS images: recognised by content, refused as ImportImage does, unpacked to raw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskError, DiskFormat, DiskInfo, ProblemKind, convert, recognise
from imgmove.sandbox.world.alibaba_records import ImageDisk
from imgmove.sandbox.world.alibaba_rules import MAX_IMAGE_GIB, Settings

if TYPE_CHECKING:
    from imgmove.sandbox.world.alibaba import Alibaba

GIB = 1 << 30
SECTOR_BYTES = 512
IMPORTABLE = (DiskFormat.RAW, DiskFormat.VHD, DiskFormat.QCOW2, DiskFormat.VMDK)

PROBLEM_CODES: dict[ProblemKind, str] = {
    ProblemKind.EMPTY: "InvalidOSSObject.Size",
    ProblemKind.VHD_SIZE: "InvalidVHDImage.IncorrectSize",
    ProblemKind.BACKING_FILE: "InvalidImageFormat.Malformed",
    ProblemKind.EXTERNAL_DATA: "InvalidImageFormat.Malformed",
    ProblemKind.ENCRYPTED: "InvalidImageFormat.Malformed",
    ProblemKind.UNSUPPORTED: "InvalidImageFormat.Malformed",
    ProblemKind.DAMAGED: "InvalidImageFormat.Malformed",
    ProblemKind.TRUNCATED: "InvalidImageFormat.Malformed",
    ProblemKind.NOT_A_DISK_INSIDE: "InvalidImageFormat.Malformed",
}
"""What is wrong with a file -> the code of the failed import (alibaba.md 9.3). Unclean files are imported."""


class UnfitDiskError(Exception):
    """A file that the importer does not take; `code` is one of ImportImage's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def unpack(alibaba: Alibaba, disk: ImageDisk, path: Path) -> None:
    """Reads the file of one disk into a blob of raw bytes, exactly as many as the file's disk has.

    Sets the disk's blob, its size in GiB where none was asked for, and its format. Raises UnfitDiskError.
    """
    try:
        info = recognise(path)
        found = _accepted(alibaba.settings, disk, info)
        _check_size(disk, info.virtual_size_bytes)
        name = alibaba.new_id("disk")
        convert(path, found, alibaba.blob(name), DiskFormat.RAW)
    except DiskError as error:
        raise UnfitDiskError(PROBLEM_CODES.get(error.kind, "ImportImageFailed"), str(error)) from error
    disk.blob, disk.format = name, found.value.upper()
    disk.size_gib = disk.size_gib or max(1, -(-info.virtual_size_bytes // GIB))


def _accepted(settings: Settings, disk: ImageDisk, info: DiskInfo) -> DiskFormat:
    """The format to read the file in."""
    minded = [problem for problem in info.problems if problem.kind in PROBLEM_CODES]
    if minded:
        # A VHD of the wrong size may look damaged as well; the vendor has a code of its own for it.
        worst = min(minded, key=lambda problem: problem.kind is not ProblemKind.VHD_SIZE)
        raise UnfitDiskError(PROBLEM_CODES[worst.kind], worst.message)
    blank = info.format is DiskFormat.UNKNOWN and disk.kind == "data"  # no sign of a format is what raw looks like
    found = DiskFormat.RAW if blank else info.format
    archive = found is DiskFormat.TAR_GZ and ".gz" in settings.import_suffixes
    if found not in IMPORTABLE and not archive:
        raise UnfitDiskError("InvalidImageFormat.Malformed", f"The content of the file is {found.value}.")
    if found is DiskFormat.VMDK and not settings.vmdk_invited:
        raise UnfitDiskError("InvalidImageFormat.RegionNotSupported", "VMDK is open to invited users only.")
    if disk.format not in ("", DiskFormat.RAW.value.upper() if archive else found.value.upper()):
        text = f"The specified format is {disk.format}, the content of the file is {found.value}."
        raise UnfitDiskError("InvalidImageFormat.Malformed", text)
    return found


def _check_size(disk: ImageDisk, size_bytes: int) -> None:
    if size_bytes % SECTOR_BYTES:
        raise UnfitDiskError("InvalidBlockSize.NotSupport", f"{size_bytes} bytes are no whole number of blocks.")
    limit_gib = disk.size_gib or MAX_IMAGE_GIB
    if size_bytes > limit_gib * GIB:
        code = "InvalidImageSize" if disk.kind == "system" else "InvalidDataDiskSize"
        raise UnfitDiskError(code, f"The disk has {size_bytes} bytes, which is more than {limit_gib} GiB.")
