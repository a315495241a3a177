"""HTTP connections of this process: kept open between parts, checked before they are used again.

http.client for the heads, the socket itself for the bodies: large pieces through one buffer that is used again and
again (docs/explanation/performance.md has the measurements). Proxies and certificates are those of the process that
moves the part, which may be a worker on another machine: this is the one place that reads its environment.
"""

from __future__ import annotations

import http.client
import os
import select
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from imgmove.core.hosts import is_loopback

_CONNECT_SECONDS: Final = 10.0
#: What names a CA bundle, as requests takes it; first wins.
_BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Connections:
    """Open connections by scheme and address. Safe to use from several threads."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, address: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
        """A connection for one request at a time, alive as far as can be seen. Raises OSError, HTTPException."""
        while True:
            with self._lock:
                idle = self._idle[_key(address)]
                connection = idle.pop() if idle else None
            if connection is None:
                return _connect(address, timeout_seconds)
            if not _is_stale(connection):
                connection.sock.settimeout(timeout_seconds)
                return connection
            connection.close()

    def give_back(self, address: SplitResult, connection: http.client.HTTPConnection) -> None:
        """For the next part. Its last answer was read to the end."""
        if connection.sock is not None:
            with self._lock:
                self._idle[_key(address)].append(connection)

    def close_idle(self) -> None:
        """Close what nobody uses. Safe to repeat."""
        with self._lock:
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def forget(self) -> None:
        """For a forked process, which would else write into its parent's connections; its locks may be taken, too."""
        self._lock = threading.Lock()
        self.close_idle()


pool: Final = Connections()
os.register_at_fork(after_in_child=pool.forget)


def let_kernel_keep_time(sock: socket.socket) -> None:
    """Bodies pass with half the calls: Python's own timeout polls before every one of them.

    A silent line then shows as BlockingIOError. `keep_time` ends it. Not for TLS, where Python polls only when it must.
    """
    seconds = sock.gettimeout()
    if seconds is None or isinstance(sock, ssl.SSLSocket):
        return
    interval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, interval)
    sock.settimeout(None)


def keep_time(sock: socket.socket, seconds: float) -> None:
    """The usual timeout, for heads and their answers."""
    sock.settimeout(seconds)


def _key(address: SplitResult) -> tuple[str, str]:
    return address.scheme, address.netloc


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """An idle connection that can be read from has been closed, or holds an answer to nothing."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _connect(address: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    proxy = _proxy(address.scheme, host)
    to_host, to_port = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
    seconds = min(timeout_seconds, _CONNECT_SECONDS)
    connection = (
        http.client.HTTPSConnection(to_host, to_port, timeout=seconds, context=_context(_bundle()))
        if address.scheme == "https"
        else http.client.HTTPConnection(to_host, to_port, timeout=seconds)
    )
    if proxy:
        connection.set_tunnel(host, port, headers=_proxy_headers(proxy))
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    connection.sock.settimeout(timeout_seconds)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _proxy(scheme: str, host: str) -> SplitResult | None:
    """The environment's proxy for this host, tunnelled through; never for a loopback address."""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all", "")
    return urlsplit(url if "://" in url else f"http://{url}") if url else None


def _proxy_headers(proxy: SplitResult) -> Mapping[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(pair.encode()).decode()}


def _bundle() -> str:
    """The certificates to trust: what the environment names, else certifi's."""
    named = next((os.environ[name] for name in _BUNDLE_VARIABLES if os.environ.get(name)), "")
    if named:
        return named
    import certifi

    return certifi.where()


@lru_cache(maxsize=4)
def _context(bundle: str) -> ssl.SSLContext:
    is_directory = Path(bundle).is_dir()
    return ssl.create_default_context(cafile=None if is_directory else bundle, capath=bundle if is_directory else None)
