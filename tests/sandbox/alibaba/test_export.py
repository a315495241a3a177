"""ExportImage with the official client: the objects it writes, and every refusal that a state causes."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from imgmove.sandbox.disks import DiskFormat, convert, recognise
from imgmove.sandbox.world.accounts import Policy
from tests.sandbox.alibaba.cloud import (
    ACCOUNT,
    HANGZHOU,
    IMAGE,
    IMAGE_SG,
    SINGAPORE,
    STRANGER,
    Cloud,
    Refused,
    disk_bytes,
)

ROLE = "AliyunECSImageExportDefaultRole"


def export(cloud: Cloud, image: str = IMAGE, bucket: str = "hz-bucket", **parameters: Any) -> str:
    """Exports to the end; gives the task's id."""
    task_id = str(cloud.ask("ExportImage", image_id=image, ossbucket=bucket, **parameters)["TaskId"])
    cloud.finish()
    return task_id


def refused(cloud: Cloud, image: str = IMAGE, bucket: str = "hz-bucket", **parameters: Any) -> Refused:
    return cloud.refused("ExportImage", image_id=image, ossbucket=bucket, **parameters)


def related(task: dict[str, Any]) -> list[dict[str, str]]:
    """The related items of every progress entry."""
    entries = task["OperationProgressSet"]["OperationProgress"]
    return [{item["Name"]: item["Value"] for item in entry["RelatedItemSet"]["RelatedItem"]} for entry in entries]


def test_a_raw_export_is_a_tar_with_the_images_bytes(cloud: Cloud) -> None:
    task = cloud.task(export(cloud, ossprefix="backup"))
    key = f"backup_{IMAGE}_system.raw.tar.gz"
    assert related(task) == [{"OSSBucket": "hz-bucket", "OSSObject": key, "ImageFormat": "raw"}]
    assert (task["TaskStatus"], task["TaskProcess"], task["SuccessCount"]) == ("Finished", "100%", 1)
    with tarfile.open(cloud.content(key), "r:gz") as archive:
        (member,) = archive.getmembers()
        stream = archive.extractfile(member)
        assert stream is not None
        assert (member.name, stream.read()) == (f"backup_{IMAGE}_system.raw", disk_bytes("/dev/xvda"))


def test_without_a_prefix_the_name_begins_with_the_image(cloud: Cloud) -> None:
    export(cloud)
    assert cloud.keys() == [f"{IMAGE}_system.raw.tar.gz"]


@pytest.mark.parametrize("image_format", ["vhd", "qcow2", "vmdk", "vdi", "QCOW2"])
def test_other_formats_are_plain_files(cloud: Cloud, image_format: str) -> None:
    task_id = export(cloud, IMAGE_SG, "sg-bucket", region_id=SINGAPORE, image_format=image_format, ossprefix="p1")
    (key,) = cloud.keys("sg-bucket")
    assert key == f"p1_{IMAGE_SG}_{task_id}.{image_format.lower()}"
    path = cloud.content(key, "sg-bucket")
    assert recognise(path).format is DiskFormat(image_format)
    back = cloud.world.root / "back.raw"
    convert(path, None, back, DiskFormat.RAW)
    content = disk_bytes("/dev/xvda")
    assert back.read_bytes()[: len(content)] == content


def test_other_formats_may_be_named_by_disk(cloud: Cloud) -> None:
    cloud.settings.object_names = "disk"
    export(cloud, IMAGE_SG, "sg-bucket", region_id=SINGAPORE, image_format="qcow2")
    assert cloud.keys("sg-bucket") == [f"{IMAGE_SG}_system.qcow2"]


def test_every_disk_is_an_object(cloud: Cloud) -> None:
    cloud.add_image("m-bp1data", data_disks=2)
    task = cloud.task(export(cloud, "m-bp1data", ossprefix="p"))
    names = [f"p_m-bp1data_{disk}.raw.tar.gz" for disk in ("system", "data_xvdb", "data_xvdc")]
    assert [items["OSSObject"] for items in related(task)] == names
    assert (task["TotalCount"], task["SuccessCount"], task["FailedCount"]) == (3, 3, 0)
    assert cloud.keys() == sorted(names)
    with tarfile.open(cloud.content(names[2]), "r:gz") as archive:
        stream = archive.extractfile("p_m-bp1data_data_xvdc.raw")
        assert stream is not None
        assert stream.read() == disk_bytes("/dev/xvdc")


def test_a_task_moves_with_the_sandboxs_time(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    seen = []
    for _ in range(4):
        task = cloud.task(task_id)
        seen.append((task["TaskStatus"], task["TaskProcess"], bool(task["FinishedTime"]), cloud.keys() != []))
        cloud.clock.advance(60)
    assert seen == [
        ("Waiting", "0%", False, False),
        ("Processing", "25%", False, False),
        ("Processing", "62%", False, False),
        ("Finished", "100%", True, True),
    ]


def test_an_export_with_the_same_name_replaces_the_object(cloud: Cloud) -> None:
    cloud.put(f"{IMAGE}_system.raw.tar.gz", b"old")
    export(cloud)
    assert cloud.content(f"{IMAGE}_system.raw.tar.gz").read_bytes()[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("name", ["TaskId", "ExportTaskId", ""])
def test_the_task_id_has_several_names(cloud: Cloud, name: str) -> None:
    cloud.settings.export_task_key = name
    answer = cloud.rpc("ecs", "ExportImage", RegionId=HANGZHOU, ImageId=IMAGE, OSSBucket="hz-bucket")
    assert set(answer) == {"RequestId", "RegionId", *([name] if name else [])}


def test_related_items_may_be_missing_or_late(cloud: Cloud) -> None:
    cloud.settings.task_fields_delay = 100
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    assert related(cloud.task(task_id)) == [{}]
    cloud.clock.advance(100)
    assert related(cloud.task(task_id)) != [{}]
    cloud.settings.related_items = False
    assert related(cloud.task(task_id)) == [{}]


def test_objects_may_come_after_the_task_is_finished(cloud: Cloud) -> None:
    cloud.settings.object_lag_seconds = 50
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.clock.advance(200)
    assert (cloud.task(task_id)["TaskStatus"], cloud.keys()) == ("Finished", [])
    cloud.clock.advance(50)
    assert (cloud.task(task_id)["TaskStatus"], len(cloud.keys())) == ("Finished", 1)


def test_objects_that_come_late_may_not_come_at_all(cloud: Cloud) -> None:
    cloud.settings.object_lag_seconds = 50
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.clock.advance(200)
    assert cloud.task(task_id)["TaskStatus"] == "Finished"
    cloud.ask("DeleteImage", image_id=IMAGE, force=True)
    cloud.finish()
    assert (cloud.task(task_id)["TaskStatus"], cloud.keys()) == ("Finished", [])


def test_older_names_of_bucket_and_prefix_are_taken(cloud: Cloud) -> None:
    cloud.rpc("ecs", "ExportImage", RegionId=HANGZHOU, ImageId=IMAGE, OssBucket="hz-bucket", OssPrefix="x")
    cloud.finish()
    cloud.ask("DescribeTasks")
    assert cloud.keys() == [f"x_{IMAGE}_system.raw.tar.gz"]


@pytest.mark.parametrize("code", ["DryRunOperation", "DRYRUN.SUCCESS"])
def test_a_passed_dry_run_is_a_refusal_and_does_nothing(cloud: Cloud, code: str) -> None:
    cloud.settings.dry_run_code = code
    answer = refused(cloud, dry_run=True)
    assert (answer.code, answer.status) == (code, 400)
    assert cloud.ask("DescribeTasks")["TotalCount"] == 0
    assert refused(cloud, "m-none", dry_run=True).code == "InvalidImageId.NotFound"


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"region_id": ""}, "MissingParameter", 400),
        ({"image": ""}, "MissingParameter", 400),
        ({"bucket": ""}, "MissingParameter", 400),
        ({"region_id": "cn-atlantis"}, "InvalidRegionId.NotFound", 400),
        ({"image": "m-none"}, "InvalidImageId.NotFound", 404),
        ({"image": IMAGE_SG}, "InvalidImageId.NotFound", 404),
        ({"ossprefix": "with-dash"}, "InvalidOSSPrefix.Malformed", 400),
        ({"ossprefix": "a/b"}, "InvalidOSSPrefix.Malformed", 400),
        ({"ossprefix": "x" * 31}, "InvalidOSSPrefix.Malformed", 400),
        ({"ossprefix": "ü"}, "InvalidOSSPrefix.Malformed", 400),
        ({"image_format": "iso"}, "InvalidImageFormat.Malformed", 400),
        ({"image_format": "qcow2"}, "InvalidImageFormat.RegionNotSupported", 400),
        ({"bucket": "no-such-bucket"}, "InvalidOSSBucket.NotFound", 400),
        ({"bucket": "sg-bucket"}, "InvalidOSSBucket.NotMatched", 400),
        ({"bucket": "theirs"}, "InvalidOSS.NotAuthorized", 403),
        ({"bucket": "locked"}, "InvalidOSSBucket.EncryptUnsupported", 400),
        ({"role_name": "AnotherRole"}, "NoSetRoletoECSServiceAcount", 403),
        ({"dry_run": "maybe"}, "InvalidParameter", 400),
    ],
)
def test_what_is_refused_for_its_parameters(cloud: Cloud, parameters: dict[str, str], code: str, status: int) -> None:
    cloud.world.objects.create_bucket("alibaba", "theirs", HANGZHOU, STRANGER)
    cloud.world.objects.create_bucket("alibaba", "locked", HANGZHOU, ACCOUNT).encryption = "AES256"
    answer = refused(cloud, **parameters)
    assert (answer.code, answer.status) == (code, status)
    assert cloud.world.alibaba.state.tasks == []


def in_status(status: str) -> Callable[[Cloud], object]:
    return lambda cloud: cloud.add_image("m-x", status=status)


def encrypted(cloud: Cloud) -> None:
    cloud.add_image("m-x").disks[0].encrypted = True


def large_data_disk(cloud: Cloud) -> None:
    cloud.add_image("m-x", data_disks=1).disks[1].size_gib = 501


def no_data_disks_here(cloud: Cloud) -> None:
    cloud.settings.export_data_disks = False
    cloud.add_image("m-x", data_disks=1)


@pytest.mark.parametrize(
    ("prepare", "code", "status"),
    [
        (in_status("Creating"), "IncorrectImageStatus", 400),
        (in_status("CreateFailed"), "IncorrectImageStatus", 400),
        (in_status("Deprecated"), "IncorrectImageStatus", 400),
        (lambda cloud: cloud.add_image("m-x", product_code="cmjj000001"), "ImageNotSupported", 403),
        (lambda cloud: cloud.add_image("m-x", owner="marketplace"), "ImageNotSupported", 403),
        (lambda cloud: cloud.add_image("m-x", owner="system"), "InvalidImageCategory.NotSupported", 400),
        (
            lambda cloud: cloud.add_image("m-x", owner=STRANGER, shared_with=[ACCOUNT]),
            "InvalidImageCategory.NotSupported",
            400,
        ),
        (lambda cloud: cloud.add_image("m-x", owner=STRANGER), "InvalidImageId.NotFound", 404),
        (lambda cloud: cloud.add_image("m-x", os_type="windows"), "InvalidImageLicense.NotSupported", 403),
        (encrypted, "ImageNotSupported", 400),
        (lambda cloud: cloud.add_image("m-x", data_disks=5), "InvalidImage.DiskAmountOrSize", 400),
        (large_data_disk, "InvalidImage.DiskAmountOrSize", 400),
        (no_data_disks_here, "OperationDenied", 400),
    ],
)
def test_images_that_cannot_be_exported(
    cloud: Cloud, prepare: Callable[[Cloud], object], code: str, status: int
) -> None:
    prepare(cloud)
    answer = refused(cloud, "m-x")
    assert (answer.code, answer.status) == (code, status)


def test_one_export_of_an_image_at_a_time(cloud: Cloud) -> None:
    cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket", ossprefix="one")
    answer = refused(cloud, ossprefix="two")
    assert (answer.code, answer.status) == ("ImageIsExporting", 403)
    cloud.finish()
    export(cloud, ossprefix="two")
    assert len(cloud.keys()) == 2


def without_role(cloud: Cloud) -> None:
    cloud.world.accounts.delete_role("alibaba", ACCOUNT, ROLE)


def role_without_policy(cloud: Cloud) -> None:
    cloud.world.accounts.role("alibaba", ACCOUNT, ROLE).policies.clear()  # type: ignore[union-attr]  # it is there


def role_of_others(cloud: Cloud) -> None:
    role = cloud.world.accounts.role("alibaba", ACCOUNT, ROLE)
    assert role is not None
    role.document = role.document.replace("ecs.aliyuncs.com", "fc.aliyuncs.com")


def role_with_too_little(cloud: Cloud) -> None:
    document = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject","Resource":"*"}]}'
    cloud.world.accounts.add_policy("alibaba", ACCOUNT, Policy("little", document))
    role_without_policy(cloud)
    role = cloud.world.accounts.role("alibaba", ACCOUNT, ROLE)
    assert role is not None
    role.policies.append("little")


def role_too_young(cloud: Cloud) -> None:
    role = cloud.world.accounts.role("alibaba", ACCOUNT, ROLE)
    assert role is not None
    role.trusted_at, cloud.settings.role_delay_seconds = cloud.clock.now(), 60
    cloud.clock.advance(30)


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (without_role, "NoSetRoletoECSServiceAcount"),
        (role_without_policy, "NoSetRoletoECSServiceAcount"),
        (role_of_others, "NoSetRoletoECSServiceAcount"),
        (role_too_young, "NoSetRoletoECSServiceAcount"),
        (role_with_too_little, "InvalidOSS.NotAuthorized"),
    ],
)
def test_the_role_has_to_let_ecs_write(cloud: Cloud, prepare: Callable[[Cloud], None], code: str) -> None:
    prepare(cloud)
    answer = refused(cloud)
    assert (answer.code, answer.status) == (code, 403)


def test_a_role_of_another_name_if_the_settings_allow_it(cloud: Cloud) -> None:
    role = cloud.world.accounts.role("alibaba", ACCOUNT, ROLE)
    assert role is not None
    role.name = "MyRole"
    assert refused(cloud, role_name="MyRole").code == "NoSetRoletoECSServiceAcount"
    cloud.settings.custom_role_names = True
    export(cloud, role_name="MyRole")
    assert len(cloud.keys()) == 1


def test_an_archived_object_of_that_name(cloud: Cloud) -> None:
    cloud.put(f"{IMAGE}_system.raw.tar.gz", b"old", storage_class="Archive")
    answer = refused(cloud)
    assert (answer.code, answer.status) == ("InvalidOSSObject.NeedRestore", 403)
    export(cloud, ossprefix="new")


def closed_region(cloud: Cloud) -> None:
    cloud.settings.closed_regions = [HANGZHOU]


def not_white_listed(cloud: Cloud) -> None:
    cloud.settings.white_listed = False


def no_more_at_once(cloud: Cloud) -> None:
    cloud.settings.concurrent_exports = 0


def no_more_this_week(cloud: Cloud) -> None:
    export(cloud)
    cloud.settings.weekly_exports = 1


def in_debt(cloud: Cloud) -> None:
    cloud.settings.account_problem = "Account.Arrearage"


@pytest.mark.parametrize(
    ("prepare", "code", "status"),
    [
        (closed_region, "InvalidRegion.NotSupport", 400),
        (not_white_listed, "UserNotInTheWhiteList", 403),
        (no_more_at_once, "ConcurrentQuotaExceed.ExportImage", 403),
        (no_more_this_week, "WeeklyQuotaExceed.ExportImage", 403),
        (in_debt, "Account.Arrearage", 400),
    ],
)
def test_what_the_account_or_region_does_not_allow(
    cloud: Cloud, prepare: Callable[[Cloud], None], code: str, status: int
) -> None:
    prepare(cloud)
    answer = refused(cloud)
    assert (answer.code, answer.status) == (code, status)


def test_the_weekly_quota_comes_back(cloud: Cloud) -> None:
    no_more_this_week(cloud)
    assert refused(cloud).code == "WeeklyQuotaExceed.ExportImage"
    for task in cloud.world.alibaba.state.tasks:
        task.created -= 8 * 24 * 3600
    export(cloud, ossprefix="again")


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"region_id": "cn-atlantis"}, "RegionId.NotFound", 400),
        ({"image": "m-none"}, "ImageId.NotFound", 403),
        ({"ossprefix": "a-b"}, "OssPrefix.Malformed", 400),
        ({"bucket": "no-such-bucket"}, "OssBucket.NotFound", 400),
        ({"bucket": "sg-bucket"}, "OssBucket.NotFound", 400),
        ({"image": "m-busy"}, "OperationDenied.ImageExporting", 403),
        ({"image": "m-market"}, "ImageNotSupported", 403),
    ],
)
def test_the_codes_of_the_older_page(cloud: Cloud, parameters: dict[str, str], code: str, status: int) -> None:
    cloud.add_image("m-busy")
    cloud.add_image("m-market", product_code="cmjj1")
    cloud.ask("ExportImage", image_id="m-busy", ossbucket="hz-bucket")
    cloud.settings.error_names = "2017"
    answer = refused(cloud, **parameters)
    assert (answer.code, answer.status) == (code, status)
    assert answer.message != "The specified parameter is not valid."


def test_a_task_may_be_made_to_fail(cloud: Cloud) -> None:
    cloud.fault("ecs:ExportImage fail-task code=ExportImageFailed message='disk on fire'")
    task = cloud.task(export(cloud))
    assert (task["TaskStatus"], task["FailedCount"], task["SuccessCount"]) == ("Failed", 1, 0)
    (entry,) = task["OperationProgressSet"]["OperationProgress"]
    assert (entry["OperationStatus"], entry["ErrorCode"], entry["ErrorMsg"]) == (
        "Failed",
        "ExportImageFailed",
        "disk on fire",
    )
    assert cloud.keys() == []
    export(cloud)  # the fault was for one task only
    assert len(cloud.keys()) == 1


def test_a_task_may_be_made_to_stall(cloud: Cloud) -> None:
    cloud.fault("ecs:ExportImage stall-task")
    task = cloud.task(export(cloud))
    assert (task["TaskStatus"], task["TaskProcess"], cloud.keys()) == ("Processing", "40%", [])
    cloud.finish(1e6)
    assert cloud.task(task["TaskId"])["TaskStatus"] == "Processing"
    cloud.ask("CancelTask", task_id=task["TaskId"])
    assert cloud.task(task["TaskId"])["TaskStatus"] == "Deleted"


def test_a_bucket_that_vanishes_fails_the_task(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.world.objects.delete_bucket(cloud.bucket())
    cloud.finish()
    task = cloud.task(task_id)
    assert task["TaskStatus"] == "Failed"
    assert task["OperationProgressSet"]["OperationProgress"][0]["ErrorCode"] == "InvalidOSSBucket.NotFound"


def test_an_image_that_is_exported_cannot_be_deleted(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    assert cloud.refused("DeleteImage", image_id=IMAGE).code == "ImageIsExporting"
    cloud.ask("CancelTask", task_id=task_id)
    cloud.finish()
    assert (cloud.task(task_id)["TaskStatus"], cloud.keys()) == ("Deleted", [])


def test_what_nobody_foresaw_fails_the_task_and_nothing_else(cloud: Cloud) -> None:
    image = cloud.world.alibaba.image(HANGZHOU, IMAGE)
    assert image is not None
    cloud.world.alibaba.blob(image.disks[0].blob).unlink()
    task = cloud.task(export(cloud))
    assert task["OperationProgressSet"]["OperationProgress"][0]["ErrorCode"] == "InternalError"
    assert cloud.keys() == []
