"""Watching: a look that fails is not an operation that failed, and nothing but the user's deadline limits the wait."""

from __future__ import annotations

import math

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Polled, PollFailed
from imgmove.core.jobs import StepState
from imgmove.core.tasks import TaskReport, TaskState
from imgmove.engine.options import RunOptions
from imgmove.testing.memory_compute import MemoryCompute
from tests.engine.rig import Rig, refusal


def rig_with(*faults: ImgmoveError | None, duration_seconds: float = 60.0) -> Rig:
    rig = Rig()
    rig.add_job(rig.add_export())
    rig.world.poll_faults.extend(faults)
    rig.world.duration_seconds = duration_seconds
    return rig


def fails(rig: Rig, options: RunOptions | None = None) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        rig.run(options)
    return caught.value


def test_a_success_leaves_outputs_and_resources() -> None:
    rig = rig_with()
    job = rig.run()
    step = job.step("export")
    assert job.state is TaskState.SUCCEEDED
    assert job.ended_at == step.ended_at == rig.clock.now()
    assert step.outputs["task_id"] == "task-1"
    uris = [artifact["uri"] for artifact in step.outputs["artifacts"]]
    assert uris == [f"memory://bucket/{step.token}_img-1.qcow2"]
    assert [(item.uri, item.kind, item.keep) for item in job.resources] == [(uris[0], "object", True)]


def test_the_exported_image_is_never_a_thing_that_we_made() -> None:
    rig = rig_with()
    rig.world.error = ImgmoveError(Kind.FAILED, "no room")
    fails(rig)
    assert rig.journal.job("job-1").resources == ()


def test_a_failed_operation_ends_the_step_with_its_reason() -> None:
    rig = Rig()
    rig.add_job(rig.add_create())
    rig.world.error = ImgmoveError(Kind.FAILED, "no partition", code="PartitionNotPresent", request_id="req-9")
    error = fails(rig)
    assert (error.code, error.exit_code, error.request_id) == ("PartitionNotPresent", 1, "req-9")
    job = rig.journal.job("job-1")
    assert job.state is TaskState.FAILED
    assert [(item.kind, item.keep) for item in job.resources] == [("image", False)]


def test_a_failure_without_a_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()
    report = TaskReport(TaskState.FAILED, vendor_state="BROKEN", message="it broke")
    monkeypatch.setattr(MemoryCompute, "poll", lambda *_arguments: report)
    error = fails(rig)
    assert (error.kind, error.code) == (Kind.FAILED, "BROKEN")
    assert "it broke" in error.message
    assert error.hint


def test_a_cancelled_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()
    monkeypatch.setattr(MemoryCompute, "poll", lambda *_arguments: TaskReport(TaskState.CANCELLED))
    assert "cancelled" in fails(rig).message
    assert rig.step().state is StepState.CANCELLED


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.THROTTLED, Kind.UNKNOWN, Kind.TIMEOUT, Kind.CONFLICT])
def test_looks_that_fail_are_borne_as_long_as_it_takes(kind: Kind) -> None:
    rig = rig_with(*[refusal(kind)] * 5000)
    job = rig.run()
    assert job.state is TaskState.SUCCEEDED
    assert rig.clock.monotonic() > 36 * 3600
    assert len(rig.seen(PollFailed)) == 5000


def test_failing_looks_come_less_often_and_as_the_service_wishes() -> None:
    rig = rig_with(*[refusal(Kind.UNAVAILABLE)] * 50, refusal(Kind.THROTTLED, retry_after_seconds=300.0))
    rig.run()
    assert all(10.0 <= seconds <= 60.0 for seconds in rig.clock.slept[:50])
    assert max(rig.clock.slept[:50]) > 30.0
    assert 300.0 <= rig.clock.slept[50] <= 310.0
    announced = [event.next_try_seconds for event in rig.seen(PollFailed)]
    assert announced == rig.clock.slept[:51]


@pytest.mark.parametrize("kind", [Kind.DENIED, Kind.NOT_FOUND, Kind.INVALID])
def test_refused_looks_are_borne_for_a_while(kind: Kind) -> None:
    rig = rig_with(*[refusal(kind)] * 5)
    assert rig.run().state is TaskState.SUCCEEDED


@pytest.mark.parametrize("kind", [Kind.DENIED, Kind.NOT_FOUND, Kind.INVALID])
def test_refused_looks_end_the_watch_and_not_the_operation(kind: Kind) -> None:
    rig = rig_with(*[refusal(kind)] * 1000)
    error = fails(rig)
    assert error.kind is kind
    assert "goes on at the provider" in error.hint
    assert "jobs resume job-1" in error.hint
    assert rig.step().state is StepState.ACCEPTED
    assert 120 <= rig.clock.monotonic() < 300
    rig.world.poll_faults.clear()
    assert rig.run().state is TaskState.SUCCEEDED
    assert len(rig.world.tasks) == 1


def test_refused_looks_count_only_in_a_row() -> None:
    rig = rig_with(*[refusal(Kind.DENIED), refusal(Kind.UNAVAILABLE)] * 500)
    assert rig.run().state is TaskState.SUCCEEDED


def test_however_rare_the_looks_three_refusals_are_needed() -> None:
    rig = rig_with(*[refusal(Kind.DENIED)] * 2)
    assert rig.run(RunOptions(poll_seconds=3600.0)).state is TaskState.SUCCEEDED


def test_an_unknown_state_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()
    real = MemoryCompute.poll
    looks = []

    def poll(self: MemoryCompute, *arguments: object) -> TaskReport:
        looks.append(1)
        if len(looks) < 1000:
            return TaskReport(TaskState.UNKNOWN, vendor_state="ARCHIVING")
        return real(self, *arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(MemoryCompute, "poll", poll)
    assert rig.run().state is TaskState.SUCCEEDED
    assert len(looks) == 1000


def test_the_deadline_ends_the_watch_after_a_last_look() -> None:
    rig = rig_with(duration_seconds=1e6)
    error = fails(rig, RunOptions(timeout_seconds=95.0))
    assert (error.kind, error.exit_code) == (Kind.TIMEOUT, 6)
    assert "jobs resume job-1" in error.hint
    assert rig.clock.monotonic() == pytest.approx(95.0)
    assert len(rig.calls("poll")) == 11
    assert rig.step().state is StepState.ACCEPTED


def test_what_ends_right_before_the_deadline_is_seen() -> None:
    rig = rig_with(duration_seconds=94.0)
    assert rig.run(RunOptions(timeout_seconds=95.0)).state is TaskState.SUCCEEDED


def test_a_deadline_of_nothing_still_submits_and_looks_once() -> None:
    rig = rig_with()
    assert fails(rig, RunOptions(timeout_seconds=0.0)).kind is Kind.TIMEOUT
    assert rig.step().state is StepState.ACCEPTED
    assert len(rig.calls("poll")) == 1


def test_an_interruption_leaves_the_operation_alone() -> None:
    rig = rig_with()
    rig.clock.on_sleep = lambda elapsed: rig.stop.set() if elapsed >= 30 else None
    error = fails(rig)
    assert (error.kind, error.exit_code) == (Kind.INTERRUPTED, 130)
    assert rig.step().state is StepState.ACCEPTED
    assert rig.calls("cancel") == []
    rig.stop.clear()
    rig.clock.on_sleep = None
    assert rig.run().state is TaskState.SUCCEEDED
    assert len(rig.world.tasks) == 1


def test_the_interval_is_the_services_and_grows_with_the_wait() -> None:
    rig = rig_with(duration_seconds=7200.0)
    rig.run()
    assert rig.clock.slept[0] == 10.0
    assert rig.clock.slept[-1] == 40.0
    assert rig.clock.slept == sorted(rig.clock.slept)


def test_the_users_interval_stays_as_it_is() -> None:
    rig = rig_with(duration_seconds=3600.0)
    rig.run(RunOptions(poll_seconds=3.0))
    assert set(rig.clock.slept) == {3.0}


def test_the_memo_is_handed_on_and_kept() -> None:
    rig = rig_with(duration_seconds=100.0)
    fails(rig, RunOptions(timeout_seconds=45.0))
    looks = len(rig.calls("poll"))
    assert rig.step().memo == {"looks": looks}
    rig.run()
    memos = [event.report.memo["looks"] for event in rig.seen(Polled)]
    assert memos == list(range(1, len(memos) + 1))


def test_a_jumping_wall_clock_changes_nothing() -> None:
    rig = rig_with(duration_seconds=100.0)
    jumps = iter([-1e6, 2e6, -3e6] + [0.0] * 100)
    rig.clock.on_sleep = lambda _elapsed: rig.clock.jump(next(jumps))
    assert rig.run(RunOptions(timeout_seconds=200.0)).state is TaskState.SUCCEEDED
    assert rig.clock.monotonic() == pytest.approx(100.0)


def test_not_waiting_returns_at_once_and_looks_later() -> None:
    rig = rig_with()
    job = rig.run(RunOptions(wait=False))
    assert job.state is TaskState.RUNNING
    assert rig.calls("poll") == []
    assert rig.run(RunOptions(wait=False)).state is TaskState.RUNNING
    assert len(rig.calls("poll")) == 1
    rig.clock.advance(60.0)
    assert rig.run(RunOptions(wait=False)).state is TaskState.SUCCEEDED


def test_there_is_no_hidden_end() -> None:
    rig = rig_with(duration_seconds=30 * 86400.0)
    assert rig.run().state is TaskState.SUCCEEDED
    assert math.isclose(rig.clock.monotonic(), 30 * 86400.0, rel_tol=1e-4)
