"""Work that takes real time: planned and put into the world under its lock, done without it.

A piece of work is a generator. It runs under the lock; what it yields is called without, so that others can go on
meanwhile; then it runs on under the lock, where it has to look again at whatever may have changed.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

Steps = Iterator[Callable[[], None]]


class Resumable(Protocol):
    """A generator of steps."""

    def __next__(self) -> Callable[[], None]: ...

    def throw(self, error: BaseException, /) -> Callable[[], None]: ...

    def close(self) -> None: ...


def drive(lock: AbstractContextManager[object], steps: Resumable, is_wanted: Callable[[], bool]) -> None:
    """Runs a piece of work to its end, or until it is not wanted any more. An error of what is done without the lock
    is raised inside the work, under the lock. Harmless, but no help to others, for who holds the lock already."""
    failure: Exception | None = None
    while True:
        with lock:
            if not is_wanted():
                steps.close()
                return
            try:
                outside = next(steps) if failure is None else steps.throw(failure)
            except StopIteration:
                return
        failure = None
        try:
            outside()
        except Exception as error:  # noqa: BLE001  # handed on to the work
            failure = error


class Hands(threading.local):
    """Whether this thread is at work: asking a service in the midst of it must not begin with other work."""

    busy = False

    @contextmanager
    def at_work(self) -> Iterator[bool]:
        """Yields False where the thread was at work before."""
        before, self.busy = self.busy, True
        try:
            yield not before
        finally:
            self.busy = before


@contextmanager
def scratch(root: Path, prefix: str) -> Iterator[Path]:
    """A directory for files that are being made, beside where they will be kept."""
    with tempfile.TemporaryDirectory(dir=root, prefix=prefix) as directory:
        yield Path(directory)


def lend(source: Path, scratch: Path, name: str) -> Path:
    """A name in `scratch` for a file's bytes, which stay there when the file is removed meanwhile."""
    target = scratch / name
    target.hardlink_to(source)
    return target
