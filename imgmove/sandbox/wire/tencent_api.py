"""The gateway of Tencent API 3.0: common parameters, signature, rights, rate limits, dispatch and the answer's shape.

An API is a `Service`: a version and a table of actions, each with its parameters' types, its limit of calls per
second and its handler. Errors travel in answers of status 200, as `Response.Error` (tencent.md 4).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire import tc3
from imgmove.sandbox.wire.tencent_errors import MESSAGES, ApiError
from imgmove.sandbox.wire.tencent_parameters import NOTHING, Parameters, Struct, from_json, from_pairs, missing
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account, Key
from imgmove.sandbox.world.tencent_policy import key_allows
from imgmove.sandbox.world.tencent_rules import REGIONS

CONTENT_TYPE = "application/json"
"""Exactly this: with a charset behind it the SDK does not recognise errors (tencent.md 4.4)."""

MAX_BODY_BYTES = 10 << 20
"""Of a request by TC3-HMAC-SHA256, from the vendor's page "Signature v3"."""

OLD_COMMON = frozenset(
    {"Action", "Version", "Region", "Timestamp", "Nonce", "SecretId", "Signature", "SignatureMethod", "Token",
     "Language", "RequestClient"}
)  # fmt: skip
"""Common parameters that travel among the others with the older signatures."""


@dataclass(frozen=True)
class Call:
    """An admitted request, as its action's handler sees it."""

    world: World
    action: str
    region: str
    parameters: Parameters
    key: Key
    account: Account

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default where it was not sent."""
        return self.parameters.get(name, default)

    def text(self, name: str) -> str:
        """A string parameter, "" where it was not sent."""
        return str(self.parameters.get(name, ""))


Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True)
class Action:
    """One call of an API. The handler runs under `world.lock` and answers the members of `Response`."""

    handler: Handler
    parameters: Struct = NOTHING
    per_second: int = 20
    needs_region: bool = True
    needs_rights: bool = True


@dataclass(frozen=True)
class Service:
    """One API. `name` is its name in credential scopes and policies."""

    name: str
    version: str
    actions: Mapping[str, Action]
    has_regions: bool = False
    numbers_as_text: bool = False
    denied_code: str = "AuthFailure.UnauthorizedOperation"


@dataclass(frozen=True)
class _Common:
    """The common parameters of a request, wherever they travelled."""

    action: str
    version: str
    region: str
    timestamp: int
    token: str
    in_headers: bool
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """Query or form, decoded."""


class TencentApi:
    """A wire that speaks one API. Subclasses name their `service`."""

    max_body_bytes = MAX_BODY_BYTES
    service: ClassVar[Service]

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._rates = RateLimits()

    def describe(self, request: Request) -> str:
        """The action's name as the request gives it, "" without one."""
        try:
            pairs = _pairs(request)
        except ApiError:
            pairs = []
        return request.headers.get("X-TC-Action") or dict(pairs).get("Action", "")

    def handle(self, request: Request) -> Response:
        """Admits the request and lets its action's handler answer."""
        self._world.tencent.settle()
        try:
            with self._world.lock:
                return answer(self._run(request))
        except ApiError as error:
            return self.refuse(request, error.code, error.message, None)

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        """An error answer: status 200 unless another one is asked for."""
        content = {"Error": {"Code": code, "Message": message or MESSAGES.get(code, code)}}
        return answer(content, status or 200)

    def throttle(self, request: Request) -> Response:
        """The gateway's `RequestLimitExceeded`."""
        action = self.service.actions.get(self.describe(request))
        error = too_many(action.per_second if action else 20)
        return self.refuse(request, error.code, error.message, None)

    def too_large(self, request: Request) -> Response:
        """The gateway's `RequestSizeLimitExceeded`."""
        return self.refuse(request, "RequestSizeLimitExceeded", "", None)

    def _run(self, request: Request) -> dict[str, Any]:
        common = _common(request)
        key = self._authenticate(request, common)
        account = self._world.accounts.account("tencent", key.account_id)
        if account is None:
            raise ApiError("AuthFailure.SecretIdNotFound")
        action = self._action(common)
        if self._world.tencent.settings.rate_limits:
            self._rates.count((account.account_id, common.action), action.per_second, self._clock.wall())
        parameters = self._parameters(request, common, action)
        call = Call(self._world, common.action, common.region, parameters, key, account)
        if action.needs_rights:
            self._authorize(call)
        return action.handler(call)

    def _authenticate(self, request: Request, common: _Common) -> Key:
        def find_key(secret_id: str) -> Key | None:
            return self._world.accounts.key("tencent", secret_id)

        if common.in_headers:
            return tc3.verify_tc3(request, self.service.name, common.timestamp, common.token, find_key)
        return tc3.verify_hmac(request, common.pairs, common.timestamp, find_key)

    def _action(self, common: _Common) -> Action:
        if common.version != self.service.version:
            raise ApiError("NoSuchVersion", f"The API version `{common.version}` does not exist.")
        action = self.service.actions.get(common.action)
        if action is None:
            raise ApiError("InvalidAction", f"The request action `{common.action}` is invalid or not found.")
        if f"{self.service.name}:{common.action}" in self._world.tencent.settings.offline_actions:
            raise ApiError("ActionOffline")
        if self.service.has_regions and action.needs_region and not common.region:
            raise missing("Region")
        if self.service.has_regions and common.region and common.region not in REGIONS:
            raise ApiError("UnsupportedRegion", f"The region `{common.region}` is not supported.")
        return action

    def _parameters(self, request: Request, common: _Common, action: Action) -> Parameters:
        if not common.in_headers:
            own = [(name, text) for name, text in common.pairs if name not in OLD_COMMON]
            return from_pairs(own, action.parameters)
        if request.method == "GET":
            return from_pairs(common.pairs, action.parameters)
        if _media_type(request) != CONTENT_TYPE:
            raise ApiError(
                "UnsupportedProtocol", f"The content type `{_media_type(request)}` is not supported by this API."
            )
        lenient = self.service.numbers_as_text
        return from_json(request.body.read(), action.parameters, numbers_as_text=lenient)

    def _authorize(self, call: Call) -> None:
        name = f"{self.service.name}:{call.action}"
        resource = f"qcs::{self.service.name}:{call.region}:uin/{call.account.account_id}:*"
        if not key_allows(self._world, call.key, name, resource):
            raise ApiError(
                self.service.denied_code,
                f"You are not authorized to perform operation ({name}): resource ({resource}) has no permission.",
            )


class RateLimits:
    """Counts calls by account and action in each second of the wall clock. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def count(self, who: tuple[str, str], limit: int, now: float) -> None:
        """Counts one call. Raises ApiError `RequestLimitExceeded` when it is one too many in its second."""
        with self._lock:
            second, count = self._counts.get(who, (0, 0))
            count = count + 1 if second == int(now) else 1
            self._counts[who] = (int(now), count)
        if count > limit:
            raise too_many(limit, count)


def too_many(limit: int, count: int | None = None) -> ApiError:
    """The gateway's words for too many calls in a second."""
    return ApiError(
        "RequestLimitExceeded",
        f"Your current request times equals to `{count or limit + 1}` in a second, which exceeds the frequency limit "
        f"`{limit}` for a second. Please reduce the frequency of calls.",
    )


def answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """An answer in the API's envelope, with a fresh RequestId."""
    body = {"Response": {**content, "RequestId": str(uuid.uuid4())}}
    return Response(status, [("Content-Type", CONTENT_TYPE)], json.dumps(body, ensure_ascii=False).encode())


def _common(request: Request) -> _Common:
    if request.method not in ("GET", "POST"):
        raise ApiError("UnsupportedProtocol")
    pairs = _pairs(request)
    in_headers = "Authorization" in request.headers or "X-TC-Action" in request.headers
    given = {name: request.headers.get(f"X-TC-{name}", "") for name in OLD_COMMON} if in_headers else dict(pairs)
    for name in ("Timestamp", "Action", "Version"):
        if not given.get(name):
            raise missing(name)
    return _Common(
        action=given["Action"],
        version=given["Version"],
        region=given.get("Region", ""),
        timestamp=_timestamp(given["Timestamp"]),
        token=given.get("Token", ""),
        in_headers=in_headers,
        pairs=pairs,
    )


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise ApiError(
            "InvalidParameter",
            "The value type of parameter `Timestamp` is not valid, input type should be `int64`.",
        )
    return int(text)


def _pairs(request: Request) -> list[tuple[str, str]]:
    if request.method == "GET":
        return request.query()
    if _media_type(request) != "application/x-www-form-urlencoded":
        return []
    try:
        return parse_qsl(request.body.read().decode(), keep_blank_values=True, strict_parsing=False)
    except ValueError as error:
        raise ApiError("InvalidParameter", "The request body is not a valid form.") from error


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
