"""HTTP of the second emulation: `http.server`, one port a service, and the many ways in which an answer can be spoilt."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

LOGIN_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>\xe2\x80\xa6</form></body></html>"
)


@dataclass(frozen=True)
class Ask:
    """A request. Header names are lower case; `what` is what the service calls it, filled in by the service."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    what: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Say:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def say_json(document: Any, status: int = 200, content_type: str = "application/json") -> Say:
    return Say(status, json.dumps(document).encode(), {"Content-Type": content_type})


Answerer = Callable[[Ask], Say]
Namer = Callable[[Ask], Ask]

#: Ways to spoil an answer: from the good one (None where the service did not act) to what is sent instead.
SPOILT: Final[dict[str, Callable[[], Say]]] = {
    "html": lambda: Say(200, LOGIN_PAGE, {"Content-Type": "text/html"}),
    "html502": lambda: Say(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", {"Content-Type": "text/html"}),
    "null": lambda: say_json(None),
    "list": lambda: say_json([]),
    "object": lambda: say_json({}),
    "response": lambda: say_json({"Response": {}}),
    "response null": lambda: say_json({"Response": None}),
    "response text": lambda: say_json({"Response": "fine"}),
    "empty": lambda: Say(200, b"", {"Content-Type": "application/json"}),
    "empty500": lambda: Say(500, b"", {"Content-Type": "application/json"}),
    "long": lambda: Say(200, b"All work and no play. " * 4700, {"Content-Type": "text/plain"}),
    "broken": lambda: Say(200, b'{"Response": {"RequestId": "r-', {"Content-Type": "application/json"}),
    "binary": lambda: Say(200, bytes(range(256)) * 8, {"Content-Type": "application/octet-stream"}),
    "redirect": lambda: Say(302, b"", {"Location": "http://127.0.0.1:9/login"}),
    "throttled": lambda: Say(429, b"slow down", {"Content-Type": "text/plain"}),
}  # fmt: skip
#: Ways in which no whole answer arrives.
CUT: Final = ("close", "reset", "half")


@dataclass
class Spoiling:
    how: str
    acted: bool
    left: int


class Service:
    """One service on one port: what was asked, and how its answers are spoilt."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.manner: set[str] = set()
        #: what the answers' `Date` says: unix seconds, or a text that is no date; None for no such header
        self.date: Callable[[], float | str] | None = None
        self._spoilings: dict[str, list[Spoiling]] = {}
        self._lock = threading.RLock()
        self.name: Namer = lambda ask: ask
        self.answer: Answerer = lambda _ask: Say(501)

    def spoil(self, what: str, how: str, times: int = 1, *, acted: bool = True) -> None:
        """Spoil the next `times` answers to `what`; with `acted` false the service never sees those requests."""
        self._spoilings.setdefault(what, []).append(Spoiling(how, acted, times))

    def count(self, what: str) -> int:
        return sum(ask.what == what for ask in self.asked)

    def last(self, what: str) -> Ask:
        return [ask for ask in self.asked if ask.what == what][-1]

    def serve(self, raw: Ask) -> tuple[Say | None, str]:
        """The answer, and how it is cut; None with a cut where nothing is to be sent at all."""
        ask = self.name(raw)
        with self._lock:
            self.asked.append(ask)
            spoiling = self._next_spoiling(ask.what)
            if spoiling is None:
                return self.answer(ask), ""
            good = self.answer(ask) if spoiling.acted else None
        if spoiling.how in CUT:
            return good or say_json({"Response": {"RequestId": "r-cut"}}), spoiling.how
        return SPOILT[spoiling.how](), ""

    def _next_spoiling(self, what: str) -> Spoiling | None:
        for spoiling in self._spoilings.get(what, ()):
            if spoiling.left > 0:
                spoiling.left -= 1
                return spoiling
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        service = self.server.service
        answer, cut = service.serve(self._ask())
        if cut in {"close", "reset"} or answer is None:
            self._hang_up(rudely=cut == "reset")
            return
        if "slow" in service.manner:
            time.sleep(0.03)
        data = self._encode(answer, service.manner)
        self.wfile.write(data[: len(data) - max(1, len(answer.body) // 2)] if cut else data)
        if cut or "close" in service.manner:
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _ask(self) -> Ask:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        return Ask(self.command, parts.path, query, headers, body)

    def _encode(self, answer: Say, manner: set[str]) -> bytes:
        """Head and body in one piece: two writes would wait for each other's acknowledgement."""
        body = answer.body
        headers = {**self._date(), **answer.headers}
        if "gzip" in manner and body:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        if "close" in manner:
            headers["Connection"] = "close"
        chunked = "chunked" in manner and self.command != "HEAD" and answer.status not in {204, 304}
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif "Content-Length" not in headers:
            headers["Content-Length"] = str(len(body))
        head = f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('Odd',))[0]}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        if self.command == "HEAD":
            return head.encode()
        return head.encode() + (_chunks(body) if chunked else body)

    def _date(self) -> dict[str, str]:
        told = self.server.service.date
        if told is None:
            return {}
        moment = told()
        return {"Date": moment if isinstance(moment, str) else formatdate(moment, usegmt=True)}

    def _hang_up(self, *, rudely: bool) -> None:
        self.close_connection = True
        if rudely:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Silence: the standard error is the command's."""


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 700] for start in range(0, len(body), 700)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    service: Service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news; anything else is a bug of the emulation and fails the test."""
        import sys

        if not isinstance(sys.exception(), OSError):
            self.service.asked.append(Ask("BUG", repr(sys.exception()), {}, {}, b"", "BUG"))


@contextmanager
def listening(service: Service) -> Iterator[_Server]:
    """A server on loopback; its `service` may be replaced at any time."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.service = service
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Film:
    """What is seen from look to look; the last picture stays."""

    def __init__(self, *pictures: Any) -> None:
        self._pictures = list(pictures)

    @property
    def is_over(self) -> bool:
        """Only the last picture is left."""
        return len(self._pictures) == 1

    def look(self) -> Any:
        return self._pictures.pop(0) if len(self._pictures) > 1 else self._pictures[0]
