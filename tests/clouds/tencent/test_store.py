"""COS against answers written by hand from the vendor's documents: real HTTP, no SDK transport."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from imgmove.clouds.keys import AccessKey, FixedKey
from imgmove.clouds.tencent import cloud
from imgmove.clouds.tencent.cos_address import bucket_address, quoted_key, region_of_host, service_address
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import PartInfo
from imgmove.core.settings import Settings
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, cos_error, html, xml


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def test_requests_name_the_bucket_in_their_host_and_carry_no_secret(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"", {"ETag": '"E1"', "x-cos-hash-crc64ecma": "7"})
    info = store.put("a b/ü+.raw", b"hello")
    asked = server.asked[0]
    assert asked.path == "/a b/ü+.raw"
    assert asked.headers["host"] == "bkt-125.cos.ap-guangzhou.myqcloud.com"
    assert asked.headers["authorization"].startswith("q-sign-algorithm=sha1&q-ak=AKID-0001&")
    assert "q-header-list=content-md5;content-type;host&" in asked.headers["authorization"]
    assert asked.headers["content-md5"] == "XUFAKrxLKna5cZ2REBfFkg=="
    assert "very-secret-indeed" not in str(server.asked)
    assert (info.size_bytes, info.etag, info.crc64) == (5, "E1", 7)


def test_security_tokens_travel(settings: Settings, server: ScriptedServer) -> None:
    environment = {**settings.environment, "TENCENTCLOUD_TOKEN": "TOK"}
    store = CosStore("bkt-125", "ap-guangzhou", replace(settings, environment=environment))
    server.otherwise = lambda asked: Reply(404) if asked.path != "/" else Reply(200)
    store.head("k")
    assert server.asked[0].headers["x-cos-security-token"] == "TOK"
    assert "x-cos-security-token=TOK" in store.share_url("k", 60)


def test_head(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(
        200, b"", {
            "Content-Length": "123", "ETag": '"ABC-2"', "Last-Modified": "Fri, 24 Feb 2012 06:07:48 GMT",
            "x-cos-hash-crc64ecma": "18446744073709551615", "x-cos-storage-class": "STANDARD_IA",
        },
    )  # fmt: skip
    info = store.head("k")
    assert info is not None
    assert (info.size_bytes, info.etag, info.last_modified) == (123, "ABC-2", 1330063668.0)
    assert (info.crc64, info.storage_class) == (18446744073709551615, "STANDARD_IA")


@pytest.mark.parametrize("listing", [xml("<ListBucketResult/>"), cos_error("AccessDenied", 403), Reply(501)])
def test_head_of_nothing_asks_once_whether_there_is_a_bucket(
    store: CosStore, server: ScriptedServer, listing: Reply
) -> None:
    server.otherwise = lambda asked: listing if asked.path == "/" else Reply(404)
    assert store.head("k") is None
    assert store.head("k") is None
    assert [asked.path for asked in server.asked] == ["/k", "/", "/k"]


def test_head_in_a_bucket_that_is_not_there(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(404) if asked.method == "HEAD" else cos_error("NoSuchBucket", 404)
    error = fails(lambda: store.head("k"))
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(403), Kind.DENIED, "AccessDenied"),
        (Reply(301, b"", {"x-cos-bucket-region": "ap-beijing"}), Kind.INVALID, "WrongRegion"),
        (Reply(301, b"", {"Location": "http://bkt-125.cos.ap-beijing.myqcloud.com/k"}), Kind.INVALID, "WrongRegion"),
        (Reply(302), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(429), Kind.THROTTLED, "TooManyRequests"),
        (Reply(503), Kind.UNAVAILABLE, "ServiceUnavailable"),
        (Reply(200), Kind.UNAVAILABLE, "NotTheService"),
    ],
)
def test_heads_that_say_nothing_good(
    store: CosStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str
) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: store.head("k"))
    assert (error.kind, error.code) == (kind, code)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (cos_error("NoSuchKey", 404), Kind.NOT_FOUND, "NoSuchKey"),
        (cos_error("NoSuchBucket", 404), Kind.NOT_FOUND, "NoSuchBucket"),
        (cos_error("AccessDenied", 403), Kind.DENIED, "AccessDenied"),
        (cos_error("RequestTimeTooSkewed", 403), Kind.DENIED, "RequestTimeTooSkewed"),
        (cos_error("PreconditionFailed", 412), Kind.CONFLICT, "PreconditionFailed"),
        (cos_error("InvalidObjectState", 403), Kind.CONFLICT, "InvalidObjectState"),
        (cos_error("SlowDown", 503), Kind.THROTTLED, "SlowDown"),
        (cos_error("NeverHeardOf", 400), Kind.INVALID, "NeverHeardOf"),
        (cos_error("PermanentRedirect", 301, "<Endpoint>bkt-125.cos.ap-beijing.myqcloud.com</Endpoint>"),
         Kind.INVALID, "PermanentRedirect"),
        (html(502), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(200, b"whole"), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(206, b"abc", {"Content-Range": "bytes 5-7/9"}), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(206, b"abcdefg"), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(206, b"a", length=3), Kind.UNAVAILABLE, "NoAnswer"),
    ],
)  # fmt: skip
def test_reads_that_are_refused_or_no_answer(
    store: CosStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str
) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: store.read("k", 0, 3))
    assert (error.kind, error.code, error.maybe_applied) == (kind, code, False)


def test_ranges_are_pinned(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(206, b"cde", {"Content-Range": "bytes 2-4/9"})
    assert store.read("k", 2, 3, "E1") == b"cde"
    assert store.read("k", 2, 0) == b""
    headers = server.asked[0].headers
    assert (headers["range"], headers["if-match"]) == ("bytes=2-4", '"E1"')


# ------------------------------------------------------------------------------------------------------- lists

PAGE = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{0}</IsTruncated>{1}</ListBucketResult>"
ENTRY = (
    "<Contents><Key>{0}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;E&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


@pytest.mark.parametrize("marker", ["<NextMarker>p/%E4%B8%AD%20a</NextMarker>", ""])
def test_lists_are_read_to_their_end(store: CosStore, server: ScriptedServer, marker: str) -> None:
    def page(asked: Asked) -> Reply:
        if "marker" not in asked.query:
            return xml(PAGE.format("true", marker + ENTRY.format("p/%E4%B8%AD%20a")))
        assert asked.query["marker"] == "p/中 a"
        return xml(PAGE.format("false", ENTRY.format("p/b")))

    server.otherwise = page
    found = list(store.list("p/"))
    assert [info.key for info in found] == ["p/中 a", "p/b"]
    assert (found[0].etag, found[0].size_bytes, found[0].last_modified) == ("E", 5, 1767323045.0)
    assert (server.asked[0].query["prefix"], server.asked[0].query["encoding-type"]) == ("p/", "url")


def test_a_list_that_ignores_our_quoting(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: xml(f"<ListBucketResult>{ENTRY.format('per%20cent')}</ListBucketResult>")
    assert [info.key for info in store.list("")] == ["per%20cent"]


def test_a_list_that_repeats_its_page_ends_in_an_error(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: xml(PAGE.format("true", "<NextMarker>same</NextMarker>"))
    assert fails(lambda: list(store.list(""))).kind is Kind.UNAVAILABLE


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>',
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult/>'.encode("utf-16"),
        b"<ListBucketResult>",
        b"<html><body>a page that is XML, too</body></html>",
        b"hello",
        b"",
    ],
)
def test_what_is_no_harmless_xml_is_no_answer(store: CosStore, server: ScriptedServer, body: bytes) -> None:
    server.otherwise = lambda asked: Reply(200, body)
    assert fails(lambda: list(store.list(""))).code == "NotTheService"


def test_lists_of_uploads_and_parts_have_pages_too(store: CosStore, server: ScriptedServer) -> None:
    def page(asked: Asked) -> Reply:
        if "uploads" in asked.query:
            first = "key-marker" not in asked.query
            assert first or (asked.query["key-marker"], asked.query["upload-id-marker"]) == ("a b", "U1")
            more = "<NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>U1</NextUploadIdMarker>" if first else ""
            entry = f"<Upload><Key>a%20b</Key><UploadId>{'U1' if first else 'U2'}</UploadId></Upload>"
            truncated = "true" if first else "false"
            return xml(f"<R><EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{more}{entry}</R>")
        number = int(asked.query.get("part-number-marker", "0")) + 1
        entry = f'<Part><PartNumber>{number}</PartNumber><ETag>"e{number}"</ETag><Size>7</Size></Part>'
        more = f"<NextPartNumberMarker>{number}</NextPartNumberMarker>"
        return xml(f"<R>{more}<IsTruncated>{'true' if number < 3 else 'false'}</IsTruncated>{entry}</R>")

    server.otherwise = page
    assert [(item.key, item.upload_id) for item in store.uploads("a")] == [("a b", "U1"), ("a b", "U2")]
    parts = list(store.parts("k", "U1"))
    assert parts == [PartInfo(number, 7, f"e{number}") for number in (1, 2, 3)]


# ----------------------------------------------------------------------------------------------------- uploads


def test_finishing_an_upload(store: CosStore, server: ScriptedServer) -> None:
    done = b"  \n   <?xml version='1.0'?><CompleteMultipartUploadResult><ETag>\"E-2\"</ETag></CompleteMultipartUploadResult>"
    server.otherwise = lambda asked: Reply(200, done, {"x-cos-hash-crc64ecma": "9"})
    info = store.finish("k", "U", [PartInfo(2, 3, "b"), PartInfo(1, 5, "a")])
    assert (info.size_bytes, info.etag, info.crc64) == (8, "E-2", 9)
    asked = server.asked[0]
    assert (asked.method, asked.query) == ("POST", {"uploadId": "U"})
    assert asked.body.index(b"<PartNumber>1") < asked.body.index(b"<PartNumber>2")
    assert b'<ETag>"a"</ETag>' in asked.body


@pytest.mark.parametrize(
    ("reply", "kind", "code", "maybe"),
    [
        (cos_error("InvalidPart", 200), Kind.CONFLICT, "InvalidPart", False),
        (cos_error("InternalError", 200), Kind.UNAVAILABLE, "InternalError", True),
        (cos_error("NoSuchUpload", 404), Kind.NOT_FOUND, "NoSuchUpload", False),
        (Reply(200, b""), Kind.UNAVAILABLE, "NotTheService", True),
        (xml("<CompleteMultipartUploadResult/>"), Kind.UNAVAILABLE, "NotTheService", True),
        (Reply(hang_up=True), Kind.UNAVAILABLE, "NoAnswer", True),
    ],
)
def test_errors_of_a_finish_may_hide_in_a_200(
    store: CosStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str, maybe: bool
) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: store.finish("k", "U", [PartInfo(1, 5, "a")]))
    assert (error.kind, error.code, error.maybe_applied) == (kind, code, maybe)


def test_absent_is_fine_but_not_without_a_bucket(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: cos_error("NoSuchUpload" if asked.query else "NoSuchKey", 404)
    store.abort("k", "U")
    store.delete("k")
    server.otherwise = lambda asked: cos_error("NoSuchBucket", 404)
    assert fails(lambda: store.delete("k")).code == "NoSuchBucket"


# --------------------------------------------------------------------------------------------- signed requests


def test_signed_requests_are_sent_as_they_are(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200)
    for signed in (store.sign_read("a b", 3, 4, "E1", 60), store.sign_put_part("a b", "U", 7, 4, 60)):
        urllib3.request(signed.method, signed.url, headers=signed.headers, retries=False)
    read, part = server.asked
    assert read.headers["host"] == part.headers["host"] == "bkt-125.cos.ap-guangzhou.myqcloud.com"
    assert (read.method, read.path, read.headers["range"], read.headers["if-match"]) == (
        "GET", "/a b", "bytes=3-6", '"E1"',
    )  # fmt: skip
    assert (part.method, part.query["partNumber"], part.query["uploadId"]) == ("PUT", "7", "U")
    assert part.query["q-url-param-list"] == "partnumber;uploadid"
    assert "authorization" not in part.headers


def test_far_away_the_host_is_in_the_url_alone(settings: Settings) -> None:
    store = CosStore("bkt-125", "ap-guangzhou", replace(settings, endpoints={}))
    signed = store.sign_put_part("k", "U", 1, 4, 60)
    assert urlsplit(signed.url).netloc == "bkt-125.cos.ap-guangzhou.myqcloud.com"
    assert signed.headers == {}


def test_signatures_end_with_the_key_that_made_them(settings: Settings) -> None:
    key = FixedKey(AccessKey("id", "secret", "TOK", expires_at=settings.now() + 100))
    store = CosStore("bkt-125", "ap-guangzhou", settings, key)
    begin, end = map(int, parse_qs(urlsplit(store.share_url("k", 86_400)).query)["q-sign-time"][0].split(";"))
    assert end - begin == 160


def test_parts_outside_the_rules_are_not_signed(store: CosStore) -> None:
    for number, length in ((0, 5), (10_001, 5), (1, (5 << 30) + 1)):
        assert fails(lambda n=number, size=length: store.sign_put_part("k", "U", n, size, 60)).kind is Kind.INVALID  # type: ignore[misc]  # bound now


def test_what_an_answer_to_a_signed_request_means(store: CosStore) -> None:
    error = store.failure(403, {"X-Cos-Request-Id": "R"}, cos_error("AccessDenied", 403).body)
    assert (error.kind, error.code, error.request_id) == (Kind.DENIED, "AccessDenied", "COS-ERR")
    assert store.crc64_of({"X-Cos-Hash-Crc64ecma": "12"}) == 12
    assert store.crc64_of({}) is None


def test_the_key_of_the_hour_is_not_logged(store: CosStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store.share_url("k", 60)
    assert "sign_key" not in caplog.text


@pytest.mark.parametrize("key", ["", "/a", "\\a", "x" * 851, "中" * 284, "\ud800"])
def test_what_is_no_key(store: CosStore, key: str) -> None:
    assert fails(lambda: store.head(key)).kind is Kind.INVALID


def test_keys_stay_what_they_are_in_a_url() -> None:
    assert quoted_key("a/../b/./c..d/ü+%2F*") == "a/%2E%2E/b/%2E/c..d/%C3%BC%2B%252F%2A"


# ------------------------------------------------------------------------------------------ buckets and regions


def test_a_bucket_tells_where_it_is(settings: Settings, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        if "location" in asked.query:
            return xml("<LocationConstraint>ap-chengdu</LocationConstraint>")
        if "encryption" in asked.query:
            return cos_error("NoSuchEncryptionConfiguration", 404)
        return Reply(501)

    server.otherwise = answer
    store = CosStore("bkt-125", "", replace(settings, region="ap-nanjing"))
    info = store.bucket_info()
    assert (info.name, info.region, info.encrypted) == ("bkt-125", "ap-chengdu", False)
    assert server.asked[0].headers["host"] == "bkt-125.cos.ap-nanjing.myqcloud.com"
    assert server.asked[1].headers["host"] == "bkt-125.cos.ap-chengdu.myqcloud.com"
    asked_before = len(server.asked)
    store.sign_read("k", 0, 1, None, 60)
    assert len(server.asked) == asked_before


def test_a_refusal_may_tell_the_region(settings: Settings, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(301, b"", {"x-cos-bucket-region": "ap-beijing"})
    assert CosStore("bkt-125", "", settings).region == "ap-beijing"


def test_who_answers_without_a_region_is_in_the_one_that_was_asked(settings: Settings, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: xml("<ListBucketResult/>")
    assert CosStore("bkt-125", "", replace(settings, region="ap-nanjing")).region == "ap-nanjing"


def test_the_list_of_buckets_may_tell_the_region(settings: Settings, server: ScriptedServer) -> None:
    listed = "<Buckets><Bucket><Name>bkt-125</Name><Location>ap-beijing</Location></Bucket></Buckets>"

    def answer(asked: Asked) -> Reply:
        if asked.headers["host"] == "service.cos.myqcloud.com":
            return xml(f"<ListAllMyBucketsResult>{listed}</ListAllMyBucketsResult>")
        return cos_error("NoSuchBucket", 404)

    server.otherwise = answer
    assert CosStore("bkt-125", "", settings).region == "ap-beijing"
    assert fails(lambda: CosStore("other-125", "", settings).region).code == "NoSuchBucket"


def test_where_nothing_tells_the_region_it_is_asked_for(settings: Settings, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: cos_error("AccessDenied", 403)
    error = fails(lambda: CosStore("bkt-125", "", settings).region)
    assert error.kind is Kind.DENIED
    assert "--region" in error.hint
    server.otherwise = lambda asked: html(502)
    assert fails(lambda: CosStore("bkt-125", "", settings).region).kind is Kind.UNAVAILABLE


RULE = (
    "<R><Rule><ApplySideEncryptionConfiguration><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplySideEncryptionConfiguration></Rule></R>"
)


@pytest.mark.parametrize(
    ("reply", "expected"), [(xml(RULE), True), (cos_error("AccessDenied", 403), None), (html(200), None)]
)
def test_encryption_may_be_hidden(store: CosStore, server: ScriptedServer, reply: Reply, expected: bool | None) -> None:
    server.otherwise = lambda asked: reply if "encryption" in asked.query else xml("<LocationConstraint/>")
    assert store.bucket_info().encrypted is expected


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchBucket", 404, Kind.NOT_FOUND),
        ("AccessDenied", 403, Kind.DENIED),
        ("InternalError", 500, Kind.UNAVAILABLE),
    ],
)
def test_a_bucket_that_is_missing_or_closed(
    store: CosStore, server: ScriptedServer, code: str, status: int, kind: Kind
) -> None:
    server.otherwise = lambda asked: cos_error(code, status)
    assert fails(store.bucket_info).kind is kind


@pytest.mark.parametrize(
    ("endpoint", "base", "host"),
    [
        ("", "https://b-1.cos.ap-x.myqcloud.com", "b-1.cos.ap-x.myqcloud.com"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9", "b-1.cos.ap-x.myqcloud.com"),
        ("http://localhost:9", "http://localhost:9", "b-1.cos.ap-x.myqcloud.com"),
        ("http://[::1]:9", "http://[::1]:9", "b-1.cos.ap-x.myqcloud.com"),
        ("http://10.0.0.5:9", "http://10.0.0.5:9", "b-1.cos.ap-x.myqcloud.com"),
        ("http://sandbox:9", "http://sandbox:9", "b-1.cos.ap-x.myqcloud.com"),
        ("https://cos.example.com", "https://b-1.cos.example.com", "b-1.cos.example.com"),
        ("https://b-1.example.com", "https://b-1.example.com", "b-1.example.com"),
    ],
)
def test_addresses(settings: Settings, endpoint: str, base: str, host: str) -> None:
    found = bucket_address("b-1", "ap-x", replace(settings, endpoints={"COS": endpoint} if endpoint else {}))
    assert (found.base, found.host) == (base, host)
    public = bucket_address("b-1", "ap-x", replace(settings, endpoints={"COS": endpoint}), public=True)
    assert public.base == "https://b-1.cos.ap-x.myqcloud.com"


def test_the_service_itself(settings: Settings) -> None:
    assert service_address(settings).host == "service.cos.myqcloud.com"
    assert service_address(replace(settings, endpoints={})).base == "https://service.cos.myqcloud.com"
    assert service_address(replace(settings, endpoints={"COS": "https://cos.example.com"})).host == "cos.example.com"


def test_regions_of_hosts() -> None:
    assert region_of_host("b-1.cos.ap-beijing.myqcloud.com") == "ap-beijing"
    assert region_of_host("cos-internal.ap-beijing.tencentcos.cn") == "ap-beijing"
    assert region_of_host("b-1.cos.accelerate.myqcloud.com") == ""
    assert region_of_host("example.com") == ""


@pytest.mark.parametrize(
    "name", ["bucket", "bucket-", "-125", "Bucket-125", "b_c-125", "b.c-125", "b" * 60 + "-125", ""]
)
def test_buckets_need_their_appid(name: str) -> None:
    error = fails(lambda: cloud.check_bucket_name("cos", name))
    assert (error.kind, error.exit_code) == (Kind.USAGE, 2)
    assert "APPID" in error.hint


@pytest.mark.parametrize("name", ["bucket-125", "b-1-1250000000", "a-1"])
def test_buckets_with_theirs(name: str) -> None:
    cloud.check_bucket_name("cos", name)


def test_ecms_regions_hold_no_buckets(settings: Settings, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: xml("<LocationConstraint>ap-chengdu</LocationConstraint>")
    assert CosStore("bkt-125", "ap-hangzhou-ecm", settings).region == "ap-chengdu"


def test_the_signature_is_the_vendors(store: CosStore, server: ScriptedServer) -> None:
    """Computed again from the vendor's description (tencent.md 4.6), not with its SDK."""
    import hmac

    url = urlsplit(store.sign_put_part("a b/ü", "U+1", 3, 5, 60).url)
    fields = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    text = "put\n/a b/ü\npartnumber=3&uploadid=U%2B1\nhost=bkt-125.cos.ap-guangzhou.myqcloud.com\n"
    to_sign = f"sha1\n{fields['q-sign-time']}\n{hashlib.sha1(text.encode()).hexdigest()}\n"
    key = hmac.new(b"very-secret-indeed", fields["q-key-time"].encode(), hashlib.sha1).hexdigest()
    assert fields["q-signature"] == hmac.new(key.encode(), to_sign.encode(), hashlib.sha1).hexdigest()
