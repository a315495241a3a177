"""OSS's listings of objects (both versions) and the deletion of many at once."""

from __future__ import annotations

from collections.abc import Callable

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire import continuation
from imgmove.sandbox.wire.oss_buckets import (
    PAGE_DEFAULT,
    PAGE_MAX,
    body_document,
    encoder,
    encoding,
    owner,
    xml_answer,
)
from imgmove.sandbox.wire.oss_call import Call
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.wire.oss_objects import deleted
from imgmove.sandbox.wire.oss_properties import check_md5, object_type
from imgmove.sandbox.wire.store_xml import Element, Xml, tag, timestamp
from imgmove.sandbox.world.object_records import Page, StoredObject
from imgmove.sandbox.world.versions import Version


def list_objects(call: Call) -> Response:
    """ListObjects (GetBucket): pages by marker."""
    encode, marker = encoder(call), call.query.get("marker", "")
    page, head = _page(call, encode, marker)
    result = tag(
        "ListBucketResult",
        *head,
        tag("Marker", encode(marker)),
        *([tag("NextMarker", encode(page.next_marker))] if page.truncated else []),
        *(_contents(call, item, encode, owned=True) for item in page.items),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
    )
    return xml_answer(result)


def list_objects_v2(call: Call) -> Response:
    """ListObjectsV2: pages by an opaque token, the first one behind `start-after`."""
    if call.query["list-type"] != "2":
        raise invalid_argument("list-type", call.query["list-type"])
    encode, start, token = encoder(call), call.query.get("start-after", ""), call.query.get("continuation-token", "")
    page, head = _page(call, encode, _marker(token) if token else start)
    owned = call.query.get("fetch-owner", "false").lower() == "true"
    result = tag(
        "ListBucketResult",
        *head,
        *([tag("StartAfter", encode(start))] if start else []),
        *([tag("ContinuationToken", token)] if token else []),
        tag("KeyCount", len(page.items) + len(page.prefixes)),
        *([tag("NextContinuationToken", continuation.token_of(page.next_marker))] if page.truncated else []),
        *(_contents(call, item, encode, owned=owned) for item in page.items),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
    )
    return xml_answer(result)


def delete_objects(call: Call) -> Response:
    """DeleteMultipleObjects: up to 1000 keys; absent ones count as deleted."""
    check_md5(call)
    wanted = body_document(call, "Delete")
    asked = [(_text(each, "Key"), each.get("VersionId")) for each in wanted.all("Object")]
    if not asked or len(asked) > PAGE_MAX or "" in [key for key, _ in asked]:
        raise OssError("MalformedXML")
    encode = encoder(call)
    gone = [_gone(encode(key), version_id, deleted(call, key, version_id)) for key, version_id in asked]
    if wanted.get("Quiet").lower() == "true":
        return Response(200, [])
    return xml_answer(tag("DeleteResult", *encoding(call), *gone))


def _text(element: Element, name: str) -> str:
    """A text with its blanks."""
    return next((each.text for each in element.all(name)), "")


def _gone(key: str, version_id: str, marker: StoredObject | None) -> Xml:
    asked = [tag("VersionId", version_id)] if version_id else []
    marked = [tag("DeleteMarker", "true"), tag("DeleteMarkerVersionId", marker.version_id or "null")] if marker else []
    return tag("Deleted", tag("Key", key), *asked, *(marked if marker and marker.delete_marker else []))


def list_versions(call: Call) -> Response:
    """ListObjectVersions: by key, the newest first, delete markers among them."""
    encode, limit = encoder(call), call.number("max-keys", PAGE_DEFAULT, 1, PAGE_MAX)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    after = (call.query.get("key-marker", ""), call.query.get("version-id-marker", ""))
    with call.world.lock:
        page = call.objects.versions.page(call.bucket, prefix, delimiter, after, limit)
    following = [tag("NextKeyMarker", encode(page.next_key)), tag("NextVersionIdMarker", page.next_version_id)]
    result = tag(
        "ListVersionsResult",
        tag("Name", call.bucket.name),
        tag("Prefix", encode(prefix)),
        tag("KeyMarker", encode(after[0])),
        tag("VersionIdMarker", after[1]),
        tag("MaxKeys", limit),
        tag("Delimiter", encode(delimiter)),
        *encoding(call),
        tag("IsTruncated", str(page.truncated).lower()),
        *(following if page.truncated else []),
        *(_version(call, each, encode) for each in page.versions),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
    )
    return xml_answer(result)


def _version(call: Call, version: Version, encode: Callable[[str], str]) -> Xml:
    item = version.item
    told = [
        tag("Key", encode(item.key)),
        tag("VersionId", version.shown_id),
        tag("IsLatest", str(version.latest).lower()),
        tag("LastModified", timestamp(item.last_modified)),
        owner(call.bucket.owner),
    ]
    if item.delete_marker:
        return tag("DeleteMarker", *told)
    described = [tag("ETag", f'"{item.etag}"'), tag("Type", object_type(item)), tag("Size", item.size_bytes)]
    return tag("Version", *told, *described, tag("StorageClass", item.storage_class))


def _page(call: Call, encode: Callable[[str], str], marker: str) -> tuple[Page, list[Xml]]:
    """A page, and what both versions say about it first."""
    limit = call.number("max-keys", PAGE_DEFAULT, 1, PAGE_MAX)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    page = call.objects.list(call.bucket, prefix, delimiter, marker, limit)
    head = [
        tag("Name", call.bucket.name),
        tag("Prefix", encode(prefix)),
        tag("MaxKeys", limit),
        tag("Delimiter", encode(delimiter)),
        *encoding(call),
        tag("IsTruncated", str(page.truncated).lower()),
    ]
    return page, head


def _contents(call: Call, item: StoredObject, encode: Callable[[str], str], *, owned: bool) -> Xml:
    return tag(
        "Contents",
        tag("Key", encode(item.key)),
        tag("LastModified", timestamp(item.last_modified)),
        tag("ETag", f'"{item.etag}"'),
        tag("Type", object_type(item)),
        tag("Size", item.size_bytes),
        tag("StorageClass", item.storage_class),
        *([owner(call.bucket.owner)] if owned else []),
    )


def _marker(token: str) -> str:
    try:
        return continuation.marker_of(token)
    except ValueError:
        raise invalid_argument("continuation-token", token) from None
