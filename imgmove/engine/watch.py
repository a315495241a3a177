"""Watching an accepted operation to its end: a look that fails is not an operation that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imgmove.core.errors import PASSING_KINDS, ImgmoveError, Kind
from imgmove.core.events import Polled, PollFailed
from imgmove.core.jobs import StepState
from imgmove.core.ports import ComputeProvider
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.engine.backoff import Backoff
from imgmove.engine.steps import StepContext, describe

#: Failures of a look that say nothing: borne until the user's deadline.
_SILENT_KINDS: Final = PASSING_KINDS | {Kind.UNKNOWN, Kind.TIMEOUT, Kind.CONFLICT}

#: Without `--poll-interval`, an operation that takes long is looked at less often: a fortieth of its age, and at most
#: four times the service's own interval.
_AGE_SHARE: Final = 40.0
_MAX_GROWTH: Final = 4.0


class WatchEnded(Exception):  # noqa: N818 - the operation's end, not a failure of the watch
    """The operation ended without success; `error` says why."""

    def __init__(self, report: TaskReport, error: ImgmoveError) -> None:
        super().__init__(str(error))
        self.report = report
        self.error = error

    @property
    def cancelled(self) -> bool:
        return self.report.state is TaskState.CANCELLED


def watch(context: StepContext, provider: ComputeProvider, handle: Handle) -> TaskReport | None:
    """Look at the operation until it has succeeded, and return that report.

    Passing failures and unknown states go on until the user's deadline; without one there is no end to the patience.
    Looks that the service refuses (expired credentials, a permission that is missing, no such task) are borne for
    `Patience.refused_look_seconds`, then raised with a hint: the operation goes on. Raises `WatchEnded` for an
    operation that failed or was cancelled, TIMEOUT, INTERRUPTED. With `wait` false one look is taken, and None
    returned unless it showed success.
    """
    return _Watch(context, provider, handle).to_the_end()


@dataclass
class _Watch:
    context: StepContext
    provider: ComputeProvider
    handle: Handle
    memo: Mapping[str, Any] = field(init=False)
    failures: int = 0
    refusals: int = 0
    refused_since: float = 0.0

    def __post_init__(self) -> None:
        self.memo = self.context.step.memo if self.context.step.state is StepState.ACCEPTED else {}
        self.began = self.context.clock.monotonic()
        ability = self.provider.abilities.ability(self.handle.operation)
        self.interval = self.context.options.poll_seconds or ability.poll_seconds
        self.backoff = Backoff(self.interval, max(self.interval, 60.0))

    def to_the_end(self) -> TaskReport | None:
        waiter = self.context.waiter
        while True:
            waiter.check_stop()
            was_over = waiter.is_over
            seconds = self._look()
            if seconds is None:
                return self.report
            if not self.context.options.wait:
                return None
            if was_over:
                raise waiter.timeout(f"the provider still works on {describe(self.handle)}")
            waiter.wait(seconds)

    def _look(self) -> float | None:
        """One look; the seconds until the next, or None where it showed success."""
        try:
            report = self.provider.poll(self.handle, self.memo)
        except ImgmoveError as error:
            return self._failed_look(error)
        self.failures = self.refusals = 0
        self._note(report)
        if not report.is_final:
            return self._next_interval()
        if report.state is TaskState.SUCCEEDED:
            self.report = report
            return None
        raise WatchEnded(report, _reason(report, self.handle))

    def _note(self, report: TaskReport) -> None:
        context = self.context
        if report.memo != self.memo:
            self.memo = report.memo
            context.journal.observed(context.job.id, context.step.name, report.memo)
        context.tell(Polled, report=report)

    def _next_interval(self) -> float:
        if self.context.options.poll_seconds:
            return self.interval
        age = self.context.clock.monotonic() - self.began
        return min(max(self.interval, age / _AGE_SHARE), self.interval * _MAX_GROWTH)

    def _failed_look(self, error: ImgmoveError) -> float:
        self.failures += 1
        if error.kind in _SILENT_KINDS:
            self.refusals = 0
        else:
            self._bear(error)
        pause = self.backoff.seconds(self.failures, self.context.chance, error.retry_after_seconds)
        seconds = max(self.interval, pause)
        self.context.tell(PollFailed, error=error, next_try_seconds=self.context.waiter.bounded(seconds))
        return seconds

    def _bear(self, error: ImgmoveError) -> None:
        """Count a refused look; raises where there were too many for too long."""
        now = self.context.clock.monotonic()
        if self.refusals == 0:
            self.refused_since = now
        self.refusals += 1
        patience = self.context.options.patience
        long = now - self.refused_since >= patience.refused_look_seconds
        if long and self.refusals >= patience.refused_looks:
            hint = f"{describe(self.handle)} goes on at the provider; {self.context.waiter.come_back}"
            raise error.with_hint(f"{error.hint}; {hint}" if error.hint else hint)


def _reason(report: TaskReport, handle: Handle) -> ImgmoveError:
    """The error of an operation that ended without success, ours where the adapter gave none."""
    if report.error is not None:
        return report.error
    word = "was cancelled" if report.state is TaskState.CANCELLED else "failed"
    text = f": {report.message}" if report.message else ""
    return ImgmoveError(
        Kind.FAILED, f"{describe(handle)} {word}{text}", code=report.vendor_state or report.state.value.capitalize(),
        hint="the provider gave no reason; its console may know more", request_id=report.request_id,
    )  # fmt: skip
