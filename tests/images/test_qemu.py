"""Conversions by qemu-img: every pair of formats, judged by qemu-img and the sandbox's importer; limits; hostile input."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect_file
from imgmove.images.qemu import Limits, can_convert_files, convert_file
from imgmove.sandbox.disks import recognise
from tests.images.test_conversion import sparse_disk
from tests.tools import needs_qemu_img

MIB = 1 << 20
BOOT = bytes(510) + b"\x55\xaa"
NAMES = {
    DiskFormat.RAW: "raw",
    DiskFormat.QCOW2: "qcow2",
    DiskFormat.VHD: "vpc",
    DiskFormat.VMDK: "vmdk",
    DiskFormat.VDI: "vdi",
}
PAIRS = [(found, wanted) for found in NAMES for wanted in NAMES if can_convert_files(found, wanted)]

pytestmark = needs_qemu_img


def made(path: Path, kind: DiskFormat, size: int = 7 * MIB, *, boot: bool = True) -> Path:
    """A raw disk, and beside it the same as `kind`; the latter's path."""
    raw = path.with_suffix(".src")
    sparse_disk(raw, size)
    if boot:
        with raw.open("r+b") as file:
            file.write(BOOT)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", NAMES[kind], str(raw), str(path)], check=True)
    return path


def convert(source: Path, found: DiskFormat, target: Path, wanted: DiskFormat, **options: Any) -> None:
    convert_file(source, found, target, wanted, target.with_name(".partial"), **options)


def refusal(source: Path, found: DiskFormat, target: Path, wanted: DiskFormat, **options: Any) -> ImgmoveError:
    """What the conversion says; nothing is left of it."""
    with pytest.raises(ImgmoveError) as caught:
        convert(source, found, target, wanted, **options)
    assert not target.exists()
    assert not target.with_name(".partial").exists()
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(("found", "wanted"), PAIRS, ids=lambda item: item.value)
def test_every_pair(tmp_path: Path, found: DiskFormat, wanted: DiskFormat) -> None:
    source, target = made(tmp_path / "source", found), tmp_path / "target"
    seen: list[tuple[int, int]] = []
    convert(source, found, target, wanted, moved=lambda done, total: seen.append((done, total)))
    subprocess.run(["qemu-img", "compare", "-q", "-f", NAMES[found], "-F", NAMES[wanted], source, target], check=True)
    facts = inspect_file(target, wanted, system_disk=True)
    assert facts.format is wanted
    assert seen[-1][0] == seen[-1][1]
    assert not (tmp_path / ".partial").exists()


@pytest.mark.parametrize("size", [MIB, 3 * MIB, 7 * MIB + 512, 40 * MIB])
def test_a_vhd_meets_the_importers_size_rule(tmp_path: Path, size: int) -> None:
    source, target = made(tmp_path / "source", DiskFormat.QCOW2, size), tmp_path / "target.vhd"
    convert(source, DiskFormat.QCOW2, target, DiskFormat.VHD)
    seen = recognise(target)
    assert (seen.subformat, seen.problems) == ("dynamic", ())
    assert seen.virtual_size_bytes == -(-size // (2 * MIB)) * 2 * MIB
    told = json.loads(subprocess.check_output(["qemu-img", "info", "-f", "vpc", "--output=json", target]))
    assert told["virtual-size"] == seen.virtual_size_bytes


def test_zeros_stay_zeros(tmp_path: Path) -> None:
    source = tmp_path / "big.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", source, "20G"], check=True)
    for wanted, most in ((DiskFormat.VHD, MIB), (DiskFormat.RAW, MIB), (DiskFormat.VMDK, 8 * MIB)):
        target = tmp_path / wanted.value
        convert(source, DiskFormat.QCOW2, target, wanted)
        assert target.stat().st_blocks * 512 <= most


def test_a_target_that_is_there_is_replaced_whole_or_left_alone(tmp_path: Path) -> None:
    source, target = made(tmp_path / "s.qcow2", DiskFormat.QCOW2), tmp_path / "t.raw"
    target.write_bytes(b"old")
    (tmp_path / ".partial").write_bytes(b"of a run that died")

    def stop() -> None:
        raise ImgmoveError(Kind.INTERRUPTED, "stopped")

    with pytest.raises(ImgmoveError, match="stopped"):
        convert(source, DiskFormat.QCOW2, target, DiskFormat.RAW, check=stop)
    assert target.read_bytes() == b"old"
    assert not (tmp_path / ".partial").exists()
    convert(source, DiskFormat.QCOW2, target, DiskFormat.RAW)
    assert target.stat().st_size == 7 * MIB


def test_the_guard_comes_before_qemu_img(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0" * 100)
    source = tmp_path / "s.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", source], check=True)
    marker = tmp_path / "was-run"
    fake = tmp_path / "bin" / "qemu-img"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch {marker}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=os.pathsep)
    error = refusal(source, DiskFormat.QCOW2, tmp_path / "t.raw", DiskFormat.RAW)
    assert (error.code, error.exit_code) == ("BackingFile", 7)
    assert not marker.exists()


def test_a_disk_that_itself_begins_like_an_image_is_no_raw_disk(tmp_path: Path) -> None:
    """Whoever probes the raw result would follow the inner image's backing file."""
    inner, outer = tmp_path / "inner", tmp_path / "outer.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/hostname", "-F", "raw", inner, "1M"], check=True
    )
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", inner, outer], check=True)
    assert refusal(outer, DiskFormat.QCOW2, tmp_path / "t.raw", DiskFormat.RAW).code == "FormatMismatch"


def test_without_qemu_img_its_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(tmp_path / "s.qcow2", DiskFormat.QCOW2)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(source, DiskFormat.QCOW2, tmp_path / "t.raw", DiskFormat.RAW)
    assert (error.kind, error.code) == (Kind.UNSUPPORTED, "QemuImgMissing")
    assert "qemu-utils" in error.hint


def test_limits_end_a_run_that_takes_too_much(tmp_path: Path) -> None:
    source, target = made(tmp_path / "s.qcow2", DiskFormat.QCOW2), tmp_path / "t.raw"
    error = refusal(source, DiskFormat.QCOW2, target, DiskFormat.RAW, limits=Limits(memory_bytes=8 * MIB))
    assert error.kind in {Kind.CORRUPT, Kind.FAILED}


def test_a_damaged_image_fails_with_qemu_imgs_words(tmp_path: Path) -> None:
    source = made(tmp_path / "s.qcow2", DiskFormat.QCOW2)
    data = bytearray(source.read_bytes())
    l1 = int.from_bytes(data[40:48], "big")
    l2 = int.from_bytes(data[l1 : l1 + 8], "big") & 0x00FFFFFFFFFFFE00
    for entry in range(20):  # clusters that are said to be compressed, and are not
        data[l2 + 8 * entry : l2 + 8 * entry + 8] = (1 << 62 | 0x10000).to_bytes(8, "big")
    source.write_bytes(data)
    error = refusal(source, DiskFormat.QCOW2, tmp_path / "t.raw", DiskFormat.RAW)
    assert error.code == "QemuImgFailed"


def test_a_source_that_changes_is_found_out(tmp_path: Path) -> None:
    source, target = made(tmp_path / "s.qcow2", DiskFormat.QCOW2), tmp_path / "t.raw"
    calls: list[int] = []

    def touch() -> None:
        calls.append(1)
        if len(calls) == 1:
            os.utime(source, (1, 1))

    assert refusal(source, DiskFormat.QCOW2, target, DiskFormat.RAW, check=touch).kind is Kind.CONFLICT


def test_where_the_target_cannot_be_written(tmp_path: Path) -> None:
    source = made(tmp_path / "s.qcow2", DiskFormat.QCOW2)
    missing = tmp_path / "nowhere" / "t.raw"
    error = refusal(source, DiskFormat.QCOW2, missing, DiskFormat.RAW)
    assert error.kind in {Kind.FAILED, Kind.UNAVAILABLE}
