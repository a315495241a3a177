"""Durations, sizes and rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.units import format_duration, format_size, parse_duration, parse_rate, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("6h", 21600), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800), ("500ms", 0.5),
     ("45", 45), (" 10S ", 10), ("1h 5m", 3900)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5s", "5 parsecs", "1h-5m", "nan", "inf", "9999999d", "5s!", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ImgmoveError) as caught:
        parse_duration(text)
    assert caught.value.kind is Kind.USAGE
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("5MiB", 5 << 20),
        ("16M", 16 << 20),
        ("100KB", 100_000),
        ("1.5GiB", 3 << 29),
        ("7", 7),
        ("2 TiB", 2 << 40),
        ("9b", 9),
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MiB", "-1", "5 potatoes", "1,5GiB", "0x10"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ImgmoveError, match="not a size"):
        parse_size(text)


def test_rates() -> None:
    assert parse_rate("50MiB/s") == parse_rate("50MiB") == 50 << 20
    assert parse_rate("off") == parse_rate("0") == 0


@given(st.text(max_size=30))
def test_no_text_does_more_than_a_usage_error(text: str) -> None:
    for parse in (parse_duration, parse_size, parse_rate):
        try:
            assert parse(text) >= 0
        except ImgmoveError as error:
            assert error.kind is Kind.USAGE  # noqa: PT017 - any text may be valid


@given(st.integers(0, 10**7))
def test_whole_seconds_survive(seconds: int) -> None:
    assert parse_duration(f"{seconds}s") == seconds


def test_for_people() -> None:
    assert [format_duration(value) for value in (7.9, 725, 11045, -1)] == ["0:07", "12:05", "3:04:05", "0:00"]
    assert [format_size(value) for value in (512, 5 << 20, 3 << 39)] == ["512 B", "5.0 MiB", "1.5 TiB"]
