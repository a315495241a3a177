"""OSS's multipart uploads: begin, part, part copy, list, complete, abort (alibaba.md 7.1)."""

from __future__ import annotations

import re

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.oss_buckets import body_document, encoder, encoding, xml_answer
from imgmove.sandbox.wire.oss_call import Call
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.wire.oss_objects import copy_source
from imgmove.sandbox.wire.oss_properties import (
    MAX_BODY_BYTES,
    check_body,
    check_key,
    check_md5,
    checksum_headers,
    encryption_headers,
    forbids_overwrite,
    properties,
)
from imgmove.sandbox.wire.store_xml import Xml, document, tag, timestamp
from imgmove.sandbox.world.object_records import Part
from imgmove.sandbox.world.objects import Checksums

MIN_PART_BYTES = 100 << 10
"""Of every part but the last, looked at on completion."""
MAX_PARTS = 10_000
PAGE = 1000
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")


def initiate(call: Call) -> Response:
    """InitiateMultipartUpload."""
    check_key(call.place.key)
    encode = encoder(call)
    if forbids_overwrite(call) and call.item():
        raise OssError("FileAlreadyExists")
    upload = call.objects.uploads.begin(call.bucket, call.place.key, properties(call), owner=call.account)
    result = tag(
        "InitiateMultipartUploadResult",
        *encoding(call),
        tag("Bucket", call.bucket.name),
        tag("Key", encode(upload.key)),
        tag("UploadId", upload.upload_id),
    )
    headers = [("Content-Type", "application/xml"), *encryption_headers(upload.properties)]
    return Response(200, headers, document(result))


def upload_part(call: Call) -> Response:
    """UploadPart: a second one of the same number replaces the first."""
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
    return Response(200, [("ETag", f'"{part.etag}"'), ("x-oss-hash-crc64ecma", str(part.crc64))])


def upload_part_copy(call: Call) -> Response:
    """UploadPartCopy. Its answer has no CRC-64 (alibaba.md 7.2)."""
    number = _part_number(call)
    _, source = copy_source(call)
    offset, length = _copy_range(call.header("x-oss-copy-source-range"), source.size_bytes)
    if length > MAX_BODY_BYTES:
        raise OssError("EntityTooLarge")
    part = call.objects.uploads.copy_part(
        call.bucket, call.place.key, call.query["uploadId"], number, source, offset, length
    )
    etag = f'"{part.etag}"'
    result = tag("CopyPartResult", tag("LastModified", timestamp(part.last_modified)), tag("ETag", etag))
    return Response(200, [("Content-Type", "application/xml"), ("ETag", etag)], document(result))


def list_parts(call: Call) -> Response:
    """ListParts."""
    encode = encoder(call)
    limit = call.number("max-parts", PAGE, 1, PAGE)
    after = call.number("part-number-marker", 0, 0, MAX_PARTS)
    upload = call.objects.uploads.upload(call.bucket, call.place.key, call.query["uploadId"])
    page = call.objects.uploads.list_parts(call.bucket, upload.key, upload.upload_id, after, limit)
    result = tag(
        "ListPartsResult",
        *encoding(call),
        tag("Bucket", call.bucket.name),
        tag("Key", encode(upload.key)),
        tag("UploadId", upload.upload_id),
        tag("StorageClass", upload.properties.storage_class or call.bucket.storage_class),
        tag("PartNumberMarker", after),
        tag("NextPartNumberMarker", page.next_number),
        tag("MaxParts", limit),
        tag("IsTruncated", str(page.truncated).lower()),
        *map(_part, page.items),
    )
    return xml_answer(result)


def _part(part: Part) -> Xml:
    return tag(
        "Part",
        tag("PartNumber", part.number),
        tag("LastModified", timestamp(part.last_modified)),
        tag("ETag", f'"{part.etag}"'),
        tag("HashCrc64ecma", part.crc64),
        tag("Size", part.size_bytes),
    )


def list_uploads(call: Call) -> Response:
    """ListMultipartUploads."""
    encode = encoder(call)
    query, limit = call.query, call.number("max-uploads", PAGE, 1, PAGE)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    key_marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    page = call.objects.uploads.list_uploads(call.bucket, prefix, delimiter, key_marker, id_marker, limit)
    uploads = (
        tag(
            "Upload",
            tag("Key", encode(upload.key)),
            tag("UploadId", upload.upload_id),
            tag("StorageClass", upload.properties.storage_class or call.bucket.storage_class),
            tag("Initiated", timestamp(upload.initiated)),
        )
        for upload in page.items
    )
    result = tag(
        "ListMultipartUploadsResult",
        *encoding(call),
        tag("Bucket", call.bucket.name),
        tag("KeyMarker", encode(key_marker)),
        tag("UploadIdMarker", id_marker),
        tag("NextKeyMarker", encode(page.next_key)),
        tag("NextUploadIdMarker", page.next_upload_id),
        tag("Delimiter", encode(delimiter)),
        tag("Prefix", encode(prefix)),
        tag("MaxUploads", limit),
        tag("IsTruncated", str(page.truncated).lower()),
        *uploads,
        *(tag("CommonPrefixes", tag("Prefix", encode(each))) for each in page.prefixes),
    )
    return xml_answer(result)


def complete(call: Call) -> Response:
    """CompleteMultipartUpload: of the parts that the document lists, or of all with `x-oss-complete-all: yes`."""
    call.objects.uploads.upload(call.bucket, call.place.key, call.query["uploadId"])
    check_md5(call)
    encode = encoder(call)
    item = call.objects.uploads.complete(
        call.bucket,
        call.place.key,
        call.query["uploadId"],
        _wanted(call),
        minimum_part_bytes=MIN_PART_BYTES,
        forbid_overwrite=forbids_overwrite(call),
    )
    host = f"{call.bucket.name}.oss-{call.bucket.region}.aliyuncs.com"
    result = tag(
        "CompleteMultipartUploadResult",
        *encoding(call),
        tag("Location", f"http://{host}/{encode(item.key)}"),
        tag("Bucket", call.bucket.name),
        tag("Key", encode(item.key)),
        tag("ETag", f'"{item.etag}"'),
    )
    return Response(200, [("Content-Type", "application/xml"), *checksum_headers(item)], document(result))


def abort(call: Call) -> Response:
    """AbortMultipartUpload."""
    call.objects.uploads.abort(call.bucket, call.place.key, call.query["uploadId"])
    return Response(204, [])


def _wanted(call: Call) -> list[tuple[int, str]] | None:
    """The parts to complete with; None for all there are."""
    if call.header("x-oss-complete-all").lower() == "yes":
        if call.request.body.size_bytes:
            raise invalid_argument("x-oss-complete-all", "yes", "There must be no list of parts beside it.")
        return None
    wanted = []
    for part in body_document(call, "CompleteMultipartUpload").all("Part"):
        number, etag = natural(part.get("PartNumber")), part.get("ETag")
        if number is None or not etag:
            raise OssError("MalformedXML")
        wanted.append((number, etag))
    return wanted


def _part_number(call: Call) -> int:
    text = call.query["partNumber"]
    number = natural(text)
    if number is None or not 1 <= number <= MAX_PARTS:
        error = invalid_argument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive.")
        error.ec = "0017-00000220"
        raise error
    return number


def _copy_range(header: str, size_bytes: int) -> tuple[int, int]:
    """The source's range as (offset, length): one that reaches outside counts as none, as in GetObject."""
    match = _RANGE.fullmatch(header)
    if match is None or int(match[2]) >= size_bytes or int(match[2]) < int(match[1]):
        return 0, size_bytes
    return int(match[1]), int(match[2]) - int(match[1]) + 1
