"""ECM's two imports: from CVM, and of objects, one or in layers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.ecm.v20190719 import models

from imgmove.sandbox.disks import convert
from imgmove.sandbox.world.tencent_records import PUBLIC
from tests.sandbox.tencent.cloud import GZ, SH, Cloud
from tests.sandbox.tencent.edge import SYSTEM, client, ecm_image, refused, state

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
