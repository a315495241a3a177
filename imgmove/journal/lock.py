"""The lock file of a job: held open by its runner, given back by the kernel when that dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

#: `is_taken` takes the lock for an instant to see whether it is free; somebody who wants it tries a few times.
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.01


class JobLock:
    """The lock file of one job. It is there while somebody holds the job, and removed by who holds it last."""

    def __init__(self, directory: Path, job_id: str) -> None:
        self._path = directory / f"{quote(job_id, safe='')}.lock"
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False where a living process has it."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            if _try(descriptor, fcntl.LOCK_EX) and self._is_still(descriptor):
                self._descriptor = descriptor
                return True
            os.close(descriptor)
        return False

    def release(self) -> None:
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def is_taken(self) -> bool:
        """True where a living process has the lock now."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return not _try(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def _is_still(self, descriptor: int) -> bool:
        """False where the file that we locked was removed by its last holder before we got the lock."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def _try(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Be the only process inside this block for `directory`; waits for whoever is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
