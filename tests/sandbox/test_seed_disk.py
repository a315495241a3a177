"""The shipped disks: sound, readable for every tool, and what the script in the repository makes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imgmove.sandbox.disks import Partition, Scheme, convert, file_systems, open_disk, partitions, recognise
from imgmove.sandbox.seed_disk import SHIPPED, materialise
from tests.sandbox.disks.images import GIB, MIB, required, same_content

REPOSITORY = Path(__file__).parent.parent.parent
SCRIPT = REPOSITORY / "scripts" / "build_seed_disk.py"
SIZES = {"system": GIB, "data": 64 * MIB}


@pytest.fixture(scope="module", params=SIZES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def disk(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialise(name, tmp_path_factory.mktemp("seed") / f"{name}.raw")


@pytest.fixture(scope="module")
def file_system(disk: Path) -> Path:
    """The partition's content in a file of its own, for e2fsprogs."""
    path = disk.with_suffix(".ext4")
    with open_disk(disk, "raw") as reader, path.open("wb") as file:
        (partition,) = partitions(reader)
        for extent in reader.extents():
            if extent.data is not None and extent.offset >= partition.offset_bytes:
                file.seek(extent.offset - partition.offset_bytes)
                file.write(extent.data)
        file.truncate(partition.size_bytes)
    return path


def text_of(file_system: Path, path: str) -> str:
    done = subprocess.run(
        [required("debugfs"), "-R", f"cat {path}", file_system], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_it_is_unpacked_at_once(tmp_path: Path, name: str) -> None:
    started = time.process_time()
    path = materialise(name, tmp_path / "disk")
    assert time.process_time() - started < 0.3
    assert path.stat().st_size == SIZES[name]
    assert path.stat().st_blocks * 512 < 2 * MIB


def test_an_unknown_disk(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        materialise("swap", tmp_path / "disk")


def test_table_and_file_system(disk: Path, name: str) -> None:
    with open_disk(disk) as reader:
        first = Partition(Scheme.MBR, 1, MIB, SIZES[name] - MIB, "83", bootable=name == "system")
        assert partitions(reader) == [first]
        (found,) = file_systems(reader)
    assert (found.kind, found.partition, found.label) == ("ext4", 1, {"system": "root", "data": "data"}[name])
    assert not found.features & {"64bit", "project", "quota"}  # alibaba.md 3.2


def test_sfdisk_reads_the_table(disk: Path, name: str) -> None:
    done = subprocess.run([required("sfdisk"), "-d", disk], capture_output=True, text=True, check=True)
    assert "label: dos" in done.stdout
    assert re.search(r"start= +2048, size= +\d+, type=83" + ", bootable" * (name == "system") + "$", done.stdout, re.M)


def test_e2fsck_finds_nothing(file_system: Path) -> None:
    done = subprocess.run([required("e2fsck"), "-fn", file_system], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_qemu_img_opens_what_is_shipped(disk: Path, name: str) -> None:
    shipped = REPOSITORY / "imgmove" / "sandbox" / "seed" / SHIPPED[name]
    assert recognise(shipped).readable
    for command in (["check", "-q", shipped], ["compare", "-q", "-f", "raw", "-F", "qcow2", disk, shipped]):
        subprocess.run([required("qemu-img"), *map(str, command)], check=True)
    assert shipped.stat().st_size < MIB


@pytest.mark.parametrize("name", ["system"], indirect=True)
def test_the_system_is_worth_reading(file_system: Path) -> None:
    assert "ID=debian" in text_of(file_system, "/usr/lib/os-release")
    with open_disk(file_system, "raw") as reader:
        (found,) = file_systems(reader)
    for path in ("/etc/fstab", "/boot/grub/grub.cfg"):
        assert f"UUID={found.uuid}" in text_of(file_system, path)
    assert "datasource_list: [ ConfigDrive, AliYun, NoCloud, None ]" in text_of(
        file_system, "/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
    )
    assert "CONFIG_VIRTIO_BLK=y" in text_of(file_system, "/boot/config-6.1.0-seed-amd64")
    assert "CONFIG_BLK_DEV_NVME=y" in text_of(file_system, "/boot/config-6.1.0-seed-amd64")
    assert all(line.split(":")[1] in ("*", "!*") for line in text_of(file_system, "/etc/shadow").splitlines())


def test_the_script_makes_the_same_disks(tmp_path: Path) -> None:
    version = subprocess.run([required("mke2fs"), "-V"], capture_output=True, text=True, check=True).stderr.split()[1]
    (made_with,) = re.findall(r'^MADE_WITH = "(.*)"$', SCRIPT.read_text(encoding="utf-8"), re.M)
    if version != made_with:
        pytest.skip(f"e2fsprogs {version} lays file systems out differently from {made_with}, which made the disks")
    required("debugfs")
    subprocess.run([sys.executable, SCRIPT, "--output", tmp_path], check=True, capture_output=True)
    for name, file_name in SHIPPED.items():
        # The disks are compared, not the files: another zlib packs differently.
        convert(tmp_path / file_name, "qcow2", tmp_path / "made", "raw")
        assert same_content(tmp_path / "made", materialise(name, tmp_path / "shipped"))
