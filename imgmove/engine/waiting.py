"""Waiting on purpose: until a time has passed, the user's deadline is over, or somebody asks us to stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.clock import Clock

#: What is left of a time below this is no time: sums of floats need not meet a deadline exactly.
SHORTEST_SECONDS: Final = 0.001


@dataclass(frozen=True)
class Waiter:
    """One run's patience. `deadline` is on the monotonic clock, None for a user who set no `--timeout`."""

    clock: Clock
    deadline: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    come_back: str = ""
    """What to do to take the work up again; the hint of the errors raised here."""

    @property
    def is_over(self) -> bool:
        return self.deadline is not None and self.deadline - self.clock.monotonic() < SHORTEST_SECONDS

    def bounded(self, seconds: float) -> float:
        """`seconds`, or less where the deadline is nearer."""
        if self.deadline is None:
            return seconds
        return max(0.0, min(seconds, self.deadline - self.clock.monotonic()))

    def check_stop(self) -> None:
        """Raise INTERRUPTED if we were asked to stop."""
        if self.stop.is_set():
            raise ImgmoveError(Kind.INTERRUPTED, "interrupted", code="Interrupted", hint=self.come_back)

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass, or what is left until the deadline. Raises INTERRUPTED when asked to stop."""
        self.check_stop()
        self.clock.sleep(self.bounded(seconds), self.stop)
        self.check_stop()

    def timeout(self, what: str) -> ImgmoveError:
        """The error of a deadline that ran out while `what` was under way."""
        return ImgmoveError(
            Kind.TIMEOUT, f"the time given with --timeout is over while {what}", code="Timeout", hint=self.come_back
        )
