"""One runner a job: by a lock that dies with its process, and between machines by a heartbeat."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.journal import lock
from imgmove.journal.lease import EXPIRY_SECONDS
from imgmove.journal.lock import JobLock
from imgmove.journal.sqlite import SqliteJournal
from imgmove.testing.journal_contract import a_job, raises
from tests.journal import processes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "journal.sqlite3"
    journal = SqliteJournal(path)
    journal.add(a_job())
    journal.close()
    return path


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_who_comes_second_is_told_who_was_first(path: Path, tmp_path: Path) -> None:
    ready, done = tmp_path / "ready", tmp_path / "done"

    def hold() -> None:
        with SqliteJournal(path, now=lambda: 1_790_000_000.0).hold("job-1"):
            ready.touch()
            wait_until(done.exists)

    pid = processes.start(hold)
    wait_until(ready.exists)
    journal = SqliteJournal(path)
    error = raises(Kind.HELD, lambda: journal.hold("job-1").__enter__())
    for word in (str(pid), os.uname().nodename, "since 2026-09-21T"):
        assert word in error.message
    assert journal.holder("job-1") == error.message.partition("held by ")[2]
    journal.add(a_job("job-2"))
    with journal.hold("job-2"):
        done.touch()
    assert processes.finish(pid) == 0
    assert journal.holder("job-1") is None


def test_a_dead_owner_is_noticed_at_once(path: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    def hold_and_die() -> None:
        with SqliteJournal(path).hold("job-1"):
            ready.touch()
            processes.die()

    pid = processes.start(hold_and_die)
    assert processes.finish(pid) == -9
    assert ready.exists()
    journal = SqliteJournal(path)
    assert journal.holder("job-1") is None
    began = time.monotonic()
    with journal.hold("job-1"):
        assert str(os.getpid()) in (journal.holder("job-1") or "")
    assert time.monotonic() - began < 5.0


def test_of_many_who_race_one_wins(path: Path, tmp_path: Path) -> None:
    start, results = tmp_path / "start", tmp_path / "results"
    results.mkdir()

    def race() -> None:
        journal = SqliteJournal(path)
        wait_until(start.exists)
        try:
            with journal.hold("job-1"):
                (results / f"won-{os.getpid()}").touch()
                wait_until(lambda: len(list(results.iterdir())) == 6)
        except ImgmoveError as error:
            (results / f"{error.kind.value}-{os.getpid()}").touch()

    pids = [processes.start(race) for _ in range(6)]
    start.touch()
    assert [processes.finish(pid) for pid in pids] == [0] * 6
    outcomes = sorted(item.name.partition("-")[0] for item in results.iterdir())
    assert outcomes == ["held"] * 5 + ["won"]


def test_never_two_at_once_however_often_they_try(path: Path, tmp_path: Path) -> None:
    """Each holder makes a file that must not be there, and takes it away again."""
    inside = tmp_path / "inside"

    def try_often() -> None:
        journal = SqliteJournal(path)
        for _ in range(30):
            with suppress(ImgmoveError), journal.hold("job-1"):
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
                inside.unlink()

    pids = [processes.start(try_often) for _ in range(3)]
    assert [processes.finish(pid) for pid in pids] == [0] * 3


def test_a_lock_on_a_file_that_its_holder_has_just_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We open the file, its holder goes and removes it, and only then do we get the lock: on a file without a name."""
    first, second, third = (JobLock(tmp_path, "job-1") for _ in range(3))
    assert first.acquire()
    real = lock._try

    def let_the_first_go(descriptor: int, mode: int) -> bool:
        first.release()
        return real(descriptor, mode)

    monkeypatch.setattr(lock, "_try", let_the_first_go)
    assert second.acquire()
    assert not third.acquire()
    second.release()
    assert third.acquire()
    third.release()


def test_nothing_is_left_of_a_hold(path: Path) -> None:
    journal = SqliteJournal(path)
    with journal.hold("job-1"):
        assert len(list((path.parent / "locks").iterdir())) == 1
    assert list((path.parent / "locks").iterdir()) == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM holders").fetchone() == (0,)


def test_threads_of_one_process_exclude_each_other(path: Path) -> None:
    journal = SqliteJournal(path)
    errors: list[ImgmoveError] = []

    def second() -> None:
        try:
            with journal.hold("job-1"):
                pass
        except ImgmoveError as error:
            errors.append(error)

    with journal.hold("job-1"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        journal.intend("job-1", "export", "imtoken", 1.0)
    assert [error.kind for error in errors] == [Kind.HELD]


# ---------------------------------------------------------------------------------------------- other machines


def settle_elsewhere(path: Path, heartbeat_at: float, host: str = "elsewhere", boot: str = "another-boot") -> None:
    """A row as a process on another machine writes it."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM holders")
        connection.execute(
            "INSERT INTO holders VALUES ('job-1', 'theirs', 77, ?, ?, 1000, ?)", (host, boot, heartbeat_at)
        )
    connection.close()


def test_a_living_runner_on_another_machine_keeps_the_job(path: Path) -> None:
    settle_elsewhere(path, heartbeat_at=2000.0)
    journal = SqliteJournal(path, now=lambda: 2000.0 + EXPIRY_SECONDS - 1)
    error = raises(Kind.HELD, lambda: journal.hold("job-1").__enter__())
    assert "process 77 on elsewhere" in error.message
    assert "that machine" in error.hint
    assert journal.holder("job-1") == "process 77 on elsewhere since 1970-01-01T00:16:40Z"
    assert list((path.parent / "locks").iterdir()) == []


@pytest.mark.parametrize("now", [2000.0 + EXPIRY_SECONDS, 2000.0 - EXPIRY_SECONDS - 1e6])
def test_a_silent_runner_on_another_machine_loses_it(path: Path, now: float) -> None:
    settle_elsewhere(path, heartbeat_at=2000.0)
    journal = SqliteJournal(path, now=lambda: now)
    assert journal.holder("job-1") is None
    with journal.hold("job-1"):
        assert "process 77" not in (journal.holder("job-1") or "")


def test_a_machine_that_was_started_anew_or_renamed_keeps_nobody_out(path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    for host, mark in ((os.uname().nodename, "before the last start"), ("old-name", boot)):
        settle_elsewhere(path, time.time(), host, mark)
        journal = SqliteJournal(path)
        assert journal.holder("job-1") is None
        with journal.hold("job-1"):
            pass


def test_who_lost_the_job_writes_nothing_more(path: Path) -> None:
    """A machine that slept, and wakes up when another has gone on with its job."""
    journal = SqliteJournal(path)
    with journal.hold("job-1"):
        settle_elsewhere(path, heartbeat_at=time.time())
        error = raises(Kind.HELD, lambda: journal.intend("job-1", "export", "imtoken", 1.0))
        assert "elsewhere" in error.message
        raises(Kind.HELD, lambda: journal.close_job("job-1", 1.0))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT lease FROM holders").fetchone() == ("theirs",)
    assert SqliteJournal(path).job("job-1") == a_job()


def test_a_runner_gives_signs_of_life(path: Path) -> None:
    moments = iter(range(1000, 1_000_000))
    threads = set(threading.enumerate())
    journal = SqliteJournal(path, now=lambda: float(next(moments)), heartbeat_seconds=0.005)

    def heartbeat_at() -> float:
        with sqlite3.connect(path) as connection:
            found: float = connection.execute("SELECT heartbeat_at FROM holders").fetchone()[0]
        connection.close()
        return found

    with journal.hold("job-1"):
        first = heartbeat_at()
        wait_until(lambda: heartbeat_at() > first)
    assert set(threading.enumerate()) <= threads
