"""Bytes that are no image of ours, that claim to be another, or that are two things at once."""

from __future__ import annotations

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import inspect
from imgmove.images.headers.image_bytes import ImageBytes
from tests.images.hostile import archives, qcow2, vdi, vhd, vmdk
from tests.images.hostile.disks import MIB, cd, entry, gpt, mbr, with_bytes
from tests.images.hostile.looking import CountingReader, look, refusal

DISK = mbr(entry(0x83))
LUKS = b"LUKS\xba\xbe\0\1".ljust(4096, b"\0")

FOREIGN: list[tuple[str, str, bytes]] = [
    ("VHDX", "NotAnImage", b"vhdxfile"),
    ("QED", "NotAnImage", b"QED\0"),
    ("QED with a boot signature", "NotAnImage", b"QED\0" + DISK[4:]),
    ("COW", "NotAnImage", b"OOOM\xff\xff\xff\xff"),
    ("Parallels", "NotAnImage", b"WithoutFreeSpace"),
    ("Bochs", "NotAnImage", b"Bochs Virtual HD Image"),
    ("cloop", "NotAnImage", b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop"),
    ("ZIP", "NotAnImage", b"PK\x03\x04"),
    ("xz", "NotAnImage", b"\xfd7zXZ\0"),
    ("zstd", "NotAnImage", b"\x28\xb5\x2f\xfd"),
    ("bzip2", "NotAnImage", b"BZh91AY"),
    ("an OVA", "NotAnImage", archives.member(b"<Envelope/>", b"machine.ovf")),
    ("a gzip file", "NotAnImage", archives.packed(b"a log\n" * 99)),
    ("a CD", "NotAnImage", cd()),
    ("a DVD", "NotAnImage", with_bytes(b"", 0x8000, b"\0BEA01\1" + bytes(2041))),
    ("qcow, version 1", "AbsurdHeader", b"QFI\xfb\0\0\0\1" + bytes(100)),
]


@pytest.mark.parametrize(("code", "head"), [case[1:] for case in FOREIGN], ids=[case[0] for case in FOREIGN])
def test_refused_by_name_on_every_disk(code: str, head: bytes) -> None:
    data = head.ljust(max(len(head), 4096), b"\0")
    assert refusal(data, "data.raw").code in {code, "FormatMismatch"}
    assert refusal(data, "cos://b-1/disk.img", system_disk=True).code in {code, "FormatMismatch"}
    assert refusal(data).code == code


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "disk.raw", "empty"),
        (bytes(4096), "disk.raw", "zeros"),
        (b"\n<!doctype html><p>404", "disk.raw", "markup"),
        (b'{"error": 1}', "disk.raw", "the text '{\"error\": 1}'"),
        (LUKS, "disk.raw", "LUKS"),
        (b"vhdxfile" + bytes(600), "disk.raw", "VHDX"),
        (cd(DISK), "disk.raw", "ISO 9660"),
        (bytes(4096), "disk.qcow2", "zeros"),
    ],
)
def test_what_a_system_disk_is_instead_is_said(data: bytes, name: str, said: str) -> None:
    assert said in refusal(data, name, system_disk=True).message


def test_a_disk_of_data_may_hold_what_it_likes() -> None:
    """No partition table, encrypted by the machine itself, an old CD's bytes in front of the first partition."""
    assert look(bytes(4096), "data.raw").format is None
    luks = look(LUKS, "data.raw")
    assert luks.format is None
    assert "LUKS" in luks.notes[0]
    assert refusal(LUKS, "disk.raw", system_disk=True).code == "EncryptedImage"
    assert refusal(LUKS, "disk.qcow2").code == "EncryptedImage"
    old_cd = look(cd(DISK), "data.raw")
    assert old_cd.format is DiskFormat.RAW
    assert "ISO 9660" in old_cd.notes[0]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (qcow2.image(), "qcow2"),
        (vmdk.image(), "vmdk"),
        (vhd.image(), "vhd"),
        (vhd.fixed(DISK), "vhd"),
        (vdi.image(), "vdi"),
        (DISK, "raw"),
        (gpt(), "raw"),
        (archives.packed(archives.member(DISK), archives.END), "raw.tar.gz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_format_is_what_the_bytes_say(data: bytes, found: str) -> None:
    wrong = next(kind for kind in DiskFormat if kind.value != found)
    error = refusal(data, "disk", wrong)
    assert error.code == "FormatMismatch"
    assert f"is said to be {wrong.value} and is {found}" in error.message
    assert look(data, "disk", DiskFormat(found)).format is DiskFormat(found)
    assert look(data, f"disk.{found}", system_disk=True).format is DiskFormat(found)


FOOTER = vhd.footer()
TWO_AT_ONCE: list[tuple[str, bytes]] = [
    ("qcow2 and VHD", qcow2.image() + FOOTER),
    ("VMDK and VHD", vmdk.image() + FOOTER),
    ("VDI and VHD", vdi.image() + FOOTER),
    ("VDI and qcow2", with_bytes(vdi.image(), 0, b"QFI\xfb")),
    ("VDI and VMDK", with_bytes(vdi.image(), 0, b"KDMV")),
    ("an archive and VHD", archives.packed(archives.member(DISK), archives.END) + FOOTER),
    ("qcow2 and a partitioned disk", with_bytes(qcow2.image(), 446, entry(0xEE, 1) + bytes(48) + b"\x55\xaa")),
    ("VMDK and a partitioned disk", with_bytes(vmdk.image(), 510, b"\x55\xaa")),
    ("VDI and a partitioned disk", with_bytes(vdi.image(), 510, b"\x55\xaa")),
    ("qcow2 and a CD", with_bytes(qcow2.image(), 0x8000, b"\1CD001\1")),
    ("VMDK and a CD", with_bytes(vmdk.image(), 0x8000, b"\1CD001\1")),
    ("a descriptor and qcow2", with_bytes(vmdk.descriptor().ljust(4096, b"\0"), 0, b"QFI\xfb")),
]


@pytest.mark.parametrize("data", [case[1] for case in TWO_AT_ONCE], ids=[case[0] for case in TWO_AT_ONCE])
def test_two_things_at_once(data: bytes) -> None:
    assert refusal(data).code in {"AmbiguousFormat", "AbsurdHeader"}
    assert refusal(data, declared=DiskFormat.RAW).code in {"AmbiguousFormat", "FormatMismatch"}


def test_a_disk_of_a_guest_that_begins_like_an_image() -> None:
    """CVE-2024-32498's other way in: a raw disk whose guest wrote a header, for whoever guesses the format later."""
    evil = qcow2.image(backing_offset=4096, backing_bytes=11, text=b"/etc/shadow")
    assert refusal(evil, "disk.raw").code == "FormatMismatch"
    assert refusal(evil, "disk", DiskFormat.RAW).code == "FormatMismatch"
    assert refusal(vhd.fixed(evil), "disk.vhd").code == "AmbiguousFormat"
    assert refusal(archives.packed(archives.member(evil), archives.END)).code == "FormatMismatch"


def test_sizes_that_are_too_large_for_the_destination() -> None:
    assert refusal(gpt(2 * MIB), limit_bytes=MIB).code == "TooLarge"
    assert refusal(DISK, claimed_bytes=33 << 40).code == "TooLarge"


def test_a_reader_that_gives_too_little_is_noticed_and_too_much_is_not_used() -> None:
    data = qcow2.image()
    half = ImageBytes(len(data), lambda offset, length: data[offset : offset + length // 2])
    with pytest.raises(ImgmoveError) as caught:
        inspect("x", half, system_disk=True)
    assert caught.value.code == "TruncatedImage"
    more = ImageBytes(len(data), lambda offset, length: data[offset : offset + length * 2])
    assert inspect("x", more, system_disk=True).virtual_bytes == MIB


@pytest.mark.parametrize("fails_at", [0, 1])
def test_other_errors_of_a_reader_pass(fails_at: int) -> None:
    reader = CountingReader(qcow2.image())

    def read(offset: int, length: int) -> bytes:
        if len(reader.asked) == fails_at:
            raise ImgmoveError(Kind.UNAVAILABLE, "the store is away")
        return reader(offset, length)

    with pytest.raises(ImgmoveError) as caught:
        inspect("x", ImageBytes(reader.size_bytes, read), system_disk=True)
    assert str(caught.value) == "the store is away"
