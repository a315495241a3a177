"""What every `ComputeProvider` must keep, as tests. Needs pytest, when it is run.

Inherit from `ComputeContract`, and give it a fixture `harness` (docs/how-to/test-a-cloud.md):

    class TestMyCloud(ComputeContract):
        @pytest.fixture
        def harness(self) -> ComputeHarness:
            return MyHarness()
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import pytest

from imgmove.core.abilities import Lookup
from imgmove.core.codec import decode, encode
from imgmove.core.errors import PASSING_KINDS, ImgmoveError, Kind
from imgmove.core.ports import ComputeProvider
from imgmove.core.requests import Operation, ServiceRequest
from imgmove.core.tasks import FINAL_TASK_STATES, Handle, TaskReport, TaskState

OPERATIONS: Final = (Operation.EXPORT, Operation.IMPORT, Operation.CREATE, Operation.TRANSFER)

#: So many looks without an end are taken for an operation that never ends.
_MAX_LOOKS: Final = 500

#: How a service may refuse a request that names what does not exist.
_REFUSALS: Final = frozenset({Kind.NOT_FOUND, Kind.INVALID, Kind.DENIED, Kind.CONFLICT, Kind.UNSUPPORTED})


class ComputeHarness(ABC):
    """The service under test and the world behind it: an emulation, or a real account with somebody who pays."""

    provider: ComputeProvider

    @abstractmethod
    def request(self, operation: Operation) -> ServiceRequest | None:
        """A request that would be accepted now, another one at every call; None where the service has no such call."""

    @abstractmethod
    def refused_request(self, operation: Operation) -> ServiceRequest:
        """A request that names an image, object or instance which does not exist."""

    @abstractmethod
    def started(self) -> int:
        """How many operations the service has ever begun, as the service counts them."""

    @abstractmethod
    def now(self) -> float:
        """Unix seconds, by the clock that the adapter was given."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """Let the service's own time go on. A real one needs a sleep here, an emulation its clock moved."""

    @abstractmethod
    def lose_next_answer(self) -> None:
        """The next submit reaches the service and takes effect, and its answer never reaches us."""

    @abstractmethod
    def break_next_look(self) -> None:
        """The next request that reads is answered with a 5xx, or not at all."""

    missing_image_id: str = "img-00000000"
    """An image id of the right form that does not exist."""


class ComputeContract:
    """What holds for every service: for each operation that it has, and for its images."""

    @pytest.fixture(params=OPERATIONS, ids=str)
    def operation(self, request: pytest.FixtureRequest) -> Operation:
        operation: Operation = request.param
        return operation

    @pytest.fixture
    def request_(self, harness: ComputeHarness, operation: Operation) -> ServiceRequest:
        request = harness.request(operation)
        if request is None:
            pytest.skip(f"{harness.provider.abilities.title} has no {operation.value}")
        return request

    def test_abilities_say_what_the_service_has(self, harness: ComputeHarness, operation: Operation) -> None:
        has = operation in harness.provider.abilities.operations
        assert has is (harness.request(operation) is not None)
        if not has:
            with pytest.raises(ImgmoveError) as caught:
                harness.provider.abilities.ability(operation)
            assert caught.value.kind is Kind.UNSUPPORTED
            assert caught.value.hint

    def test_a_check_has_no_side_effect(self, harness: ComputeHarness, request_: ServiceRequest) -> None:
        before = harness.started()
        harness.provider.check(request_, "imcheck0001")
        harness.provider.check(request_, "imcheck0001")
        assert harness.started() == before

    def test_what_a_check_refuses_a_submit_refuses(self, harness: ComputeHarness, operation: Operation) -> None:
        if operation not in harness.provider.abilities.operations:
            pytest.skip(f"{harness.provider.abilities.title} has no {operation.value}")
        before = harness.started()
        with pytest.raises(ImgmoveError) as submitted:
            harness.provider.submit(harness.refused_request(operation), "imrefused001")
        assert submitted.value.kind in _REFUSALS
        assert not submitted.value.maybe_applied
        assert submitted.value.message
        assert harness.started() == before
        if harness.provider.abilities.ability(operation).dry_run:
            with pytest.raises(ImgmoveError) as checked:
                harness.provider.check(harness.refused_request(operation), "imrefused001")
            assert checked.value.kind is submitted.value.kind

    def test_a_submit_starts_one_operation_that_ends_well(
        self, harness: ComputeHarness, operation: Operation, request_: ServiceRequest
    ) -> None:
        before = harness.started()
        handle = harness.provider.submit(request_, "imsubmit0001")
        assert handle.operation is operation
        assert handle.region == harness.provider.region
        report = follow(harness, handle)
        assert report.state is TaskState.SUCCEEDED
        assert report.error is None
        assert harness.started() == before + 1
        check_result(harness, operation, report)

    def test_a_handle_and_a_memo_survive_the_journal(self, harness: ComputeHarness, request_: ServiceRequest) -> None:
        handle = harness.provider.submit(request_, "imjournal001")
        assert through_json(handle) == handle
        memo: dict[str, Any] = {}
        for _ in range(3):
            memo = json.loads(json.dumps(encode(harness.provider.poll(through_json(handle), memo).memo)))
            harness.pass_time(1.0)

    def test_an_ended_operation_stays_ended(self, harness: ComputeHarness, request_: ServiceRequest) -> None:
        handle = harness.provider.submit(request_, "imended00001")
        report = follow(harness, handle)
        again = harness.provider.poll(handle, report.memo)
        assert again.state is report.state
        assert (again.image_id, again.artifacts) == (report.image_id, report.artifacts)

    def test_a_look_that_fails_says_nothing_about_the_operation(
        self, harness: ComputeHarness, request_: ServiceRequest
    ) -> None:
        handle = harness.provider.submit(request_, "imlook000001")
        harness.break_next_look()
        with pytest.raises(ImgmoveError) as caught:
            harness.provider.poll(handle, {})
        assert caught.value.kind in PASSING_KINDS
        assert follow(harness, handle).state is TaskState.SUCCEEDED

    def test_what_was_never_sent_is_not_found(self, harness: ComputeHarness, request_: ServiceRequest) -> None:
        assert harness.provider.find(request_, "imnever00001", harness.now()) is None

    def test_what_somebody_else_started_is_not_adopted(
        self, harness: ComputeHarness, operation: Operation, request_: ServiceRequest
    ) -> None:
        since = harness.now()
        harness.provider.submit(request_, "imtheirs0001")
        ours = harness.request(operation)
        assert ours is not None
        assert look(harness, ours, "imours000001", since).found is None

    def test_an_operation_whose_answer_was_lost_is_found(
        self, harness: ComputeHarness, operation: Operation, request_: ServiceRequest
    ) -> None:
        ability = harness.provider.abilities.ability(operation)
        before = harness.started()
        since = harness.now()
        harness.lose_next_answer()
        with pytest.raises(ImgmoveError) as caught:
            harness.provider.submit(request_, "imlost000001")
        assert caught.value.maybe_applied
        handle = look_for(harness, request_, "imlost000001", since, ability.settling_seconds)
        if handle is None:
            assert ability.lookup is not Lookup.CONCLUSIVE
            if ability.lookup is Lookup.INCONCLUSIVE:
                return
            handle = harness.provider.submit(request_, "imlost000001")
        assert follow(harness, handle).state is TaskState.SUCCEEDED
        assert harness.started() == before + 1

    def test_a_token_makes_a_second_submit_harmless(
        self, harness: ComputeHarness, operation: Operation, request_: ServiceRequest
    ) -> None:
        if harness.provider.abilities.ability(operation).lookup is not Lookup.TOKENED:
            pytest.skip("this operation honours no token")
        before = harness.started()
        first = harness.provider.submit(request_, "imtwice00001")
        second = harness.provider.submit(request_, "imtwice00001")
        assert (second.task_id, second.image_id) == (first.task_id, first.image_id)
        assert harness.started() == before + 1

    def test_cancelling(self, harness: ComputeHarness, operation: Operation, request_: ServiceRequest) -> None:
        handle = harness.provider.submit(request_, "imcancel0001")
        if not harness.provider.abilities.ability(operation).cancel:
            with pytest.raises(ImgmoveError) as caught:
                harness.provider.cancel(handle)
            assert caught.value.kind is Kind.UNSUPPORTED
            return
        harness.provider.cancel(handle)
        harness.provider.cancel(handle)
        assert follow(harness, handle).state in FINAL_TASK_STATES

    def test_an_image_that_does_not_exist(self, harness: ComputeHarness) -> None:
        with pytest.raises(ImgmoveError) as caught:
            harness.provider.image(harness.missing_image_id)
        assert caught.value.kind is Kind.NOT_FOUND
        harness.provider.delete_image(harness.missing_image_id)

    def test_an_image_from_its_making_to_its_end(self, harness: ComputeHarness) -> None:
        image_id = make_image(harness)
        image = harness.provider.image(image_id)
        assert image.id == image_id
        assert image_id in {item.id for item in harness.provider.images()}
        harness.provider.delete_image(image_id)
        harness.provider.delete_image(image_id)
        harness.pass_time(60.0)
        assert image_id not in {item.id for item in harness.provider.images()}

    def test_an_image_id_can_be_looked_up(self, harness: ComputeHarness) -> None:
        image_id = make_image(harness)
        report = harness.provider.look_up(image_id)
        assert report.state is TaskState.SUCCEEDED
        assert report.image_id == image_id

    def test_an_unknown_id_is_looked_up_in_vain(self, harness: ComputeHarness) -> None:
        with pytest.raises(ImgmoveError) as caught:
            harness.provider.look_up(harness.missing_image_id)
        assert caught.value.kind in {Kind.NOT_FOUND, Kind.UNSUPPORTED}

    def test_os_choices_are_the_same_twice(self, harness: ComputeHarness) -> None:
        assert list(harness.provider.os_choices()) == list(harness.provider.os_choices())


# ------------------------------------------------------------------------------------------------------ helpers


def follow(harness: ComputeHarness, handle: Handle) -> TaskReport:
    """Look until the operation has ended, handing memo and handle on as the engine does."""
    memo: dict[str, Any] = {}
    pause = harness.provider.abilities.ability(handle.operation).poll_seconds
    for _ in range(_MAX_LOOKS):
        report = harness.provider.poll(through_json(handle), memo)
        if report.is_final:
            return report
        memo = json.loads(json.dumps(encode(report.memo)))
        harness.pass_time(pause)
    raise AssertionError(f"{handle} has not ended after {_MAX_LOOKS} looks")


@dataclass(frozen=True)
class Look:
    """What one `find` said: `conclusive` is false for "look again"."""

    found: Handle | None = None
    conclusive: bool = True


def look(harness: ComputeHarness, request: ServiceRequest, token: str, since: float) -> Look:
    """Look once for a submit; an error other than "look again" fails the test."""
    try:
        return Look(harness.provider.find(request, token, since))
    except ImgmoveError as error:
        if error.kind in {Kind.CONFLICT, *PASSING_KINDS}:
            return Look(conclusive=False)
        raise


def look_for(
    harness: ComputeHarness, request: ServiceRequest, token: str, since: float, settling_seconds: float
) -> Handle | None:
    """Look for a lost submit as the engine does: until it shows, or a look after the settling time shows nothing."""
    passed, pause = 0.0, settling_seconds / 4 + 1.0
    for _ in range(_MAX_LOOKS):
        seen = look(harness, request, token, since)
        if seen.found is not None or (seen.conclusive and passed > settling_seconds):
            return seen.found
        harness.pass_time(pause)
        passed += pause
    raise AssertionError(f"find has not come to a conclusion after {_MAX_LOOKS} looks")


def through_json(handle: Handle) -> Handle:
    """The handle as another process reads it from the journal."""
    return decode(Handle, json.loads(json.dumps(encode(handle))))


def check_result(harness: ComputeHarness, operation: Operation, report: TaskReport) -> None:
    """A success has something to show: objects in the service's own store, or an image that is there."""
    if operation is Operation.EXPORT:
        assert report.artifacts
        scheme = harness.provider.abilities.store_scheme
        assert all(artifact.uri.startswith(f"{scheme}://") for artifact in report.artifacts)
        return
    assert report.image_id
    assert harness.provider.image(report.image_id).id == report.image_id


def make_image(harness: ComputeHarness) -> str:
    """The id of an image that the service made just now, by whatever operation it has for that."""
    for operation in (Operation.IMPORT, Operation.CREATE, Operation.TRANSFER):
        request = harness.request(operation)
        if request is not None:
            report = follow(harness, harness.provider.submit(request, "immake000001"))
            assert report.image_id
            return report.image_id
    pytest.skip("this service makes no images")
