"""How an object is cut into parts: a size that both stores take, and that keeps their number below the limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.ports import PartInfo, StoreLimits
from imgmove.core.units import format_size

MIB: Final = 1 << 20
#: Big enough that requests cost little, small enough that a part sent again is no loss.
_SMALLEST_CHOICE: Final = 8 * MIB
_LARGEST_CHOICE: Final = 32 * MIB
#: Between the two an object is cut in so many parts, so that all workers have several of them.
_PARTS_WANTED: Final = 32


@dataclass(frozen=True)
class Part:
    """A range of the object: `number` counts from 1, as stores do."""

    number: int
    offset: int
    length: int


@dataclass(frozen=True)
class PartPlan:
    """An object of `size_bytes` in parts of `part_bytes`, the last one shorter. An empty object is one empty part."""

    size_bytes: int
    part_bytes: int

    @property
    def count(self) -> int:
        return max(1, -(-self.size_bytes // self.part_bytes))

    def part(self, number: int) -> Part:
        offset = (number - 1) * self.part_bytes
        return Part(number, offset, min(self.part_bytes, self.size_bytes - offset))

    def parts(self) -> Iterator[Part]:
        return (self.part(number) for number in range(1, self.count + 1))

    def fits(self, info: PartInfo) -> bool:
        """Is this part, which a store holds, one of this plan?"""
        return 1 <= info.number <= self.count and info.size_bytes == self.part(info.number).length


def plan_parts(size_bytes: int, limits: StoreLimits, wanted_bytes: int | None = None) -> PartPlan:
    """A plan within `limits`, with parts of `wanted_bytes` (a usage error where that cannot be), else of our choice.

    Our choice is 8 to 32 MiB, by the object's size, and more where it would need too many of them; in whole MiB.
    """
    if size_bytes > limits.max_object_bytes:
        raise ImgmoveError(
            Kind.UNSUPPORTED,
            f"{format_size(size_bytes)} is more than the store takes ({format_size(limits.max_object_bytes)})",
            code="EntityTooLarge", hint="there is no way to store it as one object",
        )  # fmt: skip
    least = -(-size_bytes // limits.max_parts)
    if wanted_bytes is not None:
        return PartPlan(size_bytes, _checked(size_bytes, wanted_bytes, least, limits))
    handy = min(_LARGEST_CHOICE, max(_SMALLEST_CHOICE, _whole_mib(-(-size_bytes // _PARTS_WANTED))))
    chosen = max(handy, limits.min_part_bytes, _whole_mib(least))
    return PartPlan(size_bytes, min(chosen, limits.max_part_bytes))


def _whole_mib(size_bytes: int) -> int:
    return -(-size_bytes // MIB) * MIB


def _checked(size_bytes: int, wanted_bytes: int, least: int, limits: StoreLimits) -> int:
    lowest = max(limits.min_part_bytes, least) if size_bytes > wanted_bytes else 1
    if not lowest <= wanted_bytes <= limits.max_part_bytes:
        raise usage_error(
            f"parts of {format_size(wanted_bytes)} do not do for an object of {format_size(size_bytes)}",
            f"give --part-size between {format_size(lowest)} and {format_size(limits.max_part_bytes)}",
        )
    return wanted_bytes


def plan_of_parts(size_bytes: int, held: Iterable[PartInfo], limits: StoreLimits) -> PartPlan | None:
    """The plan that parts already at the store were cut by, or None where they fit no plan for this object.

    All parts but the last of a plan have one size, so the largest of them is it; a single last part tells nothing.
    """
    parts = list(held)
    size = max((part.size_bytes for part in parts), default=0)
    if not limits.min_part_bytes <= size <= limits.max_part_bytes or size_bytes > size * limits.max_parts:
        return None
    plan = PartPlan(size_bytes, size)
    return plan if all(plan.fits(part) for part in parts) else None
