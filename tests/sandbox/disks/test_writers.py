"""What the writers make, judged by qemu-img and by our own readers."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox.disks import DiskError, DiskFormat, DiskInfo, ProblemKind, convert, open_disk, recognise
from tests.sandbox.disks.images import GIB, KIB, MIB, QemuImg, same_content, speckled, write_pieces

FORMATS = ("raw", "qcow2", "vhd", "vmdk", "vdi")
CHOICES = [*((name, "") for name in FORMATS), ("qcow2", "compressed"), ("vhd", "fixed")]

SIZES = {
    "one-sector": 512,
    "less-than-a-grain": 64 * KIB - 512,
    "one-cluster": 64 * KIB,
    "one-vhd-block": 2 * MIB,
    "vhd-block-and-a-sector": 2 * MIB + 512,
    "unaligned": 37 * MIB + 1536,
    "two-grain-tables": 70 * MIB,
    "two-l2-tables": 513 * MIB,
}


@pytest.mark.parametrize(("format_name", "subformat"), CHOICES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_qemu_img_finds_the_same_disk(
    qemu_img: QemuImg, tmp_path: Path, size: int, format_name: str, subformat: str
) -> None:
    raw, out = speckled(tmp_path / "raw", size), tmp_path / "out"
    info = convert(raw, "raw", out, format_name, subformat=subformat)
    qemu_img.judge(raw, out, format_name)
    assert qemu_img.info(out, format_name)["virtual-size"] == info.virtual_size_bytes >= size


@pytest.mark.parametrize(("format_name", "subformat"), CHOICES)
@pytest.mark.parametrize("content", ["random", "zero", "alternating", "last-byte"])
def test_contents(qemu_img: QemuImg, tmp_path: Path, content: str, format_name: str, subformat: str) -> None:
    size = 5 * MIB + 512
    block = 64 * KIB
    pieces = {
        "random": {0: hashlib.shake_128(b"random").digest(size)},
        "zero": {0: bytes(size)},  # written, not a hole
        "alternating": dict.fromkeys(range(0, 5 * MIB, 2 * block), b"\xaa" * block),
        "last-byte": {size - 1: b"\1"},
    }
    raw, out, back = write_pieces(tmp_path / "raw", size, pieces[content]), tmp_path / "out", tmp_path / "back"
    convert(raw, "raw", out, format_name, subformat=subformat)
    qemu_img.judge(raw, out, format_name)
    convert(out, format_name, back, "raw")
    assert same_content(raw, back)


@pytest.mark.parametrize("format_name", ["qcow2", "vmdk", "vdi", "vhd"])
def test_a_virtual_500_gib(qemu_img: QemuImg, tmp_path: Path, format_name: str) -> None:
    size = 500 * GIB
    pieces = {0: b"start", 3 * GIB - 7: b"across a table's end", 499 * GIB: bytes(range(256)), size - 512: b"end"}
    raw, out, back = write_pieces(tmp_path / "raw", size, pieces), tmp_path / "out", tmp_path / "back"
    convert(raw, "raw", out, format_name)
    assert out.stat().st_blocks * 512 < 40 * MIB
    if format_name != "vhd":
        qemu_img.run("check", "-f", format_name, out)
    assert qemu_img.info(out, format_name)["virtual-size"] == size
    convert(out, None, back, "raw")
    assert back.stat().st_size == size
    with open_disk(back, "raw") as reader:
        assert {offset: reader.read(offset, len(data)) for offset, data in pieces.items()} == pieces
        assert sum(extent.length for extent in reader.extents() if extent.data is not None) < 2 * MIB


@pytest.mark.parametrize("format_name", [*FORMATS, "raw.tar.gz"])
def test_an_empty_disk(tmp_path: Path, format_name: str) -> None:
    raw, out = write_pieces(tmp_path / "raw", 0, {}), tmp_path / "out"
    info = convert(raw, "raw", out, format_name)
    with open_disk(out, format_name) as reader:
        assert reader.virtual_size_bytes == info.virtual_size_bytes == (2 * MIB if format_name == "vhd" else 0)
        assert reader.read(0, 10) == bytes(10 if format_name == "vhd" else 0)
        assert all(extent.data is None for extent in reader.extents())


@pytest.mark.parametrize("format_name", [*FORMATS, "raw.tar.gz"])
def test_the_same_disk_gives_the_same_bytes(tmp_path: Path, format_name: str) -> None:
    raw = speckled(tmp_path / "raw", 6 * MIB)
    dense = tmp_path / "dense"  # the same disk, without a hole
    dense.write_bytes(raw.read_bytes())
    convert(raw, "raw", tmp_path / "first", format_name)
    convert(dense, "raw", tmp_path / "second", format_name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_identifiers_tell_disks_apart(qemu_img: QemuImg, tmp_path: Path) -> None:
    found = set()
    for seed in (1, 2):
        convert(speckled(tmp_path / "raw", MIB, seed=seed), "raw", tmp_path / "out", "vmdk")
        details = qemu_img.info(tmp_path / "out", "vmdk")["format-specific"]["data"]
        found.add(details["cid"])
    assert len(found) == 2


@pytest.mark.parametrize("size", [512, 2 * MIB, 3 * MIB + 512, 1 * GIB])
def test_a_vhd_is_as_large_as_its_table(tmp_path: Path, size: int) -> None:
    """Alibaba's InvalidVHDImage.IncorrectSize: MaxTableEntries x BlockSize has to be the size."""
    out = tmp_path / "out"
    convert(write_pieces(tmp_path / "raw", size, {}), "raw", out, "vhd")
    data = out.read_bytes()[:2048]
    entries, block = (int.from_bytes(data[512 + place : 512 + place + 4], "big") for place in (28, 32))
    assert entries * block == int.from_bytes(data[48:56], "big") == recognise(out).virtual_size_bytes >= size
    assert recognise(out).problems == ()


def test_a_vhd_has_an_end(tmp_path: Path) -> None:
    raw = write_pieces(tmp_path / "raw", 3000 * GIB, {})
    for subformat in ("dynamic", "fixed"):
        with pytest.raises(DiskError, match="2040 GiB"):
            convert(raw, "raw", tmp_path / "out", "vhd", subformat=subformat)


@pytest.mark.parametrize("size", [0, 1, 512, 10_000, 3 * MIB + 17])
def test_raw_tar_gz_is_what_tar_unpacks(tmp_path: Path, size: int) -> None:
    raw, out = speckled(tmp_path / "raw", size), tmp_path / "out"
    convert(raw, "raw", out, "raw.tar.gz", member_name="p_m-1_system.raw")
    with tarfile.open(out, "r:gz") as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.size, member.mtime, member.uid, member.mode) == (
            *("p_m-1_system.raw", size, 0, 0, 0o644),
        )
        unpacked = archive.extractfile(member)
        assert unpacked is not None
        assert unpacked.read() == raw.read_bytes()


def test_raw_tar_gz_with_a_long_name_and_much_nothing(tmp_path: Path) -> None:
    name = "ä" * 90 + ".raw"
    raw = write_pieces(tmp_path / "raw", 9 * GIB, {0: b"start", 9 * GIB - 3: b"end"})  # beyond what octal can say
    convert(raw, "raw", tmp_path / "out", "raw.tar.gz", member_name=name)
    assert recognise(tmp_path / "out") == DiskInfo(DiskFormat.TAR_GZ, 9 * GIB, "gnu")
    with tarfile.open(tmp_path / "out", "r|gz") as archive:
        member = archive.next()
        assert member is not None
        assert (member.name, member.size) == (name, 9 * GIB)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(0, 5 * MIB),
    pieces=st.dictionaries(st.integers(0, 5 * MIB), st.binary(min_size=1, max_size=200), max_size=6),
    stretch=st.sampled_from([1, 777, 5000]),
    format_name=st.sampled_from([*FORMATS, "raw.tar.gz"]),
)
def test_there_and_back(tmp_path: Path, size: int, pieces: dict[int, bytes], stretch: int, format_name: str) -> None:
    inside = {offset: data * stretch for offset, data in pieces.items() if offset < size}
    raw, out, back = write_pieces(tmp_path / "raw", size, inside), tmp_path / "out", tmp_path / "back"
    info = convert(raw, "raw", out, format_name)
    convert(out, format_name, back, "raw")
    assert back.stat().st_size == info.virtual_size_bytes
    assert same_content(raw, back)


def test_nothing_is_left_behind_on_failure(tmp_path: Path) -> None:
    source, out = speckled(tmp_path / "raw", MIB), tmp_path / "out"
    convert(source, "raw", tmp_path / "archive", "raw.tar.gz")
    packed = (tmp_path / "archive").read_bytes()
    (tmp_path / "archive").write_bytes(packed[: len(packed) - 40])
    out.write_text("what was there")
    with pytest.raises(DiskError) as caught:
        convert(tmp_path / "archive", "tar.gz", out, "qcow2")
    assert caught.value.kind is ProblemKind.TRUNCATED
    assert out.read_text() == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out", "raw"]


@pytest.mark.parametrize(("format_name", "subformat"), [("iso", ""), ("unknown", ""), ("raw", "fixed"), ("vdi", "x")])
def test_what_cannot_be_written(tmp_path: Path, format_name: str, subformat: str) -> None:
    with pytest.raises(DiskError) as caught:
        convert(speckled(tmp_path / "raw", MIB), "raw", tmp_path / "out", format_name, subformat=subformat)
    assert caught.value.kind is ProblemKind.UNSUPPORTED


def test_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vhdx"):
        convert(speckled(tmp_path / "raw", MIB), "raw", tmp_path / "out", "vhdx")


def test_what_is_zero_takes_no_space(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.write_bytes(bytes(32 * MIB) + b"x" + bytes(MIB - 1))
    limits = {"raw": 4 * KIB, "qcow2": 512 * KIB, "vmdk": 256 * KIB, "vdi": 1280 * KIB, "vhd": 2304 * KIB}
    for format_name, limit in limits.items():
        convert(raw, "raw", out, format_name)
        assert out.stat().st_blocks * 512 <= limit, format_name
