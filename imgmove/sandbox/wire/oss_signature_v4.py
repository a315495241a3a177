"""OSS's signature version 4: HMAC-SHA256 with a key made for one day, region and product."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.oss_errors import OssError
from imgmove.sandbox.wire.oss_hosts import Place
from imgmove.sandbox.wire.oss_signed import (
    Signed,
    canonical_headers,
    canonical_query,
    check_expiry,
    check_skew,
    encode,
    fields,
)

ALGORITHM = "OSS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
SIGNED_ALWAYS = ("content-type", "content-md5")
_REGION = re.compile(r"[a-z]{2,}-[a-z0-9-]+")


@dataclass(frozen=True)
class Scope:
    """`<access key id>/<yyyymmdd>/<region>/oss/aliyun_v4_request`."""

    access_key_id: str
    date: str
    region: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/oss/aliyun_v4_request"


@dataclass(frozen=True, kw_only=True)
class SignedV4(Signed):
    """Version 4."""

    version: ClassVar[int] = 4
    mismatch_ec: ClassVar[str] = "0002-00000201"

    date: str

    def signature_of(self, secret: str, text: str) -> str:
        """Hexadecimal HMAC-SHA256 under the derived key."""
        key = f"aliyun_v4{secret}".encode()
        for part in (self.date, self.region, "oss", "aliyun_v4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def in_header(request: Request, place: Place, text: str, wall: float) -> SignedV4:
    """`OSS4-HMAC-SHA256 Credential=…,AdditionalHeaders=…,Signature=…` with x-oss-date and x-oss-content-sha256."""
    given = fields(text, "=")
    if not {"Credential", "Signature"} <= given.keys() <= {"Credential", "AdditionalHeaders", "Signature"}:
        raise OssError("InvalidArgument", "The authorization header is invalid.", ec="0002-00000202")
    scope = _scope(given["Credential"], "0002-00000213")
    stamp = request.headers.get("x-oss-date") or request.headers.get("Date") or ""
    check_skew(_moment(stamp, scope), wall)
    if not request.headers.get("x-oss-content-sha256"):
        raise OssError("InvalidArgument", "The x-oss-content-sha256 header is missing.")
    canonical, as_sent = _canonical_requests(request, place, given.get("AdditionalHeaders", ""))
    return SignedV4(
        access_key_id=scope.access_key_id,
        signature=given["Signature"],
        string_to_sign=_string_to_sign(stamp, scope, canonical),
        also_signed=(_string_to_sign(stamp, scope, as_sent),),
        token=request.headers.get("x-oss-security-token", ""),
        region=scope.region,
        canonical_request=canonical,
        date=scope.date,
    )


def in_url(request: Request, place: Place, query: dict[str, str], wall: float) -> SignedV4:
    """`?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=…&x-oss-date=…&x-oss-expires=…&x-oss-signature=…`."""
    needed = ("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-signature")
    if any(not query.get(name) for name in needed) or query["x-oss-signature-version"] != ALGORITHM:
        raise OssError("InvalidArgument", "The signature in the URL is incomplete or of an unknown version.")
    scope = _scope(query["x-oss-credential"], "0002-00000224")
    moment = _moment(query["x-oss-date"], scope)
    lifetime = natural(query["x-oss-expires"])
    if lifetime is None or not 1 <= lifetime <= MAX_EXPIRES_SECONDS:
        raise OssError("InvalidArgument", "x-oss-expires has to be from 1 to 604800 seconds.", ec="0002-00000232")
    check_skew(moment, wall, past=False)
    check_expiry(moment + lifetime, wall)
    canonical, as_sent = _canonical_requests(request, place, query.get("x-oss-additional-headers", ""))
    return SignedV4(
        access_key_id=scope.access_key_id,
        signature=query["x-oss-signature"],
        string_to_sign=_string_to_sign(query["x-oss-date"], scope, canonical),
        also_signed=(_string_to_sign(query["x-oss-date"], scope, as_sent),),
        token=query.get("x-oss-security-token") or request.headers.get("x-oss-security-token") or "",
        in_url=True,
        region=scope.region,
        canonical_request=canonical,
        date=scope.date,
    )


def _scope(credential: str, ec: str) -> Scope:
    parts = credential.split("/")
    if len(parts) != 5 or parts[3] != "oss" or parts[4] != "aliyun_v4_request" or not parts[0]:
        raise OssError("InvalidArgument", "The credential is invalid.", ec=ec)
    if not _REGION.fullmatch(parts[2]) or parts[2].startswith("oss-"):
        raise wrong_region(in_url=ec == "0002-00000224")
    return Scope(parts[0], parts[1], parts[2])


def wrong_region(*, in_url: bool) -> OssError:
    """The refusal of a signature for another region than the bucket's (alibaba.md 9.5)."""
    ec = "0002-00000226" if in_url else "0002-00000228"
    return OssError("SignatureDoesNotMatch", "The signing region is invalid.", ec=ec)


def _moment(stamp: str, scope: Scope) -> float:
    """The time of signing, Unix seconds. Raises OssError for one that is none, or of another day than the scope."""
    try:
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise OssError("AccessDenied", "OSS authentication requires a valid Date.") from None
    if stamp[:8] != scope.date:
        raise OssError("InvalidArgument", "The date of the credential is invalid.", ec="0002-00000212")
    return moment.timestamp()


def _payload(request: Request) -> str:
    """`UNSIGNED-PAYLOAD` if the client says so, else the hash of the body that really came."""
    claimed = request.headers.get("x-oss-content-sha256") or dict(request.query()).get("x-oss-content-sha256")
    return UNSIGNED if claimed in (None, UNSIGNED) else request.body.sha256_hex


def _canonical_requests(request: Request, place: Place, additional: str) -> tuple[str, str]:
    """The canonical request as documented, and as ali-oss has it: there a parameter sent as `prefix=` is signed so."""
    extra = tuple(sorted(name for name in additional.lower().split(";") if name))
    path = f"/{place.bucket}/{place.key}" if place.bucket else "/"
    head = f"{request.method}\n{encode(path, safe='/')}"
    headers = canonical_headers(request, extra + SIGNED_ALWAYS)
    tail = "\n".join((headers, ";".join(extra), _payload(request)))
    documented, as_sent = (canonical_query(request, "x-oss-signature", as_sent=way) for way in (False, True))
    return f"{head}\n{documented}\n{tail}", f"{head}\n{as_sent}\n{tail}"


def _string_to_sign(stamp: str, scope: Scope, canonical: str) -> str:
    return "\n".join((ALGORITHM, stamp, str(scope), hashlib.sha256(canonical.encode()).hexdigest()))
