"""From OSS's refusals to `ImgmoveError`: bodies, HEAD's header, extended codes, and buckets of other regions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.alibaba import answers, errors
from imgmove.clouds.alibaba.bucket_address import region_of_host
from imgmove.clouds.alibaba.error_codes import row_of
from imgmove.clouds.alibaba.store_xml import region_name
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind


def refusal(answer: Answer, *, changes: bool, asked_region: str = "") -> ImgmoveError:
    """The error for an answer with a status of 300 or more (or an error in a body that should be none)."""
    body = _error_body(answer)
    code, message = body.get("Code", ""), body.get("Message", "")
    request_id = body.get("RequestId") or errors.request_id_of(answer.headers)
    elsewhere = bucket_region(answer)
    named_elsewhere = elsewhere != asked_region if elsewhere else is_elsewhere(answer)
    if named_elsewhere and code != "NoSuchBucket":
        return _of_another_region(code, elsewhere, asked_region, request_id)
    if not code and (answer.body.strip() or answer.status < 400):
        return errors.not_theirs("OSS", answer, changes=changes)
    extended = row_of("OSS", _extended_code(answer, body))
    held_ms = answers.number(answer.headers, "x-oss-qos-delay-time")
    return errors.refused(
        "OSS", answer, code or _CODES.get(answer.status, ""), message, request_id, changes=changes,
        hint=extended.hint if extended else "",
        retry_after_seconds=held_ms / 1000 if held_ms and answer.status == 503 else None,
    )  # fmt: skip


def _of_another_region(code: str, region: str, asked_region: str, request_id: str | None) -> ImgmoveError:
    instead = f", not in {asked_region}" if asked_region else ""
    return ImgmoveError(
        Kind.INVALID, f"the bucket is in {f'the region {region}' if region else 'another region'}{instead}",
        code=code or "WrongRegion",
        hint=f"use --region {region}, or a bucket of the other region" if region else "give the bucket's own --region",
        request_id=request_id or None,
    )  # fmt: skip


#: What a bare status of an answer without a body means.
_CODES: Final = {403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed", 416: "InvalidRange"}
#: The code that comes with an AccessDenied which is none: the bucket is at another endpoint.
_OTHER_ENDPOINT: Final = "0003-00001403"


def code_of(answer: Answer) -> str:
    """OSS's own code in a refusal, empty where there is none."""
    return _error_body(answer).get("Code", "")


def is_elsewhere(answer: Answer) -> bool:
    """Does a refusal say that the bucket belongs to another endpoint, be it named or not?"""
    body = _error_body(answer)
    told = "must be addressed using the specified endpoint" in body.get("Message", "")
    return told or _extended_code(answer, body) == _OTHER_ENDPOINT


def bucket_region(answer: Answer) -> str:
    """The region where a refusal says the bucket is: by the endpoint that it names, or by a redirect."""
    body = _error_body(answer)
    named = body.get("Endpoint", "")
    host = urlsplit(named if "://" in named else f"//{named}").hostname or ""
    redirected = urlsplit(answer.headers.get("location", "")).hostname or "" if 300 <= answer.status < 400 else ""
    return (
        region_of_host(host) or region_name(body.get("Region", ""))
        or region_name(answer.headers.get("x-oss-bucket-region", "")) or region_of_host(redirected)
    )  # fmt: skip


def _extended_code(answer: Answer, body: Mapping[str, str]) -> str:
    """OSS's finer code (EC), in the document or in a header."""
    return body.get("EC", "") or answer.headers.get("x-oss-ec", "")


def _error_body(answer: Answer) -> dict[str, str]:
    root = answers.xml_root(answer.body or _header_body(answer))
    if root is None or root.tag != "Error":
        return {}
    return {child.tag: (child.text or "").strip() for child in root}


def _header_body(answer: Answer) -> bytes:
    """HEAD has no body: its error travels in a header (alibaba.md 5.8)."""
    try:
        return base64.b64decode(answer.headers.get("x-oss-err", ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
