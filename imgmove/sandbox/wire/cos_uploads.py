"""COS's multipart uploads: begin, part, part copy, list, complete, abort."""

from __future__ import annotations

import re

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.cos_acl import owner
from imgmove.sandbox.wire.cos_buckets import body_document, encoder, xml_answer
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_objects import copy_source
from imgmove.sandbox.wire.cos_properties import (
    MAX_BODY_BYTES,
    check_body,
    check_key,
    check_md5,
    checksum_headers,
    encryption_headers,
    forbids_overwrite,
    properties,
)
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.store_xml import document, tag, timestamp
from imgmove.sandbox.world.object_records import Part
from imgmove.sandbox.world.objects import Checksums

MIN_PART_BYTES = 1 << 20
"""Of every part but the last, looked at on completion (tencent.md 6)."""
MAX_PARTS = 10_000
PAGE = 1000
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")


def initiate(call: Call) -> Response:
    """Initiate Multipart Upload."""
    check_key(call.place.key)
    upload = call.objects.uploads.begin(call.bucket, call.place.key, properties(call), owner=call.account)
    result = tag(
        "InitiateMultipartUploadResult",
        tag("Bucket", call.bucket.name),
        tag("Key", upload.key),
        tag("UploadId", upload.upload_id),
    )
    headers = [("Content-Type", "application/xml"), *encryption_headers(upload.properties)]
    return Response(200, headers, document(result))


def upload_part(call: Call) -> Response:
    """Upload Part: a second one of the same number replaces the first."""
    number = _part_number(call)
    call.objects.uploads.upload(call.bucket, call.place.key, call.query["uploadId"])
    check_body(call)
    body = call.request.body
    part = call.objects.uploads.put_part(
        call.bucket,
        call.place.key,
        call.query["uploadId"],
        number,
        body.path or body.read(),
        move=True,
        checksums=Checksums(body.md5, body.crc64),
    )
    return Response(200, [("ETag", f'"{part.etag}"'), ("x-cos-hash-crc64ecma", str(part.crc64))])


def upload_part_copy(call: Call) -> Response:
    """Upload Part - Copy."""
    number = _part_number(call)
    _, source = copy_source(call)
    offset, length = _copy_range(call.header("x-cos-copy-source-range"), source.size_bytes)
    if length > MAX_BODY_BYTES:
        raise CosError("EntityTooLarge")
    part = call.objects.uploads.copy_part(
        call.bucket, call.place.key, call.query["uploadId"], number, source, offset, length
    )
    result = tag(
        "CopyPartResult",
        tag("ETag", f'"{part.etag}"'),
        tag("CRC64", part.crc64),
        tag("LastModified", timestamp(part.last_modified)),
    )
    headers = [("Content-Type", "application/xml"), ("x-cos-hash-crc64ecma", str(part.crc64))]
    return Response(200, headers, document(result))


def list_parts(call: Call) -> Response:
    """List Parts."""
    encode = encoder(call)
    limit = call.number("max-parts", PAGE, 1, PAGE)
    after = call.number("part-number-marker", 0, 0, MAX_PARTS)
    upload = call.objects.uploads.upload(call.bucket, call.place.key, call.query["uploadId"])
    page = call.objects.uploads.list_parts(call.bucket, upload.key, upload.upload_id, after, limit)
    result = tag(
        "ListPartsResult",
        tag("Bucket", call.bucket.name),
        tag("EncodingType", call.query.get("encoding-type", "")),
        tag("Key", encode(upload.key)),
        tag("UploadId", upload.upload_id),
        owner(upload.owner, "Initiator"),
        owner(call.bucket.owner),
        tag("PartNumberMarker", after),
        *map(_part, page.items),
        *([tag("NextPartNumberMarker", page.next_number)] if page.truncated else []),
        tag("StorageClass", upload.properties.storage_class or "STANDARD"),
        tag("MaxParts", limit),
        tag("IsTruncated", str(page.truncated).lower()),
    )
    return xml_answer(result)


def _part(part: Part) -> str:
    return tag(
        "Part",
        tag("PartNumber", part.number),
        tag("LastModified", timestamp(part.last_modified)),
        tag("ETag", f'"{part.etag}"'),
        tag("Size", part.size_bytes),
    )


def list_uploads(call: Call) -> Response:
    """List Multipart Uploads."""
    encode = encoder(call)
    query, limit = call.query, call.number("max-uploads", PAGE, 1, PAGE)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    key_marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    page = call.objects.uploads.list_uploads(call.bucket, prefix, delimiter, key_marker, id_marker, limit)
    following = [
        tag("NextKeyMarker", encode(page.next_key)),
        tag("NextUploadIdMarker", page.next_upload_id),
    ]
    uploads = (
        tag(
            "Upload",
            tag("Key", encode(upload.key)),
            tag("UploadId", upload.upload_id),
            owner(upload.owner, "Initiator"),
            owner(call.bucket.owner),
            tag("Initiated", timestamp(upload.initiated)),
            tag("StorageClass", upload.properties.storage_class or "STANDARD"),
        )
        for upload in page.items
    )
    result = tag(
        "ListMultipartUploadsResult",
        tag("Bucket", call.bucket.name),
        tag("EncodingType", query.get("encoding-type", "")),
        tag("KeyMarker", encode(key_marker)),
        tag("UploadIdMarker", id_marker),
        *(following if page.truncated else []),
        tag("MaxUploads", limit),
        tag("IsTruncated", str(page.truncated).lower()),
        tag("Prefix", encode(prefix)),
        tag("Delimiter", encode(delimiter)),
        *uploads,
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
    )
    return xml_answer(result)


def complete(call: Call) -> Response:
    """Complete Multipart Upload: of exactly the parts that the document lists."""
    call.objects.uploads.upload(call.bucket, call.place.key, call.query["uploadId"])
    check_md5(call.header("Content-MD5"), call.request.body)
    item = call.objects.uploads.complete(
        call.bucket,
        call.place.key,
        call.query["uploadId"],
        _wanted(call),
        minimum_part_bytes=MIN_PART_BYTES,
        forbid_overwrite=forbids_overwrite(call),
    )
    host = f"{call.bucket.name}.cos.{call.bucket.region}.myqcloud.com"
    result = tag(
        "CompleteMultipartUploadResult",
        tag("Location", f"http://{host}/{item.key}"),
        tag("Bucket", call.bucket.name),
        tag("Key", item.key),
        tag("ETag", f'"{item.etag}"'),
    )
    headers = [("Content-Type", "application/xml"), *checksum_headers(item)[1:]]
    return Response(200, headers, document(result))


def abort(call: Call) -> Response:
    """Abort Multipart Upload."""
    call.objects.uploads.abort(call.bucket, call.place.key, call.query["uploadId"])
    return Response(204, [])


def _wanted(call: Call) -> list[tuple[int, str]]:
    wanted = []
    for part in body_document(call, "CompleteMultipartUpload").all("Part"):
        number, etag = natural(part.get("PartNumber")), part.get("ETag")
        if number is None or not etag:
            raise CosError("MalformedXML")
        wanted.append((number, etag))
    return wanted


def _part_number(call: Call) -> int:
    text = call.query["partNumber"]
    number = natural(text)
    if number is None or not 1 <= number <= MAX_PARTS:
        raise CosError("InvalidArgument", f"PartNumber must be an integer between 1 and {MAX_PARTS}, inclusive.")
    return number


def _copy_range(header: str, size_bytes: int) -> tuple[int, int]:
    """The source's range as (offset, length): has to lie inside it. Raises CosError InvalidRange, InvalidArgument."""
    if not header:
        return 0, size_bytes
    match = _RANGE.fullmatch(header)
    if match is None or int(match[2]) < int(match[1]):
        raise CosError("InvalidArgument", "The x-cos-copy-source-range is invalid.")
    if int(match[2]) >= size_bytes:
        raise CosError("InvalidRange")
    return int(match[1]), int(match[2]) - int(match[1]) + 1
