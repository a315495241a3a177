"""The sandbox as a whole: a world, its wires on their ports, and the Python API over them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.clock import DEFAULT_SPEED, Clock
from imgmove.sandbox.faults import Fault, FaultPlan
from imgmove.sandbox.http import SERVICES
from imgmove.sandbox.request_log import LogEntry, RequestLog
from imgmove.sandbox.seed import CREDENTIALS, DEFAULT, Seed

if TYPE_CHECKING:
    from imgmove.sandbox.runtime import Runtime
    from imgmove.sandbox.world import World

CONTROL = "control"


class NotStartedError(RuntimeError):
    """Something was asked of a sandbox that only a started one has."""


class Sandbox:
    """Tencent Cloud and Alibaba Cloud on loopback, as far as moving images needs them.

    >>> with Sandbox() as sandbox:
    ...     os.environ.update(sandbox.environment())
    ...     sandbox.faults.add("cvm:ExportImages throttle times=2")
    ...     ...                       # run the program under rehearsal, in this or another process
    ...     sandbox.clock.advance(3600)
    ...     sandbox.requests("cvm", "ExportImages")

    `directory` keeps the state there, also over a crash; None keeps it until `stop`. `port` is the first of ten
    consecutive ports, in the order of `SERVICES` with the control port last; None takes free ones. `speed` is
    the pace of the sandbox's own time (default 60 seconds a second, or what the directory has). `seed` says
    what a new world holds (see `imgmove.sandbox.seed`): the default world, None for nothing, a function that is
    given the world, or the path of a TOML file; a directory that has a state already keeps it. `faults` are put
    into the plan, as `Fault` or as text. Raises FaultError for a fault that makes no sense, ValueError for a speed.

    Starting and stopping are safe to repeat. The object may be used from several threads.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        port: int | None = None,
        speed: float | None = None,
        seed: Seed | None = DEFAULT,
        faults: Iterable[Fault | str] = (),
    ) -> None:
        self.clock = Clock(DEFAULT_SPEED if speed is None else speed)
        """Both clocks: `wall()` for signatures and timestamps, `now()` for tasks."""
        self.faults = FaultPlan()
        """What shall go wrong; may be changed at any time."""
        for fault in faults:
            self.faults.add(fault)
        self._directory = None if directory is None else Path(directory)
        self._first_port = port
        self._speed = speed
        self._seed = seed
        self._log = RequestLog()
        self._changing = threading.RLock()
        self._stopped = threading.Event()
        self._runtime: Runtime | None = None

    # Life

    def start(self) -> Sandbox:
        """Loads or seeds the world and opens the ports; returns itself.

        Raises DirectoryError for a state directory in use or unreadable, SeedError for a seed that can't be sown,
        PortError for a port that can't be had; the sandbox is then as if never started.
        """
        from imgmove.sandbox.control import Control
        from imgmove.sandbox.runtime import Runtime

        with self._changing:
            if self._runtime is None:
                self._stopped.clear()
                runtime = Runtime(self.clock, self.faults, self._log, self._directory, self._seed, self._speed)
                runtime.listen(CONTROL, Control(self, self._log), self._first_port)
                self._runtime = runtime
        return self

    def stop(self) -> None:
        """Closes the ports, writes the state and removes what was temporary."""
        with self._changing:
            runtime, self._runtime = self._runtime, None
            if runtime is not None:
                runtime.close()
            self._stopped.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks until the sandbox is stopped, from here or over the control port; False after `timeout` seconds."""
        return self._stopped.wait(timeout)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Where it is

    @property
    def endpoints(self) -> dict[str, str]:
        """The URL of each service by its name in `SERVICES`: {"cvm": "http://127.0.0.1:40001", …}."""
        return {service: self._url(service) for service in SERVICES}

    def endpoint(self, service: str) -> str:
        """The URL of one service. Raises KeyError for a name that is not in `SERVICES`."""
        return self.endpoints[service]

    @property
    def control_url(self) -> str:
        """The URL of the control port (see `imgmove.sandbox.control`)."""
        return self._url(CONTROL)

    def environment(self) -> dict[str, str]:
        """The environment variables that lead a program here and make it the operator of the default world."""
        endpoints = {f"IMGMOVE_ENDPOINT_URL_{name.upper()}": url for name, url in self.endpoints.items()}
        return {**endpoints, **CREDENTIALS, "IMGMOVE_SANDBOX_CONTROL": self.control_url}

    # What it holds and has seen

    @property
    def world(self) -> World:
        """Everything that the two clouds hold. Take `world.lock` around access while requests may be running."""
        return self._started().world

    @property
    def directory(self) -> Path:
        """Where the state and the bytes of objects and disks are."""
        return self._started().world.root

    def requests(self, service: str | None = None, action: str | None = None) -> list[LogEntry]:
        """The requests seen so far, oldest first, of one service and action if given. A request is listed before
        its answer goes out."""
        return self._log.list(service, action)

    def settle(self) -> None:
        """Brings all tasks up to the sandbox's present, as any request would."""
        self._started().settle()

    def save(self) -> None:
        """Writes the state if it has changed: for changes made in Python, which no request's answer waits for."""
        self._started().save()

    def sow(self, document: Mapping[str, Any]) -> None:
        """Adds to the world what a document says in a seed file's words, or changes what is there already:
        `{"bucket": [{"provider": "alibaba", "name": "imgmove-hz", "encryption": "KMS"}]}`. Raises SeedError."""
        self._started().sow(document)

    def reset(self) -> None:
        """Empties the world and sows the seed again; forgets faults and the log of requests."""
        self.faults.clear()
        self._log.clear()
        self._started().reset()

    def _started(self) -> Runtime:
        if self._runtime is None:
            raise NotStartedError("the sandbox has not been started; use `with Sandbox() as sandbox:`")
        return self._runtime

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._started().ports[name]}"
