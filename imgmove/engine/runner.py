"""Runs a job's steps from wherever they are to their end: one runner a job, steps in order, every end written down."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Listener, StepEnded, StepStarted, ignore
from imgmove.core.jobs import Job, Step, StepState
from imgmove.core.ports import Journal
from imgmove.engine.clock import Clock, SystemClock
from imgmove.engine.operation import run_operation_step
from imgmove.engine.options import RunOptions
from imgmove.engine.steps import Resolve, StepContext, StepFailed, StepFunction
from imgmove.engine.waiting import Waiter

#: Step functions by `Step.kind`. `migrate` and `copy` hand the runner a larger table.
STEP_FUNCTIONS: Final[Mapping[str, StepFunction]] = {"": run_operation_step}

_GOOD: Final = frozenset({StepState.SUCCEEDED, StepState.SKIPPED})
_BAD: Final = frozenset({StepState.FAILED, StepState.CANCELLED})


class Runner:
    """Runs jobs of one journal. Holds nothing between runs; use one for as many jobs as you like."""

    def __init__(
        self,
        journal: Journal,
        resolve: Resolve,
        *,
        clock: Clock | None = None,
        listener: Listener = ignore,
        functions: Mapping[str, StepFunction] = STEP_FUNCTIONS,
        chance: random.Random | None = None,
    ) -> None:
        self._journal = journal
        self._resolve = resolve
        self._clock = clock or SystemClock()
        self._listener = listener
        self._functions = functions
        self._chance = chance or random.Random()

    def run(self, job_id: str, options: RunOptions | None = None, stop: threading.Event | None = None) -> Job:
        """Take the job as far as it goes, from any state, and return it as the journal then holds it.

        Steps run in order; one whose `needs` did not succeed stays planned, the others go on. Returns where all
        succeeded, or with `wait` false where all that can be is accepted. Raises HELD (another process runs the
        job), TIMEOUT, INTERRUPTED (`stop` was set), PARTIAL (some of several succeeded), and else the error of the
        step that failed. Whatever is raised, the journal says how far the job is, and the next run goes on from
        there: safe to repeat, and to be killed.
        """
        chosen = options or RunOptions()
        with self._journal.hold(job_id):
            return self._run(job_id, chosen, self._waiter(job_id, chosen, stop or threading.Event()))

    def _waiter(self, job_id: str, options: RunOptions, stop: threading.Event) -> Waiter:
        timeout = options.timeout_seconds
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        return Waiter(self._clock, deadline, stop, f"`imgmove jobs resume {job_id}` takes it up")

    def _run(self, job_id: str, options: RunOptions, waiter: Waiter) -> Job:
        if options.again:
            self._plan_again(job_id)
        begun = False
        for name in [step.name for step in self._journal.job(job_id).steps]:
            job = self._journal.job(job_id)
            step = job.step(name)
            if step.is_ended or not may_begin(job, step):
                continue
            waiter.check_stop()
            if begun and waiter.is_over:
                raise waiter.timeout(f"{name} has yet to begin")
            self._run_step(StepContext(
                job, step, self._journal, self._resolve, self._clock, waiter, self._listener, options, self._chance
            ))  # fmt: skip
            begun = True
        return self._close(self._journal.job(job_id))

    def _run_step(self, context: StepContext) -> None:
        """Run one step and write its end down. A plain error leaves the step as it is and ends the run."""
        job_id, name = context.job.id, context.step.name
        context.tell(StepStarted, title=title_of(context.step))
        try:
            outputs = self._function(context.step)(context)
        except StepFailed as failure:
            now = self._clock.now()
            self._journal.failed(job_id, name, encode(failure.error), now, cancelled=failure.cancelled)
            context.tell(StepEnded, error=failure.error)
            return
        if outputs is not None:
            self._journal.finished(job_id, name, outputs, self._clock.now())
            context.tell(StepEnded)

    def _function(self, step: Step) -> StepFunction:
        function = self._functions.get(step.kind)
        if function is None:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"this imgmove knows no step of the kind {step.kind!r}", code="UnknownStepKind",
                hint="a newer imgmove planned this job: use that one",
            )  # fmt: skip
        return function

    def _plan_again(self, job_id: str) -> None:
        for step in self._journal.job(job_id).steps:
            if step.state in _BAD:
                self._journal.plan(job_id, replace(step, state=StepState.PLANNED, token=""))

    def _close(self, job: Job) -> Job:
        """The job at the end of a run: closed where nothing of it can go on; raises where it did not succeed."""
        if job.ended_at is None and all(step.is_ended or is_blocked(job, step) for step in job.steps):
            self._journal.close_job(job.id, self._clock.now())
        error = error_of_job(job)
        if error is not None:
            raise error
        return self._journal.job(job.id)


def may_begin(job: Job, step: Step) -> bool:
    """True where everything that `step` needs is there."""
    return all(job.step(name).state in _GOOD for name in step.needs)


def is_blocked(job: Job, step: Step) -> bool:
    """True for a step that can't begin any more, because something that it needs did not succeed."""
    return any(job.step(name).state in _BAD or is_blocked(job, job.step(name)) for name in step.needs)


def error_of_job(job: Job) -> ImgmoveError | None:
    """Why the job did not succeed: a failed step's own error, or PARTIAL where other goals did (or still may).

    A goal is a step that no other needs: each image of an export, but only the last step of a migration.
    """
    failed = [step for step in job.steps if step.state in _BAD]
    if not failed:
        return None
    needed = {name for step in job.steps for name in step.needs}
    goals = [step for step in job.steps if step.name not in needed]
    missed = [step for step in goals if step.state in _BAD or is_blocked(job, step)]
    if len(missed) in {0, len(goals)}:
        return error_of_step(failed[0])
    reasons = "; ".join(f"{step.name}: {error_of_step(step)}" for step in failed)
    return ImgmoveError(
        Kind.PARTIAL, f"{len(missed)} of {len(goals)} did not succeed ({reasons})", code="PartialSuccess",
        hint=f"`imgmove jobs show {job.id}` says more; `imgmove jobs resume {job.id}` tries those again",
    )  # fmt: skip


def error_of_step(step: Step) -> ImgmoveError:
    """The error that a failed step's record holds, however old or new its writer."""
    record = step.error or {}
    try:
        return decode(ImgmoveError, record)
    except (ValueError, TypeError):
        return ImgmoveError(
            Kind.UNKNOWN, str(record.get("message", f"{step.name} {step.state.value}")),
            code=str(record.get("code", "")), hint=str(record.get("hint", "")),
        )  # fmt: skip


def title_of(step: Step) -> str:
    """A step as progress shows it: `export (tencent ap-guangzhou)`."""
    where = " ".join(word for word in (step.provider, step.region) if word)
    return f"{step.name} ({where})" if where else step.name
