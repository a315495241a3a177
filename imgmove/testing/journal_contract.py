"""What every `Journal` must keep, as tests. Needs pytest, when it is run.

Inherit from `JournalContract`, and give it a fixture `harness` (docs/how-to/test-a-cloud.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.jobs import STEP_TRANSITIONS, Job, Resource, Step, StepState
from imgmove.core.ports import Journal
from imgmove.core.requests import Operation
from imgmove.core.tasks import Handle

HANDLE: Final = Handle(
    Operation.EXPORT, "here", "105591590", request_id="req-1", submitted_at=11.5, details={"paths": ["/a", "/镜像"]}
)
ERROR: Final = {"kind": "quota", "message": "no room", "code": "Quota", "hint": "ask for more", "request_id": "req-2"}

#: What brings a planned step into each state.
WAYS: Final[dict[StepState, tuple[StepState, ...]]] = {
    StepState.PLANNED: (),
    StepState.INTENDED: (StepState.INTENDED,),
    StepState.ACCEPTED: (StepState.INTENDED, StepState.ACCEPTED),
    StepState.SUCCEEDED: (StepState.SUCCEEDED,),
    StepState.FAILED: (StepState.FAILED,),
    StepState.CANCELLED: (StepState.CANCELLED,),
    StepState.SKIPPED: (StepState.SKIPPED,),
}


class JournalHarness(ABC):
    """A journal, and other views on the same ground."""

    @abstractmethod
    def open(self) -> Journal:
        """A view on the journal, as another process has it; the same object where there can be no other."""


def a_job(job_id: str = "job-1", created_at: float = 10.0) -> Job:
    steps = (
        Step("export", provider="memory", region="here", request={"operation": "export", "image_ids": ["img-1"]}),
        Step("import", kind="later", needs=("export",), provider="memory", region="there"),
    )
    return Job(job_id, Operation.MIGRATE, created_at, {"name": "镜像", "sizes": [1, 2.5, None]}, steps, profile="work")


def move(journal: Journal, state: StepState, job_id: str = "job-1", step: str = "export") -> None:
    """The journal's call that brings a step into `state`."""
    calls: dict[StepState, Callable[[], None]] = {
        StepState.PLANNED: lambda: journal.plan(job_id, Step(step, request={"again": True})),
        StepState.INTENDED: lambda: journal.intend(job_id, step, "imtoken", 11.0),
        StepState.ACCEPTED: lambda: journal.accepted(job_id, step, HANDLE, 12.0),
        StepState.SUCCEEDED: lambda: journal.finished(job_id, step, {"image_id": "img-2"}, 13.0),
        StepState.FAILED: lambda: journal.failed(job_id, step, ERROR, 13.0),
        StepState.CANCELLED: lambda: journal.failed(job_id, step, ERROR, 13.0, cancelled=True),
        StepState.SKIPPED: lambda: journal.finished(job_id, step, {}, 13.0, skipped=True),
    }
    calls[state]()


class JournalContract:
    """What holds for every journal."""

    @pytest.fixture
    def journal(self, harness: JournalHarness) -> Journal:
        journal = harness.open()
        journal.add(a_job())
        return journal

    def test_an_empty_journal(self, harness: JournalHarness) -> None:
        assert list(harness.open().jobs()) == []
        raises(Kind.NOT_FOUND, lambda: harness.open().job("job-1"))

    def test_a_job_is_read_as_it_was_written(self, harness: JournalHarness, journal: Journal) -> None:
        assert journal.job("job-1") == a_job()
        assert harness.open().job("job-1") == a_job()

    def test_a_job_is_added_once(self, journal: Journal) -> None:
        raises(Kind.CONFLICT, lambda: journal.add(a_job()))

    def test_jobs_are_listed_newest_first(self, journal: Journal) -> None:
        journal.add(a_job("job-2", 30.0))
        journal.add(a_job("job-3", 20.0))
        journal.add(a_job("job-4", 20.0))
        assert [job.id for job in journal.jobs()] == ["job-2", "job-4", "job-3", "job-1"]
        assert journal.jobs()[0] == a_job("job-2", 30.0)

    def test_what_does_not_exist(self, journal: Journal) -> None:
        for state in StepState:
            raises(Kind.NOT_FOUND, partial(move, journal, state, job_id="job-9"))
            if state is not StepState.PLANNED:
                raises(Kind.NOT_FOUND, partial(move, journal, state, step="nothing"))
        raises(Kind.NOT_FOUND, lambda: journal.made("job-9", Resource("memory://b/k", "object")))
        raises(Kind.NOT_FOUND, lambda: journal.close_job("job-9", 1.0))
        raises(Kind.NOT_FOUND, lambda: journal.hold("job-9").__enter__())

    @pytest.mark.parametrize("state", list(StepState), ids=str)
    def test_transitions(self, harness: JournalHarness, journal: Journal, state: StepState) -> None:
        for target in StepState:
            job_id = f"{state.value}-{target.value}"
            journal.add(a_job(job_id))
            for way in WAYS[state]:
                move(journal, way, job_id)
            before = journal.job(job_id)
            assert before.step("export").state is state
            if target in STEP_TRANSITIONS[state]:
                move(journal, target, job_id)
                assert harness.open().job(job_id).step("export").state is target
            else:
                raises(Kind.CONFLICT, partial(move, journal, target, job_id))
                assert journal.job(job_id) == before

    def test_a_step_from_intent_to_end(self, harness: JournalHarness, journal: Journal) -> None:
        journal.intend("job-1", "export", "imtoken", 11.0)
        step = harness.open().job("job-1").step("export")
        assert (step.token, step.intended_at, step.first_intended_at) == ("imtoken", 11.0, 11.0)
        journal.accepted("job-1", "export", HANDLE, 12.0)
        step = harness.open().job("job-1").step("export")
        assert step.accepted_at == 12.0
        assert decode(Handle, step.handle or {}) == HANDLE
        journal.observed("job-1", "export", {"size": 5})
        assert journal.job("job-1").step("export").memo == {"size": 5}
        journal.finished("job-1", "export", {"image_id": None, "artifacts": [{"uri": "memory://b/k"}]}, 13.0)
        step = harness.open().job("job-1").step("export")
        assert (step.ended_at, step.outputs) == (13.0, {"image_id": None, "artifacts": [{"uri": "memory://b/k"}]})
        assert journal.job("job-1").step("import") == a_job().step("import")

    def test_a_failure_is_kept(self, harness: JournalHarness, journal: Journal) -> None:
        error = ImgmoveError(Kind.QUOTA, "no room", code="Quota", hint="ask for more", request_id="req-2")
        journal.failed("job-1", "export", encode(error), 13.0)
        kept = decode(ImgmoveError, harness.open().job("job-1").step("export").error or {})
        assert (kept.kind, kept.message, kept.code, kept.hint, kept.request_id) == (
            Kind.QUOTA, "no room", "Quota", "ask for more", "req-2",
        )  # fmt: skip

    def test_the_first_intent_of_a_token_is_remembered(self, journal: Journal) -> None:
        for at in (11.0, 12.0, 9.0):
            journal.intend("job-1", "export", "imtoken", at)
        step = journal.job("job-1").step("export")
        assert (step.intended_at, step.first_intended_at) == (9.0, 11.0)
        journal.intend("job-1", "export", "imother", 20.0)
        assert journal.job("job-1").step("export").first_intended_at == 20.0

    def test_planning_again_forgets_the_past_and_keeps_the_request(self, journal: Journal) -> None:
        move(journal, StepState.INTENDED)
        move(journal, StepState.ACCEPTED)
        journal.observed("job-1", "export", {"size": 5})
        move(journal, StepState.FAILED)
        journal.close_job("job-1", 14.0)
        failed = journal.job("job-1").step("export")
        journal.plan("job-1", failed)
        assert journal.job("job-1").step("export") == Step(
            "export", provider="memory", region="here", request=failed.request, token="imtoken"
        )
        assert journal.job("job-1").ended_at is None

    def test_a_new_step_comes_last(self, journal: Journal) -> None:
        journal.plan("job-1", Step("cleanup", needs=("import",)))
        assert [step.name for step in journal.job("job-1").steps] == ["export", "import", "cleanup"]
        journal.plan("job-1", Step("import", request={"operation": "import"}))
        assert [step.name for step in journal.job("job-1").steps] == ["export", "import", "cleanup"]

    def test_looking_at_what_is_not_under_way(self, journal: Journal) -> None:
        raises(Kind.CONFLICT, lambda: journal.observed("job-1", "export", {"size": 5}))

    def test_resources(self, harness: JournalHarness, journal: Journal) -> None:
        first = Resource("memory://b/k", "object", "memory", "here", size_bytes=7, created_at=11.0)
        second = Resource("memory://here/img-1", "image", "memory", "here", created_at=12.0, keep=True)
        journal.made("job-1", first)
        journal.made("job-1", second)
        assert harness.open().job("job-1").resources == (first, second)
        journal.made("job-1", Resource("memory://b/k", "object", "memory", "here", created_at=15.0, keep=True))
        again = journal.job("job-1").resources[0]
        assert (again.size_bytes, again.created_at, again.keep) == (7, 11.0, True)
        journal.removed("job-1", "memory://b/k", 16.0)
        journal.removed("job-1", "memory://b/unknown", 16.0)
        assert [item.removed_at for item in harness.open().job("job-1").resources] == [16.0, None]

    def test_closing(self, harness: JournalHarness, journal: Journal) -> None:
        journal.close_job("job-1", 14.0)
        assert harness.open().job("job-1").ended_at == 14.0

    def test_a_job_has_one_runner(self, harness: JournalHarness, journal: Journal) -> None:
        assert journal.holder("job-1") is None
        with journal.hold("job-1"):
            other = harness.open()
            assert other.holder("job-1")
            error = raises(Kind.HELD, lambda: other.hold("job-1").__enter__())
            assert error.exit_code == 9
            journal.intend("job-1", "export", "imtoken", 11.0)
        assert journal.holder("job-1") is None
        with harness.open().hold("job-1"):
            assert journal.holder("job-1")

    def test_a_runner_that_fails_gives_the_job_back(self, journal: Journal) -> None:
        with pytest.raises(ZeroDivisionError), journal.hold("job-1"):
            raise ZeroDivisionError
        assert journal.holder("job-1") is None

    def test_nothing_that_opens_a_door_is_kept(self, harness: JournalHarness, journal: Journal) -> None:
        journal.plan("job-1", Step("export", request={"urls": list(SIGNED_URLS)}))
        details: dict[str, Any] = {"urls": SIGNED_URLS, "security_token": "DOOR", "Authorization": "OSS AK:DOOR"}
        error = {"kind": "unknown", "message": f"GET {' and '.join(SIGNED_URLS)} gave 403", "code": "X"}
        calls: list[Callable[[], None]] = [
            lambda: journal.add(replace(a_job("job-2"), plan={"urls": list(SIGNED_URLS)})),
            lambda: journal.intend("job-1", "export", "imtoken", 11.0),
            lambda: journal.accepted("job-1", "export", Handle(Operation.EXPORT, "here", details=details), 12.0),
            lambda: journal.observed("job-1", "export", {"urls": list(SIGNED_URLS)}),
            lambda: journal.failed("job-1", "export", error, 13.0),
            lambda: journal.finished("job-1", "import", {"urls": list(SIGNED_URLS)}, 13.0),
            *(partial(journal.made, "job-1", Resource(url, "object")) for url in SIGNED_URLS),
        ]
        for call in calls:
            call()
            assert "DOOR" not in repr(harness.open().jobs())


#: Signed URLs of the stores that imgmove knows; the part that lets somebody in is "DOOR".
SIGNED_URLS: Final = (
    "https://b-1.cos.ap-guangzhou.myqcloud.com/k?q-sign-algorithm=sha1&q-ak=AK&q-signature=DOOR",
    "https://b-1.cos.ap-guangzhou.myqcloud.com/k?q-signature=DOOR&x-cos-security-token=DOOR",
    "https://b.oss-cn-hangzhou.aliyuncs.com/k?OSSAccessKeyId=AK&Expires=1&Signature=DOOR&security-token=DOOR",
    "https://b.oss-cn-hangzhou.aliyuncs.com/k?x-oss-signature=DOOR&x-oss-security-token=DOOR&uploadId=1",
    "https://ecs.aliyuncs.com/?Action=X&SecurityToken=DOOR&Signature=DOOR",
)


def raises(kind: Kind, call: Callable[[], object]) -> ImgmoveError:
    """The error of `kind` that `call` raises; it has to."""
    with pytest.raises(ImgmoveError) as caught:
        call()
    assert caught.value.kind is kind
    return caught.value
