"""Disk images for the emulated clouds: recognise, read, convert, and see what an importer looks at. Pure Python.

    info = recognise(path)                                   # by content; info.format, info.problems
    convert(path, "raw", out, "qcow2")                       # streaming, sparse, atomic
    convert(path, "raw", out, "raw.tar.gz", member_name="m-1_system.raw")
    with open_disk(path) as reader:                          # or open_disk(path, "raw")
        reader.read(0, 512), reader.extents()
        partitions(reader), file_systems(reader)

Nothing here is safe for several threads at once on one reader; different readers are independent.
"""

from imgmove.sandbox.disks.convert import convert, write_disk
from imgmove.sandbox.disks.file_systems import FileSystem, file_systems
from imgmove.sandbox.disks.model import (
    DiskError,
    DiskFormat,
    DiskInfo,
    DiskReader,
    Extent,
    Problem,
    ProblemKind,
)
from imgmove.sandbox.disks.partitions import Partition, Scheme, partitions
from imgmove.sandbox.disks.recognise import open_disk, recognise

__all__ = [
    "DiskError",
    "DiskFormat",
    "DiskInfo",
    "DiskReader",
    "Extent",
    "FileSystem",
    "Partition",
    "Problem",
    "ProblemKind",
    "Scheme",
    "convert",
    "file_systems",
    "open_disk",
    "partitions",
    "recognise",
    "write_disk",
]
