"""A whole Debian from its packages, with its true initramfs, on ext4: judged as it is, and with what people do to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from imgmove.core.findings import Severity
from tests.images.real import judging, recipes
from tests.images.real.broken.breaking import DESTINATIONS
from tests.images.real.disks import ext, fat, partitions, sparse
from tests.images.real.disks.partitions import Slot
from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import MIB
from tests.images.real.exclusive import alone
from tests.images.real.guests.distribution import ESP_UUID, ROOT_UUID, distribution
from tests.images.real.tree import Tree
from tests.images.real.workshop import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SIZE = 1400 * MIB
DISK_SIZE = 20 << 30
NO_VIRTIO = {"G04/virtio_pci": Severity.BLOCK, "G04/virtio_blk": Severity.BLOCK}


@pytest.fixture(scope="session")
def root(workshop: Workshop) -> Path:
    """The directory with the distribution in it, as the packages left it."""
    folder = workshop.folder / "distribution"
    archive = distribution(workshop.folder)
    with alone(workshop.folder / "distribution-files.lock"):
        if not folder.exists():
            half = workshop.folder / "distribution-half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            keep = ("--numeric-owner", "--same-permissions") if os.geteuid() == 0 else ("--no-same-owner",)
            run("tar", "tar", *keep, "--exclude=./dev/*", "-C", half, "-xf", archive)
            half.rename(folder)
    return folder


@pytest.fixture
def image(workshop: Workshop, root: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """`image(*commands)`: a disk with the distribution, changed by debugfs; with `uefi` on a GPT with an ESP."""

    def plain(path: Path, scratch: Path) -> None:
        options = f"root_owner=0:0,nodiscard,lazy_itable_init=0,hash_seed={ROOT_UUID}"
        kind = ("-t", "ext4", "-O", "^64bit", "-m", "1", "-U", ROOT_UUID, "-E", options)
        run("e2fsprogs", "mke2fs", "-q", "-F", *kind, "-d", root, sparse.empty(path, SIZE))
        if os.geteuid() != 0:
            ext.edit(path, scratch, "sif /etc/shadow mode 0100640", "sif /etc/shadow uid 0", "sif /etc/shadow gid 42")

    def made(*commands: str, uefi: bool = False) -> Path:
        mine = tmp_path / "root.ext4"
        run("coreutils", "cp", "--sparse=always", workshop.built("distribution-root", "ext4", plain), mine)
        if commands:
            told = ext.edit(mine, tmp_path, *commands)
            assert "not found" not in told, told
        return (_by_uefi if uefi else _by_bios)(root, mine, tmp_path)

    yield made
    for large in ("root.ext4", "disk.raw"):  # pytest keeps what is in the directories of three runs
        (tmp_path / large).unlink(missing_ok=True)


def _by_bios(root: Path, file_system: Path, folder: Path) -> Path:
    """GRUB's own boot.img in front, its core.img in the gap."""
    disk = folder / "disk.raw"
    partitions.partitioned(disk, "mbr", [Slot(partitions.LINUX, SIZE, file_system, active=True)], size=DISK_SIZE)
    sparse.patch(disk, 0, (root / "boot/grub/i386-pc/boot.img").read_bytes()[:440])
    sparse.patch(disk, 512, (root / "boot/grub/i386-pc/core.img").read_bytes())
    return disk


def _by_uefi(root: Path, file_system: Path, folder: Path) -> Path:
    tree = Tree()
    tree.file("/EFI/BOOT/BOOTX64.EFI", (root / "boot/grub/x86_64-efi/core.efi").read_bytes())
    (folder / "esp").mkdir()
    esp = fat.make(folder / "esp.fat", tree, folder / "esp", recipes.ESP_SIZE, uuid=ESP_UUID)
    slots = [Slot(partitions.ESP, recipes.ESP_SIZE, esp), Slot(partitions.LINUX, SIZE, file_system)]
    return partitions.partitioned(folder / "disk.raw", "gpt", slots, size=DISK_SIZE)


def kernel_of(root: Path) -> str:
    (version,) = (path.name for path in (root / "lib/modules").iterdir())
    return version


def in_place_of(path: str, piece: Path) -> tuple[str, str]:
    """What has debugfs put another file where one is."""
    return f"rm {path}", f"write {piece} {path}"


def test_a_distribution_starts_on_both_clouds(image: Callable[..., Path], root: Path) -> None:
    """Everything is looked at, and there is nothing to say but what is so of every such image."""
    inspection = judging.inspect(image())

    assert inspection.trouble == ()
    assert inspection.facts is not None
    assert inspection.facts.not_looked == ()
    assert inspection.facts.os is not None
    assert inspection.facts.os.id == "debian"
    assert inspection.facts.kernels
    kernel = inspection.facts.kernels[0]
    assert (kernel.version, kernel.initramfs_maker) == (kernel_of(root), "initramfs-tools")
    assert kernel.drivers["virtio_blk"] == "initramfs"
    for provider in DESTINATIONS:
        verdict = judging.verdict(inspection, provider)
        assert verdict.findings == (), provider
        assert verdict.will_start is True


def test_it_starts_by_uefi_too(image: Callable[..., Path], root: Path) -> None:
    inspection = judging.inspect(image(*in_place_of("/etc/fstab", root / "srv/pieces/fstab-uefi"), uefi=True))

    assert inspection.trouble == ()
    assert judging.findings(inspection, "alibaba", "uefi") == {}
    assert judging.findings(inspection, "alibaba", "bios") == {"G02/needs-uefi": Severity.BLOCK}


def test_an_initramfs_of_a_careful_few_drivers(image: Callable[..., Path], root: Path) -> None:
    """Built by `update-initramfs` with MODULES=list: whoever had it knew his machine, and not the next one."""
    initrd = f"/boot/initrd.img-{kernel_of(root)}"
    inspection = judging.inspect(image(*in_place_of(initrd, root / "srv/pieces/initrd-list")))

    for provider in DESTINATIONS:
        found = judging.findings(inspection, provider)
        assert found.items() >= NO_VIRTIO.items(), provider
        assert {name for name, severity in found.items() if severity is Severity.BLOCK} == set(NO_VIRTIO)


def test_a_data_disk_that_stays_behind(image: Callable[..., Path], root: Path) -> None:
    inspection = judging.inspect(image(*in_place_of("/etc/fstab", root / "srv/pieces/fstab-data-disk")))

    assert judging.findings(inspection, "tencent") == {"G03/fstab-other-disk": Severity.BLOCK}


def test_cloud_init_that_looks_elsewhere(image: Callable[..., Path], tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.cfg"
    pinned.write_text("datasource_list: [ AliYun ]\n")
    inspection = judging.inspect(image(*in_place_of("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", pinned)))

    assert judging.findings(inspection, "tencent") == {"G05/source-pinned": Severity.BLOCK}
    assert judging.findings(inspection, "alibaba") == {}


def test_what_is_found_in_the_initramfs_is_in_it(image: Callable[..., Path], root: Path) -> None:
    """Unpacked in one go and searched for names, which is another way than the collector's."""
    with (root / f"boot/initrd.img-{kernel_of(root)}").open("rb") as packed:
        unpacked = zstandard.ZstdDecompressor().stream_reader(packed).read()
    facts = judging.inspect(image()).facts

    assert facts is not None
    assert facts.kernels
    assert facts.kernels[0].initramfs_format == "zstd"
    found = {driver for driver, place in facts.kernels[0].drivers.items() if place == "initramfs"}
    assert {"virtio_pci", "virtio_blk"} <= found
    assert [driver for driver in found if f"/{driver}.ko".encode() not in unpacked] == []
