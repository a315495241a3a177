"""Reads that are tried again: what passes, how long, and what is given up at once."""

import random
import threading

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.reads import LONGEST_WAIT_SECONDS, TRIES, Reads
from imgmove.engine.waiting import Waiter
from imgmove.testing.fake_clock import FakeClock


class Service:
    """Fails so often, then answers."""

    def __init__(self, *errors: ImgmoveError) -> None:
        self.errors, self.asked = list(errors), 0

    def __call__(self) -> int:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return 7


def reads(clock: FakeClock, *, deadline: float | None = None, stop: threading.Event | None = None) -> Reads:
    return Reads(Waiter(clock, deadline, stop or threading.Event()), random.Random(1))


def passing(kind: Kind = Kind.UNAVAILABLE, retry_after: float | None = None) -> ImgmoveError:
    return ImgmoveError(kind, "not now", retry_after_seconds=retry_after)


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED])
def test_what_passes_is_tried_again(kind: Kind) -> None:
    clock, service = FakeClock(), Service(passing(kind), passing(kind))
    assert reads(clock).ask(service) == 7
    assert len(clock.slept) == 2


def test_it_is_given_up_after_a_few_tries() -> None:
    clock, service = FakeClock(), Service(*(passing() for _ in range(9)))
    with pytest.raises(ImgmoveError, match="not now"):
        reads(clock).ask(service)
    assert service.asked == TRIES
    assert sum(clock.slept) < 10


@pytest.mark.parametrize("kind", [Kind.DENIED, Kind.NOT_FOUND, Kind.UNKNOWN, Kind.CORRUPT])
def test_a_verdict_is_no_reason_to_ask_again(kind: Kind) -> None:
    service = Service(ImgmoveError(kind, "no"))
    with pytest.raises(ImgmoveError, match="no"):
        reads(FakeClock()).ask(service)
    assert service.asked == 1


def test_the_services_own_wish_counts_within_reason() -> None:
    clock = FakeClock()
    assert reads(clock).ask(Service(passing(retry_after=3.0))) == 7
    assert clock.slept[0] >= 3.0
    impatient = Service(passing(retry_after=LONGEST_WAIT_SECONDS + 1))
    with pytest.raises(ImgmoveError):
        reads(clock).ask(impatient)
    assert impatient.asked == 1


def test_a_deadline_and_a_wish_to_stop_end_it() -> None:
    late = Service(passing())
    with pytest.raises(ImgmoveError, match="not now"):
        reads(FakeClock(), deadline=0.0).ask(late)
    stop = threading.Event()
    stop.set()
    with pytest.raises(ImgmoveError) as caught:
        reads(FakeClock(), stop=stop).ask(Service(passing()))
    assert caught.value.kind is Kind.INTERRUPTED
