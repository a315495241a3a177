"""Parts that move in this process: how far they are, and how to make them let go at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Final

from imgmove.engine.transfer.faults import ConnectionFault

#: So few bytes left to be read take no longer than the first answer to the next part's request.
NEARLY_BYTES: Final = 1 << 20


@dataclass
class Meter:
    """One part under way. `moved_bytes` is written by its thread alone; `bell` is rung when that leaves it little to do."""

    bell: threading.Event
    moved_bytes: int = 0
    is_nearly_across: bool = False
    """All of it was read, or will be at once: what is left is for the destination to take it in and answer."""
    connections: list[HTTPConnection] = field(default_factory=list)
    is_abandoned: bool = False

    def uses(self, connection: HTTPConnection) -> None:
        """The part moves over that connection, too. Raises `ConnectionFault` if it was abandoned meanwhile."""
        self.connections.append(connection)
        self.check()

    def moved(self, moved_bytes: int, left_bytes: int) -> None:
        """Bytes were handed to the destination's connection."""
        self.moved_bytes = moved_bytes
        if left_bytes <= NEARLY_BYTES and not self.is_nearly_across:
            self.is_nearly_across = True
            self.bell.set()

    def check(self) -> None:
        if self.is_abandoned:
            raise ConnectionFault("read", "abandoned")


class Meters:
    """Meters by name. A part that moves on another machine shows here only when it is across."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}
        self._lock = threading.Lock()

    def expect(self, name: str, bell: threading.Event) -> None:
        """A part of that name may begin here; until `forget`."""
        with self._lock:
            self._meters[name] = Meter(bell)

    def forget(self, name: str) -> None:
        with self._lock:
            self._meters.pop(name, None)

    @contextmanager
    def meter(self, name: str) -> Iterator[Meter]:
        """The meter of a part while it moves; what was abandoned before it began does not begin."""
        meter = self._meters.get(name) or Meter(threading.Event())
        meter.check()
        try:
            yield meter
        finally:
            meter.connections.clear()

    def moved_bytes(self, name: str) -> int:
        meter = self._meters.get(name)
        return meter.moved_bytes if meter else 0

    def is_nearly_across(self, name: str) -> bool:
        meter = self._meters.get(name)
        return meter is not None and meter.is_nearly_across

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
