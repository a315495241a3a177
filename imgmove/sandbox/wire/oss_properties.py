"""Headers of OSS objects: what writers say in them, what readers get back, checks of bodies."""

from __future__ import annotations

import base64
import binascii

from imgmove.sandbox.wire.http_conditions import http_date
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.oss_call import Call
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.world.object_records import Properties, StoredObject

STORED_HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
METADATA = "x-oss-meta-"
STORAGE_CLASSES = frozenset({"Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"})
OBJECT_ACLS = frozenset({"default", "private", "public-read", "public-read-write"})
ENCRYPTIONS = frozenset({"AES256", "KMS", "SM4"})
NOT_KEPT = ("x-oss-tagging", "x-oss-callback", "x-oss-server-side-encryption-customer-algorithm")
"""Headers that ask for something the sandbox lacks: refused, not silently left out."""
MAX_KEY_BYTES = 1023
MAX_BODY_BYTES = 5 << 30
"""Of a simple upload and of a part (alibaba.md 7.1)."""
TRAFFIC_LIMITS = range(819200, 838860800 + 1)


def check_key(key: str) -> None:
    """Raises OssError InvalidObjectName for what cannot be an object's key."""
    if len(key.encode()) > MAX_KEY_BYTES or key.startswith(("/", "\\")):
        raise OssError("InvalidObjectName")


def check_body(call: Call) -> None:
    """Compares the body with what the request says about it. Raises OssError for the first difference."""
    check_md5(call)
    check_traffic_limit(call)
    if call.request.body.size_bytes > MAX_BODY_BYTES:
        raise OssError("EntityTooLarge")


def check_md5(call: Call) -> None:
    """Raises OssError InvalidDigest for a Content-MD5 that is none or another body's (alibaba.md 7.2)."""
    header = call.header("Content-MD5")
    if not header:
        return
    try:
        given = base64.b64decode(header, validate=True)
    except binascii.Error:
        refusal = OssError("InvalidDigest")
        refusal.details = {"Content-MD5": header}
        raise refusal from None
    if given != call.request.body.md5:
        actual = base64.b64encode(call.request.body.md5).decode()
        raise OssError("InvalidDigest", ClientComputedContentMD5=header, ServerComputedContentMD5=actual)


def check_traffic_limit(call: Call) -> None:
    """A limit is accepted, without effect, if it is one."""
    limit = call.header("x-oss-traffic-limit") or call.query.get("x-oss-traffic-limit", "")
    if limit and (natural(limit) or 0) not in TRAFFIC_LIMITS:
        raise invalid_argument("x-oss-traffic-limit", limit)


def forbids_overwrite(call: Call) -> bool:
    """Whether the writer does not want to replace an object."""
    return call.header("x-oss-forbid-overwrite").lower() == "true"


def properties(call: Call) -> Properties:
    """What the request's headers say about the object it writes. Raises OssError for values that are none."""
    for name in NOT_KEPT:
        if call.header(name):
            raise OssError("NotImplemented", f"The sandbox does not have what {name} asks for.")
    encryption = call.header("x-oss-server-side-encryption") or call.bucket.encryption
    if encryption and encryption not in ENCRYPTIONS:
        raise OssError("InvalidEncryptionAlgorithmError")
    return Properties(
        content_type=call.header("Content-Type") or "application/octet-stream",
        storage_class=storage_class(call),
        acl=object_acl(call),
        encryption=encryption or None,
        headers={name: value for name in STORED_HEADERS if (value := call.header(name))},
        metadata=metadata(call),
    )


def storage_class(call: Call) -> str:
    """The storage class asked for, "" for the bucket's."""
    asked = call.header("x-oss-storage-class")
    if asked and asked not in STORAGE_CLASSES:
        raise OssError("InvalidStorageClass")
    return asked


def object_acl(call: Call) -> str:
    """The object ACL asked for."""
    asked = call.header("x-oss-object-acl") or "default"
    if asked not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", asked)
    return asked


def metadata(call: Call) -> dict[str, str]:
    """The user's own metadata."""
    named = ((name.lower(), value) for name, value in call.request.headers.items())
    return {name.removeprefix(METADATA): value for name, value in named if name.startswith(METADATA)}


def checksum_headers(item: StoredObject) -> list[tuple[str, str]]:
    """What an answer to a write says about the object."""
    headers = [("ETag", f'"{item.etag}"')]
    if item.crc64 is not None:
        headers.append(("x-oss-hash-crc64ecma", str(item.crc64)))
    if not item.part_count:
        headers.append(("Content-MD5", base64.b64encode(bytes.fromhex(item.etag)).decode()))
    return headers + encryption_headers(item.properties) + version_headers(item)


def version_headers(item: StoredObject | None) -> list[tuple[str, str]]:
    """The headers that name a version, and a delete marker; none for what has no version."""
    if item is None or not (item.version_id or item.delete_marker):
        return []
    marked = [("x-oss-delete-marker", "true")] if item.delete_marker else []
    return [*marked, ("x-oss-version-id", item.version_id or "null")]


def encryption_headers(described: Properties) -> list[tuple[str, str]]:
    """The header that names the encryption, if there is one."""
    return [("x-oss-server-side-encryption", described.encryption)] if described.encryption else []


def object_type(item: StoredObject) -> str:
    """`Normal` or `Multipart`."""
    return "Multipart" if item.part_count else "Normal"


def object_headers(item: StoredObject) -> list[tuple[str, str]]:
    """What an answer to a read says about the object. The CRC-64 is the whole object's also for a range."""
    described = item.properties
    return [
        ("Content-Type", described.content_type),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", http_date(item.last_modified)),
        ("x-oss-object-type", object_type(item)),
        ("x-oss-storage-class", item.storage_class),
        *checksum_headers(item),
        *described.headers.items(),
        *((METADATA + name, value) for name, value in described.metadata.items()),
    ]
