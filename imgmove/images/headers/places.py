"""Where the tables and blocks of an image lie: each on a place of its own, none on another's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from imgmove.images.headers.image_bytes import absurd


class Place(NamedTuple):
    """Bytes of the image that have a use."""

    start: int
    length: int
    name: str


def check_apart(starts: Iterable[int], length: int, taken: Iterable[Place], what: str) -> list[int]:
    """`what` of `length` bytes each at `starts`: CORRUPT where two share bytes, or one lies in what is `taken`.

    A table that is another table, or itself, is a loop. Returns the starts in order.
    """
    ordered = sorted(starts)
    if any(second - first < length for first, second in pairwise(ordered)):
        absurd(f"two {what} share their place")
    check_free(ordered, length, taken, what)
    return ordered


def check_free(ordered: Sequence[int], length: int, taken: Iterable[Place], what: str) -> None:
    """As `check_apart` where sharing among themselves is allowed; `ordered` rises."""
    for place in taken:
        first = bisect_right(ordered, place.start - length)
        if place.length and first < len(ordered) and ordered[first] < place.start + place.length:
            absurd(f"one of the {what} lies in {place.name}")
