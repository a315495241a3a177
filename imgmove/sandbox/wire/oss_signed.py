"""What OSS's signature versions have in common: the claim a request makes, encodings, and the limits of time."""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote, unquote_plus

from imgmove.sandbox.http import Request
from imgmove.sandbox.wire.http_conditions import parse_date
from imgmove.sandbox.wire.oss_errors import OssError

MAX_SKEW_SECONDS = 15 * 60
"""How far a client's clock may be off (alibaba.md 9.5)."""


@dataclass(frozen=True, kw_only=True)
class Signed(ABC):
    """A request's claim to be signed by a key."""

    version: ClassVar[int]
    mismatch_ec: ClassVar[str]
    """The fine-grained code for a signature that is not the right one."""

    access_key_id: str
    signature: str
    string_to_sign: str
    token: str = ""
    in_url: bool = False
    region: str = ""
    """Version 4: the region that it is for."""
    canonical_request: str = ""
    """Version 4: what `string_to_sign` holds the hash of."""
    also_signed: tuple[str, ...] = ()
    """What some of the vendor's clients sign instead of `string_to_sign`."""

    @abstractmethod
    def signature_of(self, secret: str, text: str) -> str:
        """The signature of a string under a secret."""

    def made_with(self, secret: str) -> bool:
        """Whether the signature is right under a secret."""
        texts = (self.string_to_sign, *self.also_signed)
        return any(
            hmac.compare_digest(self.signature_of(secret, text).encode(), self.signature.encode()) for text in texts
        )


def canonical_query(request: Request, signature: str, *, as_sent: bool = False) -> str:
    """The query without the parameter `signature`, encoded and sorted.

    A name without a value stands alone; `as_sent`, with the equals sign that the client may have put behind it.
    """
    pieces = (piece.partition("=") for piece in request.raw_query.split("&") if piece)
    decoded = ((unquote_plus(name), unquote_plus(value), equals) for name, equals, value in pieces)
    encoded = sorted((encode(name), encode(value), equals) for name, value, equals in decoded if name != signature)
    return "&".join(f"{name}={value}" if value else name + equals * as_sent for name, value, equals in encoded)


def canonical_headers(request: Request, extra: tuple[str, ...]) -> str:
    """The `x-oss-*` headers and those named, in order, a line each."""
    chosen = sorted(
        (lower, value.strip())
        for lower, value in ((name.lower(), value) for name, value in request.headers.items())
        if lower.startswith("x-oss-") or lower in extra
    )
    return "".join(f"{name}:{value}\n" for name, value in chosen)


def encode(text: str, safe: str = "") -> str:
    """Percent-encoding of everything but letters, digits and `-_.~`."""
    return quote(text, safe="-_.~" + safe)


def fields(text: str, separator: str) -> dict[str, str]:
    """`Name=value, Name=value` as a mapping."""
    pairs = (piece.strip().partition(separator) for piece in text.split(","))
    return {name: value for name, _, value in pairs if name}


def check_date(request: Request, wall: float) -> str:
    """The date that versions 1 and 2 sign. Raises OssError AccessDenied without one, RequestTimeTooSkewed."""
    text: str = request.headers.get("x-oss-date") or request.headers.get("Date") or ""
    moment = parse_date(text)
    if moment is None:
        raise OssError("AccessDenied", "OSS authentication requires a valid Date.")
    check_skew(moment, wall)
    return text


def check_skew(moment: float, wall: float, *, past: bool = True) -> None:
    """Raises OssError RequestTimeTooSkewed for a time too far from ours; `past` False minds only the future."""
    difference = moment - wall
    if difference > MAX_SKEW_SECONDS or (past and difference < -MAX_SKEW_SECONDS):
        raise OssError(
            "RequestTimeTooSkewed",
            MaxAllowedSkewMilliseconds=str(MAX_SKEW_SECONDS * 1000),
            RequestTime=_shown(moment),
            ServerTime=_shown(wall),
        )


def check_expiry(until: float, wall: float) -> None:
    """Raises OssError AccessDenied for a signed URL whose time is over."""
    if until < wall:
        raise OssError(
            "AccessDenied",
            "Request has expired.",
            ec="0002-00000069",
            Expires=_shown(until),
            ServerTime=_shown(wall),
        )


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, 253402300799), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
