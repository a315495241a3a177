"""A real SIGKILL at every write of the journal and around every call of the provider, and the run after it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from imgmove.core.abilities import Abilities, Lookup
from imgmove.core.jobs import Job, StepState
from imgmove.core.requests import ExportRequest, Operation, ServiceRequest
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.engine.runner import Runner
from imgmove.engine.steps import operation_step
from imgmove.journal.database import Database
from imgmove.journal.sqlite import SqliteJournal
from imgmove.testing.fake_clock import FakeClock
from imgmove.testing.memory_compute import memory_abilities
from tests.journal import processes

REQUEST = ExportRequest(("img-1",), "bucket")


class FileService:
    """An image service that outlives its callers: each submit that takes effect is a line in a file."""

    region = "here"

    def __init__(self, path: Path, lookup: Lookup, tick: Any) -> None:
        self.path = path
        self.abilities: Abilities = memory_abilities(lookup)
        self._tick = tick

    def tokens(self) -> list[str]:
        return self.path.read_text("ascii").split() if self.path.exists() else []

    def submit(self, _request: ServiceRequest, token: str) -> Handle:
        self._tick()
        if self.abilities.ability(Operation.EXPORT).lookup is not Lookup.TOKENED or token not in self.tokens():
            with self.path.open("a", encoding="ascii") as file:
                file.write(token + "\n")
        self._tick()
        return Handle(Operation.EXPORT, "here", task_id=token)

    def find(self, _request: ServiceRequest, token: str, _since: float) -> Handle | None:
        self._tick()
        return Handle(Operation.EXPORT, "here", task_id=token) if token in self.tokens() else None

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        self._tick()
        looks = memo.get("looks", 0) + 1
        state = TaskState.SUCCEEDED if looks > 2 else TaskState.RUNNING
        return TaskReport(state, task_id=handle.task_id, memo={"looks": looks})


class Tick:
    """Counts the points at which we may die, and dies at one of them."""

    def __init__(self, fatal: int | None = None) -> None:
        self.count = 0
        self.fatal = fatal

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            processes.die()


def run(directory: Path, lookup: Lookup, tick: Tick) -> Job:
    """A whole life of imgmove: open the journal, add the job if it is not there, run it."""
    service = FileService(directory / "service", lookup, tick)
    journal = SqliteJournal(directory / "journal.sqlite3")
    if not journal.jobs():
        step = operation_step("export", "file", "here", REQUEST)
        journal.add(Job("job-1", Operation.EXPORT, 1.0, {}, (step,)))
    runner = Runner(journal, lambda _provider, _region: service, clock=FakeClock())  # type: ignore[arg-type,return-value]  # the calls that a run makes
    return runner.run("job-1")


@contextmanager
def ticking(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every transaction that writes tick: before it begins, before it is committed, and after that."""
    writing = Database.writing

    @contextmanager
    def ticking_writing(self: Database, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        tick()
        with writing(self, durable=durable) as connection:
            yield connection
            tick()
        tick()

    with monkeypatch.context() as patched:
        patched.setattr(Database, "writing", ticking_writing)
        yield


@pytest.mark.parametrize("lookup", [Lookup.TOKENED, Lookup.CONCLUSIVE], ids=str)
def test_killed_anywhere_and_taken_up_again(lookup: Lookup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Tick()
    with ticking(counting, monkeypatch):
        run(tmp_path / "whole", lookup, counting)
    assert counting.count > 20
    seen = set()
    for fatal in range(1, counting.count + 1):
        directory = tmp_path / str(fatal)
        tick = Tick(fatal)
        with ticking(tick, monkeypatch):
            assert processes.finish(processes.start(partial(run, directory, lookup, tick))) == -9
        before = SqliteJournal(directory / "journal.sqlite3").jobs()
        seen.add(before[0].step("export").state if before else None)
        job = run(directory, lookup, Tick())
        assert job.state is TaskState.SUCCEEDED, fatal
        assert FileService(directory / "service", lookup, Tick()).tokens() == [job.step("export").token], fatal
        assert intact(directory / "journal.sqlite3"), fatal
        assert list((directory / "locks").iterdir()) == []
    assert seen == {None, StepState.PLANNED, StepState.INTENDED, StepState.ACCEPTED, StepState.SUCCEEDED}


def intact(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return rows == [("ok",)] and os.access(path, os.W_OK)
