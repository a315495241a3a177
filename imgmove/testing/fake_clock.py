"""A clock that passes at once: sleeping moves it, nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Callable


class FakeClock:
    """An `imgmove.engine.clock.Clock`. `now` is what the machine believes, `monotonic` what really passed."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._elapsed = 0.0
        self._offset = now
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], None] | None = None
        """Called after each sleep with the time that has passed since the clock was made; may set a stop event."""

    def now(self) -> float:
        return self._offset + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        if stop.is_set():
            return
        self.slept.append(seconds)
        self._elapsed += max(0.0, seconds)
        if self.on_sleep is not None:
            self.on_sleep(self._elapsed)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping."""
        self._elapsed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._offset += seconds
