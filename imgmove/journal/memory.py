"""A journal that lives as long as the process: for tests, and for scripts that want no file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.jobs import Job, Resource, Step
from imgmove.core.tasks import Handle
from imgmove.journal import transitions


class MemoryJournal:
    """The twin of `SqliteJournal`: the same rules, nothing durable. Safe to use from several threads."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._held: set[str] = set()
        self._lock = threading.RLock()

    def add(self, job: Job) -> None:
        with self._lock:
            if job.id in self._jobs:
                raise transitions.job_exists(job.id)
            self._jobs[job.id] = transitions.new_job(job)

    def job(self, job_id: str) -> Job:
        with self._lock:
            if job_id not in self._jobs:
                raise transitions.no_such_job(job_id)
            return self._jobs[job_id]

    def jobs(self) -> Sequence[Job]:
        with self._lock:
            latest_first = reversed(self._jobs.values())
            return sorted(latest_first, key=lambda job: job.created_at, reverse=True)

    def plan(self, job_id: str, step: Step) -> None:
        with self._lock:
            job = self.job(job_id)
            before = next((known for known in job.steps if known.name == step.name), None)
            after = transitions.planned(before, step)
            steps = (*job.steps, after) if before is None else _replaced(job.steps, after)
            self._jobs[job_id] = replace(job, steps=steps, ended_at=None)

    def intend(self, job_id: str, step: str, token: str, at: float) -> None:
        self._change(job_id, step, lambda before: transitions.intended(before, token, at))

    def accepted(self, job_id: str, step: str, handle: Handle, at: float) -> None:
        self._change(job_id, step, lambda before: transitions.accepted(before, handle, at))

    def observed(self, job_id: str, step: str, memo: Mapping[str, Any]) -> None:
        self._change(job_id, step, lambda before: transitions.observed(before, memo))

    def finished(self, job_id: str, step: str, outputs: Mapping[str, Any], at: float, *, skipped: bool = False) -> None:
        self._change(job_id, step, lambda before: transitions.finished(before, outputs, at, skipped=skipped))

    def failed(self, job_id: str, step: str, error: Mapping[str, Any], at: float, *, cancelled: bool = False) -> None:
        self._change(job_id, step, lambda before: transitions.failed(before, error, at, cancelled=cancelled))

    def made(self, job_id: str, resource: Resource) -> None:
        with self._lock:
            job = self.job(job_id)
            rows = {known.uri: known for known in job.resources}
            after = transitions.made(rows.get(transitions.without_signatures_in(resource).uri), resource)
            self._jobs[job_id] = replace(job, resources=tuple((rows | {after.uri: after}).values()))

    def removed(self, job_id: str, uri: str, at: float) -> None:
        with self._lock:
            job = self.job(job_id)
            rows = tuple(replace(row, removed_at=at) if row.uri == uri else row for row in job.resources)
            self._jobs[job_id] = replace(job, resources=rows)

    def close_job(self, job_id: str, at: float) -> None:
        with self._lock:
            self._jobs[job_id] = replace(self.job(job_id), ended_at=at)

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        with self._lock:
            self.job(job_id)
            if job_id in self._held:
                raise ImgmoveError(Kind.HELD, f"job {job_id} is held by this process", code="JobHeld")
            self._held.add(job_id)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(job_id)

    def holder(self, job_id: str) -> str | None:
        with self._lock:
            self.job(job_id)
            return "this process" if job_id in self._held else None

    def _change(self, job_id: str, name: str, change: Callable[[Step], Step]) -> None:
        with self._lock:
            job = self.job(job_id)
            before = next((step for step in job.steps if step.name == name), None)
            if before is None:
                raise transitions.no_such_step(job_id, name)
            self._jobs[job_id] = replace(job, steps=_replaced(job.steps, change(before)))


def _replaced(steps: Sequence[Step], step: Step) -> tuple[Step, ...]:
    return tuple(step if known.name == step.name else known for known in steps)
