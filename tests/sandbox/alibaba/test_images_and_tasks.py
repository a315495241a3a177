"""DescribeImages with its filters, the other calls about images, and the calls about tasks."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, IMAGE, IMAGE_SG, INSTANCE, SINGAPORE, STRANGER, Cloud

Tag = models.DescribeImagesRequestTag
Filter = models.DescribeImagesRequestFilter


def ids(cloud: Cloud, **filters: Any) -> set[str]:
    """The images that typed DescribeImages gives."""
    return {image["ImageId"] for image in cloud.ask("DescribeImages", **filters)["Images"]["Image"]}


def zoo(cloud: Cloud) -> None:
    """One image of every kind."""
    cloud.add_image("m-creating", status="Creating")
    cloud.add_image("m-failed", status="CreateFailed")
    cloud.add_image("m-old", status="Deprecated", created=cloud.clock.wall() - 86400 * 365)
    cloud.add_image("m-system", owner="system")
    cloud.add_image("m-market", owner="marketplace", product_code="cmjj1")
    cloud.add_image("m-shared", owner=STRANGER, shared_with=[ACCOUNT])
    cloud.add_image("m-community", owner=STRANGER, community=True)
    cloud.add_image("m-private", owner=STRANGER)
    cloud.add_image("m-windows", os_type="windows", architecture="x86_64", name="win[1]")
    cloud.add_image("m-arm", architecture="arm64", family="arms", tags={"a": "1", "b": "2"}, cloud_init=True)


def test_only_available_images_are_shown_by_default(cloud: Cloud) -> None:
    zoo(cloud)
    assert ids(cloud) == {IMAGE, "m-system", "m-shared", "m-windows", "m-arm"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"status": "Creating"}, {"m-creating"}),
        ({"status": "Creating,CreateFailed"}, {"m-creating", "m-failed"}),
        (
            {"status": "ALL", "image_owner_alias": "self"},
            {IMAGE, "m-creating", "m-failed", "m-old", "m-windows", "m-arm"},
        ),
        ({"image_owner_alias": "self"}, {IMAGE, "m-windows", "m-arm"}),
        ({"image_owner_alias": "system"}, {"m-system"}),
        ({"image_owner_alias": "marketplace"}, {"m-market"}),
        ({"image_owner_alias": "others"}, {"m-shared"}),
        ({"image_owner_alias": "others", "is_public": True}, {"m-community"}),
        ({"image_owner_alias": "others", "image_owner_id": int(STRANGER)}, {"m-shared"}),
        ({"image_owner_alias": "others", "image_owner_id": 1}, set()),
        ({"image_id": f"{IMAGE},m-arm, m-none"}, {IMAGE, "m-arm"}),
        ({"image_name": "debian-12"}, {IMAGE}),
        ({"image_name": "deb*web"}, {IMAGE}),
        ({"image_name": "win[1]"}, {"m-windows"}),
        ({"image_family": "arms"}, {"m-arm"}),
        ({"ostype": "windows"}, {"m-windows"}),
        ({"architecture": "arm64"}, {"m-arm"}),
        ({"instance_type": "ecs.g8y.large"}, {"m-arm"}),
        ({"instance_type": "ecs.g7.large", "image_owner_alias": "self"}, {IMAGE, "m-windows"}),
        ({"usage": "instance"}, {IMAGE}),
        ({"usage": "none", "image_owner_alias": "self"}, {"m-windows", "m-arm"}),
        ({"is_support_cloudinit": True}, {"m-arm"}),
        ({"is_support_io_optimized": False}, set()),
        ({"tag": [Tag(key="a", value="1")]}, {"m-arm"}),
        ({"tag": [Tag(key="a"), Tag(key="b", value="2")]}, {"m-arm"}),
        ({"tag": [Tag(key="a", value="2")]}, set()),
        ({"usable": True, "status": "ALL", "image_owner_alias": "self"}, {IMAGE, "m-windows", "m-arm"}),
        ({"usable": False, "status": "ALL", "image_owner_alias": "self"}, {"m-creating", "m-failed", "m-old"}),
        ({"action_type": "ChangeOS", "image_id": IMAGE}, {IMAGE}),
        ({"show_expired": True, "image_id": IMAGE}, {IMAGE}),
        ({"region_id": SINGAPORE}, {IMAGE_SG}),
        ({"resource_group_id": "rg-x"}, set()),
        (
            {"status": "ALL", "filter": [Filter(key="CreationEndTime", value="2026-01-01T00:00Z")]},
            {"m-old", "m-creating"},
        ),
        ({"filter": [Filter(key="NetworkType", value="vpc")], "image_id": IMAGE}, {IMAGE}),
    ],
)
def test_filters(cloud: Cloud, filters: dict[str, Any], found: set[str]) -> None:
    zoo(cloud)
    for image in cloud.world.alibaba.state.images:
        old = image.image_id in ("m-old", "m-creating")
        image.created = 1_700_000_000.0 if old else 1_790_000_000.0
    assert ids(cloud, **filters) == found


@pytest.mark.parametrize(
    ("filters", "code", "status"),
    [
        ({"region_id": "cn-atlantis"}, "InvalidRegionId.NotFound", 404),
        ({"image_owner_alias": "me"}, "InvalidImageOwnerAlias.ValueNotSupported", 400),
        ({"is_public": True}, "InvalidParamter", 400),
        ({"status": "Sleeping"}, "InvalidParamter", 400),
        ({"status": "ALL,Available"}, "InvalidParamter", 400),
        ({"action_type": "Dance"}, "InvalidParamter", 400),
        ({"usage": "snapshot"}, "InvalidUsage", 404),
        ({"ostype": "beos"}, "InvalidOSType", 404),
        ({"architecture": "vax"}, "InvalidArchitecture", 404),
        ({"instance_type": "large"}, "InvalidInstanceType.ValueNotSupported", 400),
        ({"filter": [Filter(key="Colour", value="2026-01-01T00:00Z")]}, "InvalidFilterKey.NotFound", 404),
        ({"filter": [Filter(key="CreationStartTime", value="soon")]}, "InvalidFilterKey.NotFound", 404),
        ({"usable": True}, "MissingParameter", 400),
        ({"tag": [Tag(value="1")]}, "InvalidTag.Mismatch", 400),
        ({"page_size": 101}, "InvalidParameter", 400),
        ({"dry_run": True}, "DryRunOperation", 400),
    ],
)
def test_filters_that_are_refused(cloud: Cloud, filters: dict[str, Any], code: str, status: int) -> None:
    answer = cloud.refused("DescribeImages", **filters)
    assert (answer.code, answer.status) == (code, status)


def test_pages(cloud: Cloud) -> None:
    for number in range(23):
        cloud.add_image(f"m-{number:02}", created=float(number))
    seen: list[str] = []
    for page in (1, 2, 3, 4):
        answer = cloud.ask("DescribeImages", page_number=page, page_size=10, image_owner_alias="self")
        assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (24, page, 10)
        seen += [image["ImageId"] for image in answer["Images"]["Image"]]
    assert len(seen) == len(set(seen)) == 24
    assert seen[:2] == ["m-22", "m-21"]  # the newest first
    assert cloud.ask("DescribeImages")["PageSize"] == 10


def test_whose_an_image_is(cloud: Cloud) -> None:
    zoo(cloud)
    answer = cloud.ask("DescribeImages", page_size=100)["Images"]["Image"]
    aliases = {image["ImageId"]: image["ImageOwnerAlias"] for image in answer}
    assert (aliases[IMAGE], aliases["m-system"], aliases["m-shared"]) == ("self", "system", "others")


def test_the_newest_of_a_family(cloud: Cloud) -> None:
    cloud.add_image("m-1", family="web", created=1.0)
    cloud.add_image("m-2", family="web", created=2.0)
    cloud.add_image("m-3", family="web", created=3.0, status="Creating")
    assert cloud.ask("DescribeImageFromFamily", image_family="web")["Image"]["ImageId"] == "m-2"
    assert cloud.ask("DescribeImageFromFamily", image_family="none")["Image"] == {}


# Deleting and changing


def test_delete(cloud: Cloud) -> None:
    used = cloud.refused("DeleteImage", image_id=IMAGE)
    assert (used.code, used.status) == ("ImageUsingByInstance", 403)
    assert cloud.refused("DeleteImage", image_id=IMAGE, force=True, dry_run=True).code == "DryRunOperation"
    cloud.ask("DeleteImage", image_id=IMAGE, force=True)
    assert cloud.images(ImageId=IMAGE) == []


def test_deleting_what_is_not_there(cloud: Cloud) -> None:
    assert cloud.ask("DeleteImage", image_id="m-none")["RequestId"]
    cloud.settings.delete_missing_image = "refuse"
    answer = cloud.refused("DeleteImage", image_id="m-none")
    assert (answer.code, answer.status) == ("InvalidImageId.NotFound", 404)


def test_images_of_others_cannot_be_deleted(cloud: Cloud) -> None:
    zoo(cloud)
    for image_id in ("m-system", "m-shared", "m-private"):
        assert cloud.refused("DeleteImage", image_id=image_id).code == "InvalidImageId.NotFound"


def test_a_shared_image_is_kept_even_by_force(cloud: Cloud) -> None:
    cloud.add_image("m-mine", shared_with=[STRANGER])
    answer = cloud.refused("DeleteImage", image_id="m-mine", force=True)
    assert (answer.code, answer.status) == ("ImageUseShared", 403)


def test_modify(cloud: Cloud) -> None:
    cloud.ask(
        "ModifyImageAttribute",
        image_id=IMAGE,
        image_name="renamed",
        description="new words",
        image_family="web",
        boot_mode="UEFI",
        license_type="BYOL",
        status="Deprecated",
        features=models.ModifyImageAttributeRequestFeatures(nvme_support="supported", imds_support="v2"),
    )
    image = cloud.image(IMAGE)
    assert [image[name] for name in ("ImageName", "Description", "ImageFamily", "BootMode", "Status")] == [
        "renamed",
        "new words",
        "web",
        "UEFI",
        "Deprecated",
    ]
    assert image["Features"] == {"NvmeSupport": "supported", "ImdsSupport": "v2"}
    cloud.ask("ModifyImageAttribute", image_id=IMAGE, status="Available")
    assert cloud.image(IMAGE)["ImageName"] == "renamed"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"image_id": "m-none"}, "InvalidImageId.NotFound"),
        ({"image_name": "!"}, "InvalidImageName.Malformed"),
        ({"image_name": "taken"}, "InvalidImageName.Duplicated"),
        ({"description": "x"}, "InvalidDescription.Malformed"),
        ({"status": "Creating"}, "InvalidParameter"),
        ({"image_id": "m-failed", "status": "Deprecated"}, "IncorrectImageStatus"),
        ({"license_type": "x"}, "InvalidLicenseType.NotSupported"),
        ({"dry_run": True}, "DryRunOperation"),
    ],
)
def test_modify_refuses(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.add_image("m-taken", name="taken")
    cloud.add_image("m-failed", status="CreateFailed")
    assert cloud.refused("ModifyImageAttribute", **{"image_id": IMAGE, **parameters}).code == code


def test_tags(cloud: Cloud) -> None:
    tag = models.TagResourcesRequestTag
    cloud.ask("TagResources", resource_type="image", resource_id=[IMAGE], tag=[tag(key="a", value="1"), tag(key="b")])
    cloud.ask("TagResources", resource_type="image", resource_id=[IMAGE], tag=[tag(key="a", value="2")])
    assert cloud.image(IMAGE)["Tags"]["Tag"] == [{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}]
    cloud.ask("TagResources", resource_type="instance", resource_id=[INSTANCE], tag=[tag(key="a")])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"resource_id": ["m-none"]}, "InvalidResourceId.NotFound"),
        ({"resource_type": "moon"}, "InvalidResourceType.NotFound"),
        ({"resource_id": [IMAGE] * 51}, "NumberExceed.ResourceIds"),
        ({"tag": None}, "MissingParameter.Tags"),
        ({"tag": [tag(key="acs:x")]}, "InvalidTagKey.Malformed"),
    ]
    for parameters, code in cases:
        usual = {"resource_type": "image", "resource_id": [IMAGE], "tag": [tag(key="a")]}
        assert cloud.refused("TagResources", **{**usual, **parameters}).code == code


# Tasks


def test_tasks_are_listed_and_filtered(cloud: Cloud) -> None:
    cloud.add_image("m-second")
    first = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.finish()
    second = cloud.ask("ExportImage", image_id="m-second", ossbucket="hz-bucket")["TaskId"]
    cloud.clock.advance(30)

    def listed(**filters: Any) -> list[str]:
        return [task["TaskId"] for task in cloud.ask("DescribeTasks", **filters)["TaskSet"]["Task"]]

    assert listed() == [second, first]
    assert listed(task_status="Finished") == [first]
    assert listed(task_status="Processing") == [second]
    assert listed(task_status="Waiting") == [second, first]  # a value without effect
    assert listed(task_ids=f"{first},t-none") == [first]
    assert listed(task_action="EXPORT_IMAGE") == [second, first]
    assert listed(task_action="ImportImage") == []
    assert listed(resource_ids=[IMAGE]) == [first]
    assert listed(start_time="2126-01-01T00:00:00Z") == []
    assert listed(end_time="2126-01-01T00:00:00Z") == [second, first]
    assert listed(region_id=SINGAPORE) == []
    assert listed(page_size=1, page_number=2) == [first]
    assert cloud.ask("DescribeTasks", page_size=1)["TotalCount"] == 2


def test_a_listed_task_tells_neither_progress_nor_reason(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    (task,) = cloud.rpc("ecs", "DescribeTasks", RegionId=HANGZHOU)["TaskSet"]["Task"]
    assert set(task) == {
        "TaskId", "TaskAction", "TaskStatus", "CreationTime", "FinishedTime", "SupportCancel", "ResourceId",
    }  # fmt: skip
    assert (task["TaskId"], task["SupportCancel"], task["FinishedTime"]) == (task_id, "true", "")
    cloud.settings.task_resource_ids = False
    (task,) = cloud.rpc("ecs", "DescribeTasks", RegionId=HANGZHOU)["TaskSet"]["Task"]
    assert "ResourceId" not in task


@pytest.mark.parametrize(
    ("action", "parameters", "code", "status"),
    [
        ("DescribeTasks", {"region_id": "cn-atlantis"}, "InvalidRegionId.NotFound", 400),
        ("DescribeTasks", {"start_time": "now"}, "InvalidParameter", 400),
        ("DescribeTasks", {"task_ids": ",".join(["t"] * 101)}, "InvalidParameter", 400),
        ("DescribeTaskAttribute", {"task_id": "t-none"}, "InvalidTaskId.NotFound", 400),
        ("DescribeTaskAttribute", {}, "MissingParameter", 400),
        ("DescribeTaskAttribute", {"region_id": "cn-atlantis", "task_id": "t"}, "InvalidRegionId.NotFound", 400),
        ("CancelTask", {"task_id": "t-none"}, "InvalidTaskId.NotFound", 400),
        ("CancelTask", {}, "MissingParameter", 400),
    ],
)
def test_task_calls_refuse(cloud: Cloud, action: str, parameters: dict[str, Any], code: str, status: int) -> None:
    answer = cloud.refused(action, **parameters)
    assert (answer.code, answer.status) == (code, status)


def test_tasks_belong_to_a_region(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    assert cloud.refused("DescribeTaskAttribute", task_id=task_id, region_id=SINGAPORE).code == "InvalidTaskId.NotFound"


def test_only_unfinished_tasks_can_be_cancelled(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.finish()
    answer = cloud.refused("CancelTask", task_id=task_id)
    assert (answer.code, answer.status) == ("InvalidTaskId.IncorrectTaskStatus", 403)


def test_only_exports_and_imports_can_be_cancelled(cloud: Cloud) -> None:
    cloud.ask("CreateImage", instance_id=INSTANCE)
    (task,) = cloud.world.alibaba.state.tasks
    answer = cloud.refused("CancelTask", task_id=task.task_id)
    assert (answer.code, answer.status) == ("InvalidTaskId.TaskActionNotSupport", 403)
    assert cloud.refused("DescribeTaskAttribute", task_id=task.task_id).code == "InvalidTaskId.NotFound"


def test_a_paused_task_goes_on_where_it_stood(cloud: Cloud) -> None:
    task_id = cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")["TaskId"]
    cloud.clock.advance(100)
    assert cloud.task(task_id)["TaskProcess"] == "50%"
    task = cloud.world.alibaba.task(task_id)
    assert task is not None
    cloud.world.alibaba.pause(task)
    cloud.clock.advance(1000)
    assert (cloud.task(task_id)["TaskStatus"], cloud.task(task_id)["TaskProcess"]) == ("Paused", "50%")
    cloud.world.alibaba.resume(task)
    cloud.clock.advance(40)
    assert (cloud.task(task_id)["TaskStatus"], cloud.task(task_id)["TaskProcess"]) == ("Processing", "75%")
