"""OSS's rules about who gets at a bucket: its policy, and the block of public access."""

from __future__ import annotations

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.oss_buckets import body_document, xml_answer
from imgmove.sandbox.wire.oss_call import Call
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_properties import check_md5
from imgmove.sandbox.wire.store_xml import tag
from imgmove.sandbox.world.alibaba_bucket_policy import NotEvaluatedError, read
from imgmove.sandbox.world.alibaba_policy import MalformedPolicyError

MAX_POLICY_BYTES = 16 << 10
BLOCK = "PublicAccessBlockConfiguration"


def put_policy(call: Call) -> Response:
    """PutBucketPolicy: replaces the one that there is."""
    check_md5(call)
    if call.request.body.size_bytes > MAX_POLICY_BYTES:
        raise OssError("InvalidPolicyDocument", f"The policy is longer than {MAX_POLICY_BYTES} bytes.")
    try:
        document = call.request.body.read().decode()
        read(document)
    except NotEvaluatedError as error:
        raise OssError("NotImplemented", str(error)) from error
    except (MalformedPolicyError, UnicodeDecodeError) as error:
        raise OssError("InvalidPolicyDocument", str(error)) from error
    _set(call, document)
    return Response(200, [])


def get_policy(call: Call) -> Response:
    """GetBucketPolicy: the document as it was given."""
    if not call.bucket.policy:
        raise OssError("NoSuchBucketPolicy", BucketName=call.bucket.name)
    return Response(200, [("Content-Type", "application/json")], call.bucket.policy.encode())


def delete_policy(call: Call) -> Response:
    """DeleteBucketPolicy: 204 whether there was one or not."""
    _set(call, "")
    return Response(204, [])


def _set(call: Call, document: str) -> None:
    with call.world.lock:
        call.bucket.policy = document
        call.world.changed()


def get_block(call: Call) -> Response:
    """GetBucketPublicAccessBlock."""
    return xml_answer(tag(BLOCK, tag("BlockPublicAccess", str(call.bucket.block_public_access).lower())))


def put_block(call: Call) -> Response:
    """PutBucketPublicAccessBlock."""
    wanted = body_document(call, BLOCK).get("BlockPublicAccess").lower()
    if wanted not in ("true", "false"):
        raise OssError("MalformedXML")
    _block(call, wanted == "true")
    return Response(200, [])


def delete_block(call: Call) -> Response:
    """DeleteBucketPublicAccessBlock."""
    _block(call, False)
    return Response(204, [])


def _block(call: Call, wanted: bool) -> None:
    with call.world.lock:
        call.bucket.block_public_access = wanted
        call.world.changed()
