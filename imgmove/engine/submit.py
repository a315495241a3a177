"""Submitting at most once: intent before, handle after, and after doubt a look before anything is sent again.

The rules and their reasons: docs/explanation/adr/0003-at-most-one-submit.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

from imgmove.core.abilities import Lookup
from imgmove.core.codec import decode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Submitted, Waiting
from imgmove.core.jobs import StepState
from imgmove.core.ports import ComputeProvider
from imgmove.core.requests import ServiceRequest, operation_of
from imgmove.core.tasks import Handle
from imgmove.engine.backoff import Backoff
from imgmove.engine.doubt import Doubt, Search, doubt_of
from imgmove.engine.options import OnDoubt as OnDoubt  # named here too: doubt is this module's matter
from imgmove.engine.steps import StepContext, StepFailed, describe
from imgmove.engine.tokens import new_token


def submit_once(context: StepContext, provider: ComputeProvider, request: ServiceRequest) -> Handle:
    """The handle of the one operation that this step's `request` started, now or in an earlier run.

    From PLANNED it sends; from INTENDED it looks first; from ACCEPTED it returns what the journal holds. Raises
    `StepFailed` for a refusal (nothing was started), and leaves the step INTENDED with TIMEOUT, INTERRUPTED, code
    `InDoubt` or the provider's error where it is not known whether something was. May be killed at any point and
    called again.
    """
    if context.step.state is StepState.ACCEPTED:
        return decode(Handle, context.step.handle or {})
    return _Submission(context, provider, request).run()


class _Submission:
    """The submits of one run of one step.

    `doubt` is set once an answer was lost, and stays; it is open until looking for the whole settling time showed that
    nothing had been started.
    """

    def __init__(self, context: StepContext, provider: ComputeProvider, request: ServiceRequest) -> None:
        self._context = context
        self._clock = context.clock
        self._provider = provider
        self._request = request
        self._ability = provider.abilities.ability(operation_of(request))
        self._token = context.step.token or new_token(context.chance)
        self._search = Search(context, provider, request, self._token)
        self._doubt = doubt_of(context.step, self._ability.settling_seconds, self._clock.now(), self._clock.monotonic())
        self._is_open = self._doubt is not None
        self._troubles = 0
        self._troubled_since = 0.0
        self._lost = 0

    def run(self) -> Handle:
        found = self._settle(self._doubt) if self._doubt else None
        while found is None:
            found = self._send()
        return found

    def _send(self) -> Handle | None:
        """One submit; None where another has to follow."""
        self._context.waiter.check_stop()
        at = self._clock.now()
        self._context.journal.intend(self._context.job.id, self._context.step.name, self._token, at)
        try:
            handle = self._provider.submit(self._request, self._token)
        except ImgmoveError as error:
            self._search.answered |= error.kind is not Kind.UNAVAILABLE
            return self._after_loss(error, at) if error.maybe_applied else self._after_refusal(error)
        return self._accept(handle if handle.submitted_at else replace(handle, submitted_at=at), adopted=False)

    def _accept(self, handle: Handle, *, adopted: bool) -> Handle:
        try:
            self._context.journal.accepted(self._context.job.id, self._context.step.name, handle, self._clock.now())
        except ImgmoveError as error:
            # The one place where this is known now: it must not be lost with the process.
            raise replace(error, message=f"{error.message}; the provider has accepted {describe(handle)}") from error
        self._context.tell(Submitted, handle=handle, adopted=adopted)
        return handle

    def _after_loss(self, error: ImgmoveError, at: float) -> Handle | None:
        """The answer was lost. The settling time counts from now: the submit may have been acted on this late.

        UNKNOWN is an answer that accepts and does not say what: where that does not show soon, nothing more is sent in
        this run.
        """
        self._doubt = self._anew(Doubt(min(at, self._doubt.since) if self._doubt else at, 0.0))
        self._is_open = True
        self._lost += 1
        if error.kind is Kind.UNKNOWN:
            shown = self._search.shortly(self._doubt.since)
            if shown is None:
                raise self._search.in_doubt(error)
            return self._accept(replace(shown, request_id=shown.request_id or error.request_id), adopted=True)
        found = self._settle(self._doubt)
        if found is None:
            self._pause(error)
        return found

    def _settle(self, doubt: Doubt) -> Handle | None:
        """Did an earlier submit take effect? None where sending (again) is right."""
        match self._ability.lookup:
            case Lookup.TOKENED:
                # Sent again with the same token, nothing happens twice: no need to wait.
                found = self._search.once(doubt.since)
            case Lookup.CONCLUSIVE:
                found = self._search.until_settled(doubt)
                self._is_open = False
            case Lookup.INCONCLUSIVE:
                found = self._search.until_settled(doubt) or self._search.decide(doubt)
        return self._accept(found, adopted=True) if found else None

    def _after_refusal(self, error: ImgmoveError) -> Handle | None:
        """The service said no: this submit started nothing, though one before it may have."""
        if self._is_passing(error):
            self._undo_intent()
            self._pause(error)
            return None
        if self._doubt is None:
            raise StepFailed(error)
        # "The name is taken", say: perhaps by what our own lost submit started, if later than the service promises.
        found = self._search.until_settled(self._doubt if self._is_open else self._anew(self._doubt))
        if found is not None:
            return self._accept(found, adopted=True)
        if self._ability.lookup is Lookup.INCONCLUSIVE:
            raise self._search.in_doubt(error)
        raise StepFailed(error)

    def _anew(self, doubt: Doubt) -> Doubt:
        """The same doubt with the whole settling time ahead."""
        return replace(doubt, settled_at=self._clock.monotonic() + self._ability.settling_seconds)

    def _undo_intent(self) -> None:
        """Nothing was started and nothing ever in doubt: should we die while we wait, the next run need not look."""
        if self._doubt is None:
            step = replace(self._context.step, state=StepState.PLANNED, token=self._token)
            self._context.journal.plan(self._context.job.id, step)

    def _is_passing(self, error: ImgmoveError) -> bool:
        if error.kind is Kind.CONFLICT:
            # With a token in doubt, "busy" is also what a service says that still works on the first submit.
            in_work = self._is_open and self._ability.lookup is Lookup.TOKENED
            return in_work or self._context.options.patience.busy_seconds > 0
        return error.is_passing

    def _pause(self, error: ImgmoveError) -> None:
        """Wait before the next submit; raises where patience or the user's time is over."""
        patience, waiter = self._context.options.patience, self._context.waiter
        now = self._clock.monotonic()
        if self._troubles == 0:
            self._troubled_since = now
        self._troubles += 1
        if now - self._troubled_since >= self._limit(error) or self._lost >= patience.lost_submits:
            raise self._search.in_doubt(error) if self._is_open else StepFailed(replace(error, maybe_applied=False))
        seconds = Backoff().seconds(self._troubles, self._context.chance, error.retry_after_seconds)
        if waiter.bounded(seconds) < seconds:
            raise self._search.timeout() if self._is_open else StepFailed(replace(error, maybe_applied=False))
        self._context.tell(Waiting, reason=f"to try again ({error})", seconds=seconds)
        waiter.wait(seconds)

    def _limit(self, error: ImgmoveError) -> float:
        """For how many seconds failures like `error` are borne."""
        patience = self._context.options.patience
        if error.maybe_applied and self._search.answered:
            return math.inf  # counted instead: `lost_submits`
        if error.maybe_applied or error.kind is Kind.UNAVAILABLE:
            return patience.unavailable_seconds
        if error.kind is Kind.CONFLICT and not self._is_open:
            return patience.busy_seconds
        return patience.throttled_seconds if self._context.waiter.deadline is None else math.inf
