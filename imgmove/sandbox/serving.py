"""Serving a sandbox in the foreground, for the command lines: print where it is, then run until told to stop."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgmove.sandbox.sandbox import Sandbox

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(sandbox: Sandbox, announce: Callable[[Sandbox], None]) -> None:
    """Starts the sandbox, calls `announce` once all ports are open, and returns when it has stopped.

    SIGINT, SIGTERM and POST /stop on the control port stop it; the directory is then in order and temporary files
    are gone. To be called in the main thread; the signals' former handlers are put back. Raises as `Sandbox.start`.
    """
    former = {number: signal.signal(number, _stopper(sandbox)) for number in STOP_SIGNALS}
    try:
        with sandbox:
            announce(sandbox)
            sandbox.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def export_lines(sandbox: Sandbox) -> str:
    """The environment as `export NAME=VALUE` lines, to be evaluated by a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sandbox.environment().items())


def _stopper(sandbox: Sandbox) -> Callable[[int, FrameType | None], None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        # Not here: a handler runs between two steps of the main thread, which may hold what stopping needs.
        threading.Thread(target=sandbox.stop, name="imgmove-sandbox-stop").start()

    return stop
