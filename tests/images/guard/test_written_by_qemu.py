"""What qemu-img writes passes the guard if it is whole in one file, and is refused when it is cut or needs another."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect, inspect_file
from tests.images.hostile.looking import CountingReader, refusal
from tests.images.hostile.written import DIALECTS, DISK_BYTES, FIXED, PLAIN, PREALLOCATED, RAW, Dialect, written
from tests.tools import needs_qemu_img

pytestmark = needs_qemu_img


def create(folder: Path, *words: str) -> None:
    subprocess.run(["qemu-img", "create", "-q", *words], cwd=folder, check=True, capture_output=True)


def file_refusal(path: Path) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        inspect_file(path)
    assert caught.value.exit_code == 7
    return caught.value


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_passes_after_a_few_reads(dialect: Dialect) -> None:
    reader = CountingReader(written(dialect))
    facts = inspect("disk", reader.image(), system_disk=True)
    assert (facts.format, facts.variant) == (dialect.format, dialect.variant)
    assert facts.virtual_bytes is not None
    assert DISK_BYTES <= facts.virtual_bytes < DISK_BYTES * 1.04  # vpc rounds up to its geometry
    assert len(reader.asked) <= 12
    assert sum(length for _, length in reader.asked) < 5 << 20


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each not in {RAW, PREALLOCATED}], ids=str)
def test_refused_when_cut(dialect: Dialect) -> None:
    data = written(dialect)
    error = refusal(data[: len(data) // 2], declared=dialect.format)
    assert error.code == ("FormatMismatch" if dialect == FIXED else "TruncatedImage")


def test_a_qcow2_cut_in_its_data_is_found_by_its_refcounts() -> None:
    data = written(PLAIN)
    for cut in (len(data) - 65536, len(data) - 200_000):
        assert refusal(data[:cut]).code == "TruncatedImage"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("BackingFile", ["-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "x"]),
        ("BackingFile", ["-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "x"]),
        ("ExternalData", ["-f", "qcow2", "-o", "data_file=data.raw", "x", "4M"]),
        ("ExternalData", ["-f", "qcow2", "-o", "data_file=data.raw,data_file_raw=on", "x", "4M"]),
        ("EncryptedImage", ["--object", "secret,id=s,data=abc", "-f", "qcow2",
                            "-o", "encrypt.format=aes,encrypt.key-secret=s", "x", "4M"]),
        ("ForeignExtents", ["-f", "vmdk", "-o", "subformat=monolithicFlat", "x", "4M"]),
        ("ForeignExtents", ["-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", "x", "4M"]),
        ("ForeignExtents", ["-f", "vmdk", "-o", "subformat=twoGbMaxExtentFlat", "x", "4M"]),
        ("NotAnImage", ["-f", "vhdx", "x", "4M"]),
        ("NotAnImage", ["-f", "qed", "x", "4M"]),
        ("NotAnImage", ["-f", "parallels", "x", "4M"]),
        ("TooLarge", ["-f", "qcow2", "x", "40T"]),
    ],
)  # fmt: skip
def test_images_that_need_something_else(tmp_path: Path, code: str, words: list[str]) -> None:
    for kind in ("qcow2", "vmdk"):
        create(tmp_path, "-f", kind, f"base.{kind}", "4M")
    create(tmp_path, *words)
    error = file_refusal(tmp_path / "x")
    assert error.code == code
    if code == "BackingFile":
        assert "base." in error.message


def test_an_extent_without_its_descriptor(tmp_path: Path) -> None:
    create(tmp_path, "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", "x.vmdk", "4M")
    assert file_refusal(tmp_path / "x-s001.vmdk").code == "ForeignExtents"


def test_notes_tell_what_does_not_speak_against_an_image(tmp_path: Path) -> None:
    path = tmp_path / "snap"
    create(tmp_path, "-f", "qcow2", "snap", "4M")
    subprocess.run(["qemu-img", "snapshot", "-c", "one", str(path)], check=True, capture_output=True)
    assert "1 internal snapshots" in " ".join(inspect_file(path).notes)


def test_bitmaps_pass(tmp_path: Path) -> None:
    create(tmp_path, "-f", "qcow2", "x", "4M")
    subprocess.run(["qemu-img", "bitmap", "--add", "x", "since-monday"], cwd=tmp_path, check=True, capture_output=True)
    assert inspect_file(tmp_path / "x").format is DiskFormat.QCOW2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImgmoveError) as caught:
        inspect_file(tmp_path / "nothing")
    assert caught.value.kind is Kind.NOT_FOUND
