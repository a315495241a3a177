"""The tables of the journal file, and which versions of imgmove may use which versions of the file.

`PRAGMA user_version` is the schema that the file has; `meta.readable_from` is the oldest schema whose code may still
read and write it. A change that only adds (a column, a table) raises the first and not the second: older code goes on
working and leaves alone what it does not know. Code updates rows by column names for that reason, never whole rows.
A new value in an old column (an operation, a step's state) is no mere addition: it raises both.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.version import __version__

#: "imgj": marks the file as ours (PRAGMA application_id).
APPLICATION_ID: Final = 0x696D676A

#: `MIGRATIONS[n]` takes a file from schema n to n + 1.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "INSERT INTO meta VALUES ('readable_from', '1')",
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY, operation TEXT NOT NULL, created_at REAL NOT NULL, plan TEXT NOT NULL,
            profile TEXT NOT NULL, ended_at REAL)""",
        """CREATE TABLE steps (
            job_id TEXT NOT NULL REFERENCES jobs (id), position INTEGER NOT NULL, name TEXT NOT NULL,
            kind TEXT NOT NULL, needs TEXT NOT NULL, provider TEXT NOT NULL, region TEXT NOT NULL,
            request TEXT NOT NULL, state TEXT NOT NULL, token TEXT NOT NULL, intended_at REAL,
            first_intended_at REAL, accepted_at REAL, ended_at REAL, handle TEXT, memo TEXT NOT NULL,
            outputs TEXT NOT NULL, error TEXT, PRIMARY KEY (job_id, name))""",
        """CREATE TABLE resources (
            job_id TEXT NOT NULL REFERENCES jobs (id), uri TEXT NOT NULL, kind TEXT NOT NULL,
            provider TEXT NOT NULL, region TEXT NOT NULL, size_bytes INTEGER, created_at REAL NOT NULL,
            removed_at REAL, keep INTEGER NOT NULL, PRIMARY KEY (job_id, uri))""",
        """CREATE TABLE holders (
            job_id TEXT PRIMARY KEY REFERENCES jobs (id), lease TEXT NOT NULL, pid INTEGER NOT NULL,
            host TEXT NOT NULL, boot TEXT NOT NULL, since REAL NOT NULL, heartbeat_at REAL NOT NULL)""",
    ),
)
SCHEMA: Final = len(MIGRATIONS)


def is_current(connection: sqlite3.Connection, path: Path) -> bool:
    """True where the file may be used as it is, False where it has to be migrated first (or is new).

    Raises CORRUPT for somebody else's database, UNSUPPORTED for a journal that needs a newer imgmove.
    """
    connection.execute("BEGIN")  # one view: somebody else may be making the file just now
    try:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
        if owner != APPLICATION_ID:
            if found or owner or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise _foreign(path)
            return False
        if found > SCHEMA:
            _check_readable(connection, path)
        return found >= SCHEMA
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `SCHEMA`, in one transaction. The caller sees to it that nobody else does so meanwhile."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_readable(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'readable_from'").fetchone()
    if row is None or int(row[0]) > SCHEMA:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"the journal {path} belongs to a newer imgmove than this one ({__version__})",
            code="JournalTooNew", hint="upgrade imgmove, or set IMGMOVE_HOME to a directory of its own",
        )  # fmt: skip


def _foreign(path: Path) -> ImgmoveError:
    return ImgmoveError(
        Kind.CORRUPT, f"{path} is a database, but not a journal of imgmove", code="JournalCorrupt",
        hint="move it away; imgmove then begins a new journal",
    )  # fmt: skip
