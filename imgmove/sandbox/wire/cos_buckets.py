"""COS's operations on the service and on buckets."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.aws_dialect import signing_region
from imgmove.sandbox.wire.cos_acl import bucket_acl_of_headers, owner
from imgmove.sandbox.wire.cos_call import VENDOR, Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_properties import ENCRYPTIONS
from imgmove.sandbox.wire.store_xml import Element, Xml, XmlError, document, parse_body, tag, timestamp
from imgmove.sandbox.world.objects import Bucket

DEFAULT_REGION = "ap-guangzhou"
"""Where a bucket is created when neither the Host header nor the document names a region."""
VERSIONING = ("Enabled", "Suspended")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*-(?P<app_id>\d{5,})")
_MAX_NAME_CHARACTERS = 60


def list_buckets(call: Call) -> Response:
    """GET Service: the caller's buckets, of the region that the host or the query names."""
    region = call.place.region or call.query.get("region", "")
    found = [b for b in call.objects.buckets(VENDOR, call.account) if region in ("", b.region)]
    buckets = tag("Buckets", *map(_bucket, found))
    return xml_answer(tag("ListAllMyBucketsResult", owner(call.account), buckets))


def _bucket(bucket: Bucket) -> Xml:
    return tag(
        "Bucket",
        tag("Name", bucket.name),
        tag("Location", bucket.region),
        tag("CreationDate", timestamp(bucket.created).replace(".000", "")),
        tag("BucketType", "cos"),
    )


def put_bucket(call: Call) -> Response:
    """PUT Bucket: its name has to end in the caller's own APPID."""
    name = call.place.bucket
    match = _NAME.fullmatch(name)
    account = call.world.accounts.account(VENDOR, call.account)
    if match is None or len(name) > _MAX_NAME_CHARACTERS:
        raise CosError("InvalidBucketName")
    if account is None or match["app_id"] != account.app_id:
        raise CosError("AccessDenied")
    acl, grants = bucket_acl_of_headers(call)
    asked = body_document(call, "CreateBucketConfiguration") if call.request.body.size_bytes else Element("")
    if asked.get("BucketAZConfig") not in ("", "MAZ"):
        raise CosError("MalformedXML")
    located = asked.get("LocationConstraint").removeprefix("cos.")
    region = call.place.region or located or signing_region(call.request) or DEFAULT_REGION
    bucket = call.objects.create_bucket(VENDOR, name, region, call.account, acl=acl)
    bucket.grants, bucket.multi_az = grants, asked.get("BucketAZConfig") == "MAZ"
    return Response(200, [("Location", f"/{name}")])


def head_bucket(call: Call) -> Response:
    """HEAD Bucket. The region comes with every answer about a bucket."""
    zones = [("x-cos-bucket-az-type", "MAZ")] if call.bucket.multi_az else []
    return Response(200, [("Content-Type", "application/xml"), *zones])


def delete_bucket(call: Call) -> Response:
    """DELETE Bucket."""
    call.objects.delete_bucket(call.bucket)
    return Response(204, [])


def get_location(call: Call) -> Response:
    """GET Bucket location."""
    return xml_answer(tag("LocationConstraint", call.bucket.region))


def get_encryption(call: Call) -> Response:
    """GET Bucket encryption."""
    if call.bucket.encryption is None:
        raise CosError("NoSuchEncryptionConfiguration")
    applied = tag("ApplyServerSideEncryptionByDefault", tag("SSEAlgorithm", call.bucket.encryption))
    return xml_answer(tag("ServerSideEncryptionConfiguration", tag("Rule", applied)))


def put_encryption(call: Call) -> Response:
    """PUT Bucket encryption."""
    wanted = body_document(call, "ServerSideEncryptionConfiguration")
    algorithm = wanted.get("Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm")
    if algorithm not in ENCRYPTIONS | {"KMS"}:
        raise CosError("MalformedXML")
    _encrypt(call, algorithm)
    return Response(200, [])


def delete_encryption(call: Call) -> Response:
    """DELETE Bucket encryption."""
    _encrypt(call, None)
    return Response(204, [])


def _encrypt(call: Call, algorithm: str | None) -> None:
    with call.world.lock:
        call.bucket.encryption = algorithm
        call.world.changed()


def get_versioning(call: Call) -> Response:
    """GET Bucket versioning: empty for a bucket that never had versions."""
    status = call.bucket.versioning
    return xml_answer(tag("VersioningConfiguration", *([tag("Status", status)] if status else [])))


def put_versioning(call: Call) -> Response:
    """PUT Bucket versioning: there is no way back to a bucket that never had versions."""
    status = body_document(call, "VersioningConfiguration").get("Status")
    if status not in VERSIONING:
        raise CosError("MalformedXML")
    with call.world.lock:
        call.bucket.versioning = status
        call.world.changed()
    return Response(200, [])


def not_set(code: str) -> Callable[[Call], Response]:
    """The answer to a query for a setting that no bucket here has."""

    def answer(_call: Call) -> Response:
        raise CosError(code)

    return answer


def empty(name: str) -> Callable[[Call], Response]:
    """The empty document that tells of a setting which was never made."""
    return lambda _call: xml_answer(tag(name))


def not_implemented(_call: Call) -> Response:
    """What the sandbox does not have is said, not pretended."""
    raise CosError("NotImplemented")


def encoder(call: Call) -> Callable[[str], str]:
    """How keys are written: as they are, or percent-encoded with `encoding-type=url`. Raises CosError."""
    encoding = call.query.get("encoding-type")
    if encoding in (None, ""):
        return str
    if encoding != "url":
        raise CosError("InvalidArgument", "encoding-type is invalid.")
    return lambda text: quote(text, safe="-_.~")


def body_document(call: Call, root: str) -> Element:
    """The request's document. Raises CosError MissingRequestBodyError, MalformedXML."""
    if not call.request.body.size_bytes:
        raise CosError("MissingRequestBodyError")
    try:
        return parse_body(call.request.body, root)
    except XmlError as error:
        raise CosError("MalformedXML") from error


def xml_answer(result: Xml, status: int = 200) -> Response:
    """An answer with a document."""
    return Response(status, [("Content-Type", "application/xml")], document(result))
