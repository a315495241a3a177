"""What is known of a copy under way: enough to take it up again, and to say afterwards what was compared with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from imgmove.engine.transfer.crc64 import combine_all
from imgmove.engine.transfer.plan import PartPlan


@dataclass
class CopyRecord:
    """The state of one object's copy as it is kept in the journal. JSON types only; no URLs, no secrets.

    `crcs` has our CRC of every part that this or an earlier run moved, by part number as text; a part that only the
    destination's list knows has none.
    """

    upload_id: str = ""
    part_bytes: int = 0
    source_etag: str = ""
    size_bytes: int = 0
    crcs: dict[str, int] = field(default_factory=dict)

    def belongs_to(self, etag: str, size_bytes: int) -> bool:
        """Was this record made for the object as it is now?"""
        return bool(self.upload_id) and (self.source_etag, self.size_bytes) == (etag, size_bytes)

    def combined(self, plan: PartPlan) -> int | None:
        """The CRC of the whole object from the parts', None where one is not known."""
        values = [self.crcs.get(str(part.number)) for part in plan.parts()]
        if any(value is None for value in values):
            return None
        lengths = [part.length for part in plan.parts()]
        return combine_all((value or 0, length) for value, length in zip(values, lengths, strict=True))

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("upload_id", "part_bytes", "source_etag", "size_bytes", "crcs")}

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> CopyRecord:
        known = {key: item for key, item in (value or {}).items() if key in cls.__dataclass_fields__}
        return cls(**known)


#: Called with the record whenever something is worth keeping; the second argument is true where it must be durable.
Keep = Callable[[CopyRecord, bool], None]


def keep_nothing(_record: CopyRecord, _durable: bool) -> None:
    """For copies without a journal."""


@dataclass(frozen=True)
class Comparison:
    """What was compared with what, for the result: an empty list would mean that nothing was."""

    parts_compared: int = 0
    parts_total: int = 0
    before_completion: bool = False
    """Our combined CRC equalled the source's before the upload was completed."""
    whole: str = ""
    """`source = destination`, `ours = destination`, or empty where a store gave no value."""
    size: bool = False
    already_there: bool = False

    def with_(self, **changes: Any) -> Comparison:
        return replace(self, **changes)

    def describe(self) -> list[str]:
        """In words, also what could not be compared."""
        if self.already_there:
            return ["the destination already held it: size and both stores' CRC-64 are equal; nothing was sent"]
        lines = [f"CRC-64 of {self.parts_compared} of {self.parts_total} parts: ours = the destination's"]
        lines.append(
            "CRC-64 of the whole before completion: ours = the source's" if self.before_completion
            else "CRC-64 of the whole before completion: not compared, a value was missing"
        )  # fmt: skip
        lines.append(
            f"CRC-64 of the whole after completion: {self.whole}" if self.whole
            else "CRC-64 of the whole after completion: not compared, a store gave no value"
        )  # fmt: skip
        return [*lines, "size: source = destination"] if self.size else lines
