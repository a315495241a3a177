"""Dispatch for Alibaba's RPC services: reading a request, who sent it, which action, and writing the answer."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.wire.acs import Nonces, identify
from imgmove.sandbox.wire.alibaba_access import authorise
from imgmove.sandbox.wire.alibaba_errors import GATEWAY_ERRORS, Errors, RpcError, invalid, missing
from imgmove.sandbox.wire.alibaba_parameters import Arguments, Parameter, Tree, plant, plant_json, read_tree
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 4 << 20
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Call:
    """One verified call, handed to an action. `world.lock` is held and the world is settled."""

    world: World
    caller: Key
    action: str
    arguments: Arguments

    @property
    def account(self) -> str:
        """The id of the calling account."""
        return self.caller.account_id

    @property
    def region(self) -> str:
        """The RegionId of the call; "" where the action has none."""
        return self.arguments.text("RegionId")


@dataclass(frozen=True)
class Action:
    """An action of a service: its parameters, what carries it out, and the resource that policies speak of."""

    parameters: tuple[Parameter, ...]
    run: Callable[[Call], dict[str, Any]]
    resource: str = "*"
    """A pattern of `acs:` resources with {region}, {account} and {Parameter} to fill in."""


@dataclass(frozen=True)
class Service:
    """One RPC service as data."""

    name: str
    """As in `Request.service`."""
    code: str
    """As policies spell it: "ecs" in "ecs:ExportImage"."""
    product: str
    """As the links in error answers spell it."""
    host: str
    version: str
    actions: Mapping[str, Action]
    errors: Errors
    denied: str = "Forbidden.RAM"
    """The code for a caller whose policies do not allow the action."""
    denied_by_action: Mapping[str, str] = field(default_factory=dict)
    reword: Callable[[World, str, RpcError], None] | None = None
    """Called with every refusal of an action before it is answered; may change its code and status."""


class RpcWire:
    """A `Wire` over one `Service`. Understands the signatures of today's SDKs and of the older ones."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, service: Service, world: World, clock: Clock) -> None:
        self._service = service
        self._world = world
        self._clock = clock
        self._nonces = Nonces()
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self._errors = {**GATEWAY_ERRORS, **service.errors}

    def describe(self, request: Request) -> str:
        """The action that a request names, "Unknown" when it names none."""
        try:
            return _Envelope(request).action or "Unknown"
        except RpcError:
            return "Unknown"

    def handle(self, request: Request) -> Response:
        """Carries a request out."""
        try:
            envelope = _Envelope(request)
            action = self._action(request, envelope)
            self._world.alibaba.settle()
            with self._world.lock:
                answer = self._call(request, envelope, action)
        except RpcError as refusal:
            if self._service.reword is not None:
                self._service.reword(self._world, self.describe(request), refusal)
            return self._refused(request, refusal)
        return self._answer(request, 200, f"{envelope.action}Response", answer)

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        """An error answer; status and message come from the vendor's table where they are not given."""
        return self._refused(request, RpcError(code, status=status, message=message))

    def throttle(self, request: Request) -> Response:
        """`Throttling.User`, with x-acs-retry-after where the settings ask for it (alibaba.md 3.4)."""
        return self._refused(request, RpcError("Throttling.User"))

    def too_large(self, request: Request) -> Response:
        """The gateway's refusal of a parameter, the body."""
        return self._refused(request, invalid("body"))

    def _action(self, request: Request, envelope: _Envelope) -> Action:
        if request.method not in ("GET", "POST"):
            raise RpcError("UnsupportedHTTPMethod")
        if not envelope.action:
            raise missing("Action")
        if not envelope.version:
            raise missing("Version")
        if envelope.version != self._service.version:
            raise RpcError("InvalidVersion")
        action = self._service.actions.get(envelope.action)
        if action is None or request.raw_path not in ("", "/"):
            raise RpcError("InvalidAction.NotFound")
        return action

    def _call(self, request: Request, envelope: _Envelope, action: Action) -> dict[str, Any]:
        caller = identify(request, envelope.signed, self._world.accounts, self._nonces)
        self._count(caller.account_id, envelope.action)
        arguments = Arguments(read_tree(action.parameters, envelope.tree))
        self._authorise(caller, envelope.action, _resource(action, caller, arguments))
        return action.run(Call(self._world, caller, envelope.action, arguments))

    def _authorise(self, caller: Key, action: str, resource: str) -> None:
        denied = self._service.denied_by_action.get(action, self._service.denied)
        authorise(self._world, caller, f"{self._service.code}:{action}", resource, denied)

    def _count(self, account: str, action: str) -> None:
        limit = self._world.alibaba.settings.calls_per_minute
        calls, now = self._calls.setdefault((account, action), deque()), self._clock.wall()
        while calls and now - calls[0] >= MINUTE_SECONDS:
            calls.popleft()
        if limit and len(calls) >= limit:
            raise RpcError("Throttling.User")
        calls.append(now)

    def _refused(self, request: Request, refusal: RpcError) -> Response:
        status, message = refusal.render(self._errors)
        answer = {
            "HostId": self._service.host,
            "Code": refusal.code,
            "Message": message,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product={self._service.product}",
            **refusal.extra,
        }
        response = self._answer(request, status, "Error", answer)
        retry_after = self._world.alibaba.settings.retry_after_ms
        if "Throttling" in refusal.code and retry_after:
            response.headers.append(("x-acs-retry-after", str(retry_after)))
        return response

    def _answer(self, request: Request, status: int, root: str, content: Mapping[str, Any]) -> Response:
        request_id = str(uuid.uuid4()).upper()
        content = {"RequestId": request_id, **content}
        if wants_xml(request):
            kind, body = "text/xml;charset=utf-8", write_xml(root, content)
        else:
            kind, body = "application/json;charset=utf-8", json.dumps(content, ensure_ascii=False)
        headers = [("Content-Type", kind), ("x-acs-request-id", request_id)]
        return Response(status, headers, body.encode())


class _Envelope:
    """The parts of a request that are the same for all actions."""

    def __init__(self, request: Request) -> None:
        query = request.query()
        form, self.tree = _body(request)
        self.signed = query + form
        """What the older signature covers: query and form."""
        self.tree = {**self.tree, **plant(self.signed)}
        named = {name.lower(): value for name, value in self.signed}
        self.action = request.headers.get("x-acs-action") or named.get("action", "")
        self.version = request.headers.get("x-acs-version") or named.get("version", "")


def wants_xml(request: Request) -> bool:
    """Whether to answer in XML: as Format says, else as Accept says; the older signature's default is XML."""
    try:
        pairs = request.query() + _body(request)[0]
    except RpcError:
        pairs = request.query()  # a body that cannot be read is what is being answered
    chosen = {name.lower(): value.lower() for name, value in pairs}.get("format", "")
    if chosen in ("json", "xml"):
        return chosen == "xml"
    accepted = request.headers.get("Accept", "")
    if "json" in accepted:
        return False
    return "xml" in accepted or "Authorization" not in request.headers


def write_xml(name: str, content: Any) -> str:
    """An answer as the vendor's XML: a list becomes its elements one after another, all of the list's name."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(name, content)}'


def _element(name: str, content: Any) -> str:
    if isinstance(content, list):
        return "".join(_element(name, item) for item in content)
    if isinstance(content, Mapping):
        inside = "".join(_element(key, value) for key, value in content.items())
    elif isinstance(content, bool):
        inside = str(content).lower()
    else:
        inside = escape(_printable(str(content)))
    return f"<{name}>{inside}</{name}>"


def _printable(text: str) -> str:
    """XML 1.0 has no way to write most control characters."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")


def _body(request: Request) -> tuple[list[tuple[str, str]], Tree]:
    """The parameters in a request's body: pairs of a form, or the tree of a JSON document."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not request.body.size_bytes or kind not in (FORM, "application/json"):
        return [], {}
    if request.body.size_bytes > MAX_BODY_BYTES:
        raise invalid("body")
    try:
        content = request.body.read().decode()
        if kind == FORM:
            return parse_qsl(content, keep_blank_values=True), {}
        tree = plant_json(read_json(content))
    except ValueError:
        raise invalid("body") from None
    return [], tree if isinstance(tree, dict) else {}


def _resource(action: Action, caller: Key, arguments: Arguments) -> str:
    """The resource that policies are asked about, in `acs:` spelling."""
    if action.resource == "*":
        return "*"
    names = defaultdict(lambda: "*", {name: str(value) for name, value in arguments.values().items()})
    names.update(account=caller.account_id, region=names["RegionId"])
    return action.resource.format_map(names)
