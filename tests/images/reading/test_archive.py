"""Archives: random access to the raw disk in a `.raw.tar.gz`, in every dialect of tar, with bounded memory and reading."""

import contextlib
import gzip
import io
import random
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.reading import archive
from imgmove.images.reading.archive import Archive, GzipStream
from imgmove.images.reading.device import DeviceError
from tests.images.reading.looking import Memory, counted
from tests.images.real.disks.running import run

MIB = 1 << 20
DIALECTS = {
    "gnu": ["--format=gnu"],
    "posix": ["--format=posix"],
    "gnu sparse": ["--format=gnu", "--sparse"],
    "pax sparse 1.0": ["--format=posix", "--sparse"],
    "pax sparse 0.0": ["--format=posix", "--sparse", "--sparse-version=0.0"],
    "pax sparse 0.1": ["--format=posix", "--sparse", "--sparse-version=0.1"],
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 MiB with ninety pieces of data and holes between them."""
    path = tmp_path_factory.mktemp("archives") / "disk.raw"
    chance = random.Random(3)
    with path.open("wb") as file:
        file.truncate(24 * MIB)
        for number in range(90):
            file.seek(number * 262_144)
            file.write(chance.randbytes(32_768))
    return path


def packed(disk: Path, options: list[str]) -> bytes:
    path = disk.with_name("".join(options).replace("=", "") + ".gz")
    if not path.exists():
        plain = path.with_suffix(".tar")
        run("tar", "tar", *options, "-C", disk.parent, "-cf", plain, disk.name)
        path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    return path.read_bytes()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_disk_is_the_disk_that_went_in(disk: Path, dialect: str) -> None:
    found, wanted = Archive(Memory(packed(disk, DIALECTS[dialect]))), disk.read_bytes()
    assert found.size_bytes == len(wanted)
    assert b"".join(found.read_at(offset, MIB) for offset in range(0, len(wanted), MIB)) == wanted
    chance = random.Random(4)
    for _ in range(40):
        offset, length = chance.randrange(len(wanted)), chance.choice([1, 512, 70_000, 400_000])
        assert found.read_at(offset, length) == wanted[offset : offset + length]


def test_only_what_stands_before_a_place_is_read(disk: Path) -> None:
    image = counted(packed(disk, ["--format=gnu"]))
    found = Archive(image.pages())
    found.read_at(0, 4096)
    assert image.read_bytes <= 64 << 10
    found.read_at(12 * MIB, 4096)
    assert image.size_bytes * 0.4 < image.read_bytes < image.size_bytes * 0.95


def test_going_back_inflates_from_the_nearest_mark(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_FIRST_SPACING", MIB)
    monkeypatch.setattr(archive, "_KEPT_PAGES", 1)
    monkeypatch.setattr(archive, "_MOST_MARKS", 8)
    wanted = disk.read_bytes()
    found = GzipStream(Memory(gzip.compress(wanted, 1)))
    for offset in [23 * MIB, *range(20 * MIB, 0, -3 * MIB), 22 * MIB, 5]:
        assert found.read_at(offset, 3000) == wanted[offset : offset + 3000]
    assert 4 <= len(found._marks) <= 8


def test_members_that_follow_each_other_are_one_stream() -> None:
    parts = [random.Random(number).randbytes(700_000) for number in range(3)]
    found = GzipStream(Memory(b"".join(map(gzip.compress, parts)) + bytes(100)))
    assert found.read_at(0, 3_000_000) == b"".join(parts)
    assert found.read_at(699_990, 20) == parts[0][-10:] + parts[1][:10]
    assert found.read_at(2_100_000, 10) == b""


def test_a_gzip_bomb_is_inflated_in_pieces_and_only_as_far_as_asked() -> None:
    bomb = io.BytesIO()
    with tarfile.open(fileobj=bomb, mode="w") as tar:
        member = tarfile.TarInfo("disk.raw")
        member.size = 1 << 40
        tar.addfile(member)
    packer = zlib.compressobj(9, wbits=31)
    data = packer.compress(bomb.getvalue()) + b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()
    image = counted(data)
    found = Archive(image.pages())
    assert found.size_bytes == 1 << 40
    assert found.read_at(1 << 20, 512) == bytes(512)
    assert sum(map(len, found._stream._pages.values())) < 4 * MIB
    with pytest.raises(DeviceError, match="ends early"):
        found.read_at(1 << 39, 512)


@pytest.mark.parametrize("keep", [10, 300, 100_000])
def test_a_cut_archive_is_damaged(disk: Path, keep: int) -> None:
    with pytest.raises(DeviceError):
        Archive(Memory(packed(disk, ["--format=gnu"])[:keep])).read_at(20 * MIB, 10)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_wrong_bytes_raise_one_exception_only(disk: Path, data: st.DataObject) -> None:
    plain = bytearray(zlib.decompress(packed(disk, ["--format=posix", "--sparse"]), wbits=31)[: 64 << 10])
    for offset in data.draw(st.lists(st.integers(0, 2000), max_size=12)):
        plain[offset] = data.draw(st.integers(0, 255))
    image = bytearray(gzip.compress(bytes(plain), 1))
    for offset in data.draw(st.lists(st.integers(0, 20_000), max_size=3)):
        image[offset % len(image)] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DeviceError):
        found = Archive(Memory(image))
        assert len(found.read_at(0, 4096)) <= 4096
        found.read_at(MIB, 4096)
