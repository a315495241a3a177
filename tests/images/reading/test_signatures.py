"""What lies in a partition, as the tools that made it say: kinds, identities, labels, features, how it was left."""

import subprocess
from pathlib import Path

import pytest

from imgmove.images.reading.device import DeviceError
from imgmove.images.reading.signatures import recognise
from imgmove.images.reading.superblocks.signature import Signature
from tests.images.reading.conftest import ROOT_UUID
from tests.images.reading.looking import Memory, counted
from tests.images.real.disks import signatures
from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty
from tests.tools import program

MIB = 1 << 20
RAID = b"\xfc\x4e\x2b\xa9"


def signature_of(path: Path) -> Signature:
    return recognise(counted(path).pages())


def ext(path: Path, *options: str, size: int = 16 * MIB) -> Path:
    run("e2fsprogs", "mke2fs", "-q", "-F", "-U", ROOT_UUID, "-L", "a label", *options, empty(path, size))
    return path


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_ext_has_the_features_that_dumpe2fs_says(tmp_path: Path, kind: str) -> None:
    disk = ext(tmp_path / "disk", "-t", kind)
    found = signature_of(disk)
    told = dict(line.split(":", 1) for line in run("e2fsprogs", "dumpe2fs", "-h", disk).splitlines() if ":" in line)
    assert (found.kind, found.uuid, found.label, found.is_clean) == (kind, ROOT_UUID, "a label", True)
    assert set(found.features) == set(told["Filesystem features"].split())
    assert found.free_bytes == int(told["Free blocks"]) * int(told["Block size"])


@pytest.mark.parametrize(
    "features", ["64bit,metadata_csum,project,quota,orphan_file", "metadata_csum_seed,inline_data,ea_inode,encrypt,verity",
                 "mmp,large_dir,sparse_super2,fast_commit,stable_inodes"],
)  # fmt: skip
def test_the_newer_features_of_ext4_have_names(tmp_path: Path, features: str) -> None:
    assert set(features.split(",")) <= set(signature_of(ext(tmp_path / "disk", "-t", "ext4", "-O", features)).features)


def test_an_ext4_that_was_not_unmounted_is_not_clean(tmp_path: Path) -> None:
    disk = ext(tmp_path / "disk", "-t", "ext4")
    run("e2fsprogs", "debugfs", "-w", "-R", "feature needs_recovery", disk)
    assert signature_of(disk).is_clean is False


def test_an_external_journal_is_no_file_system(tmp_path: Path) -> None:
    assert signature_of(ext(tmp_path / "disk", "-O", "journal_dev", size=8 * MIB)).kind == "ext-journal"


@pytest.mark.parametrize(
    ("options", "there", "absent"),
    [([], {"crc", "ftype", "finobt", "sparse", "reflink"}, {"bigtime", "nrext64"}),
     (["-m", "bigtime=1,inobtcount=1,rmapbt=1"], {"crc", "bigtime", "inobtcount", "rmapbt"}, {"nrext64"}),
     (["-m", "crc=0", "-n", "ftype=0"], {"dirv2"}, {"crc", "ftype"}),
     (["-m", "crc=0"], {"ftype"}, {"crc"})],
)  # fmt: skip
def test_xfs_by_the_names_of_xfs_info(tmp_path: Path, options: list[str], there: set[str], absent: set[str]) -> None:
    disk = empty(tmp_path / "disk", 300 * MIB)
    given = ["-m", f"{options[1]},bigtime=0"] if options[:1] == ["-m"] and "crc=0" in options[1] else options
    given = given or ["-m", "bigtime=0", "-i", "nrext64=0"]
    run("xfsprogs", "mkfs.xfs", "-q", "-f", "-L", "xroot", *given, *options[2:], disk)
    found = signature_of(disk)
    assert (found.kind, found.label, found.is_clean) == ("xfs", "xroot", None)
    assert there <= set(found.features)
    assert not absent & set(found.features)
    assert found.uuid in run("xfsprogs", "xfs_db", "-r", "-c", "sb 0", "-c", "p uuid", disk)


def test_ntfs_and_the_flag_of_its_volume(tmp_path: Path) -> None:
    disk = empty(tmp_path / "disk", 16 * MIB)
    run("ntfs-3g", "mkntfs", "-q", "-F", "-Q", "-L", "System Ä", disk)
    found = signature_of(disk)
    assert (found.kind, found.label, found.features) == ("ntfs", "System Ä", ("version-3.1",))
    assert len(found.uuid) == 16
    assert found.is_clean in {True, False}
    data = bytearray(disk.read_bytes())
    at = data.index(b"FILE", 16 * 1024 + 3 * 1024)
    flags = data.index(bytes([3, 1]), at + 0x100) + 2
    for bit, is_clean in ((0, True), (1, False)):
        data[flags] = bit
        assert recognise(Memory(data)).is_clean is is_clean


@pytest.mark.parametrize(("bits", "size"), [(12, 4 * MIB), (16, 32 * MIB), (32, 64 * MIB)])
def test_fat_and_how_it_was_left(tmp_path: Path, bits: int, size: int) -> None:
    disk = empty(tmp_path / "disk", size)
    run("dosfstools", "mkfs.vfat", "-F", str(bits), "-i", "abcd1234", "-n", "EFI", disk)
    found = signature_of(disk)
    assert found == Signature("fat", "ABCD-1234", "EFI", (f"fat{bits}",), None if bits == 12 else True)
    if bits != 12:
        data = bytearray(disk.read_bytes())
        reserved = int.from_bytes(data[14:16], "little") * 512
        data[reserved + (3 if bits == 16 else 7)] &= 0x77
        assert recognise(Memory(data)).is_clean is False


def test_swap_by_mkswap(tmp_path: Path) -> None:
    disk = empty(tmp_path / "disk", 4 * MIB)
    command = [program("mkswap", "util-linux"), "-q", "-L", "swp", "-U", ROOT_UUID, str(disk)]
    subprocess.run(command, check=True, capture_output=True)
    assert signature_of(disk) == Signature("swap", ROOT_UUID, "swp")


@pytest.mark.parametrize(
    ("made", "kind"), [("luks", "luks"), ("luks2", "luks"), ("mdraid", "mdraid"), ("zfs", "zfs"), ("btrfs", "btrfs"),
                       ("swap", "swap"), ("bitlocker", "bitlocker")],
)  # fmt: skip
def test_what_nobody_here_reads_is_known_by_name(tmp_path: Path, made: str, kind: str) -> None:
    assert signature_of(signatures.make(tmp_path / "disk", made)).kind == kind


def planted(offset: int, magic: bytes, size: int = MIB) -> Memory:
    data = bytearray(size)
    data[offset : offset + len(magic)] = magic
    return Memory(data)


@pytest.mark.parametrize(
    ("offset", "magic", "kind"),
    [(0, b"hsqs", "squashfs"), (0x8001, b"CD001", "iso9660"), (0x10034, b"ReIsEr2Fs", "reiserfs"), (0x8000, b"JFS1", "jfs"),
     (1024, b"\x10\x20\xf5\xf2", "f2fs"), (65536 + 1372, b"\x19\x01\x54\x19", "ufs"), (512, b"LABELONE", "lvm2-pv"),
     (0, RAID, "mdraid"), (MIB - 65536, RAID, "mdraid"), (MIB - 8192, RAID, "mdraid")],
)  # fmt: skip
def test_other_magics(offset: int, magic: bytes, kind: str) -> None:
    assert recognise(planted(offset, magic)).kind == kind


def test_a_raid_member_with_its_superblock_at_the_end_is_told_by_its_partition(tmp_path: Path) -> None:
    data = bytearray(ext(tmp_path / "disk", "-t", "ext4").read_bytes())
    data[len(data) - 65536 : len(data) - 65532] = RAID
    assert recognise(Memory(data)).kind == "ext4"
    assert recognise(Memory(data), role="raid").kind == "mdraid"


@pytest.mark.parametrize("data", [b"", bytes(100), bytes(MIB), b"\xff" * MIB, bytes(510) + b"\x55\xaa" + bytes(MIB)])
def test_nothing_is_nothing(data: bytes) -> None:
    assert recognise(Memory(data)) == Signature("")


def test_a_place_that_cannot_be_read_holds_nothing_we_know() -> None:
    class Broken:
        size_bytes = MIB

        def read_at(self, offset: int, length: int) -> bytes:
            raise DeviceError("the image is damaged")

    assert recognise(Broken()).kind == ""
