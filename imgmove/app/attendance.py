"""How a caller attends to an operation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from imgmove.core.events import Listener, ignore
from imgmove.engine.options import OnDoubt, RunOptions, stop_in_doubt


def _say_nothing(_text: str) -> None:
    """For callers who need no announcements."""


@dataclass(frozen=True)
class Attendance:
    """How a caller attends to an operation: whether and how long it waits, who listens, how it is stopped.

    `announce` is told the job's id as soon as the job is written down, before anything is sent. Setting `stop` makes
    the call return soon with an INTERRUPTED error; what runs at the provider goes on.
    """

    wait: bool = True
    timeout_seconds: float | None = None
    poll_seconds: float | None = None
    on_doubt: OnDoubt = OnDoubt.STOP
    decide: Callable[[str], OnDoubt] = stop_in_doubt
    stop: threading.Event = field(default_factory=threading.Event)
    listener: Listener = ignore
    announce: Callable[[str], None] = _say_nothing
    skip: frozenset[str] = frozenset()
    """See `RunOptions.skip`."""

    def options(self, *, again: bool = False) -> RunOptions:
        return RunOptions(
            wait=self.wait,
            timeout_seconds=self.timeout_seconds,
            poll_seconds=self.poll_seconds,
            on_doubt=self.on_doubt,
            decide=self.decide,
            again=again,
            skip=self.skip,
        )
