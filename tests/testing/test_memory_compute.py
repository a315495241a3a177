"""The twin of an image service keeps the contract, with each way to look after a lost answer."""

from __future__ import annotations

import itertools

import pytest

from imgmove.core.abilities import Lookup
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import (
    CreateRequest,
    DiskSource,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    TransferRequest,
)
from imgmove.core.tasks import TaskState
from imgmove.testing.compute_contract import ComputeContract, ComputeHarness
from imgmove.testing.fake_clock import FakeClock
from imgmove.testing.memory_compute import Fault, MemoryCompute, MemoryWorld, memory_abilities


class MemoryHarness(ComputeHarness):
    def __init__(self, lookup: Lookup, *, cancel: bool = True) -> None:
        self.clock = FakeClock()
        self.world = MemoryWorld(self.clock.monotonic)
        self.provider = MemoryCompute(self.world, memory_abilities(lookup, cancel=cancel))
        self._numbers = itertools.count(1)

    def request(self, operation: Operation) -> ServiceRequest | None:
        name = f"image-{next(self._numbers)}"
        self.world.store("bucket").put("disk.qcow2", b"disk")
        match operation:
            case Operation.EXPORT:
                return ExportRequest((self.world.add_image(name).id,), "bucket")
            case Operation.IMPORT:
                return ImportRequest(name, (DiskSource("bucket", "disk.qcow2"),))
            case Operation.CREATE:
                return CreateRequest(name, self.world.add_instance())
            case _:
                return TransferRequest(name, "memory", "there", self.world.add_image(f"source of {name}").id)

    def refused_request(self, operation: Operation) -> ServiceRequest:
        match operation:
            case Operation.EXPORT:
                return ExportRequest(("img-404",), "bucket")
            case Operation.IMPORT:
                return ImportRequest("name", (DiskSource("bucket", "absent"),))
            case Operation.CREATE:
                return CreateRequest("name", "ins-404")
            case _:
                return TransferRequest("name", "memory", "there", "img-404")

    def started(self) -> int:
        return len(self.world.tasks)

    def now(self) -> float:
        return self.clock.now()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def lose_next_answer(self) -> None:
        lost = ImgmoveError(Kind.UNAVAILABLE, "the connection broke", maybe_applied=True)
        self.world.submit_faults.append(Fault(lost, applied=True))
        self.world.visible_after_seconds = 20.0

    def break_next_look(self) -> None:
        self.world.poll_faults.append(ImgmoveError(Kind.UNAVAILABLE, "503"))


class TestMemoryCompute(ComputeContract):
    @pytest.fixture(params=list(Lookup), ids=str)
    def harness(self, request: pytest.FixtureRequest) -> ComputeHarness:
        return MemoryHarness(request.param)


class TestMemoryComputeThatCannotCancel(ComputeContract):
    @pytest.fixture
    def harness(self) -> ComputeHarness:
        return MemoryHarness(Lookup.TOKENED, cancel=False)


class Death(BaseException):
    """The process dies."""


@pytest.mark.parametrize("applied", [False, True])
def test_the_process_may_die_before_or_after(applied: bool) -> None:
    harness = MemoryHarness(Lookup.CONCLUSIVE)
    harness.world.submit_faults.append(Fault(Death(), applied=applied))
    request = harness.request(Operation.EXPORT)
    assert request is not None
    with pytest.raises(Death):
        harness.provider.submit(request, "imtoken")
    assert harness.started() == applied


def test_an_operation_may_be_made_to_fail_and_shows_late() -> None:
    harness = MemoryHarness(Lookup.CONCLUSIVE)
    harness.world.error = ImgmoveError(Kind.FAILED, "no partition", code="PartitionNotPresent")
    harness.world.visible_after_seconds = 25.0
    request = harness.request(Operation.IMPORT)
    assert request is not None
    handle = harness.provider.submit(request, "imtoken")
    harness.pass_time(24.0)
    assert harness.provider.find(request, "imtoken", 0.0) is None
    harness.pass_time(1.0)
    assert harness.provider.find(request, "imtoken", 0.0) == handle
    assert harness.provider.poll(handle, {}).state is TaskState.RUNNING
    harness.pass_time(35.0)
    report = harness.provider.poll(handle, {})
    assert report.state is TaskState.FAILED
    assert report.error
    assert report.error.code == "PartitionNotPresent"
