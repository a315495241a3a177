"""Looking inside from end to end: the same guest in every container; what it costs on 2 GiB, and on 40 GB."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.containers import open_container
from imgmove.images.reading.device import Device
from imgmove.images.reading.guest_tree import find_guest
from imgmove.images.reading.process import look_inside
from imgmove.images.reading.survey import survey
from tests.images.reading.conftest import MIB, ROOT_UUID
from tests.images.reading.looking import counted
from tests.images.real.disks.containers import CONTAINERS, contained, format_name
from tests.images.real.disks.partitions import Slot, partitioned
from tests.images.real.disks.running import run
from tests.images.real.disks.sparse import empty
from tests.images.real.workshop import Workshop
from tests.tools import needs_qemu_img

GIB = 1 << 30
pytestmark = needs_qemu_img


@pytest.fixture(scope="module")
def disk(shop: Workshop, ext4_root: Path) -> Path:
    def build(path: Path, _: Path) -> None:
        partitioned(path, "gpt", [Slot("bios-boot", MIB), Slot("linux", ext4_root.stat().st_size, ext4_root)])

    return shop.built("whole", "raw", build)


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_same_guest_in_every_container(shop: Workshop, disk: Path, name: str) -> None:
    image = shop.built(f"whole-{name}", "image", lambda path, _: contained(disk, name, path))
    read = counted(image)
    found = look_inside(read.source(), DiskFormat(format_name(name)))
    assert found.trouble == ()
    assert found.layout is not None
    assert found.facts is not None
    assert (found.layout.format, found.layout.table) == (format_name(name), "gpt")
    assert found.layout.disk_bytes >= disk.stat().st_size
    assert found.layout.file_bytes == image.stat().st_size
    assert [(item.where, item.kind, item.uuid) for item in found.layout.file_systems] == [
        ("partition 2", "ext4", ROOT_UUID)
    ]
    assert found.facts.root_where == "partition 2"
    assert found.facts.os is not None
    assert (found.facts.os.id, found.facts.os.version) == ("debian", "12")
    assert (found.read_bytes, found.requests) == (read.read_bytes, len(read.ranges))
    assert found.cost.is_stream is name.startswith("raw.tar.gz")


# -------------------------------------------------------------------------------------------------------- costs

INITRAMFS_BYTES = 30 * MIB


@pytest.fixture(scope="module")
def large(shop: Workshop) -> Path:
    """2 GiB of ext4 with 300 MiB in it: programs around an initramfs of 30 MiB."""
    return shop.built("large", "raw", lambda path, scratch: _large(path, scratch, 2 * GIB))


def _large(path: Path, scratch: Path, size: int) -> None:
    folder, chance = scratch / "files", random.Random(1)
    for name in ("etc", "boot", "usr/lib/modules", "usr/bin"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/os-release").write_text("ID=debian\n")
    (folder / "etc/fstab").write_text(f"UUID={ROOT_UUID} / ext4 defaults 0 1\n")
    for number in range(1500):
        (folder / f"usr/lib/modules/module-{number}.ko").write_bytes(chance.randbytes(90_000))
        (folder / f"usr/bin/program-{number}").write_bytes(chance.randbytes(90_000))
    (folder / "boot/initrd.img").write_bytes(chance.randbytes(INITRAMFS_BYTES))
    run("e2fsprogs", "mke2fs", "-q", "-F", "-t", "ext4", "-U", ROOT_UUID, "-d", folder, empty(path, size))


def read_what_matters(file: Device, disk_format: DiskFormat) -> None:
    """os-release, fstab, and all of the initramfs."""
    guest = find_guest(survey(open_container(disk_format, file), disk_format, file.size_bytes))
    assert guest.tree is not None
    assert guest.tree.read("/etc/os-release") == b"ID=debian\n"
    assert guest.tree.read("/etc/fstab") is not None
    assert sum(map(len, guest.tree.stream("/boot/initrd.img") or ())) == INITRAMFS_BYTES


@pytest.mark.parametrize("name", ["raw", "qcow2"])
def test_two_gib_are_judged_with_less_than_two_percent_read(shop: Workshop, large: Path, name: str) -> None:
    image = large if name == "raw" else shop.built("large-qcow2", "image", lambda path, _: contained(large, name, path))
    read = counted(image)
    read_what_matters(read.pages(), DiskFormat(name))
    print(f"{name}: {read.read_bytes:,} bytes, {read.read_bytes / (2 * GIB):.2%} of 2 GiB, {len(read.ranges)} requests")
    assert read.read_bytes < 0.02 * 2 * GIB
    assert read.read_bytes < INITRAMFS_BYTES + 6 * MIB
    assert len(read.ranges) < 60


def test_forty_gib_cost_a_few_mib(shop: Workshop, tmp_path: Path) -> None:
    disk = empty(tmp_path / "disk", 40 * GIB)
    folder = tmp_path / "files"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/os-release").write_text("ID=debian\n")
    (folder / "etc/fstab").write_text("")
    run("e2fsprogs", "mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, disk)
    read = counted(disk)
    found = look_inside(read.source(), DiskFormat.RAW)
    assert found.facts is not None
    assert found.facts.root_where == "disk"
    assert found.read_bytes < 4 * MIB
    assert found.requests < 60
    disk.unlink()


def test_an_archive_costs_no_more_than_its_beginning(shop: Workshop, disk: Path) -> None:
    name = "raw.tar.gz"
    image = shop.built(f"whole-{name}", "image", lambda path, _: contained(disk, name, path))
    found = look_inside(counted(image).source(), DiskFormat.RAW_TAR_GZ)
    assert found.read_bytes <= image.stat().st_size
    assert found.cost.is_stream


def test_it_runs_from_anywhere_and_without_the_environment(ext4_root: Path, tmp_path: Path) -> None:
    """As a program would call it whose working directory holds modules with our names."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "imgmove.py").write_text("raise SystemExit('the wrong one')")
    code = f"""
import sys
sys.path = [entry for entry in sys.path if entry]
from imgmove.images.reading.process import look_inside
from tests.images.reading.looking import counted
from imgmove.core.formats import DiskFormat
from pathlib import Path
print(look_inside(counted(Path({str(ext4_root)!r})).source(), DiskFormat.RAW).facts.root_where)
"""
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "disk\n"), done.stderr
