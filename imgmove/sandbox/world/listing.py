"""Cutting sorted names into pages by prefix, delimiter, marker and page size: the part of listing all share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Cut(Generic[T]):
    """The entries and common prefixes of one page."""

    items: list[T]
    prefixes: list[str]
    truncated: bool
    last_name: str
    """The name or prefix the page ends with; "" for an empty page."""


def cut(entries: Iterable[tuple[str, T]], prefix: str, delimiter: str, after: str, limit: int) -> Cut[T]:
    """One page of `entries`, (name, item) in ascending order and beginning behind the caller's marker.

    Names that have `delimiter` behind `prefix` are rolled up into one common prefix, which counts as one towards
    `limit`. `after` is the marker: a common prefix equal to it was on the page before and is left out.
    """
    items: list[T] = []
    prefixes: list[str] = []
    last = ""
    for name, item in entries:
        if not name.startswith(prefix):
            continue
        group = _group(name, prefix, delimiter)
        if group and group in (after, last):
            continue
        if len(items) + len(prefixes) >= limit:
            return Cut(items, prefixes, limit > 0, last)
        if group:
            prefixes.append(group)
        else:
            items.append(item)
        last = group or name
    return Cut(items, prefixes, False, last)


def _group(name: str, prefix: str, delimiter: str) -> str:
    """The common prefix that `name` is rolled up into, "" for none."""
    if not delimiter:
        return ""
    end = name.find(delimiter, len(prefix))
    return "" if end < 0 else name[: end + len(delimiter)]
