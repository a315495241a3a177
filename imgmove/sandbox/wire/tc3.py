"""Verifies the signatures of Tencent API 3.0: TC3-HMAC-SHA256, and the older HmacSHA1 and HmacSHA256.

Sources: tencent.md 4.3 (as the SDK sends it) and the vendor's "Signature v3" and "Signature v1" pages. A
signature covers the bytes as they were sent, so nothing here decodes and re-encodes a query.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.world.accounts import Key

TOLERANCE_SECONDS = 300
"""How far a request's timestamp may be from the server's clock (tencent.md 4.3)."""

ALGORITHM = "TC3-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
HMAC_METHODS = {"HmacSHA1": hashlib.sha1, "HmacSHA256": hashlib.sha256}

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<id>[^/,\s]*)/(?P<date>[^/,\s]*)/(?P<service>[^/,\s]*)/tc3_request, *"
    r"SignedHeaders=(?P<headers>[^,\s]+), *Signature=(?P<signature>[0-9a-fA-F]+)\s*"
)
_PORT = re.compile(r":\d+$")
_FOREIGN_KEY = re.compile(r"(LTAI|STS\.|AKIA|ASIA)")

FindKey = Callable[[str], Key | None]


@dataclass(frozen=True)
class Authorization:
    """The parts of an `Authorization` header of TC3-HMAC-SHA256."""

    secret_id: str
    date: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, text: str) -> Authorization:
        """Raises ApiError `AuthFailure.InvalidAuthorization` for anything else than the documented form."""
        match = _AUTHORIZATION.fullmatch(text)
        if match is None:
            raise ApiError("AuthFailure.InvalidAuthorization")
        headers = tuple(match["headers"].lower().split(";"))
        if not {"content-type", "host"} <= set(headers):
            raise ApiError(
                "AuthFailure.InvalidAuthorization", "`SignedHeaders` must contain `content-type` and `host`."
            )
        return cls(match["id"], match["date"], match["service"], headers, match["signature"].lower())

    @property
    def scope(self) -> str:
        """The credential scope, `date/service/tc3_request`."""
        return f"{self.date}/{self.service}/tc3_request"


def verify_tc3(request: Request, service: str, timestamp: int, token: str, find_key: FindKey) -> Key:
    """The key that signed the request.

    `service` is the name that the credential scope must carry, `token` the `X-TC-Token` as sent or "".
    Raises ApiError with the vendor's AuthFailure code.
    """
    authorization = Authorization.parse(request.headers.get("Authorization", ""))
    check_time(timestamp, request.received_at)
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    # nodejs takes the first label of whatever endpoint it was given for the service's name.
    services = {service, request.headers.get("Host", "").partition(".")[0]}
    if authorization.service not in services or authorization.date != day:
        raise ApiError(
            "AuthFailure.InvalidAuthorization", f"The credential scope must be `{day}/{service}/tc3_request`."
        )
    key = known_key(authorization.secret_id, find_key)
    if not any(
        hmac.compare_digest(tc3_signature(key.secret, authorization, timestamp, canonical), authorization.signature)
        for canonical in _canonical_requests(request, authorization.signed_headers)
    ):
        raise ApiError("AuthFailure.SignatureFailure")
    check_token(key, token, request.received_at)
    return key


def tc3_signature(secret: str, authorization: Authorization, timestamp: int, canonical: str) -> str:
    """The signature in hexadecimal that belongs to a canonical request."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signing_key = f"TC3{secret}".encode()
    for part in (authorization.date, authorization.service, "tc3_request"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    to_sign = f"{ALGORITHM}\n{timestamp}\n{authorization.scope}\n{digest}"
    return hmac.digest(signing_key, to_sign.encode(), "sha256").hex()


def _canonical_requests(request: Request, signed_headers: Sequence[str]) -> Iterator[str]:
    """The canonical request in the forms that clients make of it: the headers' values in lower case, as documented,
    or as they were sent, as most SDKs have it; the host as it was sent, or (nodejs) without the port, which the
    vendor's own hosts never show."""
    query = request.raw_query if request.method == "GET" else ""
    payload, names = _payload_hash(request), ";".join(signed_headers)
    for lower, host in product((True, False), _hosts(request)):
        values = (
            (name, host if name == "host" else " ".join(request.headers.getall(name, [""])).strip())
            for name in signed_headers
        )
        headers = "".join(f"{name}:{value.lower() if lower else value}\n" for name, value in values)
        yield f"{request.method}\n/\n{query}\n{headers}\n{names}\n{payload}"


def _hosts(request: Request) -> list[str]:
    sent = request.headers.get("Host", "").strip()
    return list(dict.fromkeys((sent, _PORT.sub("", sent))))


def _payload_hash(request: Request) -> str:
    if request.headers.get("X-TC-Content-SHA256") == UNSIGNED_PAYLOAD:
        return hashlib.sha256(UNSIGNED_PAYLOAD.encode()).hexdigest()
    return hashlib.sha256(b"").hexdigest() if request.method == "GET" else request.body.sha256_hex


def verify_hmac(request: Request, parameters: Sequence[tuple[str, str]], timestamp: int, find_key: FindKey) -> Key:
    """The key that signed a request of the older kind, whose common parameters travel among the others.

    `parameters` are all that were sent, decoded. Raises ApiError with the vendor's code.
    """
    given = dict(parameters)
    check_time(timestamp, request.received_at)
    for name in ("SecretId", "Nonce", "Signature"):
        if not given.get(name):
            raise ApiError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    method = given.get("SignatureMethod") or "HmacSHA1"
    if method not in HMAC_METHODS:
        raise ApiError("AuthFailure.SignatureFailure", f"The signature method `{method}` is not supported.")
    key = known_key(given["SecretId"], find_key)
    expected = (hmac_signature(key.secret, method, request.method, host, parameters) for host in _hosts(request))
    if not any(hmac.compare_digest(each.encode(), given["Signature"].encode()) for each in expected):
        raise ApiError("AuthFailure.SignatureFailure")
    check_token(key, given.get("Token", ""), request.received_at)
    return key


def hmac_signature(secret: str, algorithm: str, method: str, host: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The older signature, base64. Values are signed as they are, not percent-encoded; `_` in a name counts as `.`."""
    signed = sorted((name.replace("_", "."), value) for name, value in parameters if name != "Signature")
    pairs = "&".join(f"{name}={value}" for name, value in signed)
    text = f"{method}{host}/?{pairs}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), HMAC_METHODS[algorithm]).digest()).decode()


def check_time(timestamp: int, now: float) -> None:
    """Raises `AuthFailure.SignatureExpire` when the two are more than five minutes apart."""
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise ApiError("AuthFailure.SignatureExpire")


def known_key(secret_id: str, find_key: FindKey) -> Key:
    """The enabled key of that id. The vendor answers for disabled keys as for keys that are not there."""
    key = find_key(secret_id)
    if key is not None and not key.disabled:
        return key
    if _FOREIGN_KEY.match(secret_id):
        raise ApiError("AuthFailure.InvalidSecretId")
    raise ApiError("AuthFailure.SecretIdNotFound")


def check_token(key: Key, token: str, now: float) -> None:
    """A temporary key needs its own token, unexpired; a permanent key takes none."""
    expired = key.expires_at is not None and key.expires_at <= now
    if expired or not hmac.compare_digest((key.token or "").encode(), token.encode()):
        raise ApiError("AuthFailure.TokenFailure")
