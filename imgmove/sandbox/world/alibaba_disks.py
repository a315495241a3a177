"""Disk files on their way into ECS images: recognised by content, refused as ImportImage does, unpacked to raw."""

from __future__ import annotations

from pathlib import Path

from imgmove.sandbox.disks import (
    DiskError,
    DiskFormat,
    DiskInfo,
    ProblemKind,
    convert,
    file_systems,
    open_disk,
    partitions,
    recognise,
)
from imgmove.sandbox.world.alibaba_records import CheckItem, ImageDisk
from imgmove.sandbox.world.alibaba_rules import MAX_IMAGE_GIB, Settings

GIB = 1 << 30
SECTOR_BYTES = 512
ROOT_FILE_SYSTEMS = frozenset({"ext3", "ext4", "xfs", "ntfs", "lvm2"})
"""What the documents say of guests (alibaba.md 3.2), and the volumes that may hold it."""
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


def unpack(settings: Settings, disk: ImageDisk, path: Path, raw: Path) -> None:
    """Writes the raw bytes of the file of one disk, exactly as many as the file's disk has.

    Sets the disk's size in GiB where none was asked for, and its format. Raises UnfitDiskError.
    """
    try:
        info = recognise(path)
        found = _accepted(settings, disk, info)
        _check_size(disk, info.virtual_size_bytes)
        convert(path, found, raw, DiskFormat.RAW)
    except DiskError as error:
        raise UnfitDiskError(PROBLEM_CODES.get(error.kind, "ImportImageFailed"), str(error)) from error
    disk.format = found.value.upper()
    disk.size_gib = disk.size_gib or max(1, -(-info.virtual_size_bytes // GIB))


def check_items(path: Path) -> list[CheckItem]:
    """What ECS's image check says of a system disk in a raw file, as far as it can be told without reading files.

    The check does not stop an import. Names and codes of its items are not published but for one example.
    """
    with open_disk(path, DiskFormat.RAW) as reader:
        found = partitions(reader)
        kinds = sorted({each.kind for each in file_systems(reader)})
    table = CheckItem("PartitionTable", found[0].scheme.value.upper() if found else "None")
    if not found:
        table.risk_code, table.risk_level = "PartitionTable.NotExist", "High"
    system = CheckItem("FileSystem", ",".join(kinds) or "None")
    if not ROOT_FILE_SYSTEMS & set(kinds):
        system.risk_code, system.risk_level = "FileSystem.NotSupported", "High"
    return [table, system]


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
