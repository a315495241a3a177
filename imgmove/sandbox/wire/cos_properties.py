"""Headers of COS objects: what writers say in them, what readers get back, checks of bodies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from imgmove.sandbox.http import Body
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.http_conditions import http_date
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.world.object_records import Properties, StoredObject

STORED_HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
METADATA = "x-cos-meta-"
STORAGE_CLASSES = frozenset(
    {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE", "COLD"}
    | {"MAZ_STANDARD", "MAZ_STANDARD_IA", "MAZ_INTELLIGENT_TIERING"}
)
OBJECT_ACLS = frozenset({"default", "private", "public-read"})
ENCRYPTIONS = frozenset({"AES256", "cos/kms"})
GRANTS = {
    "x-cos-grant-read": "READ",
    "x-cos-grant-write": "WRITE",
    "x-cos-grant-read-acp": "READ_ACP",
    "x-cos-grant-write-acp": "WRITE_ACP",
    "x-cos-grant-full-control": "FULL_CONTROL",
}
MAX_KEY_BYTES = 850
MAX_BODY_BYTES = 5 << 30
"""Of a simple upload and of a part (tencent.md 6)."""
TRAFFIC_LIMITS = range(819200, 838860800 + 1)
_UIN = re.compile(r'(?:id|uin)="(?:qcs::cam::uin/\d+:uin/)?(\d+)"')


def check_key(key: str) -> None:
    """Raises CosError for what cannot be an object's key (tencent.md 3.6)."""
    if len(key.encode()) > MAX_KEY_BYTES:
        raise CosError("KeyTooLong")


def check_body(call: Call) -> None:
    """Compares the body with what the request says about it. Raises CosError for the first difference."""
    body = call.request.body
    check_md5(call.header("Content-MD5"), body)
    check_traffic_limit(call)
    sha1 = call.header("x-cos-content-sha1")
    if sha1 and sha1.lower() != _sha1(body):
        raise CosError("InvalidSHA1Digest")
    if body.size_bytes > MAX_BODY_BYTES:
        raise CosError("EntityTooLarge")


def check_md5(header: str, body: Body) -> None:
    """Raises CosError InvalidDigest for a Content-MD5 that is none, BadDigest for another body's."""
    if not header:
        return
    try:
        given = base64.b64decode(header, validate=True)
    except binascii.Error:
        raise CosError("InvalidDigest") from None
    if len(given) != 16:
        raise CosError("InvalidDigest")
    if given != body.md5:
        raise CosError("BadDigest")


def check_traffic_limit(call: Call) -> None:
    """A limit is accepted, without effect, if it is one (tencent.md 6)."""
    limit = call.header("x-cos-traffic-limit") or call.query.get("x-cos-traffic-limit", "")
    if limit and (natural(limit) or 0) not in TRAFFIC_LIMITS:
        raise CosError("InvalidArgument", "The x-cos-traffic-limit is out of range.")


def forbids_overwrite(call: Call) -> bool:
    """Whether the writer does not want to replace an object."""
    return call.header("x-cos-forbid-overwrite").lower() == "true"


def properties(call: Call) -> Properties:
    """What the request's headers say about the object it writes. Raises CosError for values that are none."""
    if any(name.lower().startswith("x-cos-server-side-encryption-customer-") for name in call.request.headers):
        raise CosError("NotImplemented", "The sandbox does not keep objects encrypted with customers' keys.")
    if call.header("x-cos-tagging"):
        raise CosError("NotImplemented", "The sandbox does not keep tags of objects.")
    encryption = call.header("x-cos-server-side-encryption") or call.bucket.encryption
    if encryption and encryption not in ENCRYPTIONS and encryption != call.bucket.encryption:
        raise CosError("SSEContentNotSupported")
    headers = {name: value for name in STORED_HEADERS if (value := call.header(name))}
    return Properties(
        content_type=call.header("Content-Type") or "application/octet-stream",
        storage_class=storage_class(call),
        acl=acl(call),
        grants=grants(call),
        encryption=encryption or None,
        headers=headers,
        metadata=metadata(call),
    )


def storage_class(call: Call) -> str:
    """The storage class asked for, STANDARD by default; in a bucket over several zones, its namesake there."""
    asked = call.header("x-cos-storage-class", "STANDARD").upper()
    if asked not in STORAGE_CLASSES or (asked.startswith("MAZ_") and not call.bucket.multi_az):
        raise CosError("NotSupportedStorageClass")
    namesake = f"MAZ_{asked}"
    return namesake if call.bucket.multi_az and namesake in STORAGE_CLASSES else asked


def acl(call: Call) -> str:
    """The object ACL asked for."""
    asked = call.header("x-cos-acl") or "default"
    if asked not in OBJECT_ACLS:
        raise CosError("InvalidArgument", "x-cos-acl is invalid.")
    return asked


def grants(call: Call) -> dict[str, list[str]]:
    """The permissions that `x-cos-grant-*` headers give to other accounts, by permission."""
    found: dict[str, list[str]] = {}
    for header, permission in GRANTS.items():
        text = call.header(header)
        accounts = _UIN.findall(text)
        if text and not accounts:
            raise CosError("InvalidArgument", f"{header} is invalid.")
        if accounts:
            found[permission] = accounts
    return found


def metadata(call: Call) -> dict[str, str]:
    """The user's own metadata."""
    named = ((name.lower(), value) for name, value in call.request.headers.items())
    return {name.removeprefix(METADATA): value for name, value in named if name.startswith(METADATA)}


def checksum_headers(item: StoredObject) -> list[tuple[str, str]]:
    """What an answer to a write says about the object."""
    headers = [("ETag", f'"{item.etag}"')]
    if item.crc64 is not None:
        headers.append(("x-cos-hash-crc64ecma", str(item.crc64)))
    return headers + encryption_headers(item.properties) + version_headers(item)


def version_headers(item: StoredObject | None) -> list[tuple[str, str]]:
    """The headers that name a version, and a delete marker; none for what has no version."""
    if item is None or not (item.version_id or item.delete_marker):
        return []
    marked = [("x-cos-delete-marker", "true")] if item.delete_marker else []
    return [*marked, ("x-cos-version-id", item.version_id or "null")]


def encryption_headers(described: Properties) -> list[tuple[str, str]]:
    """The header that names the encryption, if there is one."""
    return [("x-cos-server-side-encryption", described.encryption)] if described.encryption else []


def object_headers(item: StoredObject) -> list[tuple[str, str]]:
    """What an answer to a read says about the object, as the vendor's pages GET and HEAD Object list it."""
    described = item.properties
    headers = [
        ("Content-Type", described.content_type),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", http_date(item.last_modified)),
        *checksum_headers(item),
        *described.headers.items(),
        *((METADATA + name, value) for name, value in described.metadata.items()),
    ]
    if item.storage_class != "STANDARD":
        headers.append(("x-cos-storage-class", item.storage_class))
    return headers


def _sha1(body: Body) -> str:
    if body.path is None:
        return hashlib.sha1(body.read()).hexdigest()
    with body.path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
