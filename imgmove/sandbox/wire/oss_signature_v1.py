"""OSS's signature versions 1 (HMAC-SHA1 over chosen subresources) and 2 (HMAC-SHA256 over the whole query)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import ClassVar

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_hosts import Place
from imgmove.sandbox.wire.oss_signed import (
    Signed,
    canonical_headers,
    canonical_query,
    check_date,
    check_expiry,
    encode,
    fields,
)

SUBRESOURCES = frozenset(
    {"accessPoint", "accessPointPolicy", "acl", "append", "asyncFetch", "bucketArchiveDirectRead", "bucketInfo"}
    | {"MetaQuery", "callback", "callback-var", "cleanRestoredObject", "cloudboxes", "cname", "comp"}
    | {"continuation-token", "cors", "dataPipeline", "delete", "encryption", "endTime", "legalHold"}
    | {"metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "objectWorm", "overwriteConfig"}
    | {"policyStatus", "quota", "retention", "rtc", "seal", "userDefinedLogFieldsConfig"}
    | {"group", "httpsConfig", "inventory", "inventoryId", "lifecycle", "link", "live", "location", "logging"}
    | {"metaQuery", "objectInfo", "objectMeta", "partNumber", "policy", "position", "publicAccessBlock", "qos"}
    | {"qosInfo", "qosRequester", "redundancyTransition", "referer", "regionList", "replication"}
    | {"replicationLocation", "replicationProgress", "requestPayment", "requesterQosInfo", "resourceGroup"}
    | {"resourcePool", "resourcePoolBuckets", "resourcePoolInfo", "response-cache-control"}
    | {"response-content-disposition", "response-content-encoding", "response-content-language"}
    | {"response-content-type", "response-expires", "restore", "security-token", "sequential", "startTime", "stat"}
    | {"status", "style", "styleName", "symlink", "tagging", "transferAcceleration", "uploadId", "uploads"}
    | {"versionId", "versioning", "versions", "vod", "website", "worm", "wormExtend", "wormId"}
    | {"x-oss-ac-forward-allow", "x-oss-ac-source-ip", "x-oss-ac-subnet-mask", "x-oss-ac-vpc-id"}
    | {"x-oss-access-point-name", "x-oss-async-process", "x-oss-process", "x-oss-redundancy-transition-taskid"}
    | {"x-oss-request-payer", "x-oss-target-redundancy-type", "x-oss-traffic-limit"}
    | {"x-oss-write-get-object-response"}
)
"""Query parameters that version 1 signs; all others (prefix, marker, max-keys, …) are left out."""


@dataclass(frozen=True, kw_only=True)
class SignedV1(Signed):
    """Version 1."""

    version: ClassVar[int] = 1
    mismatch_ec: ClassVar[str] = "0002-00000040"

    def signature_of(self, secret: str, text: str) -> str:
        """Base64 of HMAC-SHA1."""
        return _base64_hmac(secret, text, "sha1")


@dataclass(frozen=True, kw_only=True)
class SignedV2(Signed):
    """Version 2."""

    version: ClassVar[int] = 2
    mismatch_ec: ClassVar[str] = "0002-00000101"

    def signature_of(self, secret: str, text: str) -> str:
        """Base64 of HMAC-SHA256."""
        return _base64_hmac(secret, text, "sha256")


def in_header(request: Request, place: Place, text: str, wall: float) -> SignedV1:
    """`OSS <access key id>:<signature>`."""
    access_key_id, _, signature = text.partition(":")
    if not access_key_id or not signature:
        raise OssError("InvalidArgument", "The authorization header is invalid.", ec="0002-00000061")
    return SignedV1(
        access_key_id=access_key_id,
        signature=signature.strip(),
        string_to_sign=_string_to_sign(request, place, check_date(request, wall)),
        # The second name is what alibabacloud-oss-v2 for Python sends, unsigned.
        token=request.headers.get("x-oss-security-token") or request.headers.get("security-token") or "",
    )


def in_url(request: Request, place: Place, query: dict[str, str], wall: float) -> SignedV1:
    """`?OSSAccessKeyId=…&Expires=…&Signature=…`, with `security-token` for a temporary key."""
    if not query.get("OSSAccessKeyId"):
        raise OssError("AccessDenied", "OSSAccessKeyId is missing in the signed URL.", ec="0002-00000071")
    return SignedV1(
        access_key_id=query["OSSAccessKeyId"],
        signature=query.get("Signature", ""),
        string_to_sign=_string_to_sign(request, place, _expires(query.get("Expires"), wall)),
        token=query.get("security-token") or request.headers.get("x-oss-security-token") or "",
        in_url=True,
    )


def v2_in_header(request: Request, place: Place, text: str, wall: float) -> SignedV2:
    """`OSS2 AccessKeyId:…,AdditionalHeaders:…,Signature:…`."""
    given = fields(text, ":")
    if not {"AccessKeyId", "Signature"} <= given.keys() <= {"AccessKeyId", "AdditionalHeaders", "Signature"}:
        raise OssError("InvalidArgument", "The authorization header is invalid.", ec="0002-00000102")
    date = check_date(request, wall)
    date = request.headers.get("Date", date)
    return SignedV2(
        access_key_id=given["AccessKeyId"],
        signature=given["Signature"],
        string_to_sign=_v2_string_to_sign(request, place, date, given.get("AdditionalHeaders", "")),
        token=request.headers.get("x-oss-security-token", ""),
    )


def v2_in_url(request: Request, place: Place, query: dict[str, str], wall: float) -> SignedV2:
    """`?x-oss-signature-version=OSS2&x-oss-access-key-id=…&x-oss-expires=…&x-oss-signature=…`."""
    expires = _expires(query.get("x-oss-expires"), wall)
    return SignedV2(
        access_key_id=query.get("x-oss-access-key-id", ""),
        signature=query.get("x-oss-signature", ""),
        string_to_sign=_v2_string_to_sign(request, place, expires, query.get("x-oss-additional-headers", "")),
        token=query.get("security-token") or request.headers.get("x-oss-security-token") or "",
        in_url=True,
    )


def _expires(text: str | None, wall: float) -> str:
    if text is None:
        raise OssError("AccessDenied", "Expires is missing in the signed URL.", ec="0002-00000067")
    seconds = natural(text)
    if seconds is None:
        raise OssError("AccessDenied", "Expires is invalid in the signed URL.", ec="0002-00000068")
    check_expiry(seconds, wall)
    return text


def _string_to_sign(request: Request, place: Place, date: str) -> str:
    headers = request.headers
    lines = (request.method, headers.get("Content-MD5", ""), headers.get("Content-Type", ""), date)
    return "\n".join(lines) + "\n" + canonical_headers(request, ()) + _resource(request, place)


def _resource(request: Request, place: Place) -> str:
    signed = sorted((name, value) for name, value in request.query() if name in SUBRESOURCES)
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    path = f"/{place.bucket}/{place.key}" if place.bucket else "/"
    return f"{path}?{query}" if query else path


def _v2_string_to_sign(request: Request, place: Place, date: str, additional: str) -> str:
    extra = tuple(sorted(name for name in additional.lower().split(";") if name))
    headers = request.headers
    query = canonical_query(request, "x-oss-signature")
    path = encode(f"/{place.bucket}/{place.key}" if place.bucket else "/")
    lines = (request.method, headers.get("Content-MD5", ""), headers.get("Content-Type", ""), date)
    resource = f"{path}?{query}" if query else path
    return "\n".join(lines) + "\n" + canonical_headers(request, extra) + ";".join(extra) + "\n" + resource


def _base64_hmac(secret: str, text: str, algorithm: str) -> str:
    digest = hmac.new(secret.encode(), text.encode(), getattr(hashlib, algorithm)).digest()
    return base64.b64encode(digest).decode()
