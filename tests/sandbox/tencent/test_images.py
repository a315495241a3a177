"""CVM's calls that look at images and instances, and those that change and delete images."""

from __future__ import annotations

from typing import Any

import pytest

from imgmove.sandbox.world.tencent_records import PUBLIC
from tests.sandbox.tencent.cloud import APP_ID, BUCKET, GZ, OTHER_UIN, SH, UIN, Cloud

# DescribeImages


def names(cloud: Cloud, **filters: list[str]) -> set[str]:
    """The names of the images that filters let through; `_` stands for `-`."""
    given = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    return {image["ImageName"] for image in cloud.cvm("DescribeImages", Filters=given, Limit=100)["ImageSet"]}


def test_filters(cloud: Cloud) -> None:
    web = cloud.image("web-1", tags={"team": "web"})
    cloud.image("web-2", platform="CentOS", state="CREATING", tags={"team": "db"})
    cloud.image("public", account_id="0", kind=PUBLIC, platform="Ubuntu")
    cloud.image("shared", account_id=OTHER_UIN, shared_with=[UIN])
    cloud.image("foreign", account_id=OTHER_UIN)
    cloud.image("elsewhere", region=SH)
    assert names(cloud) == {"web-1", "web-2", "public", "shared"}
    assert names(cloud, image_id=[web.image_id]) == {"web-1"}
    assert names(cloud, image_type=["PRIVATE_IMAGE"]) == {"web-1", "web-2"}
    assert names(cloud, image_type=["PUBLIC_IMAGE", "SHARED_IMAGE"]) == {"public", "shared"}
    assert names(cloud, image_name=["EB-"]) == {"web-1", "web-2"}
    assert names(cloud, platform=["cent", "ubu"]) == {"web-2", "public"}
    assert names(cloud, image_state=["CREATING"]) == {"web-2"}
    assert names(cloud, tag_key=["team"]) == {"web-1", "web-2"}
    assert names(cloud, tag_value=["db"]) == {"web-2"}
    assert names(cloud, **{"tag:team": ["web", "nobody"]}) == {"web-1"}
    assert names(cloud, **{"tag:other": ["web"]}) == set()
    assert names(cloud, image_name=["web"], platform=["CentOS"]) == {"web-2"}
    assert names(cloud, cdc_cache_status=["CACHED"]) == names(cloud, dedicated_cluster_id=["x"]) == set()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageIds": ["img-12345678"], "Filters": [{"Name": "image-id", "Values": ["x"]}]},
         "InvalidParameter.InvalidParameterCoexistImageIdsFilters"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidFilter"),
        ({"Filters": [{"Name": "image-id", "Values": ["x"]}] * 11}, "InvalidFilterValue.LimitExceeded"),
        ({"Filters": [{"Name": "image-id", "Values": ["x"] * 6}]}, "InvalidFilterValue.LimitExceeded"),
        ({"Limit": 101}, "InvalidParameterValue.InvalidParameterValueLimit"),
        ({"Limit": 0}, "InvalidParameterValue.InvalidParameterValueLimit"),
        ({"ImageIds": ["image-1"]}, "InvalidImageId.Malformed"),
        ({"ImageIds": [f"img-{n:08}" for n in range(101)]}, "InvalidParameterValue.LimitExceeded"),
        ({"InstanceType": "huge"}, "InvalidInstanceType.Malformed"),
    ],
)  # fmt: skip
def test_questions_that_cannot_be_asked(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    assert cloud.refusal("cvm", "DescribeImages", **parameters) == code


def test_pages(cloud: Cloud) -> None:
    made = {cloud.image(f"web-{n}").image_id for n in range(45)}
    pages = [cloud.cvm("DescribeImages", Offset=offset, Limit=20) for offset in (0, 20, 40, 60)]
    assert [len(page["ImageSet"]) for page in pages] == [20, 20, 5, 0]
    assert {page["TotalCount"] for page in pages} == {45}
    assert {image["ImageId"] for page in pages for image in page["ImageSet"]} == made
    assert len(cloud.cvm("DescribeImages")["ImageSet"]) == 20


def test_an_unknown_id_is_an_empty_set_or_an_error(cloud: Cloud) -> None:
    assert cloud.cvm("DescribeImages", ImageIds=["img-absent01"])["TotalCount"] == 0
    cloud.world.tencent.settings.unknown_image_code = "InvalidImageId.NotFound"
    assert cloud.refusal("cvm", "DescribeImages", ImageIds=["img-absent01"]) == "InvalidImageId.NotFound"


# DeleteImages, ModifyImageAttribute


def test_deleting_leaves_the_snapshots_unless_asked(cloud: Cloud) -> None:
    kept, gone = cloud.image("kept"), cloud.image("gone")
    cloud.cvm("DeleteImages", ImageIds=[kept.image_id])
    cloud.cvm("DeleteImages", ImageIds=[gone.image_id], DeleteBindedSnap=True)
    assert cloud.world.tencent.snapshot(kept.snapshot_ids[0])
    assert cloud.world.tencent.snapshot(gone.snapshot_ids[0]) is None
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0


def test_images_that_cannot_be_deleted(cloud: Cloud) -> None:
    def code(*ids: str) -> str:
        return cloud.refusal("cvm", "DeleteImages", ImageIds=list(ids))

    fine = cloud.image()
    assert code() == "InvalidParameterValue"
    assert code("img-1") == "InvalidImageId.Malformed"
    assert code(fine.image_id, "img-absent01") == "InvalidImageId.NotFound"
    assert code(cloud.image("a", account_id="0", kind=PUBLIC).image_id) == "InvalidParameterValue.InvalidImageId"
    shared = cloud.image("b", account_id=OTHER_UIN, shared_with=[UIN])
    assert code(shared.image_id) == "InvalidParameterValue.InvalidImageIdIsShared"
    assert code(cloud.image("c", shared_with=[OTHER_UIN]).image_id) == "InvalidImageId.InShared"
    for state in ("CREATING", "SYNCING", "IMPORTING"):
        assert code(cloud.image(state, state=state).image_id) == "InvalidImageId.IncorrectState"
    assert code(*[f"img-{n:08}" for n in range(101)]) == "InvalidParameterValue.LimitExceeded"
    cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[fine.image_id])
    assert code(fine.image_id) == "MutexOperation.TaskRunning"
    assert cloud.state(fine.image_id) == "EXPORTING", "nothing was deleted"


def test_failed_images_can_be_deleted_and_a_dry_run_deletes_none(cloud: Cloud) -> None:
    failed = cloud.image(state="IMPORTFAILED")
    cloud.cvm("DeleteImages", ImageIds=[failed.image_id], DryRun=True)
    assert cloud.state(failed.image_id) == "IMPORTFAILED"
    cloud.cvm("DeleteImages", ImageIds=[failed.image_id])
    assert cloud.state(failed.image_id) is None


def test_changing_an_image(cloud: Cloud) -> None:
    image = cloud.image()
    cloud.image("taken")
    given = {"ImageId": image.image_id}
    changes = {"ImageName": "better", "ImageDescription": "x", "ImageFamily": "f", "ImageDeprecated": True}
    cloud.cvm("ModifyImageAttribute", **given, **changes)
    (seen,) = cloud.cvm("DescribeImages", ImageIds=[image.image_id])["ImageSet"]
    assert {name: seen[name] for name in changes} == changes

    def code(**parameters: Any) -> str:
        return cloud.refusal("cvm", "ModifyImageAttribute", **{**given, **parameters})

    assert code() == "InvalidParameter.SpecifyOneParameter"
    assert code(ImageName="taken") == "InvalidImageName.Duplicate"
    assert code(ImageName="x" * 61) == "InvalidParameterValue.TooLarge"
    assert code(ImageId="img-absent01", ImageName="y") == "InvalidImageId.NotFound"
    public = cloud.image("p", account_id="0", kind=PUBLIC)
    assert code(ImageId=public.image_id, ImageName="y") == "UnauthorizedOperation.ImageNotBelongToAccount"
    image.shared_with = [OTHER_UIN]
    assert code(ImageName="y") == "UnsupportedOperation.SharedImageModifyUnsupported"
    cloud.cvm("DescribeImages")


# The rest


def test_instances(cloud: Cloud) -> None:
    cloud.instance("ins-machine1", data_disks=1, tags={"team": "web"})
    cloud.instance("ins-machine2", state="STOPPED")
    cloud.instance("ins-machine3", region=SH)
    both = cloud.cvm("DescribeInstances")
    assert both["TotalCount"] == 2
    (one,) = cloud.cvm("DescribeInstances", InstanceIds=["ins-machine1"])["InstanceSet"]
    assert (one["InstanceState"], len(one["DataDisks"])) == ("RUNNING", 1)
    for name, value, count in (("instance-state", "STOPPED", 1), ("zone", f"{GZ}-1", 2), ("tag:team", "web", 1)):
        found = cloud.cvm("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])
        assert found["TotalCount"] == count
    assert cloud.refusal("cvm", "DescribeInstances", InstanceIds=["x"]) == "InvalidInstanceId.Malformed"
    assert cloud.refusal("cvm", "DescribeInstances", InstanceIds=["ins-absent01"]) == "InvalidInstanceId.NotFound"
    assert cloud.refusal("cvm", "DescribeInstances", Limit=101) == "InvalidParameterValueLimit"


def test_quotas_and_the_app_id(cloud: Cloud) -> None:
    cloud.image()
    assert cloud.cvm("DescribeImageQuota")["ImageNumQuota"] == 500
    answer = cloud.cvm("DescribeAccountQuota")
    assert answer["AppId"] == int(APP_ID)
    quota = answer["AccountQuotaOverview"]["AccountQuota"]["ImageQuotaSet"]
    assert quota == [{"UsedQuota": 1, "TotalQuota": 500}]


def test_zones_belong_to_the_region(cloud: Cloud) -> None:
    assert {zone["Zone"] for zone in cloud.cvm("DescribeZones", SH)["ZoneSet"]} == {f"{SH}-{n}" for n in (1, 2, 3)}


def test_repair_tasks_are_not_exports(cloud: Cloud) -> None:
    image = cloud.image()
    task_id = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image.image_id])["TaskId"]
    answer = cloud.cvm("DescribeTaskInfo", Limit=20, Offset=0, TaskIds=[str(task_id)])
    assert (answer["TotalCount"], answer["RepairTaskInfoSet"]) == (0, [])
    assert cloud.refusal("cvm", "DescribeTaskInfo", Offset=0) == "MissingParameter"
