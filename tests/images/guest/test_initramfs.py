"""An initramfs is opened, whatever it is packed with; what is damaged or absurd says so, and costs no more than it may."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.guest.collect import cpio as cpio_reader
from imgmove.images.guest.collect.byte_source import ByteSource, UnpackError
from imgmove.images.guest.collect.initramfs import LVM_TOOLS, look_into
from imgmove.images.guest.collect.unpack import unpacked
from tests.images.guest.archives import EARLY_MICROCODE, PACKERS, cpio, lz4_legacy, module

VERSION = "6.1.0-18-amd64"
WANTED = frozenset({"virtio_blk", "virtio_pci"})
DRIVERS = [module("virtio_blk", VERSION), module("virtio_pci", VERSION)]
OTHERS = [f"usr/lib/firmware/file{number}" for number in range(300)]


def pieces(data: bytes, size: int = 4096) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("front", [b"", EARLY_MICROCODE, EARLY_MICROCODE + EARLY_MICROCODE + bytes(3000)])
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_drivers_are_found_in_every_packing(packing: str, front: bytes, size: int) -> None:
    data = front + PACKERS[packing](cpio([*OTHERS, *DRIVERS]))
    found = look_into(pieces(data, size), WANTED, VERSION)
    assert found.found == WANTED
    assert found.packing == packing.removesuffix("-legacy")
    assert not found.problem


@pytest.mark.parametrize("packing", PACKERS)
def test_what_is_not_there_is_known_to_be_missing(packing: str) -> None:
    data = EARLY_MICROCODE + PACKERS[packing](cpio([*OTHERS, DRIVERS[0]])) + bytes(4096)
    found = look_into(pieces(data), WANTED, VERSION)
    assert (found.found, found.is_whole, found.problem) == ({"virtio_blk"}, True, "")


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_one_is_a_problem_and_no_verdict(packing: str, share: float) -> None:
    whole = PACKERS[packing](cpio(OTHERS, content=bytes(range(256)) * 20))
    found = look_into(pieces(whole[: int(len(whole) * share)]), WANTED, VERSION)
    assert not found.is_whole
    assert found.problem


@pytest.mark.parametrize("packing", [name for name in PACKERS if name != "none"])
def test_a_damaged_one_is_a_problem(packing: str) -> None:
    whole = bytearray(PACKERS[packing](cpio(OTHERS, content=bytes(range(256)) * 20)))
    whole[len(whole) // 2 : len(whole) // 2 + 40] = b"\xff" * 40
    assert look_into(pieces(bytes(whole)), frozenset({"nothing"}), VERSION).problem


def test_archives_of_both_kinds_one_after_the_other() -> None:
    data = (
        cpio([DRIVERS[0]], magic=b"070702") + bytes(100) + gzip.compress(cpio(OTHERS)) + bytes(12) + cpio([DRIVERS[1]])
    )
    assert look_into(pieces(data), WANTED, VERSION).found == WANTED


@pytest.mark.parametrize("ending", [".ko", ".ko.xz", ".ko.zst", ".ko.gz"])
def test_modules_may_be_packed_themselves_and_have_dashes(ending: str) -> None:
    data = cpio(["lib/modules/5.10.0/kernel/drivers/md/dm-mod" + ending, "usr/sbin/lvm"])
    assert look_into(pieces(data), frozenset({"dm_mod", LVM_TOOLS}), "5.10.0").found == {"dm_mod", LVM_TOOLS}


def test_modules_of_another_kernel_do_not_count() -> None:
    found = look_into(pieces(cpio([module("virtio_blk", "5.0.0")])), WANTED, VERSION)
    assert not found.found
    assert found.versions == {"5.0.0"}


def test_reading_ends_with_the_last_driver() -> None:
    taken = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for piece in pieces(cpio(DRIVERS) + cpio(OTHERS, content=bytes(100_000)), 64 << 10):
            taken += len(piece)
            yield piece

    assert look_into(counted(), WANTED, VERSION).found == WANTED
    assert taken <= 128 << 10


@pytest.mark.parametrize("packing", ["gzip", "xz", "bzip2", "zstd", "lz4-legacy"])
def test_a_bomb_takes_no_memory(packing: str) -> None:
    """A file of 48 MB of zeros, packed a thousandfold: skipped, a few pieces at a time."""
    zeros = 48 << 20
    head = b"070701" + b"".join(b"%08X" % n for n in (1, 0o100644, 0, 0, 1, 0, zeros, 0, 0, 0, 0, 4, 0)) + b"big\0\0\0"
    bomb = PACKERS[packing](head + bytes(zeros) + cpio(DRIVERS))
    tracemalloc.start()
    try:
        found = look_into(pieces(bomb, 1 << 20), WANTED, VERSION)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.found == WANTED
    assert peak < 32 << 20


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89LZO\x00\x0d\x0a", "packed with lzo"),
        (b"hello, world", "begins with 68 65"),
        (cpio_reader.MAGICS[0] + b"x" * 200, "no number"),
        (cpio(["a"])[:200] + b"9" * 200, ""),
        (b"\x02\x21\x4c\x18" + struct.pack("<I", 40) + b"\xff" * 40, "damaged"),
        (b"\x02\x21\x4c\x18" + struct.pack("<I", 1 << 31) + b"\xff" * 40, ""),
        (b"070701" + b"FFFFFFFF" * 13, "name of"),
    ],
)
def test_nonsense_is_said(data: bytes, words: str) -> None:
    found = look_into(pieces(data), WANTED, VERSION)
    assert not found.found
    assert words in found.problem


def test_more_than_the_limit_is_not_read() -> None:
    source = ByteSource(iter([b"x" * 600, b"x" * 600]), 1000)
    assert source.peek(10) == b"x" * 10
    with pytest.raises(UnpackError, match="larger than"):
        source.skip(1200, "it")


def test_what_is_pushed_back_comes_first() -> None:
    source = ByteSource(iter([b"abc", b"def"]), 100)
    assert source.take(2) == b"ab"
    source.push_back(b"xy")
    assert source.take(4) == b"xycd"
    assert source.piece() == b"ef"
    assert source.piece() == b""


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=3000),
    st.sampled_from(
        [
            b"",
            b"070701",
            b"\x1f\x8b\x08",
            b"\xfd7zXZ\0",
            b"BZh9",
            b"\x28\xb5\x2f\xfd",
            b"\x04\x22\x4d\x18",
            b"\x02\x21\x4c\x18",
            b"\x5d\0\0",
        ]
    ),
)
def test_any_bytes_are_read_without_harm(data: bytes, magic: bytes) -> None:
    found = look_into(pieces(magic + data), WANTED, VERSION)
    assert not found.found or found.is_whole or not found.problem


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(PACKERS)))
def test_a_changed_byte_never_raises(data: st.DataObject, packing: str) -> None:
    whole = bytearray(PACKERS[packing](cpio([*DRIVERS, *OTHERS[:20]])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    look_into(pieces(bytes(whole)), WANTED, VERSION)


def test_unpacking_gives_back_what_follows() -> None:
    source = ByteSource(iter([gzip.compress(b"first") + b"rest"]), 1000)
    name, contents = unpacked(source)
    assert (name, b"".join(contents), source.take(10)) == ("gzip", b"first", b"rest")


def test_lz4_blocks_may_follow_a_second_header() -> None:
    data = lz4_legacy(cpio(OTHERS, content=b"x" * 1000), 64 << 10) + lz4_legacy(b"")
    source = ByteSource(iter([data]), 1 << 20)
    assert len(b"".join(unpacked(source)[1])) == len(cpio(OTHERS, content=b"x" * 1000))


def test_entries_are_read_in_order() -> None:
    source = ByteSource(iter([cpio(["./a", "b/c", "/d"])]), 10_000)
    assert [entry.name for entry in cpio_reader.entries(source)] == ["a", "b/c", "d"]
    assert io.BytesIO(source.piece()).read() == b""
