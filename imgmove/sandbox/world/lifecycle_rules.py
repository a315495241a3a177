"""What a bucket is told to do to its objects by itself, as plain data that persists."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_SECONDS = 24 * 3600


@dataclass
class Transition:
    """When objects change to another storage class: so many days after they were written, or at a date."""

    storage_class: str
    days: int | None = None
    date: str = ""
    """`2026-01-01T00:00:00.000Z`, "" for none."""


@dataclass
class LifecycleRule:
    """One rule, for the keys that begin with `prefix`. None and "" mean: not of that kind.

    Days count on the sandbox's own clock, dates on the wall clock. The vendors look once a day; here a rule is carried
    out at the first request after its time.
    """

    rule_id: str
    prefix: str = ""
    enabled: bool = True
    expire_days: int | None = None
    expire_date: str = ""
    expire_delete_markers: bool = False
    """Whether delete markers without any version behind them are cleared away."""
    transitions: list[Transition] = field(default_factory=list)
    abort_upload_days: int | None = None
    noncurrent_expire_days: int | None = None
    noncurrent_transitions: list[Transition] = field(default_factory=list)

    @property
    def does_something(self) -> bool:
        """Whether it has any action at all: both vendors refuse a rule without."""
        days = (self.expire_days, self.abort_upload_days, self.noncurrent_expire_days)
        lists = (self.transitions, self.noncurrent_transitions)
        return (
            any(each is not None for each in days) or any(lists) or bool(self.expire_date or self.expire_delete_markers)
        )
