"""`.raw.tar.gz`: what the guard sees of it, and what unpacking refuses of the rest."""

from __future__ import annotations

import random
import struct
import time
from collections import deque
from collections.abc import Iterator

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.inflate import Gunzip
from imgmove.images.tar_stream import open_tar
from tests.images.hostile import qcow2, vhd
from tests.images.hostile.archives import BLOCK, END, header, member, number, packed, padded, pax, record
from tests.images.hostile.disks import MIB, cd, entry, mbr
from tests.images.hostile.looking import look, refusal

DISK = mbr(entry(0x83), size_bytes=64 << 10)
PLAIN = member(DISK)


def old_gnu_map(*pairs: tuple[int, int], real_bytes: int = MIB, more: bool = False) -> bytes:
    entries = b"".join(number(offset) + number(length) for offset, length in pairs)
    return entries.ljust(96, b"\0") + (b"\1" if more else b"\0") + number(real_bytes)


def sparse(stored: bytes, *pairs: tuple[int, int], real_bytes: int = MIB) -> bytes:
    return header(size=len(stored), kind=b"S", sparse=old_gnu_map(*pairs, real_bytes=real_bytes)) + padded(stored)


REFUSED: list[tuple[str, str, bytes]] = [
    ("nothing in it", "DamagedTar", header(b"folder", kind=b"5") + END),
    ("several disks", "SeveralFiles", PLAIN + PLAIN),
    ("a second archive behind the first", "SeveralFiles", PLAIN + END + PLAIN),
    ("bytes behind the end", "SeveralFiles", PLAIN + END + b"x"),
    ("cut off", "TruncatedTar", PLAIN[: -4 * BLOCK]),
    ("a symbolic link", "NotAPlainFile", header(kind=b"2", link=b"/etc/shadow") + END),
    ("a link in front of the disk", "NotAPlainFile", header(kind=b"2", link=b"/etc/shadow") + PLAIN),
    ("a hard link", "NotAPlainFile", header(kind=b"1", link=b"/etc/shadow") + PLAIN),
    ("a device", "NotAPlainFile", header(kind=b"4") + PLAIN),
    ("a character device", "NotAPlainFile", header(kind=b"3") + PLAIN),
    ("a pipe", "NotAPlainFile", header(kind=b"6") + PLAIN),
    ("a kind that nobody knows", "NotAPlainFile", header(kind=b"Z") + PLAIN),
    ("a folder with a size", "NotAPlainFile", header(b"folder", 512, b"5") + PLAIN),
    ("a link behind the disk", "NotAPlainFile", PLAIN + header(kind=b"2", link=b"/etc/shadow") + END),
    ("out of the folder", "AbsurdName", member(DISK, b"../../etc/cron.d/x")),
    ("out of the folder, by the prefix", "AbsurdName", header(size=len(DISK), folder=b"../../etc/cron.d") + DISK),
    ("out of the folder, by PAX", "AbsurdName", pax({"path": "a/../../b"}) + PLAIN),
    ("a name with an escape sequence", "AbsurdName", member(DISK, b"\x1b[2J.raw")),
    ("a name of a megabyte", "AbsurdName", pax({"path": "n" * 5000}) + PLAIN),
    ("a long name of GNU's", "AbsurdName", member(b"n" * 5000, b"././@LongLink", b"L") + PLAIN),
    ("a wrong checksum", "DamagedTar", header(checksum=1) + DISK),
    ("a negative size", "DamagedTar", header(size=b"\xff" * 12) + DISK),
    ("a size with a sign", "DamagedTar", header(size=b"-0000000005\0") + DISK),
    ("a size of words", "DamagedTar", header(size=b"0o777777777\0") + DISK),
    ("a size of 2^94", "TooLarge", header(size=b"\xbf" + b"\xff" * 11) + DISK),
    ("a size of 33 TiB", "TooLarge", header(size=number(33 << 40)) + DISK),
    ("an extended header of 2 GiB", "DamagedTar", header(b"pax", 2 << 30, b"x") + bytes(BLOCK)),
    ("extended headers without end", "DamagedTar", pax({"comment": "c" * 900_000}) * 12 + PLAIN),
    ("a PAX record of length 0", "DamagedTar", pax(b"0 a=b\n") + PLAIN),
    ("a PAX record without a length", "DamagedTar", pax(b"a=b\n") + PLAIN),
    ("a PAX record that is too long", "DamagedTar", pax(b"99 a=b\n") + PLAIN),
    ("a PAX length of 5000 digits", "DamagedTar", pax(b"9" * 5000 + b" a=b\n") + PLAIN),
    ("a size for all members", "DamagedTar", pax({"size": "512"}, b"g") + PLAIN),
    ("a name for all members", "DamagedTar", pax({"path": "a"}, b"g") + PLAIN),
    ("a PAX size that is no number", "DamagedTar", pax({"size": "many"}) + PLAIN),
    ("a PAX size of 100 digits", "DamagedTar", pax({"size": "9" * 100}) + PLAIN),
    # sparse maps
    ("extents that overlap", "DamagedTar", sparse(bytes(1024), (0, 512), (256, 512))),
    ("extents that fall", "DamagedTar", sparse(bytes(1024), (4096, 512), (0, 512))),
    ("an extent beyond the disk", "DamagedTar", sparse(bytes(512), (MIB, 512))),
    ("extents without data", "DamagedTar", sparse(bytes(512), (0, 1024))),
    ("a sparse disk of exabytes", "TooLarge", sparse(bytes(512), (0, 512), real_bytes=1 << 60)),
    ("an odd map", "DamagedTar", pax({"GNU.sparse.map": "0,512,1024", "GNU.sparse.size": "4096"}) + PLAIN),
    ("a map without a size", "DamagedTar", pax({"GNU.sparse.map": "0,65536"}) + PLAIN),
    ("a map of signs", "DamagedTar", pax({"GNU.sparse.map": "-1,+2", "GNU.sparse.size": "4096"}) + PLAIN),
    ("a map in front with 2^60 entries", "DamagedTar",
     pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": "4096"}) + member(b"1152921504606846976\n")),
    ("a map in front longer than the file", "DamagedTar",
     pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": "4096"}) + member(b"9\n0\n") + bytes(8192)),
    ("a map in front that is no map", "DamagedTar",
     pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": "4096"}) + PLAIN),
    # what is in the disk's place
    ("a qcow2", "FormatMismatch", member(qcow2.image()[: 64 << 10])),
    ("a VHD", "FormatMismatch", member(vhd.image()[: 64 << 10])),
    ("an archive once more", "FormatMismatch", member(packed(PLAIN, END))),
    ("a ZIP", "FormatMismatch", member(b"PK\3\4" + bytes(600))),
    ("a CD", "FormatMismatch", member(cd())),
]  # fmt: skip


#: What stands farther behind than the guard looks.
FAR = "extended headers without end"


@pytest.mark.parametrize(("code", "tar"), [case[1:] for case in REFUSED if case[0] != FAR],
                         ids=[case[0] for case in REFUSED if case[0] != FAR])  # fmt: skip
def test_refused(code: str, tar: bytes) -> None:
    assert refusal(packed(tar, END), "x.raw.tar.gz").code == code


@pytest.mark.parametrize(("code", "tar"), [case[1:] for case in REFUSED if case[1] != "FormatMismatch"],
                         ids=[case[0] for case in REFUSED if case[1] != "FormatMismatch"])  # fmt: skip
def test_refused_while_it_is_unpacked(code: str, tar: bytes) -> None:
    with pytest.raises(ImgmoveError) as caught:
        deque(open_tar(iter([tar, END])).runs, maxlen=0)
    assert (caught.value.kind, caught.value.code) == (Kind.CORRUPT, code)


@pytest.mark.parametrize(
    "tar",
    [
        PLAIN,
        PLAIN + END,
        PLAIN + END + bytes(20 * BLOCK),
        header(b"folder/", kind=b"5") + PLAIN + END,
        header(size=len(DISK), folder=b"folder") + DISK + END,
        pax({"path": "folder/磁盘.raw", "comment": "c"}) + PLAIN + END,
        pax({"comment": "c"}, b"g") + PLAIN + END,
        member(b"n" * 200 + b"\0", b"././@LongLink", b"L") + PLAIN + END,
        sparse(DISK[:512], (0, 512), real_bytes=len(DISK)) + END,
        pax({"GNU.sparse.map": f"0,{len(DISK)}", "GNU.sparse.size": str(len(DISK))}) + PLAIN + END,
    ],
    ids=lambda _: "",
)
def test_passes(tar: bytes) -> None:
    facts = look(packed(tar), "x.raw.tar.gz", system_disk=True)
    assert (facts.format, facts.virtual_bytes) == (DiskFormat.RAW_TAR_GZ, len(DISK))


def test_a_disk_of_data_in_an_archive_may_be_encrypted() -> None:
    assert "LUKS" in look(packed(member(b"LUKS\xba\xbe\0\1".ljust(512, b"\0")), END)).notes[0]


def random_archive() -> bytes:
    chance = random.Random(4)
    return packed(member(DISK + chance.randbytes(2 * MIB)), END)


def test_of_a_large_archive_only_the_beginning_is_read() -> None:
    data = random_archive()
    facts = look(data, "x.raw.tar.gz")
    assert facts.virtual_bytes == len(DISK) + 2 * MIB
    assert look(data[: MIB // 2], claimed_bytes=len(data)).virtual_bytes == facts.virtual_bytes


def test_a_disk_that_the_archive_cannot_hold() -> None:
    front = packed(header(size=1 << 40) + DISK + bytes(MIB))
    assert "cannot hold" in refusal(front, "x.raw.tar.gz").message
    assert refusal(packed(header(size=1 << 40) + DISK), "x.raw.tar.gz").code == "TruncatedTar"
    far = random_archive()[: MIB // 2]
    assert look(far, claimed_bytes=MIB).virtual_bytes  # 2 MiB of it: may be
    bomb = packed(header(size=1 << 40) + DISK + random.Random(5).randbytes(MIB))
    assert refusal(bomb, "x.raw.tar.gz").code == "TruncatedImage"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("TruncatedGzip", packed(PLAIN, END)[:-4]),
        ("DamagedGzip", packed(PLAIN, END)[:-8] + bytes(8)),
        ("DamagedGzip", packed(PLAIN, END) + b"garbage behind the end"),
        ("NotAnImage", packed(PLAIN, END)[:-200] + b"\xff" * 200),
        ("SeveralFiles", packed(PLAIN, END) + packed(PLAIN, END)),
    ],
)
def test_gzip_that_is_damaged(code: str, data: bytes) -> None:
    assert refusal(data, "x.raw.tar.gz").code == code


def unpacked(data: bytes, step: int = 8 * MIB) -> Iterator[bytes]:
    gunzip = Gunzip()
    for start in range(0, len(data), step):
        yield from gunzip.feed(data[start : start + step])
    gunzip.finish()


def test_a_bomb_is_inflated_in_small_pieces() -> None:
    """64 MiB of zeros in 64 KiB, a thousandfold: no piece is larger than one MiB."""
    sizes = [len(piece) for piece in unpacked(packed(bytes(64 * MIB), level=9))]
    assert sum(sizes) == 64 * MIB
    assert max(sizes) <= MIB


def test_a_million_tiny_members_take_no_longer_than_their_bytes() -> None:
    data = packed(b"") * 50_000 + packed(b"end")
    started = time.process_time()
    assert b"".join(unpacked(data)) == b"end"
    assert time.process_time() - started < 20


def test_hostile_headers_cost_no_more_than_their_bytes() -> None:
    """A PAX header of a quarter of a million records, and a map of as many holes."""
    started = time.process_time()
    records = pax(record("a", "") * 130_000)
    assert open_tar(iter([records + PLAIN])).size_bytes == len(DISK)
    count = 200_000
    lines = b"".join(b"%d\n0\n" % offset for offset in range(count))
    text = padded(b"%d\n" % count + lines)
    sparse_pax = pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": str(count)})
    assert open_tar(iter([sparse_pax + header(size=len(text)) + text])).size_bytes == count
    assert time.process_time() - started < 20


def test_a_gzip_header_that_goes_on_and_on() -> None:
    front = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 400_000
    assert refusal(front, "x.raw.tar.gz").code == "NotAnImage"
    extra = b"\x1f\x8b\x08\x04" + bytes(6) + struct.pack("<H", 0xFFFF)
    assert refusal(extra + bytes(70_000), "x.raw.tar.gz").code == "NotAnImage"
