"""The operations of OSS: how each is recognised, what it needs, what carries it out."""

from __future__ import annotations

from collections.abc import Callable

from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire import oss_buckets as buckets
from imgmove.sandbox.wire import oss_lifecycle, oss_policy
from imgmove.sandbox.wire import oss_lists as lists
from imgmove.sandbox.wire import oss_objects as objects
from imgmove.sandbox.wire import oss_uploads as uploads
from imgmove.sandbox.wire.oss_call import Call, Need, Route
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_hosts import Place
from imgmove.sandbox.wire.oss_signature_v1 import SUBRESOURCES
from imgmove.sandbox.wire.store_xml import tag

COPY = "x-oss-copy-source"
UPLOAD = ("uploadId",)
PART = ("partNumber", "uploadId")

_UNSET: dict[str, tuple[str, Callable[[Call], Response]]] = {
    "cors": ("Cors", buckets.not_set("NoSuchCORSConfiguration")),
    "logging": ("Logging", buckets.empty(tag("BucketLoggingStatus"))),
    "referer": (
        "Referer",
        buckets.empty(tag("RefererConfiguration", tag("AllowEmptyReferer", "true"), tag("RefererList"))),
    ),
    "replication": ("Replication", buckets.not_set("NoSuchReplicationConfiguration")),
    "requestPayment": (
        "RequestPayment",
        buckets.empty(tag("RequestPaymentConfiguration", tag("Payer", "BucketOwner"))),
    ),
    "tagging": ("Tags", buckets.empty(tag("Tagging", tag("TagSet")))),
    "transferAcceleration": ("TransferAcceleration", buckets.not_set("NoSuchTransferAccelerationConfiguration")),
    "website": ("Website", buckets.not_set("NoSuchWebsiteConfiguration")),
    "worm": ("Worm", buckets.not_set("NoSuchWORMConfiguration")),
}
"""Settings that no bucket has here: what OSS answers to a query for one that was never made."""

_SETTINGS: tuple[tuple[str, str, str, Callable[[Call], Response]], ...] = (
    ("encryption", "GetBucketEncryption", "GET", buckets.get_encryption),
    ("encryption", "PutBucketEncryption", "PUT", buckets.put_encryption),
    ("encryption", "DeleteBucketEncryption", "DELETE", buckets.delete_encryption),
    ("lifecycle", "GetBucketLifecycle", "GET", oss_lifecycle.get_lifecycle),
    ("lifecycle", "PutBucketLifecycle", "PUT", oss_lifecycle.put_lifecycle),
    ("lifecycle", "DeleteBucketLifecycle", "DELETE", oss_lifecycle.delete_lifecycle),
    ("policy", "GetBucketPolicy", "GET", oss_policy.get_policy),
    ("policy", "PutBucketPolicy", "PUT", oss_policy.put_policy),
    ("policy", "DeleteBucketPolicy", "DELETE", oss_policy.delete_policy),
    ("publicAccessBlock", "GetBucketPublicAccessBlock", "GET", oss_policy.get_block),
    ("publicAccessBlock", "PutBucketPublicAccessBlock", "PUT", oss_policy.put_block),
    ("publicAccessBlock", "DeleteBucketPublicAccessBlock", "DELETE", oss_policy.delete_block),
    ("versioning", "GetBucketVersioning", "GET", buckets.get_versioning),
    ("versioning", "PutBucketVersioning", "PUT", buckets.put_versioning),
)
"""Settings that buckets have: parameter, operation (its right has the same name), method, what carries it out."""

ROUTES = (
    Route("ListBuckets", "ListBuckets", "service", "GET", Need.SIGNED, buckets.list_buckets),
    # Settings of buckets
    Route("GetBucketInfo", "GetBucketInfo", "bucket", "GET", Need.OWN, buckets.get_info, ("bucketInfo",)),
    Route("GetBucketLocation", "GetBucketLocation", "bucket", "GET", Need.OWN, buckets.get_location, ("location",)),
    Route("GetBucketStat", "GetBucketStat", "bucket", "GET", Need.OWN, buckets.get_stat, ("stat",)),
    Route("GetBucketAcl", "GetBucketAcl", "bucket", "GET", Need.OWN, buckets.get_acl, ("acl",)),
    Route("PutBucketAcl", "PutBucketAcl", "bucket", "PUT", Need.OWN, buckets.put_acl, ("acl",)),
    *(
        Route(f"GetBucket{name}", f"GetBucket{name}", "bucket", "GET", Need.OWN, handle, (parameter,))
        for parameter, (name, handle) in _UNSET.items()
    ),
    *(
        Route(name, name, "bucket", method, Need.OWN, handle, (parameter,))
        for parameter, name, method, handle in _SETTINGS
    ),
    # Buckets
    Route("ListMultipartUploads", "ListMultipartUploads", "bucket", "GET", Need.OWN,
          uploads.list_uploads, ("uploads",), data=True),
    Route("DeleteMultipleObjects", "DeleteObject", "bucket", "POST", Need.WRITE_BUCKET,
          lists.delete_objects, ("delete",), data=True),
    Route("ListObjectVersions", "ListObjectVersions", "bucket", "GET", Need.READ_BUCKET,
          lists.list_versions, ("versions",), data=True),
    Route("ListObjectsV2", "ListObjects", "bucket", "GET", Need.READ_BUCKET, lists.list_objects_v2, ("list-type",), data=True),
    Route("ListObjects", "ListObjects", "bucket", "GET", Need.READ_BUCKET, lists.list_objects, data=True),
    Route("HeadBucket", "GetBucketInfo", "bucket", "HEAD", Need.READ_BUCKET, buckets.head_bucket),
    Route("PutBucket", "PutBucket", "bucket", "PUT", Need.SIGNED, buckets.put_bucket),
    Route("DeleteBucket", "DeleteBucket", "bucket", "DELETE", Need.OWN, buckets.delete_bucket),
    # Multipart uploads
    Route("InitiateMultipartUpload", "PutObject", "object", "POST", Need.WRITE_BUCKET, uploads.initiate, ("uploads",), data=True),
    Route("UploadPartCopy", "PutObject", "object", "PUT", Need.WRITE_BUCKET, uploads.upload_part_copy, PART, COPY, data=True),
    Route("UploadPart", "PutObject", "object", "PUT", Need.WRITE_BUCKET, uploads.upload_part, PART, data=True),
    Route("ListParts", "ListParts", "object", "GET", Need.WRITE_BUCKET, uploads.list_parts, UPLOAD, data=True),
    Route("CompleteMultipartUpload", "PutObject", "object", "POST", Need.WRITE_BUCKET, uploads.complete, UPLOAD, data=True),
    Route("AbortMultipartUpload", "AbortMultipartUpload", "object", "DELETE", Need.WRITE_BUCKET,
          uploads.abort, UPLOAD, data=True),
    # Objects
    Route("GetObjectACL", "GetObjectAcl", "object", "GET", Need.OWN, objects.get_acl, ("acl",), data=True),
    Route("PutObjectACL", "PutObjectAcl", "object", "PUT", Need.OWN, objects.put_acl, ("acl",), data=True),
    Route("RestoreObject", "RestoreObject", "object", "POST", Need.OWN, objects.restore_object, ("restore",), data=True),
    Route("GetObjectMeta", "GetObject", "object", "HEAD", Need.READ_OBJECT,
          objects.head_object, ("objectMeta",), data=True),
    Route("CopyObject", "PutObject", "object", "PUT", Need.WRITE_BUCKET, objects.copy_object, (), COPY, data=True),
    Route("PutObject", "PutObject", "object", "PUT", Need.WRITE_BUCKET, objects.put_object, data=True),
    Route("GetObject", "GetObject", "object", "GET", Need.READ_OBJECT, objects.get_object, data=True),
    Route("HeadObject", "GetObject", "object", "HEAD", Need.READ_OBJECT, objects.head_object, data=True),
    Route("DeleteObject", "DeleteObject", "object", "DELETE", Need.WRITE_BUCKET, objects.delete_object, data=True),
)  # fmt: skip
"""Every operation by the name of the vendor's page, the more special ones first."""

_DETAILS = frozenset(
    {"callback", "callback-var", "continuation-token", "delimiter", "encoding-type", "fetch-owner", "key-marker"}
    | {"list-type", "marker", "max-keys", "position", "prefix", "response-cache-control"}
    | {"response-content-disposition", "response-content-encoding", "response-content-language"}
    | {"response-content-type", "response-expires", "security-token", "sequential", "start-after", "upload-id-marker"}
    | {"version-id-marker", "versionId"}
)
"""Query parameters that say more about an operation and may be sent blank; so may `x-oss-…`."""
_SUBRESOURCES = frozenset(
    {"accessmonitor", "cleanRestoredObject", "regions"}
    | {name for name in SUBRESOURCES - _DETAILS if not name.startswith("x-oss-")}
    | _UNSET.keys()
    | {parameter for parameter, *_ in _SETTINGS}
)
"""Those that make another operation of a request: an unknown combination is not simply left out."""


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
    leave out `?overwriteConfig` would turn the deletion of a setting into that of the bucket."""
    return any(
        name in _SUBRESOURCES or not (value or name in _DETAILS or name.startswith("x-oss-"))
        for name, value in request.query()
    )


def unknown(request: Request) -> OssError:
    """The refusal of a request that no route fits."""
    names = {name for name, _ in request.query()}
    for name in ("partNumber", "uploadId"):
        if name in names:
            error = OssError("InvalidArgument", "Unexpected query string parameter", ec="0017-00000219")
            error.details = {"ArgumentName": "ResourceType", "ArgumentValue": name}
            return error
    lacking = _asks_for_more(request) or request.method in ("POST", "OPTIONS")
    return OssError("NotImplemented" if lacking else "MethodNotAllowed")
