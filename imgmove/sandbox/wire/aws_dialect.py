"""The dialect of S3 clients, as COS and OSS understand it: `x-amz-…` for their own headers and parameters.

A request that is signed in AWS's way is put into the vendor's words and then carried out as any other; the
answer's headers go the way back. What the two accept of S3 beyond that is their own API anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

import multidict

from imgmove.sandbox.http import Headers, Request, Response
from imgmove.sandbox.wire import aws_signature

AMZ = "x-amz-"
NOT_TRANSLATED = ("x-amz-checksum-", "x-amz-sdk-checksum-", "x-amz-content-sha256", "x-amz-date")
"""Headers that are AWS's alone: neither vendor knows its checksums."""
ANSWERED = ("bucket-region", "meta-", "request-id", "restore", "server-side-encryption", "storage-class", "version-id")
"""Headers of answers, behind the prefix, that S3 clients look for under AWS's name."""


@dataclass(frozen=True)
class Dialect:
    """How one vendor says what S3 clients say."""

    prefix: str
    acl: tuple[str, ...]
    """The headers of buckets' and objects' ACLs; either kind of operation looks at its own only."""
    values: Mapping[str, Mapping[str, str]]
    """The vendor's words for AWS's by the header's name behind the prefix, where they differ."""


COS = Dialect(
    "x-cos-",
    ("x-cos-acl",),
    {"storage-class": {"GLACIER": "ARCHIVE"}, "metadata-directive": {"REPLACE": "Replaced", "COPY": "Copy"}},
)
OSS = Dialect(
    "x-oss-",
    ("x-oss-acl", "x-oss-object-acl"),
    {
        "storage-class": {
            "STANDARD": "Standard",
            "STANDARD_IA": "IA",
            "GLACIER": "Archive",
            "DEEP_ARCHIVE": "ColdArchive",
        }
    },
)


@dataclass(frozen=True)
class AwsRequest(Request):
    """A request in the vendor's words, and as it was sent, which is what its signature covers."""

    original: Request


def translated(request: Request, dialect: Dialect) -> Request:
    """The request in the vendor's words if it is signed in AWS's way; any other as it is."""
    if isinstance(request, AwsRequest) or not aws_signature.is_signed(request):
        return request
    return AwsRequest(
        request.service,
        request.method,
        request.raw_path,
        "&".join(piece for piece in request.raw_query.split("&") if not _of_aws(piece)),
        _headers(request, dialect),
        request.body,
        request.received_at,
        request,
    )


def answered(request: Request, response: Response, dialect: Dialect) -> Response:
    """The response with the headers that S3 clients look for, if it is one of theirs."""
    if isinstance(request, AwsRequest):
        response.headers = [_answered(name, value, dialect) for name, value in response.headers]
    return response


def signing_region(request: Request) -> str:
    """The region that an S3 client signed for, "" for all other requests."""
    return aws_signature.region_of(request.original) if isinstance(request, AwsRequest) else ""


def _of_aws(piece: str) -> bool:
    name = unquote_plus(piece.partition("=")[0]).lower()
    return name.startswith(AMZ) or name == "x-id"


def _headers(request: Request, dialect: Dialect) -> Headers:
    found: multidict.CIMultiDict[str] = multidict.CIMultiDict()
    for name, value in request.headers.items():
        if name.lower().startswith(NOT_TRANSLATED):
            continue
        for said in _said(name, value, dialect):
            found.add(*said)
    token = dict(request.query()).get("X-Amz-Security-Token")
    if token:
        found[f"{dialect.prefix}security-token"] = token
    return multidict.CIMultiDictProxy(found)


def _said(name: str, value: str, dialect: Dialect) -> list[tuple[str, str]]:
    if not name.lower().startswith(AMZ):
        return [(name, value)]
    rest = name.lower().removeprefix(AMZ)
    if rest == "acl":
        return [(acl, value) for acl in dialect.acl]
    return [(dialect.prefix + rest, dialect.values.get(rest, {}).get(value.upper(), value))]


def _answered(name: str, value: str, dialect: Dialect) -> tuple[str, str]:
    rest = name.lower().removeprefix(dialect.prefix)
    if rest == name.lower() or not rest.startswith(ANSWERED):
        return name, value
    back = {theirs: aws for aws, theirs in dialect.values.get(rest, {}).items()}
    return AMZ + rest, back.get(value, value)
