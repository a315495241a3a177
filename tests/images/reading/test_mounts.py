"""The tree: links inside, across mounts, in circles and out; contents in pieces; damage under one exception."""

from pathlib import Path

import pytest

from imgmove.images.guest.files import FileTree, FileTreeError
from imgmove.images.guest.layout import DiskLayout, FileSystem, Partition
from imgmove.images.reading.device import DeviceError
from imgmove.images.reading.filesystems import FileSystemReader, open_file_system
from imgmove.images.reading.fstab import mounted
from imgmove.images.reading.mounts import MountedTree
from tests.images.reading.conftest import MIB, ext4_of
from tests.images.reading.looking import counted
from tests.images.real.tree import Tree
from tests.images.real.workshop import Workshop


def reader(shop: Workshop, name: str, tree: Tree) -> FileSystemReader:
    path = shop.built(f"mounts-{name}", "raw", ext4_of(tree, 16 * MIB))
    return open_file_system("ext4", counted(path).pages())


@pytest.fixture(scope="module")
def tree(shop: Workshop) -> MountedTree:
    root, usr, boot, esp = Tree(), Tree(), Tree(), Tree()
    root.symlink("/lib", "usr/lib")
    root.symlink("/etc/os-release", "../usr/lib/os-release")
    root.symlink("/absolute", "/usr/lib/os-release")
    root.symlink("/out", "../../../../etc/plain")
    root.symlink("/circle", "circle2")
    root.symlink("/circle2", "circle")
    root.symlink("/self", "self/self/self")
    root.symlink("/folder", "etc")
    root.symlink("/dangling", "/nothing/there")
    for number in range(45):
        root.symlink(f"/chain{number}", f"chain{number + 1}" if number < 44 else "etc/plain")
    root.file("/etc/plain", "plain")
    root.directory("/usr")
    root.directory("/boot/efi")
    root.file("/usr/hidden", "hidden by what is mounted")
    usr.file("/lib/os-release", "ID=debian")
    usr.symlink("/up", "../etc/plain")
    boot.file("/vmlinuz", "kernel")
    boot.directory("/efi")
    esp.file("/EFI/loader", "efi")

    def broken() -> FileSystemReader:
        raise DeviceError("vg0/var cannot be read: thin")

    opened = {("usr",): reader(shop, "usr", usr), ("boot",): reader(shop, "boot", boot),
              ("boot", "efi"): reader(shop, "esp", esp)}  # fmt: skip
    mounts = {names: (lambda item=item: item) for names, item in opened.items()}
    root_reader = reader(shop, "root", root)
    return MountedTree(lambda: root_reader, {**mounts, (".esp",): mounts["boot", "efi"], ("broken",): broken})


@pytest.mark.parametrize(
    ("path", "contents"),
    [("/etc/plain", b"plain"), ("etc//./plain", b"plain"), ("/etc/../../etc/plain", b"plain"), ("/folder/plain", b"plain"),
     ("/lib/os-release", b"ID=debian"), ("/etc/os-release", b"ID=debian"), ("/absolute", b"ID=debian"), ("/out", b"plain"),
     ("/usr/up", b"plain"), ("/usr/lib/../../boot/vmlinuz", b"kernel"), ("/boot/efi/EFI/loader", b"efi"),
     ("/.esp/EFI/loader", b"efi"), ("/chain10", b"plain"), ("/chain0", None), ("/circle", None), ("/self", None),
     ("/dangling", None), ("/usr/hidden", None), ("/etc", None), ("/etc/plain/below", None), ("/nothing", None), ("/", None)],
)  # fmt: skip
def test_paths_lead_where_they_lead_in_the_guest(tree: MountedTree, path: str, contents: bytes | None) -> None:
    assert tree.read(path) == contents
    pieces = tree.stream(path, 2)
    assert (None if pieces is None else b"".join(pieces)) == contents


def test_links_are_links_where_they_are_not_followed(tree: MountedTree) -> None:
    link, target = tree.stat("/lib", follow=False), tree.stat("/lib")
    assert link is not None
    assert target is not None
    assert (link.kind, target.kind) == ("symlink", "directory")
    assert tree.readlink("/lib") == "usr/lib"
    assert tree.readlink("/folder/plain") is tree.readlink("/nothing") is None
    dangling = tree.stat("/dangling", follow=False)
    assert dangling is not None
    assert (dangling.kind, tree.stat("/dangling")) == ("symlink", None)


def test_lists_are_sorted_and_bounded(tree: MountedTree) -> None:
    names = tree.list("/")
    assert names == sorted(names)
    assert {"etc", "lib", "boot"} <= set(names)
    assert not {".", ".."} & set(names)
    assert len(tree.list("/", 7)) <= 7
    assert tree.list("/etc/plain") == tree.list("/nothing") == []


def test_reading_is_bounded(tree: MountedTree) -> None:
    assert tree.read("/etc/plain", 3) == b"pla"
    assert tree.read("/etc/plain", 0) == b""


def test_a_mount_that_cannot_be_read_is_damage_and_not_absence(tree: MountedTree) -> None:
    for look in (tree.stat, tree.list, tree.read, tree.stream, tree.readlink):
        with pytest.raises(FileTreeError, match="/broken/x: vg0/var cannot be read: thin"):
            look("/broken/x")


def test_it_is_a_file_tree(tree: MountedTree) -> None:
    def takes(tree: FileTree) -> bool:
        return tree.stat("/") is not None

    assert takes(tree)


# ------------------------------------------------------------------------------------------------------- fstab


LAYOUT = DiskLayout(
    "raw", 0, 0,
    partitions=(
        Partition(1, 0, 0, "0x83", uuid="12345678-01", name="EFI system"),
        Partition(2, 0, 0, "0x83", uuid="12345678-02"),
    ),
    file_systems=(
        FileSystem("partition 1", "fat", uuid="ABCD-1234", partition=1),
        FileSystem("partition 2", "ext4", uuid="aaaa-bbbb", label="my boot", partition=2),
        FileSystem("my-vg/my-lv", "xfs", uuid="cccc", volume_group="my-vg"),
        FileSystem("partition 5", "", partition=5),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("device", "where"),
    [("UUID=abcd-1234", "partition 1"), ('UUID="AAAA-BBBB"', "partition 2"), ("LABEL=my\\040boot", "partition 2"),
     ("PARTUUID=12345678-02", "partition 2"), ("/dev/disk/by-partuuid/12345678-01", "partition 1"),
     ("/dev/disk/by-label/my\\x20boot", "partition 2"), ("PARTLABEL=EFI\\040system", "partition 1"),
     ("/dev/vda2", "partition 2"), ("/dev/sda1", "partition 1"), ("/dev/xvda2", "partition 2"), ("/dev/nvme0n1p2", "partition 2"),
     ("/dev/vdb2", ""), ("/dev/nvme1n1p2", ""), ("/dev/vda9", ""), ("/dev/vda", ""),
     ("/dev/mapper/my--vg-my--lv", "my-vg/my-lv"), ("/dev/my-vg/my-lv", "my-vg/my-lv"), ("/dev/mapper/other", ""),
     ("UUID=", ""), ("UUID=none", ""), ("LABEL=", ""), ("tmpfs", "")],
)  # fmt: skip
def test_the_first_column_of_fstab(device: str, where: str) -> None:
    found = mounted(f"# a comment\n\nproc /proc proc\n{device}\t/boot ext4 defaults 0 2\nlone\n", LAYOUT)
    assert {item.where for item in found.values()} == ({where} if where else set())
    assert set(found) == ({("boot",)} if where else set())


@pytest.mark.parametrize("point", ["/", "none", "swap", "/../boot", "relative/boot", ""])
def test_what_is_no_mount_point_below_the_root(point: str) -> None:
    assert mounted(f"UUID=cccc {point} xfs\n", LAYOUT) == {}


def test_mount_points_with_blanks_and_slashes() -> None:
    assert set(mounted("UUID=cccc /srv//my\\040data/ xfs\n", LAYOUT)) == {("srv", "my data")}


def test_paths_on_an_image(ext4_root: Path) -> None:
    reader = open_file_system("ext4", counted(ext4_root).pages())
    assert MountedTree(lambda: reader).read("/etc/tiny") == b"x"
