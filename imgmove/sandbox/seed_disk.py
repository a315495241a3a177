"""The two shipped disks: a small Debian-like system, and a data disk. Made by `scripts/build_seed_disk.py`."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from imgmove.sandbox.disks import DiskFormat, convert

SHIPPED = {"system": "seed-disk.qcow2", "data": "seed-data-disk.qcow2"}
"""system: 1 GiB, MBR, one active partition with ext4, `/etc` and `/boot`. data: 64 MiB, MBR, one partition with ext4.
Shipped as compressed qcow2, so that other tools can open them too."""


def materialise(name: str, destination: Path) -> Path:
    """Writes the raw bytes of the disk "system" or "data" to `destination` as a sparse file, replacing what is there,
    and returns `destination`. Takes some hundredths of a second. Raises KeyError for another name, OSError."""
    with as_file(files("imgmove.sandbox.seed") / SHIPPED[name]) as source:
        convert(source, DiskFormat.QCOW2, destination, DiskFormat.RAW)
    return destination
