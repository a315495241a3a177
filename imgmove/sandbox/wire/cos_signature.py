"""COS's own signature, in the Authorization header and in the URL, and AWS's: who signed a request, if well.

The algorithm is the vendor's "Request Signature" page; what the Python SDK signs is in tencent.md 4.6.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire import aws_signature
from imgmove.sandbox.wire.aws_dialect import AwsRequest
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_hosts import Place, signed_hosts
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key

MAX_SKEW_SECONDS = 15 * 60
"""How far ahead of ours a client's clock may be (tencent.md 6)."""
FIELDS = (
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
)
_WINDOW = re.compile(r"(\d{1,12});(\d{1,12})")


@dataclass(frozen=True)
class Signature:
    """The fields of a signature, as sent."""

    access_key_id: str
    sign_time: str
    key_time: str
    headers: tuple[str, ...]
    parameters: tuple[str, ...]
    signature: str


def authenticate(world: World, request: Request, place: Place) -> Key | None:
    """The key that signed the request, None for an anonymous one. Raises CosError for every other request."""
    if isinstance(request, AwsRequest):
        return _authenticate_aws(world, request)
    fields = _fields(request)
    if fields is None:
        return None
    signature = _signature(fields)
    key = _key(world, signature.access_key_id)
    _check_times(signature, world.clock.wall())
    _check_signature(request, place, key, signature)
    _check_token(request, key, world.clock.wall())
    return key


def _authenticate_aws(world: World, request: AwsRequest) -> Key:
    try:
        claim = aws_signature.read(request.original, world.clock.wall())
    except aws_signature.AwsError as error:
        raise CosError(error.code, error.message) from error
    key = _key(world, claim.access_key_id)
    expected = claim.signature_of(key.secret, claim.string_to_sign)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise CosError(
            "SignatureDoesNotMatch", StringToSign=claim.string_to_sign, CanonicalRequest=claim.canonical_request
        )
    _check_token(request, key, world.clock.wall())
    return key


def _key(world: World, access_key_id: str) -> Key:
    key = world.accounts.key("tencent", access_key_id)
    if key is None or key.disabled:
        raise CosError("InvalidAccessKeyId")
    return key


def _fields(request: Request) -> dict[str, str] | None:
    """The signature's fields from the header or else from the URL, there also whole as `sign`; None without any."""
    query = dict(request.query())
    whole = request.headers.get("Authorization", "").strip() or query.get("sign")
    if whole:
        pairs = (piece.partition("=") for piece in whole.split("&"))
        return {name.strip(): value.strip() for name, _, value in pairs}
    return {name: query.get(name, "") for name in FIELDS} if "q-signature" in query else None


def _signature(fields: dict[str, str]) -> Signature:
    if fields.get("q-sign-algorithm") != "sha1" or any(name not in fields for name in FIELDS):
        raise CosError("AccessDenied", "The authorization you specified is not valid.")
    return Signature(
        access_key_id=fields["q-ak"],
        sign_time=fields["q-sign-time"],
        key_time=fields["q-key-time"],
        headers=_names(fields["q-header-list"]),
        parameters=_names(fields["q-url-param-list"]),
        signature=fields["q-signature"],
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.lower().split(";") if name)


def _check_times(signature: Signature, wall: float) -> None:
    """Both windows have to hold now; one that has not begun yet may be a client's clock running ahead."""
    for window in (signature.sign_time, signature.key_time):
        match = _WINDOW.fullmatch(window)
        if match is None:
            raise CosError("AccessDenied", "The authorization you specified is not valid.")
        if int(match[1]) > wall + MAX_SKEW_SECONDS:
            raise CosError("RequestTimeTooSkewed")
        if int(match[2]) < wall:
            raise CosError("AccessDenied", "Request has expired.")


def _check_signature(request: Request, place: Place, key: Key, signature: Signature) -> None:
    for path in _paths(request, place):
        for host in signed_hosts(request.headers.get("Host", "")):
            text = _http_string(request, signature, path, host)
            if hmac.compare_digest(
                sign(key.secret, signature.key_time, signature.sign_time, text), signature.signature
            ):
                return
    path, host = _paths(request, place)[0], request.headers.get("Host", "")
    text = _http_string(request, signature, path, host)
    raise CosError("SignatureDoesNotMatch", StringToSign=_string_to_sign(signature.sign_time, text), FormatString=text)


def sign(secret: str, key_time: str, sign_time: str, http_string: str) -> str:
    """The signature of an HttpString."""
    sign_key = _hmac(secret, key_time)
    return _hmac(sign_key, _string_to_sign(sign_time, http_string))


def _string_to_sign(sign_time: str, http_string: str) -> str:
    return f"sha1\n{sign_time}\n{hashlib.sha1(http_string.encode()).hexdigest()}\n"


def _hmac(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha1).hexdigest()


def _paths(request: Request, place: Place) -> tuple[str, ...]:
    """What a client may have signed as the path: decoded; without the bucket where an emulator found it there.

    Clients differ in whether they decode the path first, so the form sent is a candidate too.
    """
    decoded = unquote(request.raw_path)
    candidates = [decoded, request.raw_path]
    if place.in_path and place.bucket:
        candidates.insert(1, f"/{place.key}")
    return tuple(dict.fromkeys(candidates))


def _http_string(request: Request, signature: Signature, path: str, host: str) -> str:
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": host}
    parameters = _parameters(request)
    parts = (
        request.method.lower(),
        path,
        _joined(signature.parameters, parameters),
        _joined(signature.headers, {_quoted(name).lower(): value for name, value in headers.items()}),
    )
    return "\n".join(parts) + "\n"


def _parameters(request: Request) -> dict[str, str]:
    """The query by encoded names in lower case. A blank is sent as %20 or as +: both mean a blank."""
    pairs = (piece.partition("=") for piece in request.raw_query.split("&") if piece)
    return {_quoted(unquote_plus(name)).lower(): unquote_plus(value) for name, _, value in pairs}


def _joined(names: Iterable[str], values: dict[str, str]) -> str:
    return "&".join(f"{name}={_quoted(values.get(name, ''))}" for name in names)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _check_token(request: Request, key: Key, wall: float) -> None:
    """Temporary keys need their token, in the header or the URL (tencent.md 4.6, 4.7)."""
    token = request.headers.get("x-cos-security-token") or dict(request.query()).get("x-cos-security-token")
    if key.token is None:
        if token:
            raise CosError("AccessDenied", "The security token does not belong to the Access Key Id.")
        return
    if not token:
        raise CosError("InvalidAccessKeyId")
    if not hmac.compare_digest(token.encode(), key.token.encode()):
        raise CosError("AccessDenied", "The security token you provided is invalid.")
    if key.expires_at is not None and key.expires_at <= wall:
        raise CosError("ExpiredToken")
