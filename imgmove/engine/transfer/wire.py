"""Moving one part: a ranged read streamed into a write through one buffer, with the CRC computed on the way.

`move_part` is all that a worker runs. It takes a range, two signed requests and nothing else, so that a worker holds no
credentials and no state, wherever it runs.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from imgmove.core.ports import SignedRequest
from imgmove.engine.transfer.connections import of_this_thread
from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.faults import AnswerFault, ConnectionFault, PartFault, RangeFault

#: One buffer of this size for each worker thread: large reads keep Python out of the way of the bytes.
BUFFER_BYTES: Final = 1 << 20
#: Where a part that was written to a file is noted as whole, so that a later run need not write it again.
PART_LOG_HEADER: Final = "x-imgmove-part-log"
_MAX_ERROR_BODY_BYTES: Final = 64 * 1024
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

#: Bytes moved so far by parts that run in this process, by `PartTask.meter`.
meters: dict[str, int] = {}


@dataclass(frozen=True)
class PartTask:
    """What travels to a worker. `write` None: only read, and compute the CRC."""

    number: int
    offset: int
    length: int
    read: SignedRequest
    write: SignedRequest | None
    etag: str = ""
    """The source's ETag: another one in the answer means that the source changed. Empty: not compared."""
    timeout_seconds: float = 60.0
    bytes_per_second: int = 0
    """This part's share of a bandwidth limit; 0 for none."""
    meter: str = ""
    compute_crc: bool = True


@dataclass(frozen=True)
class PartDone:
    """What became of a part. Headers have lower-case names."""

    number: int
    length: int
    crc64: int | None
    read_headers: dict[str, str] = field(default_factory=dict)
    write_headers: dict[str, str] = field(default_factory=dict)


class Source(Protocol):
    headers: dict[str, str]

    def readinto(self, view: memoryview) -> int: ...


class Sink(Protocol):
    def write(self, view: memoryview) -> None: ...

    def finish(self, crc: int | None) -> dict[str, str]: ...


def move_part(task: PartTask) -> PartDone:
    """Move one part. Raises `PartFault` for everything that an end or the network does; safe to repeat."""
    view = of_this_thread().buffer(BUFFER_BYTES)
    pace = _Pace(task.bytes_per_second)
    value: int | None = 0 if task.compute_crc else None
    with _source(task) as source, _sink(task) as sink:
        left = task.length
        while left:
            with _leg("read"):
                count = source.readinto(view[: min(left, len(view))])
            if not count:
                raise ConnectionFault("read", f"the answer ended {left} bytes early")
            piece = view[:count]
            value = None if value is None else crc64(piece, value)
            sink.write(piece)
            left -= count
            if task.meter:
                meters[task.meter] = task.length - left
            pace.passed(count)
        answer = sink.finish(value)
    return PartDone(task.number, task.length, value, source.headers, answer)


def fetch_part(task: PartTask) -> bytes:
    """The bytes of a range. Raises `PartFault`; safe to repeat."""
    body = bytearray(task.length)
    view, filled = memoryview(body), 0
    with _source(task) as source:
        while filled < task.length:
            with _leg("read"):
                count = source.readinto(view[filled:])
            if not count:
                raise ConnectionFault("read", f"the answer ended {task.length - filled} bytes early")
            filled += count
    return bytes(body)


def send_part(task: PartTask, body: bytes) -> PartDone:
    """Write a part that is in memory; `task.read` is not looked at. Raises `PartFault`; safe to repeat."""
    pace, view = _Pace(task.bytes_per_second), memoryview(body)
    with _sink(task) as sink:
        for start in range(0, len(view), BUFFER_BYTES):
            piece = view[start : start + BUFFER_BYTES]
            sink.write(piece)
            pace.passed(len(piece))
        value = crc64(body)
        answer = sink.finish(value)
    return PartDone(task.number, len(body), value, {}, answer)


@contextmanager
def _leg(name: str) -> Iterator[None]:
    """What a socket or HTTP parser throws, as a fault of that leg."""
    try:
        yield
    except PartFault:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionFault(
            name, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        ) from error


class _Pace:
    """Keeps a part below its share of the bandwidth by sleeping."""

    def __init__(
        self,
        bytes_per_second: int,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._monotonic, self._sleep = monotonic, sleep
        self._started = monotonic() if bytes_per_second else 0.0
        self._count = 0

    def passed(self, count: int) -> None:
        if not self._rate:
            return
        self._count += count
        ahead = self._count / self._rate - (self._monotonic() - self._started)
        if ahead > 0:
            self._sleep(ahead)


# ------------------------------------------------------------------------------------------------------- reading


@contextmanager
def _source(task: PartTask) -> Iterator[Source]:
    parts = urlsplit(task.read.url)
    if parts.scheme == "file":
        with _leg("read"), Path(unquote(parts.path)).open("rb", buffering=0) as file:
            yield _FileSource(file.fileno(), task.offset)
        return
    pool = of_this_thread()
    with _leg("read"):
        connection = pool.take(parts, "read", task.timeout_seconds)
        try:
            _send_head(connection, task.read)
            answer = connection.getresponse()
            _check_range(answer, task)
            yield _HttpSource(answer)
            _check_end(answer)
        except BaseException:
            connection.close()
            raise
        pool.give_back(parts, "read", connection)


def _send_head(connection: http.client.HTTPConnection, request: SignedRequest, length: int | None = None) -> None:
    parts = urlsplit(request.url)
    names = {name.lower() for name in request.headers}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(request.method, target, skip_host="host" in names, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if length is not None and "content-length" not in names:
        connection.putheader("Content-Length", str(length))
    connection.endheaders()


def _check_range(answer: http.client.HTTPResponse, task: PartTask) -> None:
    """The answer must be the range that was asked for, of the object that was looked at."""
    headers = _headers(answer)
    if answer.status >= 300:
        raise AnswerFault("read", answer.status, headers, answer.read(_MAX_ERROR_BODY_BYTES))
    whole = answer.status == 200 and task.offset == 0 and headers.get("content-length") == str(task.length)
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    asked = (task.offset, task.offset + task.length - 1)
    if not whole and (answer.status != 206 or match is None or (int(match.group(1)), int(match.group(2))) != asked):
        raise RangeFault(
            "read",
            f"asked for bytes {asked[0]}-{asked[1]}, got {headers.get('content-range') or f'HTTP {answer.status}'}",
        )
    etag = headers.get("etag", "").strip('"')
    if task.etag and etag and etag.lower() != task.etag.lower():
        raise RangeFault("read", "the source has another ETag than when the copy began")


def _check_end(answer: http.client.HTTPResponse) -> None:
    if answer.read(1):
        raise RangeFault("read", "the answer is longer than the range asked for")


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


class _HttpSource:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.headers = _headers(answer)
        self._answer = answer

    def readinto(self, view: memoryview) -> int:
        return self._answer.readinto(view)


class _FileSource:
    def __init__(self, descriptor: int, offset: int) -> None:
        self.headers: dict[str, str] = {}
        self._descriptor, self._offset = descriptor, offset

    def readinto(self, view: memoryview) -> int:
        count = os.preadv(self._descriptor, [view], self._offset)
        self._offset += count
        return count


# ------------------------------------------------------------------------------------------------------- writing


@contextmanager
def _sink(task: PartTask) -> Iterator[Sink]:
    if task.write is None:
        yield _NoSink()
        return
    parts = urlsplit(task.write.url)
    if parts.scheme == "file":
        with _leg("write"):
            descriptor = os.open(unquote(parts.path), os.O_WRONLY)
        try:
            yield _FileSink(descriptor, task)
        finally:
            os.close(descriptor)
        return
    pool = of_this_thread()
    with _leg("write"):
        connection = pool.take(parts, "write", task.timeout_seconds)
    try:
        with _leg("write"):
            _send_head(connection, task.write, task.length)
        yield _HttpSink(connection)
    except BaseException:
        connection.close()
        raise
    pool.give_back(parts, "write", connection)


class _NoSink:
    def write(self, view: memoryview) -> None:
        """Only the CRC is wanted."""

    def finish(self, _crc: int | None) -> dict[str, str]:
        return {}


class _FileSink:
    """Writes a range of a file; a part that is whole is noted in the log that the request names."""

    def __init__(self, descriptor: int, task: PartTask) -> None:
        self._descriptor, self._offset, self._task = descriptor, task.offset, task

    def write(self, view: memoryview) -> None:
        with _leg("write"):
            while view:
                count = os.pwritev(self._descriptor, [view], self._offset)
                self._offset += count
                view = view[count:]

    def finish(self, crc: int | None) -> dict[str, str]:
        headers = self._task.write.headers if self._task.write else {}
        with _leg("write"):
            os.fdatasync(self._descriptor)
            log = os.open(headers[PART_LOG_HEADER], os.O_WRONLY | os.O_APPEND)
            try:
                os.write(log, f"{self._task.number} {self._task.length} {crc or 0}\n".encode())
            finally:
                os.close(log)
        return {}


class _HttpSink:
    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def write(self, view: memoryview) -> None:
        try:
            self._connection.sock.sendall(view)
        except OSError as error:
            self._explain(error)

    def _explain(self, error: OSError) -> None:
        """A store that refuses closes while we still send: its answer, if it can be read, says why."""
        try:
            answer = self._connection.getresponse()
            headers, body = _headers(answer), answer.read(_MAX_ERROR_BODY_BYTES)
        except (OSError, http.client.HTTPException):
            raise ConnectionFault("write", f"{type(error).__name__}: {error}") from error
        if answer.status >= 300:
            raise AnswerFault("write", answer.status, headers, body) from error
        raise ConnectionFault("write", f"answered HTTP {answer.status} before it had everything") from error

    def finish(self, _crc: int | None) -> dict[str, str]:
        with _leg("write"):
            answer = self._connection.getresponse()
            body = answer.read(_MAX_ERROR_BODY_BYTES)
        headers = _headers(answer)
        if answer.status >= 300 or b"<Error>" in body[:512]:
            raise AnswerFault("write", answer.status, headers, body)
        return headers
