"""What a started sandbox consists of: a locked directory, the world in it, worker threads, wires and listeners."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.exchange import Exchange, Surroundings
from imgmove.sandbox.faults import FaultPlan
from imgmove.sandbox.persistence import DirectoryError, DirectoryLock, Persistence
from imgmove.sandbox.request_log import RequestLog
from imgmove.sandbox.seed import Seed, sow
from imgmove.sandbox.server import Handler, Server
from imgmove.sandbox.wire import make_wires
from imgmove.sandbox.world import World

WORKER_THREADS = 32


class Runtime:
    """A running sandbox. Constructing it loads or seeds the world; `listen` opens the ports; `close` ends it all.

    With a directory, changes are written there before each answer; without one they are kept in a temporary
    directory, which `close` removes.
    """

    def __init__(
        self,
        clock: Clock,
        faults: FaultPlan,
        log: RequestLog,
        directory: Path | None,
        seed: Seed | None,
        speed: float | None,
    ) -> None:
        self._log = log
        self._seed = seed
        self._closing = ExitStack()
        self._temporary = directory is None
        try:
            root = self._prepare(directory)
            self.world = World(root, clock, faults, durable=not self._temporary)
            self._persistence = Persistence(self.world)
            self._wires = make_wires(self.world, clock)
            self._fill(speed)
            self._executor = self._closing.enter_context(ThreadPoolExecutor(WORKER_THREADS, "imgmove-sandbox"))
        except BaseException:
            self._closing.close()
            raise

    def listen(self, control_name: str, control: Handler, first_port: int | None) -> None:
        """Opens a port for each service and one for `control`. Raises PortError, after which all is closed."""
        around = Surroundings(
            clock=self.world.clock,
            faults=self.world.faults,
            log=self._log,
            executor=self._executor,
            incoming=self.world.incoming,
            persist=self.save,
            lose_upload=self.world.objects.lose_upload,
        )
        handlers: dict[str, Handler] = {name: Exchange(name, wire, around) for name, wire in self._wires.items()}
        server = Server({**handlers, control_name: control}, first_port)
        try:
            server.start()
        except BaseException:
            self._closing.close()
            raise
        self._closing.callback(server.stop)
        self.ports = server.ports

    def save(self) -> None:
        """Writes the state if it has changed and is to be kept."""
        if not self._temporary:
            self._persistence.save()

    def settle(self) -> None:
        """Brings both clouds up to the present of the clock."""
        self.world.tencent.settle()
        self.world.alibaba.settle()
        self.world.objects.settle()

    def sow(self, document: Mapping[str, Any]) -> None:
        """Adds what a document says to the world, or changes what is there. Raises SeedError."""
        from imgmove.sandbox.seed.file import sow_document

        with self.world.lock:
            sow_document(self.world, document)
        self.save()

    def reset(self) -> None:
        """Empties the world and sows the seed again. Requests that are under way find the new world."""
        with self.world.lock:
            self.world.objects.discard_all()
            self.world.clear()
            if self._seed is not None:
                sow(self.world, self._seed)
            self._drop_unused_disks()
        self.save()

    def close(self) -> None:
        """Closes the ports, waits for requests under way, writes the state, and gives the directory back."""
        self._closing.close()

    def _prepare(self, directory: Path | None) -> Path:
        if directory is None:
            root = Path(tempfile.mkdtemp(prefix="imgmove-sandbox-"))
            self._closing.callback(shutil.rmtree, root, ignore_errors=True)
            return root
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = DirectoryLock(directory)
            lock.acquire()
        except OSError as error:
            raise DirectoryError(f"{directory} can't be used: {error.strerror}") from error
        self._closing.callback(lock.release)
        return directory

    def _fill(self, speed: float | None) -> None:
        if self._persistence.load():
            if speed is not None:
                self.world.clock.speed = speed
        elif self._seed is not None:
            with self.world.lock:
                sow(self.world, self._seed)
        self._sweep()
        if not self._temporary:
            self.save()
            self._closing.callback(self._final_save)

    def _final_save(self) -> None:
        self.world.changed()  # the clock has moved on
        self.save()

    def _sweep(self) -> None:
        """Removes what an interrupted run has left behind. Not for a world that is being served."""
        with self.world.lock:
            self.world.objects.sweep()
            self._drop_unused_disks()
            for path in self.world.incoming.iterdir():
                path.unlink()

    def _drop_unused_disks(self) -> None:
        self.world.tencent.drop_unused_blobs()
        self.world.alibaba.drop_unused_blobs()
        self.world.changed()  # the next save is what discarded files wait for
