"""raw.tar.gz of all makes: plain, sparse in GNU's and PAX's ways, and hostile ones."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox.disks import DiskError, DiskFormat, ProblemKind, convert, open_disk, recognise
from tests.sandbox.disks import tars
from tests.sandbox.disks.images import GIB, MIB, required, same_content, speckled, write_pieces

SPARSE = {
    "gnu": (["--format=gnu"], "gnu-sparse"),
    "pax-0.0": (["--format=pax", "--sparse-version=0.0"], "pax-sparse"),
    "pax-0.1": (["--format=pax", "--sparse-version=0.1"], "pax-sparse"),
    "pax-1.0": (["--format=pax", "--sparse-version=1.0"], "pax-sparse"),
}


@pytest.mark.parametrize(("options", "dialect"), SPARSE.values(), ids=SPARSE)
@pytest.mark.parametrize("pieces", [1, 3, 200])
def test_sparse_members(tmp_path: Path, pieces: int, options: list[str], dialect: str) -> None:
    raw, packed, back = tmp_path / "disk.raw", tmp_path / "packed", tmp_path / "back"
    size = 50 * MIB + 1000
    write_pieces(raw, size, {number * 250_000 + 17: b"data %d" % number for number in range(pieces)})
    command = [required("tar"), *options, "--sparse", "-czf", str(packed), "-C", str(tmp_path), "disk.raw"]
    subprocess.run(command, check=True)
    info = recognise(packed)
    assert (info.format, info.virtual_size_bytes, info.subformat, info.problems) == (
        *(DiskFormat.TAR_GZ, size, dialect, ()),
    )
    convert(packed, None, back, "raw")
    assert back.stat().st_size == size
    assert same_content(raw, back)


@pytest.mark.parametrize("dialect", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["disk.raw", "./images/disk.raw", "x" * 90, "directory/" * 15 + "disk.raw"])
def test_what_pythons_tarfile_wrote(tmp_path: Path, name: str, dialect: int) -> None:
    if dialect == tarfile.USTAR_FORMAT and len(name) > 155:
        name = name[-99:]
    raw, packed, back = speckled(tmp_path / "raw", MIB), tmp_path / "packed", tmp_path / "back"
    with tarfile.open(packed, "w:gz", format=dialect) as archive:
        archive.add(raw, name)
    convert(packed, None, back, "raw")
    assert same_content(raw, back)


def test_directories_before_the_disk(tmp_path: Path) -> None:
    disk = b"disk" * 1000
    packed = tars.archive(
        *(tmp_path / "packed", tars.header(b"images/", 0, b"5"), tars.header(b"images/disk.raw", len(disk))),
        tars.filled(disk),
    )
    with open_disk(packed) as reader:
        assert reader.read(0, 10_000) == disk


def test_several_gzip_members_and_padding(tmp_path: Path) -> None:
    """pigz and bgzip write many members; gzip ignores zeros behind the last."""
    disk = bytes(range(256)) * 1000
    plain = tars.header(size=len(disk)) + tars.filled(disk) + bytes(1024)
    pieces = [gzip.compress(plain[start : start + 7000]) for start in range(0, len(plain), 7000)]
    (tmp_path / "packed").write_bytes(b"".join(pieces) + bytes(300))
    with open_disk(tmp_path / "packed") as reader:
        assert b"".join(extent.data or bytes(extent.length) for extent in reader.extents()) == disk


def test_reading_forwards_and_back(tmp_path: Path) -> None:
    raw = speckled(tmp_path / "raw", 9 * MIB)
    convert(raw, "raw", tmp_path / "packed", "raw.tar.gz")
    with open_disk(raw, "raw") as plain, open_disk(tmp_path / "packed") as reader:
        for offset in (0, 512, 4 * MIB - 5, 8 * MIB, 100, 9 * MIB - 1, 9 * MIB, 0):
            assert reader.read(offset, 3 * MIB) == plain.read(offset, 3 * MIB)


@pytest.mark.parametrize("format_name", ["qcow2", "vmdk", "vdi", "vhd"])
def test_an_image_in_the_archive_is_no_raw_disk(tmp_path: Path, format_name: str) -> None:
    convert(speckled(tmp_path / "raw", MIB), "raw", tmp_path / "image", format_name)
    with tarfile.open(tmp_path / "packed", "w:gz") as archive:
        archive.add(tmp_path / "image", "disk.raw")
    info = recognise(tmp_path / "packed")
    assert info.format is DiskFormat.TAR_GZ
    assert [problem.kind for problem in info.problems] == [ProblemKind.NOT_A_DISK_INSIDE]
    assert format_name in info.problems[0].message


def test_a_gzip_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(gzip.compress(b"only text" * 1000))
    info = recognise(tmp_path / "packed")
    assert (info.format, info.subformat) == (DiskFormat.UNKNOWN, "gzip")


def test_an_archive_without_a_file(tmp_path: Path) -> None:
    packed = tars.archive(tmp_path / "packed", tars.header(b"empty/", 0, b"5"))
    assert recognise(packed).has(ProblemKind.NOT_A_DISK_INSIDE)
    with pytest.raises(DiskError, match="no file"):
        open_disk(packed)


def test_two_files_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "packed", "w:gz") as archive:
        for name in ("one", "two"):
            member = tarfile.TarInfo(name)
            member.size = 1000
            archive.addfile(member, io.BytesIO(bytes(1000)))
    with pytest.raises(DiskError, match="more than one file"):
        convert(tmp_path / "packed", None, tmp_path / "out", "raw")


def _packed_disk(tmp_path: Path) -> bytes:
    convert(speckled(tmp_path / "raw", 300_000), "raw", tmp_path / "good", "raw.tar.gz")
    return (tmp_path / "good").read_bytes()


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_cut_archive(tmp_path: Path, kept: float) -> None:
    whole = _packed_disk(tmp_path)
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(DiskError) as caught:
        convert(tmp_path / "cut", "tar.gz", tmp_path / "out", "raw")
    assert caught.value.kind is ProblemKind.TRUNCATED


def test_a_wrong_gzip_checksum(tmp_path: Path) -> None:
    whole = bytearray(_packed_disk(tmp_path))
    whole[-6] ^= 1
    (tmp_path / "damaged").write_bytes(whole)
    with pytest.raises(DiskError, match="incorrect data check") as caught:
        convert(tmp_path / "damaged", "tar.gz", tmp_path / "out", "raw")
    assert caught.value.kind is ProblemKind.DAMAGED


def gnu_map(*segments: tuple[int, int], real_size: int, more: bool = False) -> bytes:
    """What stands from byte 345 of a GNU sparse header."""
    entries = b"".join(b"%011o\0%011o\0" % segment for segment in segments).ljust(96, b"\0")
    return bytes(41) + entries + bytes([more]) + b"%011o\0" % real_size


MUCH = 1 << 62

HOSTILE = {
    "endless sparse map": [tars.header(kind=b"S", extra=gnu_map(real_size=10, more=True)), (bytes(504) + b"\1" * 8) * 60_000],
    "overlapping segments": [tars.header(size=1024, kind=b"S", extra=gnu_map((0, 512), (256, 512), real_size=4096))],
    "segments beyond the end": [tars.header(size=512, kind=b"S", extra=gnu_map((4096, 512), real_size=4096))],
    "more in the map than stored": [tars.header(size=512, kind=b"S", extra=gnu_map((0, 4096), real_size=8192))],
    "sizes beyond all disks": [tars.header(raw_size=b"\x80" + MUCH.to_bytes(11, "big"))],
    "negative size": [tars.header(raw_size=b"\xff" * 12)],
    "a size that is no number": [tars.header(raw_size=b"0000000999\0\0")],
    "gigabytes of PAX header": [tars.header(size=4 * GIB, kind=b"x")],
    "gigabytes of name": [tars.header(size=4 * GIB, kind=b"L")],
    "names without end": [(tars.header(size=5, kind=b"L") + tars.filled(b"name\0")) * 50],
    "directories without end": [tars.header(b"a/", kind=b"5") * 5000],
    "a symbolic link": [tars.header(kind=b"2")],
    "a device": [tars.header(kind=b"4")],
    "PAX record longer than the header": [tars.header(size=12, kind=b"x"), tars.filled(b"99 path=abc\n")],
    "PAX record of length 0": [tars.header(size=10, kind=b"x"), tars.filled(b"0 path=ab\n")],
    "PAX record without length": [tars.header(size=10, kind=b"x"), tars.filled(b"path=abcd\n")],
    "PAX size that is no number": [tars.pax([("size", "-1")]), tars.header()],
    "PAX map with a number missing": [tars.pax([("GNU.sparse.size", "10"), ("GNU.sparse.map", "1,2,3")]), tars.header()],
    "PAX 1.0 map that is none": [
        tars.pax([("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")]), tars.header(size=512), b"x" * 512],
    "PAX 1.0 map of billions": [
        tars.pax([("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")]), tars.header(size=512),
        tars.filled(b"4000000000\n")],
    "PAX 1.0 without a size": [tars.pax([("GNU.sparse.major", "1")]), tars.header(size=512), tars.filled(b"0\n")],
    "second header damaged": [tars.header(size=512), bytes(512), tars.header()[:-1] + b"x"],
    "data behind the end": [tars.header(size=512), bytes(512), bytes(512), b"x" * 512],
    "zeros without end": [tars.header(size=512), bytes(512), bytes(20 * MIB)],
    "the disk is cut": [tars.header(size=50_000), bytes(512)],
}  # fmt: skip


@pytest.mark.parametrize("pieces", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives(tmp_path: Path, pieces: list[bytes]) -> None:
    packed = tars.archive(tmp_path / "packed", *pieces)
    with pytest.raises(DiskError):
        convert(packed, "tar.gz", tmp_path / "out", "raw")
    assert not (tmp_path / "out").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 5 * 512 - 1), value=st.integers(0, 255), fix_checksum=st.booleans())
def test_any_changed_byte_is_survived(tmp_path: Path, place: int, value: int, fix_checksum: bool) -> None:
    """Of a PAX sparse archive: either it still reads as a disk, or it is a DiskError."""
    records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "3000")]
    plain = bytearray(
        tars.pax(records) + tars.header(size=1024) + tars.filled(b"1\n100\n512\n") + bytes(range(256)) * 2
    )
    plain[place] = value
    if fix_checksum:
        start = 0 if place < 512 else 1024
        plain[start : start + 512] = tars.with_checksum(plain[start : start + 512])
    packed = tars.archive(tmp_path / "packed", bytes(plain))
    try:
        recognise(packed)
        with open_disk(packed, "tar.gz") as reader:
            extents = list(reader.extents())
            assert sum(extent.length for extent in extents) == reader.virtual_size_bytes
    except DiskError:
        pass
