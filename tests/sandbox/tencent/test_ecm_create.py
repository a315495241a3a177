"""ECM's CreateImage, and the task that follows it."""

from __future__ import annotations

from typing import Any

import pytest
from tencentcloud.ecm.v20190719 import models

from tests.sandbox.tencent.cloud import Cloud
from tests.sandbox.tencent.edge import MACHINE, client, ecm_image, machine, refused


def test_the_typed_sdk_follows_a_creation_by_its_task(cloud: Cloud) -> None:
    stopped, ecm = machine(cloud), client(cloud)
    request = models.CreateImageRequest()
    request.InstanceId, request.ImageName, request.ImageDescription = MACHINE, "golden", "of an edge machine"
    task_id = ecm.CreateImage(request).TaskId
    assert isinstance(task_id, str)

    status = models.DescribeTaskStatusRequest()
    wanted = models.TaskInput()
    wanted.Operation, wanted.TaskId = "CreateImage", task_id
    status.TaskSet = [wanted]
    cloud.pass_time(299)
    task = ecm.DescribeTaskStatus(status).TaskSet[0]
    assert (task.Status, task.Operation, task.TaskId, task.EndTime) == ("OPERATING", "CreateImage", task_id, "")
    cloud.pass_time(1)
    task = ecm.DescribeTaskStatus(status).TaskSet[0]
    assert (task.Status, task.Message) == ("SUCCESS", "success")
    assert len(task.AddTime) == len(task.EndTime) == len("2020-07-13 00:37:51")

    (image,) = ecm.DescribeImage(models.DescribeImageRequest()).ImageSet
    assert (image.ImageState, image.ImageName, image.ImageType) == ("NORMAL", "golden", "PRIVATE_IMAGE")
    assert (image.SrcImage.InstanceId, image.SrcImage.Region) == (MACHINE, "ap-hangzhou-ecm")
    assert image.TaskId == ""
    made = cloud.world.tencent.image("ecm", "", image.ImageId)
    assert made is not None
    blob = cloud.world.tencent.snapshots_of(made)[0].blob
    source = cloud.world.tencent.blob(stopped.system_disk.blob)
    assert cloud.world.tencent.blob(blob).read_bytes() == source.read_bytes()


def test_a_running_machine_has_to_be_stopped_or_forced(cloud: Cloud) -> None:
    running = machine(cloud, state="RUNNING")
    given = {"InstanceId": MACHINE, "ImageName": "new"}
    for switch in ({}, {"ForcePoweroff": "FALSE"}):
        assert refused(cloud, "CreateImage", **given, **switch) == "FailedOperation.InstanceNotAllStopped"
    assert cloud.ecm("CreateImage", **given, ForcePoweroff="TRUE")["TaskId"]
    assert running.state == "STOPPED"


def test_a_failed_creation_says_why(cloud: Cloud) -> None:
    machine(cloud)
    cloud.sandbox.faults.add("ecm:CreateImage fail-task code=InternalError message='Create image failed'")
    task_id = cloud.ecm("CreateImage", InstanceId=MACHINE, ImageName="new")["TaskId"]
    cloud.pass_time(10)
    (image,) = cloud.ecm("DescribeImage")["ImageSet"]
    assert (image["ImageState"], image["TaskId"]) == ("CREATING", task_id)
    cloud.pass_time(290)
    (task,) = cloud.ecm("DescribeTaskStatus", TaskSet=[{"Operation": "CreateImage", "TaskId": task_id}])["TaskSet"]
    assert (task["Status"], task["Message"]) == ("FAILED", "Create image failed")
    (image,) = cloud.ecm("DescribeImage")["ImageSet"]
    assert (image["ImageState"], image["TaskId"]) == ("CREATEFAILED", task_id)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"InstanceId": "ins-machine1"}, "InvalidParameterValue.InvalidInstanceID"),
        ({"InstanceId": "ein-absent01"}, "UnsupportedOperation.InstanceIdNotFound"),
        ({"InstanceId": "ein-odd00001"}, "UnsupportedOperation.InstanceIdNotSupported"),
        ({"InstanceId": "ein-windows1"}, "UnauthorizedOperation.WindowsImage"),
        ({"InstanceId": "ein-pending1"}, "UnsupportedOperation.InvalidInstanceState"),
        ({"InstanceId": ""}, "MissingParameter.MissingImageParameter"),
        ({"InstanceId": None}, "MissingParameter"),
        ({"ImageName": ""}, "MissingParameter.MissingImageParameter"),
        ({"ImageName": "taken"}, "InvalidParameterValue.ImageNameDuplicate"),
        ({"ImageName": "x" * 61}, "InvalidParameterValue.ParameterValueTooLarge"),
        ({"ForcePoweroff": "perhaps"}, "InvalidParameter.InvalidDataFormat"),
        ({"ForcePoweroff": True}, "InvalidParameter"),
        ({"DryRun": True}, "UnknownParameter"),
    ],
)
def test_creations_that_are_refused(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    machine(cloud)
    machine(cloud, "ein-odd00001", supports_images=False)
    machine(cloud, "ein-windows1", platform="Windows")
    machine(cloud, "ein-pending1", state="PENDING")
    ecm_image(cloud, "taken")
    assert refused(cloud, "CreateImage", **{"InstanceId": MACHINE, "ImageName": "new", **parameters}) == code


def test_one_image_of_a_machine_at_a_time_and_only_so_many(cloud: Cloud) -> None:
    machine(cloud)
    cloud.ecm("CreateImage", InstanceId=MACHINE, ImageName="a")
    code = refused(cloud, "CreateImage", InstanceId=MACHINE, ImageName="b")
    assert code == "UnsupportedOperation.MutexOperationTaskRunning"
    cloud.pass_time(300)
    cloud.world.tencent.settings.ecm_image_quota = 1
    code = refused(cloud, "CreateImage", InstanceId=MACHINE, ImageName="b")
    assert code == "ResourceInsufficient.InvaildPrivateImageNum"


def test_a_key_without_the_right_is_refused_in_ecms_own_way(cloud: Cloud) -> None:
    policy = '{"version":"2.0","statement":[{"effect":"allow","action":["ecm:Describe*"],"resource":["*"]}]}'
    answer = cloud.call("tencent_sts", "GetFederationToken", "", Name="guest", Policy=policy)
    keys = answer["Credentials"]
    cloud.secrets = (keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"])
    assert cloud.ecm("DescribeImage")["TotalCount"] == 0
    code = refused(cloud, "CreateImage", InstanceId=MACHINE, ImageName="new")
    assert code == "UnauthorizedOperation.ForbiddenOperation"
