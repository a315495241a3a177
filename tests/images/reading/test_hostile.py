"""Hostile images, each before a reader of its own: the parent always has an answer, in bounds of time, memory and reading."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.inspection import Inspection, Limits, TroubleKind
from imgmove.images.reading.process import look_inside
from imgmove.images.reading.source import ImageSource
from tests.images.reading.conftest import MIB, ROOT_UUID, ext4_of, small_tree
from tests.images.reading.looking import counted
from tests.images.real.disks import fat, lvm2, ntfs, xfs
from tests.images.real.disks.containers import contained, format_name
from tests.images.real.disks.partitions import Slot, partitioned
from tests.images.real.tree import Tree
from tests.images.real.workshop import Workshop

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=20, wall_seconds=40.0, read_bytes=64 * MIB, requests=1000)
FORMATS = list(DiskFormat)
CONTAINERS = ["qcow2", "qcow2-compressed", "vhd", "vmdk", "vmdk-stream", "raw.tar.gz-gnu-sparse"]
FILE_SYSTEMS = ["ext4", "xfs", "ntfs", "fat", "lvm2"]
EXPECTED = {TroubleKind.CRASHED, TroubleKind.MEMORY, TroubleKind.TIME, TroubleKind.READS, TroubleKind.UNREADABLE}
PATIENT = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def looked(image: Path | bytes, disk_format: DiskFormat, changes: dict[int, int]) -> Inspection:
    """What comes back for an image in which some bytes are others. Ranges that leave it fail in `Counted.read`."""
    real = counted(image)

    def read(offset: int, length: int) -> bytes:
        data = bytearray(real.read(offset, length))
        for place, value in changes.items():
            if offset <= place < offset + length:
                data[place - offset] = value
        return bytes(data)

    began = time.monotonic()
    found = look_inside(ImageSource("hostile", real.size_bytes, read), disk_format, LIMITS)
    assert time.monotonic() - began < 60
    assert found.read_bytes == real.read_bytes
    assert {item.kind for item in found.trouble} <= EXPECTED
    assert all(0 < len(item.words) <= 500 for item in found.trouble)
    return found


def file_system(shop: Workshop, kind: str) -> Path:
    tree, other = small_tree(), Tree()
    other.file("/Windows/System32/config/SYSTEM", random.Random(1).randbytes(100_000))
    builders: dict[str, Callable[[Path, Path], object]] = {
        "ext4": ext4_of(tree, 16 * MIB),
        "xfs": lambda path, scratch: xfs.make(path, tree, scratch, uuid=ROOT_UUID),
        "ntfs": lambda path, _: ntfs.make(path, other, 8 * MIB, uuid="0123456789ABCDEF"),
        "fat": lambda path, scratch: fat.make(path, other, scratch, 4 * MIB, uuid="ABCD-1234", bits=12),
        "lvm2": lambda path, _: _on_lvm(path, shop),
    }
    return shop.built(f"hostile-{kind}", "raw", builders[kind])


def _on_lvm(path: Path, shop: Workshop) -> None:
    content = file_system(shop, "ext4")
    pv = lvm2.physical_volume(path.with_suffix(".pv"), "vg0", [lvm2.LogicalVolume("root", 16 * MIB, content)])
    partitioned(path, "gpt", [Slot("lvm", pv.stat().st_size, pv)])


def container(shop: Workshop, name: str) -> tuple[Path, DiskFormat]:
    raw = file_system(shop, "ext4")
    path = shop.built(f"hostile-{name}", "image", lambda path, _: contained(raw, name, path))
    return path, DiskFormat(format_name(name))


@cache
def touched(image: Path, disk_format: DiskFormat) -> list[int]:
    """Sectors that a reader of the whole image goes to and that hold something: where a wrong byte makes a difference."""
    real = counted(image)
    look_inside(real.source(), disk_format, LIMITS)
    sectors = {sector for offset, length in real.ranges for sector in range(offset // 512, (offset + length) // 512)}
    data = image.read_bytes()
    return sorted(sector for sector in sectors if any(data[sector * 512 : sector * 512 + 512]))


def changes(sectors: list[int]) -> st.SearchStrategy[dict[int, int]]:
    places = st.builds(lambda sector, byte: sector * 512 + byte, st.sampled_from(sectors), st.integers(0, 511))
    return st.dictionaries(
        places, st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255), min_size=1, max_size=60
    )


@PATIENT
@given(data=st.binary(max_size=70_000), disk_format=st.sampled_from(FORMATS))
def test_random_bytes(data: bytes, disk_format: DiskFormat) -> None:
    looked(data, disk_format, {})


MAGICS = [
    b"QFI\xfb\0\0\0\3",
    b"KDMV\1\0\0\0",
    b"conectix",
    b"<<< Oracle VM VirtualBox Disk Image >>>\n",
    b"\x1f\x8b\x08\0",
    b"XFSB",
]


@PATIENT
@given(magic=st.sampled_from(MAGICS), data=st.binary(min_size=512, max_size=4096), disk_format=st.sampled_from(FORMATS))
def test_random_bytes_behind_a_magic(magic: bytes, data: bytes, disk_format: DiskFormat) -> None:
    looked(magic + data, disk_format, {})


@pytest.mark.parametrize("name", CONTAINERS)
@PATIENT
@given(data=st.data())
def test_containers_with_wrong_bytes(shop: Workshop, name: str, data: st.DataObject) -> None:
    image, disk_format = container(shop, name)
    looked(image, disk_format, data.draw(changes(touched(image, disk_format))))


@pytest.mark.parametrize("kind", FILE_SYSTEMS)
@PATIENT
@given(data=st.data())
def test_file_systems_with_wrong_bytes(shop: Workshop, kind: str, data: st.DataObject) -> None:
    image = file_system(shop, kind)
    looked(image, DiskFormat.RAW, data.draw(changes(touched(image, DiskFormat.RAW))))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CONTAINERS, *FILE_SYSTEMS])
@THOROUGH
@given(data=st.data())
def test_wrong_bytes_for_longer(shop: Workshop, name: str, data: st.DataObject) -> None:
    if name in CONTAINERS:
        image, disk_format = container(shop, name)
    else:
        image, disk_format = file_system(shop, name), DiskFormat.RAW
    looked(image, disk_format, data.draw(changes(touched(image, disk_format))))


@pytest.mark.parametrize("name", CONTAINERS)
def test_images_that_are_cut_off(shop: Workshop, name: str) -> None:
    image, disk_format = container(shop, name)
    whole = image.read_bytes()
    for keep in (0, 1, 511, 1024, len(whole) // 2):
        looked(whole[:keep], disk_format, {})


def test_the_parent_does_not_grow(shop: Workshop) -> None:
    image, disk_format = container(shop, "qcow2")
    looked(image, disk_format, {})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(4):
        looked(image, disk_format, {24 + 7: 0xFF, 36 + 2: number})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000
