"""Which kernel starts, and where each of its drivers is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imgmove.images.guest.facts import Kernel
from tests.images.guest.archives import PACKERS, cpio, module
from tests.images.guest.scenes import CONFIG, DEBIAN, DRIVERS, GRUB_CFG, LVM, MODULES_DEP, VERSION, Scene, initramfs

CONFIG_FILE, INITRD = f"/boot/config-{VERSION}", f"/boot/initrd.img-{VERSION}"
MODULES = f"/usr/lib/modules/{VERSION}"


def kernel(scene: Scene) -> Kernel:
    kernels = scene.gathered.kernels
    assert kernels
    assert [item.is_default for item in kernels].count(True) == 1
    return kernels[0]


@pytest.mark.parametrize("packing", PACKERS)
def test_drivers_are_where_they_are(packing: str) -> None:
    found = kernel(DEBIAN.files({INITRD: initramfs(*DRIVERS, packing=packing)}))
    assert found.drivers == {
        "virtio_pci": "initramfs", "virtio_blk": "initramfs", "virtio_net": "module", "nvme": "initramfs", "ext4": "initramfs",
    }  # fmt: skip
    assert found.initramfs_format == packing.removesuffix("-legacy")


def test_a_kernel_may_have_them_all_itself() -> None:
    scene = DEBIAN.files({CONFIG_FILE: CONFIG.replace("=m", "=y"), INITRD: b"never opened"})
    found = kernel(scene)
    assert set(found.drivers.values()) == {"builtin"}
    assert (found.initramfs_format, found.initramfs_problem) == ("", "")


def test_modules_builtin_says_so_without_a_configuration() -> None:
    listed = "".join(f"kernel/drivers/{name}.ko\n" for name in ("virtio_pci", "virtio_blk", "nvme", "ext4"))
    found = kernel(DEBIAN.files({CONFIG_FILE: None, f"{MODULES}/modules.builtin": listed}))
    assert found.drivers["virtio_blk"] == "builtin"
    assert found.has_fw_cfg is None


def test_nothing_is_claimed_of_what_was_not_seen() -> None:
    found = kernel(DEBIAN.files({CONFIG_FILE: None, MODULES: None, INITRD: b"\x89LZO rest"}))
    assert set(found.drivers.values()) == {"unknown"}
    assert "lzo" in found.initramfs_problem


def test_the_configuration_alone_tells_modules_from_nothing() -> None:
    found = kernel(
        DEBIAN.files({MODULES: None, INITRD: None, CONFIG_FILE: CONFIG.replace("CONFIG_BLK_DEV_NVME=m\n", "")})
    )
    assert (found.drivers["virtio_blk"], found.drivers["nvme"]) == ("module", "absent")


def test_an_initramfs_of_another_kernel_is_none() -> None:
    names = [module(driver, "5.10.0") for driver in DRIVERS]
    found = kernel(DEBIAN.files({INITRD: cpio(names)}))
    assert "5.10.0" in found.initramfs_problem
    assert found.drivers["virtio_blk"] == "module"


def test_damage_in_the_initramfs_costs_the_initramfs() -> None:
    assert DEBIAN.tree
    found = kernel(replace(DEBIAN, tree=replace(DEBIAN.tree, damaged=frozenset({INITRD}))))
    assert "damaged" in found.initramfs_problem


def test_the_default_kernel_is_looked_at_not_the_newest() -> None:
    scene = DEBIAN.files({"/boot/vmlinuz-6.9.0-1-amd64": b"", "/boot/vmlinuz-0-rescue-abc": b""})
    kernels = scene.gathered.kernels
    assert kernels
    assert [(item.version, item.is_default) for item in kernels] == [(VERSION, True), ("6.9.0-1-amd64", False)]


def test_without_a_boot_entry_the_newest_is_looked_at() -> None:
    scene = DEBIAN.files({"/boot/vmlinuz-6.9.0-1-amd64": b"", "/boot/grub/grub.cfg": None})
    assert kernel(scene).version == "6.9.0-1-amd64"


def test_a_kernel_named_by_a_link_has_its_own_version() -> None:
    scene = DEBIAN.files({"/boot/grub/grub.cfg": GRUB_CFG.replace(f"/boot/vmlinuz-{VERSION}", "/vmlinuz")})
    scene = scene.files({}, **{"/vmlinuz": f"boot/vmlinuz-{VERSION}"})
    assert kernel(scene).version == VERSION


def test_a_root_on_lvm_needs_the_mapper_and_its_tools() -> None:
    def lvm(*drivers: str, tools: bool) -> Kernel:
        scene = DEBIAN.files({INITRD: initramfs(*drivers, lvm=tools)})
        return kernel(replace(scene, layout=LVM, root="vg0/root"))

    whole = lvm(*DRIVERS, tools=True)
    assert (whole.drivers["dm_mod"], whole.drivers["xfs"], whole.has_lvm_tools) == ("initramfs", "initramfs", True)
    bare = lvm("virtio_pci", "virtio_blk", "nvme", "xfs", tools=False)
    assert (bare.drivers["dm_mod"], bare.has_lvm_tools) == ("module", False)


def test_ext3_is_served_by_ext4() -> None:
    assert kernel(DEBIAN.root_with(kind="ext3")).drivers["ext3"] == "initramfs"


@pytest.mark.parametrize(
    ("program", "maker", "command"),
    [
        ("/usr/sbin/update-initramfs", "initramfs-tools", "update-initramfs -u -k"),
        ("/usr/bin/dracut", "dracut", "dracut -f"),
        ("/usr/bin/mkinitcpio", "mkinitcpio", "mkinitcpio -P"),
        ("/usr/sbin/mkinitrd", "mkinitrd", "mkinitrd -f --with=virtio_blk"),
        ("/usr/sbin/mkinitfs", "mkinitfs", "mkinitfs"),
        ("/usr/bin/something", "", "build the initramfs"),
    ],
)
def test_the_remedy_is_the_guests_own_tool(program: str, maker: str, command: str) -> None:
    drivers = [driver for driver in DRIVERS if driver != "virtio_blk"]
    scene = DEBIAN.files({"/usr/sbin/update-initramfs": None, INITRD: initramfs(*drivers)}).files({program: b""})
    assert kernel(scene).initramfs_maker == maker
    (found,) = scene.findings("alibaba", "G04")
    assert command in found.fix


def test_little_is_read_of_a_sound_initramfs() -> None:
    """The drivers stand near its beginning: the rest, 20 MB, is left alone."""
    names = [module(driver, VERSION) for driver in DRIVERS]
    tail = cpio([f"usr/lib/firmware/{number}" for number in range(20)], content=bytes(1 << 20))
    scene = DEBIAN.files({INITRD: cpio(names) + tail})
    assert kernel(scene).drivers["virtio_blk"] == "initramfs"
    assert scene.tree
    assert scene.tree.bytes_read < 3 << 20


def test_an_initramfs_that_no_entry_loads_does_not_help() -> None:
    scene = DEBIAN.files({"/boot/grub/grub.cfg": GRUB_CFG.replace(f"initrd /boot/initrd.img-{VERSION}", "")})
    assert kernel(scene).drivers["virtio_blk"] == "module"
    assert "there is no initramfs" in scene.findings("alibaba", "G04", "virtio_blk")[0].what


def test_modules_that_nobody_lists_are_not_missed() -> None:
    assert "virtio_net" in MODULES_DEP
    found = kernel(DEBIAN.files({f"{MODULES}/modules.dep": None}))
    assert found.drivers["virtio_net"] == "module"
