"""VHD: each thing that the guard refuses, and what it lets pass beside it."""

from typing import Any

import pytest

from imgmove.core.formats import DiskFormat
from tests.images.hostile import disks, vhd
from tests.images.hostile.looking import look, refusal
from tests.images.hostile.vhd import BLOCK, SECTOR, UNUSED

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("a difference", "DifferencingDisk", {"disk_type": 4}),
    ("a parent's identity", "DifferencingDisk", {"parent": b"a parent's uuid!"}),
    ("a parent locator", "DifferencingDisk", {"locators": b"W2ru" + bytes(20)}),
    ("a type that nobody knows", "AbsurdHeader", {"disk_type": 9}),
    ("a size bomb", "AbsurdHeader", {"current_bytes": 1 << 50}),
    ("a disk of 64 TiB", "TooLarge",
     {"current_bytes": 64 << 40, "block_bytes": 256 << 20, "entries": 1 << 18, "table": [UNUSED] * (1 << 18)}),
    ("no disk", "AbsurdHeader", {"current_bytes": 0}),
    ("a disk of half a sector", "AbsurdHeader", {"current_bytes": 256}),
    ("a header beyond the end", "TruncatedImage", {"header_offset": 1 << 40}),
    ("a header in the footer's copy", "AbsurdHeader", {"header_offset": 0}),
    ("a table of 2^32 entries", "TruncatedImage", {"entries": 0xFFFF_FFFF}),
    ("a table beyond the end", "TruncatedImage", {"table_offset": 1 << 50}),
    ("a table in the footer's copy", "AbsurdHeader", {"table_offset": 256}),
    ("a table in the header", "AbsurdHeader", {"table_offset": 600}),
    ("blocks of 0 bytes", "AbsurdHeader", {"block_bytes": 0}),
    ("blocks of 3 MiB", "AbsurdHeader", {"block_bytes": 3 << 20}),
    ("blocks of 2 GiB", "AbsurdHeader", {"block_bytes": 2 << 30}),
    ("a block beyond the end", "TruncatedImage", {"table": [1 << 30, UNUSED]}),
    ("a block in the header", "AbsurdHeader", {"table": [1, UNUSED]}),
    ("a block in the table", "AbsurdHeader", {"table": [3, UNUSED]}),
    ("a block in the footer", "AbsurdHeader", {"table": [BLOCK // SECTOR + 1, UNUSED]}),
    ("a block twice", "AbsurdHeader", {"table": [BLOCK // SECTOR] * 2}),
    ("no header", "AbsurdHeader", {"header_cookie": b"cxspars3"}),
    ("not whole sectors", "TruncatedImage", {"after": b"x"}),
    ("more behind the footer", "TruncatedImage", {"after": bytes(512)}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fields"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(code: str, fields: dict[str, Any]) -> None:
    assert refusal(vhd.image(**fields)).code == code


def test_a_footer_and_its_copy_that_differ() -> None:
    data = vhd.image()
    assert refusal(data[:-512] + vhd.footer(current_bytes=512)).code == "AbsurdHeader"


@pytest.mark.parametrize("offset", [-512 + 48, 48, 512 + 24])
def test_wrong_checksums(offset: int) -> None:
    data = bytearray(vhd.image())
    data[offset] ^= 1
    assert refusal(bytes(data)).code == "DamagedImage"


DISK = disks.mbr(disks.entry(0x83))


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("DifferencingDisk", vhd.fixed(DISK, disk_type=4)),
        ("TruncatedImage", vhd.fixed(DISK, current_bytes=1 << 40)),
        ("TruncatedImage", vhd.fixed(DISK, creator=b"vpc ", geometry=b"\xff\xff\x10\x01")),
        ("AbsurdHeader", vhd.fixed(DISK + b"odd")),
        ("DamagedImage", vhd.fixed(DISK)[:-1] + b"x"),
        ("AbsurdHeader", vhd.fixed(vhd.image())),
        ("AbsurdHeader", vhd.image()[:-512] + vhd.footer(disk_type=2)),
        ("AmbiguousFormat", vhd.fixed(b"QFI\xfb" + DISK[4:])),
        ("NotAnImage", vhd.fixed(b"QED\0" + DISK[4:])),
        ("NotAnImage", vhd.fixed(b"vhdxfile" + DISK[8:])),
    ],
)
def test_fixed_disks_refused(code: str, data: bytes) -> None:
    assert refusal(data).code == code


def test_passes() -> None:
    assert look(vhd.image()).variant == "dynamic"
    assert look(vhd.image(table=[UNUSED, UNUSED])).virtual_bytes == vhd.VIRTUAL
    fixed = look(vhd.fixed(DISK), "disk.vhd", system_disk=True)
    assert (fixed.format, fixed.virtual_bytes, fixed.variant) == (DiskFormat.VHD, len(DISK), "fixed")


@pytest.mark.parametrize("length", [8, 511, 512, 1536, 2048])
def test_cut_off(length: int) -> None:
    assert refusal(vhd.image()[:length]).code in {"TruncatedImage", "AbsurdHeader"}
