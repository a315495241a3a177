"""ECM: images from instances, from CVM and from objects, and the three task calls of which two are about images."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.ecm.v20190719 import ecm_client, models

from imgmove.sandbox.disks import convert
from imgmove.sandbox.world.tencent_records import PUBLIC, Image
from tests.sandbox.tencent.cloud import GZ, OTHER_UIN, SECRET, SECRET_ID, SH, UIN, Cloud

MACHINE = "ein-machine1"
SYSTEM = {"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12"}


def client(cloud: Cloud) -> Any:
    """The typed SDK, without a region, as ECM allows."""
    return ecm_client.EcmClient(Credential(SECRET_ID, SECRET), "", cloud.profile("ecm"))


def machine(cloud: Cloud, instance_id: str = MACHINE, *, state: str = "STOPPED", **how: Any) -> Any:
    """An edge machine."""
    return cloud.instance(instance_id, service="ecm", region="ap-hangzhou-ecm", state=state, **how)


def ecm_image(cloud: Cloud, name: str, **how: Any) -> Image:
    """An image that is there already."""
    with cloud.world.lock:
        how = {"account_id": UIN, **how}
        image_id = how.pop("image_id", cloud.world.tencent.new_id("img"))
        return cloud.world.tencent.add_image(Image(image_id, region="", name=name, service="ecm", **how))


def state(cloud: Cloud, image_id: str) -> str | None:
    """An image's state as DescribeImage shows it."""
    found = cloud.ecm("DescribeImage", Filters=[{"Name": "image-id", "Values": [image_id]}])["ImageSet"]
    return str(found[0]["ImageState"]) if found else None


def refused(cloud: Cloud, action: str, **parameters: Any) -> str:
    """The code that a call of ECM is refused with."""
    return cloud.refusal("ecm", action, "", **parameters)


# CreateImage


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


# ImportImage


def test_an_image_comes_from_cvm_and_its_answer_is_a_request_id(cloud: Cloud) -> None:
    source = cloud.image("web", description="there")
    request = models.ImportImageRequest()
    request.ImageId, request.ImageDescription, request.SourceRegion = source.image_id, "here", GZ
    client(cloud).ImportImage(request)
    cloud.pass_time(10)
    (image,) = cloud.ecm("DescribeImage", Filters=[{"Name": "image-name", "Values": ["we"]}])["ImageSet"]
    assert (image["ImageState"], image["ImageDescription"]) == ("SYNCING", "here")
    assert (image["SrcImage"]["ImageId"], image["SrcImage"]["Region"]) == (source.image_id, GZ)
    assert image["ImageId"] != source.image_id
    cloud.pass_time(290)
    assert state(cloud, image["ImageId"]) == "NORMAL"


def test_the_image_may_keep_its_id(cloud: Cloud) -> None:
    cloud.world.tencent.settings.ecm_keeps_image_id = True
    source = cloud.image()
    cloud.ecm("ImportImage", ImageId=source.image_id, ImageDescription="", SourceRegion=GZ)
    cloud.pass_time(300)
    assert state(cloud, source.image_id) == "NORMAL"


def test_a_failed_import_may_be_done_again_once_it_is_deleted(cloud: Cloud) -> None:
    source = cloud.image()
    given = {"ImageId": source.image_id, "ImageDescription": "", "SourceRegion": GZ}
    cloud.sandbox.faults.add("ecm:ImportImage fail-task")
    cloud.ecm("ImportImage", **given)
    cloud.pass_time(300)
    (image,) = cloud.ecm("DescribeImage")["ImageSet"]
    assert image["ImageState"] == "CREATEFAILED"
    cloud.ecm("DeleteImage", ImageIDSet=[image["ImageId"]])
    cloud.ecm("ImportImage", **given)
    assert refused(cloud, "ImportImage", **given) == "InvalidParameterValue.ImageDuplicate"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"SourceRegion": "ap-atlantis"}, "InvalidParameterValue.UnsupportedRegion"),
        ({"SourceRegion": SH}, "InvalidParameterValue.InvalidImageID"),
        ({"ImageId": "image"}, "InvalidParameterValue.InvalidImageID"),
        ({"ImageId": "img-public01"}, "InvalidParameterValue.InvalidImageID"),
        ({"ImageId": "img-creating"}, "InvalidParameterValue.InvalidImageID"),
        ({"ImageId": "img-windows1"}, "UnauthorizedOperation.WindowsImage"),
        ({"ImageId": "img-large001"}, "InvalidParameterValue.ImageSizeLargeThanSysDiskSize"),
        ({"ImageId": "img-taken001"}, "InvalidParameterValue.ImageNameDuplicate"),
        ({"ImageDescription": None}, "MissingParameter"),
    ],
)
def test_imports_from_cvm_that_are_refused(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.image("web", image_id="img-12345678")
    cloud.image("public", image_id="img-public01", account_id="0", kind=PUBLIC)
    cloud.image("creating", image_id="img-creating", state="CREATING")
    cloud.image("windows", image_id="img-windows1", platform="Windows")
    cloud.image("large", image_id="img-large001", snapshots=[cloud.snapshot(size_gib=51)])
    cloud.image("taken", image_id="img-taken001")
    ecm_image(cloud, "taken")
    given = {"ImageId": "img-12345678", "ImageDescription": "x", "SourceRegion": GZ, **parameters}
    assert refused(cloud, "ImportImage", **given) == code


# ImportCustomImage


def test_the_typed_sdk_follows_an_import_of_an_object(cloud: Cloud) -> None:
    ecm, request = client(cloud), models.ImportCustomImageRequest()
    url = models.ImageUrl()
    url.ImageFile = cloud.put("disk.raw", cloud.disk())
    request.ImageName, request.Architecture, request.OsType, request.OsVersion = "new", "x86_64", "Debian", "12"
    request.ImageUrls = [url]
    answer = ecm.ImportCustomImage(request)
    assert isinstance(answer.TaskId, int)

    seen, wanted = models.DescribeCustomImageTaskRequest(), models.Filter()
    wanted.Name, wanted.Values = "task-id", [str(answer.TaskId)]
    seen.Filters = [wanted]
    states = []
    for _ in range(3):
        states.append(ecm.DescribeCustomImageTask(seen).ImageTaskSet[0].State)
        cloud.pass_time(150)
    assert states == ["PENDING", "PROCESSING", "SUCCESS"]
    assert state(cloud, answer.ImageId) == "NORMAL"
    for name, value in (("image-id", answer.ImageId), ("image-name", "new")):
        found = cloud.ecm("DescribeCustomImageTask", Filters=[{"Name": name, "Values": [value]}])
        assert (found["TotalCount"], found["ImageTaskSet"][0]["ImageName"]) == (1, "new")


def test_a_failed_import_of_an_object_says_why(cloud: Cloud) -> None:
    url = cloud.put("disk.raw", cloud.disk(table=False))
    answer = cloud.ecm("ImportCustomImage", **SYSTEM, ImageName="new", ImageUrls=[{"ImageFile": url}])
    cloud.pass_time(300)
    filters = [{"Name": "task-id", "Values": [str(answer["TaskId"])]}]
    (task,) = cloud.ecm("DescribeCustomImageTask", Filters=filters)["ImageTaskSet"]
    assert (task["State"], task["Message"]) == ("FAILED", "no partition table with partitions was found")
    assert state(cloud, answer["ImageId"]) == "IMPORTFAILED"


def test_a_disk_larger_than_ecm_takes(cloud: Cloud) -> None:
    cloud.world.tencent.settings.ecm_max_image_gib = 0
    url = cloud.put("disk.raw", cloud.disk())
    image_id = cloud.ecm("ImportCustomImage", **SYSTEM, ImageName="new", ImageUrls=[{"ImageFile": url}])["ImageId"]
    cloud.pass_time(300)
    assert state(cloud, image_id) == "IMPORTFAILED"


@pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img makes the layers of this test; it is not installed"
)
def test_layers_are_laid_over_each_other(cloud: Cloud, tmp_path: Path) -> None:
    base, top = tmp_path / "base.qcow2", tmp_path / "top.qcow2"
    convert(cloud.disk(marker=b"the base"), "raw", base, "qcow2")
    over = ("-f", "qcow2", "-F", "qcow2", "-b", base.name, str(top))
    subprocess.run(["qemu-img", "create", "-q", *over], check=True, cwd=tmp_path)
    writes = ("-c", "write -P 0x41 2M 64k", "-c", "write -z 1088k 64k")
    subprocess.run(["qemu-io", *writes, str(top)], check=True, capture_output=True)
    subprocess.run(["qemu-img", "convert", "-O", "raw", top, tmp_path / "flat.raw"], check=True)
    urls = [{"ImageFile": cloud.put(path.name, path)} for path in (base, top)]
    image_id = cloud.ecm("ImportCustomImage", **SYSTEM, ImageName="new", ImageUrls=urls)["ImageId"]
    cloud.pass_time(300)
    assert state(cloud, image_id) == "NORMAL"
    image = cloud.world.tencent.image("ecm", "", image_id)
    assert image is not None
    blob = cloud.world.tencent.snapshots_of(image)[0].blob
    assert cloud.world.tencent.blob(blob).read_bytes() == (tmp_path / "flat.raw").read_bytes()
    alone = cloud.ecm("ImportCustomImage", **SYSTEM, ImageName="alone", ImageUrls=urls[1:])["ImageId"]
    raw = {"ImageFile": cloud.put("disk.raw", tmp_path / "flat.raw")}
    odd = cloud.ecm("ImportCustomImage", **SYSTEM, ImageName="odd", ImageUrls=[urls[0], raw])["ImageId"]
    cloud.pass_time(300)
    assert (state(cloud, alone), state(cloud, odd)) == ("IMPORTFAILED", "IMPORTFAILED")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Architecture": "arm_64"}, "InvalidParameterValue.InvalidImageArchitecture"),
        ({"OsType": "Plan 9"}, "InvalidParameterValue"),
        ({"OsVersion": "95"}, "InvalidParameterValue"),
        ({"InitFlag": "magic"}, "InvalidParameterValue"),
        ({"ImageName": "taken"}, "InvalidParameterValue.ImageNameDuplicate"),
        ({"ImageUrls": []}, "MissingParameter.MissingImageParameter"),
        ({"ImageUrls": [{"ImageFile": "https://example.com/x"}]}, "InvalidParameterValue"),
        ({"ImageUrls": [{"ImageFile": "x"}] * 11}, "InvalidParameterValue.ParameterValueTooLarge"),
        ({"ImageUrls": [{}]}, "MissingParameter"),
    ],
)
def test_imports_of_objects_that_are_refused(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    ecm_image(cloud, "taken")
    url = cloud.url("disk.raw", signed=False)
    given = {**SYSTEM, "ImageName": "new", "ImageUrls": [{"ImageFile": url}], **parameters}
    assert refused(cloud, "ImportCustomImage", **given) == code


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
