"""Jobs of a session: written down, said, and run by the engine; and dry runs, which write nothing down."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from imgmove.app.attendance import Attendance
from imgmove.app.copy_plan import COPY_STEP
from imgmove.app.copying import CopyStep, Stores
from imgmove.app.identifiers import new_job_id
from imgmove.app.migrate import migration_functions
from imgmove.app.outcome import result_of_job
from imgmove.app.preflight import Beforehand, is_noted, said
from imgmove.app.resolve import Place, Resolver
from imgmove.app.results import Result
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError
from imgmove.core.events import Event, Listener, Polled
from imgmove.core.findings import Finding
from imgmove.core.jobs import Job, Step
from imgmove.core.ports import Journal
from imgmove.core.requests import ExportRequest, Operation, ServiceRequest, operation_of
from imgmove.core.tasks import TaskReport, TaskState
from imgmove.engine.clock import Clock
from imgmove.engine.runner import STEP_FUNCTIONS, Runner
from imgmove.engine.steps import StepFunction, operation_step


class JobStarter:
    """Writes jobs into the journal (opened by `journal` when it is first needed) and runs them.

    `beforehand` is the session's way of looking beforehand, given what stops it.
    """

    def __init__(
        self,
        resolver: Resolver,
        stores: Stores,
        journal: Callable[[], Journal],
        beforehand: Callable[[threading.Event], Beforehand],
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._resolver, self._stores, self._journal, self._beforehand = resolver, stores, journal, beforehand
        self._clock, self._chance = clock, chance

    def operate(
        self,
        place: Place,
        requests: Sequence[ServiceRequest],
        dry_run: bool,
        attendance: Attendance | None,
        look: Callable[[Beforehand], Sequence[Finding]] | None = None,
    ) -> Result:
        attending = attendance or Attendance()
        self._resolver.compute(place)  # credentials and endpoint are looked at before a job is written down
        accepted = self._check(place, requests) if dry_run else None
        findings = look(self._beforehand(attending.stop)) if look else ()
        for finding in findings:
            if is_noted(finding):
                attending.announce(said(finding))
        if accepted is not None:
            return replace(accepted, findings=tuple(findings))
        operation = operation_of(requests[0])
        steps = [
            operation_step(_step_name(operation, request, len(requests)), place.provider, place.region, request)
            for request in requests
        ]
        shown = Operation.IMPORT if operation is Operation.TRANSFER else operation
        plan = {"provider": place.provider, "region": place.region, "findings": encode(findings)}
        return self.start(shown, plan, steps, attending)

    def start(
        self, operation: Operation, plan: dict[str, Any], steps: Sequence[Step], attendance: Attendance | None
    ) -> Result:
        """Write a job down, say its id, and run it."""
        attending = attendance or Attendance()
        now = self._clock.now()
        job_id = new_job_id(now, self._chance)
        self._journal().add(
            Job(job_id, operation, now, plan, tuple(steps), profile=self._resolver.configuration.profile.name)
        )
        attending.announce(f"job {job_id}; if this stops: imgmove jobs resume {job_id}")
        return self.run(job_id, attending)

    def _check(self, place: Place, requests: Sequence[ServiceRequest]) -> Result:
        """Ask the provider whether it would accept; nothing is written down."""
        service = self._resolver.compute(place)
        results = [service.check(request, "imgmovedryrun") for request in requests]
        notes = [note for result in results for note in result.notes]
        if not all(result.performed for result in results):
            notes.insert(0, f"{place.abilities.title} has no dry run: only the rules that we know were checked")
        return Result(
            operation_of(requests[0]).value, place.provider, place.region,
            state=TaskState.SUCCEEDED, request_id=results[0].request_id,
            message="; ".join(notes) or "would be accepted",
            dry_run=True,
        )  # fmt: skip

    def run(self, job_id: str, attending: Attendance, *, again: bool = False) -> Result:
        looks = _Looks(attending.listener)
        functions: dict[str, StepFunction] = {
            **STEP_FUNCTIONS,
            COPY_STEP: CopyStep(self._stores),
            **migration_functions(self._stores, self._beforehand(attending.stop)),
        }
        runner = Runner(
            self._journal(), self._resolver.compute_at, clock=self._clock, listener=looks, functions=functions
        )
        error: ImgmoveError | None = None
        try:
            runner.run(job_id, attending.options(again=again), attending.stop)
        except ImgmoveError as failure:
            error = failure
        return result_of_job(self._journal().job(job_id), error, looks.latest)


class _Looks:
    """Passes events on, and remembers the last look at each step."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.latest: dict[str, TaskReport] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Polled):
            self.latest[event.step] = event.report
        self._listener(event)


def _step_name(operation: Operation, request: ServiceRequest, count: int) -> str:
    word = "import" if operation is Operation.TRANSFER else operation.value
    if count == 1 or not isinstance(request, ExportRequest):
        return word
    return f"{word}:{','.join(request.image_ids)}"
