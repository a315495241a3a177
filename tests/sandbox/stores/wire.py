"""Plain HTTP to the sandbox, without any SDK: what was sent is exactly what a test wrote."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def field(self, name: str) -> str:
        """The text of the first element of that name in the body, "" for none."""
        match = re.search(rf"<{name}>(.*?)</{name}>", self.body.decode(), re.DOTALL)
        return match[1] if match else ""

    @property
    def code(self) -> str:
        """The error code."""
        return self.field("Code")


def send(
    endpoint: str, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request; `target` is path and query as they go over the wire."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.putrequest(method, target, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None and "Content-Length" not in (headers or {}):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def send_url(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request to a whole URL, as a signed one is given away."""
    parts = urlsplit(url)
    target = parts.path + ("?" + parts.query if parts.query else "")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(f"{parts.scheme}://{parts.netloc}", method, target, named, body)
