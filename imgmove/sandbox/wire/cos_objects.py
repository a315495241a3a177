"""COS's operations on single objects: put, get, head, delete, copy, restore."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from imgmove.sandbox.http import FileSlice, Response
from imgmove.sandbox.wire.cos_call import VENDOR, Call, Need, allowed
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_hosts import Place, place_of
from imgmove.sandbox.wire.cos_properties import (
    acl,
    check_body,
    check_key,
    check_traffic_limit,
    checksum_headers,
    forbids_overwrite,
    grants,
    object_headers,
    properties,
    storage_class,
    version_headers,
)
from imgmove.sandbox.wire.http_conditions import UnsatisfiableError, byte_range, failed_precondition, fit_for_header
from imgmove.sandbox.wire.store_xml import XmlError, document, parse_body, tag, timestamp
from imgmove.sandbox.world.object_records import Bucket, Properties, StoredObject
from imgmove.sandbox.world.objects import Checksums

MAX_COPY_BYTES = 5 << 30
OVERRIDES = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
RESTORE_SECONDS = {
    ("ARCHIVE", "Expedited"): 5 * 60,
    ("ARCHIVE", "Standard"): 5 * 3600,
    ("ARCHIVE", "Bulk"): 12 * 3600,
    ("DEEP_ARCHIVE", "Standard"): 24 * 3600,
    ("DEEP_ARCHIVE", "Bulk"): 48 * 3600,
}
"""How long a restore takes at most, in the sandbox's time, from the vendor's page POST Object restore."""


def put_object(call: Call) -> Response:
    """PUT Object."""
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
    """GET Object, whole or a single range."""
    item = readable(call)
    check_traffic_limit(call)
    failed = failed_precondition(call.request.headers, "", item.etag, item.last_modified)
    if failed == 412:
        raise CosError("PreconditionFailed")
    headers = _overridden(call, object_headers(item))
    if failed == 304:
        return Response(304, headers)
    asked = _range(call.header("Range"), item)
    if asked is None:
        return Response(200, headers, FileSlice(call.objects.path(item), 0, item.size_bytes))
    offset, length = asked
    headers.append(("Content-Range", f"bytes {offset}-{offset + length - 1}/{item.size_bytes}"))
    return Response(206, headers, FileSlice(call.objects.path(item), offset, length))


def head_object(call: Call) -> Response:
    """HEAD Object: also of archived ones."""
    item = existing(call)
    failed = failed_precondition(call.request.headers, "", item.etag, item.last_modified)
    if failed == 412:
        raise CosError("PreconditionFailed")
    headers = [*object_headers(item), ("x-cos-object-type", "normal")]
    if failed == 304:
        return Response(304, headers)
    if item.archived and item.restore_ready_at is not None:
        ongoing = "false" if call.objects.readable(item) else "true"
        headers.append(("x-cos-restore", f'ongoing-request="{ongoing}"'))
    return Response(200, headers, FileSlice(call.objects.path(item), 0, item.size_bytes))


def delete_object(call: Call) -> Response:
    """DELETE Object: 204 whether there was one or not."""
    return Response(204, version_headers(deleted(call, call.place.key, call.query.get("versionId", ""))))


def deleted(call: Call, key: str, version_id: str) -> StoredObject | None:
    """Deletes a version for good, or a key; what was removed or marks the deletion, None where nothing does."""
    with call.world.lock:
        if version_id:
            return call.objects.versions.remove(call.bucket, key, version_id)
        call.objects.delete(call.bucket, key)
        return call.objects.versions.marker(call.bucket, key)


def copy_object(call: Call) -> Response:
    """PUT Object - Copy."""
    check_key(call.place.key)
    bucket, source = copy_source(call)
    if source.size_bytes > MAX_COPY_BYTES:
        raise CosError("InvalidRequest", "The specified copy source is larger than the maximum allowable size.")
    replaced = call.header("x-cos-metadata-directive", "Copy").lower() == "replaced"
    if not replaced and (bucket, source.key) == (call.bucket, call.place.key) and not _changes(call):
        raise CosError("InvalidRequest", "An object can not be copied onto itself without changing anything.")
    described = properties(call) if replaced else _kept(call, source.properties)
    item = call.objects.copy(
        source,
        call.bucket,
        call.place.key,
        described,
        forbid_overwrite=forbids_overwrite(call),
        owner=call.account,
    )
    crc = [tag("CRC64", item.crc64)] if item.crc64 is not None else []
    result = tag(
        "CopyObjectResult", tag("ETag", f'"{item.etag}"'), *crc, tag("LastModified", timestamp(item.last_modified))
    )
    return Response(200, [("Content-Type", "application/xml"), *checksum_headers(item)[1:]], document(result))


def restore_object(call: Call) -> Response:
    """POST Object restore: readable again after some of the sandbox's time."""
    item = existing(call)
    if not item.archived:
        raise CosError("RestoreNonArchiveObject")
    if call.objects.readable(item):
        return Response(200, [])
    if item.restore_ready_at is not None:
        raise CosError("RestoreAlreadyInProgress")
    try:
        request = parse_body(call.request.body, "RestoreRequest")
    except XmlError as error:
        raise CosError("MalformedXML") from error
    tier = request.get("CASJobParameters/Tier", "Standard")
    seconds = RESTORE_SECONDS.get((item.storage_class, tier))
    if seconds is None or not request.get("Days").isdecimal():
        raise CosError("MalformedXML")
    call.objects.restore(item, seconds)
    return Response(202, [])


def existing(call: Call) -> StoredObject:
    """The object of the call. Raises CosError NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker."""
    item = call.item()
    if item is not None and not item.delete_marker:
        return item
    if call.query.get("versionId"):
        raise CosError("MethodNotAllowed" if item else "NoSuchVersion")
    error = CosError("NoSuchKey")
    with call.world.lock:
        marker = call.objects.versions.marker(call.bucket, call.place.key)
    error.headers += version_headers(marker) if marker else []
    raise error


def readable(call: Call) -> StoredObject:
    """The object of the call, if its bytes can be had. Raises CosError NoSuchKey, InvalidObjectState."""
    item = existing(call)
    if not call.objects.readable(item):
        raise CosError("InvalidObjectState")
    return item


def copy_source(call: Call) -> tuple[Bucket, StoredObject]:
    """What `x-cos-copy-source` names, `<bucket-appid>.cos.<region>.myqcloud.com/<key>`, with its preconditions.

    Raises CosError.
    """
    text, _, version = call.header("x-cos-copy-source").partition("?versionId=")
    place = _source_place(call, text.removeprefix("http://").removeprefix("https://").removeprefix("/"))
    if not place.bucket or not place.key:
        raise CosError("InvalidCopySource")
    bucket = call.objects.bucket(VENDOR, place.bucket)
    if bucket is None or (place.region and place.region != bucket.region):
        raise CosError("NoSuchBucket")
    item = source_version(call, bucket, place.key, version)
    if not allowed(call, "GetObject", Need.READ_OBJECT, bucket, place.key, item):
        raise CosError("AccessDenied")
    if item is None:
        raise CosError("NoSuchKey")
    if not call.objects.readable(item):
        raise CosError("InvalidObjectState")
    if failed_precondition(call.request.headers, "x-cos-copy-source-", item.etag, item.last_modified):
        raise CosError("PreconditionFailed")
    return bucket, item


def _source_place(call: Call, text: str) -> Place:
    """The place that a copy source names; behind a host that is not the vendor's, by what bucket there is."""
    host, _, path = text.partition("/")
    place = place_of(host, "/" + path)
    if not place.in_path:
        return place
    candidates = (place_of("", "/" + text), place, Place(host.partition(".")[0], unquote(path)))
    return next((each for each in candidates if call.objects.bucket(VENDOR, each.bucket)), place)


def source_version(call: Call, bucket: Bucket, key: str, version_id: str) -> StoredObject | None:
    """What is to be copied: an object, or the version of it that is named."""
    with call.world.lock:
        found = call.objects.versions.find(bucket, key, version_id) if version_id else call.objects.head(bucket, key)
    return None if found is not None and found.delete_marker else found


def _range(header: str, item: StoredObject) -> tuple[int, int] | None:
    if not header:
        return None
    try:
        return byte_range(header, item.size_bytes)
    except UnsatisfiableError:
        raise _invalid_range(item) from None


def _invalid_range(item: StoredObject) -> CosError:
    error = CosError("InvalidRange")
    error.headers.append(("Content-Range", f"bytes */{item.size_bytes}"))
    return error


def _overridden(call: Call, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with those replaced that `response-*` parameters set."""
    wanted = {header: call.query[name] for name, header in OVERRIDES.items() if name in call.query}
    if not all(map(fit_for_header, wanted.values())):
        raise CosError("InvalidArgument", "A response-* parameter is not fit for a header.")
    return [(name, value) for name, value in headers if name not in wanted] + list(wanted.items())


def _changes(call: Call) -> bool:
    named = ("x-cos-storage-class", "x-cos-acl", "x-cos-server-side-encryption")
    return any(call.header(name) for name in named) or bool(grants(call))


def _kept(call: Call, source: Properties) -> Properties:
    """The source's properties; class, ACL and encryption are never copied."""
    asked = properties(call)
    return replace(
        source, storage_class=storage_class(call), acl=acl(call), grants=grants(call), encryption=asked.encryption
    )
