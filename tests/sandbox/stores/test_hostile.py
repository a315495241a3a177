"""Requests that no honest client sends: the stores refuse them in the vendor's way, and nothing breaks or leaks."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import msgspec
import multidict
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox import Sandbox
from imgmove.sandbox.http import Body, Request, Wire
from imgmove.sandbox.wire import make_wires
from imgmove.sandbox.wire.http_conditions import fit_for_header
from imgmove.sandbox.wire.store_xml import MAX_DOCUMENT_BYTES
from tests.sandbox.stores.signing import cos_authorization, oss_v4, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import ALIBABA_KEY, COS_BUCKET, OSS_BUCKET, TENCENT

BUCKETS = {"cos": ("tencent", COS_BUCKET), "oss": ("alibaba", OSS_BUCKET)}
THOUSANDS = "9" * 5000
"""More digits than Python's `int` reads."""


@pytest.fixture(params=list(BUCKETS))
def service(request: pytest.FixtureRequest) -> str:
    """Each store in turn."""
    return str(request.param)


def _send(
    sandbox: Sandbox,
    service: str,
    method: str,
    key: str = "",
    params: dict[str, str] | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    path, params, headers = f"/{BUCKETS[service][1]}/{key}", params or {}, headers or {}
    if service == "cos":
        signed = {**headers, "Authorization": cos_authorization(TENCENT, method, path, params, {})}
    else:
        signed = oss_v4(ALIBABA_KEY, method, path, params, headers)
    return send(sandbox.endpoint(service), method, target(path, params), signed, body)


def _refused(answer: Answer, *codes: str) -> None:
    assert answer.code in codes, answer.body
    assert 400 <= answer.status < 500


@pytest.mark.parametrize("text", [THOUSANDS, "٣", "-1", "1e3"])
def test_numbers_that_are_none(sandbox: Sandbox, service: str, text: str) -> None:
    _refused(_send(sandbox, service, "GET", "", {"max-keys": text}), "InvalidArgument")
    part = {"partNumber": text, "uploadId": "x"}
    _refused(_send(sandbox, service, "PUT", "k", part, b"x"), "InvalidArgument", "NoSuchUpload")
    limit = {f"x-{service}-traffic-limit": text} if text.isascii() else {}
    if limit:
        _refused(_send(sandbox, service, "PUT", "k", {}, b"x", limit), "InvalidArgument")
    upload_id = _send(sandbox, service, "POST", "k", {"uploads": ""}, b"").field("UploadId")
    parts = f"<Part><PartNumber>{text}</PartNumber><ETag>x</ETag></Part>".encode()
    document = b"<CompleteMultipartUpload>" + parts + b"</CompleteMultipartUpload>"
    _refused(_send(sandbox, service, "POST", "k", {"uploadId": upload_id}, document), "MalformedXML")
    assert _send(sandbox, service, "DELETE", "k", {"uploadId": upload_id}).status == 204


def test_ranges_beyond_all_numbers(sandbox: Sandbox, service: str) -> None:
    assert _send(sandbox, service, "PUT", "ranged", {}, b"0123456789").status == 200
    standard = {"x-oss-range-behavior": "standard"} if service == "oss" else {}
    whole = _send(sandbox, service, "GET", "ranged", {}, None, {"Range": f"bytes=2-{'9' * 4000}", **standard})
    assert (whole.status, whole.body) == (206, b"23456789")
    absurd = _send(sandbox, service, "GET", "ranged", {}, None, {"Range": f"bytes={THOUSANDS}-", **standard})
    assert (absurd.status, absurd.body) == (200, b"0123456789"), "no range at all"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\x00b", "\x7f"])
def test_answers_get_no_headers_from_parameters(sandbox: Sandbox, service: str, value: str) -> None:
    assert _send(sandbox, service, "PUT", "plain", {}, b"x").status == 200
    answer = _send(sandbox, service, "GET", "plain", {"response-content-disposition": value})
    _refused(answer, "InvalidArgument")
    assert "set-cookie" not in answer.headers


def test_documents_that_are_too_long(sandbox: Sandbox, service: str) -> None:
    document = b"<Delete>" + b" " * MAX_DOCUMENT_BYTES + b"</Delete>"
    _refused(_send(sandbox, service, "POST", "", {"delete": ""}, document), "MalformedXML")


def test_bodies_above_5_gib_are_refused_at_once(sandbox: Sandbox, service: str) -> None:
    headers = {"Content-Length": str((5 << 30) + 1), "Expect": "100-continue"}
    _refused(_send(sandbox, service, "PUT", "huge", {}, b"", headers), "EntityTooLarge")


@pytest.mark.parametrize(
    "key",
    ["../../escape", "..", ".", "a/../../b", "nul\x00", "/etc/passwd", "\\..\\x", "a" * 850, "é", "e\u0301", " ", "\n"],
)
def test_keys_are_names_not_paths(sandbox: Sandbox, service: str, key: str) -> None:
    put = _send(sandbox, service, "PUT", key, {}, key.encode())
    if service == "oss" and key.startswith(("/", "\\")):
        _refused(put, "InvalidObjectName")
        return
    assert put.status == 200, put.body
    assert _send(sandbox, service, "GET", key).body == key.encode()
    listed = _send(sandbox, service, "GET", "", {"prefix": key, "encoding-type": "url", "max-keys": "1000"})
    assert f"<Key>{quote(key, safe='-_.~')}</Key>" in listed.body.decode()
    assert not any((place / "escape").exists() for place in sandbox.directory.parents)
    assert {path.name for path in sandbox.directory.iterdir()} <= {"blobs", "incoming", "cvm-disks", "ecs-disks"}
    assert all(path.name.isalnum() or "-" in path.name for path in (sandbox.directory / "blobs").iterdir())
    assert _send(sandbox, service, "DELETE", key).status == 204


WORDS = st.sampled_from(
    [
        *f'0 1 -1 {THOUSANDS} * "x" é .. null url 2 bytes=0- bytes=-0 // ?versionId= === KMS'.split(),
        *f"/{OSS_BUCKET}/x {COS_BUCKET}.cos.ap-guangzhou.myqcloud.com/x AWS4-HMAC-SHA256".split(),
        *("", "\x00", "OSS a:b", "OSS2 AccessKeyId:a,Signature:b", "q-sign-algorithm=sha1&q-ak=a&q-signature=x"),
        *("Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Thu, 99 Foo 99999 99:99:99 X"),
    ]
)
PARAMETERS = st.sampled_from(
    [
        "prefix",
        "delimiter",
        "marker",
        "max-keys",
        "encoding-type",
        "list-type",
        "continuation-token",
        "uploads",
        "uploadId",
        "partNumber",
        "acl",
        "delete",
        "restore",
        "versions",
        "versionId",
        "response-expires",
        "Expires",
        "OSSAccessKeyId",
        "Signature",
        "sign",
        "q-signature",
        "x-oss-signature-version",
        "x-oss-credential",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "encryption",
        "policy",
        "unheard-of",
    ]
)
FIELDS = st.sampled_from(
    [
        "Range",
        "If-Match",
        "If-Modified-Since",
        "Content-MD5",
        "Content-Type",
        "Date",
        "Authorization",
        "Host",
        "x-{}-copy-source",
        "x-{}-copy-source-range",
        "x-{}-acl",
        "x-{}-storage-class",
        "x-{}-traffic-limit",
        "x-{}-date",
        "x-{}-content-sha256",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-{}-security-token",
    ]
)
PATHS = st.sampled_from(
    ["/", "//", "/{}", "/{}/", "/{}/x", "/{}/%2e%2e/x", "/{}/%00", "/{}/%ff%fe", "/..%2F..", "/{}//"]
)
DOCUMENTS = st.sampled_from(
    [
        *(b"", b"x", b"<a/>", b"\xff\xfe", b"<Delete/>", b"<Delete>" + b"<Object>" * 2000, b"<!DOCTYPE a><a/>"),
        *(b"<RestoreRequest><Days>%s</Days></RestoreRequest>" % THOUSANDS.encode(), b"<AccessControlPolicy/>"),
    ]
)


@pytest.fixture(scope="module")
def open_wires() -> Iterator[dict[str, Wire]]:
    """Both stores' wires over a world whose buckets everybody may write."""
    with Sandbox(seed=None) as running:
        world = running.world
        for vendor, name in BUCKETS.values():
            region = "ap-guangzhou" if vendor == "tencent" else "cn-hangzhou"
            world.objects.create_bucket(vendor, name, region, "1", acl="public-read-write")
        yield make_wires(world, running.clock)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]),
    path=PATHS,
    query=st.lists(st.tuples(PARAMETERS, WORDS), max_size=4),
    headers=st.lists(st.tuples(FIELDS, WORDS), max_size=4),
    document=DOCUMENTS,
)
@pytest.mark.parametrize("service", list(BUCKETS))
def test_no_request_breaks_a_store(
    open_wires: dict[str, Wire],
    service: str,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: list[tuple[str, str]],
    document: bytes,
) -> None:
    """Whatever comes, the wire answers, with headers that can be sent."""
    named = multidict.CIMultiDict({"Host": "127.0.0.1"})
    named.extend((name.format(service), value) for name, value in headers)
    raw_query = "&".join(f"{name}={quote(value, safe='')}" if value else name for name, value in query)
    request = Request(
        service,
        method,
        path.format(BUCKETS[service][1]),
        raw_query,
        multidict.CIMultiDictProxy(named),
        Body.of(document),
        1e9,
    )
    wire = open_wires[service]
    assert wire.describe(request)
    answer = wire.handle(request)
    assert answer.status < 600
    assert all(fit_for_header(value) for name, value in answer.headers if not _given(name, headers))


def _given(name: str, headers: list[tuple[str, str]]) -> bool:
    """Whether a header only gives back what the writer said; what HTTP can't carry does not come over HTTP."""
    return name in ("Content-Type", "Expires") or any(name.lower() == said.lower() for said, _ in headers)


def test_a_state_with_odd_names_can_be_written(sandbox: Sandbox) -> None:
    assert msgspec.json.encode(sandbox.world.objects.state)
