"""The journal's file: made late and for its owner only, shared between versions, and honest when it can't be used."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from imgmove.core.errors import Kind
from imgmove.core.jobs import StepState
from imgmove.journal import database
from imgmove.journal.schema import SCHEMA
from imgmove.journal.sqlite import SqliteJournal
from imgmove.testing.journal_contract import SIGNED_URLS, a_job, move, raises
from tests.journal import processes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "imgmove" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> SqliteJournal:
    journal = SqliteJournal(path)
    journal.add(a_job())
    return journal


# --------------------------------------------------------------------------------------------------- the file


def test_nothing_is_made_before_something_is_written(path: Path) -> None:
    journal = SqliteJournal(path)
    assert list(journal.jobs()) == []
    raises(Kind.NOT_FOUND, lambda: journal.job("job-1"))
    raises(Kind.NOT_FOUND, lambda: journal.hold("job-1").__enter__())
    assert not path.parent.parent.exists()


def test_the_file_is_its_owners_alone(path: Path, journal: SqliteJournal) -> None:
    with journal.hold("job-1"):
        modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.rglob("*")}
    assert {name: mode for name, mode in modes.items() if mode not in {0o600, 0o700}} == {}
    assert modes["journal.sqlite3-wal"] == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_the_mode_does_not_depend_on_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        SqliteJournal(path).add(a_job())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_opening_costs_next_to_nothing(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        SqliteJournal(path).job("job-1")
        durations.append(time.perf_counter() - began)
    assert min(durations) < 0.010


def test_who_does_not_use_the_journal_does_not_load_sqlite() -> None:
    script = "import imgmove.engine.runner, imgmove.journal, sys; sys.exit('sqlite3' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_it_keeps_a_write_ahead_log_and_syncs_it(path: Path, journal: SqliteJournal) -> None:
    journal.intend("job-1", "export", "imtoken", 1.0)
    assert journal._database._connection is not None
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert journal._database._connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_no_secret_reaches_the_disk(path: Path, journal: SqliteJournal) -> None:
    for url in SIGNED_URLS:
        journal.failed("job-1", "export", {"kind": "unknown", "message": f"GET {url}: 403"}, 1.0)
    written = b"".join(item.read_bytes() for item in path.parent.iterdir() if item.is_file())
    assert b"q-signature=REMOVED" in written or b"ignature=REMOVED" in written
    assert b"DOOR" not in written


def test_words_that_look_like_secrets_and_are_none_stay(journal: SqliteJournal) -> None:
    message = "SignatureDoesNotMatch: the signature we calculated does not match; token im0123"
    journal.failed("job-1", "export", {"message": message, "token": "im0123"}, 1.0)
    assert journal.job("job-1").step("export").error == {"message": message, "token": "im0123"}


# ----------------------------------------------------------------------------------------------- versions of it


def test_a_newer_journal_that_allows_it_is_used_and_its_own_columns_kept(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    with sqlite3.connect(path) as newer:
        newer.execute("ALTER TABLE steps ADD COLUMN speed TEXT NOT NULL DEFAULT 'fast'")
        newer.execute("ALTER TABLE jobs ADD COLUMN colour TEXT")
        newer.execute("CREATE TABLE tags (job_id TEXT, tag TEXT)")
        newer.execute("UPDATE steps SET speed = 'slow'")
        newer.execute("UPDATE jobs SET colour = 'blue'")
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    newer.close()
    for state in (StepState.INTENDED, StepState.ACCEPTED, StepState.FAILED, StepState.PLANNED):
        move(journal, state)
    journal.close_job("job-1", 9.0)
    journal.add(a_job("job-2"))
    journal.close()
    with sqlite3.connect(path) as newer:
        assert newer.execute("SELECT DISTINCT job_id, speed FROM steps").fetchall() == [
            ("job-1", "slow"),
            ("job-2", "fast"),
        ]
        assert newer.execute("SELECT colour FROM jobs WHERE id = 'job-1'").fetchone() == ("blue",)
        assert newer.execute("PRAGMA user_version").fetchone() == (SCHEMA + 1,)


def test_fields_of_a_newer_imgmove_within_json_are_kept(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    with sqlite3.connect(path) as newer:
        newer.execute("""UPDATE jobs SET plan = '{"name": "x", "future": [1]}'""")
        newer.execute("""UPDATE steps SET request = '{"operation": "export", "future": 1}' WHERE name = 'export'""")
    newer.close()
    journal.intend("job-1", "export", "imtoken", 1.0)
    job = journal.job("job-1")
    assert job.plan == {"name": "x", "future": [1]}
    assert job.step("export").request == {"operation": "export", "future": 1}


def test_a_newer_journal_that_forbids_it_is_left_alone(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA + 5}")
        newer.execute("UPDATE meta SET value = ? WHERE key = 'readable_from'", (str(SCHEMA + 3),))
    newer.close()
    before = path.read_bytes()
    error = raises(Kind.UNSUPPORTED, lambda: SqliteJournal(path).jobs())
    assert error.code == "JournalTooNew"
    assert "newer imgmove" in error.message
    assert "upgrade" in error.hint
    raises(Kind.UNSUPPORTED, lambda: SqliteJournal(path).add(a_job("job-2")))
    assert path.read_bytes() == before


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE jobs (id INTEGER)")
    theirs.close()
    before = path.read_bytes()
    error = raises(Kind.CORRUPT, lambda: SqliteJournal(path).add(a_job()))
    assert "not a journal" in error.message
    assert path.read_bytes() == before


def test_an_empty_file_is_a_journal_that_was_begun(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    SqliteJournal(path).add(a_job())
    assert SqliteJournal(path).job("job-1") == a_job()


# ------------------------------------------------------------------------------------------------------- trouble


def test_a_file_that_is_no_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not a database, whatever its name says " * 50)
    for call in (SqliteJournal(path).jobs, lambda: SqliteJournal(path).add(a_job())):
        error = raises(Kind.CORRUPT, call)
        assert error.code == "JournalCorrupt"
        assert str(path) in error.message
        assert error.hint
        assert error.exit_code == 7


def test_a_file_with_damaged_pages(path: Path, journal: SqliteJournal) -> None:
    for number in range(50):
        journal.add(a_job(f"more-{number}"))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    error = raises(Kind.CORRUPT, lambda: SqliteJournal(path).jobs())
    assert error.code == "JournalCorrupt"
    assert path.read_bytes() == bytes(content)


@pytest.mark.parametrize(
    "damage",
    ["UPDATE steps SET handle = '{'", "UPDATE steps SET state = 'asleep'", "UPDATE jobs SET operation = 'bake'"],
)
def test_a_row_that_is_no_job(path: Path, journal: SqliteJournal, damage: str) -> None:
    journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    assert raises(Kind.CORRUPT, journal.jobs).code == "JournalCorrupt"


def test_a_directory_in_place_of_the_file(path: Path) -> None:
    path.mkdir(parents=True)
    error = raises(Kind.UNAVAILABLE, lambda: SqliteJournal(path).add(a_job()))
    assert "IMGMOVE_HOME" in error.hint


def test_a_file_in_place_of_the_directory(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.touch()
    error = raises(Kind.UNAVAILABLE, lambda: SqliteJournal(path).add(a_job()))
    assert "IMGMOVE_HOME" in error.hint


def test_a_full_disk_loses_nothing(path: Path, journal: SqliteJournal) -> None:
    """A limit on the size of files stands in for a disk without room: writes fail in the same place."""

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        other = SqliteJournal(path)
        other.intend("job-1", "export", "imtoken", 1.0)
        room = (path.parent / "journal.sqlite3-wal").stat().st_size + 5000
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        def add_many() -> None:
            for number in range(100):
                other.add(a_job(f"more-{number}"))

        error = raises(Kind.UNAVAILABLE, add_many)
        assert error.code in {"JournalFull", "JournalUnavailable"}
        assert "IMGMOVE_HOME" in error.hint
        raises(Kind.UNAVAILABLE, lambda: move(other, StepState.ACCEPTED))
        assert other.job("job-1").step("export").state is StepState.INTENDED

    journal.close()
    assert processes.finish(processes.start(fill)) == 0
    assert journal.job("job-1").step("export").state is StepState.INTENDED
    move(journal, StepState.ACCEPTED)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that other users reach, too: root has to become one to meet a refusal."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def test_a_read_only_journal_says_so(public_directory: Path) -> None:
    path = public_directory / "journal.sqlite3"
    journal = SqliteJournal(path)
    journal.add(a_job())
    journal.close()
    path.chmod(0o444)
    public_directory.chmod(0o555)

    def write() -> None:
        if os.getuid() == 0:
            os.setuid(65534)
        for call in (partial(move, SqliteJournal(path), StepState.INTENDED), SqliteJournal(path).jobs):
            error = raises(Kind.UNAVAILABLE, call)
            assert error.code in {"JournalReadOnly", "JournalUnavailable"}
            assert "writable" in error.hint
        assert raises(Kind.UNAVAILABLE, lambda: SqliteJournal(path.parent / "new" / "j").add(a_job())).hint

    try:
        assert processes.finish(processes.start(write)) == 0
    finally:
        public_directory.chmod(0o755)


def test_a_journal_that_somebody_locks_for_good(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    error = raises(Kind.UNAVAILABLE, lambda: move(SqliteJournal(path), StepState.INTENDED))
    assert error.code == "JournalBusy"
    other.execute("ROLLBACK")
    other.close()
    move(journal, StepState.INTENDED)


# -------------------------------------------------------------------------------------------- many processes


@pytest.mark.parametrize("number_of_try", range(5))
def test_many_processes_begin_one_journal(path: Path, number_of_try: int) -> None:
    pids = [processes.start(partial(SqliteJournal(path).add, a_job(f"job-{number}"))) for number in range(8)]
    assert [processes.finish(pid) for pid in pids] == [0] * 8
    assert {job.id for job in SqliteJournal(path).jobs()} == {f"job-{number}" for number in range(8)}


def test_many_processes_write_at_once(path: Path, journal: SqliteJournal) -> None:
    for number in range(4):
        journal.add(a_job(f"work-{number}"))
    journal.close()

    def work(job_id: str) -> None:
        own = SqliteJournal(path)
        for at in range(20):
            own.intend(job_id, "export", "imtoken", float(at))
        own.finished(job_id, "export", {"by": os.getpid()}, 1.0)

    pids = [processes.start(partial(work, f"work-{number}")) for number in range(4)]
    assert [processes.finish(pid) for pid in pids] == [0] * 4
    done = [journal.job(f"work-{number}").step("export") for number in range(4)]
    assert [(step.state, step.intended_at, step.outputs["by"]) for step in done] == [
        (StepState.SUCCEEDED, 19.0, pid) for pid in pids
    ]
