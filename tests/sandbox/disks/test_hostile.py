"""Headers and tables that lie: always a DiskError, never another exception, a long wait or much memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox.disks import DiskError, ProblemKind, convert, open_disk, recognise
from imgmove.sandbox.disks.vhd import FOOTER_CHECKSUM_OFFSET, HEADER_CHECKSUM_OFFSET, checksum
from tests.sandbox.disks.images import GIB, KIB, MIB, speckled, write_pieces
from tests.sandbox.disks.streams import write_stream

pytestmark = pytest.mark.timeout(60)

FORMATS = ("qcow2", "vhd", "vmdk", "vdi")


def made(tmp_path: Path, format_name: str, size: int = 3 * MIB, subformat: str = "") -> bytearray:
    """A sound image."""
    image = tmp_path / "sound"
    convert(speckled(tmp_path / "raw", size), "raw", image, format_name, subformat=subformat)
    return bytearray(image.read_bytes())


def put(image: bytearray, offset: int, layout: str, *values: int) -> None:
    struct.pack_into(layout, image, offset, *values)


def read_all(path: Path) -> None:
    """Everything that an importer does with a file."""
    info = recognise(path)
    with open_disk(path, info.format) as reader:
        reader.read(0, 1 << 20)
        for _ in reader.extents():
            pass


def assert_refused(tmp_path: Path, image: bytes | bytearray) -> DiskError:
    (tmp_path / "hostile").write_bytes(image)
    with pytest.raises(DiskError) as caught:
        read_all(tmp_path / "hostile")
    return caught.value


QCOW2_FIELDS = {
    "version 1": (4, ">I", 1),
    "version 4": (4, ">I", 4),
    "clusters of 1 byte": (20, ">I", 0),
    "clusters of 4 GiB": (20, ">I", 32),
    "cluster bits beyond shifting": (20, ">I", 0xFFFFFFFF),
    "a size of 16 EiB": (24, ">Q", (1 << 64) - 1),
    "a size of 65 TiB": (24, ">Q", 65 << 40),
    "a size beyond the L1 table": (24, ">Q", 2 << 40),
    "an L1 table of 32 GiB": (36, ">I", 0xFFFFFFFF),
    "an L1 table behind the end": (40, ">Q", 1 << 40),
    "an unaligned L1 table": (40, ">Q", 513),
    "a backing file": (8, ">Q", 200),
    "encryption with AES": (32, ">I", 1),
    "encryption with LUKS": (32, ">I", 2),
    "an unknown encryption": (32, ">I", 99),
    "an external data file": (72, ">Q", 4),
    "a corrupt image": (72, ">Q", 2),
    "unknown features": (72, ">Q", 1 << 40),
}


@pytest.mark.parametrize(("offset", "layout", "value"), QCOW2_FIELDS.values(), ids=QCOW2_FIELDS)
def test_qcow2_headers(tmp_path: Path, offset: int, layout: str, value: int) -> None:
    image = made(tmp_path, "qcow2")
    put(image, offset, layout, value)
    assert_refused(tmp_path, image)


def test_qcow2_not_closed_cleanly_is_read(tmp_path: Path) -> None:
    image = made(tmp_path, "qcow2")
    put(image, 72, ">Q", 1)
    (tmp_path / "dirty").write_bytes(image)
    read_all(tmp_path / "dirty")
    assert recognise(tmp_path / "dirty").has(ProblemKind.UNCLEAN)


def _l2_offset(image: bytearray) -> int:
    offset: int = struct.unpack_from(">Q", image, 65536)[0] & 0x00FF_FFFF_FFFF_FE00
    return offset


@pytest.mark.parametrize("entry", [1 << 50, 65536 + 512, (1 << 62) | (1 << 50)])
def test_qcow2_data_outside_or_unaligned(tmp_path: Path, entry: int) -> None:
    image = made(tmp_path, "qcow2")
    put(image, _l2_offset(image), ">Q", entry)
    assert_refused(tmp_path, image)


def test_qcow2_compressed_garbage(tmp_path: Path) -> None:
    image = made(tmp_path, "qcow2", subformat="compressed")
    image[2 * 65536 : 2 * 65536 + 100] = b"\xff" * 100  # the first packed clusters
    assert assert_refused(tmp_path, image).kind is ProblemKind.DAMAGED


def test_qcow2_l1_entries_that_share_a_table_of_zeros(tmp_path: Path) -> None:
    """32 TiB of "zero clusters" in 640 KiB: half a billion entries to look at, were they looked at."""
    image = bytearray(10 * 65536)
    convert(write_pieces(tmp_path / "raw", MIB, {}), "raw", tmp_path / "sound", "qcow2")
    image[:65536] = (tmp_path / "sound").read_bytes()[:65536]
    entries = 65536
    put(image, 24, ">Q", entries * (512 << 20))
    put(image, 36, ">I", entries)
    put(image, 65536, f">{entries}Q", *[9 * 65536] * entries)
    put(image, 9 * 65536, ">8192Q", *[1] * 8192)
    assert "more than once" in str(assert_refused(tmp_path, image))


def test_qcow2_clusters_that_share_their_data(tmp_path: Path) -> None:
    image = made(tmp_path, "qcow2", 400 * MIB)
    put(image, _l2_offset(image), f">{400 * 16}Q", *[2 * 65536] * (400 * 16))
    assert "more than once" in str(assert_refused(tmp_path, image))


def test_qcow2_compressed_clusters_that_share_their_data(tmp_path: Path) -> None:
    zeros = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = zeros.compress(b"a" * 65536) + zeros.flush()
    image = made(tmp_path, "qcow2", 512 * MIB)[: 4 * 65536]
    put(image, 65536, ">Q", 2 * 65536)
    put(image, 2 * 65536, ">8192Q", *[1 << 62 | 3 * 65536] * 8192)
    image[3 * 65536 : 3 * 65536 + len(packed)] = packed
    assert "more than once" in str(assert_refused(tmp_path, image))


VMDK_FIELDS = {
    "version 0": (4, "<I", 0),
    "version 9": (4, "<I", 9),
    "a capacity of 2^64 sectors": (12, "<Q", (1 << 64) - 1),
    "grains of nothing": (20, "<Q", 0),
    "grains of 3 sectors": (20, "<Q", 3),
    "grains of 2^64 sectors": (20, "<Q", (1 << 64) - 1),
    "a descriptor behind the end": (28, "<Q", 1 << 40),
    "no descriptor": (28, "<Q", 0),
    "empty grain tables": (44, "<I", 0),
    "endless grain tables": (44, "<I", 0xFFFFFFFF),
    "a directory behind the end": (56, "<Q", 1 << 40),
    "a directory in a footer that is not there": (56, "<Q", (1 << 64) - 1),
    "a newline test that failed": (73, "<I", 0x0A0A0A0A),
    "grains compressed, nobody knows how": (8, "<I", 3 | 1 << 16),
}


@pytest.mark.parametrize(("offset", "layout", "value"), VMDK_FIELDS.values(), ids=VMDK_FIELDS)
def test_vmdk_headers(tmp_path: Path, offset: int, layout: str, value: int) -> None:
    image = made(tmp_path, "vmdk")
    put(image, offset, layout, value)
    assert_refused(tmp_path, image)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"parentCID=ffffffff", b"parentCID=12345678"),
        (b"monolithicSparse", b"monolithicFlat\0\0"),
        (b"monolithicSparse", b"twoGbMaxExtentXX"),
        (b'# The Disk Data Base\n', b'RW 5 FLAT "/etc/x" 0\n'),
    ],
)  # fmt: skip
def test_vmdk_descriptors(tmp_path: Path, old: bytes, new: bytes) -> None:
    image = made(tmp_path, "vmdk")
    assert old in image
    assert_refused(tmp_path, bytes(image).replace(old, new))


@pytest.mark.parametrize("text", [b"\n" * 65_000, b"RW " * 21_000, b"createType" * 6_500, b"RW 9 " + b" " * 64_000])
def test_a_vmdk_descriptor_that_regular_expressions_dread(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "hostile").write_bytes(b"# Disk DescriptorFile\n" + text)
    assert recognise(tmp_path / "hostile").has(ProblemKind.EXTERNAL_DATA)


def test_vmdk_grain_directory_entries_that_share_a_table(tmp_path: Path) -> None:
    image = made(tmp_path, "vmdk", 2 * GIB)
    directory = struct.unpack_from("<Q", image, 56)[0] * 512
    (table,) = struct.unpack_from("<I", image, directory)
    put(image, 8, "<I", 7)  # entries of 1 are zeros, and have to be looked at
    put(image, table * 512, "<512I", *[1] * 512)
    put(image, 12, "<Q", (16 << 40) // 512)
    entries = (16 << 40) // (32 * MIB)
    image[4 * MIB :] = b""
    image += struct.pack(f"<{entries}I", *[table] * entries)
    put(image, 56, "<Q", 4 * MIB // 512)
    assert "more than once" in str(assert_refused(tmp_path, image))


@pytest.mark.parametrize(("sector", "length"), [(99, 500), (0, 0), (0, 1 << 31)])
def test_vmdk_stream_markers(tmp_path: Path, sector: int, length: int) -> None:
    write_stream(tmp_path / "stream", b"abc" * (1 << 16))
    image = bytearray((tmp_path / "stream").read_bytes())
    put(image, 128 * 512, "<QI", sector, length)
    assert assert_refused(tmp_path, image).kind is ProblemKind.DAMAGED


def _sealed_vhd(image: bytearray) -> bytearray:
    """With checksums that are right again."""
    put(image, 64, ">I", checksum(bytes(image[:512]), FOOTER_CHECKSUM_OFFSET))
    put(image, 512 + 36, ">I", checksum(bytes(image[512:1536]), HEADER_CHECKSUM_OFFSET))
    return image


VHD_FIELDS = {
    "a header behind the end": (16, ">Q", 1 << 50),
    "a header at 2^64": (16, ">Q", (1 << 64) - 1),
    "a size of 16 EiB": (48, ">Q", (1 << 64) - 1),
    "an unknown type": (60, ">I", 7),
    "a differencing disk": (60, ">I", 4),
    "no header": (512, ">Q", 0),
    "a table behind the end": (512 + 16, ">Q", 1 << 50),
    "too small a table": (512 + 28, ">I", 0),
    "a table of 16 GiB": (512 + 28, ">I", 0xFFFFFFFF),
    "blocks of nothing": (512 + 32, ">I", 0),
    "blocks of 3 sectors": (512 + 32, ">I", 1536),
    "blocks of 2 GiB": (512 + 32, ">I", 1 << 31),
    "a block behind the end": (1536, ">I", 0xFFFFFFF0),
}


@pytest.mark.parametrize(("offset", "layout", "value"), VHD_FIELDS.values(), ids=VHD_FIELDS)
def test_vhd_headers(tmp_path: Path, offset: int, layout: str, value: int) -> None:
    image = made(tmp_path, "vhd")
    put(image, offset, layout, value)
    assert_refused(tmp_path, _sealed_vhd(image))


@pytest.mark.parametrize("offset", [70, 512 + 700])
def test_vhd_checksums(tmp_path: Path, offset: int) -> None:
    image = made(tmp_path, "vhd")
    image[offset] ^= 1
    error = assert_refused(tmp_path, image)
    assert (error.kind, "checksum" in str(error)) == (ProblemKind.DAMAGED, True)


def test_vhd_blocks_that_share_their_data(tmp_path: Path) -> None:
    image = made(tmp_path, "vhd", 200 * MIB)
    put(image, 1536, ">100I", *[8] * 100)
    assert "more than once" in str(assert_refused(tmp_path, image[: 20 * MIB] + image[-512:]))


@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
def test_a_cut_vhd(tmp_path: Path, subformat: str) -> None:
    image = made(tmp_path, "vhd", subformat=subformat)
    cut = image[:MIB] + (image[-512:] if subformat == "fixed" else b"")
    assert assert_refused(tmp_path, cut).kind is ProblemKind.TRUNCATED


VDI_FIELDS = {
    "version 0.1": (68, "<I", 1),
    "version 2.0": (68, "<I", 0x20000),
    "a type that is none": (76, "<I", 9),
    "an undo image": (76, "<I", 3),
    "a map behind the end": (340, "<I", 0xFFFFFF00),
    "data behind the end": (344, "<I", 0xFFFFFF00),
    "a size of 16 EiB": (368, "<Q", (1 << 64) - 1),
    "a size beyond the map": (368, "<Q", 1 << 40),
    "blocks of nothing": (376, "<I", 0),
    "blocks of 3 GiB": (376, "<I", 0xC0000000),
    "extra bytes before blocks": (380, "<I", 512),
    "a map of 16 GiB": (384, "<I", 0xFFFFFFFF),
    "a link": (424, "<I", 1),
    "a parent": (440, "<I", 1),
    "a block behind the end": (512, "<I", 0xFFFFFFF0),
}


@pytest.mark.parametrize(("offset", "layout", "value"), VDI_FIELDS.values(), ids=VDI_FIELDS)
def test_vdi_headers(tmp_path: Path, offset: int, layout: str, value: int) -> None:
    image = made(tmp_path, "vdi")
    put(image, offset, layout, value)
    assert_refused(tmp_path, image)


def test_tables_that_would_fill_the_memory(tmp_path: Path) -> None:
    """The file is large enough for the table, as an uploaded file of zeros may well be."""
    image = made(tmp_path, "vdi")
    put(image, 368, "<QII", 60 << 40, MIB, 0)
    put(image, 384, "<I", 60 << 20)
    with (tmp_path / "hostile").open("wb") as file:
        file.write(image)
        file.truncate(GIB)
    with pytest.raises(DiskError, match="the block map has 251658240 bytes"):
        read_all(tmp_path / "hostile")


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("length", [4, 8, 68, 71, 100, 511, 513, 600, 2000])
def test_a_file_that_ends_in_its_header(tmp_path: Path, format_name: str, length: int) -> None:
    assert_refused(tmp_path, made(tmp_path, format_name)[:length])


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_that_ends_in_its_data(tmp_path: Path, format_name: str) -> None:
    image = made(tmp_path, format_name, 9 * MIB)
    assert_refused(tmp_path, image[: len(image) // 2])


SMALL: dict[str, bytes] = {}


def small(tmp_path: Path, format_name: str) -> bytes:
    """A sound image of a small disk, made once."""
    if format_name not in SMALL:
        subformat = "compressed" if format_name == "qcow2" else ""
        raw = write_pieces(tmp_path / "raw", 300 * KIB, {0: b"start" * 1000, 200 * KIB: b"x" * 5000})
        if format_name == "stream":
            write_stream(tmp_path / "image", raw.read_bytes()[: 256 * KIB])
        else:
            convert(raw, "raw", tmp_path / "image", format_name, subformat=subformat)
        SMALL[format_name] = (tmp_path / "image").read_bytes()
    return SMALL[format_name]


TABLES: dict[str, tuple[int, ...]] = {
    "qcow2": (0, 65536, 2 * 65536, 3 * 65536),
    "vhd": (0, 512, 1536),
    "vmdk": (0, 512, 21 * 512, 22 * 512),
    "vdi": (0, 64, 340, 512),
    "stream": (0, 512, 128 * 512, -3 * 512, -4 * 512, -5 * 512 - 2048),
}


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), format_name=st.sampled_from([*FORMATS, "stream"]))
def test_any_change_of_a_header_or_table_is_survived(tmp_path: Path, data: st.DataObject, format_name: str) -> None:
    image = bytearray(small(tmp_path, format_name))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.sampled_from(TABLES[format_name])) % len(image)
        change = data.draw(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, bytes(8)])))
        position = min(start + data.draw(st.integers(0, 127)), len(image) - len(change))
        image[position : position + len(change)] = change
    sealed: Callable[[bytearray], bytearray] = _sealed_vhd if format_name == "vhd" else bytearray
    (tmp_path / "hostile").write_bytes(sealed(image))
    with suppress(DiskError):
        read_all(tmp_path / "hostile")


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    magic=st.sampled_from([b"QFI\xfb\0\0\0\3", b"KDMV\1\0\0\0", b"conectix", b"\x1f\x8b\x08\0", b"# Disk DescriptorFile", b""]),
    rest=st.binary(max_size=2000),
)  # fmt: skip
def test_any_file_is_survived(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    (tmp_path / "hostile").write_bytes(magic + rest)
    with suppress(DiskError):
        read_all(tmp_path / "hostile")
