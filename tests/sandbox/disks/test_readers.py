"""What qemu-img wrote, in all its subformats, read by our readers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from imgmove.sandbox.disks import DiskError, DiskFormat, ProblemKind, convert, open_disk, recognise
from tests.sandbox.disks.images import GIB, MIB, QemuImg, required, same_content, speckled, write_pieces

READABLE = [
    ("qcow2", ["-o", "compat=0.10"], "v2"),
    ("qcow2", ["-o", "compat=1.1"], "v3"),
    ("qcow2", ["-o", "cluster_size=512"], "v3"),
    ("qcow2", ["-o", "cluster_size=4k"], "v3"),
    ("qcow2", ["-o", "cluster_size=2M"], "v3"),
    ("qcow2", ["-c"], "v3"),
    ("qcow2", ["-c", "-o", "cluster_size=4k"], "v3"),
    ("qcow2", ["-c", "-o", "cluster_size=2M"], "v3"),
    ("qcow2", ["-c", "-o", "compat=0.10"], "v2"),
    ("qcow2", ["-S", "0"], "v3"),
    ("qcow2", ["-o", "lazy_refcounts=on,refcount_bits=64"], "v3"),
    ("qcow2", ["-o", "preallocation=metadata"], "v3"),
    ("qcow2", ["-o", "preallocation=full"], "v3"),
    ("vhd", [], "dynamic"),
    ("vhd", ["-o", "subformat=dynamic,force_size=on"], "dynamic"),
    ("vhd", ["-o", "subformat=fixed"], "fixed"),
    ("vhd", ["-o", "subformat=fixed,force_size=on"], "fixed"),
    ("vmdk", [], "monolithicSparse"),
    ("vmdk", ["-o", "zeroed_grain=on"], "monolithicSparse"),
    ("vmdk", ["-o", "compat6=on"], "monolithicSparse"),
    ("vmdk", ["-o", "subformat=streamOptimized"], "streamOptimized"),
    ("vdi", [], "dynamic"),
    ("vdi", ["-o", "static=on"], "fixed"),
]


@pytest.mark.parametrize(("format_name", "options", "subformat"), READABLE)
@pytest.mark.parametrize("size", [512, 3 * MIB + 1536, 20 * MIB])
def test_what_qemu_img_wrote(
    qemu_img: QemuImg, tmp_path: Path, size: int, format_name: str, options: list[str], subformat: str
) -> None:
    raw, image, back = speckled(tmp_path / "raw", size), tmp_path / "image", tmp_path / "back"
    qemu_img.convert(raw, format_name, image, *options)
    info = recognise(image)
    assert (info.format, info.subformat, info.readable) == (DiskFormat(format_name), subformat, True)
    assert info.virtual_size_bytes == qemu_img.info(image, format_name)["virtual-size"]
    convert(image, None, back, "raw")
    assert back.stat().st_size == info.virtual_size_bytes
    assert same_content(raw, back)
    qemu_img.run("compare", "-f", "raw", "-F", {"vhd": "vpc"}.get(format_name, format_name), back, image)


@pytest.mark.parametrize(("format_name", "options", "subformat"), READABLE)
def test_reading_anywhere(
    qemu_img: QemuImg, tmp_path: Path, format_name: str, options: list[str], subformat: str
) -> None:
    raw, image = speckled(tmp_path / "raw", 5 * MIB), tmp_path / "image"
    qemu_img.convert(raw, format_name, image, *options)
    with open_disk(raw, "raw") as plain, open_disk(image, format_name) as reader:
        for offset in (0, 511, 65_535, 65_536, 1_048_570, 3 * MIB + 100, 5 * MIB - 5):
            for length in (0, 1, 513, 70_000, 2_100_000):
                expected = plain.read(offset, length)
                assert reader.read(offset, length)[: len(expected)] == expected


def test_reading_outside_the_disk(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_img.create("qcow2", tmp_path / "image", MIB)
    with open_disk(tmp_path / "image") as reader:
        assert reader.read(MIB, 10) == b""
        assert reader.read(-5, 10) == b""
        assert reader.read(MIB - 2, 10) == b"\0\0"


def test_zero_clusters_hide_what_was_there(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_io = required("qemu-io")
    image, back = tmp_path / "image", tmp_path / "back"
    qemu_img.create("qcow2", image, 4 * MIB)
    commands = ["write -P 7 0 1M", "write -z 128k 256k", "discard 512k 128k", "write -P 9 3M 4k"]
    subprocess.run([qemu_io, "-f", "qcow2", *(f"-c{command}" for command in commands), image], check=True)
    convert(image, "qcow2", back, "raw")
    qemu_img.judge(back, image, "qcow2")
    data = back.read_bytes()
    assert data[: 128 << 10] == b"\7" * (128 << 10)
    assert not any(data[128 << 10 : 384 << 10])


def test_internal_snapshots_do_not_disturb(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_io = required("qemu-io")
    image, back = tmp_path / "image", tmp_path / "back"
    qemu_img.convert(speckled(tmp_path / "raw", 4 * MIB), "qcow2", image)
    qemu_img.run("snapshot", "-c", "before", image)
    subprocess.run([qemu_io, "-f", "qcow2", "-cwrite -P 3 0 1M", image], check=True)
    convert(image, "qcow2", back, "raw")
    qemu_img.judge(back, image, "qcow2")


@pytest.mark.parametrize("format_name", ["qcow2", "vhd", "vmdk", "vdi"])
def test_a_large_empty_disk_is_read_at_once(qemu_img: QemuImg, tmp_path: Path, format_name: str) -> None:
    qemu_img.create(format_name, tmp_path / "image", 500 * GIB)
    with open_disk(tmp_path / "image") as reader:
        extents = list(reader.extents())
    assert [(extent.offset, extent.data) for extent in extents] == [(0, None)]
    assert extents[0].length >= 499 * GIB  # VHD: rounded to a geometry


REFUSED = [
    ("qcow2", ["-b", "{other}", "-F", "raw"], ProblemKind.BACKING_FILE),
    ("qcow2", ["-o", "data_file={other}.data"], ProblemKind.EXTERNAL_DATA),
    # Not LUKS: making that needs a quiet processor ("Unable to get accurate CPU usage").
    ("qcow2", ["--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s"],
     ProblemKind.ENCRYPTED),
    ("qcow2", ["-o", "compression_type=zstd"], ProblemKind.UNSUPPORTED),
    ("qcow2", ["-o", "extended_l2=on"], ProblemKind.UNSUPPORTED),
    ("vmdk", ["-o", "subformat=monolithicFlat"], ProblemKind.EXTERNAL_DATA),
    ("vmdk", ["-o", "subformat=twoGbMaxExtentSparse"], ProblemKind.EXTERNAL_DATA),
    ("vmdk", ["-o", "subformat=twoGbMaxExtentFlat"], ProblemKind.EXTERNAL_DATA),
]  # fmt: skip


@pytest.mark.parametrize(("format_name", "options", "kind"), REFUSED)
def test_what_is_refused(
    qemu_img: QemuImg, tmp_path: Path, format_name: str, options: list[str], kind: ProblemKind
) -> None:
    image, other = tmp_path / "image", write_pieces(tmp_path / "other", 4 * MIB, {})
    qemu_img.create(format_name, image, 4 * MIB, *(option.format(other=other) for option in options))
    info = recognise(image)
    assert (info.format, info.virtual_size_bytes, info.readable) == (DiskFormat(format_name), 4 * MIB, False)
    assert info.has(kind)
    with pytest.raises(DiskError) as caught:
        open_disk(image)
    assert caught.value.kind is kind


def test_one_extent_of_a_split_vmdk_is_refused(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_img.create("vmdk", tmp_path / "image.vmdk", 4 * MIB, "-o", "subformat=twoGbMaxExtentSparse")
    info = recognise(tmp_path / "image-s001.vmdk")
    assert info.has(ProblemKind.EXTERNAL_DATA)


def test_a_vmdk_with_a_parent_is_refused(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_img.create("vmdk", tmp_path / "parent.vmdk", 4 * MIB)
    parent = str(tmp_path / "parent.vmdk")
    qemu_img.create("vmdk", tmp_path / "child.vmdk", 4 * MIB, "-b", parent, "-F", "vmdk")
    assert recognise(tmp_path / "child.vmdk").has(ProblemKind.BACKING_FILE)


def test_qemu_imgs_vhd_breaks_alibabas_rule(qemu_img: QemuImg, tmp_path: Path) -> None:
    """It rounds to a geometry and not to blocks: readable, but what ECS answers with InvalidVHDImage.IncorrectSize."""
    qemu_img.create("vhd", tmp_path / "image", 40 * MIB)
    info = recognise(tmp_path / "image")
    assert [problem.kind for problem in info.problems] == [ProblemKind.VHD_SIZE]
    assert info.readable
    qemu_img.create("vhd", tmp_path / "forced", 40 * MIB, "-o", "force_size=on")
    assert recognise(tmp_path / "forced").problems == ()


def test_a_wrong_declaration_is_refused(qemu_img: QemuImg, tmp_path: Path) -> None:
    qemu_img.create("qcow2", tmp_path / "image", MIB)
    with pytest.raises(DiskError, match="not vmdk: the content is qcow2"):
        open_disk(tmp_path / "image", "vmdk")
    with open_disk(tmp_path / "image", "raw") as reader:  # raw takes anything as it is
        assert reader.read(0, 4) == b"QFI\xfb"
