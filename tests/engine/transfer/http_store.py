"""A store that is served over real HTTP on loopback and misbehaves as it is told: the other end of the copy engine."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import SignedRequest, StoreLimits
from imgmove.testing.memory_store import Answer, MemoryStore

KIB = 1 << 10
LIMITS = StoreLimits(KIB, 1 << 30, 10_000, 1 << 40, 1 << 30)


@dataclass(frozen=True)
class Call:
    """A request for a part. `number` is the part's of a PUT, the offset of a GET; `count` counts from 1 by both."""

    method: str
    key: str
    number: int
    count: int
    connection: int


@dataclass
class Behaviour:
    """What shall go wrong with one request; the fields that are left alone do not."""

    instead: Answer | None = None
    """Answered in the place of what was asked for; the body is read before."""
    before_the_body: bool = False
    """Answer `instead`, and close, before the body was read."""
    drop_before: bool = False
    drop_after: bool = False
    cut_at: int | None = None
    """So many bytes of the answer's body, and then the connection breaks."""
    flip: int | None = None
    """The byte at this place of the body, in or out, is another one."""
    extra: bytes = b""
    """Sent behind the body, and counted in its length."""
    short: int = 0
    """So many bytes less than was asked for, honestly announced."""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    chunked: bool = False
    close: bool = False
    hold: threading.Event | None = None
    """Where the body is cut: the connection stays open, and nothing more comes, until this is set."""
    wait_for: threading.Event | None = None
    waited: threading.Event = field(default_factory=threading.Event)


Script = Callable[[Call], Behaviour | None]


def refusal(code: str, status: int = 403, **headers: str) -> Behaviour:
    """The store's own refusal."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Behaviour(Answer(status, named, json.dumps({"code": code}).encode()))


#: Codes that the store answers with only because a script says so.
_CODES: Mapping[str, Kind] = {
    "SlowDown": Kind.THROTTLED, "InternalError": Kind.UNAVAILABLE, "ExpiredToken": Kind.DENIED,
    "RequestTimeTooSkewed": Kind.DENIED, "NoQuota": Kind.QUOTA, "TokenForbidden": Kind.DENIED,
}  # fmt: skip


class HttpStore(MemoryStore):
    """The store in memory, whose signed requests are for its server; its own calls can be made to fail, too.

    `calls` are the names of the port's methods that were called, and `PUT n` / `GET offset` for the parts.
    """

    scheme = "http-memory"

    def __init__(self, address: str, name: str = "bucket") -> None:
        super().__init__(name, limits=LIMITS)
        self.address = address
        self.calls: list[str] = []
        self.failures: dict[str, list[ImgmoveError]] = {}
        """Raised one after the other by the method of that name, before it does anything."""
        self.lost_answers: dict[str, list[ImgmoveError]] = {}
        """Likewise, after it did it."""
        self.has_crc = True
        self.signed = 0

    def _url(self, key: str, expires_seconds: float, **query: str) -> str:
        return super()._url(key, expires_seconds, **query).replace("memory://", f"{self.address}/", 1)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in {"head", "put", "begin", "parts", "uploads", "finish", "abort", "delete", "list"}:
            return lambda *words: self._called(name, value, words)
        return value

    def _called(self, name: str, method: Callable[..., Any], words: tuple[Any, ...]) -> Any:
        self.calls.append(name)
        if self.failures.get(name):
            raise self.failures[name].pop(0)
        result = method(*words)
        if self.lost_answers.get(name):
            raise self.lost_answers[name].pop(0)
        return result

    def sign_read(self, *words: Any) -> SignedRequest:
        self.signed += 1
        if self.failures.get("sign_read"):
            raise self.failures["sign_read"].pop(0)
        return super().sign_read(*words)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        try:
            code = str(json.loads(body)["code"])
        except (ValueError, KeyError, TypeError):
            code = ""
        if code not in _CODES:
            return super().failure(status, headers, body)
        held = headers.get("x-held-seconds")
        return ImgmoveError(_CODES[code], code, code=code, retry_after_seconds=float(held) if held else None)

    def crc64_of(self, headers: Mapping[str, str]) -> int | None:
        return super().crc64_of(headers) if self.has_crc else None


class Server:
    """Serves the parts of its stores, by the name of their bucket."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._http = _Http(self)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_port
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.stores: dict[str, HttpStore] = {}
        self.script: Script = lambda _call: None
        self.calls: list[Call] = []
        self._counts: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def store(self, name: str = "bucket") -> HttpStore:
        self.stores[name] = HttpStore(self.address, name)
        return self.stores[name]

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def note(self, method: str, key: str, number: int, connection: int, store: HttpStore) -> Call:
        with self._lock:
            count = self._counts[method, number] = self._counts.get((method, number), 0) + 1
            call = Call(method, key, number, count, connection)
            self.calls.append(call)
            store.calls.append(f"{method} {number}")
            return call


def _flipped(body: bytes, at: int | None) -> bytes:
    if at is None:
        return body
    spoilt = bytearray(body)
    spoilt[at] ^= 1
    return bytes(spoilt)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, rig: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rig = rig

    def handle_error(self, *_words: object) -> None:
        """Quiet: connections break here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, *_words: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            self._serve()

    def do_PUT(self) -> None:
        self.do_GET()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = parts.path.lstrip("/").partition("/")
        store = self.server.rig.stores[bucket]
        call = self.server.rig.note(
            self.command, unquote(key), self._number(parts.query), self.client_address[1], store
        )
        how = self.server.rig.script(call) or Behaviour()
        if how.wait_for is not None:
            how.waited.set()
            how.wait_for.wait(20)
        if how.drop_before:
            self._drop()
        elif how.before_the_body and how.instead is not None:
            self.close_connection = True
            self._answer(how.instead, how)
        else:
            self._act(store, f"memory://{bucket}/{key}?{parts.query}", how)

    def _number(self, query: str) -> int:
        """A part's number, or the offset of a range."""
        if self.command == "PUT":
            return int(parse_qs(query)["partNumber"][0])
        return int(self.headers["Range"].removeprefix("bytes=").split("-")[0])

    def _act(self, store: HttpStore, url: str, how: Behaviour) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if body:
            body = _flipped(body, how.flip)
        answer = how.instead or store.send(SignedRequest(self.command, url, dict(self.headers.items())), body)
        if how.drop_after:
            self._drop()
        else:
            self._answer(answer, how)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _answer(self, answer: Answer, how: Behaviour) -> None:
        body = answer.body
        if self.command == "GET" and answer.status < 300:
            body = _flipped(body, how.flip)
        body = body[: len(body) - how.short] + how.extra
        self.send_response(how.status or answer.status)
        for name, value in {**answer.headers, **how.headers}.items():
            self.send_header(name, value)
        if how.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif "Content-Length" not in how.headers:
            self.send_header("Content-Length", str(len(body)))
        if how.close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body[: how.cut_at])
        if how.cut_at is not None:
            self.wfile.flush()
            if how.hold is not None:
                how.hold.wait(20)
            self._drop()
