"""ECM's three task calls, of which two are about images; and what only looks, changes or deletes."""

from __future__ import annotations

from tencentcloud.ecm.v20190719 import models

from imgmove.sandbox.world.tencent_records import PUBLIC
from tests.sandbox.tencent.cloud import GZ, OTHER_UIN, Cloud
from tests.sandbox.tencent.edge import MACHINE, client, ecm_image, machine, refused, state

# Tasks


def test_tasks_that_are_not_there(cloud: Cloud) -> None:
    machine(cloud)
    task_id = cloud.ecm("CreateImage", InstanceId=MACHINE, ImageName="new")["TaskId"]
    for operation, wanted in (("CreateImage", "1"), ("ImportImage", task_id), ("", task_id)):
        asked = [{"Operation": operation, "TaskId": wanted}]
        assert refused(cloud, "DescribeTaskStatus", TaskSet=asked) == "InvalidParameterValue.TaskNotFound"
    assert refused(cloud, "DescribeTaskStatus", TaskSet=[]) == "InvalidParameter.InvalidDataFormat"
    empty = cloud.ecm("DescribeCustomImageTask", Filters=[{"Name": "task-id", "Values": [task_id]}])
    assert (empty["TotalCount"], empty["ImageTaskSet"]) == (0, None)
    unknown = [{"Name": "colour", "Values": ["red"]}]
    assert refused(cloud, "DescribeCustomImageTask", Filters=unknown) == "InvalidParameterValue.InvalidFilter"
    assert refused(cloud, "DescribeCustomImageTask", Filters=[]) == "InvalidParameterValue"


def test_the_task_call_for_elastic_ips_knows_no_images(cloud: Cloud) -> None:
    machine(cloud)
    task_id = cloud.ecm("CreateImage", InstanceId=MACHINE, ImageName="new")["TaskId"]
    asked = {"TaskId": task_id, "EcmRegion": "ap-hangzhou-ecm"}
    assert refused(cloud, "DescribeTaskResult", **asked) == "InvalidParameterValue.TaskNotFound"
    asked["EcmRegion"] = GZ
    assert refused(cloud, "DescribeTaskResult", **asked) == "InvalidParameterValue.InvalidEcmRegion"


# The rest


def test_images_by_filter(cloud: Cloud) -> None:
    ecm_image(cloud, "web-1", os_name="Debian 12 64bit")
    ecm_image(cloud, "web-2", os_name="CentOS 7 64bit")
    ecm_image(cloud, "public", account_id="0", kind=PUBLIC)
    ecm_image(cloud, "foreign", account_id=OTHER_UIN)

    def names(name: str, *values: str) -> set[str]:
        found = cloud.ecm("DescribeImage", Filters=[{"Name": name, "Values": list(values)}])["ImageSet"]
        return {image["ImageName"] for image in found or []}

    assert cloud.ecm("DescribeImage")["TotalCount"] == 3
    assert names("image-type", "PUBLIC_IMAGE") == {"public"}
    assert names("image-name", "web") == {"web-1", "web-2"}
    assert names("image-os", "centos") == {"web-2"}
    assert names("image-id", "img-absent01") == set()
    given = [{"Name": "image-name", "Values": ["a", "b"]}]
    assert refused(cloud, "DescribeImage", Filters=given) == "InvalidParameterValue.FilterLimitExceeded"
    given = [{"Name": "image-state", "Values": ["NORMAL"]}]
    assert refused(cloud, "DescribeImage", Filters=given) == "InvalidParameterValue.InvalidFilter"
    assert refused(cloud, "DescribeImage", Limit=101) == "InvalidParameterValue.InvaildPageParam"
    assert refused(cloud, "DescribeImage", Offset=-1) == "InvalidParameterValue.InvaildPageParam"


def test_deleting_and_changing(cloud: Cloud) -> None:
    image = ecm_image(cloud, "web")
    busy, used = ecm_image(cloud, "busy", state="SYNCING"), ecm_image(cloud, "used")
    public = ecm_image(cloud, "public", account_id="0", kind=PUBLIC)
    machine(cloud, image_id=used.image_id)
    for each in (busy, used):
        assert refused(cloud, "DeleteImage", ImageIDSet=[each.image_id]) == "FailedOperation.ImageInUse"
    code = refused(cloud, "DeleteImage", ImageIDSet=[public.image_id])
    assert code == "UnauthorizedOperation.ForbiddenOperation"
    assert refused(cloud, "DeleteImage", ImageIDSet=["img-absent01"]) == "ResourceNotFound"
    assert refused(cloud, "DeleteImage", ImageIDSet=["image"]) == "InvalidParameterValue.InvalidImageID"
    assert refused(cloud, "DeleteImage", ImageIDSet=[]) == "InvalidParameter.InvalidDataFormat"
    assert refused(cloud, "DeleteImage", ImageIds=[image.image_id]) == "UnknownParameter"
    many = [f"img-{n:08}" for n in range(101)]
    assert refused(cloud, "DeleteImage", ImageIDSet=many) == "InvalidParameterValue.ParameterValueTooLarge"

    given = {"ImageId": image.image_id}
    cloud.ecm("ModifyImageAttribute", **given, ImageName="x" * 20, ImageDescription="y" * 60)
    for changes in ({"ImageName": "x" * 21}, {"ImageDescription": "y" * 61}):
        code = refused(cloud, "ModifyImageAttribute", **given, **changes)
        assert code == "InvalidParameterValue.ParameterValueTooLarge"
    code = refused(cloud, "ModifyImageAttribute", **given, ImageName="busy")
    assert code == "InvalidParameterValue.ImageNameDuplicate"
    assert refused(cloud, "ModifyImageAttribute", **given, ImageName="") == "MissingParameter.MissingImageParameter"
    cloud.ecm("DeleteImage", ImageIDSet=[image.image_id])
    assert state(cloud, image.image_id) is None


def test_limits_systems_and_machines(cloud: Cloud) -> None:
    config = cloud.ecm("DescribeConfig")
    assert config["ImageLimits"]["MaxImageSize"] == 50
    assert "Debian 12" in config["ImageWhiteSet"]
    assert "Debian" in cloud.ecm("DescribeImportImageOs")["ImportImageOsListSupported"]["Linux"]
    assert cloud.ecm("DescribeInstances")["InstanceSet"] is None
    machine(cloud)
    machine(cloud, "ein-machine2", state="RUNNING", tags={"team": "web"})
    cloud.instance("ins-machine1")
    request = models.DescribeInstancesRequest()
    found = client(cloud).DescribeInstances(request)
    assert found.TotalCount == 2
    assert {each.InstanceState for each in found.InstanceSet} == {"STOPPED", "RUNNING"}
    for name, value in (("instance-state", "RUNNING"), ("tag:team", "web"), ("instance-id", "ein-machine2")):
        answer = cloud.ecm("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])
        assert [each["InstanceId"] for each in answer["InstanceSet"]] == ["ein-machine2"]
    code = refused(cloud, "DescribeInstances", OrderByField="name")
    assert code == "InvalidParameterValue.InvalidOrderByField"
