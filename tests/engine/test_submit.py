"""What each kind of answer to a submit leads to: intent before, handle after, and doubt settled before sending again."""

from __future__ import annotations

import pytest

from imgmove.core.abilities import Lookup
from imgmove.core.codec import decode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Submitted, Waiting
from imgmove.core.jobs import StepState
from imgmove.core.tasks import Handle
from imgmove.engine.options import OnDoubt, Patience, RunOptions
from imgmove.testing.memory_compute import Fault
from tests.engine.rig import Rig, lost_answer, refusal

NO_WAIT = RunOptions(wait=False)


def fails(rig: Rig, options: RunOptions = NO_WAIT) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        rig.run(options)
    return caught.value


def rig_with(*faults: Fault | None, lookup: Lookup = Lookup.CONCLUSIVE) -> Rig:
    rig = Rig(lookup)
    rig.add_job(rig.add_export())
    rig.world.submit_faults.extend(faults)
    return rig


def test_the_intent_is_written_before_and_the_handle_after() -> None:
    rig = rig_with()
    rig.run(NO_WAIT)
    step = rig.step()
    assert step.state is StepState.ACCEPTED
    assert rig.calls("submit") == [step.token]
    handle = decode(Handle, step.handle or {})
    assert handle.task_id == "task-1"
    assert handle.submitted_at == step.intended_at
    assert [event.adopted for event in rig.seen(Submitted)] == [False]


def test_a_refusal_ends_the_step() -> None:
    rig = rig_with(Fault(refusal(Kind.QUOTA, code="ImageQuotaExceeded")))
    error = fails(rig)
    assert (error.kind, error.code, error.exit_code) == (Kind.QUOTA, "ImageQuotaExceeded", 5)
    assert rig.step().state is StepState.FAILED
    assert rig.journal.job("job-1").ended_at is not None
    assert len(rig.calls("submit")) == 1


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.UNAVAILABLE])
def test_a_passing_refusal_is_tried_again_with_the_same_token(kind: Kind) -> None:
    rig = rig_with(Fault(refusal(kind)), Fault(refusal(kind)))
    rig.run(NO_WAIT)
    assert rig.calls("submit") == [rig.step().token] * 3
    assert rig.calls("find") == []
    assert len(rig.seen(Waiting)) == 2


def test_the_services_own_wish_to_wait_is_honoured() -> None:
    rig = rig_with(Fault(refusal(Kind.THROTTLED, retry_after_seconds=17.0)))
    rig.run(NO_WAIT)
    assert 17.0 <= rig.clock.slept[0] <= 18.0


def test_a_service_that_stays_away_ends_the_step_soon() -> None:
    rig = rig_with(*[Fault(refusal(Kind.UNAVAILABLE))] * 100)
    assert fails(rig).kind is Kind.UNAVAILABLE
    assert rig.step().state is StepState.FAILED
    assert rig.clock.monotonic() < 60


def test_throttling_is_borne_until_the_deadline_and_keeps_its_exit_code() -> None:
    rig = rig_with(*[Fault(refusal(Kind.THROTTLED))] * 10_000)
    error = fails(rig, RunOptions(timeout_seconds=3600.0))
    assert (error.kind, error.exit_code) == (Kind.THROTTLED, 5)
    assert 3000 < rig.clock.monotonic() <= 3600


def test_throttling_without_a_deadline_has_an_end() -> None:
    rig = rig_with(*[Fault(refusal(Kind.THROTTLED))] * 10_000)
    assert fails(rig).kind is Kind.THROTTLED
    assert rig.clock.monotonic() < 600


def test_while_waiting_after_a_refusal_nothing_is_in_doubt() -> None:
    rig = rig_with(Fault(refusal(Kind.THROTTLED)), Fault(refusal(Kind.THROTTLED)))
    states = []
    rig.clock.on_sleep = lambda _elapsed: states.append(rig.step().state)
    rig.run(NO_WAIT)
    assert states == [StepState.PLANNED, StepState.PLANNED]


def test_busy_is_a_refusal_unless_the_caller_wants_to_wait() -> None:
    rig = rig_with(Fault(refusal(Kind.CONFLICT)))
    assert fails(rig).kind is Kind.CONFLICT
    rig = rig_with(Fault(refusal(Kind.CONFLICT)), Fault(refusal(Kind.CONFLICT)))
    rig.run(RunOptions(wait=False, patience=Patience(busy_seconds=600.0)))
    assert rig.step().state is StepState.ACCEPTED
    rig = rig_with(*[Fault(refusal(Kind.CONFLICT))] * 1000)
    assert fails(rig, RunOptions(wait=False, patience=Patience(busy_seconds=600.0))).kind is Kind.CONFLICT
    assert 600 <= rig.clock.monotonic() < 700


# ------------------------------------------------------------------------------------------------------- doubt


@pytest.mark.parametrize("lookup", list(Lookup), ids=str)
def test_a_lost_answer_is_found_and_adopted(lookup: Lookup) -> None:
    rig = rig_with(Fault(lost_answer(), applied=True), lookup=lookup)
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == len(rig.calls("submit")) == 1
    assert rig.step().state is StepState.ACCEPTED
    assert [event.adopted for event in rig.seen(Submitted)] == [True]


@pytest.mark.parametrize("lookup", list(Lookup), ids=str)
def test_accepted_without_an_id_is_found_or_else_not_sent_again(lookup: Lookup) -> None:
    nameless = ImgmoveError(Kind.UNKNOWN, "no id", code="AcceptedWithoutId", request_id="r-1", maybe_applied=True)
    rig = rig_with(Fault(nameless, applied=True), lookup=lookup)
    rig.run(NO_WAIT)
    assert (rig.step().state, len(rig.calls("submit"))) == (StepState.ACCEPTED, 1)
    rig = rig_with(Fault(nameless), lookup=lookup)
    error = fails(rig)
    assert (error.code, error.request_id) == ("AcceptedWithoutId", "r-1")
    assert "jobs resume" in error.hint
    assert (len(rig.calls("submit")), len(rig.calls("find"))) == (1, 4)
    assert rig.step().state is StepState.INTENDED
    assert rig.clock.monotonic() <= 5


def test_conclusive_waits_for_the_settling_time_before_it_sends_again() -> None:
    rig = rig_with(Fault(lost_answer()))
    times: list[float] = []
    rig.clock.on_sleep = times.append
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1
    assert len(rig.calls("submit")) == 2
    assert rig.world.tasks[0].started_at >= 30.0
    assert len(rig.calls("find")) > 2


def test_conclusive_finds_what_shows_at_the_last_instant() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.visible_after_seconds = 30.0
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1


def test_a_failing_look_is_no_look() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.visible_after_seconds = 30.0
    rig.world.find_faults.extend([None, None, *[refusal(Kind.UNAVAILABLE)] * 20])
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1
    assert rig.clock.monotonic() > 100


def test_a_look_that_says_look_again_is_believed_for_as_long_as_it_says_so() -> None:
    """CVM and ECS show that some export is running long before they show whose it is."""
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.find_faults.extend([refusal(Kind.CONFLICT)] * 200)
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1
    assert rig.clock.monotonic() > 2000


def test_tokened_sends_again_at_once_with_the_same_token() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True), lookup=Lookup.TOKENED)
    rig.world.visible_after_seconds = 30.0
    rig.run(NO_WAIT)
    assert rig.calls("submit") == [rig.step().token] * 2
    assert len(rig.world.tasks) == 1
    assert rig.clock.monotonic() < 5


def test_tokened_needs_no_look_that_works() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True), lookup=Lookup.TOKENED)
    rig.world.find_faults.extend([refusal(Kind.DENIED)] * 3)
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1


def test_a_refusal_after_a_lost_answer_may_be_our_own_doing() -> None:
    """The name is taken: by the image that our lost submit is making."""
    rig = rig_with(Fault(lost_answer(), applied=True), Fault(refusal(Kind.EXISTS)), lookup=Lookup.TOKENED)
    rig.world.visible_after_seconds = 20.0
    rig.run(NO_WAIT)
    assert rig.step().state is StepState.ACCEPTED
    assert len(rig.world.tasks) == 1
    assert rig.clock.monotonic() >= 20


def test_a_refusal_after_a_lost_answer_that_started_nothing_ends_the_step() -> None:
    rig = rig_with(Fault(lost_answer()), Fault(refusal(Kind.EXISTS)), lookup=Lookup.TOKENED)
    assert fails(rig).kind is Kind.EXISTS
    assert rig.step().state is StepState.FAILED
    assert rig.clock.monotonic() >= 30


def test_a_refusal_in_doubt_is_not_believed_while_nobody_can_look() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True), Fault(refusal(Kind.DENIED)), lookup=Lookup.TOKENED)
    rig.world.find_faults.extend([refusal(Kind.DENIED)] * 1000)
    error = fails(rig)
    assert error.kind is Kind.DENIED
    assert "not known" in error.hint
    assert rig.step().state is StepState.INTENDED


def test_busy_with_our_own_token_is_waited_for() -> None:
    """`LastTokenProcessing`: the first submit is still being worked on (alibaba.md 8)."""
    rig = rig_with(
        Fault(lost_answer(), applied=True), Fault(refusal(Kind.CONFLICT)), Fault(refusal(Kind.CONFLICT)),
        lookup=Lookup.TOKENED,
    )  # fmt: skip
    rig.world.visible_after_seconds = 1000.0
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1
    assert len(rig.calls("submit")) == 4


@pytest.mark.parametrize("lookup", [Lookup.CONCLUSIVE, Lookup.TOKENED], ids=str)
def test_a_service_that_answers_looks_and_no_submit_has_an_end(lookup: Lookup) -> None:
    rig = rig_with(*[Fault(lost_answer())] * 100, lookup=lookup)
    assert fails(rig).kind is Kind.UNAVAILABLE
    assert len(rig.calls("submit")) == 5
    assert rig.step().state is (StepState.FAILED if lookup is Lookup.CONCLUSIVE else StepState.INTENDED)


def test_a_service_that_answers_nothing_at_all_has_an_end() -> None:
    rig = rig_with(*[Fault(lost_answer())] * 100)
    rig.world.find_faults.extend([refusal(Kind.UNAVAILABLE)] * 1000)
    error = fails(rig)
    assert error.kind is Kind.UNAVAILABLE
    assert "jobs resume job-1" in error.hint
    assert rig.step().state is StepState.INTENDED
    assert rig.clock.monotonic() < 60


def test_a_deadline_in_doubt_leaves_the_doubt() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.visible_after_seconds = 25.0
    error = fails(rig, RunOptions(timeout_seconds=10.0))
    assert (error.kind, error.exit_code) == (Kind.TIMEOUT, 6)
    assert rig.step().state is StepState.INTENDED
    rig.run()
    assert rig.step().state is StepState.SUCCEEDED
    assert len(rig.world.tasks) == 1


def test_what_shows_later_than_promised_is_not_called_a_failure() -> None:
    """CVM refuses the second image of a name although its list does not show the first one yet (tencent.md 1.2)."""
    rig = rig_with(Fault(lost_answer(), applied=True), Fault(refusal(Kind.EXISTS)))
    rig.world.visible_after_seconds = 45.0
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1
    assert rig.step().state is StepState.ACCEPTED


def test_a_resumed_doubt_is_looked_at_for_the_whole_settling_time() -> None:
    """Whatever the wall clock says has passed since: it may have been set forward."""
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.visible_after_seconds = 25.0
    fails(rig, RunOptions(timeout_seconds=1.0))
    rig.clock.jump(1e7)
    rig.run(NO_WAIT)
    assert len(rig.world.tasks) == 1


@pytest.mark.parametrize("seconds", [-1e7, 0.0, 1e7])
def test_looking_goes_back_to_the_first_submit_whatever_the_clock_did(seconds: float) -> None:
    rig = rig_with(Fault(lost_answer()))
    fails(rig, RunOptions(timeout_seconds=1.0))
    first = rig.step().first_intended_at
    assert first is not None
    rig.clock.jump(seconds)
    resumed_at = rig.clock.now()
    rig.run(NO_WAIT)
    assert all(since <= min(first, resumed_at) for since in rig.calls("find")[-3:])


# ------------------------------------------------------------------------------------------------ inconclusive


def inconclusive(*faults: Fault | None, visible_after_seconds: float = 0.0) -> Rig:
    rig = rig_with(*faults, lookup=Lookup.INCONCLUSIVE)
    rig.world.visible_after_seconds = visible_after_seconds
    return rig


def test_stopping_in_doubt() -> None:
    rig = inconclusive(Fault(lost_answer()))
    error = fails(rig, RunOptions(on_doubt=OnDoubt.STOP))
    assert (error.code, error.exit_code) == ("InDoubt", 1)
    assert "--on-doubt" in error.hint
    assert "jobs resume job-1" in error.hint
    assert rig.step().state is StepState.INTENDED
    assert len(rig.calls("submit")) == 1
    assert rig.clock.monotonic() >= 30


def test_waiting_in_doubt_goes_on_past_the_settling_time() -> None:
    rig = inconclusive(Fault(lost_answer(), applied=True), visible_after_seconds=5000.0)
    rig.run(RunOptions(wait=False, on_doubt=OnDoubt.WAIT))
    assert len(rig.world.tasks) == len(rig.calls("submit")) == 1
    assert rig.clock.monotonic() >= 5000


def test_waiting_in_doubt_ends_with_the_deadline() -> None:
    rig = inconclusive(Fault(lost_answer()))
    assert fails(rig, RunOptions(on_doubt=OnDoubt.WAIT, timeout_seconds=4000.0)).kind is Kind.TIMEOUT
    assert rig.clock.monotonic() == pytest.approx(4000)


def test_sending_again_in_doubt_is_the_users_decision() -> None:
    rig = inconclusive(Fault(lost_answer()))
    rig.run(RunOptions(wait=False, on_doubt=OnDoubt.RESUBMIT))
    assert rig.calls("submit") == [rig.step().token] * 2
    assert rig.clock.monotonic() >= 30


def test_who_sent_again_in_doubt_and_is_refused_is_still_in_doubt() -> None:
    """CVM refuses an export of an image that is being exported: by our own first submit, it may be."""
    rig = inconclusive(Fault(lost_answer(), applied=True), Fault(refusal(Kind.CONFLICT)), visible_after_seconds=5000.0)
    error = fails(rig, RunOptions(on_doubt=OnDoubt.RESUBMIT))
    assert error.kind is Kind.CONFLICT
    assert "not known" in error.hint
    assert rig.step().state is StepState.INTENDED
    rig.clock.advance(5000.0)
    assert rig.run().step("export").state is StepState.SUCCEEDED
    assert len(rig.world.tasks) == 1


@pytest.mark.parametrize("answer", [OnDoubt.STOP, OnDoubt.ASK])
def test_asking_and_being_told_to_stop(answer: OnDoubt) -> None:
    rig = inconclusive(Fault(lost_answer()))
    questions: list[str] = []

    def decide(question: str) -> OnDoubt:
        questions.append(question)
        return answer

    assert fails(rig, RunOptions(decide=decide)).code == "InDoubt"
    assert len(questions) == 1
    assert "export" in questions[0]


def test_asking_and_being_told_to_send_again() -> None:
    rig = inconclusive(Fault(lost_answer()))
    rig.run(RunOptions(wait=False, decide=lambda _question: OnDoubt.RESUBMIT))
    assert rig.step().state is StepState.ACCEPTED


# ---------------------------------------------------------------------------------------------------- journal


def test_a_handle_that_cannot_be_written_down_is_said_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()

    def full(*_arguments: object) -> None:
        raise ImgmoveError(Kind.UNAVAILABLE, "the disk is full", code="JournalFull")

    monkeypatch.setattr(rig.journal, "accepted", full)
    error = fails(rig)
    assert "task-1" in error.message
    monkeypatch.undo()
    rig.run()
    assert len(rig.world.tasks) == 1


def test_nothing_is_sent_where_the_intent_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()

    def full(*_arguments: object) -> None:
        raise ImgmoveError(Kind.UNAVAILABLE, "the disk is full", code="JournalFull")

    monkeypatch.setattr(rig.journal, "intend", full)
    assert fails(rig).code == "JournalFull"
    assert rig.calls("submit") == []


def test_an_interruption_in_doubt_leaves_the_doubt() -> None:
    rig = rig_with(Fault(lost_answer(), applied=True))
    rig.world.visible_after_seconds = 20.0
    rig.clock.on_sleep = lambda _elapsed: rig.stop.set()
    error = fails(rig)
    assert (error.kind, error.exit_code) == (Kind.INTERRUPTED, 130)
    assert "jobs resume job-1" in error.hint
    assert rig.step().state is StepState.INTENDED
