"""What the engine tells whoever watches: plain data, so that progress is tied to no terminal library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imgmove.core.errors import ImgmoveError
from imgmove.core.tasks import Handle, TaskReport


@dataclass(frozen=True)
class Event:
    """Something happened to a step of a job. `at` is unix seconds."""

    job: str
    step: str
    at: float


@dataclass(frozen=True)
class StepStarted(Event):
    title: str = ""


@dataclass(frozen=True)
class Submitted(Event):
    handle: Handle
    adopted: bool = False
    """True where an earlier submit was found to have taken effect, and was taken over."""


@dataclass(frozen=True)
class Polled(Event):
    report: TaskReport


@dataclass(frozen=True)
class PollFailed(Event):
    """A look failed; the operation goes on. `next_try_seconds` says when we look again."""

    error: ImgmoveError
    next_try_seconds: float


@dataclass(frozen=True)
class Waiting(Event):
    """We wait on purpose: for a settling time, a throttle, or a busy image."""

    reason: str
    seconds: float


@dataclass(frozen=True)
class StepEnded(Event):
    report: TaskReport | None = None
    error: ImgmoveError | None = None


@dataclass(frozen=True)
class Moved(Event):
    """Bytes of a copy: `done_bytes` of `total_bytes` are at the destination; it falls when a part is sent again."""

    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Noted(Event):
    """Something worth a line: a part sent again, an unfinished upload found."""

    text: str


@dataclass(frozen=True)
class Found(Noted):
    """A finding of a look beforehand or inside, in words: worth a line that stays."""


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener that listens to nothing."""
