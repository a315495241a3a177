"""OSS's signatures, versions 1, 2 and 4, and AWS's, in the Authorization header and in the URL: who signed a request.

The versions' own rules are in `oss_signature_v1` (1 and 2) and `oss_signature_v4`; here is what they share: keys,
tokens, and which of the six forms a request has (alibaba.md 5.4, 5.7).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import ClassVar

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire import aws_signature, oss_signature_v1, oss_signature_v4
from imgmove.sandbox.wire.aws_dialect import AwsRequest
from imgmove.sandbox.wire.aws_signature import Claim
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_hosts import Place
from imgmove.sandbox.wire.oss_signed import Signed
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key


@dataclass(frozen=True)
class Identity:
    """Who signed a request and how."""

    key: Key | None
    """None for an anonymous request."""
    version: int
    """1, 2 or 4; 0 for an anonymous request and for one signed in AWS's way."""
    region: str = ""
    """The region that a version 4 signature is for."""
    in_url: bool = False


ANONYMOUS = Identity(None, 0)


def authenticate(world: World, request: Request, place: Place) -> Identity:
    """The signer of a request. Raises OssError for a signature that does not hold."""
    signed = _signed(request, place, world.clock.wall())
    if signed is None:
        return ANONYMOUS
    key = world.accounts.key("alibaba", signed.access_key_id)
    if key is None:
        raise OssError("InvalidAccessKeyId", OSSAccessKeyId=signed.access_key_id)
    if key.disabled:
        raise OssError("InvalidAccessKeyId", "The OSS Access Key Id is disabled.", OSSAccessKeyId=signed.access_key_id)
    if not signed.made_with(key.secret):
        raise _mismatch(signed)
    _check_token(key, signed, world.clock.wall())
    return Identity(key, signed.version, signed.region, signed.in_url)


def _signed(request: Request, place: Place, wall: float) -> Signed | None:
    """What the request says about its signature, its times checked; None for an anonymous one."""
    if isinstance(request, AwsRequest):
        return _signed_as_aws(request, wall)
    header = request.headers.get("Authorization", "").strip()
    query = dict(request.query())
    if header:
        scheme, _, rest = header.partition(" ")
        if scheme == "OSS":
            return oss_signature_v1.in_header(request, place, rest, wall)
        if scheme == "OSS2":
            return oss_signature_v1.v2_in_header(request, place, rest, wall)
        if scheme == oss_signature_v4.ALGORITHM:
            return oss_signature_v4.in_header(request, place, rest, wall)
        raise OssError("InvalidArgument", "The authorization header is invalid.", ec="0002-00000061")
    if "x-oss-signature-version" in query or "x-oss-signature" in query:
        if query.get("x-oss-signature-version") == "OSS2":
            return oss_signature_v1.v2_in_url(request, place, query, wall)
        return oss_signature_v4.in_url(request, place, query, wall)
    if "Signature" in query or "OSSAccessKeyId" in query:
        return oss_signature_v1.in_url(request, place, query, wall)
    return None


@dataclass(frozen=True, kw_only=True)
class SignedAsAws(Signed):
    """AWS's version 4."""

    version: ClassVar[int] = 0
    mismatch_ec: ClassVar[str] = "0002-00000201"

    claim: Claim

    def signature_of(self, secret: str, text: str) -> str:
        """Hexadecimal HMAC-SHA256 under the derived key."""
        return self.claim.signature_of(secret, text)


def _signed_as_aws(request: AwsRequest, wall: float) -> SignedAsAws:
    try:
        claim = aws_signature.read(request.original, wall)
    except aws_signature.AwsError as error:
        raise OssError(error.code, error.message) from error
    return SignedAsAws(
        access_key_id=claim.access_key_id,
        signature=claim.signature,
        string_to_sign=claim.string_to_sign,
        canonical_request=claim.canonical_request,
        token=request.headers.get("x-oss-security-token", ""),
        claim=claim,
    )


def _mismatch(signed: Signed) -> OssError:
    as_bytes = " ".join(f"{byte:02X}" for byte in signed.string_to_sign.encode())
    error = OssError(
        "SignatureDoesNotMatch",
        ec=signed.mismatch_ec,
        OSSAccessKeyId=signed.access_key_id,
        SignatureProvided=signed.signature,
        StringToSign=signed.string_to_sign,
        StringToSignBytes=as_bytes,
    )
    if signed.canonical_request:
        error.details["CanonicalRequest"] = signed.canonical_request
    return error


def _check_token(key: Key, signed: Signed, wall: float) -> None:
    """Temporary keys need their token, and no other key may have one."""
    if key.token is None:
        if signed.token:
            raise OssError("InvalidSecurityToken")
        return
    if not signed.token:
        raise OssError("InvalidAccessKeyId", OSSAccessKeyId=signed.access_key_id)
    if not hmac.compare_digest(signed.token.encode(), key.token.encode()):
        raise OssError("InvalidSecurityToken")
    if key.expires_at is not None and key.expires_at <= wall:
        raise OssError("SecurityTokenExpired")
