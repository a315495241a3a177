"""From an answer of Tencent Cloud that refuses, or that is no answer of theirs, to `ImgmoveError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.tencent import codes_ecm
from imgmove.clouds.tencent.error_codes import kind_of, row_of
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind

#: What to do about a code that the table does not know.
_KIND_HINTS: Final = {
    Kind.DENIED: "check the key, its CAM policy and the service role",
    Kind.QUOTA: "ask for a higher quota, or remove what is not needed",
    Kind.THROTTLED: "wait a little",
    Kind.UNAVAILABLE: "try again later",
    Kind.NOT_FOUND: "check id, region and account",
    Kind.EXISTS: "choose another name",
    Kind.CONFLICT: "wait until it is no longer busy, then try again",
    Kind.UNSUPPORTED: "`imgmove providers` lists what the service can do",
    Kind.INVALID: "mend what the message names",
}


def refused(
    service: str, answer: Answer, code: str, message: str, request_id: str | None, *, changes: bool, hint: str = ""
) -> ImgmoveError:
    """A refusal with the vendor's own code, message and request id.

    `maybe_applied` for calls that change something: after a 5xx, and after codes that say nothing about the effect.
    """
    row = row_of(service, code)
    kind = kind_of(service, code, answer.status)
    doubtful = answer.status >= 500 or kind is Kind.UNAVAILABLE or code in codes_ecm.DOUBTFUL
    return ImgmoveError(
        kind, message or (row.meaning if row else f"HTTP {answer.status}"), code=code or f"HTTP{answer.status}",
        hint=hint or (row.hint if row else _KIND_HINTS.get(kind, "")), request_id=request_id or None,
        maybe_applied=changes and doubtful and kind is not Kind.THROTTLED,
        retry_after_seconds=_retry_after(answer.headers),
    )  # fmt: skip


def not_theirs(service: str, answer: Answer, *, changes: bool, what: str = "") -> ImgmoveError:
    """An answer that is none of the service's protocol: HTML, an empty body, a redirect, fields missing.

    Gateways say 429 in words of their own: THROTTLED, and nothing was done.
    """
    host = urlsplit(answer.url).netloc or "the endpoint"
    throttled = answer.status == 429
    return ImgmoveError(
        Kind.THROTTLED if throttled else Kind.UNAVAILABLE,
        f"{host} did not answer like {service}: {what or answer.looks}, HTTP {answer.status}",
        code="NotTheService", hint=f"is that the address of {service}? A proxy or a gateway may have answered instead",
        request_id=answer.headers.get("x-cos-request-id"),
        maybe_applied=changes and not throttled and not 300 <= answer.status < 400,
        retry_after_seconds=_retry_after(answer.headers),
    )  # fmt: skip


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() else None
