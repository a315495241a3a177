"""What an operation came to, and its JSON document (contract, "Output")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imgmove.core.address import ImageAddress
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding
from imgmove.core.jobs import STEP_TASK_STATES, Job, Resource, Step, StepState
from imgmove.core.tasks import Artifact, Image, TaskReport, TaskState


@dataclass(frozen=True)
class Result:
    """The contract's document of one operation. `items` has a row for each step where there are several."""

    operation: str
    provider: str = ""
    region: str = ""
    job: str | None = None
    state: TaskState = TaskState.UNKNOWN
    progress: int | None = None
    task_id: str | None = None
    request_id: str | None = None
    image_id: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    error: ImgmoveError | None = None
    vendor_state: str = ""
    message: str = ""
    items: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    dry_run: bool = False
    findings: tuple[Finding, ...] = ()
    """What was found beforehand; also what an `error` carries."""

    def to_json(self) -> dict[str, Any]:
        """The document with the contract's names; further fields stand behind them."""
        document: dict[str, Any] = {
            "job": self.job,
            "operation": self.operation,
            "provider": self.provider,
            "region": self.region,
            "state": self.state.value,
            "progress": self.progress,
            "task_id": self.task_id,
            "request_id": self.request_id,
            "image_id": self.image_id,
            "artifacts": [artifact_json(artifact) for artifact in self.artifacts],
            "error": error_json(self.error),
        }
        extras = {
            "vendor_state": self.vendor_state,
            "message": self.message,
            "items": list(self.items),
            "steps": list(self.steps),
            "dry_run": self.dry_run,
            "findings": [finding_json(item) for item in self.findings or (self.error.findings if self.error else ())],
        }
        return document | {key: value for key, value in extras.items() if value}

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else 0


def artifact_json(artifact: Artifact) -> dict[str, Any]:
    return {
        "uri": artifact.uri,
        "format": artifact.format.value if artifact.format else None,
        "disk": artifact.disk,
        "size": artifact.size,
        "crc64": artifact.crc64,
    }


def error_json(error: ImgmoveError | None) -> dict[str, Any] | None:
    """The contract's error object; the code is ours where the vendor gave none."""
    if error is None:
        return None
    return {
        "code": error.code or error.kind.value,
        "message": error.message,
        "hint": error.hint,
        "request_id": error.request_id,
        "kind": error.kind.value,
        "exit_code": error.exit_code,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """The contract's finding; further fields stand behind its own."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "what": finding.what,
        "why": finding.why,
        "fix": finding.fix,
        "exit_code": finding.exit_code,
        "about": finding.about,
        "case": finding.case,
        "waivable": finding.waivable,
        "code": finding.code,
        "request_id": finding.request_id,
    }


def timestamp(seconds: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC."""
    return (
        datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if seconds else None
    )


def result_of_report(report: TaskReport, operation: str, provider: str, region: str) -> Result:
    """The result of a look at a vendor's task that no journal knows."""
    return Result(
        operation, provider, region,
        state=report.state, progress=report.progress, task_id=report.task_id, request_id=report.request_id,
        image_id=report.image_id, artifacts=report.artifacts, error=report.error,
        vendor_state=report.vendor_state, message=report.message,
    )  # fmt: skip


def job_summary(job: Job, holder: str | None = None) -> dict[str, Any]:
    """One row of `jobs list`."""
    return {
        "id": job.id,
        "operation": job.operation.value,
        "state": job.state.value,
        "created": timestamp(job.created_at),
        "ended": timestamp(job.ended_at),
        "running": holder,
        "steps": [step_json(step) for step in job.steps],
    }


def step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "state": STEP_TASK_STATES[step.state].value,
        "started": timestamp(step.intended_at),
        "ended": timestamp(step.ended_at),
        "skipped": step.state is StepState.SKIPPED,
        "message": str(step.outputs.get("message", "")),
    }


def leftover_json(job_id: str, resource: Resource) -> dict[str, Any]:
    """One row of `jobs clean`."""
    return {
        "job": job_id,
        "uri": resource.uri,
        "kind": resource.kind,
        "size": resource.size_bytes,
        "created": timestamp(resource.created_at),
    }


def image_row(provider: str, region: str, image: Image) -> dict[str, Any]:
    """One row of `images`."""
    address = ImageAddress(provider, region, image.id)
    return {
        "uri": str(address),
        "id": image.id,
        "name": image.name,
        "state": image.state,
        "size_gib": image.size_gib,
        "os": image.os,
        "created": image.created,
    }
