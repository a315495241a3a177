"""What ImportImage finds out only by looking into the file, and how its task fails then."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from imgmove.sandbox.disks import DiskFormat, convert
from tests.sandbox.alibaba.cloud import Cloud, disk_bytes
from tests.sandbox.alibaba.importing import disks, exported_bytes, failure, refused, start

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _object(cloud: Cloud) -> None:
    cloud.put("disk.raw", disk_bytes("to import"))


def gz(content: bytes) -> bytes:
    return gzip.compress(content)


def qcow2_with_backing_file(content: bytes) -> bytes:
    header = bytearray(content[:104])
    header[8:16] = (104).to_bytes(8, "big")
    header[16:20] = (4).to_bytes(4, "big")
    return bytes(header) + b"base" + content[108:]


def qcow2_with_absurd_clusters(content: bytes) -> bytes:
    return content[:20] + (99).to_bytes(4, "big") + content[24:]


def vhd_with_other_entries(content: bytes, more: int) -> bytes:
    """A dynamic VHD whose table has more or fewer entries than its size needs."""
    spoilt = bytearray(content)
    table = spoilt.index(b"cxsparse")
    entries = int.from_bytes(spoilt[table + 28 : table + 32], "big") + more
    spoilt[table + 28 : table + 32] = entries.to_bytes(4, "big")
    spoilt[table + 36 : table + 40] = bytes(4)
    checksum = ~sum(spoilt[table : table + 1024]) & 0xFFFFFFFF
    spoilt[table + 36 : table + 40] = checksum.to_bytes(4, "big")
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("source", "spoil", "key", "declared", "code"),
    [
        (DiskFormat.RAW, lambda content: b"not a disk at all" * 100, "x.raw", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.RAW, lambda content: content, "x.qcow2", "QCOW2", "InvalidImageFormat.Malformed"),
        (DiskFormat.QCOW2, lambda content: content, "x.raw", "RAW", "InvalidImageFormat.Malformed"),
        (DiskFormat.VDI, lambda content: content, "x.raw", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.RAW, lambda content: content + b"tail", "x.raw", "", "InvalidBlockSize.NotSupport"),
        (DiskFormat.QCOW2, qcow2_with_backing_file, "x.qcow2", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.QCOW2, lambda content: content[:300], "x.qcow2", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.QCOW2, qcow2_with_absurd_clusters, "x.qcow2", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.VHD, partial(vhd_with_other_entries, more=1), "x.vhd", "", "InvalidVHDImage.IncorrectSize"),
        (DiskFormat.VHD, partial(vhd_with_other_entries, more=-1), "x.vhd", "", "InvalidVHDImage.IncorrectSize"),
        (DiskFormat.RAW, gz, "x.raw", "", "InvalidImageFormat.Malformed"),
    ],
)
def test_a_bad_file_fails_the_task(
    cloud: Cloud,
    tmp_path: Path,
    source: DiskFormat,
    spoil: Callable[[bytes], bytes],
    key: str,
    declared: str,
    code: str,
) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(disk_bytes(size_bytes=8 << 20))
    convert(raw, DiskFormat.RAW, packed, source)
    cloud.put(key, spoil(packed.read_bytes()))
    mapping = disks(key, format=declared or None)
    assert failure(cloud, image_name="bad", disk_device_mapping=mapping) == code
    (image,) = cloud.images(ImageName="bad")
    assert (image["Status"], image["Usable"]) == ("CreateFailed", False)


def test_a_disk_larger_than_asked_for(cloud: Cloud) -> None:
    big = cloud.world.root / "big.raw"
    big.write_bytes(disk_bytes())
    with big.open("r+b") as file:
        file.truncate(GIB + 512)
    cloud.put("big.raw", big)
    assert failure(cloud, disk_device_mapping=disks("big.raw", disk_image_size=1)) == "InvalidImageSize"
    data = [*disks("disk.raw"), *disks("big.raw", disk_image_size=1)]
    assert failure(cloud, disk_device_mapping=data) == "InvalidDataDiskSize"
    answer = start(cloud, "big.raw")
    cloud.finish()
    assert cloud.image(answer["ImageId"])["Size"] == 2


def test_a_failed_import_may_leave_nothing(cloud: Cloud) -> None:
    cloud.settings.failed_import_leaves_image = False
    before = len(list(cloud.world.alibaba.blobs.iterdir()))
    cloud.put("bad.raw", b"no disk")
    mapping = disks("disk.raw", "bad.raw", format="RAW")
    cloud.put("worse.raw", b"no disk either" * 37)
    assert failure(cloud, disk_device_mapping=[*mapping, *disks("worse.raw")], image_name="bad")
    assert cloud.images(ImageName="bad") == []
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before


def test_a_failed_image_can_be_deleted_and_its_name_used_again(cloud: Cloud) -> None:
    cloud.put("bad.raw", b"no disk")
    failure(cloud, key="bad.raw", image_name="again")
    assert refused(cloud, image_name="again").code == "InvalidImageName.Duplicated"
    cloud.ask("DeleteImage", image_id=cloud.images(ImageName="again")[0]["ImageId"])
    assert start(cloud, image_name="again")["ImageId"]


def test_an_archive_if_the_settings_take_it(cloud: Cloud, tmp_path: Path) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(disk_bytes("in an archive"))
    convert(raw, DiskFormat.RAW, packed, DiskFormat.TAR_GZ)
    cloud.put("x.raw.tar.gz", packed)
    assert refused(cloud, "x.raw.tar.gz").code == "UnsupportedSuffix.OSSObject"
    cloud.settings.import_suffixes.append(".gz")
    answer = start(cloud, "x.raw.tar.gz")
    cloud.finish()
    assert exported_bytes(cloud, answer["ImageId"]) == disk_bytes("in an archive")


def test_an_object_that_vanishes_fails_the_task(cloud: Cloud) -> None:
    answer = start(cloud)
    cloud.world.objects.delete(cloud.bucket(), "disk.raw")
    cloud.finish()
    task = cloud.task(answer["TaskId"])
    assert task["OperationProgressSet"]["OperationProgress"][0]["ErrorCode"] == "InvalidOSSObject.NotFound"


def test_faults_fail_and_stall_imports(cloud: Cloud) -> None:
    cloud.fault("ecs:ImportImage fail-task code=ImportImageFailed")
    assert failure(cloud) == "ImportImageFailed"
    cloud.fault("ecs:ImportImage stall-task")
    answer = start(cloud)
    cloud.finish()
    assert cloud.image(answer["ImageId"])["Status"] == "Creating"
    assert cloud.task(answer["TaskId"])["TaskProcess"] == "40%"


def test_an_import_can_be_cancelled(cloud: Cloud) -> None:
    answer = start(cloud)
    cloud.clock.advance(60)
    assert cloud.refused("DeleteImage", image_id=answer["ImageId"]).code == "ImageIsImporting"
    cloud.ask("CancelTask", task_id=answer["TaskId"])
    cloud.finish()
    assert cloud.images(ImageId=answer["ImageId"]) == []
    assert cloud.task(answer["TaskId"])["TaskStatus"] == "Deleted"


def test_what_is_no_longer_used_takes_no_space(cloud: Cloud) -> None:
    before = len(list(cloud.world.alibaba.blobs.iterdir()))
    answer = start(cloud)
    cloud.finish()
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before + 1
    snapshot = cloud.image(answer["ImageId"])["DiskDeviceMappings"]["DiskDeviceMapping"][0]["SnapshotId"]
    assert cloud.refused("DeleteSnapshot", snapshot_id=snapshot).code == "SnapshotCreatedImage"
    cloud.ask("DeleteImage", image_id=answer["ImageId"])
    cloud.ask("DeleteSnapshot", snapshot_id=snapshot)
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before
