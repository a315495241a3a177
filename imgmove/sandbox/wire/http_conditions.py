"""Ranges and preconditions of HTTP requests (RFC 9110), as far as the object stores know them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

_RANGE = re.compile(r"bytes=([0-9]{0,4000})-([0-9]{0,4000})")
"""As many digits as `int` takes."""


class UnsatisfiableError(Exception):
    """No byte of the range is in the object."""


def byte_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """The range as (offset, length), clipped to the object; None for text that is no single range: to be ignored.

    Raises UnsatisfiableError when it begins at or behind the end, or asks for the last 0 bytes.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        length = min(int(match[2]), size_bytes)
        if length == 0:
            raise UnsatisfiableError
        return size_bytes - length, length
    first = int(match[1])
    last = int(match[2]) if match[2] else size_bytes - 1
    if match[2] and last < first:
        return None
    if first >= size_bytes:
        raise UnsatisfiableError
    return first, min(last, size_bytes - 1) - first + 1


def reaches_outside(header: str, size_bytes: int) -> bool:
    """Whether a single range asks for bytes that the object does not have."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return False
    if not match[1]:
        return not 0 < int(match[2]) <= size_bytes
    return int(match[1]) >= size_bytes or (match[2] != "" and int(match[2]) >= size_bytes)


def failed_precondition(headers: Mapping[str, str], prefix: str, etag: str, modified: float) -> int | None:
    """412 or 304 where a precondition fails, None where all hold.

    `prefix` is put before the headers' names (`x-cos-copy-source-`); dates that are none are ignored.
    """
    wanted, unwanted = headers.get(f"{prefix}If-Match"), headers.get(f"{prefix}If-None-Match")
    unmodified = _date(headers.get(f"{prefix}If-Unmodified-Since"))
    modified_since = _date(headers.get(f"{prefix}If-Modified-Since"))
    if wanted is not None and not _names(wanted, etag):
        return 412
    if wanted is None and unmodified is not None and int(modified) > unmodified:
        return 412
    if unwanted is not None and _names(unwanted, etag):
        return 304
    if unwanted is None and modified_since is not None and int(modified) <= modified_since:
        return 304
    return None


def fit_for_header(value: str) -> bool:
    """Whether a header can have this value: no line breaks, nor other control characters but tabs."""
    return not any(character < " " and character != "\t" for character in value) and "\x7f" not in value


def http_date(wall: float) -> str:
    """`Fri, 10 Apr 2020 09:35:05 GMT`."""
    return formatdate(wall, usegmt=True)


def parse_date(text: str) -> float | None:
    """Unix seconds of an HTTP date, None for text that is none."""
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _date(text: str | None) -> float | None:
    return None if text is None else parse_date(text)


def _names(header: str, etag: str) -> bool:
    tags = [each.strip().removeprefix("W/").strip('"') for each in header.split(",")]
    return "*" in tags or etag.lower() in (each.lower() for each in tags)
