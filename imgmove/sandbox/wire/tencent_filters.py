"""Filters and pages of Tencent's Describe calls: AND between filters, OR between the values of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import Parameters

T = TypeVar("T")
Values = Callable[[T], Iterable[str]]
"""What of an item a filter compares with its values."""


@dataclass(frozen=True)
class Filter(Generic[T]):
    """One documented filter; a fuzzy one is satisfied by a part of the text, in any case."""

    values: Values[T]
    fuzzy: bool = False
    one_value: bool = False

    def takes(self, item: T, wanted: Sequence[str]) -> bool:
        """Whether an item satisfies it."""
        found = list(self.values(item))
        if self.fuzzy:
            return any(text.lower() in value.lower() for value in found for text in wanted)
        return any(value in wanted for value in found)


@dataclass(frozen=True)
class Filtering(Generic[T]):
    """The filters of one call, and the codes that its service answers for those that are wrong."""

    filters: Mapping[str, Filter[T]]
    unknown_code: str
    limit_code: str
    tags: Callable[[T], Mapping[str, str]] | None = None
    """Gives `tag:<key>` a meaning where it is documented."""
    max_filters: int = 10
    max_values: int = 5

    def apply(self, items: Iterable[T], given: Sequence[Mapping[str, Any]]) -> list[T]:
        """The items that satisfy all the filters that were sent. Raises ApiError."""
        if len(given) > self.max_filters or any(len(each["Values"]) > self.max_values for each in given):
            raise ApiError(self.limit_code)
        chosen = [(self._find(each), each["Values"]) for each in given]
        return [item for item in items if all(known.takes(item, values) for known, values in chosen)]

    def _find(self, given: Mapping[str, Any]) -> Filter[T]:
        name: str = given["Name"]
        tags = self.tags
        if tags is not None and name.startswith("tag:"):
            key = name.removeprefix("tag:")
            return Filter(lambda item: [tags(item)[key]] if key in tags(item) else [])
        known = self.filters.get(name)
        if known is None:
            raise ApiError(self.unknown_code, f"The filter `{name}` is not supported.")
        if known.one_value and len(given["Values"]) > 1:
            raise ApiError(self.limit_code, f"The filter `{name}` takes one value.")
        return known


def page(items: Sequence[T], parameters: Parameters, limit_code: str) -> Sequence[T]:
    """The items from Offset (0) on, Limit (20, at most 100) of them. Raises ApiError for another Limit."""
    offset, limit = parameters.get("Offset", 0), parameters.get("Limit", 20)
    if not 1 <= limit <= 100 or offset < 0:
        raise ApiError(limit_code)
    return items[offset : offset + limit]
