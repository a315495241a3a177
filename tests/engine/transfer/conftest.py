"""A server of two stores for each test, connections that end with it, and a clock that passes at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from imgmove.core.ports import ObjectStore
from imgmove.engine.transfer.connections import pool
from imgmove.engine.transfer.object_copy import copy_object
from imgmove.engine.transfer.record import CopyRecord
from imgmove.engine.transfer.surroundings import Copied, CopyOptions, Surroundings
from imgmove.engine.waiting import Waiter
from imgmove.testing.fake_clock import FakeClock
from tests.engine.transfer.http_store import KIB, HttpStore, Server

KEY = "disk.raw"


@dataclass
class Rig:
    """Two buckets, and a copy between them whose every event is kept."""

    server: Server
    executor: Executor
    source: HttpStore
    destination: HttpStore
    clock: FakeClock = field(default_factory=FakeClock)
    stop: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None
    record: CopyRecord | None = None
    kept: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    moved: list[tuple[int, int]] = field(default_factory=list)
    on_moved: Callable[[int, int], None] = lambda _done, _total: None
    options: CopyOptions = field(default_factory=lambda: CopyOptions(workers=4, part_bytes=4 * KIB))

    def fill(self, size_bytes: int, seed: int = 1) -> bytes:
        """Random bytes at the source."""
        body = random.Random(seed).randbytes(size_bytes)
        self.source.put(KEY, body)
        self.source.calls.clear()
        return body

    def around(self) -> Surroundings:
        return Surroundings(
            self.executor,
            Waiter(self.clock, self.deadline, self.stop, "come back"),
            moved=self._moved,
            keep=self._keep,
            chance=random.Random(1),
            note=self.notes.append,
            grace_seconds=0.05,
        )

    def _moved(self, done: int, total: int) -> None:
        self.moved.append((done, total))
        self.on_moved(done, total)

    def _keep(self, record: CopyRecord, durable: bool) -> None:
        self.record = CopyRecord.from_json(record.to_json() | {"crcs": dict(record.crcs)})
        self.kept.append(durable)

    def copy(
        self,
        record: CopyRecord | None = None,
        source: ObjectStore | None = None,
        destination: ObjectStore | None = None,
    ) -> Copied:
        return copy_object(
            source or self.source, KEY, destination or self.destination, KEY, self.options, self.around(), record
        )

    def copied_body(self) -> bytes:
        return self.destination.read(KEY, 0, 1 << 40)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server
    pool.close_idle()


@pytest.fixture
def rig(server: Server) -> Iterator[Rig]:
    with ThreadPoolExecutor(8) as executor:
        yield Rig(server, executor, server.store("source"), server.store("destination"))
