"""OSS's XML: what its lists and answers say, and the body that completes an upload."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from imgmove.clouds.alibaba.answers import unix_time, xml_text
from imgmove.core.ports import BucketInfo, ObjectInfo, PartInfo, UploadInfo

Element = ElementTree.Element


@dataclass(frozen=True)
class Page:
    """How a list goes on: the query of the next page, None at its end."""

    next_query: dict[str, str] | None


def objects(root: Element) -> Iterator[ObjectInfo]:
    """The objects of a page, of version 1 or 2 of the list."""
    for entry in root.findall("Contents"):
        yield ObjectInfo(
            key=_name(root, xml_text(entry, "Key")),
            size_bytes=_int(xml_text(entry, "Size")) or 0,
            etag=etag(xml_text(entry, "ETag")),
            last_modified=unix_time(xml_text(entry, "LastModified")) or 0.0,
            storage_class=xml_text(entry, "StorageClass"),
        )


def next_objects(root: Element) -> Page:
    """Version 2 goes on by a token, version 1 by a marker; where neither is given, the last key is the marker."""
    if not _is_truncated(root):
        return Page(None)
    token = xml_text(root, "NextContinuationToken")
    if token:
        return Page({"continuation-token": _name(root, token)})
    marker = _name(root, xml_text(root, "NextMarker")) or max((found.key for found in objects(root)), default="")
    return Page({"marker": marker} if marker else None)


def parts(root: Element) -> Iterator[PartInfo]:
    for entry in root.findall("Part"):
        yield PartInfo(
            number=_int(xml_text(entry, "PartNumber")) or 0,
            size_bytes=_int(xml_text(entry, "Size")) or 0,
            etag=etag(xml_text(entry, "ETag")),
            crc64=_int(xml_text(entry, "HashCrc64ecma")),
        )


def next_parts(root: Element) -> Page:
    marker = xml_text(root, "NextPartNumberMarker")
    return Page({"part-number-marker": marker} if _is_truncated(root) and marker else None)


def uploads(root: Element) -> Iterator[UploadInfo]:
    for entry in root.findall("Upload"):
        yield UploadInfo(
            upload_id=xml_text(entry, "UploadId"),
            key=_name(root, xml_text(entry, "Key")),
            initiated=unix_time(xml_text(entry, "Initiated")) or 0.0,
        )


def next_uploads(root: Element) -> Page:
    key, upload_id = _name(root, xml_text(root, "NextKeyMarker")), xml_text(root, "NextUploadIdMarker")
    return Page({"key-marker": key, "upload-id-marker": upload_id} if _is_truncated(root) and key else None)


def bucket_info(root: Element, name: str) -> BucketInfo:
    """`GetBucketInfo`: region, class, and whether the bucket encrypts by itself."""
    algorithm = root.find("Bucket/ServerSideEncryptionRule/SSEAlgorithm")
    encrypted = None if algorithm is None else (algorithm.text or "None").strip() != "None"
    return BucketInfo(name, region_name(xml_text(root, "Bucket/Location")), encrypted,
                      xml_text(root, "Bucket/StorageClass"))  # fmt: skip


def listed_bucket(root: Element, name: str) -> Element | None:
    """The entry of the bucket `name` in a service list."""
    return next((entry for entry in root.findall("Buckets/Bucket") if xml_text(entry, "Name") == name), None)


def listed_region(entry: Element) -> str:
    """The region of a service list's entry."""
    return region_name(xml_text(entry, "Location") or xml_text(entry, "Region"))


def region_name(location: str) -> str:
    """`oss-cn-hangzhou` as `cn-hangzhou`."""
    return location.strip().removeprefix("oss-")


def completion(chosen: Sequence[PartInfo]) -> bytes:
    """The body of CompleteMultipartUpload: the parts by number."""
    root = ElementTree.Element("CompleteMultipartUpload")
    for part in sorted(chosen, key=lambda part: part.number):
        entry = ElementTree.SubElement(root, "Part")
        ElementTree.SubElement(entry, "PartNumber").text = str(part.number)
        ElementTree.SubElement(entry, "ETag").text = f'"{part.etag}"'
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def etag(value: str) -> str:
    """Without quotes and without the mark of a weak tag."""
    return value.strip().removeprefix("W/").strip('"')


def http_time(value: str) -> float:
    """Unix seconds of an HTTP date, 0 for none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return 0.0


def _name(root: Element, value: str) -> str:
    return unquote(value) if xml_text(root, "EncodingType") == "url" else value


def _is_truncated(root: Element) -> bool:
    return xml_text(root, "IsTruncated").lower() == "true"


def _int(value: str) -> int | None:
    try:
        return int(value)
    except ValueError:
        return None
