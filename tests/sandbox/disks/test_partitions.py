"""Partition tables made by sfdisk, and some that no tool makes."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox.disks import Partition, Scheme, convert, open_disk, partitions
from tests.sandbox.disks.images import GIB, MIB, required, write_pieces

LINUX_GUID = "0fc63daf-8483-4772-8e79-3d69d8477de4"
ESP_GUID = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"


def partitioned(path: Path, size: int, script: str) -> Path:
    """A disk that sfdisk divided."""
    write_pieces(path, size, {})
    subprocess.run([required("sfdisk"), "-q", path], input=script, text=True, check=True, capture_output=True)
    return path


def found_on(path: Path) -> list[Partition]:
    with open_disk(path, "raw") as reader:
        return partitions(reader)


def test_mbr(tmp_path: Path) -> None:
    script = "label: dos\nstart=2048, size=10240, type=83, bootable\nsize=4096, type=82\n"
    assert found_on(partitioned(tmp_path / "disk", 20 * MIB, script)) == [
        Partition(Scheme.MBR, 1, MIB, 5 * MIB, "83", bootable=True),
        Partition(Scheme.MBR, 2, 6 * MIB, 2 * MIB, "82"),
    ]


def test_mbr_with_logical_partitions(tmp_path: Path) -> None:
    script = "label: dos\nsize=2048, type=83\ntype=5\n" + "size=2048, type=83\n" * 5 + "size=2048, type=8e\n"
    found = found_on(partitioned(tmp_path / "disk", 40 * MIB, script))
    assert [(each.number, each.type) for each in found] == [
        *((1, "83"), (2, "05"), (5, "83"), (6, "83"), (7, "83"), (8, "83"), (9, "83"), (10, "8e")),
    ]
    starts = [each.offset_bytes for each in found[2:]]
    assert starts == sorted(set(starts))


def test_gpt(tmp_path: Path) -> None:
    script = f"label: gpt\nsize=4096, type={ESP_GUID}, name=EFI\ntype={LINUX_GUID}, name=Wurzel-Größe, attrs=LegacyBIOSBootable\n"
    efi, root = found_on(partitioned(tmp_path / "disk", 20 * MIB, script))
    assert efi == Partition(Scheme.GPT, 1, MIB, 2 * MIB, ESP_GUID, name="EFI")
    assert efi.is_efi_system
    assert (root.number, root.type, root.bootable, root.name) == (2, LINUX_GUID, True, "Wurzel-Größe")
    assert root.offset_bytes == 3 * MIB
    assert root.offset_bytes + root.size_bytes <= 20 * MIB


@pytest.mark.parametrize("damaged", [512 + 16, 512 + 30, 1024 + 5])
def test_gpt_whose_first_copy_is_damaged(tmp_path: Path, damaged: int) -> None:
    disk = partitioned(tmp_path / "disk", 20 * MIB, f"label: gpt\ntype={LINUX_GUID}\n")
    whole = found_on(disk)
    with disk.open("r+b") as file:
        file.seek(damaged)
        file.write(b"\xa5")
    assert found_on(disk) == whole != []
    with disk.open("r+b") as file:
        file.truncate(19 * MIB)  # the other copy goes, as when an upload was cut
    assert found_on(disk) == []


def test_in_every_format(tmp_path: Path) -> None:
    raw = partitioned(tmp_path / "disk", 20 * MIB, f"label: gpt\nsize=4096, type={LINUX_GUID}\n")
    expected = found_on(raw)
    assert len(expected) == 1
    for format_name in ("qcow2", "vhd", "vmdk", "vdi", "raw.tar.gz"):
        convert(raw, "raw", tmp_path / "image", format_name)
        with open_disk(tmp_path / "image") as reader:
            assert partitions(reader) == expected, format_name


def boot_sector(*entries: tuple[int, int, int, int]) -> bytes:
    table = b"".join(struct.pack("<B3xB3xII", *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


@pytest.mark.parametrize(
    "sector",
    [
        bytes(512),
        b"\x55\xaa" * 256,  # the flags are code
        boot_sector((0x80, 0x83, 10, 1 << 31)),  # goes on behind the end
        boot_sector((0x80, 0x83, 1 << 31, 10)),
        boot_sector((0x80, 0x83, 0, 10)),  # the table itself
        boot_sector((0x80, 0x83, 10, 0)),
        boot_sector((0x80, 0xEE, 1, 100)),  # protects a GPT that is not there
        boot_sector((0x12, 0x83, 10, 10)),
    ],
)
def test_no_usable_table(tmp_path: Path, sector: bytes) -> None:
    assert found_on(write_pieces(tmp_path / "disk", 4 * MIB, {0: sector})) == []


@pytest.mark.parametrize("size", [0, 1, 511])
def test_a_disk_smaller_than_a_table(tmp_path: Path, size: int) -> None:
    assert found_on(write_pieces(tmp_path / "disk", size, {})) == []


@pytest.mark.parametrize("next_link", [0, 50, 100])
def test_a_chain_of_logical_partitions_that_loops(tmp_path: Path, next_link: int) -> None:
    extended = boot_sector((0, 0x83, 2, 10), (0, 5, next_link, 10))
    pieces = {0: boot_sector((0, 5, 100, 1000)), 100 * 512: extended, 150 * 512: extended, 200 * 512: extended}
    found = found_on(write_pieces(tmp_path / "disk", 4 * MIB, pieces))
    assert 1 < len(found) < 4


def test_an_endless_chain_of_logical_partitions(tmp_path: Path) -> None:
    pieces = {0: boot_sector((0, 5, 1, 8000))}
    for link in range(1, 2000):
        pieces[link * 512] = boot_sector((0, 0x83, 1, 1), (0, 5, link, 10))
    assert len(found_on(write_pieces(tmp_path / "disk", 4 * MIB, pieces))) == 61


def test_a_gpt_of_billions_of_entries(tmp_path: Path) -> None:
    header = bytearray(92)
    struct.pack_into("<8sIII", header, 0, b"EFI PART", 0x10000, 92, 0)
    struct.pack_into("<QIII", header, 72, 2, 0xFFFFFFFF, 128, 0)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    pieces = {0: boot_sector((0, 0xEE, 1, 100)), 512: bytes(header)}
    assert found_on(write_pieces(tmp_path / "disk", 8 * GIB, pieces)) == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.binary(min_size=64, max_size=64), chain=st.binary(min_size=64, max_size=64))
def test_any_table_is_survived(tmp_path: Path, table: bytes, chain: bytes) -> None:
    sectors = bytes(446) + table + b"\x55\xaa" + (bytes(446) + chain + b"\x55\xaa") * 50
    for partition in found_on(write_pieces(tmp_path / "disk", MIB, {0: sectors})):
        assert 0 < partition.offset_bytes < partition.offset_bytes + partition.size_bytes <= MIB
