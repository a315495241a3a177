"""What is the same for all RPC services: envelopes, formats, types of parameters, throttling, faults."""

from __future__ import annotations

import inspect
import re
import socket
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException

from imgmove.sandbox.wire.ecs import ECS
from tests.sandbox.alibaba.cloud import HANGZHOU, IMAGE, Cloud
from tests.sandbox.alibaba.signing import V1, Acs3, refusal


def test_answers_are_json_with_a_request_id(cloud: Cloud) -> None:
    response = Acs3("DescribeRegions").send(cloud)
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.headers["x-acs-request-id"] == response.json()["RequestId"]


def test_xml_on_request(cloud: Cloud) -> None:
    cloud.add_image("m-bp1xml", description="a < b & \x1b[31mred", tags={"k": "v"})
    response = V1("DescribeImages", {"RegionId": HANGZHOU, "ImageId": "m-bp1xml"}, changes={"Format": "XML"}).send(
        cloud
    )
    assert response.headers["Content-Type"] == "text/xml;charset=utf-8"
    root = ElementTree.fromstring(response.text)
    assert root.tag == "DescribeImagesResponse"
    assert root.findtext("Images/Image/Description") == "a < b & [31mred"
    assert root.findtext("Images/Image/Usable") == "true"
    assert root.findtext("Images/Image/Tags/Tag/TagKey") == "k"


@pytest.mark.parametrize(
    ("chosen", "accept", "xml"),
    [("", "*/*", True), ("", "application/json", False), ("JSON", "text/xml", False), ("xml", "*/*", True)],
)
def test_the_older_signature_answers_xml_unless_told_otherwise(
    cloud: Cloud, chosen: str, accept: str, xml: bool
) -> None:
    request = V1("DescribeRegions", changes={"Format": chosen})
    signed = request.send(cloud)
    assert signed.status_code == 200
    response = requests.get(_resign(cloud, chosen), headers={"Accept": accept}, timeout=10)
    assert ("xml" in response.headers["Content-Type"]) is xml


def _resign(cloud: Cloud, chosen: str) -> str:
    address = V1("DescribeRegions", changes={"Format": chosen}, tamper={"Signature": "x"}).send(cloud).url
    assert address is not None
    return address


def test_refusals_have_the_vendors_shape(cloud: Cloud) -> None:
    content = Acs3("DescribeImages").send(cloud).json()
    assert set(content) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert (content["Code"], content["HostId"]) == ("MissingParameter", "ecs.aliyuncs.com")
    assert 'parameter "RegionId" that is mandatory' in content["Message"]


def test_refusals_in_xml(cloud: Cloud) -> None:
    response = V1("DescribeImages", changes={"Format": "XML"}).send(cloud)
    root = ElementTree.fromstring(response.text)
    assert (response.status_code, root.tag, root.findtext("Code")) == (400, "Error", "MissingParameter")


def test_the_official_client_reads_xml_refusals(cloud: Cloud) -> None:
    """It does so only with exactly the vendor's content type (alibaba.md 5.6)."""
    refused = cloud.rpc_refused("ecs", "DescribeImages", Format="XML")
    assert refused.code == "MissingParameter"


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({"PageSize": "many"}, (400, "InvalidParameter")),
        ({"PageSize": "1.5"}, (400, "InvalidParameter")),
        ({"PageSize": "101"}, (400, "InvalidParameter")),
        ({"PageSize": "0"}, (400, "InvalidParameter")),
        ({"PageNumber": "0"}, (400, "InvalidParameter")),
        ({"Usable": "yes", "Status": "ALL"}, (400, "InvalidParameter")),
        ({"Tag": "a"}, (400, "InvalidParameter")),
        ({"Tag.1": "a"}, (400, "InvalidParameter")),
        ({"ImageId.1": "m-1"}, (400, "InvalidParameter")),
        ({"PageSize": "9" * 30}, (400, "InvalidParameter")),
    ],
)
def test_parameters_of_the_wrong_type_are_refused(
    cloud: Cloud, parameters: dict[str, str], answer: tuple[int, str]
) -> None:
    assert refusal(Acs3("DescribeImages", {"RegionId": HANGZHOU, **parameters}).send(cloud)) == answer


@pytest.mark.parametrize("name", ["regionid", "REGIONID", "RegionId"])
def test_the_case_of_names_does_not_matter(cloud: Cloud, name: str) -> None:
    assert Acs3("DescribeImages", {name: HANGZHOU}).send(cloud).status_code == 200


def test_unknown_parameters_are_ignored(cloud: Cloud) -> None:
    assert Acs3("DescribeImages", {"RegionId": HANGZHOU, "Colour": "blue", "a.b.c": "1"}).send(cloud).status_code == 200


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_flags_in_any_case(cloud: Cloud, value: str) -> None:
    answer = cloud.rpc_refused("ecs", "DescribeImages", RegionId=HANGZHOU, DryRun=value)
    assert (answer.code, answer.status) == ("DryRunOperation", 400)


def test_actions_are_found_at_the_root_only(cloud: Cloud) -> None:
    signed = Acs3("DescribeRegions").send(cloud)
    response = requests.post(f"{signed.url}clusters", headers=signed.request.headers, timeout=10)
    assert refusal(response) == (404, "InvalidAction.NotFound")


def test_a_wrong_version(cloud: Cloud) -> None:
    response = Acs3("DescribeRegions", headers={"x-acs-version": "2015-05-01"}).send(cloud)
    assert refusal(response) == (400, "InvalidVersion")


def test_throttling_by_fault(cloud: Cloud) -> None:
    cloud.fault("ecs:DescribeRegions throttle")
    refused = cloud.refused("DescribeRegions")
    assert (refused.code, refused.status) == ("Throttling.User", 400)
    assert cloud.ask("DescribeRegions")["Regions"]


def test_throttling_may_say_when_to_come_back(cloud: Cloud) -> None:
    cloud.settings.retry_after_ms = 2500
    cloud.fault("ecs:DescribeRegions throttle")
    with pytest.raises(ThrottlingException) as error:
        cloud.ask("DescribeRegions")
    assert error.value.retry_after == 2500


def test_too_many_calls_of_one_action_in_a_minute(cloud: Cloud) -> None:
    cloud.settings.calls_per_minute = 2
    for _ in range(2):
        cloud.ask("DescribeRegions")
    assert cloud.refused("DescribeRegions").code == "Throttling.User"
    assert cloud.ask("DescribeImages")["TotalCount"] == 1  # counted by itself
    cloud.clock.skew_seconds = 61
    assert cloud.ask("DescribeRegions")["Regions"]


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("refuse code=LastTokenProcessing", ClientException, 403),
        ("refuse code=OperationConflict", ClientException, 409),
        ("refuse code=InternalError", ServerException, 500),
        ("refuse code=ServiceUnavailable", ServerException, 503),
        ("refuse code=ServiceUnavailable.RegionMaintaining", ServerException, 503),
        ("refuse code=Forbidden.RAM", ClientException, 403),
        ("refuse code=ExportImageFailed", ClientException, 403),
        ("refuse code=Something.Else status=418", ClientException, 418),
    ],
)
def test_faults_take_the_vendors_status(cloud: Cloud, fault: str, kind: type[Any], status: int) -> None:
    cloud.fault(f"ecs:ExportImage {fault}")
    with pytest.raises(kind) as error:
        cloud.ask("ExportImage", image_id=IMAGE, ossbucket="hz-bucket")
    assert error.value.status_code == status
    assert cloud.world.alibaba.state.tasks == []


WITHOUT_EFFECT = {
    "DescribeInstances": {
        "AdditionalAttributes", "DeviceAvailable", "HttpEndpoint", "HttpPutResponseHopLimit", "HttpTokens",
        "InternetChargeType", "IoOptimized", "NeedSaleCycle",
    },
}  # fmt: skip
"""Parameters that are ignored on purpose: nothing here could answer differently to them."""


@pytest.mark.parametrize("action", sorted(ECS.actions))
def test_every_parameter_of_the_official_client_is_known(action: str) -> None:
    request = getattr(models, f"{action}Request")()
    official = set(re.findall(r"result\['(\w+)'\]", inspect.getsource(type(request).to_map)))
    known = {parameter.name for parameter in ECS.actions[action].parameters}
    assert official - known == WITHOUT_EFFECT.get(action, set())
    assert {name for name in known if name not in official} <= {"OwnerAccount", "OwnerId", "DiskImSize"} | {
        "ResourceOwnerAccount",
        "ResourceOwnerId",
        "RegionId",
    }


def test_bodies_above_4_mib(cloud: Cloud) -> None:
    host, port = cloud.endpoint().removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Length: 4194305\r\n\r\n")
        answer = connection.recv(1 << 16).decode()
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"Code": "InvalidParameter"' in answer


def test_list_places_with_too_many_digits(cloud: Cloud) -> None:
    response = Acs3("DescribeImages", {"RegionId": HANGZHOU, f"Tag.{'9' * 5000}.Key": "x"}).send(cloud)
    assert response.status_code == 200, "a place that no list has, as any other unknown parameter"
