"""Many parts at once: as many as the stores bear, each tried until it is across."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from imgmove.core.errors import ImgmoveError
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import delay_or_raise
from imgmove.engine.transfer.part_task import PartDone
from imgmove.engine.transfer.surroundings import Surroundings
from imgmove.engine.transfer.underway import meters
from imgmove.engine.transfer.window import Window

_TICK_SECONDS: Final = 0.2
_names: Final = itertools.count(1)


class Work(Protocol):
    """A part that is to be moved."""

    @property
    def number(self) -> int: ...


W = TypeVar("W", bound=Work)

Start = Callable[[W, str, int], "Future[PartDone]"]
"""Begin to move a part, under the given meter and at most at so many bytes a second (0: no limit)."""


@dataclass
class _Attempt(Generic[W]):
    work: W
    tries: int = 0
    not_before: float = 0.0
    epoch: int = 0
    meter: str = ""


class Mover(Generic[W]):
    """Moves parts, `window.most` at once at most, and beside them `spare` ones that only wait for the last answer.

    Parts are taken from their iterable only when there is room for them.

    `arrived` is called with every part that came across, and returns why it has to be sent again, if it has to.
    `limit` is the bandwidth in bytes per second that all parts share now; `state` says how far the copy is.
    """

    def __init__(
        self,
        start: Start[W],
        arrived: Callable[[W, PartDone], ImgmoveError | None],
        explain: Callable[[PartFault], ImgmoveError],
        window: Window,
        around: Surroundings,
        *,
        spare: int = 0,
        limit: Callable[[], int] = lambda: 0,
        state: Callable[[], str] = lambda: "copying",
        report: Callable[[int], None] = lambda _under_way_bytes: None,
    ) -> None:
        self._start, self._arrived, self._explain = start, arrived, explain
        self._window, self._spare, self._around = window, spare, around
        self._limit, self._state, self._report = limit, state, report
        self._running: dict[Future[PartDone], _Attempt[W]] = {}
        self._delayed: list[_Attempt[W]] = []
        self._bell = threading.Event()
        """Rung where a part ended, or has so little left that another one may begin."""

    def move(self, works: Iterable[W]) -> None:
        """Move all of them. Raises what cannot be mended; what is in flight is then let go after a grace."""
        waiting = iter(works)
        try:
            while self._fill(waiting) or self._running or self._delayed:
                self._around.check(self._state())
                self._wait()
                self._report(sum(meters.moved_bytes(attempt.meter) for attempt in self._running.values()))
        except BaseException:
            self._let_go()
            raise

    def _fill(self, waiting: Iterator[W]) -> bool:
        """Start parts while there is room; False where none was started."""
        any_started = False
        while self._has_room():
            attempt = self._next(waiting)
            if attempt is None:
                break
            self._begin(attempt)
            any_started = True
        return any_started

    def _has_room(self) -> bool:
        if len(self._running) >= self._window.allowed + self._spare:
            return False
        return self._busy() < self._window.allowed

    def _busy(self) -> int:
        """How many of the parts under way have more to do than to wait for an answer."""
        return sum(not meters.is_nearly_across(attempt.meter) for attempt in self._running.values())

    def _next(self, waiting: Iterator[W]) -> _Attempt[W] | None:
        """A part whose time to be tried again has come, else a new one, unless those that wait fill the window."""
        moment = self._around.waiter.clock.monotonic()
        for index, attempt in enumerate(self._delayed):
            if attempt.not_before <= moment:
                return self._delayed.pop(index)
        if self._busy() + len(self._delayed) >= self._window.most:
            return None
        work = next(waiting, None)
        return None if work is None else _Attempt(work)

    def _begin(self, attempt: _Attempt[W]) -> None:
        attempt.epoch, attempt.meter = self._window.epoch, f"part {next(_names)}"
        limit = self._limit()
        share = max(1, limit // self._window.allowed) if limit else 0
        meters.expect(attempt.meter, self._bell)
        try:
            future = self._start(attempt.work, attempt.meter, share)
        except ImgmoveError as error:
            meters.forget(attempt.meter)
            self._again(attempt, error)
            return
        self._running[future] = attempt
        future.add_done_callback(lambda _done: self._bell.set())

    def _wait(self) -> None:
        """Until a part ends, or one may be tried again."""
        moment = self._around.waiter.clock.monotonic()
        due = min((attempt.not_before - moment for attempt in self._delayed), default=_TICK_SECONDS)
        if not self._running:
            if self._delayed:
                self._around.sleep(max(0.0, due), self._state())
            return
        self._bell.wait(max(0.001, min(due, _TICK_SECONDS)) if self._has_room() else _TICK_SECONDS)
        self._bell.clear()
        for future in [future for future in self._running if future.done()]:
            self._settle(future, self._running.pop(future))

    def _settle(self, future: Future[PartDone], attempt: _Attempt[W]) -> None:
        meters.forget(attempt.meter)
        try:
            done = future.result()
        except PartFault as fault:
            self._again(attempt, self._explain(fault))
            return
        wrong = self._arrived(attempt.work, done)
        if wrong is not None:
            self._again(attempt, wrong)
        else:
            self._window.succeeded()

    def _again(self, attempt: _Attempt[W], error: ImgmoveError) -> None:
        """Try the part again later, or give up with `error`."""
        attempt.tries += 1
        if error.is_passing:
            self._window.throttled(attempt.epoch)
        clock = self._around.waiter.clock
        seconds = delay_or_raise(error, attempt.tries, self._around.chance)
        attempt.not_before = clock.monotonic() + seconds
        self._around.note(f"part {attempt.work.number} again in {seconds:.1f} s: {error}")
        self._delayed.append(attempt)

    def _let_go(self) -> None:
        """End what is in flight; what came across all the same is noted, for it need not be sent again."""
        for future in self._running:
            future.cancel()
        wait(self._running, timeout=self._around.grace_seconds)
        for attempt in self._running.values():
            meters.abandon(attempt.meter)
        wait(self._running)
        for future, attempt in self._running.items():
            meters.forget(attempt.meter)
            if not future.cancelled() and future.exception() is None:
                self._arrived(attempt.work, future.result())
        self._running.clear()
