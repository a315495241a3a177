"""How many at once, and how fast."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError
from imgmove.engine.transfer.bandwidth import parse_bandwidth
from imgmove.engine.transfer.window import Window


def test_a_throttle_halves_once_for_the_parts_that_were_in_flight_together() -> None:
    window = Window(8)
    epoch = window.epoch
    for _ in range(5):
        window.throttled(epoch)
    assert window.allowed == 4
    window.throttled(window.epoch)
    assert window.allowed == 2


def test_successes_open_it_again_up_to_the_most() -> None:
    window = Window(4)
    window.throttled(window.epoch)
    for _ in range(50):
        window.succeeded()
    assert window.allowed == 4


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 16))
def test_it_never_leaves_its_bounds(events: list[bool], most: int) -> None:
    window = Window(most)
    for is_throttled in events:
        if is_throttled:
            window.throttled(window.epoch)
        else:
            window.succeeded()
        assert 1 <= window.allowed <= most


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 21, hour, minute)  # noqa: DTZ001 - a timetable speaks of local time


def test_a_limit_and_a_timetable() -> None:
    assert parse_bandwidth("50MiB").limit(at(3)) == 50 << 20
    table = parse_bandwidth("08:00,10MiB 19:30,off")
    assert [table.limit(moment) for moment in (at(7, 59), at(8), at(19, 29), at(19, 30), at(23))] == [
        0,
        10 << 20,
        10 << 20,
        0,
        0,
    ]


@pytest.mark.parametrize("text", ["fast", "25:00,1M", "08:00,1M,2M x", "08:00;1M"])
def test_what_is_no_bandwidth(text: str) -> None:
    with pytest.raises(ImgmoveError):
        parse_bandwidth(text)
