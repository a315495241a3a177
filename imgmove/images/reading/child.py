"""The reader's process as the parent holds it: started without anything that is worth stealing, watched, ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.images.reading import wire
from imgmove.images.reading.inspection import Trouble, TroubleKind

WORKER: Final = "imgmove.images.reading.worker"
_TICK_SECONDS: Final = 0.1
_PIECE_BYTES: Final = 1 << 18
_GRACE_SECONDS: Final = 2.0
#: `-I`: neither the environment nor the working directory say what is imported; the parent's own path does.
_START: Final = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"
#: What the dynamic linker may need to find the libraries of this Python; nothing else is handed on.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")


class ReaderEndedError(Exception):
    """The reader is no use any more; says why."""

    def __init__(self, kind: TroubleKind, words: str) -> None:
        super().__init__(words)
        self.trouble = Trouble(kind, words)


class ReaderProcess:
    """A running reader and the pipes to it. `close` ends it in any case.

    Waiting for it is bounded by `wall_seconds` in all. Raises ReaderEndedError where it ends, or time does, and
    INTERRUPTED where `stop` is set.
    """

    def __init__(self, worker: str, wall_seconds: float, total_seconds: float, stop: threading.Event | None) -> None:
        self._left_seconds = wall_seconds
        self._ends = time.monotonic() + total_seconds
        self._stop = stop
        self._process = _start(worker)
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._received = bytearray()

    def receive(self, length: int) -> bytes:
        """Exactly `length` bytes from the reader."""
        while len(self._received) < length:
            self._wait(self._output, selectors.EVENT_READ)
            piece = os.read(self._output, _PIECE_BYTES)
            if not piece:
                raise self._ended()
            self._received += piece
        found = bytes(self._received[:length])
        del self._received[:length]
        return found

    def send(self, data: bytes) -> None:
        """All of `data` to the reader."""
        rest = memoryview(data)
        while rest:
            self._wait(self._input, selectors.EVENT_WRITE)
            try:
                rest = rest[os.write(self._input, rest[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._ended() from None

    def close(self) -> None:
        """Kill the reader and whatever it started, and take leave of it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def check_time(self) -> None:
        """Raise where the time is over, or the command was interrupted."""
        if self._stop is not None and self._stop.is_set():
            raise ImgmoveError(Kind.INTERRUPTED, "stopped while looking into the image", code="Interrupted",
                               hint="nothing was changed; run the command again")  # fmt: skip
        if self._left_seconds <= 0:
            raise ReaderEndedError(TroubleKind.TIME, "the reader took too long, and was ended")
        if time.monotonic() >= self._ends:
            raise ReaderEndedError(TroubleKind.TIME, "looking took too long in all, and was ended")

    def _wait(self, descriptor: int, event: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            while True:
                self.check_time()
                began = time.monotonic()
                ready = selector.select(max(0.0, min(_TICK_SECONDS, self._left_seconds)))
                self._left_seconds -= time.monotonic() - began
                if ready:
                    return

    def _ended(self) -> ReaderEndedError:
        try:
            status = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return ReaderEndedError(TroubleKind.PROTOCOL, "the reader closed its pipe and went on")
        return ReaderEndedError(*_meaning(status))


def _start(worker: str) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    path = [entry for entry in sys.path if entry]
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _START, worker, *path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment | {"LC_ALL": "C.UTF-8"}, cwd="/", close_fds=True, start_new_session=True, bufsize=0,
    )  # fmt: skip


def _pipe(pipe: IO[bytes] | None) -> int:
    assert pipe is not None  # noqa: S101 - both were asked for
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


#: Signals that mean something else than a crash.
_SIGNALS: Final[dict[int, tuple[TroubleKind, str]]] = {
    signal.SIGXCPU: (TroubleKind.TIME, "the reader used up its time on the processor, and was ended"),
    signal.SIGKILL: (TroubleKind.MEMORY, "the reader was killed by the system (SIGKILL): most likely memory ran out"),
}


def _meaning(status: int) -> tuple[TroubleKind, str]:
    if status == wire.MEMORY_EXIT:
        return TroubleKind.MEMORY, "the reader ran out of the memory that it may take, and was ended"
    if status >= 0:
        return TroubleKind.CRASHED, f"the reader broke off with status {status}"
    if -status in _SIGNALS:
        return _SIGNALS[-status]
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return TroubleKind.CRASHED, f"the reader crashed ({name})"
