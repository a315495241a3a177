"""Images that qemu-img writes, every format and dialect: good ones, to be let through, cut, damaged and compared."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imgmove.core.formats import DiskFormat
from tests.images.hostile.disks import entry, mbr

MIB = 1 << 20
DISK_BYTES = 6 * MIB


@dataclass(frozen=True)
class Dialect:
    program_name: str
    options: tuple[str, ...]
    format: DiskFormat
    variant: str

    def __str__(self) -> str:
        return " ".join((self.program_name, *self.options[1:]))


def _dialect(name: str, options: str, disk_format: DiskFormat, variant: str) -> Dialect:
    return Dialect(name, ("-o", options) if options else (), disk_format, variant)


PLAIN = _dialect("qcow2", "", DiskFormat.QCOW2, "version 3")
PREALLOCATED = _dialect("qcow2", "preallocation=metadata", DiskFormat.QCOW2, "version 3")
STREAM = _dialect("vmdk", "subformat=streamOptimized", DiskFormat.VMDK, "streamOptimized")
FIXED = _dialect("vpc", "subformat=fixed,force_size=on", DiskFormat.VHD, "fixed")
RAW = _dialect("raw", "", DiskFormat.RAW, "")
DIALECTS = (
    PLAIN,
    PREALLOCATED,
    STREAM,
    FIXED,
    RAW,
    Dialect("qcow2", ("-c",), DiskFormat.QCOW2, "version 3"),
    _dialect("qcow2", "compat=0.10", DiskFormat.QCOW2, "version 2"),
    _dialect("qcow2", "cluster_size=512", DiskFormat.QCOW2, "version 3"),
    _dialect("qcow2", "cluster_size=2M,extended_l2=on", DiskFormat.QCOW2, "version 3"),
    _dialect("qcow2", "lazy_refcounts=on,refcount_bits=1", DiskFormat.QCOW2, "version 3"),
    _dialect("qcow2", "compression_type=zstd", DiskFormat.QCOW2, "version 3"),
    _dialect("vmdk", "subformat=monolithicSparse", DiskFormat.VMDK, "monolithicSparse"),
    _dialect("vpc", "subformat=dynamic", DiskFormat.VHD, "dynamic"),
    _dialect("vpc", "subformat=dynamic,force_size=on", DiskFormat.VHD, "dynamic"),
    _dialect("vdi", "", DiskFormat.VDI, "dynamic"),
    _dialect("vdi", "static=on", DiskFormat.VDI, "static"),
)


def disk() -> bytes:
    """A partitioned disk with data, a hole, and data at the end."""
    front = mbr(entry(0x83, 2048, DISK_BYTES // 512 - 2048), size_bytes=512) + b"some data" * 300_000
    return front.ljust(DISK_BYTES - 512, b"\0") + b"the end".ljust(512, b"\0")


@cache
def written(dialect: Dialect) -> bytes:
    """The disk as qemu-img writes it; made once."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.write_bytes(disk())
        words = ["-f", "raw", "-O", dialect.program_name, *dialect.options, str(source), str(target)]
        subprocess.run(["qemu-img", "convert", *words], check=True, capture_output=True)
        return target.read_bytes()
