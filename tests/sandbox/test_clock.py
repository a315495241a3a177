"""The two clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.clock import Clock


class Hand:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


def clock_on(hand: Hand, speed: float = 60) -> Clock:
    return Clock(speed, real_wall=hand, real_steady=hand)


def test_own_time_starts_at_zero_and_runs_at_its_speed(hand: Hand) -> None:
    clock = clock_on(hand, 60)
    assert clock.now() == 0
    hand.seconds += 2
    assert clock.now() == 120


def test_frozen_time_moves_only_by_hand(hand: Hand) -> None:
    clock = clock_on(hand)
    hand.seconds += 1
    clock.freeze()
    hand.seconds += 100
    assert clock.now() == 60
    clock.advance(5)
    assert clock.now() == 65
    clock.unfreeze()
    hand.seconds += 1
    assert clock.now() == 125


def test_a_new_speed_holds_from_now_on(hand: Hand) -> None:
    clock = clock_on(hand, 10)
    hand.seconds += 1
    clock.speed = 100
    hand.seconds += 1
    assert clock.now() == 110


def test_skew_shifts_the_wall_clock_only(hand: Hand) -> None:
    clock = clock_on(hand)
    clock.skew_seconds = -900
    assert clock.wall() == 100
    assert clock.now() == 0


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_time_does_not_go_back(hand: Hand, seconds: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        clock_on(hand).advance(seconds)


@pytest.mark.parametrize("seconds", [1e300, -1e300, float("inf"), float("nan")])
def test_the_wall_clock_stays_where_dates_are(hand: Hand, seconds: float) -> None:
    clock = clock_on(hand)
    with pytest.raises(ValueError, match="shifted"):
        clock.skew_seconds = seconds
    with pytest.raises(ValueError, match="forward"):
        clock.advance(abs(seconds))
    assert (clock.wall(), clock.now()) == (1000, 0)


@pytest.mark.parametrize("speed", [0, -1, 1e300, float("inf"), float("nan")])
def test_a_speed_is_above_zero(hand: Hand, speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        clock_on(hand, speed)
    clock = clock_on(hand)
    with pytest.raises(ValueError, match="above 0"):
        clock.speed = speed


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 1e6)),
        st.tuples(st.just("advance"), st.floats(0, 1e6)),
        st.tuples(st.just("speed"), st.floats(0.001, 1e4)),
        st.tuples(st.sampled_from(["freeze", "unfreeze"]), st.just(0.0)),
    )
)


@given(steps)
def test_own_time_never_runs_back(steps: list[tuple[str, float]]) -> None:
    hand = Hand()
    clock = clock_on(hand)
    before = clock.now()
    for step, amount in steps:
        if step == "pass":
            hand.seconds += amount
        elif step == "advance":
            clock.advance(amount)
        elif step == "speed":
            clock.speed = amount
        else:
            getattr(clock, step)()
        now = clock.now()
        assert now >= before - 1e-6 * max(1.0, before)
        before = now
