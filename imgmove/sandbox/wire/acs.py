"""Verifies who sent a request to an Alibaba RPC service: ACS3-HMAC-SHA256, and RPC v1 with HMAC-SHA1 or -SHA256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from imgmove.sandbox.http import Headers, Request
from imgmove.sandbox.wire.alibaba_errors import RpcError, invalid, missing
from imgmove.sandbox.world.accounts import Accounts, Key

Pairs = Iterable[tuple[str, str]]

WINDOW_SECONDS = 15 * 60
"""How far a request's time may be from ours, either way."""
REMEMBER_SECONDS = 2 * WINDOW_SECONDS
"""How long a nonce is remembered: as long as the request that carried it could be sent again."""

ACS3_SCHEME = "ACS3-HMAC-SHA256"
ACS3_PATTERN = re.compile(
    rf"{ACS3_SCHEME}\s+Credential=(?P<id>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>\w+)"
)
ACS3_ALWAYS_SIGNED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce")
ACS3_SIGNED_IF_SENT = ("x-acs-content-sha256", "x-acs-security-token")

V1_DIGESTS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}


@dataclass(frozen=True)
class Claim:
    """What a request says of itself: which key, when, which nonce, and the signature with what it covers."""

    access_key_id: str
    date: str
    nonce: str
    token: str
    signature: str
    string_to_sign: str
    canonical: str
    digest: str
    """"acs3", or the digest of the older signature."""

    def expected(self, secret: str) -> str:
        """The signature that this claim has to carry."""
        if self.digest == "acs3":
            return hmac.new(secret.encode(), self.string_to_sign.encode(), hashlib.sha256).hexdigest()
        code = hmac.new(f"{secret}&".encode(), self.string_to_sign.encode(), self.digest).digest()
        return base64.b64encode(code).decode()

    def explain(self) -> str:
        """The vendor's message about a mismatch: it tells what the server signed, for the client to compare."""
        if self.digest == "acs3":
            signed = f"server StringToSign is [{self.string_to_sign}] server CanonicalRequest is [{self.canonical}]"
            return f"Specified signature does not match our calculation. {signed}"
        # aliyun-python-sdk-core takes what stands behind the first colon for the whole string.
        signed = f"server string to sign is:{self.string_to_sign}"
        return f"Specified signature is not matched with our calculation. {signed}"


class Nonces:
    """The nonces seen lately, by access key. Not safe for several threads by itself: called under `world.lock`."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}

    def use(self, access_key_id: str, nonce: str, now: float) -> None:
        """Notes a nonce. Raises RpcError SignatureNonceUsed when it was seen within the window."""
        while self._seen:
            oldest = next(iter(self._seen))
            if now - self._seen[oldest] <= REMEMBER_SECONDS:
                break
            del self._seen[oldest]
        if (access_key_id, nonce) in self._seen:
            raise RpcError("SignatureNonceUsed")
        self._seen[access_key_id, nonce] = now


def identify(request: Request, parameters: Pairs, accounts: Accounts, nonces: Nonces) -> Key:
    """The key that signed a request, everything verified: signature, time, nonce, token, expiry.

    `parameters` are those of the query and of a form body together. Raises RpcError with the gateway's codes.
    """
    claim = read_claim(request, list(parameters))
    _check_time(claim.date, request.received_at)
    key = accounts.key("alibaba", claim.access_key_id)
    if key is None:
        raise RpcError("InvalidAccessKeyId.NotFound")
    if key.disabled:
        raise RpcError("Forbidden.AccessKeyDisabled")
    if not hmac.compare_digest(claim.expected(key.secret).encode(), claim.signature.encode()):
        raise RpcError("SignatureDoesNotMatch", message=claim.explain())
    _check_token(key, claim.token, request.received_at)
    nonces.use(claim.access_key_id, claim.nonce, request.received_at)
    return key


def read_claim(request: Request, parameters: list[tuple[str, str]]) -> Claim:
    """What a request claims, in whichever of the two forms. Raises RpcError when it is in neither or incomplete."""
    if "Authorization" in request.headers:
        return _read_acs3(request)
    return _read_v1(request.method, dict(parameters))


def canonical_query(parameters: Pairs) -> str:
    """Parameters sorted and percent-encoded as both signatures want them: only `A-Za-z0-9-_.~` stay bare."""
    return "&".join(f"{_escape(name)}={_escape(value)}" for name, value in sorted(parameters))


def _read_acs3(request: Request) -> Claim:
    found = ACS3_PATTERN.fullmatch(request.headers["Authorization"].strip())
    if found is None:
        raise RpcError("IncompleteSignature")
    signed = found["headers"].lower().split(";")
    headers = request.headers
    _require_headers(headers)
    must = [*ACS3_ALWAYS_SIGNED, *(name for name in ACS3_SIGNED_IF_SENT if name in headers)]
    if not set(must) <= set(signed) or any(name not in headers for name in signed):
        raise RpcError("IncompleteSignature")
    if headers["x-acs-content-sha256"].lower() != request.body.sha256_hex:
        raise invalid("x-acs-content-sha256")
    canonical = "\n".join(
        (
            request.method,
            request.raw_path or "/",
            canonical_query(request.query()),
            _canonical_headers(headers, signed),
            ";".join(signed),
            request.body.sha256_hex,
        )
    )
    return Claim(
        access_key_id=found["id"],
        date=headers["x-acs-date"],
        nonce=headers["x-acs-signature-nonce"],
        token=headers.get("x-acs-security-token", ""),
        signature=found["signature"].lower(),
        string_to_sign=f"{ACS3_SCHEME}\n{hashlib.sha256(canonical.encode()).hexdigest()}",
        canonical=canonical,
        digest="acs3",
    )


def _require_headers(headers: Headers) -> None:
    if "x-acs-date" not in headers:
        raise RpcError("IllegalTimestamp")
    for name in ("x-acs-signature-nonce", "x-acs-content-sha256"):
        if name not in headers:
            raise missing(name)


def _canonical_headers(headers: Headers, names: list[str]) -> str:
    values = {name: ",".join(sorted(value.strip() for value in headers.getall(name))) for name in names}
    return "".join(f"{name}:{values[name]}\n" for name in sorted(names))


def _read_v1(method: str, parameters: Mapping[str, str]) -> Claim:
    for name in ("AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce"):
        if not parameters.get(name):
            raise missing(name)
    if not parameters.get("Timestamp"):
        raise RpcError("IllegalTimestamp")
    digest = V1_DIGESTS.get(parameters["SignatureMethod"].upper())
    if digest is None:
        raise RpcError("InvalidParameter", "SignatureMethod")
    if parameters["SignatureVersion"] != "1.0":
        raise RpcError("InvalidParameter", "SignatureVersion")
    canonical = canonical_query((n, v) for n, v in parameters.items() if n != "Signature")
    return Claim(
        access_key_id=parameters["AccessKeyId"],
        date=parameters["Timestamp"],
        nonce=parameters["SignatureNonce"],
        token=parameters.get("SecurityToken", ""),
        signature=parameters["Signature"],
        string_to_sign=f"{method}&%2F&{_escape(canonical)}",
        canonical=canonical,
        digest=digest,
    )


def _check_time(text: str, now: float) -> None:
    try:
        sent = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise RpcError("InvalidTimeStamp.Format") from None
    if abs(now - sent) > WINDOW_SECONDS:
        raise RpcError("InvalidTimeStamp.Expired")


def _check_token(key: Key, token: str, now: float) -> None:
    if key.token is None:
        if token:
            raise RpcError("InvalidSecurityToken.MismatchWithAccessKey")
        return
    if not token:
        raise RpcError("MissingSecurityToken")
    if not token.isascii() or " " in token:
        raise RpcError("InvalidSecurityToken.Malformed")
    if not hmac.compare_digest(key.token, token):
        raise RpcError("InvalidSecurityToken.MismatchWithAccessKey")
    if key.expires_at is not None and now >= key.expires_at:
        raise RpcError("InvalidSecurityToken.Expired")


def _escape(text: str) -> str:
    return quote(text, safe="~")
