"""Alibaba's RPC services once more: the envelope that ECS, RAM and STS share, from the facts about the SDK alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.emulators.wire import Ask, Say, Service, say_json


class RefusedError(Exception):
    def __init__(self, code: str, status: int = 400, message: str = "refused by the emulation") -> None:
        super().__init__(code)
        self.code, self.status, self.message = code, status, message


class Rpc(Service):
    """One service. `ways` are legal readings of the documents; `closed` names actions (or `*`) and the code for them."""

    version = ""
    product = ""
    #: Action to parameters, `!` for a required one. Lists are flattened from 1: `Tag.1.Key`.
    table: Mapping[str, tuple[str, ...]] = {}

    def __init__(self, now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__()
        self.now, self.ways = now, dict(ways)
        self.tokens: dict[str, dict[str, Any]] = {}
        self.nonces: set[str] = set()
        self.refusals: dict[str, list[str]] = {}
        self.numbers = itertools.count(1)
        self.name, self.answer = self._named, self._answered

    @staticmethod
    def _named(ask: Ask) -> Ask:
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        values = {**ask.query, **form}
        return Ask(ask.method, ask.path, ask.query, ask.headers, ask.body, ask.headers.get("x-acs-action", ""), values)

    def _answered(self, ask: Ask) -> Say:
        request_id = f"R-{next(self.numbers):04d}"
        try:
            self._look_at_envelope(ask)
            waiting = self.refusals.get(ask.what)
            if waiting:
                raise RefusedError(waiting.pop(0))
            found = self._once(ask)
        except RefusedError as refusal:
            return self._refused(ask, refusal, request_id)
        extra = {"NewField": {"Some": ["thing"]}, "Code": "200"} if "extra fields" in self.ways else {}
        return say_json({"RequestId": request_id, **extra, **found})

    def _refused(self, ask: Ask, refusal: RefusedError, request_id: str) -> Say:
        body: dict[str, Any] = {
            "RequestId": request_id, "HostId": f"{self.product}.aliyuncs.com", "Code": refusal.code,
            "Message": refusal.message, "Recommend": "https://error-center.example/",
        }  # fmt: skip
        if "detail" in self.ways and refusal.status == 403:
            body["AccessDeniedDetail"] = {"AuthAction": f"{self.product}:{ask.what}", "AuthPrincipalType": "SubUser",
                                          "NoPermissionType": "ImplicitDeny"}  # fmt: skip
        say = say_json(body, refusal.status)
        if "Throttling" in refusal.code and "retry after" in self.ways:
            say.headers["x-acs-retry-after"] = str(self.ways["retry after"])
        return say

    def _look_at_envelope(self, ask: Ask) -> None:
        headers = ask.headers
        for name in ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "authorization"):
            if not headers.get(name):
                raise RefusedError("MissingParameter", message=f"no header {name}")
        if not headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=LTAIemulator,"):
            raise RefusedError("IncompleteSignature")
        if headers["x-acs-version"] != self.version or ask.what not in self.ways.get("only", self.table):
            raise RefusedError("InvalidAction.NotFound", 404)
        if headers["x-acs-signature-nonce"] in self.nonces:
            raise RefusedError("SignatureNonceUsed")
        self.nonces.add(headers["x-acs-signature-nonce"])
        closed = self.ways.get("closed", {})
        code = closed.get(ask.what) or closed.get("*")
        if code:
            raise RefusedError(code, 403, f"You are not authorized to do this action. {self.product}:{ask.what}")
        self._look_at_names(ask)

    def _look_at_names(self, ask: Ask) -> None:
        """Unlike the real service, which passes over names that it does not know, this one says so: they are bugs."""
        known = {name.rstrip("!") for name in self.table[ask.what]}
        for name in ask.values:
            if re.sub(r"\.\d+(?=\.|$)", ".N", name) not in known:
                raise RefusedError("UnknownParameter", message=name)
        for name in self.table[ask.what]:
            if name.endswith("!") and not ask.values.get(name.rstrip("!")):
                raise RefusedError("MissingParameter", message=name.rstrip("!"))

    def _once(self, ask: Ask) -> dict[str, Any]:
        """Same client token, same parameters: the first answer again (alibaba.md 2.7)."""
        token = ask.values.get("ClientToken")
        if not token:
            return self._do(ask)
        plain = {name: value for name, value in ask.values.items() if name != "ClientToken"}
        if token not in self.tokens:
            self.tokens[token] = {"asked": plain, "answer": self._do(ask)}
        if self.tokens[token]["asked"] != plain:
            raise RefusedError("IdempotentParameterMismatch")
        found: dict[str, Any] = self.tokens[token]["answer"]
        return found

    def _do(self, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self, f"do_{ask.what}")(ask.values)
        return found

    def stamp(self, *, minutes: bool = False, ago: float = 0.0) -> str:
        form = "%Y-%m-%dT%H:%MZ" if minutes else "%Y-%m-%dT%H:%M:%SZ"
        return datetime.fromtimestamp(self.now() - ago, UTC).strftime(form)
