"""Cancelling a job: at the provider where the provider can, and then what it left behind."""

from __future__ import annotations

from dataclasses import replace

from imgmove.app.leftovers import Leftovers
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.jobs import Job, Step, StepState
from imgmove.core.ports import Journal
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.engine.clock import Clock
from imgmove.engine.operation import made_by
from imgmove.engine.steps import Resolve, decode_request

#: Kinds of steps that are work of our own: nothing of them runs at a provider.
OWN_WORK = ("copy", "preflight", "cleanup")


class Canceller:
    """Cancels jobs of one journal. Safe to repeat."""

    def __init__(self, journal: Journal, resolve: Resolve, leftovers: Leftovers, clock: Clock) -> None:
        self._journal, self._resolve, self._leftovers, self._clock = journal, resolve, leftovers, clock

    def cancel(self, job_id: str) -> list[str]:
        """End the job; what could not be cancelled or removed, in words. HELD where another process runs it.

        A step that the provider cannot cancel goes on there: it is said, and the job ends without it.
        """
        with self._journal.hold(job_id):
            job = self._journal.job(job_id)
            notes = [note for step in job.steps if not step.is_ended for note in self._cancel_step(job, step)]
            self._leftovers.look_again(self._journal.job(job_id))
            left = self._leftovers.remove(self._journal.job(job_id))
            notes += [f"{resource.uri} could not be removed: {error}" for resource, error in left]
            if self._journal.job(job_id).ended_at is None:
                self._journal.close_job(job_id, self._clock.now())
        return notes

    def _cancel_step(self, job: Job, step: Step) -> list[str]:
        notes: list[str] = []
        error = ImgmoveError(
            Kind.FAILED, "cancelled", code="Cancelled", hint=f"`imgmove jobs resume {job.id}` begins it anew"
        )
        handle = self._handle(step, notes)
        if handle is not None:
            notes += self._cancel_remote(step, handle)
            for resource in made_by(step, handle, TaskReport(TaskState.CANCELLED)):
                self._journal.made(job.id, replace(resource, created_at=self._clock.now(), keep=False))
        self._journal.failed(job.id, step.name, encode(error), self._clock.now(), cancelled=True)
        return notes

    def _handle(self, step: Step, notes: list[str]) -> Handle | None:
        """What the step runs at the provider; looked for where it is not known whether its submit took effect."""
        if step.kind.endswith(OWN_WORK):
            return None
        if step.state is StepState.ACCEPTED and step.handle:
            return decode(Handle, step.handle)
        if step.state is not StepState.INTENDED:
            return None
        try:
            service = self._resolve(step.provider, step.region)
            since = step.first_intended_at or step.intended_at or 0.0
            found = service.find(decode_request(step.request), step.token, since)
        except ImgmoveError as error:
            notes.append(f"{step.name}: it cannot be seen whether the provider accepted it: {error}")
            return None
        if found is None:
            notes.append(
                f"{step.name}: the provider shows nothing of it; look once more with `imgmove images` in a while"
            )
        return found

    def _cancel_remote(self, step: Step, handle: Handle) -> list[str]:
        try:
            report = self._resolve(step.provider, step.region).cancel(handle)
        except ImgmoveError as error:
            hint = f"; {error.hint}" if error.hint else ""
            return [f"{step.name} goes on at the provider: {error}{hint}"]
        return (
            [] if report.is_final else [f"{step.name} is being cancelled ({report.vendor_state or report.state.value})"]
        )
