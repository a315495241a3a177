"""From an answer of ECS, STS or OSS that refuses, or that is no answer of theirs, to `ImgmoveError`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from imgmove.clouds.alibaba import codes_ecs
from imgmove.clouds.alibaba.error_codes import kind_of, row_of
from imgmove.clouds.alibaba.limits import KNOWN_REGIONS
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind

#: What to do about a code that the table does not know.
_KIND_HINTS: Final = {
    Kind.DENIED: "check the access key, its RAM policy and the service roles",
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
    service: str, answer: Answer, code: str, message: str, request_id: str | None, *,
    changes: bool, hint: str = "", retry_after_seconds: float | None = None,
) -> ImgmoveError:  # fmt: skip
    """A refusal with the vendor's own code, message and request id.

    `maybe_applied` for calls that change something: after a 5xx, and after codes that say nothing about the effect.
    """
    row = row_of(service, code)
    doubtful = answer.status >= 500 or code in codes_ecs.DOUBTFUL
    kind = kind_of(service, code, answer.status)
    return ImgmoveError(
        kind, message or (row.meaning if row else f"HTTP {answer.status}"), code=code or f"HTTP{answer.status}",
        hint=hint or (row.hint if row else _KIND_HINTS.get(kind, "")), request_id=request_id or None,
        maybe_applied=changes and doubtful and kind is not Kind.THROTTLED,
        retry_after_seconds=retry_after_seconds,
    )  # fmt: skip


def not_theirs(service: str, answer: Answer, *, changes: bool, what: str = "") -> ImgmoveError:
    """An answer that is none of the service's protocol: HTML, an empty body, a redirect, fields missing.

    Gateways say 429 in words of their own: THROTTLED, and nothing was done.
    """
    host = urlsplit(answer.url).netloc or "the endpoint"
    problem = what or answer.looks
    throttled = answer.status == 429
    return ImgmoveError(
        Kind.THROTTLED if throttled else Kind.UNAVAILABLE,
        f"{host} did not answer like {service}: {problem}, HTTP {answer.status}",
        code="NotTheService", hint=f"is that the address of {service}? A proxy or a gateway may have answered instead",
        request_id=request_id_of(answer.headers),
        maybe_applied=changes and not throttled and not 300 <= answer.status < 400,
    )  # fmt: skip


def request_id_of(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-acs-request-id") or headers.get("x-oss-request-id")


def missing_action(detail: Any) -> str:
    """The action that RAM misses, from `AccessDeniedDetail`, or empty."""
    action = detail.get("AuthAction") if isinstance(detail, dict) else None
    return action if isinstance(action, str) else ""


@contextmanager
def asking(region: str) -> Iterator[None]:
    """Errors raised inside say more where there seems to be no such region: by the service, or by a missing name."""
    try:
        yield
    except ImgmoveError as error:
        better = _of_unknown_region(error, region)
        if better is error:
            raise
        raise better from error


def _of_unknown_region(error: ImgmoveError, region: str) -> ImgmoveError:
    unknown = error.code in {"InvalidRegionId.NotFound", "RegionId.NotFound"}
    unresolved = error.code == "NameResolution"
    if not region or region in KNOWN_REGIONS or not (unknown or unresolved):
        return error
    near = difflib.get_close_matches(region, KNOWN_REGIONS, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    hint = f"{meant}regions are called cn-hangzhou, ap-southeast-1, …"
    if unknown:
        return error.with_hint(hint)
    message = f"there is no region {region!r}: its endpoint does not resolve"
    return ImgmoveError(Kind.NOT_FOUND, message, code="InvalidRegionId.NotFound", hint=hint)
