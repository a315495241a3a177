"""The step function of an image service's operation: submit at most once, watch to the end, say what was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from imgmove.core.codec import encode
from imgmove.core.jobs import Resource, Step, StepState
from imgmove.core.requests import Operation, ServiceRequest
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.engine.steps import StepContext, StepFailed, decode_request
from imgmove.engine.submit import submit_once
from imgmove.engine.watch import WatchEnded, watch


def run_operation_step(context: StepContext) -> Mapping[str, Any] | None:
    """The step function of kind "": what the step's request asks for; what it makes is kept."""
    return run_operation(context, decode_request(context.step.request))


def run_operation(context: StepContext, request: ServiceRequest, *, keep: bool = True) -> Mapping[str, Any] | None:
    """Run `request` at the step's provider to its end and return `outputs_of` its last report.

    None where `--no-wait` leaves it to the provider. `keep` false marks what it makes (an export that is only staged)
    as something to remove in the end; what an operation that failed left half-made is marked so whatever `keep` says.
    """
    provider = context.resolve(context.step.provider, context.step.region)
    handle = submit_once(context, provider, request)
    _write_down(context, handle, TaskReport(TaskState.PENDING), keep=keep)
    if not context.options.wait and context.step.state is not StepState.ACCEPTED:
        return None
    try:
        report = watch(context, provider, handle)
    except WatchEnded as end:
        _write_down(context, handle, end.report, keep=False)
        raise StepFailed(end.error, cancelled=end.cancelled) from end
    if report is None:
        return None
    _write_down(context, handle, report, keep=keep)
    return outputs_of(report, handle)


def outputs_of(report: TaskReport, handle: Handle) -> dict[str, Any]:
    """What a step leaves behind: `task_id`, `image_id`, `request_id`, `artifacts`, `progress`, `vendor_state`."""
    return {
        "task_id": report.task_id or handle.task_id,
        "image_id": report.image_id or handle.image_id,
        "request_id": report.request_id or handle.request_id,
        "artifacts": encode(report.artifacts),
        "progress": report.progress,
        "vendor_state": report.vendor_state,
        "message": report.message,
    }


def _write_down(context: StepContext, handle: Handle, report: TaskReport, *, keep: bool) -> None:
    """Put what the operation made (so far) on the job's list of resources."""
    for resource in made_by(context.step, handle, report):
        context.journal.made(context.job.id, replace(resource, created_at=context.clock.now(), keep=keep))


def made_by(step: Step, handle: Handle, report: TaskReport) -> list[Resource]:
    """What an operation makes: an export objects, every other an image. The image that an export reads is the
    user's own, and never on this list."""
    if handle.operation is Operation.EXPORT:
        return [Resource(item.uri, "object", step.provider, step.region, item.size) for item in report.artifacts]
    image_id = report.image_id or handle.image_id
    if not image_id:
        return []
    return [Resource(f"{step.provider}://{step.region}/{image_id}", "image", step.provider, step.region)]
