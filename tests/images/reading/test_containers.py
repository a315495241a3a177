"""Containers: the disk in every image that qemu-img writes, whatever the options, is the disk that went in."""

import contextlib
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.containers import open_container
from imgmove.images.reading.device import Device, DeviceError
from tests.images.reading.looking import Memory, counted
from tests.images.real.workshop import Workshop
from tests.tools import needs_qemu_img

MIB = 1 << 20
SIZE = 9 * MIB
pytestmark = needs_qemu_img

IMAGES = {
    "raw": (DiskFormat.RAW, "raw", []),
    "qcow2": (DiskFormat.QCOW2, "qcow2", []),
    "qcow2 0.10": (DiskFormat.QCOW2, "qcow2", ["-o", "compat=0.10"]),
    "qcow2 compressed": (DiskFormat.QCOW2, "qcow2", ["-c"]),
    "qcow2 compressed 4k": (DiskFormat.QCOW2, "qcow2", ["-c", "-o", "cluster_size=4k"]),
    "qcow2 zstd": (DiskFormat.QCOW2, "qcow2", ["-c", "-o", "compression_type=zstd"]),
    "qcow2 extended L2": (DiskFormat.QCOW2, "qcow2", ["-o", "extended_l2=on"]),
    "qcow2 512": (DiskFormat.QCOW2, "qcow2", ["-o", "cluster_size=512"]),
    "qcow2 2M": (DiskFormat.QCOW2, "qcow2", ["-o", "cluster_size=2M"]),
    "qcow2 lazy": (DiskFormat.QCOW2, "qcow2", ["-o", "lazy_refcounts=on,refcount_bits=1"]),
    "qcow2 preallocated": (DiskFormat.QCOW2, "qcow2", ["-o", "preallocation=metadata"]),
    "vhd dynamic": (DiskFormat.VHD, "vpc", ["-o", "subformat=dynamic,force_size=on"]),
    "vhd fixed": (DiskFormat.VHD, "vpc", ["-o", "subformat=fixed,force_size=on"]),
    "vhd dynamic chs": (DiskFormat.VHD, "vpc", ["-o", "subformat=dynamic"]),
    "vmdk sparse": (DiskFormat.VMDK, "vmdk", ["-o", "subformat=monolithicSparse"]),
    "vmdk stream": (DiskFormat.VMDK, "vmdk", ["-o", "subformat=streamOptimized"]),
    "vdi dynamic": (DiskFormat.VDI, "vdi", []),
    "vdi static": (DiskFormat.VDI, "vdi", ["-o", "static=on"]),
}


def disk() -> bytes:
    """Random bytes, bytes that can be compressed, zeros inside and at the end."""
    chance = random.Random(5)
    data = bytearray(SIZE)
    for start in range(0, SIZE - MIB, 700_000):
        data[start : start + 90_000] = chance.randbytes(90_000)
        data[start + 200_000 : start + 290_000] = b"compress me " * 7500
    return bytes(data)


@pytest.fixture(scope="module")
def raw(shop: Workshop) -> Path:
    return shop.built("containers", "raw", lambda path, _: path.write_bytes(disk()))


def written(shop: Workshop, raw: Path, case: str) -> Path:
    _, target, options = IMAGES[case]
    command = ["qemu-img", "convert", "-f", "raw", "-O", target, *options]
    build = lambda path, _: subprocess.run([*command, str(raw), str(path)], check=True)  # noqa: E731
    return shop.built(f"container-{case.replace(' ', '-')}", "image", build)


def opened(path: Path, case: str) -> Device:
    return open_container(IMAGES[case][0], counted(path).pages())


@pytest.mark.parametrize("case", IMAGES)
def test_the_disk_is_the_disk_that_went_in(shop: Workshop, raw: Path, case: str) -> None:
    device, wanted = opened(written(shop, raw, case), case), raw.read_bytes()
    padding = device.size_bytes - len(wanted)
    assert padding == 0 or ("chs" in case and 0 < padding < MIB)
    assert device.read_at(0, SIZE) == wanted
    assert not device.read_at(SIZE, padding).strip(b"\0")


@pytest.mark.parametrize("case", IMAGES)
def test_any_range_is_the_range_of_the_disk(shop: Workshop, raw: Path, case: str) -> None:
    device, wanted = opened(written(shop, raw, case), case), raw.read_bytes()
    chance = random.Random(2)
    for _ in range(60):
        offset, length = chance.randrange(SIZE), chance.choice([1, 500, 4096, 70_000, 1_200_000])
        assert device.read_at(offset, length)[: SIZE - offset] == wanted[offset : offset + length]
    assert device.read_at(device.size_bytes, 10) == device.read_at(-1, 10) == b""
    assert len(device.read_at(device.size_bytes - 1, 10)) == 1


def test_opening_reads_no_more_than_headers_and_tables(shop: Workshop, raw: Path) -> None:
    for case, (kind, _, _) in IMAGES.items():
        image = counted(written(shop, raw, case))
        open_container(kind, image.pages()).read_at(0, 512)
        assert len(image.ranges) <= 5, case


@pytest.mark.parametrize("case", [case for case in IMAGES if case != "raw"])
def test_a_cut_image_is_damaged_and_not_filled_with_something(shop: Workshop, raw: Path, case: str) -> None:
    whole = written(shop, raw, case).read_bytes()
    wanted = raw.read_bytes()
    try:
        device = open_container(IMAGES[case][0], counted(whole[: len(whole) // 2]).pages())
        found = [(offset, device.read_at(offset, 16_384)) for offset in range(0, SIZE, 16_384)]
    except DeviceError:
        return
    # Some formats let the last block be short: then zeros follow, and nothing else.
    assert all(wanted.startswith(piece.rstrip(b"\0"), offset) for offset, piece in found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_qcow2_and_vdi_with_wrong_bytes_raise_one_exception_only(
    shop: Workshop, raw: Path, data: st.DataObject
) -> None:
    case = data.draw(st.sampled_from(["qcow2", "qcow2 zstd", "qcow2 extended L2", "qcow2 512", "vdi dynamic"]))
    image = bytearray(written(shop, raw, case).read_bytes())
    for offset in data.draw(st.lists(st.integers(0, 300_000), min_size=1, max_size=20)):
        image[offset % len(image)] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DeviceError):
        device = open_container(IMAGES[case][0], Memory(image))
        for offset in (0, 65_536, SIZE // 2, device.size_bytes - 512):
            assert len(device.read_at(offset, 70_000)) <= 70_000
