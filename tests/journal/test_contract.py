"""Both journals keep the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgmove.core.ports import Journal
from imgmove.journal.memory import MemoryJournal
from imgmove.journal.sqlite import SqliteJournal
from imgmove.testing.journal_contract import JournalContract, JournalHarness


class MemoryHarness(JournalHarness):
    def __init__(self) -> None:
        self.journal = MemoryJournal()

    def open(self) -> Journal:
        return self.journal


class SqliteHarness(JournalHarness):
    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> Journal:
        return SqliteJournal(self.path)


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def harness(self) -> JournalHarness:
        return MemoryHarness()


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> JournalHarness:
        return SqliteHarness(tmp_path / "state" / "journal.sqlite3")
