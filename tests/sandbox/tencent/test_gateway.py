"""The gateway of API 3.0: common parameters, types, versions, regions, rate limits, the answer's shape."""

from __future__ import annotations

import json
import socket
import urllib.request
from typing import Any

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import STRINGS, Struct, from_pairs
from tests.sandbox.tencent.cloud import APIS, GZ, SECRET, SECRET_ID, Cloud


def bare(cloud: Cloud, method: str = "GET", body: bytes | None = None, **headers: str) -> dict[str, Any]:
    """An unsigned request; gives the `Error` it is answered with."""
    request = urllib.request.Request(
        f"http://{cloud.host('cvm')}/",
        data=body,
        method=method,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        response = json.load(answer)["Response"]
    assert len(response["RequestId"]) == 36
    return dict(response["Error"])


def test_a_request_without_anything(cloud: Cloud) -> None:
    error = bare(cloud)
    assert error == {"Code": "MissingParameter", "Message": "The request is missing a required parameter `Timestamp`."}
    assert "`Action`" in bare(cloud, X_TC_Timestamp="1", Authorization="x")["Message"]
    assert "`Version`" in bare(cloud, X_TC_Timestamp="1", X_TC_Action="DescribeImages")["Message"]
    assert bare(cloud, X_TC_Timestamp="now", X_TC_Action="A", X_TC_Version="V")["Code"] == "InvalidParameter"
    assert bare(cloud, "PUT", b"")["Code"] == "UnsupportedProtocol"


def test_older_requests_need_their_own_common_parameters(cloud: Cloud) -> None:
    form = f"Action=DescribeImages&Version=2017-03-12&Timestamp={int(cloud.world.clock.wall())}"
    for missing in ("SecretId", "Nonce", "Signature"):
        error = bare(cloud, "POST", form.encode(), Content_Type="application/x-www-form-urlencoded")
        assert error["Message"] == f"The request is missing a required parameter `{missing}`."
        form += f"&{missing}=1"
    error = bare(
        cloud, "POST", f"{form}&SignatureMethod=MD5".encode(), Content_Type="application/x-www-form-urlencoded"
    )
    assert error["Code"] == "AuthFailure.SignatureFailure"
    error = bare(cloud, "POST", b"\xff\xfe", Content_Type="application/x-www-form-urlencoded")
    assert error["Code"] == "InvalidParameter"


@pytest.mark.parametrize("service", APIS)
def test_versions_and_actions_that_are_not_there(cloud: Cloud, service: str) -> None:
    name, _ = APIS[service]
    assert cloud.refusal(service, "DestroyEverything") == "InvalidAction"
    old = CommonClient(name, "2015-01-01", Credential(SECRET_ID, SECRET), GZ, cloud.profile(service))
    with pytest.raises(TencentCloudSDKException) as caught:
        old.call_json("DescribeImages", {})
    assert caught.value.code == "NoSuchVersion"


def test_an_action_may_be_retired(cloud: Cloud) -> None:
    cloud.world.tencent.settings.offline_actions = ["ecm:DescribeImage"]
    assert cloud.refusal("ecm", "DescribeImage") == "ActionOffline"
    assert cloud.ecm("DescribeConfig")


def test_regions(cloud: Cloud) -> None:
    assert cloud.refusal("cvm", "DescribeImages", "") == "MissingParameter"
    assert cloud.refusal("cvm", "DescribeImages", "ap-atlantis") == "UnsupportedRegion"
    assert cloud.refusal("cvm", "DescribeImages", "cn-hangzhou") == "UnsupportedRegion"
    assert cloud.cvm("DescribeRegions", "")["TotalCount"] > 10
    assert cloud.call("ecm", "DescribeImage", "anything")["TotalCount"] == 0


@pytest.mark.parametrize(
    ("parameters", "code", "named"),
    [
        ({"Limits": 1}, "UnknownParameter", "`Limits`"),
        ({"Filters": [{"Name": "a", "Values": [], "Value": 1}]}, "UnknownParameter", "`Filters.0.Value`"),
        ({"Filters": [{"Name": "a"}]}, "MissingParameter", "`Filters.0.Values`"),
        ({"Limit": "10"}, "InvalidParameter", "`Limit` is not valid, input type should be `uint64`"),
        ({"Limit": 1.5}, "InvalidParameter", "`Limit`"),
        ({"Limit": True}, "InvalidParameter", "`Limit`"),
        ({"Offset": -1}, "InvalidParameter", "`Offset`"),
        ({"ImageIds": "img-12345678"}, "InvalidParameter", "`ImageIds` is not valid, input type should be `array`"),
        ({"ImageIds": [12]}, "InvalidParameter", "`ImageIds.0` is not valid, input type should be `string`"),
        ({"Filters": {"Name": "a"}}, "InvalidParameter", "`Filters`"),
        ({"Filters": ["a"]}, "InvalidParameter", "`Filters.0` is not valid, input type should be `object`"),
        ({"InstanceType": 5}, "InvalidParameter", "`InstanceType`"),
    ],
)
def test_parameters_of_the_wrong_kind(cloud: Cloud, parameters: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(TencentCloudSDKException) as caught:
        cloud.cvm("DescribeImages", **parameters)
    assert caught.value.code == code
    assert named in caught.value.message


def test_null_counts_as_absent(cloud: Cloud) -> None:
    assert cloud.cvm("DescribeImages", Limit=None, Filters=None)["TotalCount"] == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageIds": ["img-12345678"]}, ""),
        ({"ImageIds": "img-12345678"}, "InvalidParameter"),
        ({"Limit": "ten"}, "InvalidParameter"),
        ({"Limit": "10"}, ""),
        ({"Nothing": "10"}, "UnknownParameter"),
        ({"ImageIds": {"a": "b"}}, "InvalidParameter"),
    ],
)
def test_a_get_is_checked_like_a_post(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    client = cloud.client("cvm", method="GET")
    if not code:
        assert client.call_json("DescribeImages", parameters)
        return
    with pytest.raises(TencentCloudSDKException) as caught:
        client.call_json("DescribeImages", parameters)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "taken"), [("True", True), ("true", True), ("false", False), ("1", True), ("yes", None)]
)
def test_booleans_of_a_get(cloud: Cloud, given: str, taken: bool | None) -> None:
    client, image = cloud.client("cvm", method="GET"), cloud.image()
    call = {"ImageIds": [image.image_id], "DryRun": given}
    if taken is None:
        with pytest.raises(TencentCloudSDKException) as caught:
            client.call_json("DeleteImages", call)
        assert caught.value.code == "InvalidParameter"
        return
    client.call_json("DeleteImages", call)
    assert (cloud.state(image.image_id) is None) is not taken


def test_bodies_that_are_not_json(cloud: Cloud) -> None:
    class Raw(CommonClient):  # type: ignore[misc]  # the SDK has no types
        def _build_req_with_tc3_signature(self, action: str, params: Any, req: Any, options: Any = None) -> None:
            super()._build_req_with_tc3_signature(action, params, req, options)
            req.data = self.body
            signature = self._get_tc3_signature(
                params, req, req.header["Authorization"].split("/")[1], "cvm", SECRET, options
            )
            req.header["Authorization"] = f"{req.header['Authorization'].rpartition('=')[0]}={signature}"

    for body, code in (
        (b"{", "InvalidParameter"),
        (b"[]", "InvalidParameter"),
        (b"\xff", "InvalidParameter"),
        (b"", ""),
    ):
        client = Raw("cvm", "2017-03-12", Credential(SECRET_ID, SECRET), GZ, cloud.profile("cvm"))
        client.body = body
        if not code:
            assert client.call_json("DescribeImages", {})
            continue
        with pytest.raises(TencentCloudSDKException) as caught:
            client.call_json("DescribeImages", {})
        assert caught.value.code == code


def test_other_content_types_are_not_spoken(cloud: Cloud) -> None:
    client = cloud.client("cvm")
    with pytest.raises(TencentCloudSDKException) as caught:
        client.call_json("DescribeImages", {"InstanceType": "S5.SMALL1"}, options={"IsMultipart": True})
    assert caught.value.code == "UnsupportedProtocol"


def test_cam_takes_numbers_as_text_as_its_examples_send_them(cloud: Cloud) -> None:
    assert cloud.call("cam", "DescribeRoleList", "", Page="1", Rp="5")["TotalNum"] == 1
    assert cloud.refusal("cam", "DescribeRoleList", "", Page="one", Rp="5") == "InvalidParameter"


def test_too_many_calls_in_a_second(cloud: Cloud) -> None:
    cloud.world.tencent.settings.rate_limits = True
    now = cloud.world.clock.wall()
    cloud.world.clock.wall = lambda: now  # type: ignore[method-assign]  # one second, however slow the machine
    for _ in range(10):
        cloud.cvm("DescribeImageQuota")
    with pytest.raises(TencentCloudSDKException) as caught:
        cloud.cvm("DescribeImageQuota")
    assert caught.value.code == "RequestLimitExceeded"
    assert "equals to `11` in a second, which exceeds the frequency limit `10`" in caught.value.message
    assert cloud.cvm("DescribeImages"), "every action is counted by itself"
    cloud.world.clock.wall = lambda: now + 1  # type: ignore[method-assign]
    assert cloud.cvm("DescribeImageQuota")
    cloud.world.tencent.settings.rate_limits = False
    for _ in range(12):
        cloud.cvm("DescribeImageQuota")


def test_faults_are_answered_in_the_vendors_shape(cloud: Cloud) -> None:
    for line in ("cvm:DescribeImages refuse code=InternalError message=oh", "cvm:DescribeImages throttle"):
        cloud.sandbox.faults.add(line)
    with pytest.raises(TencentCloudSDKException) as caught:
        cloud.cvm("DescribeImages")
    assert (caught.value.code, caught.value.message) == ("InternalError", "oh")
    assert cloud.refusal("cvm", "DescribeImages") == "RequestLimitExceeded"
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0


@pytest.mark.parametrize("service", APIS)
def test_bodies_above_10_mib(cloud: Cloud, service: str) -> None:
    host, port = cloud.host(service).split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = "POST / HTTP/1.1\r\nHost: x\r\nX-TC-Action: DescribeImages\r\nContent-Length: 10485761\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.recv(1 << 16).decode()
    assert answer.startswith("HTTP/1.1 200 ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["Response"]["Error"]["Code"] == "RequestSizeLimitExceeded"


def test_half_characters_are_no_json(cloud: Cloud) -> None:
    """They could neither be answered nor written to the state."""
    client = CommonClient("cvm", "2017-03-12", Credential(SECRET_ID, SECRET), GZ, cloud.profile("cvm"))
    for parameters in ({"ImageIds": ["\ud800"]}, {"\ud800": 1}, {"Filters": [{"Name": "\ud800", "Values": []}]}):
        with pytest.raises(TencentCloudSDKException) as caught:
            client.call_json("DescribeImages", parameters)
        assert caught.value.get_code() == "InvalidParameter"


def test_list_places_with_too_many_digits(cloud: Cloud) -> None:
    with pytest.raises(ApiError, match=r"UnknownParameter|InvalidParameter"):
        from_pairs([(f"ImageIds.{'9' * 5000}", "x")], Struct.of(ImageIds=STRINGS))
