"""Where a part goes: into a multipart upload over HTTP, into a file, or nowhere."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from imgmove.core.files import PART_LOG_HEADER, part_log_line
from imgmove.core.ports import SignedRequest
from imgmove.engine.transfer.connections import keep_time, let_kernel_keep_time, pool
from imgmove.engine.transfer.exchange import answer_headers, describe, file_errors, leg, read_error_body, send_head
from imgmove.engine.transfer.faults import AnswerFault, ConnectionFault, ForeignFault
from imgmove.engine.transfer.part_task import PartTask
from imgmove.engine.transfer.underway import Meter


class Sink(Protocol):
    def write(self, view: memoryview) -> None:
        """All of `view`. Raises `PartFault`."""

    def finish(self, crc: int | None) -> dict[str, str]:
        """The headers of the answer: the part is there. Raises `PartFault`."""


@contextmanager
def open_sink(task: PartTask, meter: Meter) -> Iterator[Sink]:
    """Takes exactly `task.length` bytes, and then `finish`."""
    if task.write is None:
        yield _NoSink()
        return
    address = urlsplit(task.write.url)
    if address.scheme == "file":
        with _open_file(Path(unquote(address.path)), task, task.write) as sink:
            yield sink
        return
    with leg("write"):
        connection = pool.take(address, task.timeout_seconds)
    try:
        meter.uses(connection)
        with leg("write"):
            send_head(connection, task.write, task.length)
        yield _HttpSink(connection, task.timeout_seconds)
    except BaseException:
        connection.close()
        raise
    pool.give_back(address, connection)


class _NoSink:
    def write(self, view: memoryview) -> None:
        """Only the CRC is wanted."""

    def finish(self, _crc: int | None) -> dict[str, str]:
        return {}


class _HttpSink:
    def __init__(self, connection: http.client.HTTPConnection, timeout_seconds: float) -> None:
        self._connection, self._timeout_seconds = connection, timeout_seconds
        self._sock = connection.sock
        let_kernel_keep_time(self._sock)

    def write(self, view: memoryview) -> None:
        try:
            self._sock.sendall(view)
        except (TimeoutError, BlockingIOError) as error:
            raise ConnectionFault("write", describe(error)) from error
        except OSError as error:
            self._explain(error)

    def _explain(self, error: OSError) -> None:
        """A store that refuses closes while we still send: its answer, if it can be read, says why."""
        try:
            keep_time(self._sock, self._timeout_seconds)
            answer = self._connection.getresponse()
            headers, body = answer_headers(answer), read_error_body(answer)
        except (OSError, http.client.HTTPException):
            raise ConnectionFault("write", describe(error)) from error
        if answer.status >= 300:
            raise AnswerFault("write", answer.status, headers, body) from error
        raise ConnectionFault("write", f"answered HTTP {answer.status} before it had everything") from error

    def finish(self, _crc: int | None) -> dict[str, str]:
        with leg("write"):
            keep_time(self._sock, self._timeout_seconds)
            answer = self._connection.getresponse()
            body = read_error_body(answer)
        headers = answer_headers(answer)
        if answer.status >= 300 or b"<Error>" in body[:512]:
            raise AnswerFault("write", answer.status, headers, body)
        if not headers.get("etag"):
            raise ForeignFault("write", f"answered HTTP {answer.status} without an ETag")
        if not answer.isclosed():
            self._connection.close()  # more than anybody answers to a part: not to be taken for the next answer
        return headers


# ---------------------------------------------------------------------------------------------------------- files


@contextmanager
def _open_file(path: Path, task: PartTask, request: SignedRequest) -> Iterator[Sink]:
    with file_errors("write", path):
        descriptor = os.open(path, os.O_WRONLY)
    try:
        yield _FileSink(descriptor, path, task, Path(request.headers[PART_LOG_HEADER]))
    finally:
        os.close(descriptor)


class _FileSink:
    """Writes a range of a file; a part that is whole is noted in the log that the request names."""

    def __init__(self, descriptor: int, path: Path, task: PartTask, log: Path) -> None:
        self._descriptor, self._path, self._log = descriptor, path, log
        self._offset, self._task = task.offset, task

    def write(self, view: memoryview) -> None:
        with file_errors("write", self._path):
            while view:
                count = os.pwritev(self._descriptor, [view], self._offset)
                self._offset += count
                view = view[count:]

    def finish(self, crc: int | None) -> dict[str, str]:
        with file_errors("write", self._log):
            os.fdatasync(self._descriptor)
            log = os.open(self._log, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(log, part_log_line(self._task.number, self._task.length, crc).encode())
            finally:
                os.close(log)
        return {}
