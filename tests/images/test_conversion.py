"""Streams of qcow2 and raw, judged by qemu-img, from what GNU tar writes in every dialect."""

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.convert import ConvertedStream, can_convert, conversion
from imgmove.images.qcow2_writer import CLUSTER_BYTES, Qcow2Writer, largest_size
from tests.tools import needs_qemu_img, needs_tar

MIB = 1 << 20


def pieces_of(path: Path, step: int = 100_003) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(step):
            yield piece


def write_stream(stream: ConvertedStream, path: Path) -> int:
    """Store a converted stream the way the copy engine does: the beginning last."""
    with path.open("wb") as file:
        file.seek(stream.head_bytes)
        for piece in stream.body:
            file.write(piece)
        size = file.tell()
        file.seek(0)
        file.write(stream.head())
    return max(size, stream.head_bytes)


def sparse_disk(path: Path, size: int, seed: int = 1) -> None:
    chance = random.Random(seed)
    with path.open("wb") as file:
        file.truncate(size)
        for _ in range(min(100, size // 4096)):
            file.seek(chance.randrange(0, max(1, size - 5000)))
            file.write(chance.randbytes(min(4096, size)))
        file.truncate(size)


def assert_same(raw: Path, qcow2: Path) -> None:
    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", qcow2], check=True)
    subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", raw, qcow2], check=True)


@needs_qemu_img
@pytest.mark.parametrize("size", [512, CLUSTER_BYTES, 3 * CLUSTER_BYTES + 512, MIB, 37 * MIB + 512, 700 * MIB])
def test_raw_to_qcow2(tmp_path: Path, size: int) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    sparse_disk(raw, size)
    written = write_stream(conversion(DiskFormat.RAW, DiskFormat.QCOW2)(pieces_of(raw), size), image)
    assert written <= largest_size(size)
    assert_same(raw, image)


@needs_qemu_img
@needs_tar
@pytest.mark.parametrize(
    "dialect",
    [["--format=gnu"], ["--format=gnu", "-S"], ["--format=ustar"], ["--format=posix"],
     *[["--format=posix", "-S", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")]],
    ids=" ".join,
)  # fmt: skip
def test_archives_to_qcow2_and_to_raw(tmp_path: Path, dialect: list[str]) -> None:
    raw, archive = tmp_path / "m-1_system.raw", tmp_path / "m-1_system.raw.tar.gz"
    sparse_disk(raw, 65 * MIB)
    subprocess.run(["tar", *dialect, "-czf", archive.name, raw.name], cwd=tmp_path, check=True)
    size = archive.stat().st_size
    image, unpacked = tmp_path / "disk.qcow2", tmp_path / "unpacked.raw"
    write_stream(conversion(DiskFormat.RAW_TAR_GZ, DiskFormat.QCOW2)(pieces_of(archive), size), image)
    assert_same(raw, image)
    write_stream(conversion(DiskFormat.RAW_TAR_GZ, DiskFormat.RAW)(pieces_of(archive), size), unpacked)
    assert unpacked.read_bytes() == raw.read_bytes()


@needs_qemu_img
@pytest.mark.parametrize("ends", [False, True])
def test_a_virtual_500_gib(tmp_path: Path, ends: bool) -> None:
    size, image = 500 << 30, tmp_path / "big.qcow2"
    writer = Qcow2Writer(size)
    runs = [(0, b"a" * CLUSTER_BYTES), (size - CLUSTER_BYTES, b"b" * CLUSTER_BYTES)] if ends else []
    stream = ConvertedStream(largest_size(size), CLUSTER_BYTES, writer.body(runs), writer.header)
    assert write_stream(stream, image) < MIB
    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", image], check=True)
    tail = subprocess.run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=512", f"skip={size // 512 - 1}", f"if={image}",
                           f"of={tmp_path / 'tail'}"], check=True, capture_output=True)  # fmt: skip
    assert tail.returncode == 0
    assert (tmp_path / "tail").read_bytes() == (b"b" if ends else b"\0") * 512


@needs_qemu_img
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["zero", "random", "alternating"]), st.integers(1, 200_000)), max_size=8),
    st.integers(1, 150_000),
)
def test_any_contents_and_alignment(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[tuple[str, int]], step: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    fill: dict[str, Callable[[int], bytes]] = {
        "zero": bytes,
        "random": os.urandom,
        "alternating": lambda count: (b"\0" * 4096 + b"x" * 4096) * (count // 8192 + 1),
    }
    data = b"".join(fill[kind](count)[:count] for kind, count in blocks)
    data += bytes(-len(data) % 512)
    raw, image = folder / "disk.raw", folder / "disk.qcow2"
    raw.write_bytes(data)
    write_stream(conversion(DiskFormat.RAW, DiskFormat.QCOW2)(pieces_of(raw, step), len(data)), image)
    assert_same(raw, image)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    raw = tmp_path / "disk.raw"
    sparse_disk(raw, 9 * MIB)
    for name, step in (("a", 65_536), ("b", 7_777)):
        write_stream(conversion(DiskFormat.RAW, DiskFormat.QCOW2)(pieces_of(raw, step), 9 * MIB), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def convert_all(archive: bytes) -> int:
    stream = conversion(DiskFormat.RAW_TAR_GZ, DiskFormat.QCOW2)(iter([archive]), len(archive))
    return sum(len(piece) for piece in stream.body)


@pytest.mark.parametrize("damage", ["cut", "flip", "garbage", "empty", "two", "no-file"])
def test_damaged_archives_are_refused(tmp_path: Path, damage: str) -> None:
    import gzip
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name in {"two": ["a.raw", "b.raw"], "no-file": []}.get(damage, ["a.raw"]):
            info = tarfile.TarInfo(name)
            info.size = 300_000
            archive.addfile(info, io.BytesIO(os.urandom(300_000)))
    data = buffer.getvalue()
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data = data[:5000] + bytes([data[5000] ^ 255]) + data[5001:]
    elif damage == "garbage":
        data = gzip.compress(os.urandom(5000))
    elif damage == "empty":
        data = b""
    with pytest.raises(ImgmoveError) as caught:
        convert_all(data)
    assert caught.value.kind is Kind.CORRUPT
    assert caught.value.hint


@given(st.binary(max_size=3000))
def test_no_bytes_do_more_than_corrupt(data: bytes) -> None:
    import gzip

    for archive in (data, gzip.compress(data)):
        try:
            convert_all(archive)
        except ImgmoveError as error:
            assert error.kind is Kind.CORRUPT  # noqa: PT017 - some bytes may be an archive


def test_what_can_be_converted() -> None:
    assert can_convert(DiskFormat.RAW_TAR_GZ, DiskFormat.QCOW2)
    assert can_convert(DiskFormat.RAW, DiskFormat.QCOW2)
    assert can_convert(DiskFormat.RAW_TAR_GZ, DiskFormat.VHD)
    assert not can_convert(DiskFormat.QCOW2, DiskFormat.RAW)
    assert not can_convert(DiskFormat.RAW, DiskFormat.RAW)
