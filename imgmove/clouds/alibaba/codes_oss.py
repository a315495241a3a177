"""The error codes of OSS: kind, meaning and what the operator does, as data (alibaba.md 5.2, 7 and 9.5)."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba.codes_ecs import Group
from imgmove.core.errors import Kind

OSS: Final[Group] = (
    (Kind.DENIED, ("AccessDenied",), "the bucket or object is closed to you",
     "check the RAM policy and the bucket's policy; a wrong endpoint for the bucket's region shows so, too"),
    (Kind.DENIED, ("InvalidAccessKeyId",),
     "the access key is unknown", "check ALIBABA_CLOUD_ACCESS_KEY_ID or the profile"),
    (Kind.DENIED, ("SignatureDoesNotMatch",), "the signature is refused: a wrong secret, or a wrong region",
     "check the access key secret and the bucket's region"),
    (Kind.DENIED, ("SecurityTokenExpired", "InvalidSecurityToken"), "the security token is expired or wrong",
     "renew the temporary credentials"),
    (Kind.DENIED, ("RequestTimeTooSkewed",), "the clock is more than 15 minutes off", "set the clock"),
    (Kind.NOT_FOUND, ("NoSuchBucket",), "there is no such bucket", "check the name and the account"),
    (Kind.NOT_FOUND, ("NoSuchKey",), "there is no such object", "check the key"),
    (Kind.NOT_FOUND, ("NoSuchUpload",), "the upload was completed or aborted", "see whether the object exists"),
    (Kind.CONFLICT, ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"), "the parts do not make an object",
     "the parts that the message names are sent again"),
    (Kind.CORRUPT, ("InvalidDigest", "BadDigest"), "what arrived is not what was sent", "send it again"),
    (Kind.EXISTS, ("FileAlreadyExists",), "the key is taken", "choose another key, or delete the object"),
    (Kind.CONFLICT, ("InvalidObjectState",), "the object is archived", "restore it first"),
    (Kind.CONFLICT, ("PreconditionFailed",),
     "the object changed meanwhile", "begin again with the object as it is now"),
    (Kind.INVALID, ("InvalidRange",), "the range lies outside the object", "read inside the object"),
    (Kind.INVALID, ("InvalidBucketName", "InvalidObjectName", "InvalidArgument", "MalformedXML", "EntityTooLarge"),
     "a value breaks OSS's rules", "mend what the message names"),
    (Kind.DENIED, ("PublicEndpointForbidden", "0048-00000401"),
     "this account may not reach mainland buckets by the default public name",
     "run inside the region with network = internal (or IMGMOVE_ENDPOINT_URL_OSS with the region's -internal name), "
     "set oss_cname in the profile to a domain of your own, or use a bucket outside the mainland (cn-hongkong)"),
    (Kind.INVALID, ("0003-00001403",), "the bucket is at another endpoint than the one asked",
     "check the bucket's region and the OSS endpoint"),
    (Kind.NOT_FOUND, ("NoSuchLifecycle", "NoSuchServerSideEncryptionRule", "NoSuchBucketPolicy"),
     "the bucket has no such setting", "nothing is to be done"),
    (Kind.INVALID, ("SecondLevelDomainForbidden",), "the endpoint wants the bucket in the host name",
     "check the OSS endpoint"),
    (Kind.DENIED, ("UserDisable", "0003-00000801"),
     "the account is overdue, or OSS is switched off", "pay, or switch OSS on"),
    (Kind.DENIED, ("0002-00000080",),
     "signatures of version 1 are refused", "imgmove signs with version 4: report it as a bug"),
    (Kind.THROTTLED, ("DownloadTrafficRateLimitExceeded", "UploadTrafficRateLimitExceeded", "TotalQpsLimitExceeded",
                      "MetaOperationQpsLimitExceeded", "ActiveRequestLimitExceeded", "QpsLimitExceeded",
                      "TotalTrafficRateLimitExceeded"),
     "the account's bandwidth or request rate is used up", "wait a little, or lower --workers and --bandwidth"),
    (Kind.UNSUPPORTED, ("MethodNotAllowed", "NotImplemented", "OperationNotSupported"), "OSS does not do that here",
     "check the endpoint and the bucket's kind"),
    (Kind.UNAVAILABLE, ("InternalError", "ServiceUnavailable", "RequestTimeout"), "OSS has trouble", "try again later"),
)  # fmt: skip
