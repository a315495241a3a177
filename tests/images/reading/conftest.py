"""Disks that several tests look into, made once in a run."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.real.disks import ext
from tests.images.real.tree import Tree
from tests.images.real.workshop import Workshop

ROOT_UUID = "11111111-2222-4333-8444-555555555555"
MIB = 1 << 20


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workshop:
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "read-images"
    folder.mkdir(exist_ok=True)
    return Workshop(folder)


def small_tree() -> Tree:
    """A root with what a reader may stumble over: long directories, links of both lengths, many blocks, holes."""
    tree = Tree()
    tree.file("/usr/lib/os-release", "ID=debian\nVERSION_ID=12\n")
    tree.symlink("/etc/os-release", "../usr/lib/os-release")
    tree.file("/etc/fstab", f"UUID={ROOT_UUID} / ext4 defaults 0 1\n")
    tree.file("/etc/shadow", "", mode=0o640, gid=42)
    tree.file("/etc/tiny", "x")
    tree.file("/boot/initrd.img", random.Random(1).randbytes(700_001))
    tree.symlink("/initrd.img", "boot/initrd.img")
    tree.symlink("/long", "/" + "d/" * 120)
    tree.file("/var/holes", b"begin" + bytes(3 * MIB) + b"end")
    tree.directory("/proc", mode=0o555)
    for number in range(700):
        tree.file(f"/usr/lib/modules/a-driver-with-a-long-name-{number:04d}.ko", str(number))
    return tree


@pytest.fixture(scope="session")
def ext4_root(shop: Workshop) -> Path:
    """A disk of 32 MiB that is an ext4 with `small_tree`."""
    return shop.built("ext4-root", "raw", ext4_of(small_tree(), 32 * MIB))


def ext4_of(tree: Tree, size: int, **options: str) -> Callable[[Path, Path], object]:
    return lambda path, scratch: ext.make(path, tree, scratch, size, uuid=ROOT_UUID, label="root", **options)  # type: ignore[arg-type]
