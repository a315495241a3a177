"""The state of a job, through its journal and its provider, or of a vendor's task or image that no journal knows.

Nothing is submitted here. What a look shows to be over is written down, where no other process runs the job.
"""

from __future__ import annotations

from dataclasses import replace

from imgmove.app.attendance import Attendance
from imgmove.app.ending import OWN_WORK
from imgmove.app.identifiers import is_job_id
from imgmove.app.outcome import result_of_job
from imgmove.app.resolve import Resolver
from imgmove.app.results import Result, result_of_report
from imgmove.core.address import ImageAddress
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.events import Polled, PollFailed
from imgmove.core.jobs import Job, Step, StepState
from imgmove.core.ports import ComputeProvider, Journal
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.engine.clock import Clock
from imgmove.engine.operation import made_by, outputs_of
from imgmove.engine.waiting import Waiter

DEFAULT_POLL_SECONDS = 15.0


class StatusReader:
    """Looks once, or until it has ended."""

    def __init__(self, resolver: Resolver, journal: Journal, clock: Clock) -> None:
        self._resolver, self._journal, self._clock = resolver, journal, clock

    def read(self, identifier: str, provider: str | None, region: str | None, attendance: Attendance) -> Result:
        """The state of a job id, or with a provider of a vendor's id; a usage error where it is not clear which."""
        deadline = None
        if attendance.timeout_seconds is not None:
            deadline = self._clock.monotonic() + attendance.timeout_seconds
        waiter = Waiter(
            self._clock, deadline, attendance.stop, f"`imgmove status {identifier} --watch` follows it again"
        )
        if provider is None and is_job_id(identifier):
            return self._job(identifier, waiter, attendance)
        return self._vendor(identifier, provider, region, waiter, attendance)

    # ------------------------------------------------------------------------------------------ a vendor's own

    def _vendor(
        self, identifier: str, provider: str | None, region: str | None, waiter: Waiter, attendance: Attendance
    ) -> Result:
        named = self._resolver.image(identifier)
        if isinstance(named, str) and not provider:
            raise usage_error(
                f"{identifier!r} is no job", "for a vendor's id give --provider (and --region), or an address"
            )
        address = named if isinstance(named, ImageAddress) else None
        place = self._resolver.place(provider, region, address)
        service = self._resolver.compute(place)
        while True:
            try:
                report = service.look_up(address.id if address else identifier)
            except ImgmoveError as error:
                job = self._job_of_task(place.provider, identifier) if error.kind is Kind.UNSUPPORTED else None
                if job is None:
                    raise
                return self._job(job.id, waiter, attendance)
            attendance.listener(Polled("", identifier, self._clock.now(), report))
            result = result_of_report(report, "status", place.provider, place.region)
            if report.is_final or not attendance.wait:
                return result
            self._pause(waiter, attendance, service, None)

    def _job_of_task(self, provider: str, task_id: str) -> Job | None:
        """The job whose task the vendor offers no call for (CVM exports): the journal knows what to look at."""
        for job in self._journal.jobs():
            for step in job.steps:
                if step.provider == provider and (step.handle or {}).get("task_id") == task_id:
                    return job
        return None

    # --------------------------------------------------------------------------------------------------- a job

    def _job(self, job_id: str, waiter: Waiter, attendance: Attendance) -> Result:
        looks: dict[str, TaskReport] = {}
        while True:
            job = self._journal.job(job_id)
            failed_look = self._look(job, looks, attendance)
            job = self._journal.job(job_id)
            if not attendance.wait:
                return result_of_job(job, failed_look, looks)
            if self._has_ended(job, looks, attendance):
                return result_of_job(job, None, looks)
            self._pause(waiter, attendance, None, job)

    def _has_ended(self, job: Job, looks: dict[str, TaskReport], attendance: Attendance) -> bool:
        """Nothing more will happen without `jobs resume`."""
        if all(step.is_ended for step in job.steps):
            return True
        going = [step for step in job.steps if step.state is StepState.ACCEPTED and not step.kind.endswith(OWN_WORK)]
        if self._journal.holder(job.id) is not None or any(not _is_over(looks.get(step.name)) for step in going):
            return False
        waiting = [step.name for step in job.steps if not step.is_ended]
        attendance.announce(f"{', '.join(waiting)}: nobody is at it; `imgmove jobs resume {job.id}` goes on")
        return True

    def _look(self, job: Job, looks: dict[str, TaskReport], attendance: Attendance) -> ImgmoveError | None:
        """One look at every accepted step; the error of a look that failed, which is not one of the operation."""
        failure: ImgmoveError | None = None
        for step in job.steps:
            if step.state is not StepState.ACCEPTED or step.kind.endswith(OWN_WORK) or not step.handle:
                continue
            handle = decode(Handle, step.handle)
            memo = looks[step.name].memo if step.name in looks else step.memo
            try:
                report = self._resolver.compute_at(step.provider, step.region).poll(handle, memo)
            except ImgmoveError as error:
                failure = error
                attendance.listener(PollFailed(job.id, step.name, self._clock.now(), error, DEFAULT_POLL_SECONDS))
                continue
            looks[step.name] = report
            attendance.listener(Polled(job.id, step.name, self._clock.now(), report))
            if not step.kind:  # the steps of a migration end in its runner, which goes on from there
                self._write_down(job, step, handle, report)
        return failure

    def _write_down(self, job: Job, step: Step, handle: Handle, report: TaskReport) -> None:
        """Keep what was seen, unless another process runs the job: then it does so itself."""
        try:
            with self._journal.hold(job.id):
                if self._journal.job(job.id).step(step.name).state is not StepState.ACCEPTED:
                    return
                self._note(job, step, handle, report)
        except ImgmoveError as error:
            if error.kind is not Kind.HELD:
                raise

    def _note(self, job: Job, step: Step, handle: Handle, report: TaskReport) -> None:
        now = self._clock.now()
        if report.is_final:
            keep = report.state is TaskState.SUCCEEDED
            for resource in made_by(step, handle, report):
                self._journal.made(job.id, replace(resource, created_at=now, keep=keep))
        if report.state is TaskState.SUCCEEDED:
            self._journal.finished(job.id, step.name, outputs_of(report, handle), now)
        elif report.is_final:
            cancelled = report.state is TaskState.CANCELLED
            error = report.error or ImgmoveError(
                Kind.FAILED, f"{step.name} {report.state.value}", code=report.vendor_state
            )
            self._journal.failed(job.id, step.name, encode(error), now, cancelled=cancelled)
        else:
            self._journal.observed(job.id, step.name, report.memo)

    def _pause(self, waiter: Waiter, attendance: Attendance, service: ComputeProvider | None, job: Job | None) -> None:
        if waiter.is_over:
            raise waiter.timeout("following it")
        seconds = attendance.poll_seconds or self._poll_seconds(service, job)
        waiter.wait(seconds)

    def _poll_seconds(self, service: ComputeProvider | None, job: Job | None) -> float:
        if service is None and job is not None:
            step = next(
                (step for step in job.steps if step.state is StepState.ACCEPTED and not step.kind.endswith(OWN_WORK)),
                None,
            )
            service = self._resolver.compute_at(step.provider, step.region) if step else None
        if service is None:
            return DEFAULT_POLL_SECONDS
        return min(
            (ability.poll_seconds for ability in service.abilities.operations.values()), default=DEFAULT_POLL_SECONDS
        )


def _is_over(look: TaskReport | None) -> bool:
    return look is not None and look.is_final
