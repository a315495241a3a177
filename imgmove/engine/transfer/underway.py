"""Parts that move in this process: how far they are, and how to make them let go at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection

from imgmove.engine.transfer.faults import ConnectionFault


@dataclass
class Meter:
    """One part under way. `moved_bytes` is written by its thread alone."""

    moved_bytes: int = 0
    connections: list[HTTPConnection] = field(default_factory=list)
    is_abandoned: bool = False

    def uses(self, connection: HTTPConnection) -> None:
        """The part moves over that connection, too. Raises `ConnectionFault` if it was abandoned meanwhile."""
        self.connections.append(connection)
        self.check()

    def check(self) -> None:
        if self.is_abandoned:
            raise ConnectionFault("read", "abandoned")


class Meters:
    """Meters by name. A part that moves on another machine shows here only when it is across."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._lock = threading.Lock()

    def expect(self, name: str) -> None:
        """A part of that name may begin here; until `forget`."""
        with self._lock:
            self._meters[name] = Meter()

    def forget(self, name: str) -> None:
        with self._lock:
            self._meters.pop(name, None)

    @contextmanager
    def meter(self, name: str) -> Iterator[Meter]:
        """The meter of a part while it moves; what was abandoned before it began does not begin."""
        meter = self._meters.get(name) or Meter()
        meter.check()
        try:
            yield meter
        finally:
            meter.connections.clear()

    def moved_bytes(self, name: str) -> int:
        meter = self._meters.get(name)
        return meter.moved_bytes if meter else 0

    def abandon(self, name: str) -> None:
        """Break the part's connections, so that its thread comes back at once; one that waits will not begin."""
        meter = self._meters.get(name)
        if meter is not None:
            meter.is_abandoned = True
            for connection in list(meter.connections):
                _break(connection)


def _break(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is None:
        return
    try:
        # Not an SSLSocket's own: that drops its TLS state first, and another thread may be about to send.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # broken already


meters = Meters()
