"""At most one remote task for each step, whatever dies when: hypothesis writes the histories.

A history is what befalls us at every call of the provider and every write of the journal, in order: it works, we die
before it or after it, it is refused for now or for good, it takes effect or not and the answer is lost. `find` shows
what took effect late, by any time up to the settling time. Between two lives any time passes, and the wall clock may be
set to anything. When the history is over nothing goes wrong any more, and the job has to end.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from imgmove.core.abilities import Lookup
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.jobs import Job, StepState
from imgmove.core.tasks import FINAL_TASK_STATES, TaskState
from imgmove.engine.options import OnDoubt, RunOptions
from imgmove.engine.runner import Runner
from imgmove.journal.memory import MemoryJournal
from imgmove.testing.memory_compute import Fault, MemoryCompute
from tests.engine.rig import Rig, lost_answer, refusal

SETTLING_SECONDS = 30.0


class Fate(Enum):
    """What befalls one call. Where a call can't meet it (a journal refuses nothing), it works."""

    WORKS = auto()
    DIE_BEFORE = auto()
    DIE_AFTER = auto()
    REFUSED_FOR_NOW = auto()
    REFUSED = auto()
    LOST_AND_APPLIED = auto()
    LOST = auto()


class Death(BaseException):
    """SIGKILL: nothing of ours runs after it."""


@dataclass
class History:
    fates: list[Fate]
    delays: list[float]
    """How late `find` shows what each submit starts, in order."""
    pauses: list[tuple[float, float]]
    """Between two lives: how much time passes, and by how much the wall clock is set."""
    deadlines: list[float | None]
    """The `--timeout` of each life."""
    lives: int = field(default=0)

    def next_fate(self) -> Fate:
        return self.fates.pop(0) if self.fates else Fate.WORKS


histories = st.builds(
    History,
    st.lists(st.sampled_from(Fate), max_size=24),
    st.lists(st.floats(0.0, SETTLING_SECONDS), max_size=8),
    st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(-1e6, 1e6)), max_size=8),
    st.lists(st.none() | st.floats(0.0, 200.0), max_size=8),
)


class FatefulProvider(MemoryCompute):
    """Meets a fate at every call."""

    history: History

    def submit(self, *arguments: Any) -> Any:
        self.world.visible_after_seconds = self.history.delays.pop(0) if self.history.delays else SETTLING_SECONDS
        fault = {
            Fate.DIE_BEFORE: Fault(Death()),
            Fate.DIE_AFTER: Fault(Death(), applied=True),
            Fate.REFUSED_FOR_NOW: Fault(refusal(Kind.THROTTLED)),
            Fate.REFUSED: Fault(refusal(Kind.QUOTA)),
            Fate.LOST: Fault(lost_answer()),
            Fate.LOST_AND_APPLIED: Fault(lost_answer(), applied=True),
        }.get(self.history.next_fate())
        self.world.submit_faults.append(fault)
        return super().submit(*arguments)

    def find(self, *arguments: Any) -> Any:
        return self._look(super().find, arguments)

    def poll(self, *arguments: Any) -> Any:
        return self._look(super().poll, arguments)

    def _look(self, look: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        fate = self.history.next_fate()
        if fate is Fate.DIE_BEFORE:
            raise Death
        if fate in {Fate.LOST, Fate.LOST_AND_APPLIED, Fate.REFUSED_FOR_NOW, Fate.REFUSED}:
            raise refusal(Kind.DENIED if fate is Fate.REFUSED else Kind.UNAVAILABLE)
        seen = look(*arguments)
        if fate is Fate.DIE_AFTER:
            raise Death
        return seen


class FatefulJournal(MemoryJournal):
    """We may die before and after every write; what was written stays."""

    history: History

    def _fateful(self, write: Callable[..., None], *arguments: Any, **keywords: Any) -> None:
        fate = self.history.next_fate()
        if fate is Fate.DIE_BEFORE:
            raise Death
        write(*arguments, **keywords)
        if fate is Fate.DIE_AFTER:
            raise Death

    def plan(self, *arguments: Any) -> None:
        self._fateful(super().plan, *arguments)

    def intend(self, *arguments: Any) -> None:
        self._fateful(super().intend, *arguments)

    def accepted(self, *arguments: Any) -> None:
        self._fateful(super().accepted, *arguments)

    def finished(self, *arguments: Any, **keywords: Any) -> None:
        self._fateful(super().finished, *arguments, **keywords)

    def failed(self, *arguments: Any, **keywords: Any) -> None:
        self._fateful(super().failed, *arguments, **keywords)

    def made(self, *arguments: Any) -> None:
        self._fateful(super().made, *arguments)

    def close_job(self, *arguments: Any) -> None:
        self._fateful(super().close_job, *arguments)


def live(rig: Rig, history: History, on_doubt: OnDoubt) -> ImgmoveError | None:
    """One life of a process: run the job until it ends, fails, runs out of time, or we die."""
    provider = FatefulProvider(rig.world, rig.abilities)
    provider.history = history
    deadline = history.deadlines.pop(0) if history.deadlines else None
    options = RunOptions(on_doubt=on_doubt, timeout_seconds=deadline)
    runner = Runner(rig.journal, lambda _provider, _region: provider, clock=rig.clock, chance=rig.chance)
    try:
        runner.run("job-1", options)
    except Death:
        pass
    except ImgmoveError as error:
        return error
    finally:
        history.lives += 1
        passed, jump = history.pauses.pop(0) if history.pauses else (1.0, 0.0)
        rig.clock.advance(passed)
        rig.clock.jump(jump)
    return None


def play(history: History, lookup: Lookup, on_doubt: OnDoubt) -> tuple[Rig, Job]:
    """Live again and again until the job has ended; it has to, soon after the history is over."""
    journal = FatefulJournal()
    journal.history = History([], [], [], [])
    history = deepcopy(history)  # it is used up as it is lived
    rig = Rig(lookup, SETTLING_SECONDS, journal)
    rig.add_job(rig.add_export())
    journal.history = history
    for _ in range(len(history.fates) + len(history.deadlines) + 4):
        error = live(rig, history, on_doubt)
        assert len(rig.world.tasks) <= 1
        job = rig.journal.job("job-1")
        if job.state in FINAL_TASK_STATES:
            event(f"{history.lives} lives, {job.state.value}")
            return rig, job
        if error is not None and error.code == "InDoubt":
            # Nothing is to be seen for longer than the settling time: an operator looks, and says "send again".
            assert not rig.world.tasks
            on_doubt = OnDoubt.RESUBMIT
    raise AssertionError(f"the job never ends: {rig.journal.job('job-1')}, {rig.world.calls}")


def check(rig: Rig, job: Job) -> None:
    """Exactly one remote task where the job succeeded; none where it failed, since the service refused them all."""
    if job.state is TaskState.SUCCEEDED:
        assert [task.ended for task in rig.world.tasks] == [TaskState.SUCCEEDED]
        assert job.step("export").outputs["task_id"] == rig.world.tasks[0].id
    else:
        assert job.step("export").state is StepState.FAILED
        assert rig.world.tasks == []


#: Two that chance rarely writes: dying while throttled after a lost answer, and then being refused; looks that all
#: fail while the settling time passes.
DIED_WHILE_THROTTLED = [
    Fate.WORKS, Fate.LOST_AND_APPLIED, Fate.WORKS, Fate.WORKS, Fate.REFUSED_FOR_NOW, Fate.DIE_AFTER, Fate.WORKS,
    Fate.REFUSED, Fate.REFUSED,
]  # fmt: skip
BLIND = [Fate.WORKS, Fate.LOST_AND_APPLIED, Fate.WORKS, *[Fate.LOST] * 12]


@pytest.mark.parametrize("lookup", [Lookup.TOKENED, Lookup.CONCLUSIVE], ids=str)
@settings(max_examples=400, deadline=None)
@given(history=histories)
@example(history=History(DIED_WHILE_THROTTLED, [], [], []))
@example(history=History(BLIND, [], [], []))
def test_exactly_one_remote_task_and_the_job_ends(lookup: Lookup, history: History) -> None:
    check(*play(history, lookup, OnDoubt.STOP))


@settings(max_examples=400, deadline=None)
@given(history=histories, on_doubt=st.sampled_from([OnDoubt.STOP, OnDoubt.ASK]))
@example(history=History([Fate.WORKS, Fate.LOST_AND_APPLIED], [SETTLING_SECONDS], [], []), on_doubt=OnDoubt.STOP)
def test_where_looking_settles_nothing_it_is_the_operator_who_sends_again(history: History, on_doubt: OnDoubt) -> None:
    check(*play(history, Lookup.INCONCLUSIVE, on_doubt))


@settings(max_examples=200, deadline=None)
@given(history=histories)
def test_a_failed_step_is_tried_again_without_a_second_task(history: History) -> None:
    """`jobs resume` of a job that failed: a new token, and still one task."""
    rig, job = play(history, Lookup.CONCLUSIVE, OnDoubt.STOP)
    assert isinstance(rig.journal, FatefulJournal)
    rig.journal.history = History([], [], [], [])
    if job.state is TaskState.FAILED:
        job = rig.run(RunOptions(again=True))
    assert job.state is TaskState.SUCCEEDED
    assert len(rig.world.tasks) == 1
