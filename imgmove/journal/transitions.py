"""What each journal call does to a step or a resource: pure, and the same for every journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.jobs import STEP_TRANSITIONS, Job, Resource, Step, StepState
from imgmove.core.tasks import Handle
from imgmove.journal.redaction import without_signatures

_UNDER_WAY: Final = frozenset({StepState.INTENDED, StepState.ACCEPTED})


def new_job(job: Job) -> Job:
    """The job as it is written down first."""
    steps = tuple(replace(step, request=without_signatures(step.request)) for step in job.steps)
    resources = tuple(without_signatures_in(resource) for resource in job.resources)
    return replace(job, plan=without_signatures(job.plan), steps=steps, resources=resources)


def planned(before: Step | None, step: Step) -> Step:
    """A new step, or one planned (again): what it asks for and its token are kept, its history is not."""
    if before is not None:
        _check(before, StepState.PLANNED)
    return Step(
        step.name, kind=step.kind, needs=step.needs, provider=step.provider, region=step.region,
        request=without_signatures(step.request), token=step.token,
    )  # fmt: skip


def intended(step: Step, token: str, at: float) -> Step:
    _check(step, StepState.INTENDED)
    again = step.state is StepState.INTENDED and step.token == token and step.first_intended_at is not None
    first_at = step.first_intended_at if again else at
    return replace(step, state=StepState.INTENDED, token=token, intended_at=at, first_intended_at=first_at)


def accepted(step: Step, handle: Handle, at: float) -> Step:
    _check(step, StepState.ACCEPTED)
    return replace(step, state=StepState.ACCEPTED, handle=without_signatures(encode(handle)), accepted_at=at)


def observed(step: Step, memo: Mapping[str, Any]) -> Step:
    if step.state not in _UNDER_WAY:
        raise _conflict(step, "be looked at")
    return replace(step, memo=without_signatures(encode(memo)))


def finished(step: Step, outputs: Mapping[str, Any], at: float, *, skipped: bool) -> Step:
    state = StepState.SKIPPED if skipped else StepState.SUCCEEDED
    _check(step, state)
    return replace(step, state=state, outputs=without_signatures(encode(outputs)), ended_at=at, error=None)


def failed(step: Step, error: Mapping[str, Any], at: float, *, cancelled: bool) -> Step:
    state = StepState.CANCELLED if cancelled else StepState.FAILED
    _check(step, state)
    return replace(step, state=state, error=without_signatures(encode(error)), ended_at=at)


def made(before: Resource | None, resource: Resource) -> Resource:
    """The row of a resource after it was (perhaps again) said to be made: what was known and is not said stays."""
    clean = without_signatures_in(resource)
    if before is None:
        return clean
    size = before.size_bytes if clean.size_bytes is None else clean.size_bytes
    return replace(clean, size_bytes=size, created_at=before.created_at or clean.created_at)


def without_signatures_in(resource: Resource) -> Resource:
    return replace(resource, uri=without_signatures(resource.uri))


def no_such_job(job_id: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.NOT_FOUND, f"the journal has no job {job_id!r}", code="NoSuchJob", hint="`imgmove jobs list` shows them"
    )


def no_such_step(job_id: str, name: str) -> ImgmoveError:
    return ImgmoveError(Kind.NOT_FOUND, f"job {job_id} has no step {name!r}", code="NoSuchStep")


def job_exists(job_id: str) -> ImgmoveError:
    return ImgmoveError(Kind.CONFLICT, f"the journal has a job {job_id!r} already", code="JobExists")


def _check(step: Step, target: StepState) -> None:
    if target not in STEP_TRANSITIONS[step.state]:
        raise _conflict(step, f"become {target.value}")


def _conflict(step: Step, verb: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.CONFLICT, f"step {step.name!r} is {step.state.value} and cannot {verb}", code="StepState",
        hint="another imgmove may have worked on this job: `imgmove jobs show` says how it stands",
    )  # fmt: skip
