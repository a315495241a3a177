"""Formats are recognised by content."""

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect
from imgmove.images.headers.image_bytes import ImageBytes
from imgmove.images.sniff import HEAD_BYTES, TAIL_BYTES, recognise
from tests.tools import needs_qemu_img

BOOT = bytes(510) + b"\x55\xaa"


def look(name: str, data: bytes, declared: DiskFormat | None = None, *, system_disk: bool = True) -> DiskFormat | None:
    image = ImageBytes(len(data), lambda offset, length: data[offset : offset + length])
    return inspect(name, image, declared, system_disk=system_disk).format


@needs_qemu_img
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("qcow2", [], DiskFormat.QCOW2),
        ("vmdk", ["-o", "subformat=streamOptimized"], DiskFormat.VMDK),
        ("vmdk", ["-o", "subformat=monolithicSparse"], DiskFormat.VMDK),
        ("vpc", ["-o", "subformat=dynamic"], DiskFormat.VHD),
        ("vpc", ["-o", "subformat=fixed"], DiskFormat.VHD),
        ("vdi", [], DiskFormat.VDI),
        ("raw", [], DiskFormat.RAW),
    ],
)
def test_what_qemu_img_writes(tmp_path: Path, name: str, options: list[str], expected: DiskFormat) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.img"
    raw.write_bytes(BOOT + bytes(1 << 20))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", name, *options, raw, image], check=True)
    data = image.read_bytes()
    assert recognise(data[:HEAD_BYTES], data[-TAIL_BYTES:]) is expected


def test_a_raw_disk_in_an_archive() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("disk.raw")
        info.size = 1 << 20
        archive.addfile(info, io.BytesIO(bytes(1 << 20)))
    assert recognise(buffer.getvalue()[:HEAD_BYTES]) is DiskFormat.RAW_TAR_GZ
    assert recognise(gzip.compress(b"a log file\n" * 100)) is None


@pytest.mark.parametrize("head", [b"", b"<html><body>404</body></html>", bytes(4096), b"PK\x03\x04", b'{"error": 1}'])
def test_what_is_no_image(head: bytes) -> None:
    with pytest.raises(ImgmoveError) as caught:
        look("cos://b-1/disk.img", head)
    assert caught.value.kind is Kind.CORRUPT
    assert caught.value.exit_code == 7


def test_a_false_name_is_found_out() -> None:
    with pytest.raises(ImgmoveError, match="said to be qcow2 and is raw"):
        look("cos://b-1/disk.qcow2", BOOT)
    assert look("cos://b-1/disk.qcow2", BOOT, DiskFormat.RAW) is DiskFormat.RAW


def test_a_data_disk_needs_no_partition_table() -> None:
    assert look("cos://b-1/data.raw", bytes(4096), system_disk=False) is None


@given(st.binary(max_size=2000), st.binary(max_size=512))
def test_any_bytes_have_an_answer(head: bytes, tail: bytes) -> None:
    assert recognise(head, tail) in {None, *DiskFormat}
