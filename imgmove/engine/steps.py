"""What a step function is: a piece of work with a name, run for one step of a job, any number of times."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Event, Listener
from imgmove.core.jobs import Job, Step, StepState
from imgmove.core.ports import ComputeProvider, Journal
from imgmove.core.requests import REQUEST_TYPES, Operation, ServiceRequest, operation_of
from imgmove.core.tasks import Handle
from imgmove.engine.clock import Clock
from imgmove.engine.options import RunOptions
from imgmove.engine.waiting import Waiter

Resolve = Callable[[str, str], ComputeProvider]
"""From a provider's name and a region to the service."""


class StepFailed(Exception):  # noqa: N818 - the way a step ends, not an error of its own: it carries one
    """The step is over and did not succeed: nothing of it goes on anywhere. The runner writes it down.

    A plain `ImgmoveError` that leaves a step function says the opposite: we cannot go on now, the step stays as it
    is in the journal, and a later run takes it up.
    """

    def __init__(self, error: ImgmoveError, *, cancelled: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.cancelled = cancelled


@dataclass(frozen=True)
class StepContext:
    """What a step function works with. `job` and `step` are as the journal held them when the function was called."""

    job: Job
    step: Step
    journal: Journal
    resolve: Resolve
    clock: Clock
    waiter: Waiter
    listener: Listener
    options: RunOptions
    chance: random.Random

    def tell(self, kind: Callable[..., Event], **fields: Any) -> None:
        """Tell the listener of an event of this step."""
        self.listener(kind(job=self.job.id, step=self.step.name, at=self.clock.now(), **fields))

    def outputs(self, step: str) -> Mapping[str, Any]:
        """What an earlier step left (its `finished` outputs); KeyError where there is no such step."""
        return self.job.step(step).outputs

    def planned_with(self, request: ServiceRequest) -> StepContext:
        """This context with `request` written into the planned step: for requests made of earlier steps' outputs.

        Written before anything is sent, so that a later run looks for what was really asked for. A step that got
        beyond PLANNED keeps the request it has.
        """
        if self.step.state is not StepState.PLANNED:
            return self
        step = replace(self.step, request=encode_request(request))
        self.journal.plan(self.job.id, step)
        return replace(self, step=step)

    def begin(self, details: Mapping[str, Any]) -> Mapping[str, Any]:
        """Mark work of our own (a copy, say) as under way, with what is needed to take it up; safe to repeat.

        Returns the details that count: those of the first time, where there was one. What changes on the way belongs
        into the step's memo (`journal.observed`).
        """
        if self.step.state is StepState.ACCEPTED:
            return decode(Handle, self.step.handle or {}).details
        now = self.clock.now()
        handle = Handle(self.job.operation, self.step.region, submitted_at=now, details=dict(details))
        self.journal.intend(self.job.id, self.step.name, "", now)
        self.journal.accepted(self.job.id, self.step.name, handle, now)
        return details


StepFunction = Callable[[StepContext], Mapping[str, Any] | None]
"""Runs a step from whatever state the journal holds, and returns its outputs (JSON types); None where it goes on
without us (`--no-wait`). Raises `StepFailed` when it is over without success, `ImgmoveError` when it has to be taken
up later. Safe to call again after it died at any point."""


def encode_request(request: ServiceRequest) -> dict[str, Any]:
    """A request as a step keeps it."""
    return {"operation": operation_of(request).value, **encode(request)}


def decode_request(value: Mapping[str, Any]) -> ServiceRequest:
    """The request that `encode_request` wrote; CORRUPT where it is none."""
    try:
        return decode(REQUEST_TYPES[Operation(value["operation"])], value)
    except (KeyError, ValueError, TypeError) as error:
        raise ImgmoveError(
            Kind.CORRUPT, f"the journal holds no request that can be read here ({error})", code="JournalCorrupt",
            hint="if a newer imgmove wrote it, use that one",
        ) from error  # fmt: skip


def operation_step(name: str, provider: str, region: str, request: ServiceRequest, needs: tuple[str, ...] = ()) -> Step:
    """A planned step that asks an image service for something and follows it to its end."""
    return Step(name, needs=needs, provider=provider, region=region, request=encode_request(request))


def describe(handle: Handle) -> str:
    """An operation in words: `export 105591590`."""
    identifier = handle.task_id or handle.image_id
    return f"{handle.operation.value} {identifier}" if identifier else f"the {handle.operation.value}"
