"""How a job is to be run: what the user said about waiting, doubt and patience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class OnDoubt(StrEnum):
    """What to do where looking cannot settle whether a submit took effect."""

    ASK = "ask"
    WAIT = "wait"
    """Go on looking until it shows, or the deadline is over."""
    RESUBMIT = "resubmit"
    """Send again, and accept that the operation may then run twice."""
    STOP = "stop"
    """End here; the job stays as it is, and can be resumed."""


def stop_in_doubt(_question: str) -> OnDoubt:
    """The answer where nobody can be asked."""
    return OnDoubt.STOP


@dataclass(frozen=True)
class Patience:
    """How long passing failures are borne where no deadline of the user's decides. All in seconds.

    Nothing here limits the watching of an operation that was accepted: that ends with the operation or the deadline.
    """

    unavailable_seconds: float = 20.0
    """A service that cannot be reached or answers 5xx to a submit; and one that has answered no look in doubt yet."""
    throttled_seconds: float = 300.0
    """A rate limit, for a user without a deadline; with one, the deadline counts."""
    busy_seconds: float = 0.0
    """A submit refused because the thing is busy (CONFLICT): zero takes it for a refusal."""
    lost_submits: int = 5
    """So many submits without an answer, each found to have started nothing, are a service that does not work."""
    refused_look_seconds: float = 120.0
    """A look that the service refuses (credentials, no such thing), from the first of such looks in a row."""
    refused_looks: int = 3
    """At least so many refused looks in a row, however long the poll interval is."""


@dataclass(frozen=True)
class RunOptions:
    """One run of a job. `timeout_seconds` None waits as long as it takes; `poll_seconds` None looks as often as the
    service's abilities say."""

    wait: bool = True
    """False: return as soon as the provider has accepted; the job goes on there."""
    timeout_seconds: float | None = None
    poll_seconds: float | None = None
    on_doubt: OnDoubt = OnDoubt.ASK
    decide: Callable[[str], OnDoubt] = stop_in_doubt
    """Asked where `on_doubt` is ASK; an answer of ASK is taken for STOP."""
    again: bool = False
    """Plan failed and cancelled steps again, with new tokens (`jobs resume` of a job that failed)."""
    skip: frozenset[str] = frozenset()
    """Parts of steps that the operator does without this time, by the names that step functions give them."""
    patience: Patience = field(default_factory=Patience)
