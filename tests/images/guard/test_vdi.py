"""VDI: each thing that the guard refuses, and what it lets pass beside it."""

from typing import Any

import pytest

from tests.images.hostile import vdi
from tests.images.hostile.looking import look, refusal
from tests.images.hostile.vdi import MIB, UNUSED

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("version 0.1", "AbsurdHeader", {"version": 1}),
    ("a difference", "DifferencingDisk", {"type": 4}),
    ("an undo disk", "DifferencingDisk", {"type": 3}),
    ("a type that nobody knows", "DifferencingDisk", {"type": 77}),
    ("a link", "DifferencingDisk", {"link": b"a parent's uuid!"}),
    ("a parent", "DifferencingDisk", {"parent": b"a parent's uuid!"}),
    ("a map beyond the end", "TruncatedImage", {"map_offset": 0xFFFF_FE00}),
    ("a map between sectors", "AbsurdHeader", {"map_offset": 513}),
    ("a map in the header", "AbsurdHeader", {"map_offset": 0}),
    ("data beyond the end", "TruncatedImage", {"data_offset": 0xFFFF_FE00}),
    ("data in the header", "AbsurdHeader", {"data_offset": 0}),
    ("data in the map", "AbsurdHeader", {"data_offset": 512}),
    ("sectors of 4 KiB", "AbsurdHeader", {"sector_bytes": 4096}),
    ("blocks of 3 bytes", "AbsurdHeader", {"block_bytes": 3}),
    ("blocks with more in them", "AbsurdHeader", {"extra": 512}),
    ("a size bomb", "AbsurdHeader", {"disk_bytes": 1 << 60}),
    ("no disk", "AbsurdHeader", {"disk_bytes": 0}),
    ("2^32 blocks", "AbsurdHeader", {"blocks": 0xFFFF_FFFF}),
    ("2^30 blocks", "TruncatedImage", {"blocks": 0x3FFF_FFFF}),
    ("more blocks written than there are", "AbsurdHeader", {"allocated": 3}),
    ("a block beyond the end", "TruncatedImage", {"block_map": [5, UNUSED]}),
    ("a block of 2^32", "TruncatedImage", {"block_map": [0xFFFF_FF00, UNUSED]}),
    ("a block twice", "AbsurdHeader", {"block_map": [0, 0]}),
]


@pytest.mark.parametrize(("code", "fields"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(code: str, fields: dict[str, Any]) -> None:
    assert refusal(vdi.image(**fields)).code == code


def test_a_disk_of_64_tib() -> None:
    blocks = 64 << 20
    data = vdi.image(blocks=blocks, disk_bytes=64 << 40, data_offset=512 + 4 * blocks, block_map=[])
    assert refusal(data, claimed_bytes=1 << 30).code in {"TooLarge", "AbsurdHeader"}
    assert refusal(vdi.image(), limit_bytes=MIB).code == "TooLarge"


@pytest.mark.parametrize(
    "fields", [{}, {"type": 2}, {"block_map": [UNUSED, UNUSED - 1]}, {"disk_bytes": 2 * MIB - 512}]
)
def test_passes(fields: dict[str, Any]) -> None:
    assert look(vdi.image(**fields)).virtual_bytes == fields.get("disk_bytes", 2 * MIB)


@pytest.mark.parametrize("length", [68, 400, 512, 700])
def test_cut_off(length: int) -> None:
    assert refusal(vdi.image()[:length]).code == "TruncatedImage"
