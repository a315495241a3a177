"""COS's policies of buckets: PUT, GET and DELETE Bucket policy."""

from __future__ import annotations

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.world.tencent_bucket_policy import ConditionError, read
from imgmove.sandbox.world.tencent_policy import PolicyError

MAX_POLICY_BYTES = 20 << 10


def put_policy(call: Call) -> Response:
    """PUT Bucket policy: replaces the one that there is."""
    if call.request.body.size_bytes > MAX_POLICY_BYTES:
        raise CosError("MalformedPolicy", f"The policy is longer than {MAX_POLICY_BYTES} bytes.")
    try:
        document = call.request.body.read().decode()
        read(document)
    except ConditionError as error:
        raise CosError("NotImplemented", f"{error}.") from error
    except (PolicyError, UnicodeDecodeError) as error:
        raise CosError("MalformedPolicy", f"{error}.") from error
    _set(call, document)
    return Response(204, [])


def get_policy(call: Call) -> Response:
    """GET Bucket policy: the document as it was given. The vendor says that it was XML."""
    if not call.bucket.policy:
        raise CosError("NoSuchBucketPolicy")
    return Response(200, [("Content-Type", "application/xml")], call.bucket.policy.encode())


def delete_policy(call: Call) -> Response:
    """DELETE Bucket policy: 204 whether there was one or not."""
    _set(call, "")
    return Response(204, [])


def _set(call: Call, document: str) -> None:
    with call.world.lock:
        call.bucket.policy = document
        call.world.changed()
