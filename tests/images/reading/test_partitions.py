"""Partition tables as sfdisk and sgdisk write them on plain files; logical partitions, hybrids, damage, hostile tables."""

import random
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.reading.device import DeviceError
from imgmove.images.reading.partitions import Division, read_division
from tests.images.reading.looking import Memory, counted
from tests.images.real.disks import partitions
from tests.images.real.disks.partitions import Slot
from tests.images.real.disks.sparse import patch
from tests.tools import program

MIB = 1 << 20


def division_of(disk: Path | bytes | bytearray) -> Division:
    return read_division(counted(disk).pages() if isinstance(disk, Path) else Memory(disk))


def by_sfdisk(path: Path, script: str, size: int = 64 * MIB, *options: str) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    command = [program("sfdisk", "fdisk"), "-q", "--no-reread", *options, str(path)]
    subprocess.run(command, input=script.encode(), check=True, capture_output=True)
    return path


def test_an_mbr_with_logical_partitions(tmp_path: Path) -> None:
    script = "label: dos\nlabel-id: 0x12345678\n"
    script += "2048,10240,83,*\n,4096,82\n,,5\n,8192,83\n,8192,8e\n,4096,83\n"
    found = division_of(by_sfdisk(tmp_path / "disk", script))
    assert (found.table, found.sector_bytes, found.is_hybrid, found.table_problem) == ("mbr", 512, False, "")
    assert [(item.number, item.role) for item in found.partitions] == [
        (1, "linux"), (2, "swap"), (3, "extended"), (5, "linux"), (6, "lvm"), (7, "linux")
    ]  # fmt: skip
    first, logical = found.partitions[0], found.partitions[4]
    assert (first.offset_bytes, first.size_bytes, first.is_active) == (MIB, 10240 * 512, True)
    assert (first.type, first.uuid, logical.uuid, logical.size_bytes) == ("0x83", "12345678-01", "12345678-06", 4 * MIB)
    told = subprocess.run([program("sfdisk", "fdisk"), "-d", tmp_path / "disk"], capture_output=True, check=True)
    starts = [
        int(line.split("start=")[1].split(",")[0]) * 512
        for line in told.stdout.decode().splitlines()
        if "start=" in line
    ]
    assert [item.offset_bytes for item in found.partitions] == starts


def test_a_gpt_with_names_types_and_flags(tmp_path: Path) -> None:
    script = "label: gpt\n"
    script += "size=2MiB, type=21686148-6449-6E6F-744E-656564454649\n"
    script += 'size=16MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI Ü", '
    script += "uuid=AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE\n"
    script += "type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, attrs=LegacyBIOSBootable\n"
    found = division_of(by_sfdisk(tmp_path / "disk", script))
    assert (found.table, found.sector_bytes, found.is_hybrid, found.table_problem) == ("gpt", 512, False, "")
    assert [item.role for item in found.partitions] == ["bios-boot", "efi", "linux"]
    assert found.partitions[1].name == "EFI Ü"
    assert found.partitions[1].uuid == "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    assert found.partitions[1].size_bytes == 16 * MIB
    assert found.partitions[0].offset_bytes == MIB
    assert [item.is_active for item in found.partitions] == [False, False, True]


def test_a_gpt_of_a_disk_with_large_sectors(tmp_path: Path) -> None:
    """The same tables as of 512 bytes, at their places in sectors of 4096."""
    small = by_sfdisk(tmp_path / "disk", "label: gpt\nstart=2048,size=2048\n").read_bytes()
    large = bytearray(64 * MIB)
    large[:512], large[4096:4608], large[8192 : 8192 + 16384] = small[:512], small[512:1024], small[1024 : 1024 + 16384]
    found = division_of(large)
    assert (found.table, found.sector_bytes, found.table_problem) == ("gpt", 4096, "")
    assert [(item.offset_bytes, item.size_bytes) for item in found.partitions] == [(8 * MIB, 8 * MIB)]


@pytest.fixture
def gpt(tmp_path: Path) -> Path:
    return partitions.partitioned(tmp_path / "disk", "gpt", [Slot("efi", 8 * MIB), Slot("linux", 40 * MIB)])


def test_a_gpt_is_read_without_going_to_the_end(gpt: Path) -> None:
    image = counted(gpt)
    read_division(image.pages())
    assert image.ranges == [(0, 64 << 10)]


def test_a_hybrid_is_told(gpt: Path) -> None:
    partitions.hybrid(gpt, 2)
    found = division_of(gpt)
    assert (found.table, found.is_hybrid, len(found.partitions)) == ("gpt", True, 2)


@pytest.mark.parametrize(
    ("at", "says"), [(512, "header is missing"), (540, "header is wrong"), (1024, "entries is wrong")]
)
def test_a_damaged_gpt_is_read_from_its_copy(gpt: Path, at: int, says: str) -> None:
    data = bytearray(gpt.read_bytes())
    data[at] ^= 0xFF
    found = division_of(data)
    assert (found.table, len(found.partitions)) == ("gpt", 2)
    assert says in found.table_problem
    assert "its copy at the end of the disk is whole" in found.table_problem


def test_a_gpt_that_is_gone_twice_is_damaged(gpt: Path) -> None:
    data = bytearray(gpt.read_bytes())
    data[540] ^= 0xFF
    data[-500] ^= 0xFF
    found = division_of(data)
    assert (found.table, found.partitions) == ("gpt", ())
    assert "damaged or missing" in found.table_problem


def test_a_disk_cut_short_says_which_partition_is_not_all_there(gpt: Path) -> None:
    found = division_of(gpt.read_bytes()[: 30 * MIB])
    assert "partition 2 ends at" in found.table_problem


@pytest.mark.parametrize(
    ("code", "owner"),
    [(partitions.grub_boot_code(), "grub"), (partitions.windows_boot_code(), "windows"),
     (partitions.syslinux_boot_code(), "syslinux"), (b"\xeb\x10 strange", "")],
    ids=["grub", "windows", "syslinux", "other"],
)  # fmt: skip
def test_boot_code_is_told_by_its_texts(tmp_path: Path, code: bytes, owner: str) -> None:
    disk = partitions.partitioned(tmp_path / "disk", "mbr", [Slot("linux", 8 * MIB)])
    patch(disk, 0, code)
    found = division_of(disk)
    assert (found.has_boot_code, found.boot_code) == (True, owner)
    assert not division_of(by_sfdisk(tmp_path / "none", "label: dos\n,,83\n")).has_boot_code


def entry(kind: int, start: int, sectors: int, status: int = 0) -> bytes:
    return struct.pack("<B3sB3sII", status, b"", kind, b"", start, sectors)


def sector_of(*entries: bytes) -> bytes:
    return bytes(446) + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"


def test_a_chain_that_goes_in_circles_ends() -> None:
    disk = bytearray(2 * MIB)
    disk[:512] = sector_of(entry(5, 100, 3000))
    disk[100 * 512 : 101 * 512] = sector_of(entry(0x83, 1, 10), entry(5, 50, 100))
    disk[150 * 512 : 151 * 512] = sector_of(entry(0x83, 1, 10), entry(5, 0, 100))
    found = division_of(disk)
    assert [item.number for item in found.partitions] == [1, 5, 6]
    assert "goes in circles" in found.table_problem


def test_a_chain_without_end_ends() -> None:
    disk = bytearray(4 * MIB)
    disk[:512] = sector_of(entry(5, 1, 8000))
    for number in range(1, 4000):
        disk[number * 512 : number * 512 + 512] = sector_of(entry(0x83, 1, 1), entry(5, number, 1))
    found = division_of(disk)
    assert len(found.partitions) < 70
    assert "goes in circles" in found.table_problem


def test_partitions_that_overlap_or_leave_the_disk_are_told() -> None:
    found = division_of(sector_of(entry(0x83, 1, 100), entry(0x83, 50, 10), entry(0x83, 200, 9999)).ljust(MIB, b"\0"))
    assert "partitions 1 and 2 overlap" in found.table_problem
    assert "partition 3 ends at" in found.table_problem


@pytest.mark.parametrize("disk", [b"", bytes(100), bytes(512), bytes(MIB), sector_of().ljust(MIB, b"\0")])
def test_what_has_no_table_has_none(disk: bytes) -> None:
    assert division_of(disk).partitions == ()
    assert division_of(disk).table == ""


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_wrong_bytes_never_raise(data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(["mbr", "gpt", "none"]))
    disk = bytearray(MIB)
    if seed == "mbr":
        disk[:512] = sector_of(entry(5, 1, 1000), entry(0x83, 300, 10), entry(0xEE, 1, 2**32 - 1))
    elif seed == "gpt":
        disk[510:520] = b"\x55\xaaEFI PART"
    for _ in range(data.draw(st.integers(0, 20))):
        disk[data.draw(st.integers(430, 4200))] = data.draw(st.integers(0, 255))
    try:
        found = read_division(Memory(disk))
    except DeviceError:
        return
    assert len(found.partitions) <= 1024


def test_random_sectors_never_raise() -> None:
    chance = random.Random(11)
    for _ in range(300):
        read_division(Memory(chance.randbytes(510) + b"\x55\xaa" + chance.randbytes(8192)))
