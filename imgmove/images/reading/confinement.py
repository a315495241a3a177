"""What the reader does to itself before it looks at a foreign byte: limits that it cannot raise again."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal
import sys
from typing import Final

from imgmove.images.reading.wire import Task

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
#: Beyond the limit that ends it with a signal of its own: then it is killed.
_CPU_GRACE_SECONDS: Final = 5
#: The pipes, and what Python opens while it imports.
_MOST_FILES: Final = 32


def confine(task: Task) -> None:
    """Memory, time on the processor, files; no new programs, no core, and death together with the parent."""
    limits = [
        (resource.RLIMIT_CPU, task.cpu_seconds, task.cpu_seconds + _CPU_GRACE_SECONDS),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES, _MOST_FILES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
    ]
    if sys.platform == "linux":
        limits.append((resource.RLIMIT_AS, task.memory_bytes, task.memory_bytes))
        _protect()
    for which, soft, hard in limits:
        _limit(which, soft, hard)


def _limit(which: int, soft: int, hard: int) -> None:
    most = resource.getrlimit(which)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))


def _protect() -> None:
    """As far as this system has it: what it lacks is no reason not to look."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
