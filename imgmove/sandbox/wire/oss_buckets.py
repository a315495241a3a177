"""OSS's operations on the service and on buckets."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.aws_dialect import signing_region
from imgmove.sandbox.wire.oss_call import VENDOR, Call
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.wire.oss_properties import ENCRYPTIONS, STORAGE_CLASSES
from imgmove.sandbox.wire.store_xml import Element, Xml, XmlError, document, parse_body, tag, timestamp
from imgmove.sandbox.world.object_records import Bucket

DEFAULT_REGION = "cn-hangzhou"
"""Where a bucket is created when neither host, document nor signature names a region."""
BUCKET_ACLS = frozenset({"private", "public-read", "public-read-write"})
REDUNDANCIES = ("LRS", "ZRS")
VERSIONING = ("Enabled", "Suspended")
PAGE_DEFAULT, PAGE_MAX = 100, 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def list_buckets(call: Call) -> Response:
    """ListBuckets: the caller's, of all regions, by pages."""
    limit = call.number("max-keys", PAGE_DEFAULT, 1, PAGE_MAX)
    prefix, marker = call.query.get("prefix", ""), call.query.get("marker", "")
    named = [b for b in call.objects.buckets(VENDOR, call.account) if b.name.startswith(prefix) and b.name > marker]
    page, truncated = named[:limit], len(named) > limit
    following = [tag("NextMarker", page[-1].name)] if truncated else []
    result = tag(
        "ListAllMyBucketsResult",
        tag("Prefix", prefix),
        tag("Marker", marker),
        tag("MaxKeys", limit),
        tag("IsTruncated", str(truncated).lower()),
        *following,
        owner(call.account),
        tag("Buckets", *(tag("Bucket", *_described(bucket)) for bucket in page)),
    )
    return xml_answer(result)


def put_bucket(call: Call) -> Response:
    """PutBucket: of one's own bucket it changes the ACL."""
    name = call.place.bucket
    if not _NAME.fullmatch(name):
        raise OssError("InvalidBucketName", BucketName=name)
    asked = body_document(call, "CreateBucketConfiguration") if call.request.body.size_bytes else Element("")
    kind = asked.get("StorageClass", "Standard")
    if kind not in STORAGE_CLASSES:
        raise OssError("InvalidStorageClass")
    redundancy = asked.get("DataRedundancyType", "LRS")
    if redundancy not in REDUNDANCIES:
        raise OssError("MalformedXML")
    region, acl = _asked_region(call, asked), _asked_acl(call)
    with call.world.lock:
        own = call.found_bucket is not None and call.found_bucket.owner == call.account
        if own and call.bucket.region == region:
            call.bucket.acl = acl or call.bucket.acl
            call.world.changed()
        else:
            bucket = call.objects.create_bucket(
                VENDOR, name, region, call.account, acl=acl or "private", storage_class=kind
            )
            bucket.redundancy = redundancy
    return Response(200, [("Location", f"/{name}")])


def _asked_region(call: Call, asked: Element) -> str:
    """The endpoint's region; a LocationConstraint has to agree with it."""
    located = asked.get("LocationConstraint").removeprefix("oss-")
    endpoint = call.place.region or call.identity.region
    if located and endpoint and located != endpoint:
        raise OssError("InvalidLocationConstraint")
    return endpoint or located or signing_region(call.request).removeprefix("oss-") or DEFAULT_REGION


def _asked_acl(call: Call) -> str:
    acl = call.header("x-oss-acl")
    if acl and acl not in BUCKET_ACLS:
        raise invalid_argument("x-oss-acl", acl)
    return acl


def head_bucket(call: Call) -> Response:
    """HeadBucket."""
    return Response(200, [("x-oss-bucket-region", call.bucket.region)])


def delete_bucket(call: Call) -> Response:
    """DeleteBucket."""
    call.objects.delete_bucket(call.bucket)
    return Response(204, [])


def get_location(call: Call) -> Response:
    """GetBucketLocation."""
    return xml_answer(tag("LocationConstraint", f"oss-{call.bucket.region}"))


def get_info(call: Call) -> Response:
    """GetBucketInfo."""
    bucket = call.bucket
    algorithm = tag("SSEAlgorithm", bucket.encryption or "None")
    key = [tag("KMSMasterKeyID", bucket.kms_key_id)] if bucket.kms_key_id else []
    versioning = [tag("Versioning", bucket.versioning)] if bucket.versioning else []
    described = tag(
        "Bucket",
        *_described(bucket),
        tag("AccessMonitor", "Disabled"),
        tag("BlockPublicAccess", str(bucket.block_public_access).lower()),
        tag("Comment"),
        tag("CrossRegionReplication", "Disabled"),
        tag("DataRedundancyType", bucket.redundancy),
        tag("TransferAcceleration", "Enabled" if bucket.accelerated else "Disabled"),
        *versioning,
        owner(bucket.owner),
        tag("AccessControlList", tag("Grant", bucket.acl)),
        tag("ServerSideEncryptionRule", algorithm, *key),
        tag("BucketPolicy", tag("LogBucket"), tag("LogPrefix")),
    )
    return xml_answer(tag("BucketInfo", described))


def get_stat(call: Call) -> Response:
    """GetBucketStat."""
    page = call.objects.list(call.bucket, max_keys=1 << 62)
    result = tag(
        "BucketStat",
        tag("Storage", sum(item.size_bytes for item in page.items)),
        tag("ObjectCount", len(page.items)),
        tag("MultipartUploadCount", len(call.objects.uploads.of_bucket(call.bucket))),
    )
    return xml_answer(result)


def get_acl(call: Call) -> Response:
    """GetBucketAcl."""
    listed = tag("AccessControlList", tag("Grant", call.bucket.acl))
    return xml_answer(tag("AccessControlPolicy", owner(call.bucket.owner), listed))


def put_acl(call: Call) -> Response:
    """PutBucketAcl."""
    acl = _asked_acl(call)
    if not acl:
        raise OssError("MissingArgument", ArgumentName="x-oss-acl")
    with call.world.lock:
        call.bucket.acl = acl
        call.world.changed()
    return Response(200, [])


def get_encryption(call: Call) -> Response:
    """GetBucketEncryption."""
    if call.bucket.encryption is None:
        raise OssError("NoSuchServerSideEncryptionRule", BucketName=call.bucket.name)
    key = [tag("KMSMasterKeyID", call.bucket.kms_key_id)] if call.bucket.kms_key_id else []
    applied = tag("ApplyServerSideEncryptionByDefault", tag("SSEAlgorithm", call.bucket.encryption), *key)
    return xml_answer(tag("ServerSideEncryptionRule", applied))


def put_encryption(call: Call) -> Response:
    """PutBucketEncryption."""
    wanted = body_document(call, "ServerSideEncryptionRule")
    algorithm = wanted.get("ApplyServerSideEncryptionByDefault/SSEAlgorithm")
    if algorithm not in ENCRYPTIONS:
        raise OssError("InvalidEncryptionAlgorithmError")
    _encrypt(call, algorithm, wanted.get("ApplyServerSideEncryptionByDefault/KMSMasterKeyID"))
    return Response(200, [])


def delete_encryption(call: Call) -> Response:
    """DeleteBucketEncryption."""
    _encrypt(call, None)
    return Response(204, [])


def _encrypt(call: Call, algorithm: str | None, kms_key_id: str = "") -> None:
    with call.world.lock:
        call.bucket.encryption, call.bucket.kms_key_id = algorithm, kms_key_id if algorithm == "KMS" else ""
        call.world.changed()


def get_versioning(call: Call) -> Response:
    """GetBucketVersioning: empty for a bucket that never had versions."""
    status = call.bucket.versioning
    return xml_answer(tag("VersioningConfiguration", *([tag("Status", status)] if status else [])))


def put_versioning(call: Call) -> Response:
    """PutBucketVersioning: there is no way back to a bucket that never had versions."""
    status = body_document(call, "VersioningConfiguration").get("Status")
    if status not in VERSIONING:
        raise OssError("MalformedXML")
    with call.world.lock:
        call.bucket.versioning = status
        call.world.changed()
    return Response(200, [])


def _described(bucket: Bucket) -> list[Xml]:
    location = f"oss-{bucket.region}"
    return [
        tag("CreationDate", timestamp(bucket.created)),
        tag("ExtranetEndpoint", f"{location}.aliyuncs.com"),
        tag("IntranetEndpoint", f"{location}-internal.aliyuncs.com"),
        tag("Location", location),
        tag("Name", bucket.name),
        tag("Region", bucket.region),
        tag("StorageClass", bucket.storage_class),
    ]


def not_set(code: str) -> Callable[[Call], Response]:
    """The answer to a query for a setting that no bucket here has."""

    def answer(call: Call) -> Response:
        raise OssError(code, BucketName=call.bucket.name)

    return answer


def empty(root: Xml) -> Callable[[Call], Response]:
    """The document that tells of a setting which was never made."""
    return lambda _call: xml_answer(root)


def owner(account: str) -> Xml:
    """The element that names an account."""
    return tag("Owner", tag("ID", account), tag("DisplayName", account))


def encoder(call: Call) -> Callable[[str], str]:
    """How keys are written: as they are, or percent-encoded with `encoding-type=url`. Raises OssError."""
    encoding = call.query.get("encoding-type")
    if encoding in (None, ""):
        return str
    if encoding != "url":
        raise invalid_argument("encoding-type", encoding or "")
    return lambda text: quote(text, safe="-_.~")


def encoding(call: Call) -> list[Xml]:
    """The element that says that keys are encoded."""
    return [tag("EncodingType", "url")] if call.query.get("encoding-type") else []


def body_document(call: Call, root: str) -> Element:
    """The request's document. Raises OssError MalformedXML."""
    try:
        return parse_body(call.request.body, root)
    except XmlError as error:
        raise OssError("MalformedXML", ErrorDetail=str(error)) from error


def xml_answer(result: Xml) -> Response:
    """An answer with a document."""
    return Response(200, [("Content-Type", "application/xml")], document(result))
