"""File systems made by their own tools, or by their superblock where the tool is seldom installed."""

from __future__ import annotations

import struct
import subprocess
import uuid
from pathlib import Path

import pytest

from imgmove.sandbox.disks import FileSystem, file_systems, open_disk
from tests.sandbox.disks.images import MIB, required, write_pieces

UUID = "5eed0d15-c000-4000-8000-00000000abcd"


def only_one_on(path: Path) -> FileSystem:
    with open_disk(path, "raw") as reader:
        (found,) = file_systems(reader)
    return found


def formatted(path: Path, *command: str) -> Path:
    write_pieces(path, 16 * MIB, {})
    subprocess.run([required(command[0]), *command[1:], path], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_ext(tmp_path: Path, kind: str) -> None:
    disk = formatted(tmp_path / "disk", "mke2fs", "-q", "-t", kind, "-U", UUID, "-L", "root")
    found = only_one_on(disk)
    assert (found.kind, found.uuid, found.label, found.partition) == (kind, UUID, "root", None)
    assert ("has_journal" in found.features) == (kind != "ext2")


@pytest.mark.parametrize("feature", ["64bit", "project", "quota"])
def test_ext4_features_that_alibaba_refuses(tmp_path: Path, feature: str) -> None:
    with_it = formatted(tmp_path / "with", "mke2fs", "-q", "-t", "ext4", "-O", f"quota,{feature}")
    without = formatted(tmp_path / "without", "mke2fs", "-q", "-t", "ext4", "-O", f"^{feature}")
    assert feature in only_one_on(with_it).features
    assert feature not in only_one_on(without).features


@pytest.mark.parametrize("bits", ["12", "16", "32"])
def test_fat(tmp_path: Path, bits: str) -> None:
    found = only_one_on(formatted(tmp_path / "disk", "mkfs.vfat", "-F", bits, "-i", "1234abcd", "-n", "EFI"))
    assert (found.kind, found.uuid, found.label) == ("fat", "1234abcd", "EFI")


def test_swap(tmp_path: Path) -> None:
    found = only_one_on(formatted(tmp_path / "disk", "mkswap", "-U", UUID, "-L", "swapping"))
    assert (found.kind, found.uuid, found.label) == ("swap", UUID, "swapping")


UUID_BYTES = uuid.UUID(UUID).bytes

BY_SUPERBLOCK = {
    "xfs": ({0: b"XFSB" + bytes(28) + UUID_BYTES, 108: b"root"}, UUID, "root"),
    "btrfs": ({65536 + 0x20: UUID_BYTES, 65536 + 0x40: b"_BHRfS_M", 65536 + 0x12B: b"root"}, UUID, "root"),
    "ntfs": ({3: b"NTFS    ", 0x48: bytes(range(1, 9)), 510: b"\x55\xaa"}, "0807060504030201", ""),
    "lvm2": ({512: b"LABELONE" + bytes(16) + b"LVM2 001" + b"abc" * 10 + b"de"}, "abc" * 10 + "de", ""),
    "luks": ({0: b"LUKS\xba\xbe\0\2", 168: UUID.encode()}, UUID, ""),
}


@pytest.mark.parametrize("kind", BY_SUPERBLOCK)
def test_by_superblock(tmp_path: Path, kind: str) -> None:
    pieces, identity, label = BY_SUPERBLOCK[kind]
    found = only_one_on(write_pieces(tmp_path / "disk", MIB, pieces))
    assert found == FileSystem(kind, 0, MIB, None, identity, label)


def test_in_partitions(tmp_path: Path) -> None:
    entries = [(0x80, 0x83, 4096, 2048), (0, 0x83, 2048, 2048), (0, 0x83, 6144, 2048)]
    table = b"".join(struct.pack("<B3xB3xII", *entry) for entry in entries).ljust(64, b"\0")
    pieces = {446: table + b"\x55\xaa", MIB: b"XFSB", 2 * MIB + 65536 + 0x40: b"_BHRfS_M"}
    with open_disk(write_pieces(tmp_path / "disk", 4 * MIB, pieces), "raw") as reader:
        found = [(each.kind, each.partition, each.offset_bytes, each.size_bytes) for each in file_systems(reader)]
    assert found == [("xfs", 2, MIB, MIB), ("btrfs", 1, 2 * MIB, MIB)]


@pytest.mark.parametrize("size", [0, 100, 1024, 65536, 65537])
def test_nothing_is_found_in_nothing(tmp_path: Path, size: int) -> None:
    with open_disk(write_pieces(tmp_path / "disk", size, {}), "raw") as reader:
        assert file_systems(reader) == []
