"""FAT by mkfs.vfat and mtools, filled from a tree."""

from __future__ import annotations

from pathlib import Path

from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty
from tests.images.real.tree import Tree


def make(path: Path, tree: Tree, scratch: Path, size: int, *, uuid: str, label: str = "EFI", bits: int = 32) -> Path:
    """A file system of `size` bytes in `path`, with the tree in it. `uuid` is as blkid writes it: `ABCD-1234`."""
    number = uuid.replace("-", "").lower()
    empty(path, size)
    run("dosfstools", "mkfs.vfat", "-F", str(bits), "-i", number, "-n", label, path)
    for number_of_file, (name, node) in enumerate(tree):
        if node.kind == "directory":
            run("mtools", "mmd", "-i", path, f"::{name}")
        else:
            source = scratch / f"content-{number_of_file}"
            source.write_bytes(node.content)
            run("mtools", "mcopy", "-i", path, source, f"::{name}")
    return path
