"""OSS's error codes with their HTTP status, fine-grained code (EC) and message (alibaba.md 5.8, 7, 9.5)."""

from __future__ import annotations

from imgmove.sandbox.world.store_errors import Reason, StoreError

NO_EC = "0017-00000000"
"""Where the vendor facts tell no EC: the number of the group REQUEST with a zero, which OSS itself never sends."""

ERRORS: dict[str, tuple[int, str, str]] = {
    "AuthorizationHeaderMalformed": (400, NO_EC, "The authorization header you provided is invalid."),
    "AuthorizationQueryParametersError": (400, NO_EC, "The signature in the URL you provided is invalid."),
    "BadRequest": (400, NO_EC, "The request is malformed."),
    "EntityTooLarge": (400, NO_EC, "Your proposed upload exceeds the maximum allowed object size."),
    "EntityTooSmall": (400, "0042-00000213", "Your proposed upload smaller than the minimum allowed size."),
    "InvalidArgument": (400, NO_EC, "The argument you provided is invalid."),
    "InvalidBucketName": (400, NO_EC, "The specified bucket is not valid."),
    "InvalidDigest": (400, NO_EC, "The Content-MD5 you specified was invalid."),
    "InvalidEncryptionAlgorithmError": (400, NO_EC, "The encryption algorithm you specified is not supported."),
    "InvalidLocationConstraint": (400, NO_EC, "The specified location-constraint is not valid."),
    "InvalidObjectName": (400, NO_EC, "The specified object is not valid."),
    "InvalidPart": (
        400,
        NO_EC,
        "One or more of the specified parts could not be found or the specified entity tag might not have matched "
        "the part's entity tag.",
    ),
    "InvalidPartOrder": (400, "0042-00000209", "The list of parts was not in ascending order."),
    "InvalidPolicyDocument": (400, NO_EC, "The content of the policy is invalid."),
    "InvalidRequest": (400, NO_EC, "The request is invalid."),
    "InvalidStorageClass": (400, NO_EC, "The storage class you specified is invalid."),
    "MalformedXML": (
        400,
        "0031-00000001",
        "The XML you provided was not well-formed or did not validate against our published schema.",
    ),
    "MissingArgument": (400, NO_EC, "Missing Some Required Arguments."),
    "OperationNotSupported": (400, NO_EC, "The operation is not supported for this resource."),
    "PublicEndpointForbidden": (
        400,
        "0048-00000401",
        "The data operations of this account are not allowed through the default public endpoint.",
    ),
    "RequestTimeout": (400, NO_EC, "Your socket connection to the server was not read from or written to in time."),
    "XAmzContentSHA256Mismatch": (
        400,
        NO_EC,
        "The provided x-amz-content-sha256 header does not match what we received.",
    ),
    "AccessDenied": (403, "0003-00000001", "You have no right to access this object because of bucket acl."),
    "InvalidAccessKeyId": (403, "0002-00000902", "The OSS Access Key Id you provided does not exist in our records."),
    "InvalidObjectState": (403, NO_EC, "The operation is not valid for the object's state."),
    "InvalidSecurityToken": (403, NO_EC, "The security token you provided is invalid."),
    "RequestTimeTooSkewed": (
        403,
        "0002-00000504",
        "The difference between the request time and the current time is too large.",
    ),
    "SecondLevelDomainForbidden": (
        403,
        NO_EC,
        "The bucket you are attempting to access must be addressed using OSS third level domain.",
    ),
    "SecurityTokenExpired": (403, NO_EC, "The security token you provided has expired."),
    "SignatureDoesNotMatch": (
        403,
        "0002-00000201",
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method.",
    ),
    "UserDisable": (403, NO_EC, "UserDisable"),
    "NoSuchBucket": (404, "0015-00000101", "The specified bucket does not exist."),
    "NoSuchBucketPolicy": (404, NO_EC, "The bucket policy does not exist."),
    "NoSuchCORSConfiguration": (404, NO_EC, "The CORS Configuration does not exist."),
    "NoSuchKey": (404, "0026-00000001", "The specified key does not exist."),
    "NoSuchLifecycle": (404, NO_EC, "No Row found in Lifecycle Table."),
    "NoSuchServerSideEncryptionRule": (
        404,
        NO_EC,
        "The server side encryption configuration was not found.",
    ),
    "NoSuchTransferAccelerationConfiguration": (
        404,
        NO_EC,
        "The specified bucket does not have a transfer acceleration configuration.",
    ),
    "NoSuchUpload": (
        404,
        "0017-00000244",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
    ),
    "NoSuchVersion": (404, NO_EC, "The specified version does not exist."),
    "NoSuchWORMConfiguration": (404, NO_EC, "The WORM Configuration does not exist."),
    "NoSuchWebsiteConfiguration": (404, NO_EC, "The specified bucket does not have a website configuration."),
    "NoSuchReplicationConfiguration": (404, NO_EC, "The bucket replication configuration does not exist."),
    "MethodNotAllowed": (405, NO_EC, "The specified method is not allowed against this resource."),
    "BucketAlreadyExists": (
        409,
        NO_EC,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Please select a different name and try again.",
    ),
    "BucketNotEmpty": (409, NO_EC, "The bucket has objects. Please delete them first."),
    "FileAlreadyExists": (409, NO_EC, "The object you specified already exists and can not be overwritten."),
    "RestoreAlreadyInProgress": (409, NO_EC, "The restore operation is in progress."),
    "MissingContentLength": (411, NO_EC, "You must provide the Content-Length HTTP header."),
    "PreconditionFailed": (
        412,
        NO_EC,
        "At least one of the pre-conditions you specified did not hold.",
    ),
    "InvalidRange": (416, NO_EC, "The requested range cannot be satisfied."),
    "InternalError": (500, NO_EC, "We encountered an internal error. Please try again."),
    "NotImplemented": (501, NO_EC, "The sandbox does not have this operation of OSS."),
    "DownloadTrafficRateLimitExceeded": (503, NO_EC, "Download traffic rate limit exceeded."),
    "ServiceUnavailable": (503, NO_EC, "Please reduce your request rate."),
    "TotalQpsLimitExceeded": (503, NO_EC, "Total Qps limit exceeded."),
    "UploadTrafficRateLimitExceeded": (503, NO_EC, "Upload traffic rate limit exceeded."),
}

_REASONS = {
    Reason.BUCKET_EXISTS: "BucketAlreadyExists",
    Reason.BUCKET_OWNED: "BucketAlreadyExists",
    Reason.BUCKET_NOT_EMPTY: "BucketNotEmpty",
    Reason.NO_SUCH_BUCKET: "NoSuchBucket",
    Reason.NO_SUCH_UPLOAD: "NoSuchUpload",
    Reason.NO_PARTS: "MalformedXML",
    Reason.INVALID_PART: "InvalidPart",
    Reason.INVALID_PART_ORDER: "InvalidPartOrder",
    Reason.PART_TOO_SMALL: "EntityTooSmall",
    Reason.OBJECT_EXISTS: "FileAlreadyExists",
}


class OssError(Exception):
    """An error answer. `details` are further elements of its document, `headers` further headers."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        ec: str | None = None,
        **details: str,
    ) -> None:
        usual_status, usual_ec, usual_message = ERRORS.get(code, (400, NO_EC, code))
        super().__init__(code)
        self.code = code
        self.message = message or usual_message
        self.status = status or usual_status
        self.ec = ec or usual_ec
        self.details = details
        self.headers: list[tuple[str, str]] = []


def of_store(error: StoreError) -> OssError:
    """OSS's way of saying why the store refused."""
    refusal = OssError(_REASONS[error.reason])
    refusal.details = dict(error.details)
    return refusal


def invalid_argument(name: str, value: str, message: str | None = None) -> OssError:
    """The refusal of an argument, with its name and value as OSS shows them."""
    return OssError("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)
