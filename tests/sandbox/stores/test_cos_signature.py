"""COS's signature against its document: the vendor's own example, an independent signer, and everything that must fail."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from imgmove.sandbox import Sandbox
from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import FaultPlan
from imgmove.sandbox.http import Body, Request
from imgmove.sandbox.wire.cos import Cos
from imgmove.sandbox.wire.cos_signature import sign
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account, Key
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore
from tests.sandbox.stores.signing import cos_authorization, percent, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import APP_ID, COS_BUCKET, TENCENT, Credentials

HOST = f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com"
EXAMPLE_SECRET = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz"  # the vendor's page "Request Signature" prints it


def _get(
    sandbox: Sandbox,
    path: str = "/object",
    params: dict[str, str] | None = None,
    who: Credentials = TENCENT,
    host: str = HOST,
    sent: dict[str, str] | None = None,
    method: str = "GET",
    signed_path: str | None = None,
    start: int | None = None,
    end: int | None = None,
    sign_window: str = "",
) -> Answer:
    """A request signed in the header; `sent` are further headers, not signed."""
    params = params or {}
    authorization = cos_authorization(
        who, method, signed_path or path, params, {"Host": host}, start=start, end=end, sign_window=sign_window
    )
    headers = {"Host": host, "Authorization": authorization, **(sent or {})}
    return send(sandbox.endpoint("cos"), method, target(path, params), headers)


@pytest.fixture(autouse=True)
def _object(cos: CosStore) -> None:
    cos.put("object", b"content")


# The vendor's example


@pytest.mark.parametrize(
    ("key_time", "http_string", "string_hash", "signature_begins"),
    [
        (
            "1557989753;1557996953",
            "get\n/exampleobject(腾讯云)\nresponse-cache-control=max-age%3D600&response-content-type=application%2F"
            "octet-stream\ndate=Thu%2C%2016%20May%202019%2006%3A55%3A53%20GMT&host=examplebucket-1250000000.cos."
            "ap-beijing.myqcloud.com\n",
            "54ecfe22f59d3514fdc764b87a32d8133ea611e6",
            "01681b8c9d798a678e43b685a9f1bba0f6c0",
        ),
        (
            "1557989151;1557996351",
            "put\n/exampleobject(腾讯云)\n\ncontent-length=13&content-md5=mQ%2FfVh815F3k6TAUm8m0eg%3D%3D&"
            "content-type=text%2Fplain&date=Thu%2C%2016%20May%202019%2006%3A45%3A51%20GMT&host=examplebucket-"
            "1250000000.cos.ap-beijing.myqcloud.com&x-cos-acl=private&x-cos-grant-read=uin%3D%22100000000011%22\n",
            "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
            "3b8851a11a569213c17ba8fa7dcf2abec693",
        ),
    ],
)
def test_the_vendors_example_strings(key_time: str, http_string: str, string_hash: str, signature_begins: str) -> None:
    assert hashlib.sha1(http_string.encode()).hexdigest() == string_hash
    assert sign(EXAMPLE_SECRET, key_time, key_time, http_string).startswith(signature_begins)


def test_the_vendors_example_request(tmp_path: Path) -> None:
    clock = Clock(real_wall=lambda: 1557990000.0)
    world = World(tmp_path, clock, FaultPlan())
    world.accounts.add(Account("tencent", "100000000001", APP_ID))
    world.accounts.add_key(Key("tencent", "AKIDexample", EXAMPLE_SECRET, "100000000001", ""))
    bucket = world.objects.create_bucket("tencent", "examplebucket-1250000000", "ap-beijing", "100000000001")
    world.objects.put(bucket, "exampleobject(腾讯云)", b"ObjectContent")
    authorization = (
        "q-sign-algorithm=sha1&q-ak=AKIDexample&q-sign-time=1557989753;1557996953&q-key-time=1557989753;1557996953"
        "&q-header-list=date;host&q-url-param-list=response-cache-control;response-content-type"
        "&q-signature=01681b8c9d798a678e43b685a9f1bba0f6c0e012"
    )
    headers = {
        "Date": "Thu, 16 May 2019 06:55:53 GMT",
        "Host": "examplebucket-1250000000.cos.ap-beijing.myqcloud.com",
        "Authorization": authorization,
    }
    request = Request(
        "cos",
        "GET",
        "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)",
        "response-content-type=application%2Foctet-stream&response-cache-control=max-age%3D600",
        CIMultiDictProxy(CIMultiDict(headers)),
        Body.of(b""),
        clock.wall(),
    )
    response = Cos(world, clock).handle(request)
    assert response.status == 200
    assert ("Cache-Control", "max-age=600") in response.headers


# Right ones


@pytest.mark.parametrize(
    ("host", "path", "signed_path"),
    [
        (HOST, "/object", "/object"),
        (f"{COS_BUCKET}.cos.ap-guangzhou.tencentcos.cn", "/object", "/object"),
        (f"{COS_BUCKET}.cos-internal.ap-guangzhou.tencentcos.cn", "/object", "/object"),
        (f"{COS_BUCKET}.localhost:9000", "/object", "/object"),
        ("127.0.0.1:9000", f"/{COS_BUCKET}/object", f"/{COS_BUCKET}/object"),
        ("127.0.0.1:9000", f"/{COS_BUCKET}/object", "/object"),
        ("store.example.com", f"/{COS_BUCKET}/object", f"/{COS_BUCKET}/object"),
    ],
)
def test_forms_of_the_host(sandbox: Sandbox, host: str, path: str, signed_path: str) -> None:
    assert _get(sandbox, path, host=host, signed_path=signed_path).body == b"content"


def test_a_host_signed_without_its_port(sandbox: Sandbox) -> None:
    authorization = cos_authorization(TENCENT, "GET", "/object", {}, {"Host": "127.0.0.1"})
    headers = {"Host": "127.0.0.1:1234", "Authorization": authorization}
    assert send(sandbox.endpoint("cos"), "GET", f"/{COS_BUCKET}/object", headers).status == 200


def test_in_the_url(sandbox: Sandbox) -> None:
    authorization = cos_authorization(TENCENT, "GET", "/object", {"response-expires": "0"}, {"host": HOST})
    fields = dict(piece.split("=", 1) for piece in authorization.split("&"))
    path = target("/object", {"response-expires": "0", **fields})
    answer = send(sandbox.endpoint("cos"), "GET", path, {"Host": HOST})
    assert (answer.body, answer.headers["expires"]) == (b"content", "0")
    whole = target("/object", {"response-expires": "0", "sign": authorization})
    assert send(sandbox.endpoint("cos"), "GET", whole, {"Host": HOST}).status == 200


def test_only_listed_headers_and_parameters_are_signed(sandbox: Sandbox) -> None:
    headers = {"Host": HOST, "Authorization": cos_authorization(TENCENT, "GET", "/object", {}, {})}
    assert send(sandbox.endpoint("cos"), "GET", "/object?response-expires=0", headers).status == 200


def test_a_token_in_header_and_in_url(sandbox: Sandbox) -> None:
    who = worlds.temporary(sandbox, "tencent", worlds.UIN)
    assert _get(sandbox, who=who, sent={"x-cos-security-token": who.token}).status == 200
    assert _get(sandbox, who=who, params={"x-cos-security-token": who.token}).status == 200


# Wrong ones


def _refused(answer: Answer, status: int, code: str, message: str = "") -> None:
    assert (answer.status, answer.code) == (status, code), answer.body
    assert message in answer.field("Message")


def test_a_tampered_parameter(sandbox: Sandbox) -> None:
    params = {"prefix": "a", "marker": "b"}
    headers = {"Host": HOST, "Authorization": cos_authorization(TENCENT, "GET", "/", params, {"Host": HOST})}
    assert send(sandbox.endpoint("cos"), "GET", target("/", params), headers).status == 200
    tampered = send(sandbox.endpoint("cos"), "GET", target("/", {**params, "prefix": "c"}), headers)
    _refused(tampered, 403, "SignatureDoesNotMatch")
    missing = send(sandbox.endpoint("cos"), "GET", target("/", {"prefix": "a"}), headers)
    _refused(missing, 403, "SignatureDoesNotMatch")


def test_a_tampered_header(sandbox: Sandbox) -> None:
    signed = {"Host": HOST, "x-cos-acl": "private"}
    authorization = cos_authorization(TENCENT, "PUT", "/tampered", {}, signed)
    headers = {"Host": HOST, "x-cos-acl": "public-read", "Authorization": authorization}
    _refused(send(sandbox.endpoint("cos"), "PUT", "/tampered", headers, b"x"), 403, "SignatureDoesNotMatch")


def test_a_tampered_path_and_method(sandbox: Sandbox) -> None:
    _refused(_get(sandbox, signed_path="/other"), 403, "SignatureDoesNotMatch")
    headers = {"Host": HOST, "Authorization": cos_authorization(TENCENT, "GET", "/object", {}, {"Host": HOST})}
    _refused(send(sandbox.endpoint("cos"), "DELETE", "/object", headers), 403, "SignatureDoesNotMatch")


def test_a_mismatch_shows_what_was_signed(sandbox: Sandbox) -> None:
    answer = _get(sandbox, who=Credentials(TENCENT.key_id, "wrong"))
    _refused(answer, 403, "SignatureDoesNotMatch")
    assert answer.field("StringToSign").startswith("sha1\n")
    assert answer.field("FormatString").startswith("get\n/object\n\nhost=")
    assert answer.field("Resource") == f"{HOST}/object"
    assert answer.field("RequestId") == answer.headers["x-cos-request-id"]
    assert answer.field("TraceId") == answer.headers["x-cos-trace-id"]


@pytest.mark.parametrize("skew", [-3600, -30])
def test_windows_that_are_over(sandbox: Sandbox, skew: int) -> None:
    end = int(time.time()) + skew
    _refused(_get(sandbox, start=end - 60, end=end), 403, "AccessDenied", "Request has expired")
    window = f"{end - 60};{end}"
    _refused(_get(sandbox, sign_window=window), 403, "AccessDenied", "Request has expired")


def test_windows_in_the_future(sandbox: Sandbox) -> None:
    now = int(time.time())
    assert _get(sandbox, start=now + 600).status == 200, "a clock may run up to 15 minutes ahead"
    _refused(_get(sandbox, start=now + 1000), 403, "RequestTimeTooSkewed")


def test_a_server_whose_clock_is_ahead(sandbox: Sandbox) -> None:
    sandbox.clock.skew_seconds = 24 * 3600
    try:
        _refused(_get(sandbox), 403, "AccessDenied", "Request has expired")
        sandbox.clock.skew_seconds = -24 * 3600
        _refused(_get(sandbox), 403, "RequestTimeTooSkewed")
    finally:
        sandbox.clock.skew_seconds = 0


def test_unknown_and_disabled_keys(sandbox: Sandbox) -> None:
    _refused(_get(sandbox, who=Credentials("AKIDnobody", "x")), 403, "InvalidAccessKeyId")
    sandbox.world.accounts.add_key(Key("tencent", "AKIDoff", "x", worlds.UIN, "", disabled=True))
    _refused(_get(sandbox, who=Credentials("AKIDoff", "x")), 403, "InvalidAccessKeyId")


def test_tokens(sandbox: Sandbox) -> None:
    who = worlds.temporary(sandbox, "tencent", worlds.UIN)
    _refused(_get(sandbox, who=who), 403, "InvalidAccessKeyId")
    _refused(_get(sandbox, who=who, sent={"x-cos-security-token": "another"}), 403, "AccessDenied")
    _refused(_get(sandbox, sent={"x-cos-security-token": who.token}), 403, "AccessDenied")
    over = worlds.temporary(sandbox, "tencent", worlds.UIN, seconds=-1)
    _refused(_get(sandbox, who=over, sent={"x-cos-security-token": over.token}), 400, "ExpiredToken")


@pytest.mark.parametrize(
    "authorization",
    [
        "nonsense",
        "q-sign-algorithm=md5&q-ak=AKIDtest&q-sign-time=1;2&q-key-time=1;2&q-header-list=&q-url-param-list=&q-signature=0",
        "q-sign-algorithm=sha1&q-ak=AKIDtest&q-signature=0",
        "q-sign-algorithm=sha1&q-ak=AKIDtest&q-sign-time=now&q-key-time=1;2&q-header-list=&q-url-param-list=&q-signature=0",
    ],
)
def test_malformed_authorizations(sandbox: Sandbox, authorization: str) -> None:
    answer = send(sandbox.endpoint("cos"), "GET", "/object", {"Host": HOST, "Authorization": authorization})
    _refused(answer, 403, "AccessDenied")


def test_anonymous_requests(sandbox: Sandbox, cos: CosStore) -> None:
    _refused(send(sandbox.endpoint("cos"), "GET", "/object", {"Host": HOST}), 403, "AccessDenied")
    cos.put("open", b"for all", {"x-cos-acl": "public-read"})
    assert send(sandbox.endpoint("cos"), "GET", "/open", {"Host": HOST}).body == b"for all"
    _refused(send(sandbox.endpoint("cos"), "PUT", "/open", {"Host": HOST}, b"x"), 403, "AccessDenied")
    _refused(send(sandbox.endpoint("cos"), "GET", "/", {"Host": "service.cos.myqcloud.com"}), 403, "AccessDenied")


def test_percent_encoding_of_the_vendor() -> None:
    assert percent(" !~/=;:()'*+") == "%20%21~%2F%3D%3B%3A%28%29%27%2A%2B"
