"""The operations of COS: how each is recognised, what it needs, what carries it out."""

from __future__ import annotations

from collections.abc import Callable

from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire import cos_acl, cos_lifecycle, cos_policy
from imgmove.sandbox.wire import cos_buckets as buckets
from imgmove.sandbox.wire import cos_lists as lists
from imgmove.sandbox.wire import cos_objects as objects
from imgmove.sandbox.wire import cos_uploads as uploads
from imgmove.sandbox.wire.cos_call import Call, Need, Route
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_hosts import Place

COPY = "x-cos-copy-source"
UPLOAD = ("uploadId",)
PART = ("partNumber", "uploadId")

_UNSET: dict[str, tuple[str, Callable[[Call], Response]]] = {
    "accelerate": ("Accelerate", buckets.empty("AccelerateConfiguration")),
    "cors": ("CORS", buckets.not_set("NoSuchCORSConfiguration")),
    "logging": ("Logging", buckets.empty("BucketLoggingStatus")),
    "replication": ("Replication", buckets.not_set("ReplicationConfigurationNotFoundError")),
    "tagging": ("Tagging", buckets.not_set("NoSuchTagSet")),
    "website": ("Website", buckets.not_set("NoSuchWebsiteConfiguration")),
}
"""Settings that no bucket has here: what COS answers to a query for one that was never made."""

_SETTINGS: tuple[tuple[str, str, str, Callable[[Call], Response]], ...] = (
    ("encryption", "GetBucketEncryption", "GET", buckets.get_encryption),
    ("encryption", "PutBucketEncryption", "PUT", buckets.put_encryption),
    ("encryption", "DeleteBucketEncryption", "DELETE", buckets.delete_encryption),
    ("lifecycle", "GetBucketLifecycle", "GET", cos_lifecycle.get_lifecycle),
    ("lifecycle", "PutBucketLifecycle", "PUT", cos_lifecycle.put_lifecycle),
    ("lifecycle", "DeleteBucketLifecycle", "DELETE", cos_lifecycle.delete_lifecycle),
    ("policy", "GetBucketPolicy", "GET", cos_policy.get_policy),
    ("policy", "PutBucketPolicy", "PUT", cos_policy.put_policy),
    ("policy", "DeleteBucketPolicy", "DELETE", cos_policy.delete_policy),
    ("versioning", "GetBucketVersioning", "GET", buckets.get_versioning),
    ("versioning", "PutBucketVersioning", "PUT", buckets.put_versioning),
)
"""Settings that buckets have: parameter, operation (its right has the same name), method, what carries it out."""

ROUTES = (
    Route("ListBuckets", "GetService", "service", "GET", Need.SIGNED, buckets.list_buckets),
    # Settings of buckets
    Route("GetBucketLocation", "GetBucket", "bucket", "GET", Need.OWN, buckets.get_location, ("location",)),
    Route("GetBucketAcl", "GetBucketACL", "bucket", "GET", Need.READ_ACL, cos_acl.get_bucket_acl, ("acl",)),
    Route("PutBucketAcl", "PutBucketACL", "bucket", "PUT", Need.WRITE_ACL, cos_acl.put_bucket_acl, ("acl",)),
    *(
        Route(f"GetBucket{name}", f"GetBucket{name}", "bucket", "GET", Need.OWN, handle, (parameter,))
        for parameter, (name, handle) in _UNSET.items()
    ),
    *(
        Route(name, name, "bucket", method, Need.OWN, handle, (parameter,))
        for parameter, name, method, handle in _SETTINGS
    ),
    # Buckets
    Route("ListMultipartUploads", "ListMultipartUploads", "bucket", "GET", Need.READ_BUCKET, uploads.list_uploads, ("uploads",)),
    Route("DeleteMultipleObjects", "DeleteMultipleObjects", "bucket", "POST", Need.WRITE_BUCKET,
          lists.delete_objects, ("delete",)),
    Route("ListObjectVersions", "GetBucketObjectVersions", "bucket", "GET", Need.READ_BUCKET,
          lists.list_versions, ("versions",)),
    Route("ListObjectsV2", "GetBucket", "bucket", "GET", Need.READ_BUCKET, lists.list_objects_v2, ("list-type",)),
    Route("ListObjects", "GetBucket", "bucket", "GET", Need.READ_BUCKET, lists.list_objects),
    Route("HeadBucket", "HeadBucket", "bucket", "HEAD", Need.READ_BUCKET, buckets.head_bucket),
    Route("PutBucket", "PutBucket", "bucket", "PUT", Need.SIGNED, buckets.put_bucket),
    Route("DeleteBucket", "DeleteBucket", "bucket", "DELETE", Need.OWN, buckets.delete_bucket),
    # Multipart uploads
    Route("InitiateMultipartUpload", "InitiateMultipartUpload", "object", "POST", Need.WRITE_BUCKET,
          uploads.initiate, ("uploads",)),
    Route("UploadPartCopy", "UploadPart", "object", "PUT", Need.WRITE_BUCKET, uploads.upload_part_copy, PART, COPY),
    Route("UploadPart", "UploadPart", "object", "PUT", Need.WRITE_BUCKET, uploads.upload_part, PART),
    Route("ListParts", "ListParts", "object", "GET", Need.WRITE_BUCKET, uploads.list_parts, UPLOAD),
    Route("CompleteMultipartUpload", "CompleteMultipartUpload", "object", "POST", Need.WRITE_BUCKET, uploads.complete, UPLOAD),
    Route("AbortMultipartUpload", "AbortMultipartUpload", "object", "DELETE", Need.WRITE_BUCKET, uploads.abort, UPLOAD),
    # Objects
    Route("GetObjectAcl", "GetObjectACL", "object", "GET", Need.READ_ACL, cos_acl.get_object_acl, ("acl",)),
    Route("PutObjectAcl", "PutObjectACL", "object", "PUT", Need.WRITE_ACL, cos_acl.put_object_acl, ("acl",)),
    Route("RestoreObject", "PostObjectRestore", "object", "POST", Need.OWN, objects.restore_object, ("restore",)),
    Route("CopyObject", "PutObject", "object", "PUT", Need.WRITE_BUCKET, objects.copy_object, (), COPY),
    Route("PutObject", "PutObject", "object", "PUT", Need.WRITE_BUCKET, objects.put_object),
    Route("GetObject", "GetObject", "object", "GET", Need.READ_OBJECT, objects.get_object),
    Route("HeadObject", "HeadObject", "object", "HEAD", Need.READ_OBJECT, objects.head_object),
    Route("DeleteObject", "DeleteObject", "object", "DELETE", Need.WRITE_BUCKET, objects.delete_object),
)  # fmt: skip
"""Every operation by the title of the vendor's page, the more special ones first."""

_SUBRESOURCES = frozenset(
    {"acl", "append", "ci-process", "delete", "domain", "domaincertificate", "encryption", "intelligent-tiering"}
    | {parameter for parameter, *_ in _SETTINGS}
    | {"intelligenttiering", "inventory", "legal-hold", "location", "notification", "object-lock", "origin"}
    | {"partNumber", "referer", "restore", "retention", "select", "symlink", "torrent"}
    | {"uploadId", "uploads", "versions"}
    | _UNSET.keys()
)
"""Query parameters that make another operation of a request: an unknown combination is not simply left out."""
_DETAILS = frozenset(
    {"delimiter", "encoding-type", "fetch-owner", "key-marker", "list-type", "marker", "max-keys", "prefix", "region"}
    | {"sign", "version-id-marker", "versionId"}
)
"""Parameters that say more about an operation and may be sent blank."""
_DETAIL_PREFIXES = ("q-", "response-", "x-cos-")


def find_route(request: Request, place: Place) -> Route | None:
    """The operation that a request asks for, None for what the sandbox does not know."""
    level = "object" if place.key else "bucket" if place.bucket else "service"
    names = {name for name, _ in request.query()}
    for route in ROUTES:
        if route.level != level or route.method != request.method or not names.issuperset(route.parameters):
            continue
        if route.header and route.header not in request.headers:
            continue
        return route if route.parameters or not _asks_for_more(request) else None
    return None


def _asks_for_more(request: Request) -> bool:
    """Whether the query names an operation of its own. A name without a value does, unless it is known not to: to
    leave out `?domaincertificate` would turn the deletion of a certificate into that of the bucket."""
    return any(
        name in _SUBRESOURCES or not (value or name in _DETAILS or name.startswith(_DETAIL_PREFIXES))
        for name, value in request.query()
    )


def unknown(request: Request) -> CosError:
    """The refusal of a request that no route fits."""
    names = {name for name, _ in request.query()}
    if names & {"partNumber", "uploadId"}:
        return CosError("InvalidArgument", "partNumber and uploadId do not make sense in this request.")
    lacking = _asks_for_more(request) or request.method in ("POST", "OPTIONS")
    return CosError("NotImplemented" if lacking else "MethodNotAllowed")
