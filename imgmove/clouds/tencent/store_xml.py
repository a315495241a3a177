"""COS's XML: what its lists and answers say, and the body that completes an upload."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from imgmove.clouds.tencent.answers import unix_time, xml_text
from imgmove.core.inspection import LifecycleRule
from imgmove.core.ports import ObjectInfo, PartInfo, UploadInfo

Element = ElementTree.Element

#: The query of a list's next page; None at its end.
NextPage = dict[str, str] | None


def objects(root: Element) -> Iterator[ObjectInfo]:
    """The objects of a page."""
    for entry in root.findall("Contents"):
        yield ObjectInfo(
            key=_name(root, entry, "Key"),
            size_bytes=_int(xml_text(entry, "Size")),
            etag=etag(xml_text(entry, "ETag")),
            last_modified=unix_time(xml_text(entry, "LastModified")) or 0.0,
            storage_class=xml_text(entry, "StorageClass"),
        )


def next_objects(root: Element) -> NextPage:
    """Where no marker is given, the last key is the marker."""
    if not _is_truncated(root):
        return None
    marker = _name(root, root, "NextMarker") or max((found.key for found in objects(root)), default="")
    return {"marker": marker} if marker else None


def parts(root: Element) -> Iterator[PartInfo]:
    """The parts of a page; COS's list carries no checksums (6)."""
    for entry in root.findall("Part"):
        yield PartInfo(
            number=_int(xml_text(entry, "PartNumber")),
            size_bytes=_int(xml_text(entry, "Size")),
            etag=etag(xml_text(entry, "ETag")),
        )


def next_parts(root: Element) -> NextPage:
    marker = xml_text(root, "NextPartNumberMarker")
    if not marker:
        marker = str(max((part.number for part in parts(root)), default=0) or "")
    return {"part-number-marker": marker} if _is_truncated(root) and marker else None


def uploads(root: Element) -> Iterator[UploadInfo]:
    for entry in root.findall("Upload"):
        yield UploadInfo(
            upload_id=xml_text(entry, "UploadId"),
            key=_name(root, entry, "Key"),
            initiated=unix_time(xml_text(entry, "Initiated")) or 0.0,
        )


def next_uploads(root: Element) -> NextPage:
    key, upload_id = _name(root, root, "NextKeyMarker"), xml_text(root, "NextUploadIdMarker")
    return {"key-marker": key, "upload-id-marker": upload_id} if _is_truncated(root) and key else None


def bucket_regions(root: Element) -> dict[str, str]:
    """The buckets of a service list and their regions."""
    return {xml_text(entry, "Name"): xml_text(entry, "Location") for entry in root.findall("Buckets/Bucket")}


def encryption(root: Element) -> bool:
    """Does a bucket encrypt by itself? COS answers with an error where it has no rule at all."""
    return any((element.text or "").strip() for element in root.iter("SSEAlgorithm"))


def encryption_name(root: Element) -> str:
    """How a bucket encrypts by itself (`AES256`, `SM4`, `KMS`); empty for not at all."""
    return next((text for element in root.iter("SSEAlgorithm") if (text := (element.text or "").strip())), "")


def versioning(root: Element) -> str:
    """`enabled`, `suspended`; empty for a bucket that never had versions."""
    return xml_text(root, "Status").lower()


def owner(root: Element) -> str:
    """The account in an access control list: the number in `qcs::cam::uin/NUMBER:uin/NUMBER`."""
    return xml_text(root, "Owner/ID").rpartition("uin/")[2]


def public_acl(root: Element) -> str:
    """What an access control list lets everybody do, in the words of `x-cos-acl`."""
    permissions = {
        xml_text(grant, "Permission") for grant in root.findall("AccessControlList/Grant")
        if xml_text(grant, "Grantee/URI").endswith("/AllUsers") or xml_text(grant, "Grantee/ID").endswith("anyone")
    }  # fmt: skip
    if permissions & {"WRITE", "FULL_CONTROL"}:
        return "public-read-write"
    return "public-read" if "READ" in permissions else "private"


def lifecycle(root: Element) -> tuple[LifecycleRule, ...]:
    """What a bucket does to current objects and unfinished uploads by itself."""
    return tuple(_lifecycle_rule(rule) for rule in root.findall("Rule"))


def _lifecycle_rule(rule: Element) -> LifecycleRule:
    moves = [(_days(move), xml_text(move, "StorageClass")) for move in rule.findall("Transition")]
    first = min((move for move in moves if move[0] is not None), default=(None, ""), key=lambda move: move[0] or 0)
    aborted = rule.find("AbortIncompleteMultipartUpload")
    return LifecycleRule(
        id=xml_text(rule, "ID"),
        prefix=rule.findtext("Filter/Prefix") or rule.findtext("Filter/And/Prefix") or rule.findtext("Prefix") or "",
        enabled=xml_text(rule, "Status").lower() == "enabled", expire_days=_days(rule.find("Expiration")),
        transition_days=first[0], transition_class=first[1],
        abort_upload_days=None if aborted is None else _number(xml_text(aborted, "DaysAfterInitiation")),
    )  # fmt: skip


def _days(action: Element | None) -> int | None:
    """After how many days; 0 for a fixed date, which may have passed; None for never."""
    if action is None:
        return None
    days = _number(xml_text(action, "Days"))
    return 0 if days is None and xml_text(action, "Date") else days


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


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


def _name(root: Element, entry: Element, tag: str) -> str:
    """A key, which may be quoted. Only whitespace around an unquoted one would be lost, and we ask for quoted ones."""
    value = entry.findtext(tag) or ""
    return unquote(value) if "url" in {xml_text(root, "EncodingType"), xml_text(root, "Encoding-Type")} else value


def _is_truncated(root: Element) -> bool:
    return xml_text(root, "IsTruncated").lower() == "true"


def _int(value: str) -> int:
    return int(value) if value.isdecimal() else 0
