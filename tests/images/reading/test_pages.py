"""Pages over the pipe: everything is read once, sequences in few large requests, and never more than is allowed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.images.reading.device import ReadsSpentError
from imgmove.images.reading.pages import PAGE_BYTES, Pages
from tests.images.reading.looking import PLENTY, counted

MIB = 1 << 20
DATA = random.Random(7).randbytes(5 * MIB + 123)


@given(st.lists(st.tuples(st.integers(-5, len(DATA) + 5), st.integers(0, 300_000)), max_size=12))
def test_what_is_read_is_what_is_there(ranges: list[tuple[int, int]]) -> None:
    pages = counted(DATA).pages()
    for offset, length in ranges:
        assert pages.read_at(offset, length) == (DATA[offset : offset + length] if offset >= 0 else b"")


def test_small_reads_in_one_page_are_one_request() -> None:
    image = counted(DATA)
    pages = image.pages()
    for offset in range(0, PAGE_BYTES, 64):
        pages.read_at(offset, 64)
    assert image.ranges == [(0, PAGE_BYTES)]


def test_a_sequence_is_read_in_requests_that_grow() -> None:
    image = counted(bytes(32 * MIB))
    pages = image.pages()
    for offset in range(0, 32 * MIB, 4096):
        pages.read_at(offset, 4096)
    assert len(image.ranges) <= 22
    assert image.read_bytes == 32 * MIB
    assert max(length for _, length in image.ranges) == 2 * MIB


def test_two_sequences_at_once_are_both_followed() -> None:
    image = counted(bytes(32 * MIB))
    pages = image.pages()
    for offset in range(0, 8 * MIB, 4096):
        pages.read_at(offset, 4096)
        pages.read_at(16 * MIB + offset, 4096)
    assert len(image.ranges) <= 24
    assert image.read_bytes <= 21 * MIB


def test_a_large_read_is_one_request_and_leaves_out_what_is_there() -> None:
    image = counted(DATA)
    pages = image.pages()
    pages.read_at(2 * MIB, 1)
    pages.read_at(0, 4 * MIB)
    assert image.ranges == [(2 * MIB, PAGE_BYTES), (0, 2 * MIB), (2 * MIB + PAGE_BYTES, 2 * MIB)]


def test_scattered_reads_cost_a_page_each() -> None:
    image = counted(bytes(32 * MIB))
    pages = image.pages()
    for number in (400, 3, 77, 250):
        pages.read_at(number * PAGE_BYTES + 10, 100)
    assert [length for _, length in image.ranges] == [PAGE_BYTES] * 4


def test_memory_is_bounded() -> None:
    image = counted(bytes(96 * MIB))
    pages = image.pages()
    pages.read_at(0, 1)
    for offset in range(0, 96 * MIB, MIB):
        pages.read_at(offset, MIB)
    before = len(image.ranges)
    pages.read_at(0, 1)
    assert len(image.ranges) == before + 1


@pytest.mark.parametrize(("most_bytes", "most_requests"), [(3 * PAGE_BYTES, PLENTY), (PLENTY, 3)])
def test_more_than_is_allowed_is_not_read(most_bytes: int, most_requests: int) -> None:
    image = counted(bytes(32 * MIB))
    pages = Pages(image.size_bytes, image.read, most_bytes, most_requests)
    for number in (10, 20, 30):
        pages.read_at(number * PAGE_BYTES, 1)
    was_spent = pages.spent
    with pytest.raises(ReadsSpentError):
        pages.read_at(40 * PAGE_BYTES, 1)
    assert (was_spent, pages.spent) == (False, True)
    assert len(image.ranges) == 3
    assert pages.read_at(10 * PAGE_BYTES, 1) == b"\0"
