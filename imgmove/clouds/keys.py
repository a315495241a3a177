"""Access keys: one atomic triple of id, secret and token, and where the current one comes from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from imgmove.core.errors import ImgmoveError

#: Temporary keys are renewed this long before they run out.
RENEW_BEFORE_SECONDS: Final = 300.0


@dataclass(frozen=True)
class AccessKey:
    """A key of one source; the parts are never mixed with those of another. Its repr shows no secret."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires_at: float | None = None
    """Unix seconds; None for a key that does not run out as far as we know."""
    source: str = field(default="", compare=False)
    """Where it was found, in words (`environment`, `profile default of …`); empty where nobody said."""

    renews: bool = field(default=False, compare=False)
    """Another one is fetched before this one runs out."""

    @property
    def short_id(self) -> str:
        """The id's ends alone, enough to tell keys apart: `LTAI…Xc2f`."""
        return self.id if len(self.id) <= 8 else f"{self.id[:4]}…{self.id[-4:]}"


class KeySource(Protocol):
    """Asked for every request, so that temporary keys are renewed in time. Safe to use from several threads."""

    def current(self) -> AccessKey:
        """The key to sign with now; DENIED or UNAVAILABLE where it cannot be had."""


@dataclass(frozen=True)
class FixedKey:
    """A key that stays what it is."""

    key: AccessKey

    def current(self) -> AccessKey:
        return self.key


@dataclass(frozen=True)
class NamedKeys:
    """The keys of another source, each with the words that say where they are from."""

    keys: KeySource
    name: str

    def current(self) -> AccessKey:
        return replace(self.keys.current(), source=self.name)


class RenewedKey:
    """A temporary key, fetched at first use and again shortly before it runs out."""

    def __init__(self, fetch: Callable[[], AccessKey], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._key: AccessKey | None = None
        self._lock = threading.Lock()

    def current(self) -> AccessKey:
        with self._lock:
            if self._key is None or self._runs_out(self._key):
                self._key = replace(self._fetch(), renews=True)
            return self._key

    def _runs_out(self, key: AccessKey) -> bool:
        return key.expires_at is not None and self._now() >= key.expires_at - RENEW_BEFORE_SECONDS


class WatchedFileKey:
    """Keys that a file names: read again when the file changed, so that a renewed token is used at once.

    A file that cannot be used in the middle of being written leaves the keys as they were.
    """

    def __init__(self, path: Path, read: Callable[[], KeySource]) -> None:
        self._path = path
        self._read = read
        self._changed_at = self._stamp()
        self._source = read()
        self._lock = threading.Lock()

    def current(self) -> AccessKey:
        with self._lock:
            stamp = self._stamp()
            if stamp != self._changed_at:
                self._source, self._changed_at = self._read_again(), stamp
            return self._source.current()

    def _stamp(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0

    def _read_again(self) -> KeySource:
        try:
            return self._read()
        except ImgmoveError:
            return self._source
