"""What reading and writing a part have in common: heads, refusals, and errors turned into faults of a leg."""

from __future__ import annotations

import errno
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from imgmove.core.files import FILE_ERROR_HEADER, FILE_ERROR_STATUS
from imgmove.core.ports import SignedRequest
from imgmove.engine.transfer.faults import AnswerFault, ConnectionFault, PartFault

_MAX_ERROR_BODY_BYTES: Final = 64 * 1024


@contextmanager
def leg(name: str) -> Iterator[None]:
    """What a socket or HTTP parser throws, as a fault of that leg."""
    try:
        yield
    except PartFault:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionFault(name, describe(error)) from error


@contextmanager
def file_errors(name: str, path: Path) -> Iterator[None]:
    """What the operating system refuses, as an answer that the file store can explain."""
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "OSError")
        text = f"{path}: {error.strerror or error}"
        raise AnswerFault(name, FILE_ERROR_STATUS, {FILE_ERROR_HEADER: code}, text.encode()) from error


def describe(error: Exception) -> str:
    if isinstance(error, TimeoutError | BlockingIOError):
        return "silent for too long"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def send_head(connection: http.client.HTTPConnection, request: SignedRequest, length: int | None = None) -> None:
    """The request line and exactly the signed headers, and the length of the body that follows, if one does."""
    parts = urlsplit(request.url)
    names = {name.lower() for name in request.headers}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(request.method, target, skip_host="host" in names, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if length is not None and "content-length" not in names:
        connection.putheader("Content-Length", str(length))
    connection.endheaders()


def answer_headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    """With lower-case names."""
    return {name.lower(): value for name, value in answer.getheaders()}


def read_error_body(answer: http.client.HTTPResponse) -> bytes:
    """The beginning of a body that should be short."""
    return answer.read(_MAX_ERROR_BODY_BYTES)
