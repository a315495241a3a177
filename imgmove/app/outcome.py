"""From a job, as the journal holds it, to the contract's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imgmove.app.resolve import split_account
from imgmove.app.results import Result, artifact_json, error_json, step_json
from imgmove.core.codec import decode
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding
from imgmove.core.jobs import STEP_TASK_STATES, Job, Step, StepState
from imgmove.core.requests import Operation
from imgmove.core.tasks import Artifact, Handle, TaskReport, TaskState
from imgmove.engine.runner import error_of_job, error_of_step


def result_of_job(
    job: Job, error: ImgmoveError | None = None, latest: Mapping[str, TaskReport] | None = None
) -> Result:
    """The result of `job`: what its steps came to, and `error` where the run of it ended in one.

    `latest` has the last look at steps that still run, by step name.
    """
    looks = latest or {}
    steps = job.steps
    is_migration = job.operation is Operation.MIGRATE
    main = _main_step(job)
    reports = [_report(step, looks.get(step.name)) for step in steps]
    report = reports[steps.index(main)]
    several = len(steps) > 1 and not is_migration
    place = _import_step(job) if is_migration else main
    failure = error or error_of_job(job)
    return Result(
        operation=job.operation.value,
        provider=split_account(place.provider)[0],
        region=place.region,
        job=job.id,
        state=job.state,
        progress=100 if job.state is TaskState.SUCCEEDED else report.progress,
        task_id=report.task_id,
        request_id=report.request_id,
        image_id=None if job.operation is Operation.EXPORT else reports[steps.index(place)].image_id,
        artifacts=_artifacts(job, reports),
        error=failure,
        vendor_state=report.vendor_state if job.state is not TaskState.SUCCEEDED else "",
        message=report.message,
        items=tuple(_item(step, item) for step, item in zip(steps, reports, strict=True)) if several else (),
        steps=tuple(step_json(step) for step in steps) if is_migration else (),
        findings=_findings(job),
    )


def _findings(job: Job) -> tuple[Finding, ...]:
    """What was found before the job, and by its steps, also by those that failed over it."""
    kept = [job.plan.get("findings")]
    kept += [record.get("findings") for step in job.steps for record in (step.outputs, step.error or {})]
    return tuple(decode(Finding, item) for found in kept for item in found or ())


def _import_step(job: Job) -> Step:
    """The step of a migration that makes the new image: it says where that is, whatever step the job stands at."""
    return next((step for step in job.steps if step.name == "import"), job.steps[-1])


def _main_step(job: Job) -> Step:
    """The step that speaks for the job: the first that failed, else the first that has not ended, else the last.

    Of a migration that succeeded it is the import.
    """
    for states in (
        {StepState.FAILED, StepState.CANCELLED},
        {StepState.PLANNED, StepState.INTENDED, StepState.ACCEPTED},
    ):
        found = next((step for step in job.steps if step.state in states), None)
        if found is not None:
            return found
    return _import_step(job) if job.operation is Operation.MIGRATE else job.steps[-1]


def _report(step: Step, look: TaskReport | None) -> TaskReport:
    """What is known of a step: its outputs when it ended, else the last look, else its handle."""
    handle = decode(Handle, step.handle) if step.handle else None
    if step.outputs:
        known = step_report(step.outputs)
    elif look is not None:
        known = look
    else:
        known = TaskReport(STEP_TASK_STATES[step.state])
    return TaskReport(
        state=STEP_TASK_STATES[step.state],
        progress=known.progress,
        vendor_state=known.vendor_state,
        message=known.message,
        task_id=known.task_id or (handle.task_id if handle else None),
        image_id=known.image_id or (handle.image_id if handle else None),
        request_id=known.request_id or (handle.request_id if handle else None),
        artifacts=known.artifacts,
        error=error_of_step(step) if step.error else None,
    )


def step_report(outputs: Mapping[str, Any]) -> TaskReport:
    """The report that a step's outputs were made of (`report_outputs`)."""
    return TaskReport(
        TaskState.SUCCEEDED,
        progress=outputs.get("progress"),
        vendor_state=str(outputs.get("vendor_state", "")),
        message=str(outputs.get("message", "")),
        task_id=outputs.get("task_id"),
        image_id=outputs.get("image_id"),
        request_id=outputs.get("request_id"),
        artifacts=artifacts_of(outputs.get("artifacts", ())),
    )


def artifacts_of(values: Sequence[Mapping[str, Any]]) -> tuple[Artifact, ...]:
    return tuple(decode(Artifact, value) for value in values)


def _artifacts(job: Job, reports: Sequence[TaskReport]) -> tuple[Artifact, ...]:
    """What the steps wrote, without what was only staged and is gone again."""
    gone = {resource.uri for resource in job.resources if resource.removed_at is not None}
    return tuple(artifact for report in reports for artifact in report.artifacts if artifact.uri not in gone)


def _item(step: Step, report: TaskReport) -> dict[str, Any]:
    """One row for each of several steps."""
    return {
        "name": step.name,
        "state": report.state.value,
        "task_id": report.task_id,
        "image_id": report.image_id,
        "artifacts": [artifact_json(artifact) for artifact in report.artifacts],
        "message": report.error.message if report.error else "",
        "error": error_json(report.error),
    }
