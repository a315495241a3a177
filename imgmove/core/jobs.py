"""Jobs and their steps, with their states as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from imgmove.core.requests import Operation
from imgmove.core.tasks import TaskState


class StepState(StrEnum):
    """PLANNED → INTENDED (written down, perhaps sent) → ACCEPTED (the provider's handle is known) → an end."""

    PLANNED = "planned"
    INTENDED = "intended"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


#: Which state may follow which. A failed or cancelled step may be planned again by `jobs resume`, with a new token;
#: a planned one, when what it asks for is known from earlier steps; an intended one, when its submit was refused.
_ENDINGS: Final = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED})
STEP_TRANSITIONS: Final[dict[StepState, frozenset[StepState]]] = {
    StepState.PLANNED: _ENDINGS | {StepState.PLANNED, StepState.INTENDED, StepState.SKIPPED},
    StepState.INTENDED: _ENDINGS | {StepState.INTENDED, StepState.ACCEPTED, StepState.PLANNED},
    StepState.ACCEPTED: _ENDINGS | {StepState.ACCEPTED},
    StepState.SUCCEEDED: frozenset({StepState.SUCCEEDED}),
    StepState.FAILED: frozenset({StepState.FAILED, StepState.PLANNED}),
    StepState.CANCELLED: frozenset({StepState.CANCELLED, StepState.PLANNED}),
    StepState.SKIPPED: frozenset({StepState.SKIPPED}),
}

ENDED_STEP_STATES: Final = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED})

#: What a step's state is called in the contract's JSON.
STEP_TASK_STATES: Final[dict[StepState, TaskState]] = {
    StepState.PLANNED: TaskState.PENDING,
    StepState.INTENDED: TaskState.PENDING,
    StepState.ACCEPTED: TaskState.RUNNING,
    StepState.SUCCEEDED: TaskState.SUCCEEDED,
    StepState.FAILED: TaskState.FAILED,
    StepState.CANCELLED: TaskState.CANCELLED,
    StepState.SKIPPED: TaskState.SUCCEEDED,
}


@dataclass(frozen=True)
class Step:
    """One named piece of a job, as the journal holds it. Times are unix seconds.

    `request`, `handle`, `memo`, `outputs` and `error` are JSON forms (`imgmove.core.codec`).
    """

    name: str
    kind: str = ""
    """Which step function of the engine runs it; empty: an operation of an image service."""
    needs: tuple[str, ...] = ()
    """Steps that must have succeeded (or been skipped) before this one may begin."""
    provider: str = ""
    region: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    state: StepState = StepState.PLANNED
    token: str = ""
    """Ours, unique to this step: the client token, the prefix or the name by which `find` knows its task."""
    intended_at: float | None = None
    """When the last submit with this token was written down."""
    first_intended_at: float | None = None
    """When the first one was: `find` looks from here."""
    accepted_at: float | None = None
    ended_at: float | None = None
    handle: dict[str, Any] | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED_STEP_STATES


@dataclass(frozen=True)
class Resource:
    """Something that a job made and that somebody must remove or keep: a staged object, an open upload, an image.

    `kind` is `object`, `upload`, `image` or `snapshot`; `uri` names it, for an upload with `?uploadId=` behind.
    `keep` marks what the job was asked to make: it is listed, and not removed by `clean`.
    """

    uri: str
    kind: str
    provider: str = ""
    region: str = ""
    size_bytes: int | None = None
    created_at: float = 0.0
    removed_at: float | None = None
    keep: bool = False


@dataclass(frozen=True)
class Job:
    """An operation that changes something at a provider, with everything needed to take it up again."""

    id: str
    operation: Operation
    created_at: float
    plan: dict[str, Any]
    """What was asked, as JSON; no secrets."""
    steps: tuple[Step, ...]
    profile: str = ""
    resources: tuple[Resource, ...] = ()
    ended_at: float | None = None

    def step(self, name: str) -> Step:
        """The step of that name; KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def state(self) -> TaskState:
        return job_state(self.steps)


def job_state(steps: Iterable[Step]) -> TaskState:
    """The state of a job from its steps: failed or cancelled if any is, succeeded if all are, else how far it got."""
    states = {STEP_TASK_STATES[step.state] for step in steps}
    for verdict in (TaskState.RUNNING, TaskState.FAILED, TaskState.CANCELLED):
        if verdict in states:
            return verdict
    if states <= {TaskState.SUCCEEDED}:
        return TaskState.SUCCEEDED
    return TaskState.RUNNING if TaskState.SUCCEEDED in states else TaskState.PENDING
