"""OSS against answers written by hand from the vendor's documents: real HTTP, no SDK transport."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
import urllib3

from imgmove.clouds.alibaba.store import OssStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import PartInfo
from imgmove.core.settings import Settings
from tests.clouds.alibaba.scripted import Asked, Reply, ScriptedServer, oss_error, xml


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def test_requests_are_signed_with_version_4_and_carry_no_secret(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"", {"ETag": '"E1"', "x-oss-hash-crc64ecma": "7"})
    info = store.put("a b/ü+.raw", b"hello")
    asked = server.asked[0]
    assert asked.path == "/bkt/a b/ü+.raw"
    assert asked.headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=AKID-0001/")
    assert "/cn-hangzhou/oss/aliyun_v4_request" in asked.headers["authorization"]
    assert asked.headers["x-oss-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert asked.headers["content-md5"] == "XUFAKrxLKna5cZ2REBfFkg=="
    assert "very-secret-indeed" not in str(server.asked)
    assert (info.size_bytes, info.etag, info.crc64) == (5, "E1", 7)


def test_security_tokens_travel(settings: Settings, server: ScriptedServer) -> None:
    environment = {**settings.environment, "ALIBABA_CLOUD_SECURITY_TOKEN": "TOK"}
    store = OssStore("bkt", "cn-hangzhou", replace(settings, environment=environment))
    server.otherwise = lambda asked: Reply(404)
    store.head("k")
    assert server.asked[0].headers["x-oss-security-token"] == "TOK"
    assert "x-oss-security-token=TOK" in store.share_url("k", 60)


def test_head(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(
        200, b"", {
            "Content-Length": "123", "ETag": '"ABC"', "Last-Modified": "Fri, 24 Feb 2012 06:07:48 GMT",
            "x-oss-hash-crc64ecma": "18446744073709551615", "x-oss-storage-class": "IA",
        },
    )  # fmt: skip
    info = store.head("k")
    assert info is not None
    assert (info.size_bytes, info.etag, info.last_modified) == (123, "ABC", 1330063668.0)
    assert (info.crc64, info.storage_class) == (18446744073709551615, "IA")


def test_a_bare_404_is_asked_about_once(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(404) if asked.method == "HEAD" else oss_error("NoSuchBucket", 404)
    assert fails(lambda: store.head("k")).code == "NoSuchBucket"
    server.otherwise = lambda asked: Reply(404) if asked.method == "HEAD" else oss_error("AccessDenied", 403)
    server.asked.clear()
    assert store.head("k") is None
    assert store.head("k") is None
    assert server.asked[0].method == "HEAD"
    assert [asked.method for asked in server.asked].count("HEAD") == 2
    assert server.asked[-1].method == "HEAD"


def test_head_of_nothing_is_none_but_of_no_bucket_an_error(store: OssStore, server: ScriptedServer) -> None:
    key = base64.b64encode(b"<Error><Code>NoSuchKey</Code></Error>").decode()
    server.otherwise = lambda asked: Reply(404, b"", {"x-oss-err": key})
    assert store.head("k") is None
    body = base64.b64encode(b"<Error><Code>NoSuchBucket</Code><RequestId>R</RequestId></Error>").decode()
    server.otherwise = lambda asked: Reply(404, b"", {"x-oss-err": body})
    error = fails(lambda: store.head("k"))
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")
    server.otherwise = lambda asked: Reply(403)
    assert fails(lambda: store.head("k")).kind is Kind.DENIED


PAGE = """<ListBucketResult xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com"><Name>bkt</Name>
<EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{more}{contents}</ListBucketResult>"""
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;E&quot;</ETag><Size>5</Size></Contents>"
)


def test_lists_of_version_2_are_read_to_their_end(store: OssStore, server: ScriptedServer) -> None:
    def page(asked: Asked) -> Reply:
        if asked.query.get("continuation-token") != "T+1":
            more = "<NextContinuationToken>T+1</NextContinuationToken>"
            return xml(PAGE.format(truncated="true", more=more, contents=ENTRY.format(key="p/%E4%B8%AD%20a")))
        return xml(PAGE.format(truncated="false", more="", contents=ENTRY.format(key="p/b")))

    server.otherwise = page
    found = list(store.list("p/"))
    assert [info.key for info in found] == ["p/中 a", "p/b"]
    assert (found[0].etag, found[0].size_bytes, found[0].last_modified) == ("E", 5, 1767323045.0)
    assert server.asked[0].query["prefix"] == "p/"


def test_lists_of_version_1_are_read_to_their_end(store: OssStore, server: ScriptedServer) -> None:
    def page(asked: Asked) -> Reply:
        if "marker" not in asked.query:
            return xml(PAGE.format(truncated="true", more="", contents=ENTRY.format(key="a%2Fb")))
        assert asked.query["marker"] == "a/b"
        return xml(PAGE.format(truncated="false", more="", contents=ENTRY.format(key="c")))

    server.otherwise = page
    assert [info.key for info in store.list("")] == ["a/b", "c"]


def test_a_list_that_repeats_its_page_ends_in_an_error(store: OssStore, server: ScriptedServer) -> None:
    more = "<NextContinuationToken>same</NextContinuationToken>"
    server.otherwise = lambda asked: xml(PAGE.format(truncated="true", more=more, contents=""))
    assert fails(lambda: list(store.list(""))).kind is Kind.UNAVAILABLE


def test_entities_are_not_expanded(store: OssStore, server: ScriptedServer) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>'
    server.otherwise = lambda asked: Reply(200, bomb.encode())
    assert fails(lambda: list(store.list(""))).code == "NotTheService"


def test_ranges_are_strict_pinned_and_checked(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(206, b"cde", {"Content-Range": "bytes 2-4/9"})
    assert store.read("k", 2, 3, "E1") == b"cde"
    headers = server.asked[0].headers
    assert (headers["range"], headers["if-match"], headers["x-oss-range-behavior"]) == ("bytes=2-4", '"E1"', "standard")


def test_an_answer_with_the_whole_object_is_no_range(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200, b"abcdefghi")
    assert fails(lambda: store.read("k", 2, 3)).kind is Kind.UNAVAILABLE
    server.otherwise = lambda asked: Reply(206, b"abc", {"Content-Range": "bytes 0-2/9"})
    assert fails(lambda: store.read("k", 2, 3)).kind is Kind.UNAVAILABLE
    server.otherwise = lambda asked: Reply(200, b"abc")
    assert store.read("k", 0, 3) == b"abc"


def test_a_range_behind_the_end_is_empty_and_a_changed_object_a_conflict(
    store: OssStore, server: ScriptedServer
) -> None:
    server.otherwise = lambda asked: oss_error("InvalidRange", 416)
    assert store.read("k", 100, 3) == b""
    server.otherwise = lambda asked: oss_error("PreconditionFailed", 412)
    error = fails(lambda: store.read("k", 0, 3, "old"))
    assert (error.kind, error.code) == (Kind.CONFLICT, "PreconditionFailed")


def test_a_body_that_is_cut_is_unavailable(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(206, b"ab", {"Content-Range": "bytes 0-9/10"}, length=10)
    assert fails(lambda: store.read("k", 0, 10)).kind is Kind.UNAVAILABLE


def test_multipart(store: OssStore, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        if "uploads" in asked.query and asked.method == "POST":
            return xml("<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>")
        if asked.method == "GET" and "uploadId" in asked.query:
            last = "part-number-marker" in asked.query
            number = 2 if last else 1
            return xml(
                f"<ListPartsResult><IsTruncated>{str(not last).lower()}</IsTruncated>"
                f"<NextPartNumberMarker>{number}</NextPartNumberMarker><Part><PartNumber>{number}</PartNumber>"
                '<ETag>"P"</ETag><Size>100</Size></Part></ListPartsResult>'
            )
        if asked.method == "POST":
            etag = '<CompleteMultipartUploadResult><ETag>"WHOLE-2"</ETag></CompleteMultipartUploadResult>'
            return xml(etag, headers={"x-oss-hash-crc64ecma": "42"})
        return Reply(204)

    server.otherwise = answer
    assert store.begin("k") == "U1"
    parts = list(store.parts("k", "U1"))
    assert parts == [PartInfo(1, 100, "P"), PartInfo(2, 100, "P")]
    info = store.finish("k", "U1", [parts[1], parts[0]])
    assert (info.size_bytes, info.etag, info.crc64) == (200, "WHOLE-2", 42)
    sent = server.asked[-1].body.decode()
    assert sent.index("<PartNumber>1<") < sent.index("<PartNumber>2<")
    assert '<ETag>"P"</ETag>' in sent
    store.abort("k", "U1")
    store.delete("k")
    assert [asked.method for asked in server.asked] == ["POST", "GET", "GET", "POST", "DELETE", "DELETE"]


def test_unfinished_uploads_are_read_to_their_end(store: OssStore, server: ScriptedServer) -> None:
    def page(asked: Asked) -> Reply:
        last = "key-marker" in asked.query
        name = "b" if last else "a%20"
        return xml(
            f"<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>{str(not last).lower()}"
            f"</IsTruncated><NextKeyMarker>{name}</NextKeyMarker><NextUploadIdMarker>U</NextUploadIdMarker>"
            f"<Upload><Key>{name}</Key><UploadId>U</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"
            "</ListMultipartUploadsResult>"
        )

    server.otherwise = page
    assert [upload.key for upload in store.uploads("")] == ["a ", "b"]
    assert server.asked[1].query["key-marker"] == "a "


def test_what_is_absent_is_removed_already(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: oss_error("NoSuchUpload" if asked.query else "NoSuchKey", 404)
    store.abort("k", "U")
    store.delete("k")
    server.otherwise = lambda asked: oss_error("NoSuchBucket", 404)
    assert fails(lambda: store.delete("k")).code == "NoSuchBucket"


def test_completing_an_unknown_upload_is_not_found(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: oss_error("NoSuchUpload", 404)
    error = fails(lambda: store.finish("k", "U", [PartInfo(1, 1, "E")]))
    assert (error.kind, error.code, error.maybe_applied) == (Kind.NOT_FOUND, "NoSuchUpload", False)


def test_doubt_after_a_lost_answer(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(hang_up=True)
    assert fails(lambda: store.finish("k", "U", [PartInfo(1, 1, "E")])).maybe_applied
    server.otherwise = lambda asked: oss_error("InternalError", 500)
    assert fails(lambda: store.finish("k", "U", [PartInfo(1, 1, "E")])).maybe_applied
    assert not fails(lambda: list(store.list(""))).maybe_applied


@pytest.mark.parametrize("key", ["", ".", "..", "/a", "\\a", "x" * 1024, "\ud800"])
def test_keys_that_a_url_would_not_keep_are_refused(store: OssStore, server: ScriptedServer, key: str) -> None:
    for call in (lambda: store.delete(key), lambda: store.head(key), lambda: store.begin(key)):
        assert fails(call).kind is Kind.INVALID
    assert server.asked == []


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (oss_error("AccessDenied", 403), Kind.DENIED, "AccessDenied"),
        (oss_error("InvalidAccessKeyId", 403), Kind.DENIED, "InvalidAccessKeyId"),
        (oss_error("NoSuchKey", 404), Kind.NOT_FOUND, "NoSuchKey"),
        (oss_error("UploadTrafficRateLimitExceeded", 503), Kind.THROTTLED, "UploadTrafficRateLimitExceeded"),
        (oss_error("SomethingNew", 503), Kind.UNAVAILABLE, "SomethingNew"),
        (oss_error("PublicEndpointForbidden", 400), Kind.DENIED, "PublicEndpointForbidden"),
        (oss_error("InvalidObjectState", 403), Kind.CONFLICT, "InvalidObjectState"),
        (Reply(502, b"<html><body>Bad Gateway</body></html>"), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(302, b"", {"Location": "http://elsewhere.example/"}), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(200, b""), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(200, b"{}"), Kind.UNAVAILABLE, "NotTheService"),
        (Reply(hang_up=True), Kind.UNAVAILABLE, "NoAnswer"),
    ],
)
def test_refusals_and_strange_answers(
    store: OssStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str
) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: list(store.list("")))
    assert (error.kind, error.code) == (kind, code)
    assert error.hint
    assert "very-secret-indeed" not in str(error) + error.hint


def test_old_signatures_and_overdue_accounts_are_told_by_their_extended_code(
    store: OssStore, server: ScriptedServer
) -> None:
    server.otherwise = lambda asked: oss_error("AccessDenied", 403, "<EC>0002-00000080</EC>")
    assert "version 4" in fails(lambda: list(store.list(""))).hint


ELSEWHERE = "<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>"


def test_a_bucket_of_another_region_is_told_from_a_missing_right(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: oss_error("AccessDenied", 403, ELSEWHERE)
    error = fails(lambda: list(store.list("")))
    assert error.kind is Kind.INVALID
    assert "cn-beijing" in error.message
    assert "cn-hangzhou" in error.message


def info_xml(region: str, rule: str = "") -> Reply:
    return xml(
        f"<BucketInfo><Bucket><Name>bkt</Name><Location>oss-{region}</Location><StorageClass>Standard</StorageClass>"
        f"{rule}</Bucket></BucketInfo>"
    )


def test_bucket_info(store: OssStore, server: ScriptedServer) -> None:
    rule = "<ServerSideEncryptionRule><SSEAlgorithm>KMS</SSEAlgorithm></ServerSideEncryptionRule>"
    server.otherwise = lambda asked: info_xml("cn-beijing", rule)
    info = store.bucket_info()
    assert (info.region, info.encrypted, info.storage_class) == ("cn-beijing", True, "Standard")
    server.otherwise = lambda asked: info_xml("cn-beijing")
    assert store.bucket_info().encrypted is None
    server.otherwise = lambda asked: info_xml("cn-beijing", rule.replace("KMS", "None"))
    assert store.bucket_info().encrypted is False


def test_bucket_info_follows_to_the_right_region(store: OssStore, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        here = "/cn-beijing/" in asked.headers["authorization"]
        return info_xml("cn-beijing") if here else oss_error("AccessDenied", 403, ELSEWHERE)

    server.otherwise = answer
    assert store.bucket_info().region == "cn-beijing"


def test_bucket_info_without_the_right_to_read_it_still_has_the_region(store: OssStore, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        if "bucketInfo" in asked.query:
            return oss_error("AccessDenied", 403)
        return xml("<LocationConstraint>oss-cn-hangzhou</LocationConstraint>")

    server.otherwise = answer
    info = store.bucket_info()
    assert (info.region, info.encrypted) == ("cn-hangzhou", None)


def test_an_unknown_region_is_asked_of_the_store_once(settings: Settings, server: ScriptedServer) -> None:
    def answer(asked: Asked) -> Reply:
        if "location" in asked.query:
            return xml("<LocationConstraint>oss-eu-west-1</LocationConstraint>")
        return Reply(404)

    server.otherwise = answer
    store = OssStore("bkt", "", settings)
    assert store.head("a") is None
    assert store.head("b") is None
    assert [("location" in asked.query) for asked in server.asked].count(True) == 1
    assert "/eu-west-1/" in server.asked[-1].headers["authorization"]


def test_the_region_may_be_in_a_refusal_or_in_the_list_of_buckets(settings: Settings, server: ScriptedServer) -> None:
    def named(asked: Asked) -> Reply:
        return oss_error("AccessDenied", 403, ELSEWHERE) if "location" in asked.query else Reply(404)

    server.otherwise = named
    OssStore("bkt", "", settings).head("a")
    assert "/cn-beijing/" in server.asked[-1].headers["authorization"]

    def listed(asked: Asked) -> Reply:
        if "location" in asked.query:
            return oss_error("SignatureDoesNotMatch", 403)
        if asked.path == "/":
            bucket = "<Bucket><Name>bkt</Name><Location>oss-us-east-1</Location></Bucket>"
            return xml(f"<ListAllMyBucketsResult><Buckets>{bucket}</Buckets></ListAllMyBucketsResult>")
        return Reply(404)

    server.otherwise = listed
    OssStore("bkt", "", settings).head("a")
    assert "/us-east-1/" in server.asked[-1].headers["authorization"]


def test_no_such_bucket_and_no_right_to_ask(settings: Settings, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: oss_error("NoSuchBucket", 404)
    error = fails(lambda: OssStore("bkt", "", settings).head("a"))
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")
    server.otherwise = lambda asked: oss_error("AccessDenied", 403)
    assert fails(lambda: OssStore("bkt", "", settings).head("a")).kind is Kind.DENIED


def test_signed_requests_work_from_plain_urllib3(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(206, b"cde", {"Content-Range": "bytes 2-4/9"})
    read = store.sign_read("dir/k+ü", 2, 3, "E1", 60.9)
    http = urllib3.PoolManager()
    answer = http.request(read.method, read.url, headers=read.headers)
    assert answer.data == b"cde"
    asked = server.asked[0]
    assert asked.path == "/bkt/dir/k+ü"
    assert asked.query["x-oss-signature-version"] == "OSS4-HMAC-SHA256"
    assert asked.query["x-oss-expires"] == "60"
    assert (asked.headers["range"], asked.headers["if-match"]) == ("bytes=2-4", '"E1"')
    assert asked.headers["x-oss-range-behavior"] == "standard"
    write = store.sign_put_part("k", "U/1", 7, 3, 10**9)
    http.request(write.method, write.url, headers=write.headers, body=b"abc")
    asked = server.asked[1]
    assert (asked.method, asked.query["partNumber"], asked.query["uploadId"], asked.body) == ("PUT", "7", "U/1", b"abc")
    assert asked.query["x-oss-expires"] == "604800"
    assert "very-secret-indeed" not in read.url + write.url


def test_part_numbers_and_sizes_are_checked_before_anything_is_sent(store: OssStore) -> None:
    assert fails(lambda: store.sign_put_part("k", "U", 10_001, 1, 60)).kind is Kind.INVALID
    assert fails(lambda: store.sign_put_part("k", "U", 1, (5 << 30) + 1, 60)).kind is Kind.INVALID


def test_failures_of_signed_requests_are_read(store: OssStore) -> None:
    body = b"<Error><Code>DownloadTrafficRateLimitExceeded</Code><Message>slow</Message></Error>"
    error = store.failure(503, {"X-Oss-Qos-Delay-Time": "500"}, body)
    assert (error.kind, error.retry_after_seconds) == (Kind.THROTTLED, 0.5)
    assert store.failure(502, {}, b"<html>").kind is Kind.UNAVAILABLE
    assert store.crc64_of({"X-Oss-Hash-Crc64ecma": "12"}) == 12
    assert store.crc64_of({}) is None
