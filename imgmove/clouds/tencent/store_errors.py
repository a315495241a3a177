"""From COS's refusals to `ImgmoveError`: bodies, answers to HEAD without one, and buckets of other regions."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from imgmove.clouds.tencent import answers, errors
from imgmove.clouds.tencent.cos_address import region_of_host
from imgmove.clouds.transport import Answer
from imgmove.core.errors import ImgmoveError, Kind

#: What a bare status of an answer without a body means.
_CODES: Final = {403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed", 416: "InvalidRange",
                 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}  # fmt: skip


def refusal(answer: Answer, *, changes: bool, asked_region: str = "") -> ImgmoveError:
    """The error for an answer with a status of 300 or more, or with an error in a body that should be none."""
    body = _error_body(answer)
    code, message = body.get("Code", ""), body.get("Message", "")
    request_id = body.get("RequestId") or answer.headers.get("x-cos-request-id")
    elsewhere = bucket_region(answer)
    if elsewhere and elsewhere != asked_region and code != "NoSuchBucket":
        instead = f", not in {asked_region}" if asked_region else ""
        return ImgmoveError(
            Kind.INVALID, f"the bucket is in the region {elsewhere}{instead}", code=code or "WrongRegion",
            hint=f"use --region {elsewhere}, or a bucket of the other region", request_id=request_id or None,
        )  # fmt: skip
    if not code and (answer.body.strip() or answer.status < 400):
        return errors.not_theirs("COS", answer, changes=changes)
    return errors.refused("COS", answer, code or _CODES.get(answer.status, ""), message, request_id, changes=changes)


def code_of(answer: Answer) -> str:
    """COS's own code in a refusal, empty where there is none."""
    return _error_body(answer).get("Code", "")


def bucket_region(answer: Answer) -> str:
    """The region where a refusal says the bucket is: by a header, by the endpoint that it names, or by a redirect."""
    if answer.status < 300:
        return ""
    named = _error_body(answer).get("Endpoint", "")
    host = urlsplit(named if "://" in named else f"//{named}").hostname or ""
    redirected = urlsplit(answer.headers.get("location", "")).hostname or ""
    return answer.headers.get("x-cos-bucket-region", "") or region_of_host(host) or region_of_host(redirected)


def _error_body(answer: Answer) -> dict[str, str]:
    root = answers.xml_root(answer.body)
    if root is None or root.tag != "Error":
        return {}
    return {child.tag: (child.text or "").strip() for child in root}
