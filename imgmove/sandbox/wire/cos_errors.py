"""COS's error codes with their HTTP status and message (tencent.md 6, the vendor's page of error codes)."""

from __future__ import annotations

from imgmove.sandbox.world.store_errors import Reason, StoreError

ERRORS: dict[str, tuple[int, str]] = {
    "PermanentRedirect": (301, "The bucket is in another region; address it with that region's endpoint."),
    "AuthorizationHeaderMalformed": (400, "The authorization header you provided is invalid."),
    "AuthorizationQueryParametersError": (400, "The signature in the URL you provided is invalid."),
    "BadDigest": (400, "The Content-MD5 you specified did not match what we received."),
    "BucketAccelerateNotEnabled": (400, "The bucket accelerate is not enabled."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed object size."),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed object size."),
    "ExpiredToken": (400, "The provided token has expired."),
    "InvalidArgument": (400, "Invalid Argument."),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidCopySource": (400, "The copy source is invalid."),
    "InvalidDigest": (400, "The Content-MD5 you specified is not valid."),
    "InvalidLocationConstraint": (400, "The specified location constraint is not valid."),
    "InvalidPart": (400, "One or more of the specified parts could not be found, or its ETag does not match."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidRequest": (400, "Invalid Request."),
    "InvalidSHA1Digest": (400, "The x-cos-content-sha1 you specified did not match what we received."),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLong": (400, "Your key is too long."),
    "MalformedPolicy": (400, "The policy you provided is not valid."),
    "MalformedXML": (400, "The XML you provided was not well-formed or did not validate."),
    "MissingRequestBodyError": (400, "Request body is empty."),
    "NotSupportedStorageClass": (400, "The storage class you specified is not supported."),
    "SSEContentNotSupported": (400, "The encryption method is not supported."),
    "XAmzContentSHA256Mismatch": (400, "The provided x-amz-content-sha256 header does not match what we received."),
    "AccessDenied": (403, "Access Denied."),
    "InvalidAccessKeyId": (403, "The Access Key Id you provided does not exist in our records."),
    "InvalidObjectState": (403, "The operation is not valid for the object's storage class."),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the server's time is too large."),
    "SignatureDoesNotMatch": (403, "The Signature you specified is invalid."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist."),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist."),
    "NoSuchEncryptionConfiguration": (404, "The encryption configuration does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist."),
    "NoSuchTagSet": (404, "The TagSet does not exist."),
    "NoSuchUpload": (404, "The specified multipart upload does not exist."),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": (404, "The specified bucket does not have a website configuration."),
    "ReplicationConfigurationNotFoundError": (404, "The replication configuration was not found."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "RestoreNonArchiveObject": (405, "Restore is not allowed for an object that is not archived."),
    "BucketAlreadyExists": (409, "The requested bucket name is not available."),
    "BucketAlreadyOwnedByYou": (409, "The bucket you tried to create already exists, and you own it."),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty."),
    "FileAlreadyExists": (409, "The object you specified already exists and can not be overwritten."),
    "RestoreAlreadyInProgress": (409, "Object restore is already in progress."),
    "PreconditionFailed": (412, "Precondition Failed."),
    "InvalidRange": (416, "The requested range is not satisfiable."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "NotImplemented": (501, "The sandbox does not have this operation of COS."),
    "SlowDown": (503, "Please reduce your request rate."),
}

_REASONS = {
    Reason.BUCKET_EXISTS: "BucketAlreadyExists",
    Reason.BUCKET_OWNED: "BucketAlreadyOwnedByYou",
    Reason.BUCKET_NOT_EMPTY: "BucketNotEmpty",
    Reason.NO_SUCH_BUCKET: "NoSuchBucket",
    Reason.NO_SUCH_UPLOAD: "NoSuchUpload",
    Reason.NO_PARTS: "MalformedXML",
    Reason.INVALID_PART: "InvalidPart",
    Reason.INVALID_PART_ORDER: "InvalidPartOrder",
    Reason.PART_TOO_SMALL: "EntityTooSmall",
    Reason.OBJECT_EXISTS: "FileAlreadyExists",
}


class CosError(Exception):
    """An error answer. `details` are further elements of its document, `headers` further headers."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None, **details: str) -> None:
        usual_status, usual_message = ERRORS.get(code, (400, code))
        super().__init__(code)
        self.code = code
        self.message = message or usual_message
        self.status = status or usual_status
        self.details = details
        self.headers: list[tuple[str, str]] = []


def of_store(error: StoreError) -> CosError:
    """COS's way of saying why the store refused."""
    refusal = CosError(_REASONS[error.reason])
    refusal.details = dict(error.details)
    return refusal
