"""HTTP to a cloud's services: proxies by the environment and never for loopback, no redirect, no retry.

The official SDKs sign requests, but do not send them here: their own transports get proxies for loopback wrong, follow
redirects, retry calls that change something, and lose the stage at which a request failed.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.hosts import is_loopback
from imgmove.core.settings import Settings
from imgmove.core.text import clean

#: More than any answer that is not an object's bytes; what is longer is no answer of the protocol.
MAX_ANSWER_BYTES: Final = 64 << 20
_POOL_SIZE: Final = 32
#: The request never left this machine, so nothing can have been done.
_NOT_SENT: Final = (ConnectTimeoutError, LocationValueError, NewConnectionError, NameResolutionError, ProxyError)


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    url: str = field(default="", repr=False)

    @property
    def looks(self) -> str:
        """In a few words, what it looks like: for errors about answers that are none of a service's protocol."""
        if 300 <= self.status < 400:
            return "a redirect"
        text = self.body[:200].decode("utf-8", "replace").strip()
        if not text:
            return "an empty body"
        if text[:1] == "<":
            return "an HTML page" if "html" in text.lower() else "XML"
        if sum(letter == "\N{REPLACEMENT CHARACTER}" or not letter.isprintable() for letter in text) * 8 > len(text):
            return f"bytes that are no text ({self.body[:8].hex(' ')} …)"
        return f"{clean(text, 60)!r}"

    @property
    def length(self) -> int | None:
        """The length that the head says, None where it says none."""
        value = self.headers.get("content-length", "").strip()
        return int(value) if value.isdecimal() else None

    def unpacked(self) -> Answer:
        """The same without the gzip that a gateway may have put around a document unasked.

        Never for an object's bytes, which are as they are. What is not gzip, or too long, stays as it is.
        """
        if self.headers.get("content-encoding", "").strip().lower() not in {"gzip", "x-gzip"}:
            return self
        inflater = zlib.decompressobj(wbits=31)
        try:
            body = inflater.decompress(self.body, MAX_ANSWER_BYTES)
        except zlib.error:
            return self
        return replace(self, body=body) if inflater.eof else self


def _matches(host: str, entry: str) -> bool:
    """Does an entry of NO_PROXY (`*`, a name, a domain, an address or a network) name `host`?"""
    wanted = entry.strip().lower().removeprefix("*.").lstrip(".").partition(":")[0]
    if not wanted:
        return False
    if wanted == "*" or host == wanted or host.endswith(f".{wanted}"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


class Transport:
    """Connections of one cloud under one `Settings`; shared by its adapters. Safe to use from several threads.

    `direct_hosts` are never reached through a proxy: an instance's metadata service.
    """

    def __init__(self, settings: Settings, direct_hosts: frozenset[str] = frozenset()) -> None:
        self._settings = settings
        self._direct_hosts = direct_hosts
        self._pools: dict[str, Any] = {}
        self._skew_seconds: float | None = None
        self._lock = threading.Lock()

    @property
    def skew_seconds(self) -> float | None:
        """The services' clock minus ours by the last answer with a `Date`, refusals too; None before there was one.

        A date has whole seconds, and is compared when the head of its answer is here.
        """
        with self._lock:
            return self._skew_seconds

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None,
        *, changes: bool = False, max_bytes: int = MAX_ANSWER_BYTES,
        timeout_seconds: float | None = None, read_timeout_seconds: float | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request once and read its answer whole, whatever its status.

        The settings say how long connecting and each read may take; `timeout_seconds` is for both instead,
        `read_timeout_seconds` for the reads alone.

        UNAVAILABLE where no whole answer came; `maybe_applied` then says, for a call that `changes` something,
        whether it may have reached the service. Bodies longer than `max_bytes` are UNAVAILABLE too.
        """
        host = urlsplit(url).hostname or ""
        timeout = urllib3.Timeout(
            connect=timeout_seconds or self._settings.connect_timeout_seconds,
            read=read_timeout_seconds or timeout_seconds or self._settings.read_timeout_seconds,
        )
        pool = self._pool(self.proxy_for(url))
        try:
            response = pool.request(
                method, url, body=body, headers=self._named(headers), timeout=timeout,
                retries=False, redirect=False, preload_content=False, decode_content=False,
            )  # fmt: skip
            self._note_date(response.headers.get("Date", ""))
            data = _read(response, max_bytes)
        except (HTTPError, OSError) as error:
            raise _not_answered(error, host, changes=changes) from error
        if data is None:
            raise ImgmoveError(
                Kind.UNAVAILABLE, f"{host} answered with more than {max_bytes} bytes", code="AnswerTooLong",
                hint="is that the address of the service?", maybe_applied=changes,
            )  # fmt: skip
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, data, url)

    def proxy_for(self, url: str) -> str:
        """The proxy for `url` by the environment's variables; empty for none, and always for loopback."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if is_loopback(host) or host in self._direct_hosts:
            return ""
        no_proxy = self._variable("no_proxy")
        if any(_matches(host, entry) for entry in no_proxy.split(",")):
            return ""
        return self._variable(f"{parts.scheme}_proxy") or self._variable("all_proxy")

    def _note_date(self, date: str) -> None:
        """Remember what an answer says about the time; dates that are none say nothing."""
        now = self._settings.now()
        try:
            moment = parsedate_to_datetime(date)
        except (TypeError, ValueError, OverflowError):
            return
        skew_seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
        with self._lock:
            self._skew_seconds = skew_seconds

    def _named(self, headers: Mapping[str, str]) -> dict[str, str]:
        """`headers` with our name, unless whoever signed them has put one there."""
        given = any(name.lower() == "user-agent" for name in headers)
        return dict(headers) if given else {**headers, "User-Agent": self._settings.user_agent}

    def _variable(self, name: str) -> str:
        environment = self._settings.environment
        return (environment.get(name) or environment.get(name.upper()) or "").strip()

    def _pool(self, proxy: str) -> Any:
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str) -> Any:
        options: dict[str, Any] = {"num_pools": 10, "maxsize": _POOL_SIZE, **self._certificates()}
        if not proxy:
            return urllib3.PoolManager(**options)
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if parts.scheme.startswith("socks"):
            return _socks_pool(parts.geturl(), options)
        if parts.username is not None:
            credentials = f"{parts.username}:{parts.password or ''}"
            options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=credentials)
        try:
            return urllib3.ProxyManager(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", **options)
        except (HTTPError, ValueError) as error:
            raise usage_error("the proxy in the environment is not a URL", "mend https_proxy or http_proxy") from error

    def _certificates(self) -> dict[str, str]:
        """The CA bundle that the environment names, as requests takes it, else certifi's."""
        environment = self._settings.environment
        named = next(
            (environment[name] for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
             if environment.get(name)),
            "",
        )  # fmt: skip
        if not named:
            import certifi

            return {"ca_certs": certifi.where()}
        return {"ca_cert_dir": named} if Path(named).is_dir() else {"ca_certs": named}


def _socks_pool(proxy: str, options: dict[str, Any]) -> Any:
    try:
        from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError as error:
        raise usage_error(
            "the environment names a SOCKS proxy, for which PySocks is missing", "pip install 'urllib3[socks]'"
        ) from error
    return SOCKSProxyManager(proxy, **options)


def _read(response: Any, max_bytes: int) -> bytes | None:
    """The whole body, None where it is longer than `max_bytes`; the connection goes back to the pool."""
    try:
        data = response.read(max_bytes + 1)
        if len(data) > max_bytes:
            response.close()
            return None
        rest = response.read()
        response.release_conn()
    except BaseException:
        response.close()
        raise
    return bytes(data + rest)


def _not_answered(error: Exception, host: str, *, changes: bool) -> ImgmoveError:
    cause = getattr(error, "reason", None) or error
    sent = not isinstance(error, _NOT_SENT) and not isinstance(cause, _NOT_SENT) and not _no_handshake(error)
    if isinstance(cause, NameResolutionError):
        code, message, hint = "NameResolution", f"the name {host} does not resolve", "check the region and the network"
    elif isinstance(error, ProxyError):
        code, message, hint = "Proxy", f"the proxy to {host} does not let us through", "check https_proxy and no_proxy"
    elif isinstance(cause, SSLError):
        code, message, hint = "Tls", f"no trusted TLS connection to {host}: {clean(cause, 200)}", "check the CA bundle"
    elif not sent:
        code, message, hint = "Connect", f"{host} does not take connections", "check the endpoint and the network"
    else:
        code, message, hint = (
            "NoAnswer",
            f"{host} did not answer whole: {_reason(cause)}",
            "the service is busy, or this is not its address",
        )
    return ImgmoveError(Kind.UNAVAILABLE, message, code=code, hint=hint, maybe_applied=changes and sent)


def _no_handshake(error: Exception) -> bool:
    """Did TLS fail before anything could be sent: a certificate refused, or no TLS spoken there at all?"""
    cause = error.args[0] if isinstance(error, SSLError) and error.args else error
    return isinstance(cause, ssl.SSLCertVerificationError) or (
        isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER"
    )


def _reason(cause: object) -> str:
    """Why, without the URL, which may carry a signature."""
    return type(cause).__name__
