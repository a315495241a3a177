"""Jobs, steps and resources as rows of the journal's tables, and back."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from imgmove.core.codec import decode, encode
from imgmove.core.jobs import Job, Resource, Step

#: Columns that hold JSON.
_JSON: Final = frozenset({"plan", "needs", "request", "handle", "memo", "outputs", "error"})

_STEP_COLUMNS: Final = tuple(field.name for field in fields(Step))
_RESOURCE_COLUMNS: Final = tuple(field.name for field in fields(Resource))
_JOB_COLUMNS: Final = tuple(field.name for field in fields(Job) if field.name not in {"steps", "resources"})

_Record = TypeVar("_Record", Job, Step, Resource)


class DamagedRow(Exception):  # noqa: N818 - becomes an ImgmoveError where the file's name is known
    """A row that is no job, step or resource."""


def read_jobs(connection: sqlite3.Connection, job_id: str | None = None) -> list[Job]:
    """All jobs with their steps and resources, newest first, or the one named (none: an empty list)."""
    steps: dict[str, list[Step]] = defaultdict(list)
    resources: dict[str, list[Resource]] = defaultdict(list)
    which = (job_id,)
    for row in connection.execute("SELECT * FROM steps WHERE ?1 IS NULL OR job_id = ?1 ORDER BY position", which):
        steps[row["job_id"]].append(_record(Step, row, _STEP_COLUMNS))
    for row in connection.execute("SELECT * FROM resources WHERE ?1 IS NULL OR job_id = ?1 ORDER BY rowid", which):
        resources[row["job_id"]].append(_record(Resource, row, _RESOURCE_COLUMNS))
    query = "SELECT * FROM jobs WHERE ?1 IS NULL OR id = ?1 ORDER BY created_at DESC, rowid DESC"
    jobs = connection.execute(query, which).fetchall()
    return [
        replace(
            _record(Job, row, _JOB_COLUMNS, steps=[], resources=[]),
            steps=tuple(steps[row["id"]]), resources=tuple(resources[row["id"]]),
        )
        for row in jobs
    ]  # fmt: skip


def read_step(connection: sqlite3.Connection, job_id: str, name: str) -> Step | None:
    row = connection.execute("SELECT * FROM steps WHERE job_id = ? AND name = ?", (job_id, name)).fetchone()
    return _record(Step, row, _STEP_COLUMNS) if row else None


def read_resource(connection: sqlite3.Connection, job_id: str, uri: str) -> Resource | None:
    row = connection.execute("SELECT * FROM resources WHERE job_id = ? AND uri = ?", (job_id, uri)).fetchone()
    return _record(Resource, row, _RESOURCE_COLUMNS) if row else None


def insert_job(connection: sqlite3.Connection, job: Job) -> None:
    _insert(connection, "jobs", _JOB_COLUMNS, _values(job, _JOB_COLUMNS))
    for step in job.steps:
        insert_step(connection, job.id, step)
    for resource in job.resources:
        put_resource(connection, job.id, resource)


def insert_step(connection: sqlite3.Connection, job_id: str, step: Step) -> None:
    """Add a step behind the job's others."""
    position = connection.execute("SELECT count(*) FROM steps WHERE job_id = ?", (job_id,)).fetchone()[0]
    _insert(
        connection, "steps", ("job_id", "position", *_STEP_COLUMNS), [job_id, position, *_values(step, _STEP_COLUMNS)]
    )


def update_step(connection: sqlite3.Connection, job_id: str, step: Step) -> None:
    """Write the columns that we know; those of a newer imgmove stay as they are."""
    assignments = ", ".join(f"{name} = ?" for name in _STEP_COLUMNS)
    arguments = [*_values(step, _STEP_COLUMNS), job_id, step.name]
    query = f"UPDATE steps SET {assignments} WHERE job_id = ? AND name = ?"  # noqa: S608 - our own fields' names
    connection.execute(query, arguments)


def put_resource(connection: sqlite3.Connection, job_id: str, resource: Resource) -> None:
    """Add a resource or write the columns that we know anew."""
    columns = ("job_id", *_RESOURCE_COLUMNS)
    updates = ", ".join(f"{name} = excluded.{name}" for name in _RESOURCE_COLUMNS)
    conflict = f" ON CONFLICT (job_id, uri) DO UPDATE SET {updates}"
    _insert(connection, "resources", columns, [job_id, *_values(resource, _RESOURCE_COLUMNS)], conflict)


def _insert(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Any], behind: str = ""
) -> None:
    marks = ", ".join("?" * len(columns))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}){behind}"  # noqa: S608 - our own names
    connection.execute(query, values)


def _values(record: Job | Step | Resource, columns: Iterable[str]) -> list[Any]:
    """The record's columns as SQLite takes them."""
    return [_to_column(name, encode(getattr(record, name))) for name in columns]


def _to_column(name: str, value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if name in _JSON and value is not None else value


def _record(kind: type[_Record], row: sqlite3.Row, columns: Iterable[str], **more: Any) -> _Record:
    try:
        values = {name: _from_column(name, row[name]) for name in columns}
        return decode(kind, {**values, **more})
    except (ValueError, TypeError, IndexError) as error:
        raise DamagedRow(f"a {kind.__name__.lower()} in it is not readable: {error}") from error


def _from_column(name: str, value: Any) -> Any:
    if name == "keep":
        return bool(value)
    return json.loads(value) if name in _JSON and value is not None else value
