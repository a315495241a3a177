"""One HTTP exchange: from the request on the socket through faults and the wire to the answer."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import multidict
from aiohttp import web

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import Effect, Fault, FaultPlan
from imgmove.sandbox.http import Body, Headers, Request, Response, Wire
from imgmove.sandbox.receiving import BodyCutError, BodySink, BodyTooLargeError, receive
from imgmove.sandbox.request_log import RequestLog
from imgmove.sandbox.sending import Outgoing, break_connection, send

logger = logging.getLogger(__name__)
T = TypeVar("T")

NO_BODY = Body.of(b"")
HTML_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
READ_TRIES = 5
_ORIGIN = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
"""What an absolute-form target has before its path."""
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")


@dataclass(frozen=True)
class Surroundings:
    """What every exchange needs of the sandbox."""

    clock: Clock
    faults: FaultPlan
    log: RequestLog
    executor: Executor
    """The worker threads that wires run in."""
    incoming: Path
    """Where large bodies are kept while they are received."""
    persist: Callable[[], None]
    """Makes changes durable; called in a worker thread, before the answer."""
    lose_upload: Callable[[str], object]
    """Forgets the multipart upload of that id; called in a worker thread."""


class Exchange:
    """Answers the requests of one service: the handler of that service's listener.

    The fault that hits a PUT is looked up before its body is received, since it may be about just that; with all
    other methods the action may stand in the body, and the fault is looked up afterwards.
    """

    def __init__(self, service: str, wire: Wire, around: Surroundings) -> None:
        self._service = service
        self._wire = wire
        self._around = around

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        """Carries out one request and answers it, or breaks the connection where a fault wants it broken."""
        if http.method == "CONNECT":  # whoever takes the sandbox for a proxy must not think that a tunnel is open
            return web.Response(status=405)
        request = self._head(http)
        action, fault = self._look_up(request) if http.method == "PUT" else ("", None)
        try:
            body = await self._receive(http, fault)
        except (BodyCutError, ConnectionError, web.RequestPayloadError):
            self._note(request, action, 0, fault)
            return break_connection(http, abruptly=True)
        except BodyTooLargeError:
            return await self._refuse_body(http, request, action, fault)
        request = replace(request, body=body)
        if http.method != "PUT":
            action, fault = self._look_up(request)
        try:
            return await self._answer(http, request, action, fault)
        finally:
            if body.path is not None:
                await self._in_thread(lambda: _remove(body.path))

    def _head(self, http: web.BaseRequest) -> Request:
        target = _ORIGIN.sub("", http.raw_path, count=1) or "/"
        path, _, query = target.partition("?")
        received_at = self._around.clock.wall()
        return Request(self._service, http.method, path, query, _as_text(http.headers), NO_BODY, received_at)

    def _look_up(self, request: Request) -> tuple[str, Fault | None]:
        action = self._wire.describe(request)
        return action, self._around.faults.match(self._service, action)

    async def _receive(self, http: web.BaseRequest, fault: Fault | None) -> Body:
        if not http.body_exists:
            return NO_BODY
        middle = (http.content_length or 0) // 2
        flip_at = middle if fault and fault.effect is Effect.CORRUPT_BODY else None
        cut_at = middle if fault and fault.effect is Effect.CUT_BODY else None
        limit_bytes = self._wire.max_body_bytes
        if (http.content_length or 0) > limit_bytes:
            raise BodyTooLargeError
        sink = BodySink(self._around.incoming, flip_at=flip_at)
        try:
            if http.headers.get("Expect", "").lower() == "100-continue" and http.transport is not None:
                http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            read, executor = http.content.readany, self._around.executor
            await receive(read, sink, executor, limit_bytes=limit_bytes, cut_at=cut_at)
            return sink.finish()
        except BaseException:
            sink.discard()
            raise

    async def _refuse_body(
        self, http: web.BaseRequest, request: Request, action: str, fault: Fault | None
    ) -> web.StreamResponse:
        """Answers before the body has come, and closes the connection behind the answer."""
        outgoing = Outgoing.of(self._wire.too_large(request))
        self._note(request, action or self._wire.describe(request), outgoing.status, fault)
        answer = await send(http, outgoing, self._around.clock.wall(), None)
        answer.force_close()
        return answer

    async def _answer(
        self, http: web.BaseRequest, request: Request, action: str, fault: Fault | None
    ) -> web.StreamResponse:
        effect = fault.effect if fault else None
        if effect is Effect.DROP_BEFORE:
            self._note(request, action, 0, fault)
            return break_connection(http, abruptly=True)
        if fault and effect is Effect.DELAY:
            await asyncio.sleep(fault.seconds or 0)
        outgoing = await self._in_thread(lambda: self._act(request, fault))
        try:
            if effect is Effect.DROP_AFTER:
                self._note(request, action, 0, fault)
                return break_connection(http, abruptly=True)
            self._note(request, action, outgoing.status, fault)
            spoilt_already = http.method == "PUT" and request.body.size_bytes > 0
            spoil = effect if effect in (Effect.CUT_BODY, Effect.CORRUPT_BODY) and not spoilt_already else None
            return await send(http, outgoing, self._around.clock.wall(), spoil)
        finally:
            outgoing.close()

    def _act(self, request: Request, fault: Fault | None) -> Outgoing:
        """What the wire does and answers, or the fault in its place. Runs in a worker thread."""
        if fault is not None:
            instead = self._instead(request, fault)
            if instead is not None:
                return Outgoing.of(instead)
        try:
            outgoing = self._handle(request)
            if fault is not None and fault.effect is Effect.LOSE_UPLOAD:
                self._lose_upload(request, outgoing)
            self._around.persist()
        except Exception:
            logger.exception("the sandbox failed at %s %s %s", self._service, request.method, request.raw_path)
            return Outgoing.of(self._wire.refuse(request, "InternalError", "The sandbox failed; see its log.", 500))
        return outgoing

    def _instead(self, request: Request, fault: Fault) -> Response | None:
        """The answer of a fault that keeps the wire from acting."""
        if fault.effect is Effect.REFUSE:
            code = fault.code or "InternalError"
            message = fault.message or f"The sandbox was asked to refuse this with {code}."
            return self._wire.refuse(request, code, message, fault.status)
        if fault.effect is Effect.THROTTLE:
            return self._wire.throttle(request)
        if fault.effect is Effect.HTML:
            return Response(502, [("Content-Type", "text/html")], HTML_PAGE)
        if fault.effect is Effect.EMPTY:
            return Response(200, [])
        return None

    def _handle(self, request: Request) -> Outgoing:
        """The wire's answer. A read whose file was replaced before it could be opened is done again."""
        for _ in range(READ_TRIES - 1):
            try:
                return Outgoing.of(self._wire.handle(request))
            except FileNotFoundError:
                if request.method != "GET":
                    raise
        return Outgoing.of(self._wire.handle(request))

    def _lose_upload(self, request: Request, outgoing: Outgoing) -> None:
        named = dict(request.query()).get("uploadId")
        made = _UPLOAD_ID.search(outgoing.body) if isinstance(outgoing.body, bytes) else None
        upload_id = named or (made.group(1).decode() if made else None)
        if upload_id:
            self._around.lose_upload(upload_id)

    def _note(self, request: Request, action: str, status: int, fault: Fault | None) -> None:
        """Logs the request. Before the answer goes out, so that whoever has the answer finds the entry."""
        effect = fault.effect.value if fault else ""
        self._around.log.add(self._service, action, request.method, request.raw_path, status, effect)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._around.executor, work)


def _as_text(headers: Headers) -> Headers:
    """The headers with values that are no UTF-8 read as Latin-1, as HTTP clients write it: no wire meets, and no
    state keeps, text that can't be encoded again."""
    if all(map(_encodable, headers.values())):
        return headers
    values = (
        (name, value if _encodable(value) else value.encode("utf-8", "surrogateescape").decode("latin-1"))
        for name, value in headers.items()
    )
    return multidict.CIMultiDictProxy(multidict.CIMultiDict(values))


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _remove(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
