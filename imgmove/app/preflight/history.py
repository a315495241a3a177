"""How long earlier jobs took, by what they did and where: the only ground that an estimate stands on."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from imgmove.app.resolve import split_account
from imgmove.core.jobs import Job, Step, StepState
from imgmove.core.requests import Operation

#: Of so many newest steps of a kind the middle one speaks; older ones were of another time.
_NEWEST: Final = 9
_GIB: Final = 1 << 30

Key = tuple[str, str]
"""A step's word (`export`, `copy`, `import`) and the provider that did it; of a copy, that of its destination."""


@dataclass(frozen=True)
class History:
    """Seconds for each GiB, and how many jobs say so."""

    seconds_per_gib: Mapping[Key, float] = field(default_factory=dict)
    jobs: Mapping[Key, int] = field(default_factory=dict)

    def seconds(self, word: str, provider: str, size_bytes: int) -> float | None:
        """What `word` took there for so many bytes; None where no earlier job says."""
        rate = self.seconds_per_gib.get((word, provider))
        return None if rate is None else rate * size_bytes / _GIB


def history_of(jobs: Iterable[Job]) -> History:
    """What the journal's jobs say, the newest first."""
    seen: dict[Key, list[float]] = {}
    for job in jobs:
        for key, rate in _rates(job):
            found = seen.setdefault(key, [])
            if len(found) < _NEWEST:
                found.append(rate)
    return History(
        {key: statistics.median(rates) for key, rates in seen.items()}, {key: len(rates) for key, rates in seen.items()}
    )


def _rates(job: Job) -> Iterable[tuple[Key, float]]:
    """Seconds for each GiB of each step that succeeded and whose bytes are known."""
    for word in ("export", "copy", "import"):
        for step in job.steps:
            if step.name.partition(":")[0] == word and step.state is StepState.SUCCEEDED:
                size, seconds = _bytes_of(job, step, word), _seconds_of(step)
                if size and seconds:
                    yield (word, split_account(step.provider)[0]), seconds * _GIB / size


def _seconds_of(step: Step) -> float:
    begun = step.first_intended_at or step.intended_at
    return max(0.0, step.ended_at - begun) if begun and step.ended_at else 0.0


def _bytes_of(job: Job, step: Step, word: str) -> int:
    """What the step wrote; an import read what the copy before it wrote."""
    source = step
    if word == "import":
        copies = [item for item in job.steps if item.name == "copy"] if job.operation is Operation.MIGRATE else []
        if not copies:
            return 0
        source = copies[0]
    sizes = [item.get("size") for item in source.outputs.get("artifacts") or ()]
    return sum(size for size in sizes if isinstance(size, int))
