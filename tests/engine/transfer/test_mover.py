"""How many parts move at once, in which order they are tried again, and how the mover lets go."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.transfer.faults import ConnectionFault, PartFault
from imgmove.engine.transfer.mover import Mover
from imgmove.engine.transfer.part_task import PartDone
from imgmove.engine.transfer.plan import Part
from imgmove.engine.transfer.surroundings import Surroundings
from imgmove.engine.transfer.window import Window
from imgmove.engine.waiting import Waiter
from imgmove.testing.fake_clock import FakeClock

BUSY = ImgmoveError(Kind.THROTTLED, "slow down", code="SlowDown")


def parts(count: int) -> list[Part]:
    return [Part(number, 0, 1) for number in range(1, count + 1)]


@dataclass
class Bench:
    """A mover whose parts end as soon as they begin: by `fate`, with the number of the part and of the try."""

    fate: Callable[[int, int], Exception | None] = lambda _number, _try: None
    most: int = 8
    clock: FakeClock = field(default_factory=FakeClock)
    stop: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None
    explained: ImgmoveError = BUSY
    in_flight: list[int] = field(default_factory=list)
    """How many were in flight, at each start."""
    allowed: list[int] = field(default_factory=list)
    """The window, likewise."""
    order: list[int] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    limit: int = 0
    _unsettled: int = 0

    def mover(self) -> Mover[Part]:
        self.window = Window(self.most)
        with ThreadPoolExecutor(1) as executor:
            around = Surroundings(
                executor, Waiter(self.clock, self.deadline, self.stop), chance=random.Random(1), grace_seconds=0.01
            )
        return Mover(self._start, self._arrived, self._explain, self.window, around, limit=lambda: self.limit)

    def move(self, works: Iterable[Part]) -> None:
        self.mover().move(works)

    def _start(self, part: Part, _meter: str, share: int) -> Future[PartDone]:
        self.order.append(part.number)
        self.shares.append(share)
        self._unsettled += 1
        self.in_flight.append(self._unsettled)
        self.allowed.append(self.window.allowed)
        future: Future[PartDone] = Future()
        fate = self.fate(part.number, self.order.count(part.number))
        if fate is None:
            future.set_result(PartDone(part.number, 1, 0))
        else:
            future.set_exception(fate)
        return future

    def _arrived(self, part: Part, _done: PartDone) -> ImgmoveError | None:
        self._unsettled -= 1
        self.arrived.append(part.number)
        return None

    def _explain(self, _fault: PartFault) -> ImgmoveError:
        self._unsettled -= 1
        return self.explained


def test_all_parts_arrive_as_many_at_once_as_the_window_lets() -> None:
    bench = Bench(most=3)
    bench.move(parts(20))
    assert sorted(bench.arrived) == list(range(1, 21))
    assert max(bench.in_flight) == 3


def test_throttling_halves_what_is_in_flight_and_success_opens_it_again() -> None:
    bench = Bench(fate=lambda number, tries: ConnectionFault("write", "503") if number <= 8 and tries == 1 else None)
    bench.move(parts(60))
    assert max(bench.in_flight[:8]) == 8
    assert min(bench.allowed) == 4, "one halving for those that were in flight together"
    assert bench.allowed[-1] == 8
    assert sorted(bench.arrived) == list(range(1, 61))


def test_a_server_in_trouble_is_spared_as_one_that_throttles() -> None:
    bench = Bench(fate=lambda _number, tries: ConnectionFault("write", "500") if tries == 1 else None, most=4)
    bench.explained = ImgmoveError(Kind.UNAVAILABLE, "trouble", code="InternalError")
    bench.move(parts(4))
    assert min(bench.allowed) == 2


def test_waits_double_and_are_never_shorter_than_the_store_asks() -> None:
    bench = Bench(fate=lambda _number, tries: ConnectionFault("write", "503") if tries <= 6 else None)
    bench.move(parts(1))
    assert all(wait <= 0.5 * 2**index for index, wait in enumerate(bench.clock.slept))
    bench = Bench(fate=lambda _number, tries: ConnectionFault("write", "503") if tries <= 2 else None)
    bench.explained = ImgmoveError(Kind.THROTTLED, "slow down", retry_after_seconds=20.0)
    bench.move(parts(1))
    assert len(bench.clock.slept) == 2
    assert all(wait >= 20.0 for wait in bench.clock.slept)


def test_parts_that_wait_to_be_tried_again_take_room() -> None:
    """What waits may be in memory (a converted part is), so that not more and more of it must be made."""
    taken: list[int] = []

    def works() -> Iterator[Part]:
        for part in parts(50):
            taken.append(part.number)
            yield part

    bench = Bench(fate=lambda _number, tries: ConnectionFault("write", "503") if tries <= 3 else None, most=4)
    largest: list[int] = []
    bench.clock.on_sleep = lambda _elapsed: largest.append(len(taken) - len(bench.arrived))
    bench.move(works())
    assert max(largest) <= 4
    assert len(bench.arrived) == 50


def test_a_bandwidth_is_shared_by_what_may_be_in_flight() -> None:
    bench = Bench(most=4, limit=4000)
    bench.move(parts(8))
    assert set(bench.shares) == {1000}
    bench = Bench(most=4, limit=2)
    bench.move(parts(1))
    assert bench.shares == [1], "no limit would be 0"


def test_a_refusal_ends_it_and_what_came_across_meanwhile_counts() -> None:
    bench = Bench(fate=lambda number, _tries: ConnectionFault("write", "403") if number == 1 else None, most=4)
    bench.explained = ImgmoveError(Kind.DENIED, "no", code="AccessDenied")
    with pytest.raises(ImgmoveError) as caught:
        bench.move(parts(50))
    assert caught.value.code == "AccessDenied"
    assert set(bench.arrived) == {2, 3, 4}


def test_a_wish_to_stop_is_heard_while_waiting() -> None:
    bench = Bench(fate=lambda _number, _tries: ConnectionFault("write", "503"))
    bench.clock.on_sleep = lambda elapsed: bench.stop.set() if elapsed > 3 else None
    with pytest.raises(ImgmoveError) as caught:
        bench.move(parts(2))
    assert (caught.value.kind, caught.value.exit_code) == (Kind.INTERRUPTED, 130)


def test_the_users_deadline_is_kept_while_waiting() -> None:
    bench = Bench(fate=lambda _number, _tries: ConnectionFault("write", "503"), deadline=5.0)
    with pytest.raises(ImgmoveError) as caught:
        bench.move(parts(2))
    assert (caught.value.kind, caught.value.exit_code) == (Kind.TIMEOUT, 6)
    assert bench.clock.monotonic() == pytest.approx(5.0)
