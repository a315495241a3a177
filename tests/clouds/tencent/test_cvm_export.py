"""CVM exports against answers written by hand: what is sent, and what the images and the bucket show afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.clouds.tencent.export_watch import EXPORT_GRACE_SECONDS, UNSEEN_EXPORT_GRACE_SECONDS
from imgmove.core.errors import Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import ExportRequest
from imgmove.core.settings import Settings
from imgmove.core.tasks import TaskState
from tests.clouds.tencent.bucket import FakeBucket, Held
from tests.clouds.tencent.conftest import Clock
from tests.clouds.tencent.exports import IMAGE, KEY, REQUEST, TOKEN, fails, image, shows, submitted, until_end
from tests.clouds.tencent.scripted import Reply, ScriptedServer, html, ok, refuse

# ------------------------------------------------------------------------------------------------------ submit


def test_the_vendors_own_example(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    handle = submitted(cvm, server, keys=("img-pq5pau1w_system_snap-fiux4bof.raw",))
    assert server.calls("ExportImages") == [
        {"BucketName": "test-bucket-125", "ImageIds": [IMAGE], "FileNamePrefixList": [TOKEN]}
    ]
    assert (handle.task_id, handle.request_id, handle.submitted_at) == ("105591590", "R-1", clock.time)
    assert handle.details["keys"] == ["img-pq5pau1w_system_snap-fiux4bof.raw"]


def test_every_parameter(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    images = (IMAGE, "img-2")
    request = ExportRequest(images, "b-125", DiskFormat.QCOW2, ("a", "b"), root_disk_only=True, role_name="R")
    submitted(cvm, server, request)
    assert server.calls("ExportImages") == [{
        "BucketName": "b-125", "ImageIds": list(images), "ExportFormat": "QCOW2", "FileNamePrefixList": ["a", "b"],
        "OnlyExportRootDisk": True, "RoleName": "R",
    }]  # fmt: skip


def test_one_prefix_serves_all_images(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    submitted(cvm, server, ExportRequest((IMAGE, "img-2"), "b-125", prefixes=("a",)))
    assert server.calls("ExportImages")[0]["FileNamePrefixList"] == ["a", "a"]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (ExportRequest((IMAGE,), "b-1", DiskFormat.VDI), Kind.UNSUPPORTED),
        (ExportRequest((), "b-1"), Kind.INVALID),
        (ExportRequest((IMAGE, IMAGE), "b-1"), Kind.INVALID),
        (ExportRequest(tuple(f"img-{n}" for n in range(11)), "b-1"), Kind.INVALID),
        (ExportRequest((IMAGE, "img-2", "img-3"), "b-1", prefixes=("a", "b")), Kind.INVALID),
        (ExportRequest((IMAGE,), "b-1", prefixes=("/a",)), Kind.INVALID),
        (ExportRequest((IMAGE,), "b-1", prefixes=("中" * 300,)), Kind.INVALID),
    ],
)
def test_what_breaks_the_rules_is_not_sent(
    cvm: Cvm, server: ScriptedServer, request_: ExportRequest, kind: Kind
) -> None:
    for call in (cvm.submit, cvm.check):
        error = fails(lambda call=call: call(request_, TOKEN))  # type: ignore[misc]  # bound now
        assert error.kind is kind
        assert error.exit_code == 4
    assert server.asked == []


def test_dry_runs(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("ExportImages", ok(), refuse("DryRunOperation"), refuse("InvalidImageId.NotFound"))
    assert cvm.check(REQUEST, TOKEN).request_id == "R-1"
    assert cvm.check(REQUEST, TOKEN).request_id == "R-ERR"
    assert fails(lambda: cvm.check(REQUEST, TOKEN)).kind is Kind.NOT_FOUND
    assert all(call["DryRun"] is True for call in server.calls("ExportImages"))


def test_an_answer_without_task_and_paths_leaves_it_open(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("ExportImages", ok())
    error = fails(lambda: cvm.submit(REQUEST, TOKEN))
    assert (error.kind, error.maybe_applied, error.request_id) == (Kind.UNKNOWN, True, "R-1")
    assert "R-1" in error.message


def test_an_answer_without_its_request_id_is_one_all_the_same(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("ExportImages", Reply(200, b'{"Response": {"TaskId": 7}}'))
    handle = cvm.submit(REQUEST, TOKEN)
    assert (handle.task_id, handle.request_id) == ("7", None)


# -------------------------------------------------------------------------------------------------------- poll


def test_done_means_there_whole_stable_and_at_rest(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server)
    shows(server, image("EXPORTING"))
    first = cvm.poll(handle, {})
    assert (first.state, first.vendor_state, first.progress) == (TaskState.RUNNING, "EXPORTING", None)
    bucket.objects[KEY] = Held(size=5)
    second = cvm.poll(handle, first.memo)
    third = cvm.poll(handle, second.memo)
    assert (second.state, third.state) == (TaskState.RUNNING, TaskState.RUNNING), "still EXPORTING"
    shows(server, image("NORMAL"))
    bucket.objects[KEY] = Held(size=9, etag="E2")
    grown = cvm.poll(handle, third.memo)
    assert grown.state is TaskState.RUNNING, "it was another object a look ago"
    done = cvm.poll(handle, grown.memo)
    assert (done.state, done.progress, done.task_id) == (TaskState.SUCCEEDED, 100, "105591590")
    (artifact,) = done.artifacts
    assert artifact.uri == f"cos://test-bucket-125/{KEY}"
    assert (artifact.format, artifact.disk, artifact.size, artifact.crc64) == (DiskFormat.RAW, "system", 9, "77")


def test_objects_of_long_ago_need_no_second_look(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock,
                                                 ) -> None:  # fmt: skip
    handle = submitted(cvm, server)
    shows(server, image("NORMAL"))
    bucket.objects[KEY] = Held(modified=clock.time)
    clock.time += 60
    assert cvm.poll(handle, {}).state is TaskState.RUNNING
    clock.time += 1
    assert cvm.poll(handle, {}).state is TaskState.SUCCEEDED


def test_a_bucket_that_vanishes_fails_the_export_in_the_end(
    cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock
) -> None:
    handle = submitted(cvm, server)
    shows(server, image("NORMAL"))
    bucket.exists = False
    report = cvm.poll(handle, {})
    assert report.state is TaskState.RUNNING
    clock.time += UNSEEN_EXPORT_GRACE_SECONDS + 1
    assert cvm.poll(handle, report.memo).state is TaskState.FAILED


def test_exporting_need_not_show(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server)
    shows(server, image("NORMAL"))
    early = cvm.poll(handle, {})
    assert early.state is TaskState.RUNNING
    bucket.objects[KEY] = Held(crc64="")
    done = until_end(cvm, handle)
    assert done.state is TaskState.SUCCEEDED
    assert done.artifacts[0].crc64 is None


@pytest.mark.parametrize("word", ["PREPARING", "DELETING", "导出中"])
def test_unknown_states_go_on(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock, word: str) -> None:
    handle = submitted(cvm, server)
    shows(server, image(word))
    bucket.objects[KEY] = Held()
    memo: dict[str, Any] = {}
    for _ in range(5):
        report = cvm.poll(handle, memo)
        memo = report.memo
        clock.time += 100_000
    assert (report.state, report.vendor_state) == (TaskState.RUNNING, word)


def test_every_disk_of_every_image_is_waited_for(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    keys = ("p_img-1_system_s.qcow2", "p_img-1_data_d.qcow2", "q_img-2_system_s.qcow2")
    request = ExportRequest(("img-1", "img-2"), "b-125", DiskFormat.QCOW2, ("p", "q"))
    handle = submitted(cvm, server, request, keys)
    shows(server, image(image_id="img-1", disks=2), image(image_id="img-2"))
    bucket.objects = {keys[0]: Held(), keys[2]: Held()}
    assert until_end(cvm, handle).state is TaskState.RUNNING
    bucket.objects[keys[1]] = Held()
    done = until_end(cvm, handle)
    assert done.state is TaskState.SUCCEEDED
    assert [item.uri.rpartition("/")[2] for item in done.artifacts] == list(keys)
    assert [item.disk for item in done.artifacts] == ["system", "data", "system"]


def test_an_export_that_leaves_nothing_fails_after_a_while(
    cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock
) -> None:
    handle = submitted(cvm, server)
    shows(server, image("EXPORTING"))
    memo = cvm.poll(handle, {}).memo
    shows(server, image("NORMAL"))
    memo = cvm.poll(handle, memo).memo
    clock.time += EXPORT_GRACE_SECONDS
    report = cvm.poll(handle, memo)
    assert report.state is TaskState.RUNNING
    clock.time += 1
    report = cvm.poll(handle, report.memo)
    assert report.state is TaskState.FAILED
    assert report.error is not None
    assert (report.error.kind, report.error.code) == (Kind.FAILED, "ExportIncomplete")


def test_without_exporting_patience_is_longer_unless_the_profile_says_so(
    settings: Settings, server: ScriptedServer, bucket: FakeBucket, clock: Clock
) -> None:
    impatient = Cvm("ap-guangzhou", replace(settings, options={"export_grace": "30s"}))
    patient = Cvm("ap-guangzhou", settings)
    handle = submitted(patient, server)
    shows(server, image("NORMAL"))
    memos = [impatient.poll(handle, {}).memo, patient.poll(handle, {}).memo]
    clock.time += EXPORT_GRACE_SECONDS + 1
    assert impatient.poll(handle, memos[0]).state is TaskState.FAILED
    assert patient.poll(handle, memos[1]).state is TaskState.RUNNING
    clock.time += UNSEEN_EXPORT_GRACE_SECONDS
    assert patient.poll(handle, memos[1]).state is TaskState.FAILED


def test_an_upload_that_grows_is_an_export_that_goes_on(
    cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock
) -> None:
    handle = submitted(cvm, server)
    shows(server, image("NORMAL"))
    bucket.uploads = [KEY]
    memo: dict[str, Any] = {}
    for bucket.parts in (1, 2, 3):
        report = cvm.poll(handle, memo)
        assert report.state is TaskState.RUNNING
        memo = report.memo
        clock.time += UNSEEN_EXPORT_GRACE_SECONDS + 1
    assert cvm.poll(handle, memo).state is TaskState.FAILED, "it has grown no more"


def test_uploads_that_we_may_not_see_count_for_nothing(
    cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock
) -> None:
    handle = submitted(cvm, server)
    shows(server, image("NORMAL"))
    bucket.uploads, bucket.uploads_closed = [KEY], True
    memo = cvm.poll(handle, {}).memo
    clock.time += UNSEEN_EXPORT_GRACE_SECONDS + 1
    assert cvm.poll(handle, memo).state is TaskState.FAILED


@pytest.mark.parametrize("unknown", [ok(ImageSet=[]), ok(ImageSet=None), refuse("InvalidImageId.NotFound")])
def test_an_image_that_vanishes(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, unknown: Reply) -> None:
    handle = submitted(cvm, server)
    server.on("DescribeImages", unknown)
    report = cvm.poll(handle, {})
    assert report.state is TaskState.RUNNING, "a lookup may miss it once"
    report = cvm.poll(handle, report.memo)
    assert report.error is not None
    assert report.error.code == "ImageVanished"


def test_an_image_that_vanishes_after_its_export(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server)
    server.on("DescribeImages", refuse("InvalidImageId.NotFound"))
    bucket.objects[KEY] = Held()
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED


def test_empty_objects_are_no_export(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server)
    shows(server, image())
    bucket.objects[KEY] = Held(size=0)
    assert until_end(cvm, handle).state is TaskState.RUNNING


def test_a_look_that_fails_is_raised(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server)
    server.on("DescribeImages", html())
    assert fails(lambda: cvm.poll(handle, {})).kind is Kind.UNAVAILABLE
    shows(server, image())
    server.otherwise = lambda asked: Reply(403)
    error = fails(lambda: cvm.poll(handle, {}))
    assert error.kind is Kind.DENIED
    assert "cos:HeadObject" in error.hint


# ------------------------------------------------------------------------------------------------ look up, cancel


def test_export_task_ids_cannot_be_looked_up(cvm: Cvm) -> None:
    error = fails(lambda: cvm.look_up("105591590"))
    assert (error.kind, error.exit_code) == (Kind.UNSUPPORTED, 4)
    assert "job id" in error.hint


def test_but_images_can(cvm: Cvm, server: ScriptedServer) -> None:
    for word, state in {
        "EXPORTING": TaskState.RUNNING,
        "NORMAL": TaskState.SUCCEEDED,
        "ODD": TaskState.UNKNOWN,
    }.items():
        shows(server, image(word))
        assert cvm.look_up(IMAGE).state is state
    server.on("DescribeImages", refuse("InvalidImageId.NotFound"))
    assert fails(lambda: cvm.look_up(IMAGE)).kind is Kind.NOT_FOUND


def test_there_is_no_cancelling(cvm: Cvm, server: ScriptedServer) -> None:
    handle = submitted(cvm, server)
    assert fails(lambda: cvm.cancel(handle)).kind is Kind.UNSUPPORTED
