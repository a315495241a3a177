"""What is COS's own: addresses, buckets, ACLs, headers, error shapes."""

from __future__ import annotations

import re

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from imgmove.sandbox import Sandbox
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore, RefusedError
from tests.sandbox.stores.signing import cos_authorization, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import APP_ID, COS_BUCKET, OTHER_APP_ID, TENCENT, Credentials


def _send(
    sandbox: Sandbox,
    method: str,
    path: str,
    params: dict[str, str] | None = None,
    body: bytes | None = None,
    host: str = f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com",
    who: Credentials = TENCENT,
    headers: dict[str, str] | None = None,
) -> Answer:
    authorization = cos_authorization(who, method, path, params or {}, {"Host": host})
    sent = {"Host": host, "Authorization": authorization, **(headers or {})}
    return send(sandbox.endpoint("cos"), method, target(path, params or {}), sent, body)


def _client(sandbox: Sandbox, who: Credentials, bucket: str = COS_BUCKET) -> CosStore:
    return CosStore(sandbox.endpoint("cos"), who, bucket)


# Addresses


def test_the_wrong_region_is_redirected_without_a_location(sandbox: Sandbox) -> None:
    answer = _send(sandbox, "GET", "/", host=f"{COS_BUCKET}.cos.ap-shanghai.myqcloud.com")
    assert (answer.status, answer.code) == (301, "PermanentRedirect")
    assert answer.headers["x-cos-bucket-region"] == "ap-guangzhou"
    assert "location" not in answer.headers, "a client that follows would leave the machine"
    client = CosStore(sandbox.endpoint("cos"), TENCENT, COS_BUCKET, region="ap-shanghai")
    assert "ETag" not in client.sdk.head_object(COS_BUCKET, "x"), "the SDK takes it for success (tencent.md 4.7)"


def test_the_acceleration_endpoint_has_to_be_switched_on(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    cos.put("fast", b"x")
    host = f"{COS_BUCKET}.cos.accelerate.myqcloud.com"
    answer = _send(sandbox, "GET", "/fast", host=host)
    assert (answer.status, answer.code) == (400, "BucketAccelerateNotEnabled")
    bucket = sandbox.world.objects.bucket("tencent", COS_BUCKET)
    assert bucket is not None
    bucket.accelerated = True
    try:
        assert _send(sandbox, "GET", "/fast", host=host).status == 200
    finally:
        bucket.accelerated = False


@pytest.mark.parametrize("form", ["Endpoint", "Domain"])
def test_other_ways_to_point_the_sdk_here(sandbox: Sandbox, cos: CosStore, key: str, form: str) -> None:
    cos.put(key, b"x")
    port = int(sandbox.endpoint("cos").rpartition(":")[2])
    where = (
        {"Endpoint": f"localhost:{port}", "IP": "127.0.0.1", "Port": port}
        if form == "Endpoint"
        else {"Domain": f"127.0.0.1:{port}/{COS_BUCKET}"}
    )
    config = CosConfig(Region="ap-guangzhou", SecretId=TENCENT.key_id, SecretKey=TENCENT.secret, Scheme="http", **where)
    session = requests.Session()
    session.trust_env = False
    client = CosS3Client(config, retry=0, session=session)
    assert client.head_object(COS_BUCKET, key)["Content-Length"] == "1"


# The service and buckets


def test_listing_buckets(sandbox: Sandbox, cos: CosStore) -> None:
    found = cos.sdk.list_buckets()
    assert found["Owner"]["DisplayName"] == worlds.UIN
    listed = {each["Name"]: each["Location"] for each in found["Buckets"]["Bucket"]}
    assert listed[COS_BUCKET] == "ap-guangzhou"
    assert worlds.OTHER_COS_BUCKET not in listed
    elsewhere = _send(sandbox, "GET", "/", host="cos.ap-shanghai.myqcloud.com")
    assert (elsewhere.status, elsewhere.field("Buckets")) == (200, "")
    assert COS_BUCKET in _send(sandbox, "GET", "/", host="service.cos.myqcloud.com").body.decode()


def test_the_life_of_a_bucket(sandbox: Sandbox) -> None:
    name = f"made-{APP_ID}"
    client = CosStore(sandbox.endpoint("cos"), TENCENT, name, region="ap-shanghai")
    client.sdk.create_bucket(name)
    assert client.sdk.head_bucket(name)["x-cos-bucket-region"] == "ap-shanghai"
    assert client.sdk.get_bucket_location(name)["LocationConstraint"] == "ap-shanghai"
    again = _send(sandbox, "PUT", "/", host=f"{name}.cos.ap-shanghai.myqcloud.com")
    assert (again.status, again.code) == (409, "BucketAlreadyOwnedByYou")
    client.put("x", b"x")
    not_empty = _send(sandbox, "DELETE", "/", host=f"{name}.cos.ap-shanghai.myqcloud.com")
    assert (not_empty.status, not_empty.code) == (409, "BucketNotEmpty")
    client.delete("x")
    upload_id = client.begin("y")
    assert _send(sandbox, "DELETE", "/", host=f"{name}.cos.ap-shanghai.myqcloud.com").code == "BucketNotEmpty"
    client.abort("y", upload_id)
    client.sdk.delete_bucket(name)
    assert _send(sandbox, "HEAD", "/", host=f"{name}.cos.ap-shanghai.myqcloud.com").status == 404


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("noappid", 400, "InvalidBucketName"),
        (f"Upper-{APP_ID}", 400, "InvalidBucketName"),
        (f"{'x' * 60}-{APP_ID}", 400, "InvalidBucketName"),
        (f"mine-{OTHER_APP_ID}", 403, "AccessDenied"),
    ],
)
def test_names_of_new_buckets(sandbox: Sandbox, name: str, status: int, code: str) -> None:
    answer = _send(sandbox, "PUT", f"/{name}", host="127.0.0.1")
    assert (answer.status, answer.code) == (status, code)


def test_settings_that_nobody_made(sandbox: Sandbox) -> None:
    for parameter, code in (
        ("policy", "NoSuchBucketPolicy"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("cors", "NoSuchCORSConfiguration"),
        ("tagging", "NoSuchTagSet"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("encryption", "NoSuchEncryptionConfiguration"),
    ):
        answer = _send(sandbox, "GET", "/", {parameter: ""})
        assert (answer.status, answer.code) == (404, code)
    versioning = _send(sandbox, "GET", "/", {"versioning": ""})
    assert (versioning.status, b"<VersioningConfiguration/>" in versioning.body) == (200, True)


def test_what_the_sandbox_lacks_is_said(sandbox: Sandbox) -> None:
    for method, path, parameter in (("PUT", "/", "website"), ("GET", "/", "inventory"), ("POST", "/x", "append")):
        answer = _send(sandbox, method, path, {parameter: ""}, b"<x/>" if method != "GET" else None)
        assert (answer.status, answer.code) == (501, "NotImplemented"), parameter
    assert _send(sandbox, "PATCH", "/x").code == "MethodNotAllowed"
    assert _send(sandbox, "PUT", "/x", {"uploadId": "1"}, b"").code == "InvalidArgument"
    assert _send(sandbox, "PUT", "/x", body=b"x", headers={"x-cos-tagging": "a=b"}).code == "NotImplemented"


def test_an_unknown_setting_is_not_the_bucket_itself(sandbox: Sandbox) -> None:
    host = f"settings-{APP_ID}.cos.ap-guangzhou.myqcloud.com"
    assert _send(sandbox, "PUT", "/", host=host).status == 200
    for parameter in ("domaincertificate", "intelligent-tiering", "made-up-tomorrow"):
        for method in ("PUT", "DELETE", "GET"):
            assert _send(sandbox, method, "/", {parameter: ""}, host=host).code == "NotImplemented", parameter
    assert _send(sandbox, "PUT", "/x", {"symlink": ""}, b"x", host=host).code == "NotImplemented"
    assert _send(sandbox, "GET", "/", {"prefix": "", "delimiter": "", "unknown": "1"}, host=host).status == 200
    assert _send(sandbox, "DELETE", "/", host=host).status == 204, "it was there all the time"


def test_bucket_encryption(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    rule = {"Rule": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    cos.sdk.put_bucket_encryption(COS_BUCKET, rule)
    try:
        bucket = sandbox.world.objects.bucket("tencent", COS_BUCKET)
        assert bucket is not None
        assert bucket.encryption == "AES256"
        cos.put(key, b"x")
        assert cos.head(key)["x-cos-server-side-encryption"] == "AES256"
    finally:
        cos.sdk.delete_bucket_encryption(COS_BUCKET)
    cos.put(key, b"x")
    assert "x-cos-server-side-encryption" not in cos.head(key)


# Access


def test_bucket_acls(sandbox: Sandbox) -> None:
    name = f"shared-{APP_ID}"
    owner, stranger = _client(sandbox, TENCENT, name), _client(sandbox, worlds.OTHER_TENCENT, name)
    owner.sdk.create_bucket(name)
    owner.put("x", b"x")
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        stranger.listing()
    owner.sdk.put_bucket_acl(name, ACL="public-read")
    assert stranger.listing().names == ["x"]
    assert stranger.get("x").body == b"x"
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        stranger.put("y", b"y")
    owner.put("hidden", b"h", {"x-cos-acl": "private"})
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        stranger.get("hidden")
    owner.sdk.put_bucket_acl(name, ACL="public-read-write")
    stranger.put("y", b"y")
    assert owner.get("y").body == b"y"
    acl = owner.sdk.get_bucket_acl(name)
    assert {each["Permission"] for each in acl["AccessControlList"]["Grant"]} == {"FULL_CONTROL", "READ", "WRITE"}


def test_grants_to_one_account(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    cos.put(key, b"x")
    stranger = _client(sandbox, worlds.OTHER_TENCENT)
    cos.sdk.put_object_acl(COS_BUCKET, key, GrantRead=f'id="{worlds.OTHER_UIN}"')
    assert stranger.get(key).body == b"x"
    granted = cos.sdk.get_object_acl(COS_BUCKET, key)["AccessControlList"]["Grant"]
    shown = {(each["Permission"], each["Grantee"]["ID"].rpartition("/")[2]) for each in granted}
    assert shown == {("FULL_CONTROL", worlds.UIN), ("READ", worlds.OTHER_UIN)}
    policy = {
        "Owner": {"ID": f"qcs::cam::uin/{worlds.UIN}:uin/{worlds.UIN}"},
        "AccessControlList": {
            "Grant": [
                {
                    "Grantee": {
                        "Type": "CanonicalUser",
                        "ID": f"qcs::cam::uin/{worlds.UIN}:uin/{worlds.UIN}",
                        "DisplayName": worlds.UIN,
                    },
                    "Permission": "FULL_CONTROL",
                }
            ]
        },
    }
    cos.sdk.put_object_acl(COS_BUCKET, key, AccessControlPolicy=policy)
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        stranger.get(key)


def test_a_copy_needs_the_right_to_read_its_source(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    cos.put(key, b"x")
    stranger = _client(sandbox, worlds.OTHER_TENCENT, worlds.OTHER_COS_BUCKET)
    source = {"Bucket": COS_BUCKET, "Key": key, "Region": "ap-guangzhou"}
    with pytest.raises(CosServiceError, match="AccessDenied"):
        stranger.sdk.copy_object(worlds.OTHER_COS_BUCKET, "stolen", source)
    cos.sdk.put_object_acl(COS_BUCKET, key, ACL="public-read")
    stranger.sdk.copy_object(worlds.OTHER_COS_BUCKET, "given", source)
    assert stranger.get("given").body == b"x"


# Objects


def test_copies_keep_or_replace_properties(cos: CosStore, key: str) -> None:
    cos.put(key, b"x", {"Content-Type": "a/b", "x-cos-meta-m": "1"})
    source = {"Bucket": COS_BUCKET, "Key": key, "Region": "ap-guangzhou"}
    cos.sdk.copy_object(COS_BUCKET, f"{key}-kept", source)
    assert (cos.head(f"{key}-kept")["content-type"], cos.head(f"{key}-kept")["x-cos-meta-m"]) == ("a/b", "1")
    cos.sdk.copy_object(COS_BUCKET, f"{key}-new", source, CopyStatus="Replaced", ContentType="c/d")
    assert cos.head(f"{key}-new")["content-type"] == "c/d"
    assert "x-cos-meta-m" not in cos.head(f"{key}-new")


def test_a_copy_with_preconditions(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    etag = cos.put("source", b"x").etag
    source = f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com/source"
    right = {"x-cos-copy-source": source, "x-cos-copy-source-If-Match": f'"{etag}"'}
    copied = _send(sandbox, "PUT", "/copy", body=b"", headers=right)
    assert (copied.status, copied.field("CRC64")) == (200, copied.headers["x-cos-hash-crc64ecma"])
    wrong = {"x-cos-copy-source": source, "x-cos-copy-source-If-Match": '"other"'}
    assert _send(sandbox, "PUT", "/copy", body=b"", headers=wrong).code == "PreconditionFailed"


@pytest.mark.parametrize(
    "source",
    [
        f"{COS_BUCKET}.localhost:1/source",
        f"127.0.0.1:1/{COS_BUCKET}/source",
        f"/{COS_BUCKET}/source",
        f"{COS_BUCKET}.127.0.0.1:1/source",
    ],
)
def test_copy_sources_at_loopback(sandbox: Sandbox, cos: CosStore, source: str) -> None:
    cos.put("source", b"x")
    assert _send(sandbox, "PUT", "/copy", body=b"", headers={"x-cos-copy-source": source}).status == 200


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "InvalidCopySource"),
        (f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com/", "InvalidCopySource"),
        (f"{COS_BUCKET}.cos.ap-shanghai.myqcloud.com/source", "NoSuchBucket"),
        (f"nowhere-{APP_ID}.cos.ap-guangzhou.myqcloud.com/source", "NoSuchBucket"),
        (f"{COS_BUCKET}.cos.ap-guangzhou.myqcloud.com/never", "NoSuchKey"),
    ],
)
def test_wrong_copy_sources(sandbox: Sandbox, source: str, code: str) -> None:
    assert _send(sandbox, "PUT", "/copy", body=b"", headers={"x-cos-copy-source": source}).code == code


def test_a_part_copy_range_has_to_fit(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    cos.put(key, b"0123456789")
    upload_id = cos.begin(f"{key}-2")
    for first, last, code in ((5, 10, "InvalidRange"), (7, 3, "InvalidArgument")):
        with pytest.raises(RefusedError, match=code):
            cos.copy_part(key, first, last, f"{key}-2", upload_id, 1)


def test_ranges_outside(cos: CosStore, key: str) -> None:
    cos.put(key, b"123456789")
    for asked in ("bytes=9-", "bytes=9-20", "bytes=-0"):
        with pytest.raises(RefusedError, match=r"^416 InvalidRange"):
            cos.get(key, {"Range": asked})
    assert cos.get(key, {"Range": "bytes=5-100"}).body == b"6789"
    assert cos.get(key, {"Range": "bytes=-100"}).headers["content-range"] == "bytes 0-8/9"
    for ignored in ("bytes=5-2", "lines=1-2", "bytes=0-1,3-4"):
        assert cos.get(key, {"Range": ignored}).status == 200


def test_overwriting_can_be_forbidden(sandbox: Sandbox, cos: CosStore) -> None:
    cos.put("taken", b"first")
    answer = _send(sandbox, "PUT", "/taken", body=b"second", headers={"x-cos-forbid-overwrite": "true"})
    assert (answer.status, answer.code) == (409, "FileAlreadyExists")
    assert cos.get("taken").body == b"first"
    assert _send(sandbox, "PUT", "/free-key", body=b"first", headers={"x-cos-forbid-overwrite": "true"}).status == 200


def test_headers_that_are_checked(sandbox: Sandbox) -> None:
    assert _send(sandbox, "PUT", "/x", body=b"x", headers={"x-cos-traffic-limit": "819200"}).status == 200
    for name, value, code in (
        ("x-cos-traffic-limit", "1", "InvalidArgument"),
        ("x-cos-traffic-limit", "fast", "InvalidArgument"),
        ("x-cos-storage-class", "GOLD", "NotSupportedStorageClass"),
        ("x-cos-acl", "everybody", "InvalidArgument"),
        ("x-cos-content-sha1", "0" * 40, "InvalidSHA1Digest"),
        ("x-cos-server-side-encryption", "ROT13", "SSEContentNotSupported"),
        ("x-cos-grant-read", "all", "InvalidArgument"),
    ):
        answer = _send(sandbox, "PUT", "/x", body=b"x", headers={name: value})
        assert (answer.status, answer.code) == (400, code), name
    assert _send(sandbox, "PUT", "/" + "k" * 850, body=b"x").status == 200
    assert _send(sandbox, "PUT", "/" + "k" * 851, body=b"x").code == "KeyTooLong"


def test_list_parameters_are_checked(sandbox: Sandbox) -> None:
    for params in ({"max-keys": "0"}, {"max-keys": "-1"}, {"max-keys": "many"}, {"encoding-type": "base64"}):
        assert _send(sandbox, "GET", "/", params).code == "InvalidArgument", params
    assert "<MaxKeys>1000</MaxKeys>" in _send(sandbox, "GET", "/", {"max-keys": "5000"}).body.decode()


def test_keys_in_listings_are_encoded_on_request(sandbox: Sandbox, cos: CosStore) -> None:
    cos.put("enc/ü <&>\x07", b"x")
    encoded = _send(sandbox, "GET", "/", {"prefix": "enc/", "encoding-type": "url"})
    assert encoded.field("Key") == "enc%2F%C3%BC%20%3C%26%3E%07"
    cos.put("plain/ü <&>", b"x")
    plain = _send(sandbox, "GET", "/", {"prefix": "plain/"})
    assert plain.field("Key") == "plain/ü &lt;&amp;&gt;"


def test_every_object_has_one_version(cos: CosStore, key: str) -> None:
    for name in ("1", "2", "3"):
        cos.put(f"{key}/{name}", b"x")
    first = cos.sdk.list_objects_versions(COS_BUCKET, Prefix=f"{key}/", MaxKeys=2)
    rest = cos.sdk.list_objects_versions(COS_BUCKET, Prefix=f"{key}/", KeyMarker=first["NextKeyMarker"])
    found = [
        (each["Key"].rpartition("/")[2], each["VersionId"], each["IsLatest"])
        for page in (first, rest)
        for each in page["Version"]
    ]
    assert found == [(name, "null", "true") for name in ("1", "2", "3")]
    assert cos.sdk.head_object(COS_BUCKET, f"{key}/1", VersionId="null")
    with pytest.raises(CosServiceError, match="NoSuchVersion"):
        cos.sdk.get_object(COS_BUCKET, f"{key}/1", VersionId="other")


def test_a_head_error_has_no_body(sandbox: Sandbox) -> None:
    answer = _send(sandbox, "HEAD", "/never")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (404, b"", "0")
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", answer.headers["x-cos-request-id"])


def test_documents_that_are_none(sandbox: Sandbox, cos: CosStore) -> None:
    upload_id = cos.begin("x")
    for body in (
        b"not xml",
        b"<Other/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>',
    ):
        answer = _send(sandbox, "POST", "/x", {"uploadId": upload_id}, body)
        assert (answer.status, answer.code) == (400, "MalformedXML")
    assert _send(sandbox, "POST", "/x", {"uploadId": upload_id}, b"").code == "MissingRequestBodyError"


def test_throttling_and_any_refusal(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    sandbox.faults.add("cos:PutObject throttle")
    with pytest.raises(RefusedError, match=r"^503 SlowDown"):
        cos.put(key, b"x")
    sandbox.faults.add("cos:PutObject refuse code=PathConflict status=409")
    with pytest.raises(RefusedError, match=r"^409 PathConflict"):
        cos.put(key, b"x")
    cos.put(key, b"x")


def test_policies_of_roles_limit_temporary_keys(sandbox: Sandbox, cos: CosStore, key: str) -> None:
    from imgmove.sandbox.world.tencent_records import Session

    cos.put(key, b"x")
    who = worlds.temporary(sandbox, "tencent", worlds.UIN)
    policy = '{"version":"2.0","statement":[{"effect":"allow","action":"cos:GetObject","resource":"*"}]}'
    sandbox.world.tencent.state.sessions[who.key_id] = Session("federated", "reader", policy=policy)
    reader = _client(sandbox, who)
    assert reader.get(key).body == b"x"
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        reader.put(key, b"y")
