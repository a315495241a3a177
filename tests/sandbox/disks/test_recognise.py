"""What a file is, told by its content, whatever its name says."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from imgmove.sandbox.disks import DiskError, DiskFormat, DiskInfo, Problem, ProblemKind, convert, open_disk, recognise
from tests.sandbox.disks.images import MIB, QemuImg, speckled, write_pieces
from tests.sandbox.disks.streams import write_stream

BOOT_SECTOR = {510: b"\x55\xaa"}


@pytest.mark.parametrize("format_name", ["qcow2", "vhd", "vmdk", "vdi", "raw.tar.gz"])
def test_names_are_not_trusted(tmp_path: Path, format_name: str) -> None:
    convert(speckled(tmp_path / "raw", MIB), "raw", tmp_path / "disk.raw", format_name)
    assert recognise(tmp_path / "disk.raw").format is DiskFormat(format_name)


def test_formats_have_the_vendors_spellings() -> None:
    assert DiskFormat("QCOW2") is DiskFormat.QCOW2
    assert DiskFormat("VHD") is DiskFormat.VHD
    assert DiskFormat("raw.tar.gz") is DiskFormat.TAR_GZ
    assert DiskFormat("RAW") is DiskFormat.RAW
    with pytest.raises(ValueError, match="ova"):
        DiskFormat("ova")


@pytest.mark.parametrize(
    ("pieces", "format_name", "subformat"),
    [
        (BOOT_SECTOR, DiskFormat.RAW, "mbr"),
        (BOOT_SECTOR | {446: struct.pack("<B3xB3xII", 0x80, 0x83, 64, 128)}, DiskFormat.RAW, "mbr"),
        ({0x438: b"\x53\xef"}, DiskFormat.RAW, "ext2"),
        ({0: b"XFSB"}, DiskFormat.RAW, "xfs"),
        (BOOT_SECTOR | {3: b"NTFS    "}, DiskFormat.RAW, "ntfs"),
        (BOOT_SECTOR | {32769: b"CD001"}, DiskFormat.ISO, ""),
        ({}, DiskFormat.UNKNOWN, ""),
        ({0: b"#!/bin/sh\necho no disk\n"}, DiskFormat.UNKNOWN, ""),
        ({0: b"\x7fELF"}, DiskFormat.UNKNOWN, ""),
    ],
)
def test_files_without_a_magic_number(
    tmp_path: Path, pieces: dict[int, bytes], format_name: DiskFormat, subformat: str
) -> None:
    assert recognise(write_pieces(tmp_path / "file", MIB, pieces)) == DiskInfo(format_name, MIB, subformat)


@pytest.mark.parametrize("size", [1, 3, 511, 513])
def test_tiny_files(tmp_path: Path, size: int) -> None:
    info = recognise(write_pieces(tmp_path / "file", size, {}))
    assert info == DiskInfo(DiskFormat.UNKNOWN, size)
    assert not info.readable


def test_an_empty_file(tmp_path: Path) -> None:
    problem = Problem(ProblemKind.EMPTY, "the file is empty")
    assert recognise(write_pieces(tmp_path / "file", 0, {})) == DiskInfo(DiskFormat.UNKNOWN, 0, "", (problem,))


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        recognise(tmp_path / "absent")
    with pytest.raises(IsADirectoryError):
        recognise(tmp_path)
    with pytest.raises(IsADirectoryError):
        convert(tmp_path, "raw", tmp_path / "out", "raw")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DiskError, match="no regular file"):
        recognise(tmp_path / "pipe")


def test_files_are_closed_again(tmp_path: Path) -> None:
    path = write_pieces(tmp_path / "file", MIB, BOOT_SECTOR)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        recognise(path)
        with open_disk(path), pytest.raises(DiskError):
            open_disk(path, "qcow2")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_unknown_is_only_read_as_raw(tmp_path: Path) -> None:
    path = write_pieces(tmp_path / "file", MIB, {})
    with pytest.raises(DiskError, match="not a known disk"):
        open_disk(path)
    with open_disk(path, "raw") as reader:
        assert reader.virtual_size_bytes == MIB


def test_a_vmdk_stream_with_its_header_at_the_end(qemu_img: QemuImg, tmp_path: Path) -> None:
    disk = bytes(range(256)) * 256 + bytes(3 << 16) + os.urandom(1 << 16)
    (tmp_path / "raw").write_bytes(disk)
    write_stream(tmp_path / "disk.vmdk", disk)
    qemu_img.run("compare", "-f", "raw", "-F", "vmdk", tmp_path / "raw", tmp_path / "disk.vmdk")
    assert recognise(tmp_path / "disk.vmdk") == DiskInfo(DiskFormat.VMDK, len(disk), "streamOptimized")
    convert(tmp_path / "disk.vmdk", None, tmp_path / "back", "raw")
    assert (tmp_path / "back").read_bytes() == disk


@pytest.mark.parametrize("kept", [-1024, -1536, 0.5])
def test_a_cut_vmdk_stream(tmp_path: Path, kept: float) -> None:
    write_stream(tmp_path / "whole", os.urandom(5 << 16))
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    with pytest.raises(DiskError) as caught:
        recognise(tmp_path / "cut")
    assert caught.value.kind is ProblemKind.TRUNCATED
