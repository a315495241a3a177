"""COS's listings of objects and the deletion of many at once."""

from __future__ import annotations

from collections.abc import Callable

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire import continuation
from imgmove.sandbox.wire.cos_buckets import body_document, encoder, xml_answer
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_objects import deleted
from imgmove.sandbox.wire.cos_properties import check_md5
from imgmove.sandbox.wire.store_xml import Element, Xml, tag, timestamp
from imgmove.sandbox.world.object_records import StoredObject
from imgmove.sandbox.world.versions import Version

MAX_KEYS = 1000


def list_objects(call: Call) -> Response:
    """GET Bucket (List Objects)."""
    encode = encoder(call)
    query, limit = call.query, call.number("max-keys", MAX_KEYS, 1, MAX_KEYS)
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("marker", "")
    page = call.objects.list(call.bucket, prefix, delimiter, marker, limit)
    result = tag(
        "ListBucketResult",
        tag("Name", call.bucket.name),
        *([tag("EncodingType", "url")] if "encoding-type" in query else []),
        tag("Prefix", encode(prefix)),
        tag("Marker", encode(marker)),
        tag("MaxKeys", limit),
        *([tag("Delimiter", encode(delimiter))] if delimiter else []),
        tag("IsTruncated", str(page.truncated).lower()),
        *([tag("NextMarker", encode(page.next_marker))] if page.truncated else []),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
        *(_contents(call, item, encode) for item in page.items),
    )
    return xml_answer(result)


def list_objects_v2(call: Call) -> Response:
    """ListObjectsV2, which S3 clients ask for: pages by an opaque token, the first one behind `start-after`."""
    encode = encoder(call)
    query, limit = call.query, call.number("max-keys", MAX_KEYS, 1, MAX_KEYS)
    prefix, delimiter, start = query.get("prefix", ""), query.get("delimiter", ""), query.get("start-after", "")
    token = query.get("continuation-token", "")
    page = call.objects.list(call.bucket, prefix, delimiter, _marker(token) if token else start, limit)
    result = tag(
        "ListBucketResult",
        tag("Name", call.bucket.name),
        *([tag("EncodingType", "url")] if "encoding-type" in query else []),
        tag("Prefix", encode(prefix)),
        *([tag("StartAfter", encode(start))] if start else []),
        *([tag("ContinuationToken", token)] if token else []),
        tag("KeyCount", len(page.items) + len(page.prefixes)),
        tag("MaxKeys", limit),
        *([tag("Delimiter", encode(delimiter))] if delimiter else []),
        tag("IsTruncated", str(page.truncated).lower()),
        *([tag("NextContinuationToken", continuation.token_of(page.next_marker))] if page.truncated else []),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
        *(_contents(call, item, encode) for item in page.items),
    )
    return xml_answer(result)


def _marker(token: str) -> str:
    try:
        return continuation.marker_of(token)
    except ValueError:
        raise CosError("InvalidArgument", "continuation-token is invalid.") from None


def list_versions(call: Call) -> Response:
    """GET Bucket Object versions: by key, the newest first, delete markers among them."""
    encode = encoder(call)
    query, limit = call.query, call.number("max-keys", MAX_KEYS, 1, MAX_KEYS)
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("key-marker", "")
    after = (marker, query.get("version-id-marker", ""))
    with call.world.lock:
        page = call.objects.versions.page(call.bucket, prefix, delimiter, after, limit)
    following = [tag("NextKeyMarker", encode(page.next_key)), tag("NextVersionIdMarker", page.next_version_id)]
    result = tag(
        "ListVersionsResult",
        *([tag("EncodingType", "url")] if "encoding-type" in query else []),
        tag("Name", call.bucket.name),
        tag("Prefix", encode(prefix)),
        tag("KeyMarker", encode(marker)),
        tag("VersionIdMarker", after[1]),
        tag("MaxKeys", limit),
        tag("IsTruncated", str(page.truncated).lower()),
        *(following if page.truncated else []),
        *([tag("Delimiter", encode(delimiter))] if delimiter else []),
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
        *(_version(call, each, encode) for each in page.versions),
    )
    return xml_answer(result)


def _version(call: Call, version: Version, encode: Callable[[str], str]) -> Xml:
    told = [tag("VersionId", version.shown_id), tag("IsLatest", str(version.latest).lower())]
    described = _described(call, version.item, encode)
    if version.item.delete_marker:
        kept = [each for each in described if each.startswith(("<Key", "<LastModified", "<Owner"))]
        return tag("DeleteMarker", *kept, *told)
    return tag("Version", *described, *told)


def _contents(call: Call, item: StoredObject, encode: Callable[[str], str]) -> Xml:
    restored = []
    if item.archived and item.restore_ready_at is not None:
        restored = [tag("RestoreStatus", "DONE" if call.objects.readable(item) else "ONGOING")]
    return tag("Contents", *_described(call, item, encode), *restored)


def _described(call: Call, item: StoredObject, encode: Callable[[str], str]) -> list[Xml]:
    app_id = call.bucket.name.rpartition("-")[2]
    return [
        tag("Key", encode(item.key)),
        tag("LastModified", timestamp(item.last_modified)),
        tag("ETag", f'"{item.etag}"'),
        tag("Size", item.size_bytes),
        tag("Owner", tag("ID", app_id), tag("DisplayName", app_id)),
        tag("StorageClass", item.storage_class),
    ]


def delete_objects(call: Call) -> Response:
    """DELETE Multiple Objects: up to 1000 keys; absent ones count as deleted."""
    check_md5(call.header("Content-MD5"), call.request.body)
    wanted = body_document(call, "Delete")
    asked = [(each.get("Key") or _raw_key(each), each.get("VersionId")) for each in wanted.all("Object")]
    if not asked or len(asked) > MAX_KEYS or "" in [key for key, _ in asked]:
        raise CosError("MalformedXML")
    gone = [_gone(key, version_id, deleted(call, key, version_id)) for key, version_id in asked]
    return xml_answer(tag("DeleteResult", *([] if wanted.get("Quiet").lower() == "true" else gone)))


def _gone(key: str, version_id: str, marker: StoredObject | None) -> Xml:
    asked = [tag("VersionId", version_id)] if version_id else []
    marked = [tag("DeleteMarker", "true"), tag("DeleteMarkerVersionId", marker.version_id or "null")] if marker else []
    return tag("Deleted", tag("Key", key), *asked, *(marked if marker and marker.delete_marker else []))


def _raw_key(element: Element) -> str:
    """A key of nothing but blanks, which `get` would strip."""
    return next((each.text for each in element.all("Key")), "")
