"""A loopback HTTP server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def action(self) -> str:
        return self.headers.get("x-acs-action", "")


@dataclass(frozen=True)
class Reply:
    """An answer. `hang_up` closes the connection instead; `length` promises another length than the body has."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    length: int | None = None


def ok(**fields: Any) -> Reply:
    """A good answer of an RPC service."""
    return Reply(200, json.dumps({"RequestId": "R-1", **fields}).encode(), {"Content-Type": "application/json"})


def refuse(code: str, message: str = "no", status: int = 400, headers: Mapping[str, str] | None = None,
           **fields: Any) -> Reply:  # fmt: skip
    """A refusal of an RPC service (alibaba.md 5.5)."""
    body = {"RequestId": "R-ERR", "HostId": "ecs.aliyuncs.com", "Code": code, "Message": message, **fields}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


def xml(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer of OSS."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Reply(status, body, {"Content-Type": "application/xml", "x-oss-request-id": "OSS-1", **(headers or {})})


def oss_error(code: str, status: int, more: str = "") -> Reply:
    return xml(f"<Error><Code>{code}</Code><Message>no</Message><RequestId>OSS-ERR</RequestId>{more}</Error>", status)


Answering = Callable[[Asked], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up in the middle of an answer are no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class ScriptedServer:
    """Answers RPC calls by their action and everything else by `otherwise`; the last answer of a row is repeated."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.otherwise: Answering = lambda asked: Reply(404)
        self._rows: dict[str, list[Reply | Answering]] = defaultdict(list)
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, action: str, *replies: Reply | Answering) -> None:
        """Answer the calls of `action` with these, one after the other."""
        self._rows[action] = list(replies)

    def calls(self, action: str) -> list[dict[str, str]]:
        """The parameters of every call of `action`."""
        return [asked.query for asked in self.asked if asked.action == action]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        row = self._rows.get(asked.action)
        if not row:
            return self.otherwise(asked)
        reply = row.pop(0) if len(row) > 1 else row[0]
        return reply(asked) if callable(reply) else reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one write

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                reply = answer(self._asked())
                if reply.hang_up:
                    self.close_connection = True
                    return
                self.send_response_only(reply.status)
                for name, value in {"Date": self.date_time_string(), **reply.headers}.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
                self.wfile.flush()
                if reply.length is not None:
                    self.close_connection = True

            def _asked(self) -> Asked:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                return Asked(self.command, unquote(parts.path), query, headers, body)

            def log_message(self, *_args: Any) -> None:
                """Silent."""

        return Handler
