"""The listeners on loopback, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

HOST = "127.0.0.1"
STARTING_SECONDS = 30.0
CLOSING_SECONDS = 0.2
"""How long open connections are waited for when stopping."""
MAX_LINE_BYTES = 64 << 10
"""Presigned addresses and RPC queries with many parameters are long."""
READ_BUFFER_BYTES = 1 << 20


def _is_ours(record: logging.LogRecord) -> bool:
    """False for what aiohttp says about malformed requests: the client's fault, and may quote its signature."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


logger = logging.getLogger(__name__)
logger.addFilter(_is_ours)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class PortError(OSError):
    """A port that was asked for can't be had."""


class Server:
    """Listens for each named handler on a port of its own, on 127.0.0.1 only.

    `first_port` None takes free ports; otherwise the handlers get consecutive ports in their order.
    """

    def __init__(self, handlers: Mapping[str, Handler], first_port: int | None = None) -> None:
        self._handlers = handlers
        self._first_port = first_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: OSError | None = None
        self.ports: dict[str, int] = {}
        """The port of each handler, once started."""

    def start(self) -> None:
        """Returns when all ports are open. Raises PortError, and leaves nothing open, when one can't be had."""
        self._thread = threading.Thread(target=self._run, name="imgmove-sandbox", daemon=True)
        self._thread.start()
        if not self._started.wait(STARTING_SECONDS):
            raise TimeoutError("the sandbox's listeners did not start")
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Closes all ports and connections and waits for the thread to end. Safe to repeat."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        runners: list[web.ServerRunner] = []
        try:
            await self._listen(runners)
        except OSError as error:
            self._failure = error
            self._stopping.set()
        self._started.set()
        try:
            await self._stopping.wait()
        finally:
            await asyncio.gather(*(runner.cleanup() for runner in runners))

    async def _listen(self, runners: list[web.ServerRunner]) -> None:
        for number, (name, handler) in enumerate(self._handlers.items()):
            server = web.Server(
                handler,
                auto_decompress=False,  # a store keeps what it is sent
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
                read_bufsize=READ_BUFFER_BYTES,
                access_log=None,
                logger=logger,
            )
            runner = web.ServerRunner(server, shutdown_timeout=CLOSING_SECONDS)
            await runner.setup()
            runners.append(runner)
            port = 0 if self._first_port is None else self._first_port + number
            await _open(runner, name, port)
            self.ports[name] = runner.addresses[0][1]


async def _open(runner: web.ServerRunner, name: str, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port, reuse_address=True).start()
    except OverflowError:
        raise PortError(errno.EINVAL, f"port {port} for {name} is above 65535") from None
    except OSError as error:
        raise PortError(error.errno, f"port {port} for {name} can't be had: {error.strerror}") from None
