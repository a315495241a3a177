"""ECS exports: submitted, found again, followed until their objects were looked at."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from imgmove.clouds.alibaba import disk_magic
from imgmove.clouds.alibaba.ecs import Ecs
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import ExportRequest
from imgmove.core.tasks import Handle, TaskReport, TaskState
from tests.clouds.alibaba.answers_of_ecs import ObjectsInOss, image, images, listed_tasks, task
from tests.clouds.alibaba.conftest import Clock
from tests.clouds.alibaba.scripted import Reply, ScriptedServer, ok, oss_error, refuse

REQUEST = ExportRequest(("m-1",), "bkt")
TOKEN = "im0123456789ab"
SYSTEM = f"{TOKEN}_m-1_system.raw.tar.gz"
DATA = f"{TOKEN}_m-1_data_xvdb.raw.tar.gz"
BEGAN = 1780272000.0  # 2026-06-01T00:00:00Z, when the scripted tasks were created


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


@pytest.fixture
def handle(ecs: Ecs, server: ScriptedServer, clock: Clock) -> Handle:
    clock.time = BEGAN
    server.on("ExportImage", ok(RegionId="cn-hangzhou", TaskId="t-1"))
    return ecs.submit(REQUEST, TOKEN)


def look_twice(ecs: Ecs, handle: Handle) -> TaskReport:
    """Two looks, the memo through JSON between them, as the journal keeps it."""
    first = ecs.poll(handle, {})
    assert first.state is TaskState.RUNNING
    return ecs.poll(handle, first.memo)


# ------------------------------------------------------------------------------------------------ check and submit


@pytest.mark.parametrize("code", ["DryRunOperation", "DRYRUN.SUCCESS"])
def test_a_dry_run_that_passes_answers_with_an_error(ecs: Ecs, server: ScriptedServer, code: str) -> None:
    server.on("ExportImage", refuse(code))
    result = ecs.check(REQUEST, TOKEN)
    assert (result.performed, result.request_id) == (True, "R-ERR")
    assert server.calls("ExportImage")[0]["DryRun"] == "True"


def test_a_dry_run_may_pass_plainly_or_be_ignored(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", ok())
    assert ecs.check(REQUEST, TOKEN).request_id == "R-1"
    server.on("ExportImage", ok(TaskId="t-1"))
    error = fails(lambda: ecs.check(REQUEST, TOKEN))
    assert error.code == "DryRunIgnored"
    assert "t-1" in error.hint


def test_a_dry_run_that_fails_raises_what_a_submit_would(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", refuse("NoSetRoletoECSServiceAcount", status=403))
    error = fails(lambda: ecs.check(REQUEST, TOKEN))
    assert error.kind is Kind.DENIED
    assert "AliyunECSImageExportDefaultRole" in error.hint


@pytest.mark.parametrize("name", ["TaskId", "ExportTaskId"])
def test_the_task_id_comes_under_either_name(ecs: Ecs, server: ScriptedServer, clock: Clock, name: str) -> None:
    server.on("ExportImage", ok(**{name: "tsk-1", "RegionId": "cn-hangzhou"}))
    handle = ecs.submit(REQUEST, TOKEN)
    assert (handle.task_id, handle.request_id, handle.submitted_at) == ("tsk-1", "R-1", clock.time)
    assert server.calls("ExportImage") == [
        {"RegionId": "cn-hangzhou", "ImageId": "m-1", "OSSBucket": "bkt", "OSSPrefix": TOKEN}
    ]
    assert decode(Handle, encode(handle)) == handle


def test_an_answer_without_a_task_id_is_in_doubt(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", ok(taskId="t-1"))
    error = fails(lambda: ecs.submit(REQUEST, TOKEN))
    assert (error.kind, error.maybe_applied, error.request_id) == (Kind.UNKNOWN, True, "R-1")
    assert "R-1" in error.message


def test_an_answer_without_anything_is_a_lost_one(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", Reply(200, b"{}"))
    error = fails(lambda: ecs.submit(REQUEST, TOKEN))
    assert (error.kind, error.maybe_applied, error.request_id) == (Kind.UNAVAILABLE, True, None)


def test_a_submit_is_sent_once(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", refuse("ServiceUnavailable", status=503))
    assert fails(lambda: ecs.submit(REQUEST, TOKEN)).maybe_applied
    assert len(server.asked) == 1


# ------------------------------------------------------------------------------------------------------------ poll


def test_a_running_task_shows_its_progress(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task())
    report = ecs.poll(handle, {})
    assert (report.state, report.progress, report.vendor_state) == (TaskState.RUNNING, 40, "Processing")
    assert server.calls("DescribeTaskAttribute") == [{"RegionId": "cn-hangzhou", "TaskId": "t-1"}]


@pytest.mark.parametrize(
    ("status", "state"),
    [("Waiting", TaskState.PENDING), ("Paused", TaskState.RUNNING), ("Exploring", TaskState.UNKNOWN)],
)
def test_states_that_go_on(ecs: Ecs, server: ScriptedServer, handle: Handle, status: str, state: TaskState) -> None:
    server.on("DescribeTaskAttribute", task(status, TaskProcess=None))
    report = ecs.poll(handle, {})
    assert (report.state, report.progress, report.is_final) == (state, None, False)


def test_a_failed_task_gives_its_reason(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task("Failed", code="InvalidOSS.NotAuthorized", message="closed"))
    report = ecs.poll(handle, {})
    assert report.state is TaskState.FAILED
    assert report.error is not None
    assert (report.error.code, report.error.message) == ("InvalidOSS.NotAuthorized", "closed")
    assert (report.error.kind, report.error.exit_code) == (Kind.FAILED, 1)
    assert "policy" in report.error.hint
    server.on("DescribeTaskAttribute", task("Failed"))
    silent = ecs.poll(handle, {}).error
    assert silent is not None
    assert silent.hint


def test_a_deleted_task_was_cancelled(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task("Deleted"))
    assert ecs.poll(handle, {}).state is TaskState.CANCELLED


def test_done_is_when_the_named_object_was_seen_twice_the_same(
    ecs: Ecs, server: ScriptedServer, handle: Handle
) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images(image(image_id="m-1")))
    server.otherwise = oss = ObjectsInOss(SYSTEM)
    report = look_twice(ecs, handle)
    assert report.state is TaskState.SUCCEEDED
    (artifact,) = report.artifacts
    assert artifact.uri == f"oss://bkt/{SYSTEM}"
    assert (artifact.format, artifact.disk, artifact.size, artifact.crc64) == (DiskFormat.RAW_TAR_GZ, "system", 7, "5")
    assert oss.listed == []
    assert len(server.calls("DescribeImages")) == 1


def test_an_object_that_changes_is_looked_at_again(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images())
    server.otherwise = oss = ObjectsInOss(SYSTEM)
    first = ecs.poll(handle, {})
    oss.keys[SYSTEM] = "E2"
    second = ecs.poll(handle, first.memo)
    assert second.state is TaskState.RUNNING
    assert ecs.poll(handle, second.memo).state is TaskState.SUCCEEDED


def test_without_related_items_the_bucket_is_listed(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task("Finished", OperationProgressSet=None))
    server.on("DescribeImages", images(image(image_id="m-1")))
    strange = f"{TOKEN}_m-1_t-1.vhd"
    server.otherwise = oss = ObjectsInOss(strange, f"{TOKEN}x_m-1_system.raw", "other", body=b"conectix")
    (artifact,) = look_twice(ecs, handle).artifacts
    assert artifact.uri == f"oss://bkt/{strange}"
    assert (artifact.format, artifact.disk) == (DiskFormat.VHD, "system")
    assert set(oss.listed) == {f"{TOKEN}_m-1", f"{TOKEN}-m-1"}


def test_every_disk_is_waited_for(ecs: Ecs, server: ScriptedServer, handle: Handle, clock: Clock) -> None:
    disks = [{"Type": "system"}, {"Type": "data"}]
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images(image(image_id="m-1", DiskDeviceMappings={"DiskDeviceMapping": disks})))
    server.otherwise = oss = ObjectsInOss(SYSTEM)
    report = look_twice(ecs, handle)
    assert report.state is TaskState.RUNNING
    assert "1 of 2" in report.message
    oss.keys[DATA] = "E1"
    settling = ecs.poll(handle, report.memo)
    assert settling.state is TaskState.RUNNING
    done = ecs.poll(handle, settling.memo)
    assert [(found.disk, found.uri[10:]) for found in done.artifacts] == [("data:xvdb", DATA), ("system", SYSTEM)]
    clock.time += 10_000
    del oss.keys[DATA]
    failed = ecs.poll(handle, report.memo)
    assert failed.state is TaskState.FAILED
    assert failed.error is not None
    assert failed.error.code == "ExportIncomplete"


def test_objects_that_never_show_end_in_failure(ecs: Ecs, server: ScriptedServer, handle: Handle, clock: Clock) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images())
    server.otherwise = ObjectsInOss()
    waiting = ecs.poll(handle, {})
    assert waiting.state is TaskState.RUNNING
    clock.time += 901
    assert ecs.poll(handle, waiting.memo).state is TaskState.FAILED


def test_a_prefix_of_ones_own_does_not_adopt_older_objects(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ExportImage", ok(TaskId="t-1"))
    handle = ecs.submit(replace(REQUEST, prefixes=("nightly",)), TOKEN)
    server.on("DescribeTaskAttribute", task("Finished", CreationTime="2026-06-02T00:00Z"))
    server.on("DescribeImages", images())
    server.otherwise = ObjectsInOss("nightly_m-1_system.raw.tar.gz")
    assert "0 of 1" in ecs.poll(handle, {}).message
    server.on("DescribeTaskAttribute", task("Finished"))
    assert look_twice(ecs, handle).state is TaskState.SUCCEEDED


def test_a_task_that_is_not_listed_yet_and_one_that_was_forgotten(
    ecs: Ecs, server: ScriptedServer, handle: Handle, clock: Clock
) -> None:
    server.on("DescribeTaskAttribute", refuse("InvalidTaskId.NotFound"))
    server.on("DescribeImages", images())
    server.otherwise = ObjectsInOss(SYSTEM)
    assert ecs.poll(handle, {}).state is TaskState.PENDING
    clock.time += 400
    assert look_twice(ecs, handle).state is TaskState.SUCCEEDED


def test_a_look_that_fails_is_no_verdict(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    for reply in (refuse("Throttling.User"), Reply(502, b"<html>"), Reply(hang_up=True), ok(TaskStatus=None)):
        server.on("DescribeTaskAttribute", reply)
        error = fails(lambda: ecs.poll(handle, {}))
        assert error.is_passing
        assert not error.maybe_applied


def test_objects_that_we_may_not_see_are_said_so(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images())
    server.otherwise = lambda asked: oss_error("AccessDenied", 403)
    error = fails(lambda: ecs.poll(handle, {}))
    assert error.kind is Kind.DENIED
    assert "oss:GetObject" in error.hint


# ------------------------------------------------------------------------------------------------------------ find


def test_an_export_is_found_by_the_object_that_its_task_names(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-0", "TaskStatus": "Finished"},
                                            {"TaskId": "t-1", "TaskStatus": "Processing"}))  # fmt: skip
    server.on("DescribeTaskAttribute", task(objects=["other_m-1_system.raw.tar.gz"], TaskId="t-0"),
              task(objects=[SYSTEM]))  # fmt: skip
    handle = ecs.find(REQUEST, TOKEN, BEGAN)
    assert handle is not None
    assert (handle.task_id, handle.submitted_at) == ("t-1", BEGAN)
    asked = server.calls("DescribeTasks")[0]
    assert (asked["TaskAction"], asked["StartTime"]) == ("ExportImage", "2026-05-31T23:45:00Z")
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images())
    server.otherwise = ObjectsInOss(SYSTEM)
    assert look_twice(ecs, handle).state is TaskState.SUCCEEDED


def test_nothing_is_found_where_nothing_took_effect(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTasks", ok(TotalCount=0))
    server.otherwise = ObjectsInOss("other")
    assert ecs.find(REQUEST, TOKEN, BEGAN) is None


def test_somebody_elses_export_is_never_adopted(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-0", "TaskStatus": "Processing", "ResourceId": "m-2"}))
    server.on("DescribeTaskAttribute", task())
    server.otherwise = ObjectsInOss(f"{TOKEN}_m-10_system.raw.tar.gz")
    assert ecs.find(REQUEST, TOKEN, BEGAN) is None


def test_a_task_that_does_not_tell_yet_is_looked_at_again(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-1", "TaskStatus": "Processing"}))
    server.on("DescribeTaskAttribute", task())
    server.otherwise = oss = ObjectsInOss()
    assert fails(lambda: ecs.find(REQUEST, TOKEN, BEGAN)).kind is Kind.CONFLICT
    oss.keys[SYSTEM] = "E1"
    server.on("DescribeTaskAttribute", task("Finished"))
    handle = ecs.find(REQUEST, TOKEN, BEGAN)
    assert handle is not None
    assert handle.task_id == "t-1"
    del oss.keys[SYSTEM]
    assert ecs.find(REQUEST, TOKEN, BEGAN) is None


def test_objects_alone_are_enough_to_find_an_export(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTasks", listed_tasks())
    server.otherwise = ObjectsInOss(SYSTEM)
    handle = ecs.find(REQUEST, TOKEN, BEGAN)
    assert handle is not None
    assert handle.task_id is None
    server.on("DescribeImages", images())
    assert look_twice(ecs, handle).state is TaskState.SUCCEEDED


def test_a_prefix_of_ones_own_is_told_from_last_weeks_by_its_time(ecs: Ecs, server: ScriptedServer) -> None:
    request = replace(REQUEST, prefixes=("nightly",))
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-1", "TaskStatus": "Finished"}))
    server.on("DescribeTaskAttribute", task("Finished", objects=["nightly_m-1_system.raw.tar.gz"]))
    server.otherwise = ObjectsInOss("nightly_m-1_system.raw.tar.gz")
    assert ecs.find(request, TOKEN, BEGAN + 7 * 86400) is None
    handle = ecs.find(request, TOKEN, BEGAN)
    assert handle is not None
    assert handle.task_id == "t-1"


def test_all_pages_of_tasks_are_read(ecs: Ecs, server: ScriptedServer) -> None:
    def page(number: str, task_id: str) -> Reply:
        entry = {"TaskId": task_id, "TaskStatus": "Finished", "TaskAction": "EXPORT_IMAGE"}
        return ok(TotalCount=2, PageNumber=int(number), PageSize=1, TaskSet={"Task": [entry]})

    server.on("DescribeTasks", page("1", "t-0"), page("2", "t-1"))
    server.on("DescribeTaskAttribute", task("Finished", objects=["x_m-1_y"]), task("Finished", objects=[SYSTEM]))
    handle = ecs.find(REQUEST, TOKEN, BEGAN)
    assert handle is not None
    assert [asked["PageNumber"] for asked in server.calls("DescribeTasks")] == ["1", "2"]


# -------------------------------------------------------------------------------------------- look up and cancel


def test_an_export_is_looked_up_by_its_task(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.otherwise = oss = ObjectsInOss(SYSTEM)
    report = ecs.look_up("t-1")
    assert (report.state, len(report.artifacts)) == (TaskState.SUCCEEDED, 1)
    oss.keys.clear()
    assert ecs.look_up("t-1").state is TaskState.RUNNING
    server.on("DescribeTaskAttribute", task())
    assert ecs.look_up("t-1").progress == 40
    server.on("DescribeTaskAttribute", refuse("InvalidTaskId.NotFound"))
    assert fails(lambda: ecs.look_up("t-1")).kind is Kind.NOT_FOUND


def test_a_bucket_that_an_answer_names_becomes_no_host_name(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM], bucket="evil.example/x"))
    assert fails(lambda: ecs.look_up("t-1")).code == "InvalidBucketName"
    assert all(asked.action for asked in server.asked)


def test_exports_are_cancelled(ecs: Ecs, server: ScriptedServer, handle: Handle) -> None:
    server.on("CancelTask", ok())
    server.on("DescribeTaskAttribute", task("Deleted"))
    assert ecs.cancel(handle).state is TaskState.CANCELLED
    assert server.calls("CancelTask") == [{"RegionId": "cn-hangzhou", "TaskId": "t-1"}]


@pytest.mark.parametrize("code", ["InvalidTaskId.IncorrectTaskStatus", "CancelTaskFailed"])
def test_too_late_to_cancel_is_looked_at_again(ecs: Ecs, server: ScriptedServer, handle: Handle, code: str) -> None:
    server.on("CancelTask", refuse(code, status=403))
    server.on("DescribeTaskAttribute", task("Finished", objects=[SYSTEM]))
    server.on("DescribeImages", images())
    server.otherwise = ObjectsInOss(SYSTEM)
    assert ecs.cancel(handle).state is TaskState.RUNNING


# ------------------------------------------------------------------------------------------------------------ magic


def tar_gz() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("m-1_system.raw")
        member.size = 10_000
        archive.addfile(member, io.BytesIO(bytes(10_000)))
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"QFI\xfb" + bytes(100), "x.raw", DiskFormat.QCOW2),
        (b"KDMV" + bytes(100), "x", DiskFormat.VMDK),
        (b"cxsparse", "x", DiskFormat.VHD),
        (bytes(64) + b"\x7f\x10\xda\xbe", "x", DiskFormat.VDI),
        (tar_gz(), "x.bin", DiskFormat.RAW_TAR_GZ),
        (gzip.compress(bytes(1000), mtime=0), "x.qcow2", None),
        (b"\x1f\x8bjunk", "x_system.raw.tar.gz", DiskFormat.RAW_TAR_GZ),
        (bytes(510) + b"\x55\xaa", "x.qcow2", DiskFormat.RAW),
        (bytes(510) + b"\x55\xaa", "x.vhd", DiskFormat.VHD),
        (bytes(600), "x.raw", DiskFormat.RAW),
        (b"", "x", None),
    ],
)
def test_formats_are_told_by_bytes(head: bytes, name: str, expected: DiskFormat | None) -> None:
    assert disk_magic.disk_format(head, name) is expected


@pytest.mark.parametrize(
    ("key", "disk"),
    [
        ("p_m-1_system.raw.tar.gz", "system"), ("m-1_data_xvdb.raw.tar.gz", "data:xvdb"), ("p_m-1_data.raw", "data"),
        ("p_m-1_t-1.vhd", None), ("p_m-1_system.vhd", "system"),
    ],
)  # fmt: skip
def test_disks_are_told_by_names(key: str, disk: str | None) -> None:
    assert disk_magic.disk_of_name(key) == disk
