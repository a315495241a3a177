"""The older official SDK, and today's with the older signature, unchanged but for endpoint and protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest, RpcRequest

from imgmove.sandbox.world.accounts import Key
from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, IMAGE, KEY_ID, SECRET, VERSIONS, Cloud


def client(credential: Any = None) -> AcsClient:
    return AcsClient(region_id=HANGZHOU, credential=credential or AccessKeyCredential(KEY_ID, SECRET))


def common(cloud: Cloud, action: str, service: str = "ecs", **parameters: str) -> CommonRequest:
    request = CommonRequest(domain=cloud.endpoint(service), version=VERSIONS[service], action_name=action)
    request.set_protocol_type("http")
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return request


def test_a_common_request(cloud: Cloud) -> None:
    answer = json.loads(client().do_action_with_exception(common(cloud, "DescribeImages", ImageId=IMAGE)))
    assert answer["RegionId"] == HANGZHOU  # which the client adds by itself
    assert [image["ImageId"] for image in answer["Images"]["Image"]] == [IMAGE]


def test_a_common_request_by_post_with_a_body(cloud: Cloud) -> None:
    request = common(cloud, "DescribeImages")
    request.set_method("POST")
    request.add_body_params("ImageName", "no such name")
    answer = json.loads(client().do_action_with_exception(request))
    assert answer["TotalCount"] == 0


def test_an_rpc_request(cloud: Cloud) -> None:
    request = RpcRequest("Ecs", "2014-05-26", "ExportImage")
    request.set_endpoint(cloud.endpoint())
    request.set_protocol_type("http")
    for name, value in {"ImageId": IMAGE, "OSSBucket": "hz-bucket", "OSSPrefix": "old"}.items():
        request.add_query_param(name, value)
    answer = json.loads(client().do_action_with_exception(request))
    assert cloud.task(answer["TaskId"])["TaskAction"] == "ExportImage"


def test_a_wrong_secret_is_told_as_such(cloud: Cloud) -> None:
    """The client knows a wrong secret by comparing its string to sign with the one in our message."""
    request = RpcRequest("Ecs", "2014-05-26", "DescribeRegions")
    request.set_endpoint(cloud.endpoint())
    request.set_protocol_type("http")
    with pytest.raises(ServerException) as error:
        client(AccessKeyCredential(KEY_ID, "wrong")).do_action_with_exception(request)
    assert error.value.get_error_code() == "InvalidAccessKeySecret"


def test_refusals_carry_code_status_and_request_id(cloud: Cloud) -> None:
    with pytest.raises(ServerException) as error:
        client().do_action_with_exception(common(cloud, "ExportImage", ImageId="m-none", OSSBucket="hz-bucket"))
    assert (error.value.get_error_code(), error.value.get_http_status()) == ("InvalidImageId.NotFound", 404)
    assert len(error.value.get_request_id()) == 36


def test_temporary_credentials(cloud: Cloud) -> None:
    root = f"acs:ram::{ACCOUNT}:root"
    key = Key("alibaba", "STS.old", "temporary", ACCOUNT, root, token="tok", expires_at=cloud.clock.wall() + 900)
    cloud.world.accounts.add_key(key)
    request = common(cloud, "GetCallerIdentity", "alibaba_sts")
    answer = json.loads(client(StsTokenCredential("STS.old", "temporary", "tok")).do_action_with_exception(request))
    assert answer["AccountId"] == ACCOUNT


def test_todays_client_with_the_older_signature(cloud: Cloud) -> None:
    modern = Client(cloud.config(signature_algorithm="v2"))
    answer = modern.describe_images(models.DescribeImagesRequest(region_id=HANGZHOU, image_id=IMAGE)).body
    assert [image.image_id for image in answer.images.image] == [IMAGE]
