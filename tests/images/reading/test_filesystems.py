"""File systems made here by their own tools, with every feature: what is read is what was put there, or a clear refusal."""

import random
import re
from pathlib import Path

import pytest

from imgmove.images.guest.files import FileTreeError
from tests.images.reading.conftest import MIB, ROOT_UUID, ext4_of, small_tree
from tests.images.reading.looking import differences, guest_of, only_tree
from tests.images.real.disks import ext, fat, ntfs, xfs
from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty
from tests.images.real.tree import Tree

EXT = {
    "ext2": ["-t", "ext2"],
    "ext2 1k": ["-t", "ext2", "-b", "1024"],
    "ext3": ["-t", "ext3"],
    "ext4": ["-t", "ext4"],
    "ext4 64bit": ["-t", "ext4", "-O", "64bit,metadata_csum"],
    "ext4 without extents": ["-t", "ext4", "-O", "^extent,^64bit"],
    "ext4 large inodes": ["-t", "ext4", "-O", "ea_inode", "-I", "1024"],
    "ext4 bigalloc": ["-t", "ext4", "-O", "bigalloc"],
    "ext4 casefold": ["-t", "ext4", "-O", "casefold", "-E", "encoding=utf8"],
    "ext4 new": ["-t", "ext4", "-O", "orphan_file,metadata_csum_seed,project,quota,verity,encrypt"],
    "ext4 refused by libfsext": ["-t", "ext4", "-O", "mmp,large_dir,fast_commit,stable_inodes"],
    "ext4 sparse_super2": ["-t", "ext4", "-O", "sparse_super2,meta_bg,^resize_inode"],
    "ext4 128": ["-t", "ext4", "-I", "128"],
}
XFS = {
    "plain": [],
    "v4": ["-m", "crc=0"],
    "v4 without ftype": ["-m", "crc=0", "-n", "ftype=0"],
    "new": ["-m", "bigtime=1,inobtcount=1,rmapbt=1,reflink=1"],
    "nrext64": ["-i", "nrext64=1"],
    "without sparse inodes": ["-i", "sparse=0"],
    "1k": ["-b", "size=1024"],
    "large directories": ["-n", "size=16384"],
    "large inodes": ["-i", "size=2048"],
    "4k sectors": ["-s", "size=4096"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small_tree` as files, for mke2fs."""
    folder = tmp_path_factory.mktemp("files")
    for path, node in small_tree():
        place = folder / path.lstrip("/")
        if node.kind == "symlink":
            place.symlink_to(node.content.decode())
        elif node.kind == "directory":
            place.mkdir()
        else:
            place.write_bytes(node.content)
    return folder


@pytest.mark.parametrize("case", EXT)
def test_ext(folder: Path, tmp_path: Path, case: str) -> None:
    """300 MiB, so that there are several block groups with copies of the superblock."""
    disk = empty(tmp_path / "disk", 300 * MIB)
    run("e2fsprogs", "mke2fs", "-q", "-F", *EXT[case], "-d", folder, disk)
    guest = guest_of(disk)
    assert guest.layout.file_systems[0].unreadable == ""
    assert guest.root_where == "disk"
    assert guest.tree is not None
    assert differences(guest.tree, small_tree()) == []


@pytest.mark.parametrize("inode_bytes", [256, 1024])
def test_ext_contents_in_inodes_are_read_whole_or_refused(tmp_path: Path, inode_bytes: int) -> None:
    tree, folder = Tree(), tmp_path / "files"
    folder.mkdir()
    for length in (1, 59, 60, 61, 80, 150, 500, 5000):
        tree.file(f"/file{length}", "x" * length)
        tree.symlink(f"/link{length}", "y" * min(length, 250))
    for path, node in tree:
        if node.kind == "symlink":
            (folder / path[1:]).symlink_to(node.content.decode())
        else:
            (folder / path[1:]).write_bytes(node.content)
    disk = empty(tmp_path / "disk", 16 * MIB)
    run(
        "e2fsprogs", "mke2fs", "-q", "-F", "-t", "ext4", "-O", "inline_data", "-I", str(inode_bytes), "-d", folder, disk
    )
    found, refused = only_tree(disk), set()
    for path, node in tree:
        try:
            assert (found.read(path) if node.kind == "file" else (found.readlink(path) or "").encode()) == node.content
        except FileTreeError as error:
            refused.add(str(error).partition(": ")[2][:30])
    assert len(refused) <= 2
    assert "its contents are kept in its i" in refused
    assert found.read("/file60") == b"x" * 60
    assert found.read("/file5000") == b"x" * 5000


def test_modes_and_owners(ext4_root: Path) -> None:
    tree = only_tree(ext4_root)
    shadow, proc = tree.stat("/etc/shadow"), tree.stat("/proc")
    assert shadow is not None
    assert (shadow.mode, shadow.uid, shadow.gid, shadow.size_bytes) == (0o640, 0, 42, 0)
    assert proc is not None
    assert (proc.kind, proc.mode) == ("directory", 0o555)


def test_ext_blocks_that_are_kept_but_not_written_are_zeros(tmp_path: Path) -> None:
    tree = Tree()
    tree.file("/kept", "begin")
    disk = ext.make(tmp_path / "disk", tree, tmp_path, 16 * MIB, uuid=ROOT_UUID)
    data = disk.read_bytes()
    place = data.index(b"begin".ljust(4096, b"\0"))
    run("e2fsprogs", "debugfs", "-w", "-R", "fallocate /kept 1 5", disk)
    run("e2fsprogs", "debugfs", "-w", "-R", "sif /kept size 24576", disk)
    dirty = bytearray(disk.read_bytes())
    dirty[place + 4096 : place + 6 * 4096] = b"\xee" * (5 * 4096)
    disk.write_bytes(bytes(dirty))
    assert only_tree(disk).read("/kept") == b"begin".ljust(6 * 4096, b"\0")


def test_ext_with_a_feature_that_nobody_knows_is_refused(ext4_root: Path) -> None:
    data = bytearray(ext4_root.read_bytes())
    data[1024 + 0x62] |= 0x80
    found = guest_of(bytes(data)).layout.file_systems[0]
    assert "unsupported incompatible features" in found.unreadable
    assert "incompat_0x800000" in found.features


@pytest.mark.parametrize("case", XFS)
def test_xfs(tmp_path: Path, case: str) -> None:
    tree = small_tree()
    disk = xfs.make(tmp_path / "disk", tree, tmp_path, uuid=ROOT_UUID)  # leaves the prototype to be used again
    run("xfsprogs", "mkfs.xfs", "-q", "-f", *XFS[case], "-p", tmp_path / "prototype", disk)
    guest = guest_of(disk)
    assert guest.layout.file_systems[0].unreadable == ""
    assert guest.tree is not None
    assert differences(guest.tree, tree) == []


def windows_tree() -> Tree:
    tree = Tree()
    tree.file("/Windows/System32/config/SYSTEM", random.Random(2).randbytes(300_000))
    tree.file("/Windows/System32/drivers/viostor.sys", b"MZ")
    tree.file("/Windows/empty")
    for number in range(400):
        tree.file(f"/Windows/System32/A rather long Name {number:03d}.dll", str(number))
    return tree


def test_ntfs(tmp_path: Path) -> None:
    disk = ntfs.make(tmp_path / "disk", windows_tree(), 24 * MIB, uuid="0123456789ABCDEF")
    guest = guest_of(disk)
    assert guest.tree is not None
    assert differences(guest.tree, windows_tree()) == []
    assert guest.tree.read("/WINDOWS/system32/DRIVERS/VioStor.sys") == b"MZ"
    assert guest.tree.stat("/Windows/empty/below") is None
    assert guest.tree.stat("/Windows/nothing") is None


@pytest.mark.parametrize(("flag", "words"), [(0x400, "reparse point"), (0x4000, "encrypted")])
def test_ntfs_contents_that_are_elsewhere_are_refused(tmp_path: Path, flag: int, words: str) -> None:
    """As the system marks what it has compressed in its own way: the data would be read as zeros."""
    disk = ntfs.make(tmp_path / "disk", windows_tree(), 24 * MIB, uuid="0123456789ABCDEF")
    data = bytearray(disk.read_bytes())
    for name in ("viostor.sys", "drivers"):
        places = [at for at in _places(data, name.encode("utf-16-le")) if data[at & ~1023 :][:4] == b"FILE"]
        record = places[0] & ~1023
        flags = record + int.from_bytes(data[record + 20 : record + 22], "little") + 24 + 32
        data[flags : flags + 4] = (int.from_bytes(data[flags : flags + 4], "little") | flag).to_bytes(4, "little")
        disk.write_bytes(bytes(data))
        tree = only_tree(disk)
        path = "/Windows/System32/drivers/viostor.sys"
        with pytest.raises(FileTreeError, match=words):
            tree.read(path)
        with pytest.raises(FileTreeError, match=words):
            list(tree.stream(path) or ())
    assert tree.stat("/Windows/System32/drivers") is not None
    with pytest.raises(FileTreeError, match=words):
        tree.list("/Windows/System32/drivers")
    assert tree.read("/Windows/System32/config/SYSTEM") == windows_tree().content("/Windows/System32/config/SYSTEM")


def _places(data: bytearray, text: bytes) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(text), data)]


@pytest.mark.parametrize(("bits", "size"), [(12, 4 * MIB), (16, 32 * MIB), (32, 64 * MIB)])
def test_fat(tmp_path: Path, bits: int, size: int) -> None:
    tree = Tree()
    tree.file("/EFI/BOOT/BOOTX64.EFI", random.Random(3).randbytes(500_000))
    tree.file("/EFI/debian/a long name without reason.cfg", "text")
    tree.file("/EFI/debian/grub.cfg", "set")
    disk = fat.make(tmp_path / "disk", tree, tmp_path, size, uuid="ABCD-1234", bits=bits)
    found = only_tree(disk)
    assert differences(found, tree) == []
    assert found.read("/efi/boot/bootx64.efi") == tree.content("/EFI/BOOT/BOOTX64.EFI")
    assert found.stat("/EFI/none") is None
    assert found.stat("/EFI/debian/grub.cfg/below") is None


def test_names_and_targets_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "plain").write_text("plain")
    (folder / "日本").write_text("jp")
    with open(bytes(folder) + b"/caf\xe9", "w") as file:  # noqa: PTH123 - a name that is no text
        file.write("latin")
    (folder / "link").symlink_to(b"caf\xe9".decode("utf-8", "surrogateescape"))
    disk = empty(tmp_path / "disk", 16 * MIB)
    run("e2fsprogs", "mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, disk)
    tree = only_tree(disk)
    assert tree.list("/") == ["link", "lost+found", "plain", "日本"]
    assert tree.read("/日本") == b"jp"
    assert tree.read("/link") is None
    assert tree.stat("/caf\udce9") is None
    assert tree.stat("/a\0b") is None


def test_a_damaged_inode_costs_one_file(tmp_path: Path) -> None:
    tree = Tree()
    tree.file("/good", "good")
    tree.file("/bad", "bad")
    ext4_of(tree, 16 * MIB)(tmp_path / "disk", tmp_path)
    run("e2fsprogs", "debugfs", "-w", "-R", "sif /bad block[0] 0", tmp_path / "disk")
    found = only_tree(tmp_path / "disk")
    assert found.read("/good") == b"good"
    with pytest.raises(FileTreeError, match="/bad"):
        found.read("/bad")
