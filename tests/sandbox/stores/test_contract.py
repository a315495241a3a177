"""What both stores have to do, through the vendors' own SDKs."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import oss2
import pytest
from fastcrc import crc64

from imgmove.sandbox import Sandbox
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore, OssStore, RefusedError, Store
from tests.sandbox.stores.wire import send_url

CHECK = b"123456789"
CHECK_CRC64 = 11051210869376104954
"""The check value of tencent.md 6 and alibaba.md 7.2."""


def _bytes(size: int, seed: int = 0) -> bytes:
    return (hashlib.sha256(str(seed).encode()).digest() * (size // 32 + 1))[:size]


def _refusal(status: int, code: str) -> AbstractContextManager[object]:
    return pytest.raises(RefusedError, match=f"^{status} {code}:")


# Whole objects


def test_an_object_comes_back_as_it_was_put(store: Store, key: str) -> None:
    written = store.put(key, CHECK)
    read = store.get(key)
    assert read.body == CHECK
    assert written.crc64 == CHECK_CRC64 == int(read.headers[f"{store.header}hash-crc64ecma"])
    assert read.headers["etag"].strip('"') == written.etag
    assert written.etag.lower() == hashlib.md5(CHECK).hexdigest()
    assert written.etag.isupper() == (store.vendor == "alibaba")


def test_head_tells_what_get_would(store: Store, key: str) -> None:
    store.put(
        key, CHECK, {"Content-Type": "application/x-disk", "Cache-Control": "no-store", f"{store.header}meta-a": "B"}
    )
    headers = store.head(key)
    assert headers["content-length"] == "9"
    assert headers["content-type"] == "application/x-disk"
    assert headers["cache-control"] == "no-store"
    assert headers[f"{store.header}meta-a"] == "B"
    assert int(headers[f"{store.header}hash-crc64ecma"]) == CHECK_CRC64
    got = store.get(key).headers
    assert {name: got[name] for name in ("etag", "last-modified", "accept-ranges")} == {
        name: headers[name] for name in ("etag", "last-modified", "accept-ranges")
    }


def test_an_empty_object(store: Store, key: str) -> None:
    assert store.put(key, b"").crc64 == 0
    assert store.get(key).body == b""


def test_overwriting_replaces(store: Store, key: str) -> None:
    store.put(key, b"first")
    store.put(key, b"second, longer")
    assert store.get(key).body == b"second, longer"


def test_a_body_larger_than_memory_limits_is_kept_whole(either: Store, key: str) -> None:
    body = _bytes((3 << 20) + 17)
    assert either.put(key, body).crc64 == crc64.xz(body)
    assert either.get(key).body == body


def test_absent_objects(store: Store, key: str) -> None:
    with _refusal(404, "NoSuchKey"):
        store.get(key)
    with pytest.raises(RefusedError) as refused:
        store.head(key)
    assert refused.value.status == 404
    store.delete(key)  # absent is fine


def test_deleting(store: Store, key: str) -> None:
    store.put(key, CHECK)
    store.delete(key)
    with _refusal(404, "NoSuchKey"):
        store.get(key)


def test_deleting_many(store: Store, key: str) -> None:
    for name in ("a", "b"):
        store.put(f"{key}-{name}", CHECK)
    assert sorted(store.delete_many([f"{key}-a", f"{key}-b", f"{key}-never"])) == [
        f"{key}-a",
        f"{key}-b",
        f"{key}-never",
    ]
    assert store.listing(prefix=key).names == []


def test_copying(store: Store, key: str) -> None:
    store.put(key, CHECK, {"Content-Type": "application/x-disk"})
    store.copy(key, f"{key}-copy")
    read = store.get(f"{key}-copy")
    assert (read.body, read.headers["content-type"]) == (CHECK, "application/x-disk")
    with _refusal(404, "NoSuchKey"):
        store.copy(f"{key}-never", f"{key}-copy")


def test_no_such_bucket(sandbox: Sandbox, either: Store, key: str) -> None:
    either.bucket = f"nowhere-{worlds.APP_ID}" if either.vendor == "tencent" else "nowhere"
    if isinstance(either, OssStore):
        either.sdk.bucket_name = either.bucket
    with _refusal(404, "NoSuchBucket"):
        either.put(key, CHECK)


# Checks of bodies


def test_a_right_content_md5_is_accepted(either: Store, key: str) -> None:
    either.put(key, CHECK, {"Content-MD5": base64.b64encode(hashlib.md5(CHECK).digest()).decode()})
    assert either.get(key).body == CHECK


@pytest.mark.parametrize("body", [b"other", b""])
def test_a_wrong_content_md5_is_refused(either: Store, key: str, body: bytes) -> None:
    wrong = base64.b64encode(hashlib.md5(body).digest()).decode()
    with _refusal(400, "BadDigest" if either.vendor == "tencent" else "InvalidDigest"):
        either.put(key, CHECK, {"Content-MD5": wrong})
    with _refusal(404, "NoSuchKey"):
        either.get(key)


@pytest.mark.parametrize("digest", ["not base64!", "c2hvcnQ="])
def test_a_malformed_content_md5_is_refused(either: Store, key: str, digest: str) -> None:
    with _refusal(400, "InvalidDigest"):
        either.put(key, CHECK, {"Content-MD5": digest})


# Ranges


@pytest.mark.parametrize(
    ("asked", "body", "shown"),
    [
        ("bytes=0-0", b"1", "bytes 0-0/9"),
        ("bytes=2-4", b"345", "bytes 2-4/9"),
        ("bytes=7-", b"89", "bytes 7-8/9"),
        ("bytes=-3", b"789", "bytes 6-8/9"),
        ("bytes=0-8", CHECK, "bytes 0-8/9"),
    ],
)
def test_ranges_inside(either: Store, key: str, asked: str, body: bytes, shown: str) -> None:
    either.put(key, CHECK)
    read = either.get(key, {"Range": asked})
    assert (read.status, read.body, read.headers["content-range"]) == (206, body, shown)
    assert int(read.headers[f"{either.header}hash-crc64ecma"]) == CHECK_CRC64, "the whole object's, also for a range"


# Preconditions


def test_if_match(either: Store, key: str) -> None:
    etag = either.put(key, CHECK).etag
    assert either.get(key, {"If-Match": f'"{etag}"'}).body == CHECK
    with _refusal(412, "PreconditionFailed"):
        either.get(key, {"If-Match": '"0123"'})
    either.put(key, b"changed")
    with _refusal(412, "PreconditionFailed"):
        either.get(key, {"If-Match": f'"{etag}"', "Range": "bytes=0-0"})


def test_if_none_match_and_dates(sandbox: Sandbox, either: Store, key: str) -> None:
    either.put(key, CHECK)
    url = either.sign("GET", key, 60)
    etag, modified = either.head(key)["etag"], either.head(key)["last-modified"]
    past = "Thu, 01 Jan 2015 00:00:00 GMT"
    assert send_url(url, If_None_Match=etag).status == 304
    assert send_url(url, If_None_Match='"other"').status == 200
    assert send_url(url, If_Modified_Since=modified).status == 304
    assert send_url(url, If_Modified_Since=past).status == 200
    assert send_url(url, If_Unmodified_Since=past).status == 412
    assert send_url(url, If_Unmodified_Since=modified).status == 200
    assert send_url(url, If_None_Match=etag).body == b""


# Listings


def test_listing_by_prefix_and_pages(either: Store, key: str) -> None:
    names = [f"{key}/{number:02}" for number in range(7)]
    for name in names:
        either.put(name, CHECK)
    found, marker = [], ""
    for _ in range(10):
        page = either.listing(prefix=f"{key}/", marker=marker, limit=3)
        assert len(page.names) <= 3
        found += page.names
        marker = page.next_marker
        if not marker:
            break
    assert found == names


def test_listing_with_a_delimiter(either: Store, key: str) -> None:
    for name in ("1", "a/1", "a/2", "b/c/3", "z"):
        either.put(f"{key}/{name}", CHECK)
    whole = either.listing(prefix=f"{key}/", delimiter="/")
    assert (whole.names, whole.prefixes) == ([f"{key}/1", f"{key}/z"], [f"{key}/a/", f"{key}/b/"])
    first = either.listing(prefix=f"{key}/", delimiter="/", limit=2)
    rest = either.listing(prefix=f"{key}/", delimiter="/", marker=first.next_marker)
    assert (first.names, first.prefixes) == ([f"{key}/1"], [f"{key}/a/"])
    assert (rest.names, rest.prefixes, rest.next_marker) == ([f"{key}/z"], [f"{key}/b/"], "")


# Multipart uploads


def test_a_multipart_upload(store: Store, key: str) -> None:
    size = store.min_part_bytes
    bodies = {3: _bytes(size, 3), 7: _bytes(size + 5, 7), 10000: b"the end"}
    upload_id = store.begin(key)
    written = {number: store.part(key, upload_id, number, body) for number, body in bodies.items()}
    for number, body in bodies.items():
        assert written[number].etag.lower() == hashlib.md5(body).hexdigest()
        assert written[number].crc64 == crc64.xz(body)
    done = store.complete(key, upload_id, {number: part.etag for number, part in written.items()})
    whole = b"".join(bodies.values())
    assert done.etag.endswith("-3")
    assert done.crc64 == crc64.xz(whole)
    assert store.get(key).body == whole
    assert int(store.head(key)[f"{store.header}hash-crc64ecma"]) == crc64.xz(whole)
    with _refusal(404, "NoSuchUpload"):
        store.complete(key, upload_id, {3: written[3].etag})
    with _refusal(404, "NoSuchUpload"):
        store.part(key, upload_id, 1, b"late")


def test_nothing_shows_before_completion(either: Store, key: str) -> None:
    upload_id = either.begin(key)
    etag = either.part(key, upload_id, 1, CHECK).etag
    assert either.listing(prefix=key).names == []
    assert key in either.uploads(prefix=key).names
    with _refusal(404, "NoSuchKey"):
        either.get(key)
    either.complete(key, upload_id, {1: etag})
    assert either.listing(prefix=key).names == [key]
    assert either.uploads(prefix=key).names == []


def test_a_part_sent_again_replaces(either: Store, key: str) -> None:
    upload_id = either.begin(key)
    first = either.part(key, upload_id, 1, b"first")
    second = either.part(key, upload_id, 1, b"second!")
    assert either.parts(key, upload_id) == ({1: 7}, 0)
    with _refusal(400, "InvalidPart"):
        either.complete(key, upload_id, {1: first.etag})
    either.complete(key, upload_id, {1: second.etag})
    assert either.get(key).body == b"second!"


def test_pages_of_parts(either: Store, key: str) -> None:
    upload_id = either.begin(key)
    for number in (1, 2, 3, 5, 8):
        either.part(key, upload_id, number, bytes(number))
    assert either.parts(key, upload_id, limit=2) == ({1: 1, 2: 2}, 2)
    assert either.parts(key, upload_id, after=2, limit=2) == ({3: 3, 5: 5}, 5)
    assert either.parts(key, upload_id, after=5, limit=2) == ({8: 8}, 0)
    either.abort(key, upload_id)
    with _refusal(404, "NoSuchUpload"):
        either.parts(key, upload_id)


def test_pages_of_uploads(either: Store, key: str) -> None:
    begun = {f"{key}/{number}": either.begin(f"{key}/{number}") for number in range(3)}
    page = either.uploads(prefix=key, limit=2)
    rest = either.uploads(prefix=key, key_marker=page.next_marker, limit=2)
    assert page.names + rest.names == sorted(begun)
    assert rest.next_marker == ""
    for name, upload_id in begun.items():
        either.abort(name, upload_id)
    assert either.uploads(prefix=key).names == []


def test_copying_a_part(store: Store, key: str) -> None:
    source = _bytes(store.min_part_bytes * 2)
    store.put(f"{key}-source", source)
    upload_id = store.begin(key)
    first = store.copy_part(f"{key}-source", 1, store.min_part_bytes, key, upload_id, 1)
    second = store.part(key, upload_id, 2, b"tail").etag
    store.complete(key, upload_id, {1: first, 2: second})
    assert store.get(key).body == source[1 : store.min_part_bytes + 1] + b"tail"


def test_small_parts_are_refused_at_completion_only(either: Store, key: str) -> None:
    upload_id = either.begin(key)
    small = either.part(key, upload_id, 1, bytes(either.min_part_bytes - 1)).etag
    last = either.part(key, upload_id, 2, b"x").etag
    with _refusal(400, "EntityTooSmall"):
        either.complete(key, upload_id, {1: small, 2: last})
    enough = either.part(key, upload_id, 1, bytes(either.min_part_bytes)).etag
    either.complete(key, upload_id, {1: enough, 2: last})
    assert len(either.get(key).body) == either.min_part_bytes + 1


def test_wrong_lists_of_parts(either: Store, key: str) -> None:
    upload_id = either.begin(key)
    etags = {n: either.part(key, upload_id, n, bytes(either.min_part_bytes)).etag for n in (1, 2)}
    if isinstance(either, CosStore):  # oss2 sorts the list itself
        with _refusal(400, "InvalidPartOrder"):
            either.complete(key, upload_id, {2: etags[2], 1: etags[1]})
    with _refusal(400, "InvalidPart"):
        either.complete(key, upload_id, {1: etags[1], 2: etags[2], 3: etags[2]})
    with _refusal(400, "InvalidPart"):
        either.complete(key, upload_id, {1: etags[1], 2: "0" * 32})
    with _refusal(400, "MalformedXML"):
        either.complete(key, upload_id, {})
    either.complete(key, upload_id, {2: etags[2]})
    assert len(either.get(key).body) == either.min_part_bytes, "parts that are not listed are left out"


@pytest.mark.parametrize("number", [0, 10001])
def test_part_numbers_have_bounds(either: Store, key: str, number: int) -> None:
    upload_id = either.begin(key)
    with _refusal(400, "InvalidArgument"):
        either.part(key, upload_id, number, CHECK)


def test_parts_in_parallel(either: Store, key: str) -> None:
    bodies = {number: _bytes(either.min_part_bytes + number, number) for number in range(1, 9)}
    upload_id = either.begin(key)
    with ThreadPoolExecutor(4) as pool:
        etags = dict(pool.map(lambda n: (n, either.part(key, upload_id, n, bodies[n]).etag), bodies))
    either.complete(key, upload_id, dict(sorted(etags.items())))
    assert either.get(key).body == b"".join(bodies.values())


# Signed URLs


def test_signed_urls(store: Store, key: str) -> None:
    assert send_url(store.sign("PUT", key, 60), "PUT", CHECK).status == 200
    assert send_url(store.sign("GET", key, 60)).body == CHECK
    assert send_url(store.sign("GET", key, 60), Range="bytes=2-4").body == b"345"
    assert send_url(store.sign("HEAD", key, 60), "HEAD").headers["content-length"] == "9"


def test_a_signed_url_is_for_one_method_and_key(store: Store, key: str) -> None:
    store.put(key, CHECK)
    url = store.sign("GET", key, 60)
    assert send_url(url, "HEAD").status == 403
    assert send_url(url, "DELETE").code == "SignatureDoesNotMatch"
    assert send_url(url.replace(".img", ".imh")).code == "SignatureDoesNotMatch"


def test_an_expired_url(sandbox: Sandbox, store: Store, key: str) -> None:
    store.put(key, CHECK)
    url = store.sign("GET", key, 60)
    sandbox.clock.skew_seconds = 500
    try:
        answer = send_url(url)
    finally:
        sandbox.clock.skew_seconds = 0
    assert (answer.status, answer.code, answer.field("Message")) == (403, "AccessDenied", "Request has expired.")


# Others


def test_another_account_needs_the_acl(sandbox: Sandbox, either: Store, key: str) -> None:
    either.put(key, CHECK)
    either.put(
        f"{key}-open", CHECK, {("x-cos-acl" if either.vendor == "tencent" else "x-oss-object-acl"): "public-read"}
    )
    if either.vendor == "tencent":
        stranger: Store = CosStore(sandbox.endpoint("cos"), worlds.OTHER_TENCENT, worlds.COS_BUCKET)
    else:
        stranger = OssStore(sandbox.endpoint("oss"), worlds.OTHER_ALIBABA_KEY, worlds.OSS_BUCKET)
    assert stranger.get(f"{key}-open").body == CHECK
    for forbidden in (
        lambda: stranger.get(key),
        lambda: stranger.put(key, b"mine"),
        lambda: stranger.delete(key),
        lambda: stranger.listing(),
        lambda: stranger.begin(key),
        lambda: stranger.delete(f"{key}-open"),
    ):
        with _refusal(403, "AccessDenied"):
            forbidden()
    assert either.get(key).body == CHECK


def test_a_wrong_secret(sandbox: Sandbox, either: Store, key: str) -> None:
    own = worlds.TENCENT if either.vendor == "tencent" else worlds.ALIBABA_KEY
    for who, code in (
        (worlds.Credentials(own.key_id, "wrong"), "SignatureDoesNotMatch"),
        (worlds.Credentials("nobody", own.secret), "InvalidAccessKeyId"),
    ):
        if either.vendor == "tencent":
            client: Store = CosStore(sandbox.endpoint("cos"), who, worlds.COS_BUCKET)
        else:
            client = OssStore(sandbox.endpoint("oss"), who, worlds.OSS_BUCKET)
        with _refusal(403, code):
            client.put(key, CHECK)


def test_a_token_that_has_run_out(sandbox: Sandbox, either: Store, key: str) -> None:
    account = worlds.UIN if either.vendor == "tencent" else worlds.ALIBABA
    who = worlds.temporary(sandbox, either.vendor, account, seconds=-1)
    if either.vendor == "tencent":
        client: Store = CosStore(sandbox.endpoint("cos"), who, worlds.COS_BUCKET)
    else:
        client = OssStore(sandbox.endpoint("oss"), who, worlds.OSS_BUCKET)
    with _refusal(*((400, "ExpiredToken") if either.vendor == "tencent" else (403, "SecurityTokenExpired"))):
        client.put(key, CHECK)


def test_an_archived_object_has_to_be_restored(sandbox: Sandbox, either: Store, key: str) -> None:
    kind = "ARCHIVE" if either.vendor == "tencent" else "Archive"
    either.put(key, CHECK, {f"{either.header}storage-class": kind})
    assert either.head(key)[f"{either.header}storage-class"] == kind
    with _refusal(403, "InvalidObjectState"):
        either.get(key)
    if isinstance(either, CosStore):
        either.sdk.restore_object(either.bucket, key, {"Days": "1", "CASJobParameters": {"Tier": "Standard"}})
    elif isinstance(either, OssStore):
        either.sdk.restore_object(key)
    with _refusal(403, "InvalidObjectState"):
        either.get(key)
    assert 'ongoing-request="true"' in either.head(key)[f"{either.header}restore"]
    sandbox.clock.advance(5 * 3600)
    assert either.get(key).body == CHECK


def test_an_upload_that_was_lost(sandbox: Sandbox, either: Store, key: str) -> None:
    upload_id = either.begin(key)
    assert sandbox.world.objects.lose_upload(upload_id)
    with _refusal(404, "NoSuchUpload"):
        either.part(key, upload_id, 1, CHECK)
    assert not sandbox.world.objects.lose_upload(upload_id)


def test_metadata_that_is_latin_1_on_the_wire(either: Store, key: str) -> None:
    """http.client writes `ü` as one byte, which is no UTF-8; the SDKs sign it as UTF-8."""
    either.put(key, CHECK, {f"{either.header}meta-a": "ü"})
    assert either.head(key)[f"{either.header}meta-a"].encode("latin-1").decode() == "ü"


def test_a_corrupted_part_shows_in_its_checksum(sandbox: Sandbox, either: Store, key: str) -> None:
    upload_id = either.begin(key)
    sandbox.faults.add(f"{'cos' if either.vendor == 'tencent' else 'oss'}:UploadPart corrupt-body")
    if isinstance(either, CosStore):
        assert either.part(key, upload_id, 1, CHECK).crc64 != CHECK_CRC64
    else:
        with pytest.raises(oss2.exceptions.InconsistentError):
            either.part(key, upload_id, 1, CHECK)
    written = either.part(key, upload_id, 1, CHECK)
    assert either.complete(key, upload_id, {1: written.etag}).crc64 == CHECK_CRC64


def test_a_part_that_is_cut_off_is_not_there(sandbox: Sandbox, either: Store, key: str) -> None:
    upload_id = either.begin(key)
    sandbox.faults.add(f"{'cos' if either.vendor == 'tencent' else 'oss'}:UploadPart cut-body")
    with pytest.raises(Exception, match=r"abort|reset|closed|Broken"):
        either.part(key, upload_id, 1, bytes(1 << 20))
    assert either.parts(key, upload_id) == ({}, 0)


def test_a_fault_can_lose_an_upload(sandbox: Sandbox, either: Store, key: str) -> None:
    upload_id = either.begin(key)
    sandbox.faults.add(f"{'cos' if either.vendor == 'tencent' else 'oss'}:UploadPart lose-upload")
    etag = either.part(key, upload_id, 1, CHECK).etag
    with _refusal(404, "NoSuchUpload"):
        either.complete(key, upload_id, {1: etag})
