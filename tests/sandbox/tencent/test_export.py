"""CVM's ExportImages: what it writes, what it shows meanwhile, how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.cvm.v20170312 import cvm_client, models

from imgmove.sandbox.disks import DiskFormat, convert, recognise
from tests.sandbox.tencent.cloud import BUCKET, GZ, SECRET, SECRET_ID, UIN, Cloud
from tests.sandbox.tencent.exporting import disk_of, export, refused

# What an export does


def test_the_typed_sdk_follows_an_export_to_its_objects(cloud: Cloud) -> None:
    image = cloud.image()
    client = cvm_client.CvmClient(Credential(SECRET_ID, SECRET), GZ, cloud.profile("cvm"))
    request = models.ExportImagesRequest()
    request.BucketName, request.ImageIds, request.ExportFormat = BUCKET, [image.image_id], "QCOW2"
    answer = client.ExportImages(request)
    key = f"{image.image_id}_system_{image.snapshot_ids[0]}.qcow2"
    assert (isinstance(answer.TaskId, int), answer.CosPaths) == (True, [f"/{key}"])

    seen = models.DescribeImagesRequest()
    seen.ImageIds = [image.image_id]
    cloud.pass_time(299)
    assert client.DescribeImages(seen).ImageSet[0].ImageState == "EXPORTING"
    assert cloud.content(key) is None
    cloud.pass_time(1)
    assert client.DescribeImages(seen).ImageSet[0].ImageState == "NORMAL"
    path = cloud.content(key)
    assert path is not None
    assert recognise(path).format is DiskFormat.QCOW2


@pytest.mark.parametrize("name", ["RAW", "QCOW2", "VHD", "VMDK"])
def test_the_object_holds_the_image_in_the_format_asked_for(cloud: Cloud, tmp_path: Path, name: str) -> None:
    image = cloud.image()
    (path,) = export(cloud, image, ExportFormat=name)["CosPaths"]
    assert path.endswith(f".{name.lower()}")
    cloud.pass_time(300)
    cloud.state(image.image_id)
    content = cloud.content(path[1:])
    assert content is not None
    assert recognise(content).format.value == name.lower()
    convert(content, name, tmp_path / "back", "raw")
    original = disk_of(cloud, image).read_bytes()
    assert (tmp_path / "back").read_bytes()[: len(original)] == original


def test_several_images_in_one_call_with_a_prefix_each_and_all_their_disks(cloud: Cloud) -> None:
    web, db = cloud.image("web"), cloud.image("db", disks=3)
    paths = export(cloud, web, db, FileNamePrefixList=["nightly", "weekly"])["CosPaths"]
    system, first, second = db.snapshot_ids
    assert paths == [
        f"/nightly_{web.image_id}_system_{web.snapshot_ids[0]}.raw",
        f"/weekly_{db.image_id}_system_{system}.raw",
        f"/weekly_{db.image_id}_data_{first}.raw",
        f"/weekly_{db.image_id}_data_{second}.raw",
    ]
    cloud.pass_time(300)
    cloud.state(web.image_id)
    assert all(cloud.content(path[1:]) for path in paths)


def test_only_the_root_disk(cloud: Cloud) -> None:
    image = cloud.image(disks=2)
    paths = export(cloud, image, OnlyExportRootDisk=True)["CosPaths"]
    assert paths == [f"/{image.image_id}_system_{image.snapshot_ids[0]}.raw"]


def test_a_dry_run_starts_nothing_and_may_answer_as_an_error(cloud: Cloud) -> None:
    image = cloud.image()
    assert set(export(cloud, image, DryRun=True)) == {"RequestId"}
    assert cloud.state(image.image_id) == "NORMAL"
    assert not cloud.world.tencent.state.tasks
    cloud.world.tencent.settings.dry_run_code = "DryRunOperation"
    assert refused(cloud, image, DryRun=True) == "DryRunOperation"
    assert refused(cloud, image, DryRun=True, ExportFormat="VDI") == "InvalidParameterValue.InvalidImageFormat"


def test_the_image_may_stay_normal_all_the_while(cloud: Cloud) -> None:
    cloud.world.tencent.settings.export_shows_exporting = False
    image = cloud.image()
    (path,) = export(cloud, image)["CosPaths"]
    assert cloud.state(image.image_id) == "NORMAL"
    assert refused(cloud, image) == "InvalidParameterValue.InvalidImageState"
    cloud.pass_time(300)
    assert cloud.state(image.image_id) == "NORMAL"
    assert cloud.content(path[1:])


def test_half_an_object_may_be_visible_half_way(cloud: Cloud) -> None:
    cloud.world.tencent.settings.partial_objects = True
    image = cloud.image()
    (path,) = export(cloud, image)["CosPaths"]
    sizes = []
    for _ in range(4):
        cloud.pass_time(100)
        cloud.state(image.image_id)
        content = cloud.content(path[1:])
        sizes.append(content.stat().st_size if content else 0)
    whole = disk_of(cloud, image).stat().st_size
    assert sizes == [0, whole // 2, whole, whole]


def test_a_repeated_export_writes_the_same_keys(cloud: Cloud) -> None:
    image = cloud.image()
    first = export(cloud, image)
    cloud.pass_time(300)
    second = export(cloud, image)
    assert first["CosPaths"] == second["CosPaths"]
    assert first["TaskId"] != second["TaskId"]


def test_big_objects_look_as_written_in_parts_and_may_lack_their_crc(cloud: Cloud) -> None:
    cloud.world.tencent.settings.export_crc = False
    image = cloud.image(snapshots=[cloud.snapshot(source=cloud.disk(size_mib=80))])
    (path,) = export(cloud, image)["CosPaths"]
    cloud.pass_time(300)
    cloud.state(image.image_id)
    bucket = cloud.world.objects.bucket("tencent", BUCKET)
    assert bucket is not None
    item = cloud.world.objects.head(bucket, path[1:])
    assert item is not None
    assert (item.etag.rpartition("-")[2], item.crc64) == ("2", None)


# What a fault does to it


def test_a_failed_export_leaves_no_object_and_a_notice(cloud: Cloud) -> None:
    cloud.sandbox.faults.add("cvm:ExportImages fail-task code=InternalError message='disk on fire'")
    cloud.world.tencent.settings.partial_objects = True
    image = cloud.image()
    (path,) = export(cloud, image)["CosPaths"]
    cloud.pass_time(200)
    cloud.state(image.image_id)
    assert cloud.content(path[1:])
    cloud.pass_time(100)
    assert cloud.state(image.image_id) == "NORMAL"
    assert cloud.content(path[1:]) is None
    notice = cloud.world.tencent.messages[-1]
    assert (notice.account_id, notice.code, notice.image_id) == (UIN, "InternalError", image.image_id)


def test_a_stalled_export_goes_on_for_ever(cloud: Cloud) -> None:
    cloud.sandbox.faults.add("cvm:ExportImages stall-task")
    image = cloud.image()
    export(cloud, image)
    cloud.pass_time(10**6)
    assert cloud.state(image.image_id) == "EXPORTING"


def test_a_bucket_or_snapshot_that_vanishes_meanwhile_fails_the_export(cloud: Cloud) -> None:
    image = cloud.image()
    export(cloud, image)
    cloud.world.tencent.remove_snapshot(cloud.world.tencent.snapshots_of(image)[0])
    cloud.pass_time(300)
    assert cloud.state(image.image_id) == "NORMAL"
    assert cloud.world.tencent.messages[-1].code == "InvalidParameter.SnapshotNotFound"

    other = cloud.image("other")
    export(cloud, other)
    bucket = cloud.world.objects.bucket("tencent", BUCKET)
    assert bucket is not None
    cloud.world.objects.delete_bucket(bucket)
    cloud.pass_time(300)
    assert cloud.state(other.image_id) == "NORMAL"
    assert cloud.world.tencent.messages[-1].code == "InvalidParameterValue.BucketNotFound"


def test_what_was_not_foreseen_fails_the_task_and_not_the_sandbox(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    image = cloud.image()
    export(cloud, image)
    disk_of(cloud, image).unlink()
    cloud.pass_time(300)
    assert cloud.state(image.image_id) == "NORMAL"
    assert cloud.world.tencent.messages[-1].code == "InternalError"
    assert "not foreseen" in caplog.text
