"""The journal's SQLite file: opened when first needed, durable when a transaction ends, its errors in our words."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.journal import schema
from imgmove.journal.lock import alone_in
from imgmove.journal.rows import DamagedRow

_BUSY_SECONDS: Final = 30.0
_HOME_HINT: Final = "or set IMGMOVE_HOME to another directory"

#: SQLite's primary result codes (the low byte of an extended one) and what they mean for a journal.
_MEANINGS: Final[dict[int, tuple[Kind, str, str, str]]] = {
    sqlite3.SQLITE_FULL: (Kind.UNAVAILABLE, "JournalFull", "has no room left", f"free disk space, {_HOME_HINT}"),
    sqlite3.SQLITE_IOERR: (
        Kind.UNAVAILABLE, "JournalUnavailable", "can't be read or written", f"check the disk and its room, {_HOME_HINT}",
    ),
    sqlite3.SQLITE_READONLY: (
        Kind.UNAVAILABLE, "JournalReadOnly", "can't be written", f"make it and its directory writable, {_HOME_HINT}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Kind.UNAVAILABLE, "JournalUnavailable", "can't be opened", f"make its directory writable, {_HOME_HINT}",
    ),
    sqlite3.SQLITE_PERM: (
        Kind.UNAVAILABLE, "JournalUnavailable", "can't be opened", f"check its permissions, {_HOME_HINT}",
    ),
    sqlite3.SQLITE_BUSY: (
        Kind.UNAVAILABLE, "JournalBusy", "is locked by another process", "try again; look who has it open",
    ),
}  # fmt: skip
_DAMAGE_HINT: Final = (
    "keep the file; `sqlite3 FILE .recover` may bring its jobs back. Move it away and imgmove begins a new journal: "
    "the jobs in the old one go on at the provider all the same"
)


class Database:
    """One file, one connection, used under a lock by whatever threads there are.

    Nothing is opened or created before the first use. The file is made with mode 0600, missing directories with 0700.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """One consistent view; None where there is no file yet."""
        with self._lock, self.in_our_words():
            if self._connection is None and not self.path.exists():
                yield None
                return
            connection = self._open()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction: on disk when this returns (with `durable` false: at the latest with the next that is)."""
        with self._lock, self.in_our_words():
            connection = self._open()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            create_file(self.path)
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA fullfsync = ON")  # macOS: without it a sync ends in the disk's own cache
        if schema.is_current(connection, self.path):
            return
        with alone_in(self.path.parent):
            if not schema.is_current(connection, self.path):
                # Readers and a writer side by side; where the file system can't, SQLite keeps its other journal.
                connection.execute("PRAGMA journal_mode = WAL")
                schema.migrate(connection)

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        """What SQLite or the file system raises inside comes out as an error with a hint."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._failure(error) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ImgmoveError(
                Kind.UNAVAILABLE, f"the journal {self.path} can't be used: {reason}", code="JournalUnavailable",
                hint=f"make its directory writable, {_HOME_HINT}",
            ) from error  # fmt: skip
        except DamagedRow as error:
            raise self._damaged(error) from error

    def _failure(self, error: sqlite3.Error) -> ImgmoveError:
        primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if primary not in _MEANINGS:
            return self._damaged(error)
        kind, code, what, hint = _MEANINGS[primary]
        return ImgmoveError(kind, f"the journal {self.path} {what} ({error})", code=code, hint=hint)

    def _damaged(self, error: Exception) -> ImgmoveError:
        return ImgmoveError(
            Kind.CORRUPT, f"the journal {self.path} is damaged ({error})", code="JournalCorrupt", hint=_DAMAGE_HINT
        )


def create_file(path: Path) -> None:
    """Make an empty file with mode 0600 (and what directories it lacks with 0700), durably; an existing one stays."""
    if path.exists():
        return
    for directory in reversed([path.parent, *path.parent.parents]):
        if not directory.exists():
            directory.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        # Never opens a file that is there: closing it would drop the locks that SQLite may have on it in this process.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    directory_fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
