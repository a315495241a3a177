"""The control port: the sandbox's own JSON API for programs in other processes. Loopback clients only, no browsers.

    GET    /health                        {"status": "ok"}
    GET    /environment                   the environment variables that lead a program here
    GET    /state                         what both clouds hold: images, instances, tasks, buckets, uploads, roles
    GET    /requests?service=&action=     the log of requests; DELETE forgets it
    GET    /clock                         {"wall", "now", "speed", "frozen", "skew_seconds"}
    POST   /clock                         any of {"advance": seconds, "freeze": bool, "speed": number, "skew": seconds}
    GET    /faults                        the plan; DELETE forgets all of it
    POST   /faults                        adds {"fault": "cvm:ExportImages throttle"}, or a fault by its fields
    GET    /settings                      how both clouds behave, {"tencent": {name: value}, "alibaba": …}
    POST   /settings                      changes those that are given, in the same form
    POST   /seed                          adds or changes images, buckets, objects, roles and keys: a seed file's tables, as JSON
    POST   /reset                         an empty world with the seed sown again; no faults, no log
    POST   /stop                          stops the sandbox, after the answer

Errors are {"error": {"code", "message"}} with status 400, 403, 404 or 405.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from aiohttp import web

from imgmove.sandbox.faults import Fault, FaultError, fault_from_mapping
from imgmove.sandbox.request_log import RequestLog
from imgmove.sandbox.seed import SeedError
from imgmove.sandbox.settings import SettingError, change_settings, show_settings
from imgmove.sandbox.summary import Summarised, summarise

if TYPE_CHECKING:
    from imgmove.sandbox.clock import Clock
    from imgmove.sandbox.faults import FaultPlan

MAX_BODY_BYTES = 1 << 20
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
Answer = Mapping[str, Any]


class RefusedError(Exception):
    """A request that the control port does not carry out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Controlled(Summarised, Protocol):
    """A sandbox, as far as its control port needs one."""

    @property
    def clock(self) -> Clock:
        """Its time."""

    @property
    def faults(self) -> FaultPlan:
        """What shall go wrong."""

    def environment(self) -> dict[str, str]:
        """The variables that lead a program there."""

    def sow(self, document: Mapping[str, Any]) -> None:
        """Adds what a document says. Raises SeedError."""

    def save(self) -> None:
        """Writes the state."""

    def reset(self) -> None:
        """Begins anew."""

    def stop(self) -> None:
        """Ends it."""


class Control:
    """The handler of the control port."""

    def __init__(self, sandbox: Controlled, log: RequestLog) -> None:
        self._sandbox = sandbox
        self._log = log
        self._routes: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Answer]] = {
            ("GET", "/health"): lambda _: {"status": "ok"},
            ("GET", "/environment"): lambda _: self._sandbox.environment(),
            ("GET", "/state"): lambda _: summarise(self._sandbox),
            ("GET", "/requests"): self._requests,
            ("DELETE", "/requests"): self._forget_requests,
            ("GET", "/clock"): lambda _: self._clock(),
            ("POST", "/clock"): self._set_clock,
            ("GET", "/faults"): lambda _: self._faults(),
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._forget_faults,
            ("GET", "/settings"): lambda _: show_settings(self._sandbox.world),
            ("POST", "/settings"): self._change_settings,
            ("POST", "/seed"): self._sow,
            ("POST", "/reset"): self._reset,
            ("POST", "/stop"): self._stop,
        }

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        try:
            _check_origin(http)
            route = self._route(http)
            given = await _given(http)
            answer = await asyncio.get_running_loop().run_in_executor(None, route, given)
        except RefusedError as error:
            return _json(error.status, {"error": {"code": error.code, "message": str(error)}})
        return _json(200, answer)

    def _route(self, http: web.BaseRequest) -> Callable[[Mapping[str, Any]], Answer]:
        allowed = [method for method, path in self._routes if path == http.path]
        if not allowed:
            raise RefusedError(404, "NotFound", f"there is no {http.path} here")
        if http.method not in allowed:
            raise RefusedError(405, "MethodNotAllowed", f"{http.path} takes {', '.join(allowed)}")
        return self._routes[http.method, http.path]

    def _requests(self, given: Mapping[str, Any]) -> Answer:
        _only(given, "service", "action")
        return {"requests": [asdict(entry) for entry in self._log.list(given.get("service"), given.get("action"))]}

    def _forget_requests(self, given: Mapping[str, Any]) -> Answer:
        _only(given)
        self._log.clear()
        return {"requests": []}

    def _clock(self) -> Answer:
        clock = self._sandbox.clock
        return {
            "wall": clock.wall(),
            "now": clock.now(),
            "speed": clock.speed,
            "frozen": clock.frozen,
            "skew_seconds": clock.skew_seconds,
        }

    def _set_clock(self, given: Mapping[str, Any]) -> Answer:
        _only(given, "advance", "freeze", "speed", "skew")
        clock = self._sandbox.clock
        freeze = given.get("freeze")
        if freeze not in (None, True, False):
            raise RefusedError(400, "InvalidParameter", "freeze must be true or false")
        advance, speed, skew = (_number(given, name) for name in ("advance", "speed", "skew"))
        try:
            if speed is not None:
                clock.speed = speed
            if skew is not None:
                clock.skew_seconds = skew
            if advance is not None:
                clock.advance(advance)
        except ValueError as error:
            raise RefusedError(400, "InvalidParameter", str(error)) from error
        if freeze is not None:
            clock.freeze() if freeze else clock.unfreeze()
        return self._clock()

    def _faults(self) -> Answer:
        return {"faults": [_show_fault(fault) for fault in self._sandbox.faults.list()]}

    def _add_fault(self, given: Mapping[str, Any]) -> Answer:
        try:
            only_text = list(given) == ["fault"] and isinstance(given["fault"], str)
            self._sandbox.faults.add(given["fault"] if only_text else fault_from_mapping(given))
        except FaultError as error:
            raise RefusedError(400, "InvalidFault", str(error)) from error
        return self._faults()

    def _forget_faults(self, given: Mapping[str, Any]) -> Answer:
        _only(given)
        self._sandbox.faults.clear()
        return self._faults()

    def _change_settings(self, given: Mapping[str, Any]) -> Answer:
        try:
            change_settings(self._sandbox.world, given)
        except SettingError as error:
            raise RefusedError(400, "InvalidSetting", str(error)) from error
        self._sandbox.save()
        return show_settings(self._sandbox.world)

    def _sow(self, given: Mapping[str, Any]) -> Answer:
        try:
            self._sandbox.sow(given)
        except SeedError as error:
            raise RefusedError(400, "InvalidSeed", str(error)) from error
        return summarise(self._sandbox)

    def _reset(self, given: Mapping[str, Any]) -> Answer:
        _only(given)
        self._sandbox.reset()
        return summarise(self._sandbox)

    def _stop(self, given: Mapping[str, Any]) -> Answer:
        _only(given)
        threading.Thread(target=self._sandbox.stop, name="imgmove-sandbox-stop").start()
        return {"status": "stopping"}


def _check_origin(http: web.BaseRequest) -> None:
    """Keeps browsers out: a page may neither send here from elsewhere nor make its own name lead here."""
    if "Origin" in http.headers:
        raise RefusedError(403, "ForbiddenOrigin", "requests from web pages are refused")
    host = http.headers.get("Host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name.lower() not in LOOPBACK_HOSTS:
        raise RefusedError(403, "ForbiddenHost", f"the Host must be a loopback address, not {host!r}")


async def _given(http: web.BaseRequest) -> Mapping[str, Any]:
    """The parameters: of the query, or of a JSON object in the body."""
    if http.method != "POST":
        return dict(http.query)
    raw = bytearray()
    async for chunk in http.content.iter_chunked(MAX_BODY_BYTES):
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise RefusedError(400, "TooLarge", f"the body is larger than {MAX_BODY_BYTES} bytes")
    if not raw:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise RefusedError(400, "InvalidJson", f"the body must be a JSON object: {error}") from error


def _only(given: Mapping[str, Any], *allowed: str) -> None:
    for name in given:
        if name not in allowed:
            takes = f"allowed: {', '.join(allowed)}" if allowed else "there are none"
            raise RefusedError(400, "UnknownParameter", f"there is no parameter {name!r}; {takes}")


def _number(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(400, "InvalidParameter", f"{name} must be a number, not {value!r}")
    return float(value)


def _show_fault(fault: Fault) -> Answer:
    return {"fault": str(fault), "matched": fault.matched, "spent": fault.spent}


def _json(status: int, content: Answer) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")
