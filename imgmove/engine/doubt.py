"""Doubt after a submit whose answer was lost: looking for what it may have started, and asking where looking fails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Waiting
from imgmove.core.jobs import Step, StepState
from imgmove.core.ports import ComputeProvider
from imgmove.core.requests import ServiceRequest, operation_of
from imgmove.core.tasks import Handle
from imgmove.engine.options import OnDoubt
from imgmove.engine.steps import StepContext
from imgmove.engine.waiting import SHORTEST_SECONDS

#: Between two looks: from the first to the second number of seconds.
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0

_SHORT_PAUSES_SECONDS: Final = (1.0, 2.0, 2.0)

#: Answers of a look that only say "not yet": borne until the user's deadline.
_NOT_YET: Final = frozenset({Kind.THROTTLED, Kind.CONFLICT})


@dataclass(frozen=True)
class Doubt:
    """Submits with our token may have taken effect. `find` looks from `since` (unix seconds); what took effect
    shows from `settled_at` (monotonic) on."""

    since: float
    settled_at: float


def doubt_of(step: Step, settling_seconds: float, now: float, monotonic: float) -> Doubt | None:
    """The doubt that an earlier run left behind in `step`, if it did.

    The whole settling time begins anew: the wall clock is all that two processes share, and it may have been set
    forward since the intent. Set back, it must not hide from `find` what was started "in the future".
    """
    if step.state is not StepState.INTENDED:
        return None
    known = [at for at in (step.first_intended_at, step.intended_at) if at is not None]
    return Doubt(min([*known, now]), monotonic + settling_seconds)


class Search:
    """Looks for the operation that submits of `request` with `token` may have started."""

    def __init__(self, context: StepContext, provider: ComputeProvider, request: ServiceRequest, token: str) -> None:
        self._context = context
        self._provider = provider
        self._request = request
        self._token = token
        self.answered = False
        """Has the service answered anything in this run? One that never did is more likely a wrong endpoint."""

    def once(self, since: float) -> Handle | None:
        """One look, where nothing depends on it: a look that fails shows nothing."""
        self._context.waiter.check_stop()
        try:
            return self._find(since)
        except ImgmoveError:
            return None

    def shortly(self, since: float) -> Handle | None:
        """A few looks within seconds, for what has been accepted and should show at once."""
        found = self.once(since)
        for pause in _SHORT_PAUSES_SECONDS if found is None else ():
            self._context.waiter.wait(pause)
            found = self.once(since)
            if found is not None:
                break
        return found

    def until_settled(self, doubt: Doubt) -> Handle | None:
        """Look until it shows; None where a look that began after the settling time, and did not fail, shows nothing.

        Raises TIMEOUT, INTERRUPTED, or the error of looks that keep failing; in each case it is still not known.
        """
        return self._look(doubt.since, doubt.settled_at)

    def decide(self, doubt: Doubt) -> Handle | None:
        """Looking could not settle it: do as `on_doubt` says. None where the user wants to send again."""
        options = self._context.options
        choice = options.decide(self._question()) if options.on_doubt is OnDoubt.ASK else options.on_doubt
        if choice is OnDoubt.RESUBMIT:
            return None
        if choice is OnDoubt.WAIT:
            return self._look(doubt.since, math.inf)
        raise ImgmoveError(
            Kind.UNKNOWN, f"{self._question()} Nothing more was sent", code="InDoubt",
            hint=f"look at the provider's console; {self._context.waiter.come_back}, with --on-doubt wait or resubmit",
        )  # fmt: skip

    def in_doubt(self, error: ImgmoveError) -> ImgmoveError:
        """`error`, with a hint that says what is not known and how to come back."""
        unknown = f"it is not known whether the {self.what} was started; {self._context.waiter.come_back}"
        return error.with_hint(f"{error.hint}; {unknown}" if error.hint else unknown)

    def timeout(self) -> ImgmoveError:
        return self._context.waiter.timeout(f"it is not known yet whether the {self.what} was started")

    @property
    def what(self) -> str:
        return operation_of(self._request).value

    def _question(self) -> str:
        step = self._context.step
        return (
            f"Step {step.name!r}: the answer to a submit was lost, and {step.provider} shows no {self.what} of ours; "
            "one may be under way all the same."
        )

    def _look(self, since: float, settled_at: float) -> Handle | None:
        waiter, clock = self._context.waiter, self._context.clock
        pause = _FIRST_PAUSE_SECONDS
        failing_since: float | None = None
        while True:
            waiter.check_stop()
            now = clock.monotonic()
            was_settled = now > settled_at - SHORTEST_SECONDS
            was_over = waiter.is_over
            seconds = min(pause, max(settled_at - now, SHORTEST_SECONDS))
            try:
                found = self._find(since)
            except ImgmoveError as error:
                failing_since = now if failing_since is None else failing_since
                self._bear(error, now - failing_since)
                seconds = max(pause, error.retry_after_seconds or 0.0)
            else:
                if found is not None or was_settled:
                    return found
                failing_since = None
            if was_over:
                raise self.timeout()
            self._context.tell(Waiting, reason="looking whether an earlier submit took effect", seconds=seconds)
            waiter.wait(seconds)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _find(self, since: float) -> Handle | None:
        try:
            found = self._provider.find(self._request, self._token, since)
        except ImgmoveError as error:
            self.answered = self.answered or error.kind is not Kind.UNAVAILABLE
            raise
        self.answered = True
        return found

    def _bear(self, error: ImgmoveError, failing_seconds: float) -> None:
        """Raise where looks have failed for longer than there is hope."""
        patience = self._context.options.patience
        if error.kind in _NOT_YET:
            return
        if error.kind is Kind.UNAVAILABLE:
            limit = math.inf if self.answered else patience.unavailable_seconds
        else:
            limit = patience.refused_look_seconds
        if failing_seconds >= limit:
            raise self.in_doubt(error)
