"""Disks are converted without holding up others: what is asked meanwhile is answered, and what changes meanwhile counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world import alibaba_work, tencent_export_work
from imgmove.sandbox.world.alibaba_records import Task as EcsTask
from tests.sandbox.test_default_world import ecs, tencent

COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"
CVM, ECS = "img-seed0001", "m-bp1seed0000000000001"
HOUR = 3600.0


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.clock.freeze()
        yield running


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], _Gate]]:
    """Makes the conversion of a module wait at a gate."""
    gates: list[_Gate] = []

    def make(module: Any) -> _Gate:
        gate = _Gate(module.convert)
        gates.append(gate)
        monkeypatch.setattr(module, "convert", gate)
        return gate

    yield make
    for gate in gates:
        gate.opened.set()


class _Gate:
    """A conversion that begins, and goes on when it is let."""

    def __init__(self, convert: Callable[..., Any]) -> None:
        self._convert = convert
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.reached.set()
        assert self.opened.wait(30), "the gate stayed shut"
        return self._convert(*arguments, **named)


@contextmanager
def _settling(sandbox: Sandbox, gate: _Gate) -> Iterator[None]:
    """While another thread is in the midst of converting; it has ended when this ends."""
    thread = threading.Thread(target=sandbox.settle)
    thread.start()
    assert gate.reached.wait(30), "nothing is converted"
    try:
        yield
    finally:
        gate.opened.set()
        thread.join(30)
    assert not thread.is_alive()


def _export_from_cvm(sandbox: Sandbox) -> str:
    answer = tencent(sandbox, "cvm", "ExportImages", BucketName=COS_BUCKET, ImageIds=[CVM])
    sandbox.clock.advance(HOUR)
    return str(answer["CosPaths"][0]).removeprefix("/")


def _export_from_ecs(sandbox: Sandbox) -> EcsTask:
    answer = ecs(sandbox, "ExportImage", ImageId=ECS, OSSBucket=OSS_BUCKET)
    sandbox.clock.advance(HOUR)
    task = sandbox.world.alibaba.task(answer["TaskId"])
    assert task is not None
    return task


def _keys(sandbox: Sandbox, vendor: str, name: str) -> list[str]:
    bucket = sandbox.world.objects.bucket(vendor, name)
    return [item.key for item in sandbox.world.objects.held(bucket)] if bucket else []


def _state(sandbox: Sandbox) -> str:
    return str(tencent(sandbox, "cvm", "DescribeImages", ImageIds=[CVM])["ImageSet"][0]["ImageState"])


def test_others_are_answered_while_an_export_is_written(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate, key = slow(tencent_export_work), _export_from_cvm(sandbox)
    with _settling(sandbox, gate):
        assert _state(sandbox) == "EXPORTING"
        assert _keys(sandbox, "tencent", COS_BUCKET) == []
    assert _state(sandbox) == "NORMAL"
    assert _keys(sandbox, "tencent", COS_BUCKET) == [key]


def test_a_bucket_that_goes_meanwhile_fails_the_export(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate = slow(tencent_export_work)
    _export_from_cvm(sandbox)
    with _settling(sandbox, gate):
        sandbox.sow({"bucket": [{"provider": "tencent", "name": COS_BUCKET, "absent": True}]})
    assert _state(sandbox) == "NORMAL"
    assert [message.code for message in sandbox.world.tencent.messages] == ["InvalidParameterValue.BucketNotFound"]


def test_a_snapshot_that_goes_meanwhile_is_written_all_the_same(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate, key = slow(tencent_export_work), _export_from_cvm(sandbox)
    with _settling(sandbox, gate):
        sandbox.sow({"image": [{"id": CVM, "snapshot_gone": True}]})
        _state(sandbox)
    assert _keys(sandbox, "tencent", COS_BUCKET) == [key]


def test_a_task_that_is_cancelled_meanwhile_leaves_nothing(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate, task = slow(alibaba_work), _export_from_ecs(sandbox)
    with _settling(sandbox, gate):
        ecs(sandbox, "CancelTask", TaskId=task.task_id)
    assert task.status == "Deleted"
    assert _keys(sandbox, "alibaba", OSS_BUCKET) == []
    assert list(sandbox.directory.glob("ecs-work-*")) == []


def test_a_world_that_is_emptied_meanwhile_stays_new(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate = slow(alibaba_work)
    _export_from_ecs(sandbox)
    with _settling(sandbox, gate):
        sandbox.reset()
    assert _keys(sandbox, "alibaba", OSS_BUCKET) == []
    again = _export_from_ecs(sandbox)
    sandbox.settle()
    assert (again.status, len(_keys(sandbox, "alibaba", OSS_BUCKET))) == ("Finished", 1)


def test_two_who_ask_at_once_do_the_work_once(sandbox: Sandbox, slow: Callable[[Any], _Gate]) -> None:
    gate, task = slow(alibaba_work), _export_from_ecs(sandbox)
    with _settling(sandbox, gate):
        shown = ecs(sandbox, "DescribeTaskAttribute", TaskId=task.task_id)
        assert (shown["TaskStatus"], shown["TaskProcess"]) == ("Processing", "99%")
    assert ecs(sandbox, "DescribeTaskAttribute", TaskId=task.task_id)["TaskStatus"] == "Finished"
    assert task.objects == _keys(sandbox, "alibaba", OSS_BUCKET)
