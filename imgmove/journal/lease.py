"""One runner a job: a lock that the kernel keeps for the living, and a row that says whose it is.

On one machine the lock decides: it is gone the moment its process is, however that died. Where a state directory is
shared between machines whose locks do not reach each other, the row's heartbeat decides, and whoever lost a job that
way is stopped at its next write (docs/explanation/adr/0005-leases.md).
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.journal.database import Database
from imgmove.journal.lock import JobLock

HEARTBEAT_SECONDS: Final = 20.0
EXPIRY_SECONDS: Final = 120.0


def boot_id() -> str:
    """Names this run of this machine's kernel; empty where the system has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Holder:
    """Who holds a job: a row of the table `holders`. Times are unix seconds."""

    since: float
    heartbeat_at: float
    lease: str = field(default_factory=lambda: uuid.uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    boot: str = field(default_factory=boot_id)

    @property
    def is_local(self) -> bool:
        """True for a holder whose lock we would see: on this machine, now or before it was started anew."""
        return self.host == socket.gethostname() or (self.boot != "" and self.boot == boot_id())

    def is_fresh(self, now: float) -> bool:
        """True where the holder gave a sign of life lately. A heartbeat in the far future is a clock gone wrong."""
        return abs(now - self.heartbeat_at) < EXPIRY_SECONDS

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"process {self.pid} on {self.host} since {since}"


class Leases:
    """The holds that this process has on jobs, and what can be seen of those of others."""

    def __init__(self, database: Database, now: Callable[[], float], heartbeat_seconds: float) -> None:
        self._database = database
        self._directory = database.path.parent / "locks"
        self._now = now
        self._heartbeat_seconds = heartbeat_seconds
        self._ours: dict[str, str] = {}

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        """Be the one runner of an existing job while inside; HELD where a living process is."""
        lock = JobLock(self._directory, job_id)
        with self._database.in_our_words():
            taken = lock.acquire()
        if not taken:
            raise held(job_id, self._row(job_id))
        try:
            self._take(job_id)
            with self._heartbeat(job_id):
                yield
        finally:
            self._leave(job_id)
            lock.release()

    def holder(self, job_id: str) -> str | None:
        """Who runs the job now, in words."""
        row = self._row(job_id)
        if row is None:
            return None
        alive = JobLock(self._directory, job_id).is_taken() if row.is_local else row.is_fresh(self._now())
        return str(row) if alive else None

    def check(self, connection: sqlite3.Connection, job_id: str) -> None:
        """Raise HELD where we hold the job and somebody else took it over. Asked in the transaction of every write."""
        lease = self._ours.get(job_id)
        if lease is None:
            return
        row = _read(connection, job_id)
        if row is None or row.lease != lease:
            raise held(job_id, row)

    def _row(self, job_id: str) -> Holder | None:
        with self._database.reading() as connection:
            return _read(connection, job_id) if connection else None

    def _take(self, job_id: str) -> None:
        """Write ourselves down as the holder; HELD where a living one on another machine is."""
        now = self._now()
        with self._database.writing() as connection:
            before = _read(connection, job_id)
            if before and not before.is_local and before.is_fresh(now):
                raise held(job_id, before)
            ours = Holder(since=now, heartbeat_at=now)
            row = {"job_id": job_id, **asdict(ours)}
            connection.execute("DELETE FROM holders WHERE job_id = ?", (job_id,))
            connection.execute(
                "INSERT INTO holders (job_id, lease, pid, host, boot, since, heartbeat_at)"
                " VALUES (:job_id, :lease, :pid, :host, :boot, :since, :heartbeat_at)", row,
            )  # fmt: skip
        self._ours[job_id] = ours.lease

    def _leave(self, job_id: str) -> None:
        lease = self._ours.pop(job_id, None)
        if lease is None:
            return
        try:
            with self._database.writing(durable=False) as connection:
                connection.execute("DELETE FROM holders WHERE job_id = ? AND lease = ?", (job_id, lease))
        except ImgmoveError:
            # The lock goes in any case, and a row without its lock is a dead holder's: nobody is kept out, and what
            # the run itself ended with must not be hidden behind this.
            return

    @contextmanager
    def _heartbeat(self, job_id: str) -> Iterator[None]:
        """Give a sign of life from time to time, from a thread of its own."""
        done = threading.Event()
        beater = threading.Thread(target=self._beat, args=(job_id, done), name=f"heartbeat {job_id}", daemon=True)
        beater.start()
        try:
            yield
        finally:
            done.set()
            beater.join()

    def _beat(self, job_id: str, done: threading.Event) -> None:
        lease = self._ours[job_id]
        while not done.wait(self._heartbeat_seconds):
            try:
                with self._database.writing(durable=False) as connection:
                    query = "UPDATE holders SET heartbeat_at = ? WHERE job_id = ? AND lease = ?"
                    connection.execute(query, (self._now(), job_id, lease))
            except ImgmoveError:
                # A disk that is full for a while must not end a run that has nothing to write just now. A holder
                # that stays silent loses the job to whoever asks from another machine.
                continue


def held(job_id: str, holder: Holder | None) -> ImgmoveError:
    """The error for who comes second."""
    who = str(holder) if holder else "another process that has just begun"
    hint = "wait for it, or stop it first"
    if holder is not None and not holder.is_local:
        hint = f"wait for it; if that machine is gone, try again {EXPIRY_SECONDS:.0f} seconds after it went"
    return ImgmoveError(Kind.HELD, f"job {job_id} is held by {who}", code="JobHeld", hint=hint)


def _read(connection: sqlite3.Connection, job_id: str) -> Holder | None:
    row = connection.execute("SELECT * FROM holders WHERE job_id = ?", (job_id,)).fetchone()
    return Holder(**{item.name: row[item.name] for item in fields(Holder)}) if row else None
