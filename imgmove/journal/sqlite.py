"""The journal in a SQLite file: what users have (docs/explanation/adr/0004-journal-in-sqlite.md)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imgmove.core.jobs import Job, Resource, Step
from imgmove.core.tasks import Handle
from imgmove.journal import rows, transitions
from imgmove.journal.database import Database
from imgmove.journal.lease import HEARTBEAT_SECONDS, Leases

FILE_NAME = "journal.sqlite3"


class SqliteJournal:
    """Jobs in the file `path`, shared by any number of processes and threads.

    Costs nothing until it is used; reading where there is no file yet finds no jobs and creates none. `now` is for the
    sign of life of a job's holder only: all other times are the callers'.
    """

    def __init__(
        self, path: Path, now: Callable[[], float] = time.time, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        self._database = Database(path)
        self._leases = Leases(self._database, now, heartbeat_seconds)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._database.close()

    # ---------------------------------------------------------------------------------------------------- jobs

    def add(self, job: Job) -> None:
        new = transitions.new_job(job)
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (new.id,)).fetchone():
                raise transitions.job_exists(new.id)
            rows.insert_job(connection, new)

    def job(self, job_id: str) -> Job:
        with self._database.reading() as connection:
            found = rows.read_jobs(connection, job_id) if connection else []
        if not found:
            raise transitions.no_such_job(job_id)
        return found[0]

    def jobs(self) -> Sequence[Job]:
        with self._database.reading() as connection:
            return rows.read_jobs(connection) if connection else []

    def close_job(self, job_id: str, at: float) -> None:
        with self._changing(job_id) as connection:
            connection.execute("UPDATE jobs SET ended_at = ? WHERE id = ?", (at, job_id))

    # --------------------------------------------------------------------------------------------------- steps

    def plan(self, job_id: str, step: Step) -> None:
        with self._changing(job_id) as connection:
            before = rows.read_step(connection, job_id, step.name)
            write = rows.insert_step if before is None else rows.update_step
            write(connection, job_id, transitions.planned(before, step))
            connection.execute("UPDATE jobs SET ended_at = NULL WHERE id = ?", (job_id,))

    def intend(self, job_id: str, step: str, token: str, at: float) -> None:
        self._change(job_id, step, lambda before: transitions.intended(before, token, at))

    def accepted(self, job_id: str, step: str, handle: Handle, at: float) -> None:
        self._change(job_id, step, lambda before: transitions.accepted(before, handle, at))

    def observed(self, job_id: str, step: str, memo: Mapping[str, Any]) -> None:
        self._change(job_id, step, lambda before: transitions.observed(before, memo), durable=False)

    def finished(self, job_id: str, step: str, outputs: Mapping[str, Any], at: float, *, skipped: bool = False) -> None:
        self._change(job_id, step, lambda before: transitions.finished(before, outputs, at, skipped=skipped))

    def failed(self, job_id: str, step: str, error: Mapping[str, Any], at: float, *, cancelled: bool = False) -> None:
        self._change(job_id, step, lambda before: transitions.failed(before, error, at, cancelled=cancelled))

    # ----------------------------------------------------------------------------------------------- resources

    def made(self, job_id: str, resource: Resource) -> None:
        with self._changing(job_id) as connection:
            before = rows.read_resource(connection, job_id, transitions.without_signatures_in(resource).uri)
            rows.put_resource(connection, job_id, transitions.made(before, resource))

    def removed(self, job_id: str, uri: str, at: float) -> None:
        with self._changing(job_id) as connection:
            query = "UPDATE resources SET removed_at = ? WHERE job_id = ? AND uri = ?"
            connection.execute(query, (at, job_id, uri))

    # ------------------------------------------------------------------------------------------------- holders

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        self.job(job_id)
        with self._leases.hold(job_id):
            yield

    def holder(self, job_id: str) -> str | None:
        self.job(job_id)
        return self._leases.holder(job_id)

    @contextmanager
    def _changing(self, job_id: str, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction on an existing job, refused where we held the job and somebody else took it over."""
        with self._database.writing(durable=durable) as connection:
            if not connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone():
                raise transitions.no_such_job(job_id)
            self._leases.check(connection, job_id)
            yield connection

    def _change(self, job_id: str, name: str, change: Callable[[Step], Step], *, durable: bool = True) -> None:
        with self._changing(job_id, durable=durable) as connection:
            before = rows.read_step(connection, job_id, name)
            if before is None:
                raise transitions.no_such_step(job_id, name)
            rows.update_step(connection, job_id, change(before))
