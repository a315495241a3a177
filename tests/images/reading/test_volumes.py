"""LVM2: volumes in pieces and stripes, missing disks, newer and damaged metadata, and texts that lead nowhere."""

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.guest.layout import VolumeGroup
from imgmove.images.reading.device import Device, DeviceError, Slice
from imgmove.images.reading.lvm_text import LvmTextError, parse
from imgmove.images.reading.volumes import LogicalVolume, PhysicalVolume, assemble, open_physical
from tests.images.reading.looking import Memory
from tests.images.real.disks import lvm2

MIB = 1 << 20
EXTENT = MIB
START = MIB
IDS = ["A" * 32, "B" * 32]


def segment(number: int, start: int, count: int, stripes: str, kind: str = "striped", stripe_size: int = 0) -> str:
    size = f"stripe_size = {stripe_size}" if stripe_size else ""
    return (
        f'segment{number} {{\nstart_extent = {start}\nextent_count = {count}\ntype = "{kind}"\n{size}\n'
        f"stripes = [\n{stripes}\n]\n}}\n"
    )


def volume(name: str, *segments: str, status: str = '"READ", "VISIBLE"') -> str:
    return f"{name} {{\nstatus = [{status}]\n{''.join(segments)}}}\n"


def group_text(volumes: str, count: int = 1, seqno: int = 1) -> str:
    physical = "".join(
        f'pv{number} {{\nid = "{identity[:6]}-{identity[6:]}"\npe_start = {START // 512}\n}}\n'
        for number, identity in enumerate(IDS[:count])
    )
    return (
        f'vg0 {{ # a comment\nid = "the-group"\nseqno = {seqno}\nextent_size = {EXTENT // 512}\n'
        f"physical_volumes {{\n{physical}}}\nlogical_volumes {{\n{volumes}}}\n}}\nversion = 1\n"
    )


def physical(text: str, identity: str = IDS[0], extents: int = 20, text_at: int = 512) -> bytearray:
    """A disk whose extents begin with their numbers, with `text` as metadata."""
    disk = bytearray(START + extents * EXTENT)
    header = identity.encode() + struct.pack("<Q", len(disk)) + struct.pack("<6Q", START, 0, 0, 0, 4096, 65536)
    disk[512:1024] = (b"LABELONE" + struct.pack("<QII8s", 1, 0, 32, b"LVM2 001") + header).ljust(512, b"\0")
    raw = text.encode() + b"\0"
    area = bytearray(65536)
    area[:72] = struct.pack("<I16sIQQ", 0, lvm2.MAGIC, 1, 4096, 65536) + struct.pack(
        "<QQII", text_at, len(raw), lvm2.crc32(raw), 0
    ).ljust(32, b"\0")
    first = raw[: 65536 - text_at]
    area[text_at : text_at + len(first)] = first
    area[512 : 512 + len(raw) - len(first)] = raw[len(first) :]
    disk[4096 : 4096 + 65536] = area
    for number in range(extents):
        disk[START + number * EXTENT : START + number * EXTENT + 4] = f"{identity[0]}{number:03d}".encode()
    return disk


def opened(device: Device) -> PhysicalVolume:
    found = open_physical(device)
    assert found is not None
    return found


def volumes_of(*disks: bytearray) -> dict[str, LogicalVolume]:
    return {item.name: item for item in assemble([opened(Memory(disk)) for disk in disks]).logical}


def extents_of(volume: LogicalVolume) -> list[str]:
    assert volume.device is not None
    assert volume.device.size_bytes == volume.size_bytes
    return [volume.device.read_at(start, 4).decode() for start in range(0, volume.size_bytes, EXTENT)]


def test_a_volume_that_was_extended_is_read_in_its_pieces() -> None:
    text = group_text(
        volume("root", segment(1, 0, 2, '"pv0", 3'), segment(2, 2, 1, '"pv0", 9'))
        + volume("var", segment(1, 0, 1, '"pv0", 0'))
    )
    found = volumes_of(physical(text))
    assert extents_of(found["root"]) == ["A003", "A004", "A009"]
    assert extents_of(found["var"]) == ["A000"]
    device = found["root"].device
    assert device is not None
    across = device.read_at(EXTENT * 2 - 2, 6)
    assert across == b"\0\0A009"
    assert len(device.read_at(0, 99 * EXTENT)) == 3 * EXTENT


def test_stripes_over_two_volumes_take_turns() -> None:
    text = group_text(volume("root", segment(1, 0, 4, '"pv0", 0,\n"pv1", 2', stripe_size=EXTENT // 512)), count=2)
    found = volumes_of(physical(text), physical(text, IDS[1]))
    assert extents_of(found["root"]) == ["A000", "B002", "A001", "B003"]


def test_a_group_over_several_disks_says_what_is_missing() -> None:
    text = group_text(
        volume("root", segment(1, 0, 1, '"pv0", 0')) + volume("data", segment(1, 0, 1, '"pv1", 0')), count=2
    )
    found = assemble([opened(Memory(physical(text)))])
    assert found.groups == (VolumeGroup("vg0", 2, 1, ("root", "data")),)
    root, data = found.logical
    assert extents_of(root) == ["A000"]
    assert data.device is None
    assert "pv1, which is not on this disk" in data.unreadable


@pytest.mark.parametrize("kind", ["thin-pool", "thin", "raid1", "cache", "vdo"])
def test_what_needs_the_device_mapper_is_not_guessed(kind: str) -> None:
    found = volumes_of(physical(group_text(volume("root", segment(1, 0, 1, '"pv0", 0', kind)))))
    assert found["root"].device is None
    assert kind in found["root"].unreadable


def test_hidden_volumes_are_not_shown() -> None:
    text = group_text(volume("pool_tmeta", segment(1, 0, 1, '"pv0", 0'), status='"READ"'))
    assert volumes_of(physical(text)) == {}


def test_the_newest_metadata_count() -> None:
    old = group_text(volume("old", segment(1, 0, 1, '"pv0", 0')), count=2, seqno=4)
    new = group_text(volume("new", segment(1, 0, 1, '"pv0", 0')), count=2, seqno=5)
    assert list(volumes_of(physical(old), physical(new, IDS[1]))) == ["new"]


def test_metadata_that_go_round_the_end_of_their_area() -> None:
    text = group_text(volume("root", segment(1, 0, 1, '"pv0", 7')))
    assert extents_of(volumes_of(physical(text, text_at=65536 - 100))["root"]) == ["A007"]


def test_damaged_metadata_are_told() -> None:
    disk = physical(group_text(volume("root", segment(1, 0, 1, '"pv0", 7'))))
    disk[4096 + 512 + 30] ^= 1
    found = opened(Memory(disk))
    assert (found.group, found.id) == (None, IDS[0])
    assert "checksum is wrong" in found.problem


def test_what_is_no_physical_volume_is_none() -> None:
    assert open_physical(Memory(bytes(MIB))) is None
    assert open_physical(Memory(b"LABELONE".ljust(4096, b"\0"))) is None
    assert open_physical(Memory(b"")) is None


def test_one_written_by_another_hand(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"root" * 1000)
    disk = lvm2.physical_volume(
        tmp_path / "pv", "vg0",
        [lvm2.LogicalVolume("swap", 8 * MIB), lvm2.LogicalVolume("root", 8 * MIB, content),
         lvm2.LogicalVolume("away", 8 * MIB, on=1)],
        physical_volumes=2,
    )  # fmt: skip
    found = assemble([opened(Memory(disk.read_bytes()))])
    assert found.groups == (VolumeGroup("vg0", 2, 1, ("swap", "root", "away")),)
    root = found.logical[1]
    assert root.device is not None
    assert root.device.read_at(0, 4000) == content.read_bytes()


@pytest.mark.parametrize(
    "segments",
    [segment(1, 1, 1, '"pv0", 0'), segment(1, 0, 2, '"pv0", 0') + segment(2, 1, 1, '"pv0", 5'), segment(1, 0, 0, '"pv0", 0'),
     segment(1, 0, 1, ""), segment(1, 0, 1, '"pv9", 0'), segment(1, 0, 1, '"pv0", "x"'), segment(1, 0, 2, '"pv0", 0,\n"pv0", 3'),
     segment(1, 0, 1, '0, "pv0"')],
)  # fmt: skip
def test_segments_that_make_no_volume_are_unreadable(segments: str) -> None:
    found = volumes_of(physical(group_text(volume("root", segments))))
    assert found["root"].device is None
    assert found["root"].unreadable


def test_a_volume_beyond_its_partition_is_damage() -> None:
    text = group_text(volume("root", segment(1, 0, 5, '"pv0", 18')))
    device = volumes_of(physical(text))["root"].device
    assert device is not None
    assert device.read_at(0, 4) == b"A018"
    with pytest.raises(DeviceError, match="beyond the end"):
        device.read_at(3 * EXTENT, 10)


def test_a_slice_ends_where_it_ends() -> None:
    piece = Slice(Memory(b"0123456789"), 2, 5)
    assert piece.read_at(3, 100) == b"56"
    assert piece.read_at(5, 1) == piece.read_at(-1, 3) == b""


def test_the_text_has_sections_numbers_strings_and_lists() -> None:
    text = 'a { b = 1 # c\n d = "x \\"y\\" \\\\" e = ["f", 2,\n-3] g { } h.i-j+k = 1.5 }\nz = []'
    assert parse(text) == {"a": {"b": 1, "d": 'x "y" \\', "e": ["f", 2, -3], "g": {}, "h.i-j+k": 1.5}, "z": []}


@pytest.mark.parametrize(
    "text", ["a", "a {", "a = ", "a = [1", "a = {", "}", "= 1", '"a" = 1', "a = b", 'a = "', "a = [1 = 2]", "a { " * 50,
             "a = " + "9" * 40, "a $ 1", "a = [[1]]"],
)  # fmt: skip
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LvmTextError):
        parse(text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_wrong_texts_never_raise(data: st.DataObject) -> None:
    text = group_text(volume("root", segment(1, 0, 2, '"pv0", 3'), segment(2, 2, 1, '"pv0", 9')))
    words = [
        "{",
        "}",
        "=",
        "[",
        "]",
        '"',
        "0",
        "-1",
        "99999999999999999",
        "striped",
        "pv0",
        "segment1",
        "\n",
        "#",
        "vg0",
    ]
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(words)) + text[at + data.draw(st.integers(0, 8)) :]
    found = assemble([opened(Memory(physical(text, extents=12)))])
    for item in found.logical:
        if item.device is not None:
            with contextlib.suppress(DeviceError):
                assert len(item.device.read_at(0, 4096)) <= 4096
