"""HTTP connections of a worker thread: kept open between parts, checked before they are used again.

http.client rather than a pool on top of it: its `readinto` and a plain `sendall` move bytes through one buffer that is
used again and again (docs/explanation/performance.md has the measurements). Proxies and certificates are those of the
process that moves the part, which may be a worker on another machine: this is the one place that reads its environment.
"""

from __future__ import annotations

import http.client
import os
import select
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from imgmove.core.hosts import is_loopback

_local = threading.local()


class Connections:
    """Open connections of one thread, by scheme and address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, str], http.client.HTTPConnection] = {}
        self._buffers: dict[int, bytearray] = {}

    def take(self, parts: SplitResult, role: str, timeout_seconds: float) -> http.client.HTTPConnection:
        """A connection that is alive as far as can be seen. Reading and writing keep apart by `role`."""
        key = (role, parts.scheme, parts.netloc)
        connection = self._open.pop(key, None)
        if connection is not None and _is_stale(connection):
            connection.close()
            connection = None
        if connection is None:
            connection = _connect(parts, timeout_seconds)
        elif connection.sock is not None:
            connection.sock.settimeout(timeout_seconds)
        return connection

    def give_back(self, parts: SplitResult, role: str, connection: http.client.HTTPConnection) -> None:
        self._open[(role, parts.scheme, parts.netloc)] = connection

    def buffer(self, size_bytes: int) -> memoryview:
        """This thread's buffer, used again for every part."""
        if size_bytes not in self._buffers:
            self._buffers = {size_bytes: bytearray(size_bytes)}
        return memoryview(self._buffers[size_bytes])


def of_this_thread() -> Connections:
    if not hasattr(_local, "connections"):
        _local.connections = Connections()
    found: Connections = _local.connections
    return found


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """An idle connection that can be read from has been closed, or holds an answer to nothing."""
    sock = connection.sock
    if sock is None:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _connect(parts: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    proxy = _proxy(parts.scheme, host)
    to_host, to_port = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
    connection = (
        http.client.HTTPSConnection(to_host, to_port, timeout=timeout_seconds, context=_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(to_host, to_port, timeout=timeout_seconds)
    )
    if proxy:
        connection.set_tunnel(host, port, headers=_proxy_headers(proxy))
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _proxy(scheme: str, host: str) -> SplitResult | None:
    """The environment's proxy for this host, tunnelled through; never for a loopback address."""
    if is_loopback(host) or proxy_bypass(host):
        return None
    url = getproxies().get(scheme, "")
    return urlsplit(url if "://" in url else f"http://{url}") if url else None


def _proxy_headers(proxy: SplitResult) -> Mapping[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(pair.encode()).decode()}


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """Checks certificates against what `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` names, else the system's."""
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=named)
    if not named:
        import certifi

        context.load_verify_locations(certifi.where())
    return context
