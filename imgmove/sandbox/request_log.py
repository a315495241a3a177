"""The log of requests that the sandbox has seen: what tests count and operators look at. It holds no secrets."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass

KEPT_ENTRIES = 100_000


@dataclass(frozen=True)
class LogEntry:
    """One request. `path` is raw and without the query, which may carry signatures and tokens."""

    seq: int
    """Counts from 1 over all services."""
    service: str
    action: str
    method: str
    path: str
    status: int
    """The HTTP status answered; 0 when the connection broke before an answer."""
    fault: str = ""
    """The effect of the fault that hit it, "" for none."""


class RequestLog:
    """The latest requests, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=KEPT_ENTRIES)
        self._seq = itertools.count(1)

    def add(self, service: str, action: str, method: str, path: str, status: int, fault: str = "") -> None:
        """Notes a request that is over."""
        with self._lock:
            self._entries.append(LogEntry(next(self._seq), service, action, method, path, status, fault))

    def list(self, service: str | None = None, action: str | None = None) -> list[LogEntry]:
        """The entries, of one service and one action if these are given."""
        with self._lock:
            entries = list(self._entries)
        return [e for e in entries if service in (None, e.service) and action in (None, e.action)]

    def clear(self) -> None:
        """Forgets all entries; numbers go on."""
        with self._lock:
            self._entries.clear()
