"""What each image and instance of the default world is there for: it is exported, imaged, or refused with its code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from imgmove.sandbox import Sandbox

VERSIONS = {"cvm": "2017-03-12", "ecm": "2019-07-19"}
HOUR = 3600.0


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.clock.freeze()
        yield running


def tencent(sandbox: Sandbox, service: str, action: str, **parameters: Any) -> dict[str, Any]:
    """A call through the SDK's general client."""
    environment = sandbox.environment()
    credential = Credential(environment["TENCENTCLOUD_SECRET_ID"], environment["TENCENTCLOUD_SECRET_KEY"])
    http = HttpProfile(protocol="http", endpoint=sandbox.endpoint(service).removeprefix("http://"))
    region = environment["TENCENTCLOUD_REGION"] if service == "cvm" else ""
    client = CommonClient(service, VERSIONS[service], credential, region, ClientProfile(httpProfile=http))
    answer: dict[str, Any] = client.call_json(action, parameters)["Response"]
    return answer


def ecs(sandbox: Sandbox, action: str, region: str = "cn-hangzhou", **parameters: str) -> dict[str, Any]:
    """A call through the SDK's general client."""
    environment = sandbox.environment()
    config = Config(
        access_key_id=environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        region_id=region,
        endpoint=sandbox.endpoint("ecs").removeprefix("http://"),
        protocol="http",
    )
    how = Params(
        action=action, version="2014-05-26", protocol="HTTP", pathname="/", method="POST", auth_type="AK",
        style="RPC", req_body_type="formData", body_type="json",
    )  # fmt: skip
    request = OpenApiRequest(query={"RegionId": region, **parameters})
    answer: dict[str, Any] = OpenApiClient(config).call_api(how, request, RuntimeOptions())["body"]
    return answer


def export_from_cvm(sandbox: Sandbox, image_id: str) -> dict[str, Any]:
    return tencent(sandbox, "cvm", "ExportImages", BucketName="imgmove-gz-1250000000", ImageIds=[image_id])


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ("img-win00001", "UnsupportedOperation.WindowsImageExportUnsupported"),
        ("img-rhel0001", "UnsupportedOperation.RedHatImageExportUnsupported"),
        ("img-crypt001", "UnsupportedOperation.EncryptedImagesNotSupported"),
        ("img-pub00001", "UnsupportedOperation.PublicImageExportUnsupported"),
        ("img-mkt00002", "UnsupportedOperation.MarketImageExportUnsupported"),
        ("img-share001", "UnsupportedOperation.SharedImageExportUnsupported"),
        ("img-nothere1", "InvalidImageId.NotFound"),
    ],
)
def test_cvm_images_that_are_refused(sandbox: Sandbox, image_id: str, code: str) -> None:
    with pytest.raises(TencentCloudSDKException) as caught:
        export_from_cvm(sandbox, image_id)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("image_id", "keys"),
    [
        ("img-seed0001", ["/img-seed0001_system_snap-seed0001.raw"]),
        ("img-seed0002", ["/img-seed0002_system_snap-seed0002.raw", "/img-seed0002_data_snap-seed0003.raw"]),
    ],
)
def test_cvm_images_that_are_exported(sandbox: Sandbox, image_id: str, keys: list[str]) -> None:
    assert export_from_cvm(sandbox, image_id)["CosPaths"] == keys
    sandbox.clock.advance(HOUR)
    sandbox.settle()
    bucket = sandbox.world.objects.bucket("tencent", "imgmove-gz-1250000000")
    assert bucket is not None
    assert all(sandbox.world.objects.head(bucket, key.lstrip("/")) for key in keys)


def test_the_cvm_instance_is_imaged(sandbox: Sandbox) -> None:
    image_id = tencent(sandbox, "cvm", "CreateImage", InstanceId="ins-seed0001", ImageName="made")["ImageId"]
    sandbox.clock.advance(HOUR)
    (image,) = tencent(sandbox, "cvm", "DescribeImages", ImageIds=[image_id])["ImageSet"]
    assert image["ImageState"] == "NORMAL"


def test_the_stopped_ecm_instance_is_imaged(sandbox: Sandbox) -> None:
    task_id = tencent(sandbox, "ecm", "CreateImage", InstanceId="ein-seed0001", ImageName="edge")["TaskId"]
    sandbox.clock.advance(HOUR)
    tasks = [{"TaskId": task_id, "Operation": "CreateImage"}]
    (task,) = tencent(sandbox, "ecm", "DescribeTaskStatus", TaskSet=tasks)["TaskSet"]
    assert task["Status"] == "SUCCESS"


def test_the_running_ecm_instance_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TencentCloudSDKException) as caught:
        tencent(sandbox, "ecm", "CreateImage", InstanceId="ein-seed0002", ImageName="edge")
    assert caught.value.code == "FailedOperation.InstanceNotAllStopped"


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ("m-bp1windows0000000001", "InvalidImageLicense.NotSupported"),
        ("m-bp1crypt000000000001", "ImageNotSupported"),
        ("m-bp1lamp0000000000001", "ImageNotSupported"),
        ("m-bp1nothere0000000001", "InvalidImageId.NotFound"),
    ],
)
def test_ecs_images_that_are_refused(sandbox: Sandbox, image_id: str, code: str) -> None:
    with pytest.raises(ClientException) as caught:
        ecs(sandbox, "ExportImage", ImageId=image_id, OSSBucket="imgmove-hz")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("image_id", "region", "bucket", "image_format", "count"),
    [
        ("m-bp1seed0000000000001", "cn-hangzhou", "imgmove-hz", "raw", 1),
        ("m-bp1seed0000000000002", "cn-hangzhou", "imgmove-hz", "raw", 2),
        ("m-t4nseed0000000000001", "ap-southeast-1", "imgmove-sg", "qcow2", 1),
    ],
)
def test_ecs_images_that_are_exported(
    sandbox: Sandbox, image_id: str, region: str, bucket: str, image_format: str, count: int
) -> None:
    answer = ecs(sandbox, "ExportImage", region, ImageId=image_id, OSSBucket=bucket, ImageFormat=image_format)
    sandbox.clock.advance(HOUR)
    task = ecs(sandbox, "DescribeTaskAttribute", region, TaskId=answer["TaskId"])
    assert task["TaskStatus"] == "Finished", json.dumps(task)
    found = sandbox.world.objects.bucket("alibaba", bucket)
    assert found is not None
    assert len(sandbox.world.objects.list(found, prefix=image_id).items) == count


def test_the_ecs_instance_is_imaged(sandbox: Sandbox) -> None:
    image_id = ecs(sandbox, "CreateImage", InstanceId="i-bp1seed0000000000001", ImageName="made")["ImageId"]
    sandbox.clock.advance(HOUR)
    (image,) = ecs(sandbox, "DescribeImages", ImageId=image_id, Status="ALL")["Images"]["Image"]
    assert image["Status"] == "Available"


def test_images_of_others_are_listed_as_such(sandbox: Sandbox) -> None:
    shown = {
        alias: {image["ImageId"] for image in ecs(sandbox, "DescribeImages", ImageOwnerAlias=alias)["Images"]["Image"]}
        for alias in ("self", "marketplace", "system")
    }
    assert "m-bp1seed0000000000001" in shown["self"]
    assert shown["marketplace"] == {"m-bp1market00000000001"}
    assert len(shown["system"]) == 1
