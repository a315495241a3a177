"""Both signatures: what is accepted, and every way in which one can be wrong."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
import requests

from imgmove.sandbox.world.accounts import Key
from tests.sandbox.alibaba.cloud import ACCOUNT, KEY_ID, Cloud
from tests.sandbox.alibaba.signing import FORM, V1, Acs3, acs3, iso, refusal

NAMES = {"RegionId": "cn-hangzhou", "ImageName": "é 中文 a+b*c~d/e=f&g %20", "Status": "ALL"}


@pytest.mark.parametrize("place", ["query", "form", "json"])
def test_acs3_signs_parameters_wherever_they_travel(cloud: Cloud, place: str) -> None:
    response = acs3(cloud, "DescribeImages", NAMES, place)
    assert (response.status_code, response.json()["TotalCount"]) == (200, 0)


@pytest.mark.parametrize("place", ["query", "form", "json"])
def test_parameters_reach_the_action_from_everywhere(cloud: Cloud, place: str) -> None:
    response = acs3(cloud, "DescribeImages", {"RegionId": "cn-hangzhou", "ImageName": "debian-12-web"}, place)
    assert [image["ImageName"] for image in response.json()["Images"]["Image"]] == ["debian-12-web"]


def test_a_json_body_may_nest_its_lists(cloud: Cloud) -> None:
    body = {"RegionId": "cn-hangzhou", "ResourceType": "image", "ResourceId": ["m-bp1test0000000000001"]}
    response = acs3(cloud, "TagResources", {**body, "Tag": [{"Key": "a", "Value": "b"}]}, "json")
    assert response.status_code == 200
    assert cloud.image("m-bp1test0000000000001")["Tags"]["Tag"] == [{"TagKey": "a", "TagValue": "b"}]


def test_get_is_signed_as_get(cloud: Cloud) -> None:
    assert Acs3("DescribeRegions", method="GET").send(cloud).status_code == 200


@pytest.mark.parametrize(
    ("spoilt", "answer"),
    [
        ({"secret": "wrong"}, (400, "SignatureDoesNotMatch")),
        ({"key_id": "LTAInobody"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"headers": {"x-acs-date": iso(-3600)}}, (400, "InvalidTimeStamp.Expired")),
        ({"headers": {"x-acs-date": iso(3600)}}, (400, "InvalidTimeStamp.Expired")),
        ({"headers": {"x-acs-date": "yesterday"}}, (400, "InvalidTimeStamp.Format")),
        ({"left_out": ("x-acs-date",)}, (400, "IllegalTimestamp")),
        ({"left_out": ("x-acs-signature-nonce",)}, (400, "MissingParameter")),
        ({"left_out": ("x-acs-content-sha256",)}, (400, "MissingParameter")),
        ({"left_out": ("x-acs-version",)}, (400, "MissingParameter")),
        ({"not_signed": ("x-acs-action",)}, (400, "IncompleteSignature")),
        ({"not_signed": ("host",)}, (400, "IncompleteSignature")),
        ({"not_signed": ("x-acs-content-sha256",)}, (400, "IncompleteSignature")),
        ({"headers": {"Authorization": "ACS3-HMAC-SHA256 Credential=x"}}, (400, "IncompleteSignature")),
        ({"headers": {"Authorization": "Bearer abc"}}, (400, "IncompleteSignature")),
        (
            {"headers": {"x-acs-content-sha256": hashlib.sha256(b"else").hexdigest()}},
            (400, "InvalidParameter"),
        ),
        ({"headers": {"x-acs-security-token": "spurious"}}, (400, "InvalidSecurityToken.MismatchWithAccessKey")),
    ],
)
def test_acs3_refuses(cloud: Cloud, spoilt: dict[str, Any], answer: tuple[int, str]) -> None:
    assert refusal(Acs3("DescribeRegions", **spoilt).send(cloud)) == answer


def test_the_sandbox_clock_can_be_skewed(cloud: Cloud) -> None:
    cloud.clock.skew_seconds = 20 * 60
    assert refusal(Acs3("DescribeRegions").send(cloud)) == (400, "InvalidTimeStamp.Expired")


def test_a_mismatch_tells_what_the_server_signed_but_no_secret(cloud: Cloud) -> None:
    message = Acs3("DescribeRegions", secret="wrong").send(cloud).json()["Message"]
    assert message.startswith("Specified signature does not match our calculation. server StringToSign is")
    assert "test-secret" not in message


@pytest.mark.parametrize("send", [Acs3, V1])
def test_a_nonce_counts_once(cloud: Cloud, send: Any) -> None:
    nonce = uuid.uuid4().hex
    fixed = {"headers": {"x-acs-signature-nonce": nonce}} if send is Acs3 else {"changes": {"SignatureNonce": nonce}}
    assert send("DescribeRegions", **fixed).send(cloud).status_code == 200
    assert refusal(send("DescribeRegions", **fixed).send(cloud)) == (400, "SignatureNonceUsed")


def test_a_nonce_of_a_refused_request_is_still_good(cloud: Cloud) -> None:
    fixed = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert Acs3("DescribeRegions", headers=fixed, secret="wrong").send(cloud).status_code == 400
    assert Acs3("DescribeRegions", headers=fixed).send(cloud).status_code == 200


def test_an_old_nonce_is_forgotten(cloud: Cloud) -> None:
    fixed = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert Acs3("DescribeRegions", headers=fixed).send(cloud).status_code == 200
    cloud.clock.skew_seconds = 3600
    later = {**fixed, "x-acs-date": iso(3600)}
    assert Acs3("DescribeRegions", headers=later).send(cloud).status_code == 200


def test_a_disabled_key_is_refused(cloud: Cloud) -> None:
    cloud.key.disabled = True
    assert refusal(Acs3("DescribeRegions").send(cloud)) == (403, "Forbidden.AccessKeyDisabled")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("algorithm", ["HMAC-SHA1", "HMAC-SHA256"])
def test_v1_in_the_query(cloud: Cloud, method: str, algorithm: str) -> None:
    response = V1("DescribeImages", NAMES, method=method, algorithm=algorithm).send(cloud)
    assert (response.status_code, response.json()["TotalCount"]) == (200, 0)


def test_v1_in_a_form_and_mixed(cloud: Cloud) -> None:
    everything = ("Action", "Version", "RegionId", "ImageName", "Status", "Signature", "AccessKeyId", "Timestamp")
    for form in (everything, ("ImageName",)):
        response = V1("DescribeImages", NAMES, method="POST", form=form).send(cloud)
        assert (response.status_code, response.json()["TotalCount"]) == (200, 0)


@pytest.mark.parametrize(
    ("spoilt", "answer"),
    [
        ({"secret": "wrong"}, (400, "SignatureDoesNotMatch")),
        ({"tamper": {"RegionId": "cn-beijing"}}, (400, "SignatureDoesNotMatch")),
        ({"changes": {"AccessKeyId": "LTAInobody"}}, (404, "InvalidAccessKeyId.NotFound")),
        ({"changes": {"Timestamp": iso(-3600)}}, (400, "InvalidTimeStamp.Expired")),
        ({"changes": {"Timestamp": "2026-11-21 00:00:00"}}, (400, "InvalidTimeStamp.Format")),
        ({"changes": {"Timestamp": ""}}, (400, "IllegalTimestamp")),
        ({"changes": {"AccessKeyId": ""}}, (400, "MissingParameter")),
        ({"changes": {"SignatureNonce": ""}}, (400, "MissingParameter")),
        ({"changes": {"SignatureMethod": "HMAC-MD5"}}, (400, "InvalidParameter")),
        ({"changes": {"SignatureVersion": "2.0"}}, (400, "InvalidParameter")),
        ({"changes": {"Version": "2016-01-01"}}, (400, "InvalidVersion")),
        ({"changes": {"Version": ""}}, (400, "MissingParameter")),
        ({"changes": {"Action": ""}}, (400, "MissingParameter")),
        ({"changes": {"Action": "RunMagic"}}, (404, "InvalidAction.NotFound")),
        ({"tamper": {"Signature": ""}}, (400, "MissingParameter")),
    ],
)
def test_v1_refuses(cloud: Cloud, spoilt: dict[str, Any], answer: tuple[int, str]) -> None:
    request = V1("DescribeImages", {"RegionId": "cn-hangzhou"}, **spoilt)
    assert refusal(request.send(cloud)) == answer


def test_the_method_is_part_of_the_old_signature(cloud: Cloud) -> None:
    request = V1("DescribeRegions")
    request.method = "POST"
    signed = request.send(cloud)
    assert signed.status_code == 200
    # What was signed for POST does not hold for GET.
    replayed = requests.get(signed.url, timeout=10)
    assert refusal(replayed) == (400, "SignatureDoesNotMatch")


def temporary(cloud: Cloud, **changes: Any) -> Key:
    fields: dict[str, Any] = {"token": "good-token", "expires_at": cloud.clock.wall() + 900, **changes}
    return cloud.world.accounts.add_key(
        Key("alibaba", "STS.temporary", "temporary-secret", ACCOUNT, f"acs:ram::{ACCOUNT}:root", **fields)
    )


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        ("good-token", 200),
        ("", "MissingSecurityToken"),
        ("other-token", "InvalidSecurityToken.MismatchWithAccessKey"),
        ("not a token", "InvalidSecurityToken.Malformed"),
    ],
)
@pytest.mark.parametrize("send", ["acs3", "v1"])
def test_temporary_keys_need_their_token(cloud: Cloud, send: str, token: str, answer: str | int) -> None:
    key = temporary(cloud)
    if send == "acs3":
        headers = {"x-acs-security-token": token} if token else {}
        request: Any = Acs3("DescribeRegions", key_id=key.access_key_id, secret=key.secret, headers=headers)
    else:
        changes = {"AccessKeyId": key.access_key_id, "SecurityToken": token}
        request = V1("DescribeRegions", secret=key.secret, changes=changes)
    response = request.send(cloud)
    assert (response.status_code if answer == 200 else response.json()["Code"]) == answer


def test_a_token_has_to_be_signed(cloud: Cloud) -> None:
    key = temporary(cloud)
    request = Acs3(
        "DescribeRegions",
        key_id=key.access_key_id,
        secret=key.secret,
        headers={"x-acs-security-token": "good-token"},
        not_signed=("x-acs-security-token",),
    )
    assert refusal(request.send(cloud)) == (400, "IncompleteSignature")


def test_an_expired_token_is_refused(cloud: Cloud) -> None:
    key = temporary(cloud, expires_at=cloud.clock.wall() - 1)
    refused = cloud.refused("DescribeRegions", key=key)
    assert (refused.code, refused.status) == ("InvalidSecurityToken.Expired", 400)


@pytest.mark.parametrize("body", [b"{not json", b"[" * 200_000, b"\xff\xfe"])
def test_a_body_that_is_no_document_is_refused(cloud: Cloud, body: bytes) -> None:
    response = Acs3("DescribeRegions", body=body, content_type="application/json").send(cloud)
    assert refusal(response) == (400, "InvalidParameter")


def test_a_body_that_is_too_large_is_refused(cloud: Cloud) -> None:
    response = Acs3("DescribeRegions", body=b" " * (5 << 20), content_type="application/json").send(cloud)
    assert refusal(response) == (400, "InvalidParameter")


def test_a_form_that_is_no_text_is_refused(cloud: Cloud) -> None:
    response = Acs3("DescribeRegions", body=b"RegionId=\xff", content_type=FORM).send(cloud)
    assert refusal(response) == (400, "InvalidParameter")


def test_other_methods_are_not_supported(cloud: Cloud) -> None:
    assert refusal(Acs3("DescribeRegions", method="PUT").send(cloud)) == (403, "UnsupportedHTTPMethod")


def test_requests_without_any_signature_are_refused(cloud: Cloud) -> None:
    url = f"http://{cloud.endpoint()}/?Action=DescribeRegions&Version=2014-05-26&Format=JSON"
    assert refusal(requests.get(url, timeout=10)) == (400, "MissingParameter")
    assert KEY_ID not in requests.get(url, timeout=10).text


@pytest.mark.parametrize(("minutes", "status"), [(-16, 400), (-14, 200), (14, 200), (16, 400)])
def test_the_window_is_a_quarter_of_an_hour_either_way(cloud: Cloud, minutes: int, status: int) -> None:
    response = Acs3("DescribeRegions", headers={"x-acs-date": iso(minutes * 60)}).send(cloud)
    assert response.status_code == status
