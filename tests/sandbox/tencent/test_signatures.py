"""Signatures of API 3.0, computed here from the vendor's pages and not by any SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.request
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from imgmove.sandbox.world.accounts import Key
from tests.sandbox.tencent.cloud import GZ, SECRET, SECRET_ID, UIN, Cloud

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Signed:
    """A request and everything that its signature is made of, so that tests can spoil one thing at a time."""

    method: str = "POST"
    query: str = ""
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    signed_headers: tuple[str, ...] = ("content-type", "host")
    secret_id: str = SECRET_ID
    secret: str = SECRET
    service: str = "cvm"
    date: str = ""
    lower: bool = True

    def canonical(self) -> str:
        """The CanonicalRequest of the documents."""
        given = {name.lower(): value for name, value in self.headers.items()}
        values = {name: given[name].lower() if self.lower else given[name] for name in self.signed_headers}
        headers = "".join(f"{name}:{value.strip()}\n" for name, value in values.items())
        payload = self.body if self.method == "POST" else b""
        if given.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD":
            payload = b"UNSIGNED-PAYLOAD"
        digest = hashlib.sha256(payload).hexdigest()
        return "\n".join([self.method, "/", self.query, headers, ";".join(self.signed_headers), digest])

    def authorization(self) -> str:
        """The Authorization header of the documents."""
        timestamp = self.headers["X-TC-Timestamp"]
        date = self.date or datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
        scope = f"{date}/{self.service}/tc3_request"
        digest = hashlib.sha256(self.canonical().encode()).hexdigest()
        key = f"TC3{self.secret}".encode()
        for part in (date, self.service, "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return (
            f"TC3-HMAC-SHA256 Credential={self.secret_id}/{scope}, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={signature}"
        )


def request_to(cloud: Cloud, method: str = "POST", query: str = "", body: bytes = b"{}", **more: str) -> Signed:
    """A request for DescribeImages, ready to be signed; `more` are headers with _ for -."""
    headers = {
        "Host": cloud.host("cvm"),
        "Content-Type": JSON_TYPE if method == "POST" else FORM_TYPE,
        "X-TC-Action": "DescribeImages",
        "X-TC-Version": "2017-03-12",
        "X-TC-Region": GZ,
        "X-TC-Timestamp": str(int(cloud.world.clock.wall())),
    }
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return Signed(method, query, body, headers)


def send(cloud: Cloud, signed: Signed, authorization: str | None = None) -> dict[str, Any]:
    """Sends it over plain HTTP; gives the content of `Response`."""
    url = f"http://{cloud.host('cvm')}/" + (f"?{signed.query}" if signed.query else "")
    headers = {**signed.headers, "Authorization": authorization or signed.authorization()}
    body = signed.body if signed.method == "POST" else None
    request = urllib.request.Request(url, data=body, headers=headers, method=signed.method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"] == JSON_TYPE
        return dict(json.load(answer)["Response"])


def code_of(answer: dict[str, Any]) -> str:
    """The error's code, or "" for a good answer."""
    return str(answer.get("Error", {}).get("Code", ""))


# TC3-HMAC-SHA256


def test_a_post_as_documented(cloud: Cloud) -> None:
    cloud.image("web")
    body = json.dumps({"Filters": [{"Name": "image-name", "Values": ["web"]}]}).encode()
    assert send(cloud, request_to(cloud, body=body))["TotalCount"] == 1


def test_a_get_with_a_flattened_list(cloud: Cloud) -> None:
    cloud.image("web")
    query = "Filters.0.Name=image-name&Filters.0.Values.0=we%62&Limit=10"
    assert send(cloud, request_to(cloud, "GET", query))["TotalCount"] == 1


def test_the_documents_example_signs_the_action_in_lower_case(cloud: Cloud) -> None:
    signed = request_to(cloud, Content_Type="application/json; charset=utf-8")
    signed = replace(signed, signed_headers=("content-type", "host", "x-tc-action"))
    assert send(cloud, signed)["TotalCount"] == 0
    assert send(cloud, replace(signed, lower=False))["TotalCount"] == 0


def test_any_header_may_be_signed(cloud: Cloud) -> None:
    signed = request_to(cloud, X_TC_Language="en-US")
    names = ("content-type", "host", "x-tc-action", "x-tc-language", "x-tc-region", "x-tc-timestamp", "x-tc-version")
    good = replace(signed, signed_headers=names)
    assert send(cloud, good)["TotalCount"] == 0
    forged = replace(good, headers={**good.headers, "X-TC-Region": "ap-shanghai"})
    assert code_of(send(cloud, forged, good.authorization())) == "AuthFailure.SignatureFailure"


def test_a_header_that_was_signed_has_to_be_there(cloud: Cloud) -> None:
    signed = request_to(cloud, X_Extra="1")
    authorization = replace(signed, signed_headers=("content-type", "host", "x-extra")).authorization()
    without = replace(signed, headers={k: v for k, v in signed.headers.items() if k != "X-Extra"})
    assert code_of(send(cloud, without, authorization)) == "AuthFailure.SignatureFailure"


def test_nodejs_signs_the_host_without_its_port_and_the_first_label_as_service(cloud: Cloud) -> None:
    signed = replace(request_to(cloud), service="127")
    assert send(cloud, signed)["TotalCount"] == 0
    without = replace(signed, headers={**signed.headers, "Host": "127.0.0.1"}).authorization()
    assert send(cloud, signed, without)["TotalCount"] == 0
    other = replace(signed, headers={**signed.headers, "Host": "cvm.tencentcloudapi.com"}).authorization()
    assert code_of(send(cloud, signed, other)) == "AuthFailure.SignatureFailure"


def test_an_unsigned_payload(cloud: Cloud) -> None:
    signed = request_to(cloud, body=b'{"Limit": 5}', X_TC_Content_SHA256="UNSIGNED-PAYLOAD")
    assert send(cloud, signed)["TotalCount"] == 0
    assert send(cloud, replace(signed, body=b'{"Limit": 6}'), signed.authorization())["TotalCount"] == 0


def test_a_changed_body_query_or_secret(cloud: Cloud) -> None:
    post = request_to(cloud)
    get = request_to(cloud, "GET", "Limit=10")
    wrong = "AuthFailure.SignatureFailure"
    assert code_of(send(cloud, replace(post, body=b'{"Limit": 1}'), post.authorization())) == wrong
    assert code_of(send(cloud, replace(get, query="Limit=11"), get.authorization())) == wrong
    assert code_of(send(cloud, replace(post, secret=f"{SECRET} "))) == wrong
    assert code_of(send(cloud, post, post.authorization()[:-1] + "f0")) == wrong


@pytest.mark.parametrize(
    "authorization",
    [
        "SKIP",
        "Basic dXNlcjpwYXNz",
        "TC3-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
        f"TC3-HMAC-SHA256 Credential={SECRET_ID}/2020-01-01/cvm/tc3_request, SignedHeaders=host, Signature=00",
        f"TC3-HMAC-SHA256 Credential={SECRET_ID}/2020-01-01/cvm/tc3_request, SignedHeaders=content-type;host, Signature=xyz",
    ],
)
def test_authorizations_that_are_none(cloud: Cloud, authorization: str) -> None:
    assert code_of(send(cloud, request_to(cloud), authorization)) == "AuthFailure.InvalidAuthorization"


def test_the_credential_scope_has_to_fit(cloud: Cloud) -> None:
    signed = request_to(cloud)
    assert code_of(send(cloud, replace(signed, date="2020-01-01"))) == "AuthFailure.InvalidAuthorization"
    assert code_of(send(cloud, replace(signed, service="ecm"))) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(("seconds", "code"), [(-301, "AuthFailure.SignatureExpire"), (-290, ""), (290, "")])
def test_the_clocks_may_differ_by_five_minutes(cloud: Cloud, seconds: int, code: str) -> None:
    timestamp = str(int(cloud.world.clock.wall()) + seconds)
    assert code_of(send(cloud, request_to(cloud, X_TC_Timestamp=timestamp))) == code


def test_a_shifted_sandbox_clock_rehearses_a_wrong_local_clock(cloud: Cloud) -> None:
    cloud.world.clock.skew_seconds = 400
    assert cloud.refusal("cvm", "DescribeImages") == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    ("secret_id", "code"),
    [
        ("AKIDabsent", "AuthFailure.SecretIdNotFound"),
        ("LTAI5tSomething", "AuthFailure.InvalidSecretId"),
        ("AKIDdisabled", "AuthFailure.SecretIdNotFound"),
    ],
)
def test_keys_that_are_not_there(cloud: Cloud, secret_id: str, code: str) -> None:
    cloud.world.accounts.add_key(Key("tencent", "AKIDdisabled", SECRET, UIN, "", disabled=True))
    assert code_of(send(cloud, replace(request_to(cloud), secret_id=secret_id))) == code


def test_tokens_are_checked(cloud: Cloud) -> None:
    key = cloud.world.accounts.issue_temporary("tencent", UIN, "", 60)
    secrets = (key.access_key_id, key.secret)
    assert cloud.client("cvm", secrets=(*secrets, key.token)).call_json("DescribeImages", {})

    def code(*given: str | None) -> str:
        with pytest.raises(TencentCloudSDKException) as caught:
            cloud.client("cvm", secrets=(given[0] or "", given[1] or "", given[2])).call_json("DescribeImages", {})
        return str(caught.value.code)

    assert code(*secrets, None) == "AuthFailure.TokenFailure"
    assert code(*secrets, "another") == "AuthFailure.TokenFailure"
    assert code(SECRET_ID, SECRET, "unasked") == "AuthFailure.TokenFailure"
    key.expires_at = cloud.world.clock.wall() - 1
    assert code(*secrets, key.token) == "AuthFailure.TokenFailure"


# The older signatures


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("algorithm", ["HmacSHA1", "HmacSHA256", ""])
def test_the_older_signatures_as_documented(cloud: Cloud, method: str, algorithm: str) -> None:
    cloud.image("caf\u00e9 & co")
    parameters = {
        "Action": "DescribeImages",
        "Version": "2017-03-12",
        "Region": GZ,
        "Timestamp": str(int(cloud.world.clock.wall())),
        "Nonce": "11886",
        "SecretId": SECRET_ID,
        "Filters.0.Name": "image-name",
        "Filters.0.Values.0": "caf\u00e9 & co",
    }
    if algorithm:
        parameters["SignatureMethod"] = algorithm
    pairs = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    text = f"{method}{cloud.host('cvm')}/?{pairs}".encode()
    digest = hmac.new(SECRET.encode(), text, hashlib.sha256 if algorithm == "HmacSHA256" else hashlib.sha1).digest()

    def sent(signature: str) -> dict[str, Any]:
        form = urlencode({**parameters, "Signature": signature})
        url = f"http://{cloud.host('cvm')}/" + (f"?{form}" if method == "GET" else "")
        request = urllib.request.Request(url, data=form.encode() if method == "POST" else None, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer)["Response"])

    assert sent(base64.b64encode(digest).decode())["TotalCount"] == 1
    assert code_of(sent("AAAA")) == "AuthFailure.SignatureFailure"
    assert code_of(sent("\u00e9")) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize("sign", [None, "HmacSHA1", "HmacSHA256"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_sdk_with_every_signature_and_method(cloud: Cloud, method: str, sign: str | None) -> None:
    cloud.image("web")
    client = cloud.client("cvm", method=method, sign=sign)
    filters = [{"Name": "image-name", "Values": ["w", "x"]}, {"Name": "image-type", "Values": ["PRIVATE_IMAGE"]}]
    assert client.call_json("DescribeImages", {"Filters": filters, "Limit": 7})["Response"]["TotalCount"] == 1


def test_the_sdk_with_an_unsigned_payload(cloud: Cloud) -> None:
    client = cloud.client("cvm")
    client.profile.unsignedPayload = True
    assert client.call_json("DescribeImages", {})["Response"]["TotalCount"] == 0
