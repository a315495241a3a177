"""The chain from a container to a file: whatever holds the disk, and however it is laid out, the same is read."""

from itertools import product

import pytest

from tests.images.real import judging, recipes
from tests.images.real.disks import partitions as roles
from tests.images.real.disks.containers import CONTAINERS, format_name
from tests.images.real.disks.sparse import MIB
from tests.images.real.guests import alpine, debian, redhat, windows
from tests.images.real.guests.debian import Outline
from tests.images.real.recipes import debian_disk
from tests.images.real.tree import Tree, changed
from tests.images.real.workshop import Disk, Part, Volume, Workshop

TABLES = ("mbr", "gpt", "")
FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs")
LAYOUTS = list(product(TABLES, (False, True), FILE_SYSTEMS))


def _spread() -> list[tuple[str, bool, str, str]]:
    """Every layout once, in a container each, so that every container meets several tables and file systems."""
    return [(*layout, CONTAINERS[index * 5 % len(CONTAINERS)]) for index, layout in enumerate(LAYOUTS)]


def _name(values: tuple[str, bool, str, str]) -> str:
    table, lvm, file_system, container = values
    return f"{table or 'whole-disk'}-{'lvm' if lvm else 'plain'}-{file_system}-{container}"


@pytest.mark.parametrize("combination", _spread(), ids=_name)
def test_files_are_read_out_of_every_layout(workshop: Workshop, combination: tuple[str, bool, str, str]) -> None:
    table, lvm, file_system, container = combination
    disk = debian_disk(table=table, lvm=lvm, file_system=file_system)
    guest = judging.opened(workshop.disk(disk, container), format_name(container))

    assert guest.tree is not None
    assert guest.tree.read("/etc/os-release") == debian.OS_RELEASE.encode()
    assert guest.tree.read(debian.MARKER) == debian.MARKER_TEXT.encode()
    assert guest.layout.table == table
    root = next(item for item in guest.layout.file_systems if item.where == guest.root_where)
    assert (root.kind, root.uuid, root.volume_group) == (file_system, debian.ROOT_UUID, "vg0" if lvm else "")
    assert root.is_clean is not False


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_reader_reads_every_container(workshop: Workshop, container: str) -> None:
    """In a process of its own, from the guard's format to the facts."""
    image = workshop.disk(debian_disk(), container)
    inspection = judging.inspect(image, format_name(container))

    assert inspection.trouble == ()
    assert inspection.layout is not None
    assert inspection.layout.format == format_name(container)
    assert inspection.facts is not None
    assert inspection.facts.os is not None
    assert inspection.facts.os.name == "Debian GNU/Linux 12 (bookworm)"
    assert inspection.facts.not_looked == ()
    assert judging.findings(inspection, "tencent") == {}


@pytest.mark.parametrize("packing", ["none", "gzip", "xz", "lzma", "zstd", "lz4"])
@pytest.mark.parametrize("microcode", [True, False], ids=["microcode", "plain"])
def test_an_initramfs_is_opened_in_every_packing(workshop: Workshop, packing: str, microcode: bool) -> None:
    image = workshop.disk(debian_disk(outline=Outline(packing=packing, microcode=microcode)))
    facts = judging.inspect(image).facts

    assert facts is not None
    assert facts.kernels
    kernel = facts.kernels[0]
    assert kernel.initramfs_problem == ""
    assert kernel.initramfs_format == packing
    assert {kernel.drivers[name] for name in ("virtio_pci", "virtio_blk", "nvme", "ext4")} == {"initramfs"}


def test_a_guest_of_the_other_family(workshop: Workshop) -> None:
    """XFS, entries of the Boot Loader Specification, dracut."""
    facts = judging.inspect(workshop.disk(recipes.redhat_disk())).facts

    assert facts is not None
    assert facts.os is not None
    assert facts.boot is not None
    assert facts.kernels
    assert (facts.os.id, facts.os.version) == ("almalinux", "9.4")
    assert facts.boot.entries[0].kernel == f"/boot/vmlinuz-{redhat.RELEASE}"
    assert facts.kernels[0].drivers["xfs"] == facts.kernels[0].drivers["virtio_blk"] == "initramfs"
    assert judging.findings(judging.inspect(workshop.disk(recipes.redhat_disk())), "tencent") == {}


def test_a_small_guest_without_systemd_or_grub(workshop: Workshop) -> None:
    """Its kernel is called `vmlinuz-virt`; what it calls itself is in its header."""
    inspection = judging.inspect(workshop.disk(recipes.alpine_disk()))

    assert inspection.facts is not None
    assert inspection.facts.kernels
    assert inspection.facts.kernels[0].version == alpine.RELEASE
    assert judging.findings(inspection, "tencent") == {}


def test_windows_is_read_out_of_ntfs(workshop: Workshop) -> None:
    image = workshop.disk(recipes.windows_disk(), "vhd")
    guest = judging.opened(image, "vhd")
    facts = judging.inspect(image, "vhd").facts

    assert guest.tree is not None
    assert guest.tree.read(windows.MARKER.upper()) == windows.MARKER_TEXT.encode()
    assert guest.layout.file_systems[0].uuid == windows.UUID
    assert facts is not None
    assert facts.windows is not None
    assert facts.windows.product == "Windows Server 2022 Standard"
    assert facts.windows.services["viostor"].start == 0


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_an_esp_is_read_whatever_its_fat(workshop: Workshop, bits: int) -> None:
    size = {12: 4 * MIB, 16: 20 * MIB, 32: recipes.ESP_SIZE}[bits]
    esp = Volume("fat", debian.ESP_UUID, recipes.efi_files(), size=size, bits=bits)
    root = Volume("ext4", debian.ROOT_UUID, debian.debian(Outline(esp=f"UUID={debian.ESP_UUID}")))
    guest = judging.opened(workshop.disk(Disk("gpt", (Part(roles.ESP, esp), Part(roles.LINUX, root)))))

    assert guest.tree is not None
    assert guest.tree.list("/boot/efi/EFI/BOOT") == ["BOOTX64.EFI", "grubx64.efi"]
    assert guest.tree.read("/boot/efi/efi/boot/bootx64.efi") == windows.program("shimx64.efi")
    assert guest.layout.file_systems[0].uuid == debian.ESP_UUID


def test_logical_partitions_are_counted_as_linux_does(workshop: Workshop) -> None:
    root = Volume("ext4", debian.ROOT_UUID, debian.debian())
    parts = (
        Part(roles.LINUX, Volume("ext2", debian.BOOT_UUID, Tree(), size=8 * MIB)),
        Part(roles.EXTENDED, size=160 * MIB, number=4),
        Part(roles.SWAP, Volume("swap", size=8 * MIB), number=5),
        Part(roles.LINUX, root, number=6),
    )
    guest = judging.opened(workshop.disk(Disk("mbr", parts, size=200 * MIB)))

    assert guest.root_where == "partition 6"
    assert [(item.number, item.role) for item in guest.layout.partitions] == [
        (1, "linux"), (4, "extended"), (5, "swap"), (6, "linux"),
    ]  # fmt: skip
    assert guest.tree is not None
    assert guest.tree.read(debian.MARKER) == debian.MARKER_TEXT.encode()


def test_a_hybrid_table_is_called_so(workshop: Workshop) -> None:
    disk = debian_disk(table="gpt")
    guest = judging.opened(workshop.disk(Disk(disk.table, disk.parts, hybrid=(2,))))

    assert guest.layout.is_hybrid
    assert guest.root_where == "partition 2"


@pytest.mark.parametrize(
    ("kind", "features"),
    [
        ("ext4", "64bit"),
        ("ext4", "^extent,^metadata_csum"),
        ("ext4", "inline_data,metadata_csum_seed"),
        ("ext4", "bigalloc"),
        ("ext4", "^flex_bg,^resize_inode"),
        ("ext3", "^dir_index"),
        ("xfs", "crc=0"),
        ("xfs", "rmapbt=1,reflink=1"),
        ("xfs", "bigtime=0"),
    ],
)
def test_features_of_file_systems_are_no_obstacle(workshop: Workshop, kind: str, features: str) -> None:
    many = changed(debian.debian(Outline(file_system=kind)), _many_files)
    root = Volume(kind, debian.ROOT_UUID, many, size=96 * MIB, features=features)
    guest = judging.opened(workshop.disk(Disk("mbr", (Part(roles.LINUX, root, active=True),))))

    assert guest.tree is not None, guest.layout
    assert guest.tree.read(debian.MARKER) == debian.MARKER_TEXT.encode()
    assert len(guest.tree.list("/srv/many")) == 700
    assert guest.tree.read("/srv/many/number-0699") == b"699\n"
    assert guest.tree.read("/srv/large", 8 * MIB) == LARGE


LARGE = b"".join(number.to_bytes(4, "little") for number in range(1 << 20))


def _many_files(tree: Tree) -> None:
    """A directory that needs an index, and a file in many blocks."""
    for number in range(700):
        tree.file(f"/srv/many/number-{number:04d}", f"{number}\n")
    tree.file("/srv/large", LARGE)


def test_what_is_mounted_from_elsewhere_is_one_tree(workshop: Workshop) -> None:
    """/boot, /usr and /var in file systems of their own, two of them in a volume group."""
    tree = debian.debian(Outline(root=recipes.LVM_ROOT, boot=f"UUID={debian.BOOT_UUID}"))
    tree.append("/etc/fstab", "/dev/vg0/usr /usr ext4 ro 0 0\nLABEL=var /var ext4 defaults 0 2\n")
    boot, usr, var = tree.split("/boot"), tree.split("/usr"), tree.split("/var")
    group = (
        ("root", Volume("ext4", debian.ROOT_UUID, tree)),
        ("usr", Volume("ext4", "44444444-0000-4000-8000-000000000001", usr)),
        ("var", Volume("ext4", "44444444-0000-4000-8000-000000000002", var, label="var")),
    )
    parts = (Part(roles.LINUX, Volume("ext4", debian.BOOT_UUID, boot, size=32 * MIB)), Part(roles.LVM, lvm=group))
    facts = judging.inspect(workshop.disk(Disk("mbr", parts))).facts

    assert facts is not None
    assert facts.os is not None
    assert facts.kernels
    assert facts.root_where == "vg0/root"
    assert facts.os.id == "debian"  # os-release is a link into /usr
    assert facts.cloud_init is not None
    assert facts.cloud_init.is_installed
    assert facts.kernels[0].drivers["virtio_blk"] == "initramfs"
