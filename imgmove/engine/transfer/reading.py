"""Where a part comes from: a range of an object over HTTP, or of a file."""

from __future__ import annotations

import http.client
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from imgmove.core.files import FILE_ETAG_HEADER, file_etag
from imgmove.engine.transfer.connections import let_kernel_keep_time, pool
from imgmove.engine.transfer.exchange import answer_headers, describe, file_errors, leg, read_error_body, send_head
from imgmove.engine.transfer.faults import AnswerFault, ChangedFault, ConnectionFault, ForeignFault
from imgmove.engine.transfer.part_task import PartTask
from imgmove.engine.transfer.underway import Meter

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
#: At most so much comes with the head of an answer, in http.client's own buffer.
_HEAD_READ_BYTES: Final = 1 << 16
#: A TLS record is 16 KiB: so many are gathered before they are handed on.
_TLS_GATHER_BYTES: Final = 1 << 18


class Source(Protocol):
    headers: dict[str, str]

    def readinto(self, view: memoryview) -> int:
        """Some bytes, at least one; 0 at the end. Raises `PartFault`."""


@contextmanager
def open_source(task: PartTask, meter: Meter) -> Iterator[Source]:
    """The range, from its first byte on. On leaving without an exception all of it has to have been read."""
    if task.read is None:
        raise ValueError("the task reads nothing")
    address = urlsplit(task.read.url)
    if address.scheme == "file":
        with _open_file(Path(unquote(address.path)), task) as source:
            yield source
        return
    with leg("read"):
        connection = pool.take(address, task.timeout_seconds)
        try:
            meter.uses(connection)
            send_head(connection, task.read)
            answer = connection.getresponse()
            _check(answer, task)
            yield _HttpSource(connection, answer)
            answer.close()
        except BaseException:
            connection.close()
            raise
    pool.give_back(address, connection)


def _check(answer: http.client.HTTPResponse, task: PartTask) -> None:
    """The answer must be the range that was asked for, of the object that was looked at."""
    headers = answer_headers(answer)
    if answer.status >= 300:
        raise AnswerFault("read", answer.status, headers, read_error_body(answer))
    _check_object(headers, task)
    asked = f"bytes {task.offset}-{task.offset + task.length - 1}"
    given = headers.get("content-range", "")
    whole = answer.status == 200 and task.offset == 0 and headers.get("content-length") == str(task.length)
    if not whole and (answer.status != 206 or given.partition("/")[0] != asked):
        raise ForeignFault("read", f"asked for {asked}, got {given or f'HTTP {answer.status}'}")
    if headers.get("content-length", str(task.length)) != str(task.length):
        raise ForeignFault("read", f"asked for {task.length} bytes, got {headers['content-length']}")


def _check_object(headers: Mapping[str, str], task: PartTask) -> None:
    etag = headers.get("etag", "").strip('"')
    if task.etag and etag and etag.lower() != task.etag.lower():
        raise ChangedFault("the source has another ETag than when the copy began")
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if match and task.object_bytes and match.group(3) not in {"*", str(task.object_bytes)}:
        raise ChangedFault(f"the source has {match.group(3)} bytes, and had {task.object_bytes} when the copy began")


class _HttpSource:
    """The body of an answer. Past what came with the head it is read from the socket, without a buffer in between."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        self.headers = answer_headers(answer)
        self._answer = answer
        self._read: Callable[[memoryview], int] = answer.readinto
        if answer.length is not None and connection.sock is not None:
            self._read = self._first
            sock = connection.sock
            let_kernel_keep_time(sock)
            self._direct = _gathering(sock) if isinstance(sock, ssl.SSLSocket) else sock.recv_into

    def _first(self, view: memoryview) -> int:
        """What http.client read beyond the head, or the first bytes behind it."""
        piece = self._answer.read1(min(len(view), _HEAD_READ_BYTES))
        view[: len(piece)] = piece
        self._read = self._direct
        return len(piece)

    def readinto(self, view: memoryview) -> int:
        try:
            return self._read(view)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFault("read", describe(error)) from error


def _gathering(sock: ssl.SSLSocket) -> Callable[[memoryview], int]:
    """Reads several TLS records at a time: every hand-over costs more than the record."""
    read = sock.read

    def gather(view: memoryview) -> int:
        wanted, filled = min(len(view), _TLS_GATHER_BYTES), 0
        while filled < wanted:
            count = read(wanted - filled, view[filled:])
            if not count:
                break
            filled += int(count)
        return filled

    return gather


# ---------------------------------------------------------------------------------------------------------- files


@contextmanager
def _open_file(path: Path, task: PartTask) -> Iterator[Source]:
    wanted = task.read.headers.get(FILE_ETAG_HEADER, "") if task.read else ""
    with file_errors("read", path), path.open("rb", buffering=0) as file:
        _check_file(file.fileno(), wanted)
        yield _FileSource(file.fileno(), path, task.offset)
        _check_file(file.fileno(), wanted)


def _check_file(descriptor: int, wanted: str) -> None:
    stat = os.fstat(descriptor)
    if wanted and file_etag(stat.st_ino, stat.st_size, stat.st_mtime_ns) != wanted:
        raise ChangedFault("the file is not what it was when the copy began")


class _FileSource:
    def __init__(self, descriptor: int, path: Path, offset: int) -> None:
        self.headers: dict[str, str] = {}
        self._descriptor, self._path, self._offset = descriptor, path, offset

    def readinto(self, view: memoryview) -> int:
        with file_errors("read", self._path):
            count = os.preadv(self._descriptor, [view], self._offset)
        self._offset += count
        return count
