"""Clocks, waits between tries, deadlines and tokens."""

from __future__ import annotations

import random
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.engine.backoff import Backoff
from imgmove.engine.clock import SystemClock
from imgmove.engine.tokens import new_token
from imgmove.engine.waiting import Waiter
from imgmove.testing.fake_clock import FakeClock


def test_the_systems_clock_sleeps_until_told_to_stop() -> None:
    clock, stop = SystemClock(), threading.Event()
    assert abs(clock.now() - time.time()) < 5.0
    before = clock.monotonic()
    clock.sleep(0.01, stop)
    assert clock.monotonic() - before >= 0.009
    threading.Timer(0.01, stop.set).start()
    clock.sleep(1e12, stop)
    clock.sleep(-1.0, stop)
    assert clock.monotonic() - before < 10.0


@given(st.integers(0, 10_000), st.integers(), st.floats(0.0, 1e6) | st.none())
def test_waits_grow_stay_below_the_cap_and_honour_the_service(
    failures: int, seed: int, retry_after: float | None
) -> None:
    seconds = Backoff(2.0, 60.0).seconds(failures, random.Random(seed), retry_after)
    if retry_after is None:
        assert 0.0 <= seconds <= min(60.0, 2.0 * 2.0 ** min(max(failures - 1, 0), 100))
    else:
        assert retry_after <= seconds <= retry_after + 2.0


def test_waits_are_spread_over_the_whole_span() -> None:
    chance = random.Random(1)
    waits = [Backoff(1.0, 60.0).seconds(10, chance) for _ in range(200)]
    assert min(waits) < 5.0
    assert max(waits) > 55.0


def test_a_wait_ends_at_the_deadline() -> None:
    clock = FakeClock()
    waiter = Waiter(clock, deadline=clock.monotonic() + 10.0)
    waiter.wait(4.0)
    assert (waiter.is_over, waiter.bounded(100.0)) == (False, 6.0)
    waiter.wait(100.0)
    assert clock.slept == [4.0, 6.0]
    assert (waiter.is_over, waiter.bounded(1.0)) == (True, 0.0)


def test_without_a_deadline_it_is_never_over() -> None:
    clock = FakeClock()
    waiter = Waiter(clock)
    waiter.wait(1e9)
    assert not waiter.is_over
    assert waiter.bounded(1e9) == 1e9


@given(st.floats(1e-9, 1e9), st.floats(0.0, 1e9))
def test_a_deadline_is_reached_however_the_floats_fall(timeout: float, start: float) -> None:
    clock = FakeClock()
    clock.advance(start)
    waiter = Waiter(clock, deadline=clock.monotonic() + timeout)
    for _ in range(20):
        if waiter.is_over:
            break
        waiter.wait(timeout / 3)
    assert waiter.is_over


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_wait_ends_when_asked_to_stop(when: str) -> None:
    clock = FakeClock()
    waiter = Waiter(clock, come_back="come back later")
    if when == "before":
        waiter.stop.set()
    clock.on_sleep = lambda _elapsed: waiter.stop.set()
    with pytest.raises(ImgmoveError) as caught:
        waiter.wait(5.0)
    assert (caught.value.kind, caught.value.hint) == (Kind.INTERRUPTED, "come back later")
    assert clock.slept == ([] if when == "before" else [5.0])


def test_tokens_pass_every_vendors_rules_and_differ() -> None:
    chance = random.Random(1)
    tokens = {new_token(chance) for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"im[0-9a-z]{12}", token) for token in tokens)
