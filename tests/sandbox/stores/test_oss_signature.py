"""OSS's signatures computed from their documents by an independent signer, and everything that must fail."""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import OssStore, RefusedError, oss_auth
from tests.sandbox.stores.signing import oss_v1, oss_v1_query, oss_v4, oss_v4_query, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import ALIBABA_KEY, OSS_BUCKET, SINGAPORE_BUCKET, Credentials

KEY = "signed/ö b+c.img"
RESOURCE = f"/{OSS_BUCKET}/{KEY}"


@pytest.fixture(autouse=True)
def _object(oss: OssStore) -> None:
    oss.put(KEY, b"content")


def _send(sandbox: Sandbox, method: str, path: str, params: dict[str, str], headers: dict[str, str]) -> Answer:
    return send(sandbox.endpoint("oss"), method, target(path, params), headers)


def _refused(answer: Answer, status: int, code: str, ec: str = "") -> None:
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.field("EC") == answer.headers["x-oss-ec"]
    if ec:
        assert answer.field("EC") == ec


# Version 1


def test_v1_in_the_header(sandbox: Sandbox) -> None:
    assert _send(sandbox, "GET", RESOURCE, {}, oss_v1(ALIBABA_KEY, "GET", RESOURCE, {})).body == b"content"


def test_v1_signs_subresources_and_no_other_parameters(sandbox: Sandbox) -> None:
    listing = oss_v1(ALIBABA_KEY, "GET", f"/{OSS_BUCKET}/", {})
    assert _send(sandbox, "GET", f"/{OSS_BUCKET}/", {"prefix": "signed/", "max-keys": "1"}, listing).status == 200
    located = oss_v1(ALIBABA_KEY, "GET", f"/{OSS_BUCKET}/?location", {})
    assert _send(sandbox, "GET", f"/{OSS_BUCKET}/", {"location": ""}, located).status == 200
    _refused(_send(sandbox, "GET", f"/{OSS_BUCKET}/", {"location": ""}, listing), 403, "SignatureDoesNotMatch")


def test_v1_signs_the_vendors_headers_and_the_contents(sandbox: Sandbox) -> None:
    headers = {"x-oss-object-acl": "private", "Content-Type": "a/b"}
    signed = oss_v1(ALIBABA_KEY, "PUT", RESOURCE, headers)
    assert _send(sandbox, "PUT", RESOURCE, {}, signed).status == 200
    for name, value in (("x-oss-object-acl", "public-read"), ("Content-Type", "c/d"), ("x-oss-meta-new", "1")):
        _refused(_send(sandbox, "PUT", RESOURCE, {}, {**signed, name: value}), 403, "SignatureDoesNotMatch")


def test_v1_mismatch_shows_what_was_signed(sandbox: Sandbox) -> None:
    answer = _send(sandbox, "GET", RESOURCE, {}, oss_v1(Credentials(ALIBABA_KEY.key_id, "wrong"), "GET", RESOURCE, {}))
    _refused(answer, 403, "SignatureDoesNotMatch", "0002-00000040")
    assert answer.field("StringToSign").endswith(f"\n{RESOURCE}")
    assert bytes.fromhex(answer.field("StringToSignBytes")).decode() == answer.field("StringToSign")
    assert answer.field("OSSAccessKeyId") == ALIBABA_KEY.key_id
    assert answer.field("HostId") == sandbox.endpoint("oss").removeprefix("http://")
    assert answer.field("RequestId") == answer.headers["x-oss-request-id"]


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_v1_with_a_clock_that_is_off(sandbox: Sandbox, seconds: int) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    answer = _send(sandbox, "GET", RESOURCE, {}, oss_v1(ALIBABA_KEY, "GET", RESOURCE, {}, date))
    _refused(answer, 403, "RequestTimeTooSkewed", "0002-00000504")
    assert answer.field("MaxAllowedSkewMilliseconds") == "900000"


def test_v1_without_a_date(sandbox: Sandbox) -> None:
    headers = oss_v1(ALIBABA_KEY, "GET", RESOURCE, {}, "yesterday")
    _refused(_send(sandbox, "GET", RESOURCE, {}, headers), 403, "AccessDenied")


def test_v1_in_the_url(sandbox: Sandbox) -> None:
    good = oss_v1_query(ALIBABA_KEY, "GET", RESOURCE, int(time.time()) + 60)
    assert _send(sandbox, "GET", RESOURCE, good, {}).body == b"content"
    over = oss_v1_query(ALIBABA_KEY, "GET", RESOURCE, int(time.time()) - 1)
    answer = _send(sandbox, "GET", RESOURCE, over, {})
    _refused(answer, 403, "AccessDenied", "0002-00000069")
    assert answer.field("Message") == "Request has expired."
    longer = {**good, "Expires": str(int(good["Expires"]) + 1)}
    _refused(_send(sandbox, "GET", RESOURCE, longer, {}), 403, "SignatureDoesNotMatch")
    for name, ec in (("Expires", "0002-00000067"), ("OSSAccessKeyId", "0002-00000071")):
        lacking = {key: value for key, value in good.items() if key != name}
        _refused(_send(sandbox, "GET", RESOURCE, lacking, {}), 403, "AccessDenied", ec)
    _refused(_send(sandbox, "GET", RESOURCE, {**good, "Expires": "soon"}, {}), 403, "AccessDenied", "0002-00000068")


def test_v1_with_a_token(sandbox: Sandbox) -> None:
    who = worlds.temporary(sandbox, "alibaba", worlds.ALIBABA)
    assert _send(sandbox, "GET", RESOURCE, {}, oss_v1(who, "GET", RESOURCE, {})).status == 200
    url = oss_v1_query(who, "GET", RESOURCE, int(time.time()) + 60)
    assert _send(sandbox, "GET", RESOURCE, url, {}).status == 200


# Version 4


def test_v4_in_the_header(sandbox: Sandbox) -> None:
    headers = oss_v4(ALIBABA_KEY, "GET", RESOURCE, {}, {})
    assert _send(sandbox, "GET", RESOURCE, {}, headers).body == b"content"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (f"{OSS_BUCKET}.oss-cn-hangzhou.aliyuncs.com", f"/{KEY}"),
        (f"{OSS_BUCKET}.oss-cn-hangzhou-internal.aliyuncs.com", f"/{KEY}"),
        (f"{OSS_BUCKET}.cn-hangzhou.oss.aliyuncs.com", f"/{KEY}"),
        (f"{OSS_BUCKET}.localhost:9000", f"/{KEY}"),
        ("localhost:9000", RESOURCE),
        ("images.example.com", RESOURCE),
    ],
)
def test_v4_signs_bucket_and_key_whatever_the_address(sandbox: Sandbox, host: str, path: str) -> None:
    headers = oss_v4(ALIBABA_KEY, "GET", RESOURCE, {}, {"Host": host})
    assert _send(sandbox, "GET", path, {}, headers).body == b"content"


def test_v4_signs_the_whole_query(sandbox: Sandbox) -> None:
    params = {"prefix": "signed/ö", "delimiter": "/", "encoding-type": "url", "fetch-owner": ""}
    headers = oss_v4(ALIBABA_KEY, "GET", f"/{OSS_BUCKET}/", params, {})
    assert _send(sandbox, "GET", f"/{OSS_BUCKET}/", params, headers).status == 200
    for tampered in ({**params, "prefix": "x"}, {**params, "marker": "x"}, {"prefix": "signed/ö"}):
        answer = _send(sandbox, "GET", f"/{OSS_BUCKET}/", tampered, headers)
        _refused(answer, 403, "SignatureDoesNotMatch", "0002-00000201")
        assert answer.field("CanonicalRequest").startswith("GET\n")


def test_v4_signs_headers(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "a/b", "Cache-Control": "no-store", "x-oss-meta-a": "1"}
    signed = oss_v4(ALIBABA_KEY, "PUT", RESOURCE, {}, headers, additional=("cache-control",))
    assert _send(sandbox, "PUT", RESOURCE, {}, signed).status == 200
    for name in headers:
        _refused(_send(sandbox, "PUT", RESOURCE, {}, {**signed, name: "other"}), 403, "SignatureDoesNotMatch")
    unsigned = oss_v4(ALIBABA_KEY, "PUT", RESOURCE, {}, headers)
    assert _send(sandbox, "PUT", RESOURCE, {}, {**unsigned, "Cache-Control": "max-age=1"}).status == 200


def test_v4_with_the_bodys_own_hash(sandbox: Sandbox) -> None:
    body = b"body"
    right = oss_v4(ALIBABA_KEY, "PUT", RESOURCE, {}, {}, payload=hashlib.sha256(body).hexdigest())
    assert send(sandbox.endpoint("oss"), "PUT", target(RESOURCE, {}), right, body).status == 200
    tampered = send(sandbox.endpoint("oss"), "PUT", target(RESOURCE, {}), right, b"evil")
    _refused(tampered, 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_v4_with_a_clock_that_is_off(sandbox: Sandbox, seconds: int) -> None:
    headers = oss_v4(ALIBABA_KEY, "GET", RESOURCE, {}, {}, at=time.time() + seconds)
    _refused(_send(sandbox, "GET", RESOURCE, {}, headers), 403, "RequestTimeTooSkewed")


def test_v4_in_the_url(sandbox: Sandbox) -> None:
    good = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {"response-content-type": "a/b"})
    answer = _send(sandbox, "GET", RESOURCE, good, {})
    assert (answer.body, answer.headers["content-type"]) == (b"content", "a/b")
    tampered = {**good, "response-content-type": "c/d"}
    _refused(_send(sandbox, "GET", RESOURCE, tampered, {}), 403, "SignatureDoesNotMatch")
    _refused(_send(sandbox, "GET", RESOURCE, {**good, "x-oss-expires": "600"}, {}), 403, "SignatureDoesNotMatch")


def test_v4_urls_run_out(sandbox: Sandbox) -> None:
    over = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {}, at=time.time() - 61)
    _refused(_send(sandbox, "GET", RESOURCE, over, {}), 403, "AccessDenied")
    long = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {}, at=time.time() - 6 * 24 * 3600, expires=7 * 24 * 3600)
    assert _send(sandbox, "GET", RESOURCE, long, {}).status == 200, "only the future counts as skew"
    early = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {}, at=time.time() + 1000)
    _refused(_send(sandbox, "GET", RESOURCE, early, {}), 403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("expires", [0, 604801, "soon"])
def test_v4_urls_live_a_week_at_most(sandbox: Sandbox, expires: int | str) -> None:
    query = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {}, expires=expires)
    _refused(_send(sandbox, "GET", RESOURCE, query, {}), 400, "InvalidArgument", "0002-00000232")


def test_v4_is_for_one_region(sandbox: Sandbox) -> None:
    wrong = oss_v4(ALIBABA_KEY, "GET", RESOURCE, {}, {}, region="cn-beijing")
    _refused(_send(sandbox, "GET", RESOURCE, {}, wrong), 403, "SignatureDoesNotMatch", "0002-00000228")
    query = oss_v4_query(ALIBABA_KEY, "GET", RESOURCE, {}, region="cn-beijing")
    _refused(_send(sandbox, "GET", RESOURCE, query, {}), 403, "SignatureDoesNotMatch", "0002-00000226")
    named = oss_v4(ALIBABA_KEY, "GET", RESOURCE, {}, {}, region="oss-cn-hangzhou")
    _refused(_send(sandbox, "GET", RESOURCE, {}, named), 403, "SignatureDoesNotMatch", "0002-00000228")


def test_v4_any_region_may_ask_where_a_bucket_is(sandbox: Sandbox) -> None:
    for parameter in ("location", "bucketInfo"):
        path, params = f"/{SINGAPORE_BUCKET}/", {parameter: ""}
        headers = oss_v4(ALIBABA_KEY, "GET", path, params, {}, region="cn-hangzhou")
        answer = _send(sandbox, "GET", path, params, headers)
        assert answer.status == 200
        assert b"oss-ap-southeast-1" in answer.body


def test_v4_tokens(sandbox: Sandbox) -> None:
    who = worlds.temporary(sandbox, "alibaba", worlds.ALIBABA)
    assert _send(sandbox, "GET", RESOURCE, {}, oss_v4(who, "GET", RESOURCE, {}, {})).status == 200
    assert _send(sandbox, "GET", RESOURCE, oss_v4_query(who, "GET", RESOURCE, {}), {}).status == 200
    without = oss_v4(Credentials(who.key_id, who.secret), "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, without), 403, "InvalidAccessKeyId", "0002-00000902")
    other = oss_v4(Credentials(who.key_id, who.secret, "other"), "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, other), 403, "InvalidSecurityToken")
    foreign = oss_v4(Credentials(ALIBABA_KEY.key_id, ALIBABA_KEY.secret, who.token), "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, foreign), 403, "InvalidSecurityToken")
    over = worlds.temporary(sandbox, "alibaba", worlds.ALIBABA, seconds=-1)
    _refused(_send(sandbox, "GET", RESOURCE, {}, oss_v4(over, "GET", RESOURCE, {}, {})), 403, "SecurityTokenExpired")


SCOPE = "20240101/cn-hangzhou/oss/aliyun_v4_request"


@pytest.mark.parametrize(
    ("authorization", "ec"),
    [
        ("nonsense", "0002-00000061"),
        ("OSS nokey", "0002-00000061"),
        ("OSS2 AccessKeyId:a", "0002-00000102"),
        ("OSS4-HMAC-SHA256 Signature=0", "0002-00000202"),
        (f"OSS4-HMAC-SHA256 Credential=a/{SCOPE},Signature=0,Extra=1", "0002-00000202"),
        ("OSS4-HMAC-SHA256 Credential=a/20240101/cn-hangzhou/s3/aws4_request,Signature=0", "0002-00000213"),
        (f"OSS4-HMAC-SHA256 Credential=a/{SCOPE},Signature=0", "0002-00000212"),
    ],
)
def test_malformed_authorizations(sandbox: Sandbox, authorization: str, ec: str) -> None:
    headers = {
        "Authorization": authorization,
        "x-oss-date": "20250101T000000Z",
        "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
    }
    _refused(_send(sandbox, "GET", RESOURCE, {}, headers), 400, "InvalidArgument", ec)


def test_unknown_and_disabled_keys(sandbox: Sandbox) -> None:
    nobody = oss_v4(Credentials("LTAInobody", "x"), "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, nobody), 403, "InvalidAccessKeyId", "0002-00000902")
    sandbox.world.accounts.add_key(Key("alibaba", "LTAIoff", "x", worlds.ALIBABA, "", disabled=True))
    off = oss_v4(Credentials("LTAIoff", "x"), "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, off), 403, "InvalidAccessKeyId")


def test_a_key_of_the_other_vendor_is_unknown(sandbox: Sandbox) -> None:
    headers = oss_v4(worlds.TENCENT, "GET", RESOURCE, {}, {})
    _refused(_send(sandbox, "GET", RESOURCE, {}, headers), 403, "InvalidAccessKeyId")


# Version 1 closed


@pytest.mark.parametrize("whole_account", [False, True])
def test_version_1_can_be_closed(sandbox: Sandbox, whole_account: bool) -> None:
    state, bucket = sandbox.world.objects.state, sandbox.world.objects.bucket("alibaba", OSS_BUCKET)
    assert bucket is not None
    bucket.refuses_v1 = not whole_account
    state.accounts_refusing_v1 = [worlds.ALIBABA] if whole_account else []
    try:
        answer = _send(sandbox, "GET", RESOURCE, {}, oss_v1(ALIBABA_KEY, "GET", RESOURCE, {}))
        _refused(answer, 403, "AccessDenied", "0002-00000080")
        with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
            OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, OSS_BUCKET, oss_auth("v1")).get(KEY)
        assert OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, OSS_BUCKET).get(KEY).body == b"content"
    finally:
        bucket.refuses_v1 = False
        state.accounts_refusing_v1 = []
