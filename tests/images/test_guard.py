"""The guard lets through what qemu-img writes, and refuses what is hostile, cut, encrypted or absurd."""

import gzip
import io
import struct
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect, inspect_file
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import MAX_READS, MAX_TOTAL_BYTES, ImageBytes
from imgmove.images.headers.vhd import FOOTER_CHECKSUM, checksum
from tests.tools import needs_qemu_img

MIB = 1 << 20
BOOT = bytes(510) + b"\x55\xaa"

pytestmark = needs_qemu_img


def qemu_img(*words: Any) -> None:
    subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True)


def in_memory(data: bytes) -> ImageBytes:
    return ImageBytes(len(data), lambda offset, length: data[offset : offset + length])


def refusal(data: bytes, name: str = "disk", declared: DiskFormat | None = None, **options: Any) -> ImgmoveError:
    """What the guard says to these bytes; it must refuse them, with a hint."""
    with pytest.raises(ImgmoveError) as caught:
        inspect(name, in_memory(data), declared, system_disk=False, **options)
    error = caught.value
    assert (error.kind, error.exit_code) == (Kind.CORRUPT, 7)
    assert error.hint
    assert error.message.startswith(name + " ")
    return error


def file_refusal(path: Path) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        inspect_file(path)
    assert caught.value.exit_code == 7
    return caught.value


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "source.raw"
    path.write_bytes(BOOT + b"some data" * 300_000 + bytes(MIB) + BOOT)
    with path.open("r+b") as file:
        file.truncate(6 * MIB)
    return path


WRITTEN = [
    ("qcow2", [], DiskFormat.QCOW2, "version 3"),
    ("qcow2", ["-o", "compat=0.10"], DiskFormat.QCOW2, "version 2"),
    ("qcow2", ["-c"], DiskFormat.QCOW2, "version 3"),
    ("qcow2", ["-o", "cluster_size=512"], DiskFormat.QCOW2, "version 3"),
    ("qcow2", ["-o", "cluster_size=2M,extended_l2=on"], DiskFormat.QCOW2, "version 3"),
    ("qcow2", ["-o", "preallocation=metadata"], DiskFormat.QCOW2, "version 3"),
    ("qcow2", ["-o", "lazy_refcounts=on,refcount_bits=1"], DiskFormat.QCOW2, "version 3"),
    ("vmdk", ["-o", "subformat=monolithicSparse"], DiskFormat.VMDK, "monolithicSparse"),
    ("vmdk", ["-o", "subformat=streamOptimized"], DiskFormat.VMDK, "streamOptimized"),
    ("vpc", ["-o", "subformat=dynamic"], DiskFormat.VHD, "dynamic"),
    ("vpc", ["-o", "subformat=dynamic,force_size=on"], DiskFormat.VHD, "dynamic"),
    ("vpc", ["-o", "subformat=fixed,force_size=on"], DiskFormat.VHD, "fixed"),
    ("vdi", [], DiskFormat.VDI, "dynamic"),
    ("vdi", ["-o", "static=on"], DiskFormat.VDI, "static"),
    ("raw", [], DiskFormat.RAW, ""),
]


@pytest.mark.parametrize(("name", "options", "found", "variant"), WRITTEN)
def test_what_qemu_img_writes_passes(
    tmp_path: Path, raw: Path, name: str, options: list[str], found: DiskFormat, variant: str
) -> None:
    image = tmp_path / "disk"
    qemu_img("convert", "-f", "raw", "-O", name, *options, raw, image)
    data = image.read_bytes()
    source = in_memory(data)
    facts = inspect("disk", source, system_disk=True)
    assert (facts.format, facts.variant) == (found, variant)
    assert facts.virtual_bytes is not None
    assert 6 * MIB <= facts.virtual_bytes < 6.2 * MIB  # vpc rounds up to its geometry
    assert source.reads <= 6
    if name != "raw" and "preallocation=metadata" not in options:
        cut = refusal(data[: len(data) // 2], declared=found)
        assert cut.code == ("FormatMismatch" if variant == "fixed" else "TruncatedImage")


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
    ],
)  # fmt: skip
def test_images_that_need_something_else(tmp_path: Path, code: str, words: list[str]) -> None:
    for kind in ("qcow2", "vmdk"):
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, f"base.{kind}", "4M"], cwd=tmp_path, check=True)
    subprocess.run(["qemu-img", "create", "-q", *words], cwd=tmp_path, check=True)
    error = file_refusal(tmp_path / "x")
    assert error.code == code
    if code == "BackingFile":
        assert "base." in error.message


def test_an_extent_without_its_descriptor(tmp_path: Path) -> None:
    words = ["qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", "x.vmdk", "4M"]
    subprocess.run(words, cwd=tmp_path, check=True)
    assert file_refusal(tmp_path / "x-s001.vmdk").code == "ForeignExtents"


def image_of(tmp_path: Path, kind: str, *options: str) -> bytearray:
    path = tmp_path / "image"
    source = tmp_path / "source"
    source.write_bytes(BOOT + b"abcd" * MIB)
    qemu_img("convert", "-f", "raw", "-O", kind, *options, source, path)
    return bytearray(path.read_bytes())


def with_field(data: bytearray, offset: int, form: str, value: int | bytes) -> bytes:
    struct.pack_into(form, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("offset", "form", "value", "code"),
    [
        (4, ">I", 1, "AbsurdHeader"),
        (4, ">I", 9, "AbsurdHeader"),
        (8, ">Q", 1 << 60, "BackingFile"),
        (16, ">I", 10, "BackingFile"),
        (20, ">I", 8, "AbsurdHeader"),
        (20, ">I", 22, "AbsurdHeader"),
        (20, ">I", 0xFFFFFFFF, "AbsurdHeader"),
        (24, ">Q", 1 << 62, "AbsurdHeader"),
        (24, ">Q", 0, "AbsurdHeader"),
        (32, ">I", 1, "EncryptedImage"),
        (32, ">I", 2, "EncryptedImage"),
        (32, ">I", 77, "EncryptedImage"),
        (36, ">I", 0, "AbsurdHeader"),
        (36, ">I", 0xFFFFFFFF, "AbsurdHeader"),
        (36, ">I", 4 << 20, "TruncatedImage"),
        (40, ">Q", 0, "AbsurdHeader"),
        (40, ">Q", 12345, "AbsurdHeader"),
        (40, ">Q", 1 << 40, "TruncatedImage"),
        (48, ">Q", 1 << 40, "TruncatedImage"),
        (56, ">I", 0, "AbsurdHeader"),
        (56, ">I", 0xFFFFFFFF, "AbsurdHeader"),
        (60, ">I", 1 << 20, "AbsurdHeader"),
        (72, ">Q", 2, "DamagedImage"),
        (72, ">Q", 4, "ExternalData"),
        (72, ">Q", 1 << 5, "UnknownFeatures"),
        (72, ">Q", 1 << 63, "UnknownFeatures"),
        (96, ">I", 7, "AbsurdHeader"),
        (100, ">I", 8, "AbsurdHeader"),
        (100, ">I", 1 << 30, "AbsurdHeader"),
        (116, ">I", 0xFFFFFFF0, "AbsurdHeader"),
    ],
)
def test_qcow2_headers_that_cannot_be(tmp_path: Path, offset: int, form: str, value: int, code: str) -> None:
    data = with_field(image_of(tmp_path, "qcow2"), offset, form, value)
    assert refusal(data).code == code


def test_qcow2_tables_that_loop(tmp_path: Path) -> None:
    path = tmp_path / "two"
    qemu_img("create", "-f", "qcow2", "-o", "preallocation=metadata", path, "1G")
    image = bytearray(path.read_bytes()[: 4 * MIB])
    l1 = struct.unpack_from(">Q", image, 40)[0]
    first = struct.unpack_from(">Q", image, l1)[0]
    refcounts = struct.unpack_from(">Q", image, 48)[0]
    for value in (first, l1 | 1 << 63, refcounts | 1 << 63, first + 512):
        struct.pack_into(">Q", image, l1 + 8, value)
        assert refusal(bytes(image)).code == "AbsurdHeader"
    struct.pack_into(">Q", image, l1 + 8, 1 << 50)
    assert refusal(bytes(image)).code == "TruncatedImage"


def test_a_qcow2_cut_in_its_data_is_found_by_its_refcounts(tmp_path: Path) -> None:
    data = bytes(image_of(tmp_path, "qcow2"))
    for cut in (len(data) - 65536, len(data) - 200_000):
        assert refusal(data[:cut]).code == "TruncatedImage"


def test_luks_inside_qcow2(tmp_path: Path) -> None:
    """As `qemu-img create -o encrypt.format=luks` writes it, which measures the processor for seconds."""
    image = image_of(tmp_path, "qcow2")
    length = struct.unpack_from(">I", image, 100)[0]
    struct.pack_into(">IIQQ", image, length, 0x0537BE77, 16, 262144, 1 << 20)
    assert refusal(bytes(image)).code == "EncryptedImage"


def test_notes_tell_what_does_not_speak_against_an_image(tmp_path: Path) -> None:
    path = tmp_path / "snap"
    qemu_img("create", "-f", "qcow2", path, "4M")
    qemu_img("snapshot", "-c", "one", path)
    assert "1 internal snapshots" in " ".join(inspect_file(path).notes)


@pytest.mark.parametrize(
    ("offset", "form", "value", "code"),
    [
        (4, "<I", 4, "AbsurdHeader"),
        (12, "<Q", 0, "ForeignExtents"),
        (12, "<Q", 1 << 60, "TruncatedImage"),
        (20, "<Q", 0, "AbsurdHeader"),
        (20, "<Q", 100, "AbsurdHeader"),
        (20, "<Q", 1 << 40, "AbsurdHeader"),
        (28, "<Q", 0, "ForeignExtents"),
        (28, "<Q", 1 << 60, "TruncatedImage"),
        (36, "<Q", 1 << 50, "AbsurdHeader"),
        (44, "<I", 0, "AbsurdHeader"),
        (44, "<I", 0xFFFFFFFF, "AbsurdHeader"),
        (56, "<Q", 1 << 50, "TruncatedImage"),
        (56, "<Q", (1 << 64) - 1, "TruncatedImage"),
        (73, "4s", b"\n \n\n", "DamagedImage"),
        (77, "<H", 9, "AbsurdHeader"),
    ],
)
def test_vmdk_headers_that_cannot_be(tmp_path: Path, offset: int, form: str, value: int | bytes, code: str) -> None:
    assert refusal(with_field(image_of(tmp_path, "vmdk"), offset, form, value)).code == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'createType="monolithicSparse"', b'createType="monolithicFlat"', "ForeignExtents"),
        (b'createType="monolithicSparse"', b'createType="vmfsSparse"', "ForeignExtents"),
        (b'createType="monolithicSparse"', b'createTypo="monolithicSparse"', "ForeignExtents"),
        (b"parentCID=ffffffff", b"parentCID=12345678", "BackingFile"),
        (b'SPARSE "image"', b'SPARSE "/dev/sda"', "ForeignExtents"),
        (b'SPARSE "image"', b'FLAT "image" 0', "ForeignExtents"),
        (b'SPARSE "image"', b'SPARSE "image"\nRW 8 FLAT "/etc/passwd" 0', "ForeignExtents"),
        (b"parentCID=ffffffff", b'parentCID=ffffffff\nparentFileNameHint="/etc/passwd"', "BackingFile"),
        (b"version=1", b"version=1\nversion=2", "AbsurdHeader"),
        (b"version=1", b"anything else", "AbsurdHeader"),
        (b"version=1", b'version=1\nencryption.keySafe = "x"', "EncryptedImage"),
    ],
)
def test_vmdk_descriptors_that_point_elsewhere(tmp_path: Path, old: bytes, new: bytes, code: str) -> None:
    data = bytes(image_of(tmp_path, "vmdk"))
    assert old in data
    end = data.index(b"\0", 512)
    text = data[512:end].replace(old, new)
    assert refusal(data[:512] + text.ljust(20 * 512, b"\0") + data[512 + 20 * 512 :]).code == code


DESCRIPTOR = b'# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 8 FLAT "/etc/shadow" 0\n'


@pytest.mark.parametrize("front", [b"", b"\n\n", b"# harmless\n#\n", b"   \n"])
def test_a_descriptor_alone(front: bytes) -> None:
    text = front + (DESCRIPTOR if not front.strip() else DESCRIPTOR.partition(b"\n")[2])
    error = refusal(text, "disk.vmdk")
    assert error.code == "ForeignExtents"
    assert "/etc/shadow" in error.message
    assert refusal(b"COWD" + bytes(2000), "disk.vmdk").code == "ForeignExtents"


def with_footer(data: bytearray, change: Callable[[bytearray], None], *, copy_too: bool = True) -> bytes:
    """A VHD with its footer changed and its checksum right again, at its end and (dynamic) at its front."""
    footer = data[-512:]
    change(footer)
    struct.pack_into(">I", footer, FOOTER_CHECKSUM, checksum(bytes(footer), FOOTER_CHECKSUM))
    data[-512:] = footer
    if copy_too and data[:8] == b"conectix":
        data[:512] = footer
    return bytes(data)


def field(offset: int, form: str, value: int | bytes) -> Callable[[bytearray], None]:
    return lambda footer: struct.pack_into(form, footer, offset, value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (field(60, ">I", 4), "DifferencingDisk"),
        (field(60, ">I", 9), "AbsurdHeader"),
        (field(48, ">Q", 1 << 50), "AbsurdHeader"),
        (field(16, ">Q", 1 << 40), "TruncatedImage"),
        (field(16, ">Q", 0), "AbsurdHeader"),
        (field(28, "4s", b"win "), None),
    ],
)
def test_dynamic_vhd_footers(tmp_path: Path, change: Callable[[bytearray], None], code: str | None) -> None:
    data = with_footer(image_of(tmp_path, "vpc", "-o", "force_size=on"), change)
    if code is None:
        assert inspect("d", in_memory(data), system_disk=True).format is DiskFormat.VHD
    else:
        assert refusal(data).code == code


def test_vhd_copies_that_differ_and_wrong_checksums(tmp_path: Path) -> None:
    image = image_of(tmp_path, "vpc")
    assert refusal(with_footer(bytearray(image), field(48, ">Q", 512), copy_too=False)).code == "AbsurdHeader"
    for offset in (-512 + 48, 48, 512 + 24):
        damaged = bytearray(image)
        damaged[offset] ^= 1
        assert refusal(bytes(damaged)).code == "DamagedImage"
    assert refusal(bytes(image[:-512])).code == "TruncatedImage"
    fixed = image_of(tmp_path, "vpc", "-o", "subformat=fixed,force_size=on")
    larger = with_footer(fixed, lambda footer: (field(28, "4s", b"win ")(footer), field(48, ">Q", 1 << 40)(footer))[0])
    assert refusal(larger).code == "TruncatedImage"


@pytest.mark.parametrize(
    ("offset", "form", "value", "code"),
    [
        (68, "<I", 7, "AbsurdHeader"),
        (76, "<I", 4, "DifferencingDisk"),
        (340, "<I", 0xFFFFFE00, "TruncatedImage"),
        (340, "<I", 513, "AbsurdHeader"),
        (344, "<I", 0xFFFFFE00, "TruncatedImage"),
        (360, "<I", 4096, "AbsurdHeader"),
        (368, "<Q", 1 << 60, "AbsurdHeader"),
        (376, "<I", 3, "AbsurdHeader"),
        (384, "<I", 0xFFFFFFFF, "AbsurdHeader"),
        (384, "<I", 0x3FFFFFFF, "TruncatedImage"),
        (424, "16s", b"a parent's uuid!", "DifferencingDisk"),
        (440, "16s", b"a parent's uuid!", "DifferencingDisk"),
    ],
)
def test_vdi_headers_that_cannot_be(tmp_path: Path, offset: int, form: str, value: int | bytes, code: str) -> None:
    assert refusal(with_field(image_of(tmp_path, "vdi"), offset, form, value)).code == code


def archive(data: bytes, name: str = "disk.raw") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_archives(tmp_path: Path) -> None:
    facts = inspect("x.raw.tar.gz", in_memory(archive(BOOT + bytes(MIB))), system_disk=True)
    assert (facts.format, facts.virtual_bytes) == (DiskFormat.RAW_TAR_GZ, MIB + 512)
    assert refusal(archive(bytes(image_of(tmp_path, "qcow2")))).code == "FormatMismatch"
    assert refusal(archive(b"")[:-20] + b"x", "x.qcow2").code == "FormatMismatch"
    assert refusal(gzip.compress(b"a log\n" * 99), "x.raw.tar.gz").code == "NotAnImage"
    assert refusal(archive(bytes(2 * MIB)), limit_bytes=MIB).code == "TooLarge"


def test_size_bombs(tmp_path: Path) -> None:
    for kind in ("qcow2", "vmdk"):
        path = tmp_path / kind
        qemu_img("create", "-f", kind, path, "40T" if kind == "qcow2" else "2T")
        error = file_refusal(path) if kind == "qcow2" else refusal(path.read_bytes(), limit_bytes=1 << 40)
        assert error.code == "TooLarge"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"LUKS\xba\xbe\0\1" + bytes(600), "LUKS"),
        (bytes(0x8001) + b"CD001" + bytes(2048), "ISO 9660"),
        (BOOT + bytes(0x8001 - 512) + b"CD001" + bytes(2048), "ISO 9660"),
        (b"vhdxfile" + bytes(600), "VHDX"),
        (b"PK\x03\x04" + bytes(600), "ZIP"),
        (b"QED\0" + bytes(600), "QED"),
        (bytes(4096), "zeros"),
    ],
)
def test_what_is_no_disk_is_named(head: bytes, said: str) -> None:
    with pytest.raises(ImgmoveError, match=said) as caught:
        inspect("cos://b-1/disk.raw", in_memory(head), system_disk=True)
    assert caught.value.code == "NotAnImage"
    assert inspect("data.raw", in_memory(head), system_disk=False).format in {None, DiskFormat.RAW}
    refusal(head, "disk.qcow2")


def test_two_formats_at_once(tmp_path: Path) -> None:
    footer = image_of(tmp_path, "vpc", "-o", "subformat=fixed")[-512:]
    error = refusal(bytes(image_of(tmp_path, "qcow2")) + footer)
    assert error.code == "AmbiguousFormat"
    assert "qcow2 and vhd" in error.message


def test_a_reader_that_gives_too_little_or_too_much(tmp_path: Path) -> None:
    data = bytes(image_of(tmp_path, "qcow2"))
    with pytest.raises(ImgmoveError) as caught:
        inspect(
            "x", ImageBytes(len(data), lambda offset, length: data[offset : offset + length // 2]), system_disk=True
        )
    assert caught.value.code == "TruncatedImage"
    more = ImageBytes(len(data), lambda offset, length: data[offset : offset + length * 2])
    assert inspect("x", more, system_disk=True).virtual_bytes == 4 * MIB + 512


def test_other_errors_of_a_reader_pass(tmp_path: Path) -> None:
    def read(_offset: int, _length: int) -> bytes:
        raise ImgmoveError(Kind.UNAVAILABLE, "the store is away")

    with pytest.raises(ImgmoveError) as caught:
        inspect("x", ImageBytes(5000, read), system_disk=True)
    assert str(caught.value) == "the store is away"
    with pytest.raises(ImgmoveError) as caught:
        inspect_file(tmp_path / "nothing")
    assert caught.value.kind is Kind.NOT_FOUND


_CACHE: dict[str, bytes] = {}


def sample(kind: str, tmp: pytest.TempPathFactory) -> bytes:
    if kind not in _CACHE:
        options = {"stream": ("vmdk", "-o", "subformat=streamOptimized")}.get(kind, (kind,))
        _CACHE[kind] = bytes(image_of(tmp.mktemp(kind), *options))
    return _CACHE[kind]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["qcow2", "vmdk", "stream", "vpc", "vdi", "archive"]),
    st.lists(
        st.tuples(st.one_of(st.integers(0, 600), st.integers(-2048, -1)), st.binary(min_size=1, max_size=16)),
        max_size=6,
    ),
    st.integers(0, 3) | st.integers(512, 300_000),
    st.sampled_from([8 * MIB, 1 << 50, 0]),
)
@example("qcow2", [(24, b"\x7f" + b"\xff" * 7)], 0, 1 << 50)
def test_no_damage_does_more_than_corrupt(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[int, bytes]],
    cut: int,
    claimed_size: int,
) -> None:
    """Whatever is changed, and however large the object claims to be: an answer or CORRUPT, and bounded reading."""
    data = bytearray(archive(BOOT + bytes(9999)) if kind == "archive" else sample(kind, tmp_path_factory))
    for offset, piece in changes:
        if abs(offset) + len(piece) <= len(data):
            start = offset % len(data)
            data[start : start + len(piece)] = piece[: len(data) - start]
    whole = bytes(data[: len(data) - cut] if cut < len(data) else data)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return whole[offset : offset + length].ljust(length if claimed_size else 0, b"\0")

    try:
        facts = inspect("x", ImageBytes(max(len(whole), claimed_size), read), system_disk=False)
    except ImgmoveError as error:
        assert error.kind is Kind.CORRUPT and error.hint  # noqa: PT017, PT018 - most pass or fail by chance
    else:
        assert isinstance(facts, Facts)
    assert len(asked) <= MAX_READS
    assert sum(asked) <= MAX_TOTAL_BYTES


@settings(max_examples=200)
@given(
    st.binary(max_size=3000),
    st.sampled_from([b"", b"QFI\xfb", b"KDMV", b"conectix", b"# x\nversion=1\n", b"\x1f\x8b\x08"]),
)
def test_any_bytes_have_an_answer(data: bytes, front: bytes) -> None:
    try:
        facts = inspect("x", in_memory(front + data), system_disk=False)
    except ImgmoveError as error:
        assert error.kind is Kind.CORRUPT  # noqa: PT017 - either answer is right
    else:
        assert facts.virtual_bytes is None or facts.virtual_bytes >= 0
