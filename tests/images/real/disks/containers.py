"""Disks in containers: by qemu-img, and as archives by tar and gzip in each of tar's ways to leave out holes."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from tests.images.real.disks.running import run

# name -> (qemu-img's format, its options)
QEMU: dict[str, tuple[str, tuple[str, ...]]] = {
    "qcow2": ("qcow2", ()),
    "qcow2-compressed": ("qcow2", ("-c",)),
    "qcow2-0.10": ("qcow2", ("-o", "compat=0.10")),
    "qcow2-4k": ("qcow2", ("-o", "cluster_size=4k")),
    "vhd": ("vpc", ("-o", "subformat=dynamic,force_size=on")),
    "vhd-fixed": ("vpc", ("-o", "subformat=fixed,force_size=on")),
    "vmdk": ("vmdk", ("-o", "subformat=monolithicSparse")),
    "vmdk-stream": ("vmdk", ("-o", "subformat=streamOptimized")),
}
TAR: dict[str, tuple[str, ...]] = {
    "raw.tar.gz": ("--format=gnu",),
    "raw.tar.gz-gnu-sparse": ("--format=gnu", "--sparse"),
    "raw.tar.gz-pax-sparse": ("--format=pax", "--sparse"),
}
CONTAINERS = ("raw", *QEMU, *TAR)


def contained(raw: Path, container: str, path: Path) -> Path:
    """The disk as `container`."""
    if container in QEMU:
        target, options = QEMU[container]
        run("qemu-utils", "qemu-img", "convert", "-f", "raw", "-O", target, *options, raw, path)
    elif container in TAR:
        _archive(raw, path, TAR[container])
    else:
        run("coreutils", "cp", "--sparse=always", raw, path)
    return path


def format_name(container: str) -> str:
    """What imgmove calls the format of a container: `vhd` of `vhd-fixed`."""
    for name in ("raw.tar.gz", "qcow2", "vhd", "vmdk"):
        if container.startswith(name):
            return name
    return "raw"


def _archive(raw: Path, path: Path, options: tuple[str, ...]) -> None:
    """ECS names the disk in its archives after the image."""
    plain = path.with_suffix(".tar")
    run("tar", "tar", *options, "-C", raw.parent, "-cf", plain, raw.name)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    plain.unlink()
