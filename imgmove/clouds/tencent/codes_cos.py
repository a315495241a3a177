"""The error codes of COS: kind, meaning and what the operator does, as data (tencent.md 6)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.tencent.codes_cvm import Group
from imgmove.core.errors import Kind

COS: Final[Group] = (
    (Kind.DENIED, ("AccessDenied",), "the bucket or object is closed to you",
     "check the key's CAM policy and the bucket's own policy; a bucket of another region or account shows so, too"),
    (Kind.DENIED, ("InvalidAccessKeyId", "InvalidSecretId", "SecretIdNotFound"), "the key is unknown or disabled",
     "check TENCENTCLOUD_SECRET_ID or the profile"),
    (Kind.DENIED, ("SignatureDoesNotMatch",), "the signature is refused",
     "check TENCENTCLOUD_SECRET_KEY, and that no proxy rewrites requests"),
    (Kind.DENIED, ("ExpiredToken", "InvalidToken", "TokenExpired"), "the token is expired or wrong",
     "renew the temporary credentials (TENCENTCLOUD_TOKEN)"),
    (Kind.DENIED, ("RequestTimeTooSkewed",), "the clock of this machine is more than 15 minutes off",
     "set the clock"),
    (Kind.DENIED, ("PaymentRequired", "ArrearsForbidden"), "the account has unpaid bills", "pay them"),
    (Kind.DENIED, ("UnavailableForLegalReasons",), "the object is blocked", "ask the vendor"),
    (Kind.NOT_FOUND, ("NoSuchBucket",), "there is no such bucket in this region",
     "check the name (NAME-APPID), the region and the account"),
    (Kind.NOT_FOUND, ("NoSuchKey", "NoSuchResource"), "there is no such object", "check the key"),
    (Kind.NOT_FOUND, ("NoSuchUpload",), "the upload was completed or aborted", "see whether the object exists"),
    (Kind.CONFLICT, ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"), "the parts do not make an object",
     "the parts that the message names are sent again"),
    (Kind.CONFLICT, ("PathConflict", "UploadConflict", "BucketNotEmpty"), "another request is changing the object",
     "wait, then try again"),
    (Kind.CONFLICT, ("PreconditionFailed",), "the object changed meanwhile", "begin again with it as it is now"),
    (Kind.CONFLICT, ("InvalidObjectState",), "the object is archived", "restore it first"),
    (Kind.CORRUPT, ("BadDigest", "InvalidDigest"), "what arrived is not what was sent", "send it again"),
    (Kind.UNAVAILABLE, ("RequestTimeout", "UserNetworkTooSlow", "IncompleteBody", "EntitySizeNotMatch"),
     "the request did not arrive whole or in time", "it is sent again; look at the network"),
    (Kind.INVALID, ("InvalidRange",), "the range lies outside the object", "read inside the object"),
    (Kind.INVALID, ("InvalidArgument", "InvalidBucketName", "InvalidURI", "KeyTooLong", "MalformedXML",
                    "EntityTooLarge", "MissingContentLength", "InvalidRegionName"),
     "a value breaks COS's rules", "mend what the message names"),
    (Kind.THROTTLED, ("TooManyRequests", "SlowDown", "RequestRateLimited"), "too many requests, or too much traffic",
     "wait a little, or lower --workers and --bandwidth"),
    (Kind.UNAVAILABLE, ("InternalError", "ServiceUnavailable"), "COS has trouble", "try again later"),
)  # fmt: skip
