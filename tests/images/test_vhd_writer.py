"""Fixed VHDs written as a stream: the size's rule, the geometry of the specification, judged by qemu-img."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.convert import conversion
from imgmove.images.guard import inspect_file
from imgmove.images.vhd_writer import FOOTER_BYTES, MAX_BYTES, footer, geometry, vhd_bytes
from imgmove.sandbox.disks import recognise as sandbox_recognise
from tests.images.test_conversion import pieces_of, sparse_disk, write_stream
from tests.tools import needs_qemu_img, needs_tar

MIB = 1 << 20


def assert_is_vhd_of(raw: Path, image: Path, size: int) -> None:
    """qemu-img reads the disk back, of exactly `size` bytes; the guard and the sandbox's importer find nothing wrong."""
    told = json.loads(subprocess.check_output(["qemu-img", "info", "-f", "vpc", "--output=json", image]))
    assert (told["format"], told["virtual-size"]) == ("vpc", size)
    subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "vpc", raw, image], check=True)
    facts = inspect_file(image, DiskFormat.VHD, system_disk=True)
    assert (facts.virtual_bytes, facts.variant) == (size, "fixed")
    seen = sandbox_recognise(image)
    assert (seen.virtual_size_bytes, seen.problems) == (size, ())


@needs_qemu_img
@pytest.mark.parametrize("size", [512, MIB, 3 * MIB - 512, 37 * MIB + 700, 64 * MIB])
def test_raw_to_vhd(tmp_path: Path, size: int) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.vhd"
    sparse_disk(raw, size)
    stream = conversion(DiskFormat.RAW, DiskFormat.VHD)(pieces_of(raw), size)
    written = write_stream(stream, image)
    assert written == vhd_bytes(size) + FOOTER_BYTES == stream.largest_bytes
    assert vhd_bytes(size) % MIB == 0
    assert_is_vhd_of(raw, image, vhd_bytes(size))


@needs_qemu_img
@needs_tar
def test_an_archive_to_vhd(tmp_path: Path) -> None:
    raw, packed, image = tmp_path / "a.raw", tmp_path / "a.raw.tar.gz", tmp_path / "a.vhd"
    sparse_disk(raw, 9 * MIB + 512)
    subprocess.run(["tar", "-S", "-czf", packed.name, raw.name], cwd=tmp_path, check=True)
    write_stream(conversion(DiskFormat.RAW_TAR_GZ, DiskFormat.VHD)(pieces_of(packed), packed.stat().st_size), image)
    assert_is_vhd_of(raw, image, 10 * MIB)


def test_the_same_disk_gives_the_same_bytes_and_another_disk_another_identity() -> None:
    def written(data: bytes, step: int) -> bytes:
        pieces = iter([data[start : start + step] for start in range(0, len(data), step)])
        return b"".join(conversion(DiskFormat.RAW, DiskFormat.VHD)(pieces, len(data)).body)

    data = os.urandom(150_000)
    assert written(data, 7777) == written(data, 150_000)
    assert written(b"\1" + data, 7777)[-512:] != written(data, 7777)[-512:]


@needs_qemu_img
@pytest.mark.parametrize(
    "size", [MIB, 100 * MIB, 504 * MIB, 505 * MIB, 2 << 30, 31 << 30, 126 << 30, 128 << 30, 500 << 30]
)
def test_the_footer_is_what_qemu_img_writes(tmp_path: Path, size: int) -> None:
    """With `force_size` qemu-img states a size of its own, and the geometry of the same appendix."""
    image = tmp_path / "qemu.vhd"
    words = ["qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=dynamic,force_size=on", str(image), str(size)]
    subprocess.run(words, check=True)
    theirs, ours = image.read_bytes()[:512], footer(size, b"")
    assert ours[40:56] == theirs[40:56]  # original and current size
    cylinders, heads, sectors = geometry(size)
    assert ours[56:60] == bytes([cylinders >> 8, cylinders & 255, heads, sectors])
    assert cylinders * heads * sectors * 512 <= size


@given(st.integers(1, MAX_BYTES // MIB))
def test_any_size_has_a_geometry_in_bounds(mebibytes: int) -> None:
    cylinders, heads, sectors = geometry(mebibytes * MIB)
    assert cylinders <= 65535
    assert heads <= 16
    assert sectors in {17, 31, 63, 255}
    track = heads * sectors * 512
    assert mebibytes * MIB - track * (cylinders + 1) < track or mebibytes * MIB > 65535 * 16 * 255 * 512


def test_what_a_vhd_cannot_hold() -> None:
    assert vhd_bytes(MAX_BYTES) == MAX_BYTES
    with pytest.raises(ImgmoveError) as caught:
        conversion(DiskFormat.RAW, DiskFormat.VHD)(iter([]), MAX_BYTES + 1)
    assert caught.value.kind is Kind.UNSUPPORTED
