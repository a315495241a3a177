"""`imgmove` in processes of its own: for what only a second process, a signal or a dead one can show."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imgmove.app.session import Session
from imgmove.core.jobs import Job, StepState

SECONDS = 30.0


@contextmanager
def imgmove(*words: str, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """`imgmove WORDS` with this process's environment; killed at the end if it still runs."""
    command = [sys.executable, "-m", "imgmove", *words]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True} | how
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], **given) as process:
        try:
            yield process
        finally:
            process.kill()


def until(what: Callable[[], Any]) -> Any:
    """What `what` gives as soon as it is true; fails after a long while."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    pytest.fail("it did not come to that in time")


def only_job() -> Job | None:
    """The one job of the journal in this environment, None while there is none."""
    jobs = Session().jobs()
    assert len(jobs) <= 1
    return jobs[0] if jobs else None


def job_at(step: str, state: StepState = StepState.ACCEPTED) -> Job:
    """The one job, as soon as its step is in that state."""

    def look() -> Job | None:
        job = only_job()
        return job if job and job.step(step).state is state else None

    found: Job = until(look)
    return found


def home() -> Path:
    """IMGMOVE_HOME of this environment."""
    return Path(os.environ["IMGMOVE_HOME"])
