"""OSS's operations on single objects: put, get, head, delete, copy, restore, ACL."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from imgmove.sandbox.http import FileSlice, Response
from imgmove.sandbox.wire.http_conditions import (
    UnsatisfiableError,
    byte_range,
    failed_precondition,
    fit_for_header,
    reaches_outside,
)
from imgmove.sandbox.wire.oss_call import VENDOR, Call, Need, allowed
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.wire.oss_properties import (
    OBJECT_ACLS,
    check_body,
    check_key,
    check_traffic_limit,
    checksum_headers,
    forbids_overwrite,
    object_acl,
    object_headers,
    properties,
    storage_class,
    version_headers,
)
from imgmove.sandbox.wire.store_xml import XmlError, document, parse_body, tag, timestamp
from imgmove.sandbox.world.object_records import Bucket, Properties, StoredObject
from imgmove.sandbox.world.objects import Checksums

MAX_COPY_BYTES = 1 << 30
"""Above, parts have to be copied (alibaba.md 7.1)."""
OVERRIDES = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
RESTORE_SECONDS = {
    ("Archive", "Standard"): 60,
    ("ColdArchive", "Expedited"): 3600,
    ("ColdArchive", "Standard"): 5 * 3600,
    ("ColdArchive", "Bulk"): 12 * 3600,
    ("DeepColdArchive", "Expedited"): 12 * 3600,
    ("DeepColdArchive", "Standard"): 48 * 3600,
}
"""How long a restore takes at most, in the sandbox's time."""


def put_object(call: Call) -> Response:
    """PutObject."""
    check_key(call.place.key)
    check_body(call)
    body = call.request.body
    item = call.objects.put(
        call.bucket,
        call.place.key,
        body.path or body.read(),
        properties(call),
        move=True,
        checksums=Checksums(body.md5, body.crc64),
        forbid_overwrite=forbids_overwrite(call),
        owner=call.account,
    )
    return Response(200, checksum_headers(item))


def get_object(call: Call) -> Response:
    """GetObject, whole or a single range."""
    item = existing(call)
    if not call.objects.readable(item):
        raise OssError("InvalidObjectState")
    check_traffic_limit(call)
    if "x-oss-process" in call.query:
        raise OssError("NotImplemented")
    not_modified = _check_preconditions(call, item)
    headers = _overridden(call, object_headers(item))
    if not_modified:
        return Response(304, headers)
    asked = _range(call, item)
    path = call.objects.path(item)
    if asked is None:
        return Response(200, headers, FileSlice(path, 0, item.size_bytes))
    offset, length = asked
    headers = [(name, value) for name, value in headers if name != "Content-MD5"]
    headers.append(("Content-Range", f"bytes {offset}-{offset + length - 1}/{item.size_bytes}"))
    return Response(206, headers, FileSlice(path, offset, length))


def head_object(call: Call) -> Response:
    """HeadObject and GetObjectMeta: also of archived objects."""
    item = existing(call)
    headers = object_headers(item)
    if _check_preconditions(call, item):
        return Response(304, headers)
    if item.archived and item.restore_ready_at is not None:
        ongoing = "false" if call.objects.readable(item) else "true"
        headers.append(("x-oss-restore", f'ongoing-request="{ongoing}"'))
    return Response(200, headers, FileSlice(call.objects.path(item), 0, item.size_bytes))


def delete_object(call: Call) -> Response:
    """DeleteObject: 204 whether there was one or not."""
    return Response(204, version_headers(deleted(call, call.place.key, call.query.get("versionId", ""))))


def deleted(call: Call, key: str, version_id: str) -> StoredObject | None:
    """Deletes a version for good, or a key; what was removed or marks the deletion, None where nothing does."""
    with call.world.lock:
        if version_id:
            return call.objects.versions.remove(call.bucket, key, version_id)
        call.objects.delete(call.bucket, key)
        return call.objects.versions.marker(call.bucket, key)


def copy_object(call: Call) -> Response:
    """CopyObject: up to 1 GB, inside one region."""
    check_key(call.place.key)
    _, source = copy_source(call)
    if source.size_bytes > MAX_COPY_BYTES:
        raise OssError("EntityTooLarge", "The object is larger than 1 GB; copy it in parts.")
    replaced = call.header("x-oss-metadata-directive", "COPY").upper() == "REPLACE"
    described = properties(call) if replaced else _kept(call, source.properties)
    item = call.objects.copy(
        source,
        call.bucket,
        call.place.key,
        described,
        forbid_overwrite=forbids_overwrite(call),
        owner=call.account,
    )
    result = tag("CopyObjectResult", tag("ETag", f'"{item.etag}"'), tag("LastModified", timestamp(item.last_modified)))
    headers = [each for each in checksum_headers(item) if each[0] != "Content-MD5"]
    return Response(200, [("Content-Type", "application/xml"), *headers], document(result))


def restore_object(call: Call) -> Response:
    """RestoreObject: readable again after some of the sandbox's time."""
    item = existing(call)
    if not item.archived:
        raise OssError("OperationNotSupported")
    if call.objects.readable(item):
        return Response(200, [])
    if item.restore_ready_at is not None:
        raise OssError("RestoreAlreadyInProgress")
    tier = "Standard"
    if call.request.body.size_bytes:
        try:
            tier = parse_body(call.request.body, "RestoreRequest").get("JobParameters/Tier", tier)
        except XmlError as error:
            raise OssError("MalformedXML") from error
    seconds = RESTORE_SECONDS.get((item.storage_class, tier))
    if seconds is None:
        raise OssError("MalformedXML")
    call.objects.restore(item, seconds)
    return Response(202, [])


def get_acl(call: Call) -> Response:
    """GetObjectACL."""
    item = existing(call)
    owner = item.owner or call.bucket.owner
    result = tag(
        "AccessControlPolicy",
        tag("Owner", tag("ID", owner), tag("DisplayName", owner)),
        tag("AccessControlList", tag("Grant", item.properties.acl)),
    )
    return Response(200, [("Content-Type", "application/xml")], document(result))


def put_acl(call: Call) -> Response:
    """PutObjectACL."""
    asked = call.header("x-oss-object-acl")
    if asked not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", asked)
    item = existing(call)
    with call.world.lock:
        item.properties.acl = asked
        call.world.changed()
    return Response(200, [])


def existing(call: Call) -> StoredObject:
    """The object of the call. Raises OssError NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker."""
    item = call.item()
    if item is not None and not item.delete_marker:
        return item
    if call.query.get("versionId"):
        raise OssError("MethodNotAllowed" if item else "NoSuchVersion")
    error = OssError("NoSuchKey", Key=call.place.key)
    with call.world.lock:
        marker = call.objects.versions.marker(call.bucket, call.place.key)
    error.headers += version_headers(marker) if marker else []
    raise error


def copy_source(call: Call) -> tuple[Bucket, StoredObject]:
    """What `x-oss-copy-source: /bucket/key` names, with its preconditions. Raises OssError."""
    text, _, version = call.header("x-oss-copy-source").partition("?versionId=")
    name, _, key = unquote(text).removeprefix("/").partition("/")
    if not name or not key:
        raise invalid_argument("x-oss-copy-source", text)
    bucket = call.objects.bucket(VENDOR, name)
    if bucket is None:
        raise OssError("NoSuchBucket", BucketName=name)
    item = source_version(call, bucket, key, version)
    if not allowed(call, "GetObject", Need.READ_OBJECT, bucket, key, item):
        raise OssError("AccessDenied")
    if bucket.region != call.bucket.region:
        raise OssError("AccessDenied", "Target object does not reside in the same data center as source object.")
    if item is None:
        raise OssError("NoSuchKey", Key=key)
    if not call.objects.readable(item):
        raise OssError("InvalidObjectState")
    if failed_precondition(call.request.headers, "x-oss-copy-source-", item.etag, item.last_modified):
        raise OssError("PreconditionFailed")
    return bucket, item


def _check_preconditions(call: Call, item: StoredObject) -> bool:
    """True where the answer is 304. Raises OssError PreconditionFailed."""
    failed = failed_precondition(call.request.headers, "", item.etag, item.last_modified)
    if failed == 412:
        raise OssError("PreconditionFailed")
    return failed == 304


def source_version(call: Call, bucket: Bucket, key: str, version_id: str) -> StoredObject | None:
    """What is to be copied: an object, or the version of it that is named."""
    with call.world.lock:
        found = call.objects.versions.find(bucket, key, version_id) if version_id else call.objects.head(bucket, key)
    return None if found is not None and found.delete_marker else found


def _range(call: Call, item: StoredObject) -> tuple[int, int] | None:
    """The range to answer with, None for the whole object.

    A range that reaches outside is ignored unless `x-oss-range-behavior: standard` is sent (alibaba.md 7.3).
    """
    header = call.header("Range")
    if not header:
        return None
    standard = call.header("x-oss-range-behavior").lower() == "standard"
    if not standard and reaches_outside(header, item.size_bytes):
        return None
    try:
        return byte_range(header, item.size_bytes)
    except UnsatisfiableError:
        error = OssError("InvalidRange", ActualObjectSize=str(item.size_bytes), RangeRequested=header)
        error.headers.append(("Content-Range", f"bytes */{item.size_bytes}"))
        raise error from None


def _overridden(call: Call, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with those replaced that `response-*` parameters set, which an anonymous caller may not."""
    wanted = {header: call.query[name] for name, header in OVERRIDES.items() if name in call.query}
    if wanted and call.identity.key is None:
        raise OssError("InvalidRequest", "Anonymous requests may not override response headers.")
    if not all(map(fit_for_header, wanted.values())):
        raise OssError("InvalidArgument", "A response-* parameter is not fit for a header.")
    return [(name, value) for name, value in headers if name not in wanted] + list(wanted.items())


def _kept(call: Call, source: Properties) -> Properties:
    """The source's properties; class, ACL and encryption are never copied."""
    asked = properties(call)
    return replace(source, storage_class=storage_class(call), acl=object_acl(call), encryption=asked.encryption)
