"""A job's steps: in order, as far as they go, from any state, by one runner at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import StepEnded, StepStarted
from imgmove.core.jobs import Step, StepState
from imgmove.core.requests import DiskSource, ImportRequest, Operation
from imgmove.core.tasks import TaskState
from imgmove.engine.operation import run_operation
from imgmove.engine.options import RunOptions
from imgmove.engine.runner import STEP_FUNCTIONS
from imgmove.engine.steps import StepContext, StepFailed, StepFunction, decode_request, encode_request
from imgmove.testing.memory_compute import Fault
from tests.engine.rig import Rig, refusal


def fails(rig: Rig, options: RunOptions | None = None) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        rig.run(options)
    return caught.value


def three_exports(*faults: Fault | None) -> Rig:
    rig = Rig()
    rig.add_job(rig.add_export("export-1"), rig.add_export("export-2"), rig.add_export("export-3"))
    rig.world.submit_faults.extend(faults)
    return rig


def states(rig: Rig) -> list[str]:
    return [step.state.value for step in rig.journal.job("job-1").steps]


# ------------------------------------------------------------------------------------ several of one operation


def test_several_go_one_after_the_other() -> None:
    rig = three_exports()
    assert rig.run().state is TaskState.SUCCEEDED
    assert [task.started_at for task in rig.world.tasks] == [0.0, 60.0, 120.0]
    assert [event.step for event in rig.seen(StepStarted)] == ["export-1", "export-2", "export-3"]
    assert [event.error for event in rig.seen(StepEnded)] == [None, None, None]


def test_without_waiting_all_are_submitted() -> None:
    rig = three_exports()
    rig.run(RunOptions(wait=False))
    assert states(rig) == ["accepted"] * 3


def test_some_of_several_is_a_partial_success() -> None:
    rig = three_exports(None, Fault(refusal(Kind.QUOTA, code="WeeklyQuota")))
    error = fails(rig)
    assert (error.kind, error.exit_code) == (Kind.PARTIAL, 8)
    assert "1 of 3" in error.message
    assert "export-2: WeeklyQuota" in error.message
    assert states(rig) == ["succeeded", "failed", "succeeded"]
    assert rig.journal.job("job-1").ended_at is not None


def test_none_of_several_is_no_partial_success() -> None:
    rig = three_exports(*[Fault(refusal(Kind.QUOTA))] * 3)
    assert fails(rig).kind is Kind.QUOTA


def test_a_job_that_failed_says_so_again_and_does_nothing() -> None:
    rig = three_exports(*[Fault(refusal(Kind.QUOTA, code="WeeklyQuota"))] * 3)
    fails(rig)
    error = fails(rig)
    assert (error.kind, error.code) == (Kind.QUOTA, "WeeklyQuota")
    assert len(rig.calls("submit")) == 3


def test_trying_again_is_for_what_failed_and_with_a_new_token() -> None:
    rig = three_exports(None, Fault(refusal(Kind.QUOTA)))
    fails(rig)
    before = {step.name: step.token for step in rig.journal.job("job-1").steps}
    assert rig.run(RunOptions(again=True)).state is TaskState.SUCCEEDED
    after = {step.name: step.token for step in rig.journal.job("job-1").steps}
    assert {name for name in before if before[name] != after[name]} == {"export-2"}
    assert len(rig.world.tasks) == 3


def test_a_deadline_ends_the_run_and_the_rest_is_left_for_the_next() -> None:
    rig = three_exports()
    assert fails(rig, RunOptions(timeout_seconds=100.0)).kind is Kind.TIMEOUT
    assert states(rig) == ["succeeded", "accepted", "planned"]
    assert rig.run().state is TaskState.SUCCEEDED
    assert len(rig.world.tasks) == 3


def test_a_deadline_between_two_steps() -> None:
    rig = three_exports()
    assert fails(rig, RunOptions(timeout_seconds=60.0)).kind is Kind.TIMEOUT
    assert states(rig) == ["succeeded", "planned", "planned"]


def test_an_interruption_between_two_steps() -> None:
    rig = three_exports()
    rig.clock.on_sleep = lambda elapsed: rig.stop.set() if elapsed >= 60 else None
    assert fails(rig).kind is Kind.INTERRUPTED
    assert states(rig)[1:] == ["planned", "planned"]


# ------------------------------------------------------------------------------------------------- one runner


def test_a_held_job_is_left_alone() -> None:
    rig = three_exports()
    with rig.journal.hold("job-1"):
        error = fails(rig)
    assert (error.kind, error.exit_code) == (Kind.HELD, 9)
    assert rig.world.calls == []
    assert rig.journal.holder("job-1") is None


def test_a_runner_gives_the_job_back_whatever_happens() -> None:
    rig = three_exports(Fault(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        rig.run()
    assert rig.journal.holder("job-1") is None
    assert states(rig)[0] == "intended"


def test_an_unknown_job() -> None:
    assert fails(Rig()).kind is Kind.NOT_FOUND


def test_a_step_of_an_unknown_kind_is_left_for_a_newer_imgmove() -> None:
    rig = Rig()
    rig.add_job(Step("verify", kind="verify-boot"))
    assert fails(rig).kind is Kind.UNSUPPORTED
    assert states(rig) == ["planned"]


def test_a_provider_that_cannot_be_reached_costs_no_step() -> None:
    rig = three_exports()

    def resolve(_provider: str, _region: str) -> Any:
        raise refusal(Kind.DENIED, code="NoCredentials")

    rig.provider = resolve  # type: ignore[assignment, method-assign]  # what the resolver does without credentials
    assert fails(rig).code == "NoCredentials"
    assert states(rig) == ["planned"] * 3


# --------------------------------------------------------------------------------------- a plan of many kinds


def preflight(context: StepContext) -> Mapping[str, Any]:
    context.resolve(context.step.provider, context.step.region)
    return {"findings": []}


def export(context: StepContext) -> Mapping[str, Any] | None:
    return run_operation(context, decode_request(context.step.request), keep=False)


class Copy:
    """Work of our own, in portions: `interrupt_after` of them end the run."""

    def __init__(self) -> None:
        self.moved: list[str] = []
        self.interrupt_after = 1

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        details = context.begin({"upload_id": f"upload-{len(self.moved) + 1}"})
        sources = [artifact["uri"] for artifact in context.outputs("export")["artifacts"]]
        done = context.step.memo.get("parts", 0)
        for part in range(done, 3):
            self.moved.append(f"{details['upload_id']} part {part} of {sources[0]}")
            context.journal.observed(context.job.id, context.step.name, {"parts": part + 1})
            if len(self.moved) == self.interrupt_after:
                raise ImgmoveError(Kind.INTERRUPTED, "interrupted")
        return {"bucket": "there", "key": "copied.qcow2"}


def import_(context: StepContext) -> Mapping[str, Any] | None:
    where = context.outputs("copy")
    request = ImportRequest("moved", (DiskSource(where["bucket"], where["key"]),))
    ready = context.planned_with(request)
    return run_operation(ready, decode_request(ready.step.request))


def cleanup(context: StepContext) -> Mapping[str, Any]:
    for resource in context.job.resources:
        if not resource.keep:
            context.journal.removed(context.job.id, resource.uri, context.clock.now())
    return {}


def migration() -> tuple[Rig, Copy]:
    copy = Copy()
    functions: dict[str, StepFunction] = {
        **STEP_FUNCTIONS, "preflight": preflight, "export": export, "copy": copy, "import": import_, "cleanup": cleanup,
    }  # fmt: skip
    rig = Rig(functions=functions)
    first = replace(rig.add_export(), kind="export", needs=("preflight",))
    rig.add_job(
        Step("preflight", kind="preflight", provider="memory", region="here"),
        first,
        Step("copy", kind="copy", needs=("export",)),
        Step("import", kind="import", needs=("copy",), provider="memory", region="there"),
        Step("cleanup", kind="cleanup", needs=("import",)),
        operation=Operation.MIGRATE,
    )
    rig.world.store("there").put("copied.qcow2", b"disk")
    return rig, copy


def test_a_migration_is_data_and_functions() -> None:
    rig, copy = migration()
    assert fails(rig).kind is Kind.INTERRUPTED
    assert states(rig) == ["succeeded", "succeeded", "accepted", "planned", "planned"]
    job = rig.run()
    assert job.state is TaskState.SUCCEEDED
    assert [text.split(" of ")[0] for text in copy.moved] == [f"upload-1 part {part}" for part in range(3)]
    assert len(rig.world.tasks) == 2
    assert job.step("import").request == encode_request(ImportRequest("moved", (DiskSource("there", "copied.qcow2"),)))
    removed = [(item.kind, item.keep, item.removed_at is not None) for item in job.resources]
    assert removed == [("object", False, True), ("image", True, False)]


def test_a_failed_step_blocks_what_needs_it_and_speaks_for_the_job() -> None:
    rig, copy = migration()
    copy.interrupt_after = 0
    rig.world.submit_faults.extend([None, Fault(refusal(Kind.QUOTA, code="ImageQuotaExceeded"))])
    error = fails(rig)
    assert (error.kind, error.code) == (Kind.QUOTA, "ImageQuotaExceeded")
    assert states(rig) == ["succeeded", "succeeded", "succeeded", "failed", "planned"]
    assert rig.journal.job("job-1").ended_at is not None
    assert rig.run(RunOptions(again=True)).state is TaskState.SUCCEEDED
    assert len(rig.world.tasks) == 2
    assert len(copy.moved) == 3


def test_a_step_function_says_when_it_is_over() -> None:
    def fail(context: StepContext) -> Mapping[str, Any]:
        raise StepFailed(ImgmoveError(Kind.CORRUPT, "the CRCs differ", code="ChecksumMismatch"))

    rig = Rig(functions={"copy": fail})
    rig.add_job(Step("copy", kind="copy"), Step("import", kind="copy", needs=("copy",)))
    assert fails(rig).exit_code == 7
    assert states(rig) == ["failed", "planned"]
    assert rig.step("copy").state is StepState.FAILED
