"""Running a program and what it took: wall time, CPU time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class RunFailedError(RuntimeError):
    """A program of the bench ended with an error: the message has the end of its output."""


@dataclass(frozen=True)
class Run:
    """What one run took. `cpu_seconds` is user and system time of the program and its children."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Program:
    """A command line with its surroundings."""

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path | None = None
    before: Callable[[], None] = lambda: None
    """Called before every run: makes the world as it was before the first one."""


def run(program: Program) -> Run:
    """Run it to its end. Raises RunFailedError."""
    program.before()
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(program.words), env=dict(program.environment), cwd=program.folder,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            text = output.read().decode("utf-8", "replace")[-1500:]
            raise RunFailedError(f"{' '.join(program.words)} ended with {process.returncode}:\n{text}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure; of memory the largest."""
    return Run(
        statistics.median(item.seconds for item in runs),
        statistics.median(item.cpu_seconds for item in runs),
        max(item.peak_bytes for item in runs),
    )


def in_turn(programs: Mapping[str, Sequence[Program]], rounds: int) -> dict[str, list[Run]]:
    """Each program (or several, one after the other) once a round, in turn, so that all meet the same weather."""
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, sequence in programs.items():
            parts = [run(program) for program in sequence]
            runs[name].append(Run(
                sum(part.seconds for part in parts), sum(part.cpu_seconds for part in parts),
                max(part.peak_bytes for part in parts),
            ))  # fmt: skip
    return runs
