"""VMDK: each thing that the guard refuses, and what it lets pass beside it."""

import struct
from typing import Any

import pytest

from tests.images.hostile import vmdk
from tests.images.hostile.looking import look, refusal
from tests.images.hostile.vmdk import CAPACITY, DIRECTORY, GRAIN, TABLE, descriptor

SPARSE = f'RW {CAPACITY} SPARSE "disk.vmdk"'

REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("version 4", "AbsurdHeader", {"version": 4}),
    ("no capacity: QEMU follows the descriptor", "ForeignExtents", {"capacity": 0}),
    ("grains of 0", "AbsurdHeader", {"grain": 0}),
    ("grains of 100 sectors", "AbsurdHeader", {"grain": 100}),
    ("grains of 2^40 sectors", "AbsurdHeader", {"grain": 1 << 40}),
    ("no descriptor", "ForeignExtents", {"descriptor": 0}),
    ("a descriptor of 0 sectors", "ForeignExtents", {"descriptor_sectors": 0}),
    ("a descriptor elsewhere: QEMU reads sector 1", "AbsurdHeader", {"descriptor": 2}),
    ("a descriptor beyond the end", "AbsurdHeader", {"descriptor": 1 << 50}),
    ("a descriptor of exabytes", "AbsurdHeader", {"descriptor_sectors": 1 << 50}),
    ("a descriptor cut off", "TruncatedImage", {"descriptor_sectors": 500}),
    ("grain tables of 0 entries", "AbsurdHeader", {"entries": 0}),
    ("grain tables of 2^32 entries", "AbsurdHeader", {"entries": 0xFFFF_FFFF}),
    ("a directory beyond the end", "TruncatedImage", {"directory": 1 << 50}),
    ("a second directory beyond the end", "TruncatedImage", {"flags": 3, "redundant": 1 << 50}),
    ("a footer that is not there", "TruncatedImage", {"directory": vmdk.AT_END}),
    ("a transfer in text mode", "DamagedImage", {"newlines": b"\n \n\n"}),
    ("a compression that nobody knows", "AbsurdHeader", {"compression": 9}),
    ("a size bomb in the directory", "TruncatedImage",
     {"capacity": 1 << 50, "text": descriptor(extents=[f'RW {1 << 50} SPARSE "disk.vmdk"'])}),
    ("a disk of 64 TiB", "TooLarge",
     {"capacity": 1 << 37, "grain": 65536, "directory_entries": [0], "grains": [],
      "text": descriptor(extents=[f'RW {1 << 37} SPARSE "disk.vmdk"'])}),
    # loops and cuts
    ("a grain table that is the directory", "AbsurdHeader", {"directory_entries": [DIRECTORY]}),
    ("a grain table in the header", "AbsurdHeader", {"directory_entries": [1]}),
    ("a grain table twice", "AbsurdHeader",
     {"directory_entries": [TABLE, TABLE], "capacity": 1 << 17, "text": descriptor(extents=[f'RW {1 << 17} SPARSE "d"'])}),
    ("grain tables that overlap", "AbsurdHeader",
     {"directory_entries": [TABLE, TABLE + 1], "capacity": 1 << 17,
      "text": descriptor(extents=[f'RW {1 << 17} SPARSE "d"'])}),
    ("a grain table beyond the end", "TruncatedImage", {"directory_entries": [1 << 30]}),
    ("a grain beyond the end", "TruncatedImage", {"grains": [1 << 30]}),
    ("a grain in the descriptor", "AbsurdHeader", {"grains": [5]}),
]  # fmt: skip

#: Descriptors; a code, and the text.
DESCRIPTORS: list[tuple[str, str, bytes]] = [
    ("flat", "ForeignExtents", descriptor("monolithicFlat", [f'RW {CAPACITY} FLAT "/etc/shadow" 0'])),
    ("flat, by its extent alone", "ForeignExtents", descriptor(extents=[f'RW {CAPACITY} FLAT "disk.vmdk" 0'])),
    ("ESX", "ForeignExtents", descriptor("vmfsSparse")),
    ("a device", "ForeignExtents", descriptor("fullDevice", [f'RW {CAPACITY} FLAT "/dev/sda" 0'])),
    ("a device, by its extent alone", "ForeignExtents", descriptor(extents=[f'RW {CAPACITY} SPARSE "/dev/sda"'])),
    ("a raw device map", "ForeignExtents", descriptor("vmfsRawDeviceMap", [f'RW {CAPACITY} VMFSRDM "disk-rdm.vmdk"'])),
    ("out of the directory", "ForeignExtents", descriptor(extents=[f'RW {CAPACITY} SPARSE "../../etc/shadow"'])),
    ("Windows paths", "ForeignExtents", descriptor(extents=[f'RW {CAPACITY} SPARSE "C:\\\\secret.vmdk"'])),
    ("several extents", "ForeignExtents", descriptor(extents=[SPARSE, 'RW 8 SPARSE "b.vmdk"'])),
    ("an extent behind the own one", "ForeignExtents", descriptor(extents=[SPARSE, 'RW 8 FLAT "/etc/shadow" 0'])),
    ("no extent", "ForeignExtents", descriptor(extents=[])),
    ("zeros as an extent", "ForeignExtents", descriptor(extents=[f"RW {CAPACITY} ZERO"])),
    ("split", "ForeignExtents", descriptor("twoGbMaxExtentSparse")),
    ("no type", "ForeignExtents", b"# Disk DescriptorFile\nversion=1\n" + SPARSE.encode() + b"\n"),
    ("empty", "ForeignExtents", b""),
    ("a parent by its CID", "BackingFile", descriptor(parent_cid="12345678")),
    ("a parent by its name", "BackingFile", descriptor(more=['parentFileNameHint="/etc/shadow"'])),
    ("a parent in a comment: QEMU opens it", "BackingFile", descriptor(more=['#parentFileNameHint="/etc/shadow"'])),
    ("a parent in another field: QEMU opens it", "AbsurdHeader",
     descriptor(more=['ddb.note = parentFileNameHint="/etc/shadow"'])),
    ("another size than the header", "AbsurdHeader", descriptor(extents=['RW 99999 SPARSE "disk.vmdk"'])),
    ("a size of a thousand digits", "AbsurdHeader", descriptor(extents=[f'RW {"9" * 1000} SPARSE "disk.vmdk"'])),
    ("encrypted", "EncryptedImage", descriptor(more=['encryption.keySafe = "vmware:key/list/"'])),
    ("a field twice", "AbsurdHeader", descriptor(more=["version=2"])),
    ("a line that nobody knows", "AbsurdHeader", descriptor(more=["anything else"])),
]  # fmt: skip

STREAMS: list[tuple[str, str, dict[str, Any]]] = [
    ("another marker", "TruncatedImage", {"marker": struct.pack("<QII", 1, 0, 2)}),
    ("a marker with data", "AbsurdHeader", {"marker": struct.pack("<QII", 1, 512, 3)}),
    ("a marker with more in it", "AbsurdHeader", {"marker_pad": b"\1"}),
    ("no end of stream", "AbsurdHeader", {"end_of_stream": struct.pack("<QII", 1, 0, 0)}),
    ("a footer that speaks of another", "AbsurdHeader", {"footer": {"directory": vmdk.AT_END}}),
    ("a footer without magic", "AbsurdHeader", {"footer": {"magic": b"leak"}}),
    ("a footer of another version", "AbsurdHeader", {"footer": {"version": 2}}),
    ("a footer with another descriptor", "AbsurdHeader", {"footer": {"descriptor": 2}}),
    ("a footer with a longer descriptor", "AbsurdHeader", {"footer": {"descriptor_sectors": 30}}),
    ("a footer with another size", "AbsurdHeader", {"footer": {"capacity": 1 << 40}}),
    ("a footer without capacity", "AbsurdHeader", {"footer": {"capacity": 0}}),
    ("a footer with other grains", "AbsurdHeader", {"footer": {"grain": 64}}),
    ("a directory beyond the end", "TruncatedImage", {"footer": {"directory": 1 << 50}}),
    ("not whole sectors: there may be a second footer", "AbsurdHeader", {"padding": b"x"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fields"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(code: str, fields: dict[str, Any]) -> None:
    assert refusal(vmdk.image(**fields)).code == code


@pytest.mark.parametrize(("code", "text"), [case[1:] for case in DESCRIPTORS], ids=[case[0] for case in DESCRIPTORS])
def test_descriptors_refused(code: str, text: bytes) -> None:
    assert refusal(vmdk.image(text=text)).code == code


@pytest.mark.parametrize("line", ['parentFileNameHint="/etc/shadow"', "#parentFileNameHint = /etc/shadow"])
def test_the_parent_is_named(line: str) -> None:
    assert refusal(vmdk.image(text=descriptor(more=[line]))).message.endswith("'/etc/shadow'")


@pytest.mark.parametrize(("code", "fields"), [case[1:] for case in STREAMS], ids=[case[0] for case in STREAMS])
def test_streams_refused(code: str, fields: dict[str, Any]) -> None:
    assert refusal(vmdk.stream(**fields)).code == code


def test_a_parent_behind_the_descriptors_end() -> None:
    """QEMU reads twenty sectors, even where the header says that the descriptor has two."""
    text = descriptor().ljust(1023, b"#") + b'\nparentFileNameHint="/etc/shadow"\n'
    error = refusal(vmdk.image(text=text, descriptor_sectors=2))
    assert error.code == "BackingFile"
    assert "/etc/shadow" in error.message


@pytest.mark.parametrize(
    "data",
    [
        vmdk.image(),
        vmdk.stream(),
        vmdk.image(version=3),
        vmdk.image(grains=[0, 1]),
        vmdk.image(grains=[GRAIN, GRAIN]),
        vmdk.image(directory_entries=[0]),
        vmdk.image(text=descriptor(extents=[f'RW {CAPACITY - 5} SPARSE "disk.vmdk"'])),
        vmdk.image(text=descriptor(extents=[f'RW {CAPACITY} SPARSE "磁盘.vmdk"'])),
        vmdk.image(text=descriptor(more=['ddb.uuid = "60 00"', 'ddb.uuid = "61 00"'])),
        vmdk.image(text=descriptor().replace(b"\n", b"\r\n")),
    ],
    ids=lambda _: "",
)
def test_passes(data: bytes) -> None:
    assert look(data).virtual_bytes == CAPACITY * 512


ALONE = descriptor("monolithicFlat", ['RW 8 FLAT "/etc/shadow" 0'])


@pytest.mark.parametrize("front", [b"", b"\n\n", b"# harmless\n#\n", b"   \n"])
def test_a_descriptor_alone(front: bytes) -> None:
    error = refusal(front + (ALONE if not front.strip() else ALONE.partition(b"\n")[2]), "disk.vmdk")
    assert error.code == "ForeignExtents"
    assert "/etc/shadow" in error.message


def test_an_extent_of_esx() -> None:
    assert refusal(b"COWD" + bytes(2000), "disk.vmdk").code == "ForeignExtents"


@pytest.mark.parametrize("length", [4, 78, 79, 511, 512, 1024, 30 * 512, 100 * 512])
def test_cut_off(length: int) -> None:
    assert refusal(vmdk.image()[:length]).code == "TruncatedImage"
