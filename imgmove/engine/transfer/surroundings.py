"""What a copy is told, and what it works with: options, workers, time, chance, the wish to stop, and who listens."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo
from imgmove.engine.clock import SystemClock
from imgmove.engine.transfer.bandwidth import Timetable
from imgmove.engine.transfer.mending import delay_or_raise
from imgmove.engine.transfer.record import Comparison, Keep, keep_nothing
from imgmove.engine.waiting import Waiter

T = TypeVar("T")

DEFAULT_WORKERS: Final = 8
SIGNATURE_SECONDS: Final = 3600.0
_COME_BACK: Final = "run the same command again: only what is missing is sent"


def spare_workers(workers: int) -> int:
    """How many parts may, beside those that move, only wait for the destination's answer: an executor's further size."""
    return workers // 2


@dataclass(frozen=True)
class CopyOptions:
    """How to copy. Defaults keep the process below 128 MiB, whatever the object's size."""

    workers: int = DEFAULT_WORKERS
    part_bytes: int | None = None
    bandwidth: Timetable = field(default_factory=Timetable)
    compute_crc: bool = True
    timeout_seconds: float = 60.0
    """How long a connection may be silent."""


@dataclass(frozen=True)
class Surroundings:
    """Everything that is not the copy itself. `keep` must be durable when it returns where its second argument says so."""

    executor: Executor
    waiter: Waiter = field(default_factory=lambda: Waiter(SystemClock()))
    moved: Callable[[int, int], None] = lambda _done, _total: None
    keep: Keep = keep_nothing
    chance: random.Random = field(default_factory=random.Random)
    note: Callable[[str], None] = lambda _text: None
    grace_seconds: float = 1.0
    """How long parts in flight may still take to finish where the copy is stopped, before they are let go."""

    def check(self, state: str) -> None:
        """Raise INTERRUPTED or TIMEOUT if the copy has to stop; `state` says how far it is."""
        if self.waiter.stop.is_set():
            hint = self.waiter.come_back or _COME_BACK
            raise ImgmoveError(Kind.INTERRUPTED, f"stopped while {state}", code="Interrupted", hint=hint)
        if self.waiter.is_over:
            raise self.waiter.timeout(state)

    def sleep(self, seconds: float, state: str) -> None:
        """Let time pass; raises as `check`, also as soon as somebody wishes to stop."""
        self.check(state)
        self.waiter.clock.sleep(self.waiter.bounded(seconds), self.waiter.stop)
        self.check(state)

    def ask(self, question: Callable[[], T], what: str) -> T:
        """A store's answer, asked for again while the store is busy. Only for what is safe to repeat."""
        tries = 0
        while True:
            try:
                return question()
            except ImgmoveError as error:
                tries += 1
                self.pause(error, tries, what)

    def pause(self, error: ImgmoveError, tries: int, what: str) -> None:
        """Wait until `what` may be tried again; raises `error` where that makes no sense."""
        seconds = delay_or_raise(error, tries, self.chance)
        self.note(f"{what} again in {seconds:.1f} s: {error}")
        self.sleep(seconds, f"waiting to try {what} again")

    def local_time(self) -> datetime:
        """What a timetable of bandwidths goes by."""
        return datetime.fromtimestamp(self.waiter.clock.now()).astimezone()


@dataclass(frozen=True)
class Copied:
    """A finished copy: the destination's object, what was compared with what, and how much was sent."""

    info: ObjectInfo
    comparison: Comparison
    sent_bytes: int
    parts_sent: int
