"""AWS's signature version 4, in the header and in the URL, with which S3 clients come to COS and OSS.

The algorithm is AWS's "Signing AWS API requests" page; both vendors document that they accept it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote, unquote_plus

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire.numbers import natural

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_SKEW_SECONDS = 15 * 60
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
IN_URL = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
_FIELD = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_SCOPE = re.compile(r"(?P<id>.+)/(?P<date>\d{8})/(?P<region>[A-Za-z0-9-]+)/s3/aws4_request")
_CHUNKED = "aws-chunked encoding is not supported with the specified x-amz-content-sha256 value."


class AwsError(Exception):
    """A signature that says nothing, or that of another time: `code` is the same at AWS and at both vendors."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Claim:
    """What a request says of itself: which key, for which day and region, and the signature with what it covers."""

    access_key_id: str
    date: str
    region: str
    signature: str
    string_to_sign: str
    canonical_request: str

    def signature_of(self, secret: str, text: str) -> str:
        """Hexadecimal HMAC-SHA256 of a string under the key derived from a secret."""
        key = f"AWS4{secret}".encode()
        for part in (self.date, self.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass(frozen=True)
class _Parts:
    credential: str
    stamp: str
    signed_headers: str
    signature: str
    payload: str


def is_signed(request: Request) -> bool:
    """Whether a request carries this signature, good or not."""
    return request.headers.get("Authorization", "").startswith(ALGORITHM) or _is_in_url(request)


def read(request: Request, wall: float) -> Claim:
    """The claim of a request, its times and its payload checked, its signature not yet. Raises AwsError."""
    parts = _in_url(request, wall) if _is_in_url(request) else _in_header(request, wall)
    scope = _scope(parts.credential)
    if scope["date"] != parts.stamp[:8]:
        raise AwsError("AuthorizationHeaderMalformed", "The date of the credential is not that of the request.")
    canonical = _canonical_request(request, parts)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{parts.stamp}\n{scope['date']}/{scope['region']}/s3/aws4_request\n{digest}"
    return Claim(scope["id"], scope["date"], scope["region"], parts.signature, text, canonical)


def region_of(request: Request) -> str:
    """The region that a request is signed for, "" where it is not said."""
    fields = _fields(request.headers.get("Authorization", ""))
    found = _SCOPE.fullmatch(fields.get("Credential") or dict(request.query()).get("X-Amz-Credential", ""))
    return found["region"] if found else ""


def _is_in_url(request: Request) -> bool:
    return "X-Amz-Algorithm" in dict(request.query())


def _fields(text: str) -> dict[str, str]:
    found = (_FIELD.fullmatch(each) for each in text.removeprefix(ALGORITHM).split(","))
    return {match[1]: match[2] for match in found if match}


def _scope(credential: str) -> re.Match[str]:
    found = _SCOPE.fullmatch(credential)
    if found is None:
        raise AwsError(
            "AuthorizationHeaderMalformed", "The credential is not of the form ID/DATE/REGION/s3/aws4_request."
        )
    return found


def _in_header(request: Request, wall: float) -> _Parts:
    fields, headers = _fields(request.headers["Authorization"]), request.headers
    if len(fields) != 3 or "x-amz-content-sha256" not in headers:
        raise AwsError(
            "AuthorizationHeaderMalformed", "The authorization header or x-amz-content-sha256 is incomplete."
        )
    stamp = headers.get("x-amz-date", "")
    if abs(_moment(stamp) - wall) > MAX_SKEW_SECONDS:
        raise AwsError("RequestTimeTooSkewed")
    payload = _payload(request, headers["x-amz-content-sha256"])
    return _Parts(fields["Credential"], stamp, fields["SignedHeaders"], fields["Signature"], payload)


def _in_url(request: Request, wall: float) -> _Parts:
    query = dict(request.query())
    if query["X-Amz-Algorithm"] != ALGORITHM or not all(query.get(name) for name in IN_URL):
        raise AwsError("AuthorizationQueryParametersError", "The signature in the URL is incomplete.")
    credential, stamp, lifetime, signed_headers, signature = (query[name] for name in IN_URL)
    seconds = natural(lifetime)
    if seconds is None or not 1 <= seconds <= MAX_EXPIRES_SECONDS:
        raise AwsError("AuthorizationQueryParametersError", "X-Amz-Expires has to be from 1 to 604800 seconds.")
    moment = _moment(stamp)
    if moment - wall > MAX_SKEW_SECONDS:
        raise AwsError("RequestTimeTooSkewed")
    if moment + seconds < wall:
        raise AwsError("AccessDenied", "Request has expired.")
    claimed = request.headers.get("x-amz-content-sha256", UNSIGNED)
    return _Parts(credential, stamp, signed_headers, signature, _payload(request, claimed))


def _moment(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise AwsError("AccessDenied", "The request has no valid x-amz-date.") from None


def _payload(request: Request, claimed: str) -> str:
    """What is signed of the body: its hash, which has to be the real one, or that it is not signed."""
    if claimed.startswith("STREAMING-"):
        raise AwsError("InvalidArgument", _CHUNKED)
    if claimed not in (UNSIGNED, request.body.sha256_hex):
        raise AwsError("XAmzContentSHA256Mismatch", "The provided x-amz-content-sha256 is not that of the body.")
    return claimed


def _canonical_request(request: Request, parts: _Parts) -> str:
    names = parts.signed_headers.lower().split(";")
    if "host" not in names:
        raise AwsError("AuthorizationHeaderMalformed", "The host has to be among the signed headers.")
    values = {name: ",".join(map(_trimmed, request.headers.getall(name, []))) for name in names}
    pairs = (piece.partition("=") for piece in request.raw_query.split("&") if piece)
    query = sorted(
        (quote(unquote_plus(name), safe="-_.~"), quote(unquote_plus(value), safe="-_.~"))
        for name, _, value in pairs
        if name != "X-Amz-Signature"
    )
    lines = (
        request.method,
        quote(unquote(request.raw_path), safe="/-_.~"),
        "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{values[name]}" for name in names),
        "",
        ";".join(names),
        parts.payload,
    )
    return "\n".join(lines)


def _trimmed(value: str) -> str:
    return " ".join(value.split())
