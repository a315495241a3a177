"""What is OSS's own: addresses, buckets, range behaviour, headers, error shapes, closed endpoints."""

from __future__ import annotations

import base64
import hashlib

import oss2
import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Policy, Role
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import OssStore, RefusedError
from tests.sandbox.stores.signing import oss_v4, target
from tests.sandbox.stores.wire import Answer, send
from tests.sandbox.stores.worlds import ALIBABA_KEY, OSS_BUCKET, SINGAPORE_BUCKET, Credentials

DATA = b"123456789"


def _send(
    sandbox: Sandbox,
    method: str,
    key: str = "",
    params: dict[str, str] | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    bucket: str = OSS_BUCKET,
    host: str = "",
    region: str = "cn-hangzhou",
) -> Answer:
    """A request signed with version 4: path style, or to the virtual host if there is one."""
    params, path = params or {}, f"/{bucket}/{key}" if bucket else "/"
    sent = {**(headers or {}), **({"Host": host} if host else {})}
    signed = oss_v4(ALIBABA_KEY, method, path, params, sent, region=region)
    return send(sandbox.endpoint("oss"), method, target(f"/{key}" if host else path, params), signed, body)


def _refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer.body


# Addresses


def test_another_regions_endpoint(sandbox: Sandbox) -> None:
    answer = _send(sandbox, "GET", "x", host=f"{OSS_BUCKET}.oss-cn-beijing.aliyuncs.com", region="cn-beijing")
    _refused(answer, 403, "AccessDenied")
    assert answer.field("Endpoint") == "oss-cn-hangzhou.aliyuncs.com"
    assert answer.field("EC") == "0003-00001403"


def test_the_bucket_belongs_into_the_vendors_host(sandbox: Sandbox) -> None:
    headers = oss_v4(ALIBABA_KEY, "GET", f"/{OSS_BUCKET}/x", {}, {"Host": "oss-cn-hangzhou.aliyuncs.com"})
    answer = send(sandbox.endpoint("oss"), "GET", f"/{OSS_BUCKET}/x", headers)
    _refused(answer, 403, "SecondLevelDomainForbidden")


def test_the_acceleration_endpoint_has_to_be_switched_on(sandbox: Sandbox, oss: OssStore) -> None:
    oss.put("fast", DATA)
    host = f"{OSS_BUCKET}.oss-accelerate.aliyuncs.com"
    _refused(_send(sandbox, "GET", "fast", host=host), 403, "AccessDenied")
    bucket = sandbox.world.objects.bucket("alibaba", OSS_BUCKET)
    assert bucket is not None
    bucket.accelerated = True
    try:
        assert _send(sandbox, "GET", "fast", host=host).body == DATA
    finally:
        bucket.accelerated = False


@pytest.mark.parametrize("whole_account", [False, True])
def test_public_endpoints_can_be_closed_for_data(sandbox: Sandbox, oss: OssStore, whole_account: bool) -> None:
    oss.put("closed", DATA)
    state, bucket = sandbox.world.objects.state, sandbox.world.objects.bucket("alibaba", OSS_BUCKET)
    assert bucket is not None
    bucket.public_endpoint_forbidden = not whole_account
    state.accounts_without_public_endpoint = [worlds.ALIBABA] if whole_account else []
    public, internal = (f"{OSS_BUCKET}.oss-cn-hangzhou{kind}.aliyuncs.com" for kind in ("", "-internal"))
    try:
        for action in (lambda: oss.get("closed"), lambda: oss.put("closed", DATA), oss.listing):
            with pytest.raises(RefusedError, match=r"^400 PublicEndpointForbidden"):
                action()
        answer = _send(sandbox, "GET", "closed", host=public)
        _refused(answer, 400, "PublicEndpointForbidden")
        assert answer.field("EC") == "0048-00000401"
        assert oss.sdk.get_bucket_info().name == OSS_BUCKET, "managing buckets still works"
        assert _send(sandbox, "GET", "closed", host=internal).body == DATA
        assert _send(sandbox, "GET", "closed", host="images.example.com", bucket=OSS_BUCKET).status in (403, 404)
        cname = oss_v4(ALIBABA_KEY, "GET", f"/{OSS_BUCKET}/closed", {}, {"Host": "images.example.com"})
        assert send(sandbox.endpoint("oss"), "GET", f"/{OSS_BUCKET}/closed", cname).body == DATA
        outside = OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, SINGAPORE_BUCKET, region="ap-southeast-1")
        outside.put("open", DATA)
    finally:
        bucket.public_endpoint_forbidden = False
        state.accounts_without_public_endpoint = []


# The service and buckets


def test_listing_buckets_by_pages(oss: OssStore) -> None:
    names = [each.name for each in oss2.BucketIterator(oss.service, max_keys=1)]
    assert names == sorted(names)
    assert {OSS_BUCKET, SINGAPORE_BUCKET} <= set(names)
    assert worlds.OTHER_OSS_BUCKET not in names
    found = {each.name: each for each in oss.service.list_buckets(prefix="house").buckets}
    assert found[SINGAPORE_BUCKET].location == "oss-ap-southeast-1"
    assert found[SINGAPORE_BUCKET].extranet_endpoint == "oss-ap-southeast-1.aliyuncs.com"
    assert found[SINGAPORE_BUCKET].intranet_endpoint == "oss-ap-southeast-1-internal.aliyuncs.com"


def test_the_life_of_a_bucket(sandbox: Sandbox) -> None:
    client = OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, "made", region="cn-shanghai")
    client.sdk.create_bucket(oss2.BUCKET_ACL_PRIVATE, oss2.models.BucketCreateConfig(oss2.BUCKET_STORAGE_CLASS_IA))
    info = client.sdk.get_bucket_info()
    assert (info.location, info.storage_class, info.acl.grant) == ("oss-cn-shanghai", "IA", "private")
    assert info.owner.id == worlds.ALIBABA
    client.put("x", DATA)
    assert client.head("x")["x-oss-storage-class"] == "IA"
    assert client.sdk.get_bucket_stat().object_count == 1
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        client.sdk.delete_bucket()
    client.delete("x")
    client.sdk.create_bucket(oss2.BUCKET_ACL_PUBLIC_READ)
    assert client.sdk.get_bucket_acl().acl == "public-read", "creating one's own again sets the ACL"
    client.sdk.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        client.sdk.get_bucket_info()


def test_names_of_new_buckets(sandbox: Sandbox) -> None:
    for name in ("ab", "Upper", "-x-", "x" * 64, "a_b"):
        _refused(_send(sandbox, "PUT", bucket=name), 400, "InvalidBucketName")
    _refused(_send(sandbox, "PUT", bucket=worlds.OTHER_OSS_BUCKET), 409, "BucketAlreadyExists")
    _refused(_send(sandbox, "PUT", bucket=OSS_BUCKET, region="cn-beijing"), 409, "BucketAlreadyExists")
    body = b"<CreateBucketConfiguration><LocationConstraint>oss-cn-beijing</LocationConstraint></CreateBucketConfiguration>"
    _refused(_send(sandbox, "PUT", bucket="elsewhere", body=body), 400, "InvalidLocationConstraint")


def test_settings_that_nobody_made(sandbox: Sandbox) -> None:
    for parameter, code in (
        ("policy", "NoSuchBucketPolicy"),
        ("lifecycle", "NoSuchLifecycle"),
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "NoSuchReplicationConfiguration"),
        ("encryption", "NoSuchServerSideEncryptionRule"),
        ("transferAcceleration", "NoSuchTransferAccelerationConfiguration"),
        ("worm", "NoSuchWORMConfiguration"),
    ):
        _refused(_send(sandbox, "GET", params={parameter: ""}), 404, code)
    for parameter in ("versioning", "tagging", "logging", "referer", "requestPayment"):
        assert _send(sandbox, "GET", params={parameter: ""}).status == 200


def test_what_the_sandbox_lacks_is_said(sandbox: Sandbox) -> None:
    _refused(_send(sandbox, "PUT", params={"website": ""}, body=b"<x/>"), 501, "NotImplemented")
    _refused(_send(sandbox, "POST", "x", {"append": "", "position": "0"}, b"x"), 501, "NotImplemented")
    _refused(_send(sandbox, "PUT", "x", body=b"x", headers={"x-oss-callback": "e30="}), 501, "NotImplemented")
    _refused(_send(sandbox, "PATCH", "x"), 405, "MethodNotAllowed")
    answer = _send(sandbox, "PUT", "x", {"uploadId": "1"}, b"")
    _refused(answer, 400, "InvalidArgument")
    assert answer.field("ArgumentValue") == "uploadId"


def test_an_unknown_setting_is_not_the_bucket_itself(sandbox: Sandbox) -> None:
    assert _send(sandbox, "PUT", bucket="settings").status == 200
    for parameter in ("overwriteConfig", "archiveDirectRead", "made-up-tomorrow"):
        for method in ("PUT", "DELETE", "GET"):
            _refused(_send(sandbox, method, "", {parameter: ""}, bucket="settings"), 501, "NotImplemented")
    _refused(_send(sandbox, "PUT", "x", {"symlink": ""}, b"x", bucket="settings"), 501, "NotImplemented")
    _refused(_send(sandbox, "GET", params={"regions": ""}, bucket=""), 501, "NotImplemented")
    assert _send(sandbox, "GET", "", {"prefix": "", "marker": "", "unknown": "1"}, bucket="settings").status == 200
    assert _send(sandbox, "DELETE", bucket="settings").status == 204, "it was there all the time"


def test_bucket_encryption(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.sdk.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("AES256"))
    try:
        assert oss.sdk.get_bucket_encryption().sse_algorithm == "AES256"
        oss.put(key, DATA)
        assert oss.head(key)["x-oss-server-side-encryption"] == "AES256"
    finally:
        oss.sdk.delete_bucket_encryption()
    with pytest.raises(oss2.exceptions.NoSuchServerSideEncryptionRule):
        oss.sdk.get_bucket_encryption()


# Access


def test_bucket_acls(sandbox: Sandbox) -> None:
    owner = OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, "shared")
    stranger = OssStore(sandbox.endpoint("oss"), worlds.OTHER_ALIBABA_KEY, "shared")
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), sandbox.endpoint("oss"), "shared")
    owner.sdk.create_bucket("private")
    owner.put("x", DATA)
    with pytest.raises(oss2.exceptions.AccessDenied):
        anonymous.get_object("x")
    owner.sdk.put_bucket_acl("public-read")
    assert anonymous.get_object("x").read() == DATA
    assert stranger.listing().names == ["x"]
    with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
        stranger.put("y", DATA)
    owner.sdk.put_object_acl("x", "private")
    assert owner.sdk.get_object_acl("x").acl == "private"
    with pytest.raises(oss2.exceptions.AccessDenied):
        anonymous.get_object("x")
    owner.sdk.put_bucket_acl("public-read-write")
    stranger.put("y", DATA)
    assert owner.get("y").body == DATA
    with pytest.raises(oss2.exceptions.ServerError, match="InvalidRequest"):
        anonymous.get_object("y", params={"response-content-type": "a/b"})


def test_policies_of_roles_limit_temporary_keys(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    document = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject",'
        f'"Resource":"acs:oss:*:*:{OSS_BUCKET}/*"}}]}}'
    )
    with sandbox.world.lock:
        accounts = sandbox.world.accounts
        accounts.add_policy("alibaba", worlds.ALIBABA, Policy("read", document))
        accounts.add_role(Role("alibaba", worlds.ALIBABA, "reader", "1", [], "{}", ["read"]))
        principal = f"acs:ram::{worlds.ALIBABA}:assumed-role/reader/session"
        made = accounts.issue_temporary("alibaba", worlds.ALIBABA, principal, 600)
    who = Credentials(made.access_key_id, made.secret, made.token or "")
    reader = OssStore(sandbox.endpoint("oss"), who, OSS_BUCKET)
    assert reader.get(key).body == DATA
    for forbidden in (lambda: reader.put(key, DATA), reader.listing, lambda: reader.begin(key)):
        with pytest.raises(RefusedError, match=r"^403 AccessDenied"):
            forbidden()


# Ranges


@pytest.mark.parametrize("asked", ["bytes=5-20", "bytes=9-", "bytes=9-20", "bytes=-20"])
def test_ranges_outside_give_the_whole_object(oss: OssStore, key: str, asked: str) -> None:
    oss.put(key, DATA)
    read = oss.get(key, {"Range": asked})
    assert (read.status, read.body) == (200, DATA)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("bytes=5-20", "bytes 5-8/9"), ("bytes=-20", "bytes 0-8/9"), ("bytes=9-", ""), ("bytes=9-20", "")],
)
def test_standard_range_behaviour(oss: OssStore, key: str, asked: str, shown: str) -> None:
    oss.put(key, DATA)
    headers = {"Range": asked, "x-oss-range-behavior": "standard"}
    if not shown:
        with pytest.raises(RefusedError, match=r"^416 InvalidRange"):
            oss.get(key, headers)
        return
    read = oss.get(key, headers)
    assert (read.status, read.headers["content-range"]) == (206, shown)


# Objects


def test_headers_of_objects(oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    headers = oss.head(key)
    assert headers["x-oss-object-type"] == "Normal"
    assert headers["content-md5"] == base64.b64encode(hashlib.md5(DATA).digest()).decode()
    assert oss.sdk.get_object_meta(key).content_length == 9
    upload_id = oss.begin(key)
    oss.complete(key, upload_id, {1: oss.part(key, upload_id, 1, DATA).etag})
    assert oss.head(key)["x-oss-object-type"] == "Multipart"
    assert "content-md5" not in oss.head(key)


def test_listing_version_2(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    for name in ("1", "2", "a/1", "a/2", "z"):
        oss.put(f"{key}/{name}", DATA)
    page = oss.sdk.list_objects_v2(prefix=f"{key}/", delimiter="/", max_keys=2, fetch_owner=True)
    assert [each.key for each in page.object_list] == [f"{key}/1", f"{key}/2"]
    assert page.object_list[0].owner.id == worlds.ALIBABA
    rest = oss.sdk.list_objects_v2(prefix=f"{key}/", delimiter="/", continuation_token=page.next_continuation_token)
    assert ([each.key for each in rest.object_list], rest.prefix_list) == ([f"{key}/z"], [f"{key}/a/"])
    after = oss.sdk.list_objects_v2(prefix=f"{key}/", start_after=f"{key}/a/1")
    assert [each.key for each in after.object_list] == [f"{key}/a/2", f"{key}/z"]
    _refused(_send(sandbox, "GET", params={"list-type": "3"}), 400, "InvalidArgument")
    _refused(_send(sandbox, "GET", params={"list-type": "2", "continuation-token": "%%"}), 400, "InvalidArgument")


def test_list_parameters_are_checked(sandbox: Sandbox) -> None:
    for params in ({"max-keys": "0"}, {"max-keys": "1001"}, {"max-keys": "x"}, {"encoding-type": "base64"}):
        answer = _send(sandbox, "GET", params=params)
        _refused(answer, 400, "InvalidArgument")
        assert answer.field("ArgumentName") in params


def test_a_listing_has_no_namespace(sandbox: Sandbox) -> None:
    assert b"xmlns" not in _send(sandbox, "GET").body


def test_overwriting_can_be_forbidden(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.put(key, b"first")
    forbid = {"x-oss-forbid-overwrite": "true"}
    with pytest.raises(RefusedError, match=r"^409 FileAlreadyExists"):
        oss.put(key, b"second", forbid)
    with pytest.raises(oss2.exceptions.ServerError, match="FileAlreadyExists"):
        oss.sdk.init_multipart_upload(key, headers=forbid)
    upload_id = oss.begin(key)
    etag = oss.part(key, upload_id, 1, b"second").etag
    with pytest.raises(oss2.exceptions.ServerError, match="FileAlreadyExists"):
        oss.sdk.complete_multipart_upload(key, upload_id, [oss2.models.PartInfo(1, etag)], headers=forbid)
    assert oss.get(key).body == b"first"
    oss.put(f"{key}-free", b"first", forbid)


def test_completing_with_all_parts(sandbox: Sandbox, oss: OssStore) -> None:
    upload_id = oss.begin("all")
    for number in (9, 2, 5):
        oss.part("all", upload_id, number, bytes([number]) * (100 << 10))
    both = _send(sandbox, "POST", "all", {"uploadId": upload_id}, b"<x/>", {"x-oss-complete-all": "yes"})
    _refused(both, 400, "InvalidArgument")
    done = _send(sandbox, "POST", "all", {"uploadId": upload_id}, b"", {"x-oss-complete-all": "yes"})
    assert (done.status, done.field("Bucket")) == (200, OSS_BUCKET)
    assert oss.get("all").body == b"".join(bytes([n]) * (100 << 10) for n in (2, 5, 9))


def test_a_part_copy_has_no_crc(oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    upload_id = oss.begin(f"{key}-2")
    result = oss.sdk.upload_part_copy(OSS_BUCKET, key, (0, 3), f"{key}-2", upload_id, 1)
    assert result.etag == hashlib.md5(b"1234").hexdigest().upper()
    assert "x-oss-hash-crc64ecma" not in result.headers
    whole = oss.sdk.upload_part_copy(OSS_BUCKET, key, (0, 99), f"{key}-2", upload_id, 1)
    assert whole.etag == hashlib.md5(DATA).hexdigest().upper()


def test_copies_stay_in_their_region(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    elsewhere = OssStore(sandbox.endpoint("oss"), ALIBABA_KEY, SINGAPORE_BUCKET, region="ap-southeast-1")
    with pytest.raises(oss2.exceptions.AccessDenied, match="same data center"):
        elsewhere.sdk.copy_object(OSS_BUCKET, key, key)


def test_a_large_object_is_copied_in_parts_only(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    bucket = sandbox.world.objects.bucket("alibaba", OSS_BUCKET)
    assert bucket is not None
    item = sandbox.world.objects.head(bucket, key)
    assert item is not None
    item.size_bytes = (1 << 30) + 1
    with pytest.raises(RefusedError, match=r"^400 EntityTooLarge"):
        oss.copy(key, f"{key}-2")


def test_copies_keep_or_replace_properties(oss: OssStore, key: str) -> None:
    oss.put(key, DATA, {"Content-Type": "a/b", "x-oss-meta-m": "1"})
    oss.sdk.copy_object(OSS_BUCKET, key, f"{key}-kept")
    assert (oss.head(f"{key}-kept")["content-type"], oss.head(f"{key}-kept")["x-oss-meta-m"]) == ("a/b", "1")
    oss.sdk.update_object_meta(key, {"Content-Type": "c/d"})
    assert oss.head(key)["content-type"] == "c/d"
    assert "x-oss-meta-m" not in oss.head(key)
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        oss.sdk.copy_object(OSS_BUCKET, key, f"{key}-2", headers={"x-oss-copy-source-if-match": "other"})


def test_headers_that_are_checked(sandbox: Sandbox) -> None:
    for name, value, code in (
        ("x-oss-traffic-limit", "1", "InvalidArgument"),
        ("x-oss-storage-class", "Gold", "InvalidStorageClass"),
        ("x-oss-object-acl", "everybody", "InvalidArgument"),
        ("x-oss-server-side-encryption", "ROT13", "InvalidEncryptionAlgorithmError"),
    ):
        _refused(_send(sandbox, "PUT", "x", body=b"x", headers={name: value}), 400, code)
    assert _send(sandbox, "PUT", "x", body=b"x", headers={"x-oss-traffic-limit": "819200"}).status == 200
    assert _send(sandbox, "PUT", "k" * 1023, body=b"x").status == 200
    for key in ("k" * 1024, "/x", "\\x"):
        _refused(_send(sandbox, "PUT", key, body=b"x"), 400, "InvalidObjectName")


def test_a_head_error_comes_in_headers(sandbox: Sandbox, oss: OssStore) -> None:
    answer = _send(sandbox, "HEAD", "never")
    assert (answer.status, answer.body, answer.headers["x-oss-ec"]) == (404, b"", "0026-00000001")
    assert b"<Code>NoSuchKey</Code>" in base64.b64decode(answer.headers["x-oss-err"])
    with pytest.raises(oss2.exceptions.NoSuchKey) as raised:
        oss.sdk.head_object("never")
    assert (raised.value.ec, raised.value.request_id != "") == ("0026-00000001", True)


def test_throttling_tells_how_long_it_held(sandbox: Sandbox, oss: OssStore, key: str) -> None:
    oss.put(key, DATA)
    for action, code, call in (
        ("GetObject", "DownloadTrafficRateLimitExceeded", lambda: oss.sdk.get_object(key)),
        ("PutObject", "UploadTrafficRateLimitExceeded", lambda: oss.sdk.put_object(key, DATA)),
        ("ListObjects", "TotalQpsLimitExceeded", oss.sdk.list_objects),
    ):
        sandbox.faults.add(f"oss:{action} throttle")
        with pytest.raises(oss2.exceptions.ServerError) as raised:
            call()
        assert (raised.value.status, raised.value.code) == (503, code)
        assert int(raised.value.headers["x-oss-qos-delay-time"]) > 0


def test_documents_that_are_none(sandbox: Sandbox, oss: OssStore) -> None:
    upload_id = oss.begin("x")
    for body in (b"not xml", b"<Other/>", b"", b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>"):
        _refused(_send(sandbox, "POST", "x", {"uploadId": upload_id}, body), 400, "MalformedXML")


def test_keys_that_xml_cannot_hold(oss: OssStore) -> None:
    names = [f"odd/{chr(code)}" for code in (1, 9, 10, 13, 31)]
    for name in names:
        oss.put(name, DATA)
    assert oss.listing(prefix="odd/").names == names
    assert oss.delete_many(names[1:3]) == names[1:3]
