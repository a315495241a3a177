"""Images of 2 GiB in COS and OSS: what is broken is recognised by reading a small part of them, and the part is told."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.blobs import Checksums
from tests.cli.conftest import Cli
from tests.images.real import recipes
from tests.images.real.boot import initramfs, modules
from tests.images.real.broken.breaking import append, edit, remove
from tests.images.real.disks.sparse import MIB
from tests.images.real.guests.debian import RELEASE, Outline
from tests.images.real.tree import Change, Tree
from tests.images.real.workshop import Disk, Volume, Workshop

SIZE = 2048 * MIB
MOST_PERCENT = 2.0
FIRMWARE = 28 * MIB
"""In the initramfs, in front of its modules, and no packing makes it smaller: as in Debian's `MODULES=most`."""
STORES = {"cos": ("tencent", "imgmove-gz-1250000000"), "oss": ("alibaba", "imgmove-hz")}
TARGETS = {"cos": "alibaba", "oss": "tencent"}

# what is done to the guest -> its drivers, the change, what each destination has to find
WITHOUT_VIRTIO = tuple(name for name in initramfs.FOR_A_CLOUD if not name.startswith("virtio"))
BREAKS: dict[str, tuple[tuple[str, ...], Change | None, set[str]]] = {
    "initramfs-without-virtio": (WITHOUT_VIRTIO, None, {"G04/virtio_blk", "G04/virtio_pci"}),
    "data-disk-in-fstab": (
        initramfs.FOR_A_CLOUD, append("/etc/fstab", "/dev/vdb1 /data ext4 defaults 0 2\n"), {"G03/fstab-other-disk"},
    ),
    "source-of-no-cloud": (
        initramfs.FOR_A_CLOUD,
        edit("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", "ConfigDrive, AliYun, Ec2", "Ec2"),
        {"G05/source-pinned"},
    ),
    "kernel-missing": (initramfs.FOR_A_CLOUD, remove(f"/boot/vmlinuz-{RELEASE}"), {"G04/kernel-missing"}),
}  # fmt: skip


def disk_of(drivers: tuple[str, ...], change: Change | None) -> Disk:
    """A Debian of 2 GiB with files like a real one's: a few hundred of many sizes, among them a large initramfs."""
    changes = [_many_files, *([change] if change else [])]
    disk = recipes.debian_disk(*changes, outline=Outline(drivers=drivers, bulk=FIRMWARE))
    (part,) = disk.parts
    assert part.volume is not None
    root: Volume = replace(part.volume, size=SIZE - 2 * MIB)
    return replace(disk, parts=(replace(part, volume=root),), size=SIZE)


def _many_files(tree: Tree) -> None:
    for number in range(400):
        size = 100 + number * number
        tree.file(f"/usr/lib/package-{number % 40}/file-{number}", modules.noise(str(number), size))


def put(sandbox: Sandbox, store: str, key: str, image: Path) -> str:
    """The image as an object. Its checksums are made up: nobody looks at them, and they would take longest."""
    vendor, name = STORES[store]
    made_up = Checksums(hashlib.md5(key.encode()).digest(), 0)
    with sandbox.world.lock:
        bucket = sandbox.world.objects.bucket(vendor, name)
        assert bucket is not None
        sandbox.world.objects.put(bucket, key, image, checksums=made_up)
    return f"{store}://{name}/{key}"


def show(capsys: pytest.CaptureFixture[str], name: str, read: dict[str, float]) -> None:
    with capsys.disabled():
        print(
            f"\n{name}: {read['bytes'] / MIB:.1f} MiB in {read['requests']} requests,"
            f" {read['percent']:.2f} % of 2 GiB, {read['seconds']:.1f} s"
        )


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_image_is_recognised_where_it_is(
    cli: Cli, sandbox: Sandbox, workshop: Workshop, capsys: pytest.CaptureFixture[str], store: str, name: str
) -> None:
    drivers, change, expected = BREAKS[name]
    where = put(sandbox, store, "web.raw", workshop.disk(disk_of(drivers, change)))
    before = len(sandbox.requests(store, "GetObject"))
    done = cli("check", where, "--for", TARGETS[store], "-o", "json")

    assert done.code == 4, done.err
    blocking = {f"{item['id']}/{item['case']}" for item in done.json["findings"] if item["severity"] == "block"}
    read = done.json["read"]
    show(capsys, f"{name} in {store}", read)
    assert blocking == expected
    assert read["bytes"] < SIZE * MOST_PERCENT / 100
    assert read["percent"] == round(100 * read["bytes"] / SIZE, 3)
    assert read["requests"] == len(sandbox.requests(store, "GetObject")) - before < 100


@pytest.mark.parametrize("store", STORES)
def test_a_sound_image_is_passed(
    cli: Cli, sandbox: Sandbox, workshop: Workshop, capsys: pytest.CaptureFixture[str], store: str
) -> None:
    """Most is read of it: the initramfs until everything was seen."""
    where = put(sandbox, store, "web.raw", workshop.disk(disk_of(initramfs.FOR_A_CLOUD, None)))
    done = cli("check", where, "--for", TARGETS[store], "-o", "json")

    assert done.code == 0, done.err
    assert [item for item in done.json["findings"] if item["severity"] == "block"] == []
    show(capsys, f"a sound image in {store}", done.json["read"])
    assert done.json["read"]["bytes"] < SIZE * MOST_PERCENT / 100
