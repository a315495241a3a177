"""From a whole disk to the guest's tree: the root is found, and what its fstab mounts; LVM, ESP, Windows, none."""

from pathlib import Path

import pytest

from imgmove.images.reading.guest_tree import Guest
from tests.images.reading.conftest import MIB, ROOT_UUID, ext4_of
from tests.images.reading.looking import guest_of
from tests.images.real.disks import fat, lvm2, ntfs, xfs
from tests.images.real.disks.partitions import Slot, partitioned
from tests.images.real.tree import Tree
from tests.images.real.workshop import Workshop

BOOT_UUID = "99999999-2222-4333-8444-555555555555"
ESP_UUID = "ABCD-1234"


def root_tree(fstab: str) -> Tree:
    tree = Tree()
    tree.file("/etc/os-release", "ID=debian")
    tree.file("/etc/fstab", fstab)
    tree.directory("/usr/lib")
    tree.directory("/boot/efi")
    return tree


def esp_tree() -> Tree:
    tree = Tree()
    tree.file("/EFI/BOOT/BOOTX64.EFI", "loader")
    return tree


def esp(shop: Workshop) -> Path:
    return shop.built(
        "guest-esp", "raw", lambda path, scratch: fat.make(path, esp_tree(), scratch, 34 * MIB, uuid=ESP_UUID)
    )


def root(shop: Workshop, name: str, fstab: str) -> Path:
    return shop.built(f"guest-{name}", "raw", ext4_of(root_tree(fstab), 16 * MIB))


def disk(shop: Workshop, tmp_path: Path, fstab: str) -> Guest:
    """GPT: boot code's place, ESP, root."""
    content = root(shop, f"root{len(fstab)}", fstab)
    slots = [Slot("bios-boot", MIB), Slot("efi", 34 * MIB, esp(shop)), Slot("linux", 16 * MIB, content)]
    return guest_of(partitioned(tmp_path / "disk", "gpt", slots))


@pytest.mark.parametrize(
    ("fstab", "in_others"), [(f"UUID={ROOT_UUID} / ext4\n", True), (f"UUID={ESP_UUID} /boot/efi vfat\n", False)],
)  # fmt: skip
def test_the_esp_is_seen_whether_fstab_speaks_of_it_or_not(
    shop: Workshop, tmp_path: Path, fstab: str, in_others: bool
) -> None:
    guest = disk(shop, tmp_path, fstab)
    assert guest.root_where == "partition 3"
    assert guest.tree is not None
    assert guest.tree.read("/boot/efi/efi/boot/bootx64.efi") == b"loader"
    assert guest.tree.read("/.esp/EFI/BOOT/BOOTX64.EFI") == b"loader"
    assert ("partition 2" in guest.others) is in_others


def test_an_esp_that_is_mounted_elsewhere_is_not_mounted_twice(shop: Workshop, tmp_path: Path) -> None:
    guest = disk(shop, tmp_path, f"UUID={ESP_UUID} /efi vfat umask=0077 0 1\n")
    assert guest.tree is not None
    assert guest.tree.read("/efi/EFI/BOOT/BOOTX64.EFI") == guest.tree.read("/.esp/EFI/BOOT/BOOTX64.EFI") == b"loader"
    assert guest.tree.stat("/boot/efi/EFI") is None


def test_a_root_on_lvm_and_xfs_with_a_boot_partition(shop: Workshop, tmp_path: Path) -> None:
    boot_tree = Tree()
    boot_tree.file("/vmlinuz", "kernel")
    boot = shop.built("guest-boot", "raw", ext4_of(boot_tree, 16 * MIB))
    tree = root_tree(f"/dev/mapper/vg0-root / xfs\nUUID={ROOT_UUID} /boot ext4\n/dev/vg0/gone /var xfs\n")
    content = xfs.make(tmp_path / "root", tree, tmp_path, uuid=BOOT_UUID)
    pv = lvm2.physical_volume(tmp_path / "pv", "vg0", [
        lvm2.LogicalVolume("root", 300 * MIB, content), lvm2.LogicalVolume("gone", 8 * MIB, on=1)
    ], physical_volumes=2)  # fmt: skip
    image = partitioned(tmp_path / "disk", "mbr", [Slot("linux", 16 * MIB, boot), Slot("lvm", pv.stat().st_size, pv)])
    guest = guest_of(image)
    assert guest.root_where == "vg0/root"
    assert guest.tree is not None
    assert guest.tree.read("/boot/vmlinuz") == b"kernel"
    found = {item.where: item for item in guest.layout.file_systems}
    assert [(item.where, item.kind, item.volume_group) for item in found.values()] == [
        ("partition 1", "ext4", ""), ("partition 2", "lvm2-pv", "vg0"), ("vg0/root", "xfs", "vg0"), ("vg0/gone", "", "vg0")
    ]  # fmt: skip
    assert "not on this disk" in found["vg0/gone"].unreadable
    assert (guest.layout.volume_groups[0].missing_volumes, guest.others) == (1, {})


def test_windows_with_its_small_partition(tmp_path: Path) -> None:
    windows, reserved = Tree(), Tree()
    windows.file("/Windows/System32/config/SYSTEM", "regf")
    reserved.file("/Boot/BCD", "regf")
    small = ntfs.make(tmp_path / "small", reserved, 8 * MIB, uuid="1111111111111111", label="System")
    large = ntfs.make(tmp_path / "large", windows, 16 * MIB, uuid="2222222222222222")
    slots = [Slot("msdata", 8 * MIB, small, active=True), Slot("msdata", 16 * MIB, large)]
    guest = guest_of(partitioned(tmp_path / "disk", "mbr", slots))
    assert guest.root_where == "partition 2"
    assert guest.tree is not None
    assert guest.tree.read("/windows/SYSTEM32/config/system") == b"regf"
    assert guest.others["partition 1"].read("/boot/bcd") == b"regf"


def test_data_alone_is_no_root(tmp_path: Path) -> None:
    tree = Tree()
    tree.file("/photos/1", "jpeg")
    guest = guest_of(ext4_of(tree, 16 * MIB)(tmp_path / "disk", tmp_path))  # type: ignore[arg-type]
    assert (guest.tree, guest.root_where, list(guest.others)) == (None, "", ["disk"])


def test_a_root_that_is_damaged_says_so_in_the_layout(shop: Workshop, tmp_path: Path) -> None:
    content = root(shop, "damaged", "")
    image = bytearray(partitioned(tmp_path / "disk", "mbr", [Slot("linux", 16 * MIB, content)]).read_bytes())
    image[MIB + 1024 + 0x58] = 7  # the size of inodes
    guest = guest_of(bytes(image))
    assert guest.tree is None
    assert guest.layout.file_systems[0].kind == "ext4"
    assert "it cannot be opened" in guest.layout.file_systems[0].unreadable
    assert guest.layout.partitions[0].number == 1


def test_an_empty_disk_has_nothing(tmp_path: Path) -> None:
    guest = guest_of(bytes(MIB))
    assert guest.tree is None
    assert [(item.where, item.kind) for item in guest.layout.file_systems] == [("disk", "")]
