"""AWS's signature version 4 at both stores: AWS's own examples, an independent signer, and everything that must fail."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import UTC, datetime

import multidict
import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.http import Body, Request
from imgmove.sandbox.wire import aws_signature
from tests.sandbox.stores import worlds
from tests.sandbox.stores.signing import percent, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import ALIBABA_KEY, COS_BUCKET, OSS_BUCKET, TENCENT, Credentials

EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
EXAMPLE_TIME = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
EMPTY = hashlib.sha256(b"").hexdigest()

STORES = {"cos": (TENCENT, COS_BUCKET), "oss": (ALIBABA_KEY, OSS_BUCKET)}


@pytest.fixture(params=list(STORES))
def service(request: pytest.FixtureRequest) -> str:
    """Each store in turn."""
    return str(request.param)


def _signature(
    who: Credentials,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
    stamp: str,
    payload: str,
    region: str = "none",
) -> str:
    names = sorted(name.lower() for name in headers)
    lower = {name.lower(): value for name, value in headers.items()}
    query = "&".join(f"{name}={value}" for name, value in sorted((percent(n), percent(v)) for n, v in params.items()))
    listed = "".join(f"{name}:{lower[name]}\n" for name in names)
    canonical = "\n".join((method, target(path, {}), query, listed, ";".join(names), payload))
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{who.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _stamp(seconds: float = 0.0) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _send(
    sandbox: Sandbox,
    service: str,
    method: str,
    key: str = "",
    params: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    who: Credentials | None = None,
    late: float = 0.0,
    payload: str | None = None,
    bucket: str = "",
    region: str = "none",
    **named: str,
) -> Answer:
    """A request signed in the header; `named` are headers, `_` standing for `-`."""
    own, usual = STORES[service]
    who, params, path, stamp = who or own, params or {}, f"/{bucket or usual}/{key}", _stamp(late)
    payload = hashlib.sha256(body).hexdigest() if payload is None else payload
    headers = {
        "Host": "127.0.0.1",
        "x-amz-date": stamp,
        "x-amz-content-sha256": payload,
        **({"x-amz-security-token": who.token} if who.token else {}),
        **{name.replace("_", "-"): value for name, value in named.items()},
    }
    signature = _signature(who, method, path, params, headers, stamp, payload, region)
    names = ";".join(sorted(name.lower() for name in headers))
    credential = f"{who.key_id}/{stamp[:8]}/{region}/s3/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}"
    return send(sandbox.endpoint(service), method, target(path, params), headers, body)


def _url(service: str, key: str, *, who: Credentials | None = None, late: float = 0.0, expires: str = "60") -> str:
    """The target of a GET, signed in the URL."""
    own, bucket = STORES[service]
    who, stamp = who or own, _stamp(late)
    params = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{who.key_id}/{stamp[:8]}/none/s3/aws4_request",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": expires,
        "X-Amz-SignedHeaders": "host",
        **({"X-Amz-Security-Token": who.token} if who.token else {}),
    }
    path, host = f"/{bucket}/{key}", {"Host": "127.0.0.1"}
    params["X-Amz-Signature"] = _signature(who, "GET", path, params, host, stamp, "UNSIGNED-PAYLOAD")
    return target(path, params)


def _get(sandbox: Sandbox, service: str, url: str) -> Answer:
    return send(sandbox.endpoint(service), "GET", url, {"Host": "127.0.0.1"})


def _refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer.body


# AWS's examples, of its page "Authenticating Requests"


def _example(method: str, path: str, query: str, headers: dict[str, str], body: bytes = b"") -> Request:
    named = multidict.CIMultiDictProxy(multidict.CIMultiDict({"Host": "examplebucket.s3.amazonaws.com", **headers}))
    return Request("cos", method, path, query, named, Body.of(body), EXAMPLE_TIME)


@pytest.mark.parametrize(
    ("request_", "names", "signature"),
    [
        (
            _example("GET", "/test.txt", "", {"Range": "bytes=0-9", "x-amz-content-sha256": EMPTY}),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            _example(
                "PUT",
                "/test%24file.text",
                "",
                {
                    "Date": "Fri, 24 May 2013 00:00:00 GMT",
                    "x-amz-content-sha256": hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
                    "x-amz-storage-class": "REDUCED_REDUNDANCY",
                },
                b"Welcome to Amazon S3.",
            ),
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            _example("GET", "/", "lifecycle", {"x-amz-content-sha256": EMPTY}),
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            _example("GET", "/", "max-keys=2&prefix=J", {"x-amz-content-sha256": EMPTY}),
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_aws_examples(request_: Request, names: str, signature: str) -> None:
    headers = multidict.CIMultiDict(request_.headers)
    headers["x-amz-date"] = "20130524T000000Z"
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={EXAMPLE_SCOPE},SignedHeaders={names},Signature={signature}"
    )
    signed = Request(
        "cos", request_.method, request_.raw_path, request_.raw_query, multidict.CIMultiDictProxy(headers),
        request_.body, EXAMPLE_TIME,
    )  # fmt: skip
    claim = aws_signature.read(signed, EXAMPLE_TIME)
    assert claim.signature_of(EXAMPLE_SECRET, claim.string_to_sign) == claim.signature == signature
    assert (claim.access_key_id, claim.region) == ("AKIAIOSFODNN7EXAMPLE", "us-east-1")


def test_aws_example_of_a_url() -> None:
    signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={signature}"
    )
    claim = aws_signature.read(_example("GET", "/test.txt", query, {}), EXAMPLE_TIME + 86399)
    assert claim.signature_of(EXAMPLE_SECRET, claim.string_to_sign) == signature
    with pytest.raises(aws_signature.AwsError, match="AccessDenied"):
        aws_signature.read(_example("GET", "/test.txt", query, {}), EXAMPLE_TIME + 86401)


# The dialect


def test_s3_words_are_the_vendors(sandbox: Sandbox, service: str) -> None:
    key = "aws/words ü+.img"
    put = _send(sandbox, service, "PUT", key, body=b"content", x_amz_meta_Who="me", x_amz_storage_class="STANDARD_IA")
    assert put.status == 200, put.body
    assert put.headers["x-amz-request-id"]
    head = _send(sandbox, service, "HEAD", key)
    assert (head.headers["x-amz-meta-who"], head.headers["x-amz-storage-class"]) == ("me", "STANDARD_IA")
    assert head.headers[f"x-{service}-hash-crc64ecma"], "what S3 does not know stays as it is"
    bucket = STORES[service][1]
    source = target(f"/{bucket}/{key}", {})
    copied = _send(
        sandbox,
        service,
        "PUT",
        "aws/copy",
        x_amz_copy_source=source,
        x_amz_metadata_directive="REPLACE",
        x_amz_meta_n="1",
    )
    assert (copied.status, b"<CopyObjectResult>" in copied.body) == (200, True)
    assert "x-amz-meta-who" not in _send(sandbox, service, "HEAD", "aws/copy").headers
    assert sandbox.requests(service)[-2].action == "CopyObject", "faults find it under the vendor's name"
    archived = _send(sandbox, service, "PUT", "aws/cold", body=b"x", x_amz_storage_class="GLACIER")
    assert archived.status == 200
    assert _send(sandbox, service, "HEAD", "aws/cold").headers["x-amz-storage-class"] == "GLACIER"
    assert _send(sandbox, service, "GET", "aws/cold").code == "InvalidObjectState"


def test_acls_in_s3_words(sandbox: Sandbox, service: str) -> None:
    bucket = STORES[service][1]
    assert _send(sandbox, service, "PUT", "aws/open", body=b"x", x_amz_acl="public-read").status == 200
    assert send(sandbox.endpoint(service), "GET", f"/{bucket}/aws/open").body == b"x"
    assert _send(sandbox, service, "PUT", "", {"acl": ""}, x_amz_acl="public-read").status == 200
    assert send(sandbox.endpoint(service), "GET", f"/{bucket}/?prefix=aws").status == 200
    assert _send(sandbox, service, "PUT", "", {"acl": ""}, x_amz_acl="private").status == 200
    assert send(sandbox.endpoint(service), "GET", f"/{bucket}/?prefix=aws").status == 403


def test_listing_of_version_2_goes_on(sandbox: Sandbox, service: str) -> None:
    for number in range(3):
        _send(sandbox, service, "PUT", f"aws-list/{number}", body=b"x")
    params = {"list-type": "2", "prefix": "aws-list/", "max-keys": "2", "x-id": "ListObjectsV2"}
    first = _send(sandbox, service, "GET", "", params)
    assert (first.field("KeyCount"), first.field("IsTruncated")) == ("2", "true")
    token = first.field("NextContinuationToken")
    second = _send(sandbox, service, "GET", "", {**params, "continuation-token": token})
    assert (second.field("Key"), second.field("IsTruncated")) == ("aws-list/2", "false")
    started = _send(sandbox, service, "GET", "", {**params, "start-after": "aws-list/1"})
    assert started.field("Key") == "aws-list/2"
    _refused(_send(sandbox, service, "GET", "", {**params, "continuation-token": "%%%"}), 400, "InvalidArgument")


def test_url(sandbox: Sandbox, service: str) -> None:
    _send(sandbox, service, "PUT", "aws/url ü", body=b"content")
    assert _get(sandbox, service, _url(service, "aws/url ü")).body == b"content"
    vendor, account = ("tencent", worlds.UIN) if service == "cos" else ("alibaba", worlds.ALIBABA)
    who = worlds.temporary(sandbox, vendor, account)
    assert _get(sandbox, service, _url(service, "aws/url ü", who=who)).body == b"content"
    _refused(_get(sandbox, service, _url(service, "aws/url ü", late=-61)), 403, "AccessDenied")
    _refused(_get(sandbox, service, _url(service, "aws/url ü", late=1000)), 403, "RequestTimeTooSkewed")
    for expires in ("0", "604801", "soon"):
        refused = _get(sandbox, service, _url(service, "aws/url ü", expires=expires))
        _refused(refused, 400, "AuthorizationQueryParametersError")
    url = _url(service, "aws/url ü")
    _refused(_get(sandbox, service, url.replace("aws/url", "aws/list")), 403, "SignatureDoesNotMatch")
    incomplete = _get(sandbox, service, url.partition("&X-Amz-Signature")[0])
    _refused(incomplete, 400, "AuthorizationQueryParametersError")


# Refusals


def test_wrong_signatures(sandbox: Sandbox, service: str) -> None:
    own = STORES[service][0]
    answer = _send(sandbox, service, "GET", "x", who=Credentials(own.key_id, "wrong"))
    _refused(answer, 403, "SignatureDoesNotMatch")
    assert answer.field("StringToSign").startswith("AWS4-HMAC-SHA256")
    assert answer.field("CanonicalRequest").endswith(EMPTY)
    _refused(_send(sandbox, service, "GET", "x", who=Credentials("AKIAnone", "x")), 403, "InvalidAccessKeyId")
    for late in (-1000, 1000):
        _refused(_send(sandbox, service, "GET", "x", late=late), 403, "RequestTimeTooSkewed")


def test_wrong_bodies(sandbox: Sandbox, service: str) -> None:
    claimed = hashlib.sha256(b"y").hexdigest()
    _refused(_send(sandbox, service, "PUT", "x", body=b"x", payload=claimed), 400, "XAmzContentSHA256Mismatch")
    assert _send(sandbox, service, "PUT", "x", body=b"x", payload="UNSIGNED-PAYLOAD").status == 200
    chunked = _send(sandbox, service, "PUT", "x", body=b"x", payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    _refused(chunked, 400, "InvalidArgument")
    assert "aws-chunked" in chunked.field("Message")


def test_temporary_keys_need_their_token(sandbox: Sandbox, service: str) -> None:
    vendor, account = ("tencent", worlds.UIN) if service == "cos" else ("alibaba", worlds.ALIBABA)
    who = worlds.temporary(sandbox, vendor, account)
    assert _send(sandbox, service, "PUT", "aws/token", body=b"x", who=who).status == 200
    for token in ("", "other"):
        answer = _send(sandbox, service, "GET", "aws/token", who=Credentials(who.key_id, who.secret, token))
        assert answer.status == 403


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/20260101/b/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/{day}/b/ec2/aws4_request,SignedHeaders=host,Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20010101/b/s3/aws4_request,SignedHeaders=host,Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/{day}/b/s3/aws4_request,SignedHeaders=x-amz-date,Signature=00",
    ],
)
def test_malformed_headers(sandbox: Sandbox, service: str, authorization: str) -> None:
    stamp = _stamp()
    headers = {
        "Authorization": authorization.format(day=stamp[:8]),
        "x-amz-date": stamp,
        "x-amz-content-sha256": EMPTY,
    }
    answer = send(sandbox.endpoint(service), "GET", f"/{STORES[service][1]}/x", headers)
    _refused(answer, 400, "AuthorizationHeaderMalformed")
    del headers["x-amz-content-sha256"]
    answer = send(sandbox.endpoint(service), "GET", f"/{STORES[service][1]}/x", headers)
    _refused(answer, 400, "AuthorizationHeaderMalformed")


def test_a_date_that_is_none(sandbox: Sandbox, service: str) -> None:
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/b/s3/aws4_request,SignedHeaders=host,Signature=00",
        "x-amz-date": "today",
        "x-amz-content-sha256": EMPTY,
    }
    _refused(send(sandbox.endpoint(service), "GET", f"/{STORES[service][1]}/x", headers), 403, "AccessDenied")


def test_new_buckets_are_where_the_client_signs_for(sandbox: Sandbox) -> None:
    """There is no region in a loopback address; S3 clients sign for one."""
    for service, vendor, region, bucket in (
        ("cos", "tencent", "ap-shanghai", "aws-1250000000"),
        ("oss", "alibaba", "oss-ap-southeast-1", "aws-bucket"),
    ):
        assert _send(sandbox, service, "PUT", bucket=bucket, region=region).status == 200
        found = sandbox.world.objects.bucket(vendor, bucket)
        assert found is not None
        assert found.region == region.removeprefix("oss-")
        assert _send(sandbox, service, "DELETE", bucket=bucket).status == 204
