"""Operations through the Python API, over a cloud that has nothing to do with Tencent or Alibaba."""

import threading
from pathlib import Path
from typing import Any

import pytest

from imgmove.app.attendance import Attendance
from imgmove.app.session import Session
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import TaskState


def test_export(session: Session) -> None:
    said: list[str] = []
    result = session.export(
        ["img-1"],
        "stage",
        provider="ex",
        region="here",
        disk_format="qcow2",
        attendance=Attendance(announce=said.append),
    )
    document = result.to_json()
    assert (document["state"], document["operation"], document["provider"]) == ("succeeded", "export", "example")
    assert document["artifacts"][0]["uri"].startswith("memory://stage/")
    assert document["error"] is None
    assert document["image_id"] is None
    assert said[0].startswith(f"job {document['job']}")


def test_addresses_say_provider_and_region(session: Session) -> None:
    assert session.export(["example://there/img-1"], "memory://stage").region == "there"


def test_import_create_and_transfer(session: Session, example: Any) -> None:
    example.world.store("stage").put("disk.raw", bytes(510) + b"\x55\xaa")
    imported = session.import_image("memory://stage/disk.raw", "one", region="here")
    created = session.create("example://here/ins-1", "two")
    fetched = session.import_image("example://here/img-1", "three", provider="example", region="there")
    assert [item.state for item in (imported, created, fetched)] == [TaskState.SUCCEEDED] * 3
    assert {row["name"] for row in session.images("example", "here")} == {"seed", "one", "two", "three"}
    assert [item.image_id for item in (imported, created, fetched)] == ["img-2", "img-3", "img-4"]


def test_no_wait_and_status_later(session: Session, example: Any) -> None:
    example.world.duration_seconds = 100.0
    begun = session.create("example://here/ins-1", "later", attendance=Attendance(wait=False))
    assert begun.state in {TaskState.RUNNING, TaskState.PENDING}
    assert begun.exit_code == 0
    assert begun.job is not None
    assert session.status(begun.job).state in {TaskState.RUNNING, TaskState.PENDING}
    example.world.tasks[0].ends_at = 0.0
    seen = session.status(begun.job, attendance=Attendance(wait=True))
    assert (seen.state, seen.image_id) == (TaskState.SUCCEEDED, "img-2")
    assert session.journal.job(begun.job).state is TaskState.SUCCEEDED


def test_a_timeout_is_exit_code_6_and_can_be_taken_up(session: Session, example: Any) -> None:
    example.world.duration_seconds = 1e9
    result = session.create("example://here/ins-1", "slow", attendance=Attendance(timeout_seconds=60))
    assert result.exit_code == 6
    assert result.state is TaskState.RUNNING
    assert result.error is not None
    assert f"jobs resume {result.job}" in result.error.hint
    example.world.tasks[0].ends_at = 0.0
    assert session.resume(str(result.job)).state is TaskState.SUCCEEDED
    assert len(example.world.tasks) == 1


def test_an_operation_that_fails_is_exit_code_1(session: Session, example: Any) -> None:
    example.world.error = ImgmoveError(Kind.FAILED, "no virtio driver", code="IMPORTFAILED", hint="add one")
    result = session.create("example://here/ins-1", "broken")
    assert (result.exit_code, result.state) == (1, TaskState.FAILED)
    assert result.to_json()["error"]["hint"] == "add one"


def test_some_of_several_fail(session: Session, example: Any) -> None:
    example.services = {"example": _one_at_a_time(example.services["example"])}
    example.world.add_image("second")
    example.world.error = ImgmoveError(Kind.FAILED, "lost", code="Lost")
    result = session.export(["img-1", "img-2"], "stage", provider="example", region="here")
    assert result.exit_code == 8
    assert [item["state"] for item in result.to_json()["items"]] == ["failed", "succeeded"]


def _one_at_a_time(abilities: Any) -> Any:
    from dataclasses import replace

    from imgmove.core.requests import Operation

    export = replace(abilities.operations[Operation.EXPORT], max_images=1)
    return replace(abilities, operations={**abilities.operations, Operation.EXPORT: export})


def test_stopping_leaves_a_job_that_can_be_resumed(session: Session, example: Any) -> None:
    stop = threading.Event()
    stop.set()
    result = session.create("example://here/ins-1", "stopped", attendance=Attendance(stop=stop))
    assert result.exit_code == 130
    assert example.world.tasks == []
    assert session.resume(str(result.job)).state is TaskState.SUCCEEDED


def test_a_dry_run_writes_nothing_down(session: Session, example: Any) -> None:
    result = session.export(["img-1"], "stage", provider="example", region="here", dry_run=True)
    assert (result.dry_run, result.state, result.job) == (True, TaskState.SUCCEEDED, None)
    assert example.world.tasks == []
    assert list(session.jobs()) == []


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"images": ["img-1"], "bucket": "stage"}, Kind.USAGE),
        ({"images": ["img-1"], "bucket": "stage", "provider": "aws"}, Kind.USAGE),
        ({"images": ["example://here/img-1"], "bucket": "stage", "provider": "nowhere"}, Kind.USAGE),
        ({"images": ["example://here/img-1", "example://there/img-1"], "bucket": "stage"}, Kind.USAGE),
        ({"images": ["memory://here/img-1"], "bucket": "stage"}, Kind.USAGE),
        ({"images": ["example://here/a/b"], "bucket": "stage"}, Kind.USAGE),
        ({"images": ["example://here/img-1"], "bucket": "no-such_name"}, Kind.USAGE),
        ({"images": ["example://here/ami-1"], "bucket": "stage"}, Kind.INVALID),
        ({"images": ["example://here/img-1"], "bucket": "stage", "disk_format": "vdi"}, Kind.UNSUPPORTED),
        ({"images": ["example://here/img-1"], "bucket": "stage", "root_disk_only": True}, Kind.UNSUPPORTED),
        ({"images": ["example://here/img-1"], "bucket": "stage", "prefixes": ["a", "b"]}, Kind.USAGE),
        ({"images": ["./img/1"], "bucket": "stage"}, Kind.USAGE),
    ],
)
def test_wrong_words_are_refused_before_anything_is_sent(
    session: Session, example: Any, arguments: dict[str, Any], kind: Kind
) -> None:
    with pytest.raises(ImgmoveError) as caught:
        session.export(**arguments)
    assert caught.value.kind is kind
    assert caught.value.hint
    assert example.world.calls == []
    assert list(session.jobs()) == []


@pytest.mark.parametrize(
    ("content", "exit_code"), [(None, 4), (b"", 7), (b"<html>not found</html>", 7), (b"QFI\xfb" + bytes(100), 7)]
)
def test_what_is_not_there_or_no_image_is_not_imported(
    session: Session, example: Any, content: bytes | None, exit_code: int
) -> None:
    if content is not None:
        example.world.store("stage").put("disk.raw", content)
    with pytest.raises(ImgmoveError) as caught:
        session.import_image("memory://stage/disk.raw", "one", region="here")
    assert caught.value.exit_code == exit_code
    assert example.world.tasks == []


def test_copies_between_files(session: Session, tmp_path: Path) -> None:
    source = tmp_path / "disk.raw"
    source.write_bytes(b"x" * 3_000_000)
    result = session.copy(str(source), str(tmp_path / "copy.raw"), part_bytes=1_000_000)
    assert result.state is TaskState.SUCCEEDED
    assert (tmp_path / "copy.raw").read_bytes() == source.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["copy.raw", "disk.raw"]


def test_cancel_and_clean(session: Session, example: Any) -> None:
    example.world.duration_seconds = 1e9
    begun = session.create("example://here/ins-1", "unwanted", attendance=Attendance(wait=False))
    result, notes = session.cancel(str(begun.job))
    assert (result.state, notes) == (TaskState.CANCELLED, [])
    assert [row["name"] for row in session.images("example", "here")] == ["seed"]
    assert session.leftovers() == []
