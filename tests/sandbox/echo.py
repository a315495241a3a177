"""A wire without a vendor: stores what is PUT, serves it, and answers in a shape of its own."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.exchange import Exchange, Surroundings
from imgmove.sandbox.faults import FaultPlan
from imgmove.sandbox.http import FileSlice, Request, Response
from imgmove.sandbox.request_log import LogEntry, RequestLog
from imgmove.sandbox.server import Server


@dataclass
class EchoWire:
    """Remembers every request that it handled; its action is the method and the first segment of the path."""

    directory: Path
    handled: list[Request] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    on_get: Callable[[Request], Response] | None = None
    max_body_bytes: int = 64 << 20

    def describe(self, request: Request) -> str:
        return {"PUT": "PutThing", "GET": "GetThing", "HEAD": "HeadThing"}.get(request.method, "CallThing")

    def handle(self, request: Request) -> Response:
        self.handled.append(request)
        if request.method == "PUT":
            self.files[request.raw_path] = self._keep(request)
            return Response(200, [("X-Crc", str(request.body.crc64)), ("X-Md5", request.body.md5.hex())])
        if request.method in ("GET", "HEAD"):
            return self.on_get(request) if self.on_get else self._get(request)
        return Response(200, [("Content-Type", "text/plain")], request.body.read())

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        return Response(status or 400, [("Content-Type", "text/plain")], f"{code}: {message}".encode())

    def throttle(self, request: Request) -> Response:
        return Response(429, [], b"slow down")

    def too_large(self, request: Request) -> Response:
        return Response(413, [], b"too large")

    def _keep(self, request: Request) -> Path:
        target = self.directory / f"kept-{len(self.files)}"
        if request.body.path is None:
            target.write_bytes(request.body.read())
        else:
            request.body.path.rename(target)
        return target

    def _get(self, request: Request) -> Response:
        path = self.files.get(request.raw_path)
        if path is None:
            return self.refuse(request, "NoSuchThing", request.raw_path, 404)
        size = path.stat().st_size
        first, last = 0, size - 1
        if (wanted := request.headers.get("Range")) is not None:
            first, last = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
        headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes")]
        return Response(206 if wanted else 200, headers, FileSlice(path, first, last - first + 1))


@dataclass
class Echo:
    """A listening EchoWire and all that is around it."""

    wire: EchoWire
    port: int
    incoming: Path
    faults: FaultPlan
    clock: Clock
    log: RequestLog
    lost_uploads: list[str]
    persisted: list[int]
    """How many requests had been handled at each call of `persist`."""

    def connect(self) -> http.client.HTTPConnection:
        """A plain client."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """One request over a connection of its own: status, body, headers."""
        connection = self.connect()
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def entries(self) -> list[LogEntry]:
        """The log so far."""
        return self.log.list()


@contextmanager
def echo_server(root: Path) -> Iterator[Echo]:
    """An EchoWire behind the sandbox's own listeners, as the service "cos"."""
    incoming = root / "incoming"
    incoming.mkdir()
    wire, clock, faults, log = EchoWire(root), Clock(), FaultPlan(), RequestLog()
    lost: list[str] = []
    persisted: list[int] = []
    with ThreadPoolExecutor(4) as executor:
        around = Surroundings(
            clock=clock,
            faults=faults,
            log=log,
            executor=executor,
            incoming=incoming,
            persist=lambda: persisted.append(len(wire.handled)),
            lose_upload=lost.append,
        )
        server = Server({"cos": Exchange("cos", wire, around)})
        server.start()
        try:
            yield Echo(wire, server.ports["cos"], incoming, faults, clock, log, lost, persisted)
        finally:
            server.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits, briefly, for something that another thread brings about."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about")
