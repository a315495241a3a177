"""Time as the engine sees it: the wall clock for records, a clock that never jumps for waiting."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Tests bring one that passes at once (`imgmove.testing.fake_clock`)."""

    def now(self) -> float:
        """Unix seconds. May jump in both directions: for records and for other processes, never to measure."""

    def monotonic(self) -> float:
        """Seconds that only grow, while this process lives: to measure and to wait by."""

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        """Return after `seconds`, or as soon as `stop` is set. Never returns late because of a wall clock."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(min(max(0.0, seconds), threading.TIMEOUT_MAX))
