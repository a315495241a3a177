"""ECS images: imported, created, copied, listed, looked up and deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgmove.clouds.alibaba.ecs import Ecs
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import CreateRequest, DiskSource, ImportRequest, Operation, TransferRequest
from imgmove.core.tasks import Handle, TaskState
from tests.clouds.alibaba.answers_of_ecs import image, images, listed_tasks, task
from tests.clouds.alibaba.conftest import Clock
from tests.clouds.alibaba.scripted import Reply, ScriptedServer, ok, refuse

IMPORT = ImportRequest("web01", (DiskSource("bkt", "web01.qcow2"),))
CREATE = CreateRequest("web01", "i-1")
TRANSFER = TransferRequest("web01", "alibaba", "cn-beijing", "m-1")
TOKEN = "im0123456789ab"
BEGAN = 1780272000.0  # 2026-06-01T00:00:00Z, when the scripted images were created
IMPORTING = Handle(Operation.IMPORT, "cn-hangzhou", "t-1", "m-9", submitted_at=BEGAN, details={"name": "web01"})
CREATING = Handle(Operation.CREATE, "cn-hangzhou", None, "m-9", submitted_at=BEGAN, details={"name": "web01"})
COPYING = Handle(Operation.TRANSFER, "cn-hangzhou", None, "m-9", submitted_at=BEGAN, details={"name": "web01"})


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


@pytest.fixture(autouse=True)
def _begin(clock: Clock) -> None:
    clock.time = BEGAN


# ------------------------------------------------------------------------------------------------ check and submit


def test_imports_are_sent_with_our_token(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ImportImage", ok(TaskId="t-1", ImageId="m-9", RegionId="cn-hangzhou"))
    handle = ecs.submit(IMPORT, TOKEN)
    assert (handle.task_id, handle.image_id) == ("t-1", "m-9")
    assert server.calls("ImportImage")[0]["ClientToken"] == TOKEN
    assert server.calls("ImportImage")[0]["DiskDeviceMapping.1.OSSObject"] == "web01.qcow2"
    assert decode(Handle, encode(handle)) == handle


@pytest.mark.parametrize("name", ["ImportTaskId", "TaskId"])
def test_imports_may_answer_without_an_image(ecs: Ecs, server: ScriptedServer, name: str) -> None:
    server.on("ImportImage", ok(**{name: "t-1"}))
    handle = ecs.submit(IMPORT, TOKEN)
    assert (handle.task_id, handle.image_id) == ("t-1", None)
    server.on("DescribeTaskAttribute", task("Finished", action="ImportImage"))
    server.on("DescribeImages", images(image(ImageName="web01-2", ImageId="m-8"), image()))
    report = ecs.poll(handle, {})
    assert (report.state, report.image_id) == (TaskState.SUCCEEDED, "m-9")


def test_dry_runs_spend_no_token(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("ImportImage", refuse("DryRunOperation"))
    assert ecs.check(IMPORT, TOKEN).performed
    asked = server.calls("ImportImage")[0]
    assert "ClientToken" not in asked
    assert asked["DryRun"] == "True"


def test_creates_and_copies(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("CreateImage", ok(ImageId="m-9"))
    server.on("CopyImage", ok(ImageId="m-8"))
    assert ecs.submit(CREATE, TOKEN).image_id == "m-9"
    assert ecs.submit(TRANSFER, TOKEN).image_id == "m-8"
    assert server.calls("CreateImage")[0] == {
        "RegionId": "cn-hangzhou", "ImageName": "web01", "InstanceId": "i-1", "ClientToken": TOKEN,
    }  # fmt: skip
    assert server.calls("CopyImage")[0] == {
        "RegionId": "cn-beijing", "ImageId": "m-1", "DestinationRegionId": "cn-hangzhou",
        "DestinationImageName": "web01", "ClientToken": TOKEN,
    }  # fmt: skip
    server.on("CreateImage", ok())
    assert fails(lambda: ecs.submit(CREATE, TOKEN)).maybe_applied


@pytest.mark.parametrize(
    ("code", "status", "kind", "doubt"),
    [
        ("InvalidImageName.Duplicated", 400, Kind.EXISTS, False),
        ("LastTokenProcessing", 403, Kind.UNAVAILABLE, True),
        ("IdempotentParameterMismatch", 400, Kind.CONFLICT, False),
        ("QuotaExceed.Image", 400, Kind.QUOTA, False),
        ("NoSetRoletoECSServiceAcount", 403, Kind.DENIED, False),
        ("InvalidOSSObject.NotFound", 404, Kind.NOT_FOUND, False),
        ("InternalError", 500, Kind.UNAVAILABLE, True),
    ],
)
def test_refused_imports(ecs: Ecs, server: ScriptedServer, code: str, status: int, kind: Kind, doubt: bool) -> None:
    server.on("ImportImage", refuse(code, status=status))
    error = fails(lambda: ecs.submit(IMPORT, TOKEN))
    assert (error.kind, error.maybe_applied) == (kind, doubt)


# ------------------------------------------------------------------------------------------------------------ poll


def test_a_finished_task_is_no_usable_image_yet(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", task("Finished", action="ImportImage"))
    server.on("DescribeImages", images(image("Creating")))
    report = ecs.poll(IMPORTING, {})
    assert (report.state, report.progress, report.vendor_state) == (TaskState.RUNNING, 32, "Creating")
    asked = server.calls("DescribeImages")[0]
    assert (asked["Status"], asked["ImageId"]) == ("ALL", "m-9")
    server.on("DescribeImages", images(image()))
    done = ecs.poll(IMPORTING, report.memo)
    assert (done.state, done.image_id, done.task_id, done.progress) == (TaskState.SUCCEEDED, "m-9", "t-1", 100)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Waiting", TaskState.PENDING), ("Creating", TaskState.RUNNING), ("Pondering", TaskState.UNKNOWN),
        ("Deprecated", TaskState.SUCCEEDED), ("CreateFailed", TaskState.FAILED), ("UnAvailable", TaskState.FAILED),
    ],
)  # fmt: skip
def test_states_of_images(ecs: Ecs, server: ScriptedServer, status: str, state: TaskState) -> None:
    server.on("DescribeImages", images(image(status)))
    report = ecs.poll(CREATING, {})
    assert report.state is state
    assert (report.error is not None) == (state is TaskState.FAILED)


def test_a_failed_import_gives_the_tasks_reason(ecs: Ecs, server: ScriptedServer) -> None:
    reason = task("Failed", action="ImportImage", code="InvalidVHDImage.IncorrectSize", message="size")
    server.on("DescribeTaskAttribute", reason)
    for found in (images(image("CreateFailed")), images(), images(image("Creating"))):
        server.on("DescribeImages", found)
        report = ecs.poll(IMPORTING, {})
        assert report.state is TaskState.FAILED
        assert report.error is not None
        assert (report.error.code, report.error.kind) == ("InvalidVHDImage.IncorrectSize", Kind.FAILED)
        assert "qemu-img" in report.error.hint


def test_a_cancelled_import(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", task("Deleted", action="ImportImage"))
    server.on("DescribeImages", images())
    assert ecs.poll(IMPORTING, {"seen": True}).state is TaskState.CANCELLED


def test_an_image_that_vanishes_has_failed(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", images(image("Creating")), images())
    seen = ecs.poll(COPYING, {})
    gone = ecs.poll(COPYING, seen.memo)
    assert gone.state is TaskState.FAILED
    assert gone.error is not None
    assert gone.error.code == "ImageVanished"


def test_an_image_may_be_invisible_for_a_while(ecs: Ecs, server: ScriptedServer, clock: Clock) -> None:
    server.on("DescribeTaskAttribute", task("Processing", action="ImportImage"))
    server.on("DescribeImages", ok(TotalCount=0))
    assert ecs.poll(CREATING, {}).state is TaskState.PENDING
    running = ecs.poll(IMPORTING, {})
    assert (running.state, running.progress) == (TaskState.RUNNING, 40)
    clock.time += 3600
    assert ecs.poll(IMPORTING, {}).state is TaskState.RUNNING
    missing = ecs.poll(CREATING, {})
    assert missing.state is TaskState.FAILED
    assert missing.error is not None
    assert missing.error.code == "ImageMissing"


def test_a_forgotten_task_leaves_the_verdict_to_the_image(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", refuse("InvalidTaskId.NotFound"))
    server.on("DescribeImages", images(image()))
    assert ecs.poll(IMPORTING, {}).state is TaskState.SUCCEEDED


def test_unknown_ids_may_be_answered_with_an_error(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", refuse("InvalidImageId.NotFound", status=404))
    assert ecs.poll(CREATING, {}).state is TaskState.PENDING
    assert fails(lambda: ecs.image("m-9")).kind is Kind.NOT_FOUND
    ecs.delete_image("m-9")


@pytest.mark.parametrize("reply", [Reply(502, b"<html>"), ok(Images=None, TotalCount=1), ok(), refuse("Throttling")])
def test_a_look_that_fails_is_no_verdict(ecs: Ecs, server: ScriptedServer, reply: Reply) -> None:
    server.on("DescribeImages", reply)
    assert fails(lambda: ecs.poll(CREATING, {})).is_passing


# ------------------------------------------------------------------------------------------------------------ find


def test_an_import_is_found_by_its_name_and_object(ecs: Ecs, server: ScriptedServer) -> None:
    near = image(ImageName="web01x", ImageId="m-7")
    server.on("DescribeImages", images(near, image("Creating")))
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-9", "TaskAction": "IMPORT_IMAGE", "ResourceId": "m-9"}))
    handle = ecs.find(IMPORT, TOKEN, BEGAN)
    assert handle is not None
    assert (handle.image_id, handle.task_id) == ("m-9", "t-9")
    asked = server.calls("DescribeImages")[0]
    assert (asked["ImageName"], asked["ImageOwnerAlias"], asked["Status"]) == ("web01", "self", "ALL")


def test_other_images_of_that_name_are_not_ours(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", images(image()))
    assert ecs.find(IMPORT, TOKEN, BEGAN + 3600) is None
    other = ImportRequest("web01", (DiskSource("bkt", "other.qcow2"),))
    assert ecs.find(other, TOKEN, BEGAN) is None
    assert ecs.find(CREATE, TOKEN, BEGAN) is not None
    server.on("DescribeImages", images())
    assert ecs.find(CREATE, TOKEN, BEGAN) is None


# -------------------------------------------------------------------------------------------- look up and cancel


def test_images_are_looked_up(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", images(image("Creating")))
    report = ecs.look_up("m-9")
    assert (report.state, report.image_id) == (TaskState.RUNNING, "m-9")
    server.on("DescribeImages", images())
    assert fails(lambda: ecs.look_up("m-9")).kind is Kind.NOT_FOUND


def test_public_images_have_odd_ids(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", refuse("InvalidTaskId.NotFound"))
    server.on("DescribeImages", images(image(image_id="debian_12_x64.vhd")))
    assert ecs.look_up("debian_12_x64.vhd").image_id == "debian_12_x64.vhd"
    server.on("DescribeImages", images())
    assert fails(lambda: ecs.look_up("debian_12_x64.vhd")).code == "InvalidTaskId.NotFound"


def test_an_import_task_is_looked_up_through_its_image(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeTaskAttribute", task("Finished", action="IMPORT_IMAGE"))
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-1", "TaskAction": "ImportImage", "ResourceId": "m-9"}))
    server.on("DescribeImages", images(image("Creating")))
    report = ecs.look_up("t-1")
    assert (report.state, report.task_id, report.image_id) == (TaskState.RUNNING, "t-1", "m-9")
    server.on("DescribeTasks", listed_tasks({"TaskId": "t-1"}))
    assert ecs.look_up("t-1").state is TaskState.RUNNING
    server.on("DescribeImages", images(image()))
    assert ecs.look_up("t-1").state is TaskState.SUCCEEDED
    server.on("DescribeTaskAttribute", task("Failed", action="ImportImage", code="ImportImageFailed"))
    assert ecs.look_up("t-1").state is TaskState.FAILED


def test_cancelling(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("CancelTask", ok())
    server.on("CancelCopyImage", ok())
    server.on("DescribeTaskAttribute", task("Deleted", action="ImportImage"))
    server.on("DescribeImages", images())
    assert ecs.cancel(IMPORTING).state is TaskState.CANCELLED
    assert ecs.cancel(COPYING).state is TaskState.CANCELLED
    assert server.calls("CancelCopyImage") == [{"RegionId": "cn-hangzhou", "ImageId": "m-9"}]
    error = fails(lambda: ecs.cancel(CREATING))
    assert error.kind is Kind.UNSUPPORTED
    assert "m-9" in error.hint
    server.on("CancelTask", refuse("InvalidTaskId.TaskActionNotSupport", status=403))
    assert fails(lambda: ecs.cancel(IMPORTING)).kind is Kind.UNSUPPORTED


def test_a_copy_that_ended_before_it_was_cancelled(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("CancelCopyImage", refuse("IncorrectImageStatus"))
    server.on("DescribeImages", images(image()))
    assert ecs.cancel(COPYING).state is TaskState.SUCCEEDED


# ------------------------------------------------------------------------------------------------- list and delete


def test_images_of_all_pages(ecs: Ecs, server: ScriptedServer) -> None:
    def page(image_id: str) -> Reply:
        return ok(TotalCount=2, PageNumber=1, PageSize=1, Images={"Image": [image(image_id=image_id)]})

    server.on("DescribeImages", page("m-1"), page("m-2"))
    found = list(ecs.images())
    assert [entry.id for entry in found] == ["m-1", "m-2"]
    first = found[0]
    assert (first.name, first.state, first.size_gib, first.os) == ("web01", "Available", 40, "Ubuntu")
    assert first.created == "2026-06-01T00:00:00Z"
    assert first.details == {
        "architecture": "x86_64", "boot_mode": "bios", "owner": "self", "os_type": "linux", "platform": "Ubuntu",
        "disks": [{"kind": "system", "size_gib": 40, "device": "/dev/xvda"}], "usable": True, "tags": {"k": "v"},
    }  # fmt: skip


def test_what_decides_whether_an_image_may_go(ecs: Ecs, server: ScriptedServer) -> None:
    disks = [{"Type": "system", "Size": "40", "Encrypted": False}, {"Type": "data", "Size": "20", "Encrypted": True}]
    found = image(
        ImageOwnerAlias="marketplace", ProductCode="jxsc000204", Platform="Windows Server 2022", OSType="windows",
        LicenseType="BYOL", DiskDeviceMappings={"DiskDeviceMapping": disks},
    )  # fmt: skip
    server.on("DescribeImages", images(found))
    details = ecs.image("m-9").details
    assert (details["owner"], details["product_code"], details["license"]) == ("market", "jxsc000204", "BYOL")
    assert (details["os_type"], details["platform"], details["encrypted"]) == ("windows", "Windows Server 2022", True)
    assert [disk["kind"] for disk in details["disks"]] == ["system", "data"]
    for spelt, encrypted in (("False", False), ("True", True), ("true", True)):
        one = {"Type": "system", "Size": "40", "Encrypted": spelt}
        server.on("DescribeImages", images(image(DiskDeviceMappings={"DiskDeviceMapping": [one]})))
        assert ecs.image("m-9").details["encrypted"] is encrypted


def test_a_service_that_repeats_its_page_ends(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(TotalCount=9, Images={"Image": [image()]}))
    assert len(list(ecs.images())) == 1


def test_images_with_the_fewest_fields(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", ok(Images={"Image": [{"ImageId": "m-1", "Status": "Available"}]}))
    (found,) = ecs.images()
    assert (found.id, found.name, found.size_gib, found.created) == ("m-1", "", None, "")


def test_delete_takes_the_imports_snapshots_along(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", images(image()))
    server.on("DeleteImage", ok())
    server.on("DeleteSnapshot", refuse("InvalidSnapshotId.NotFound", status=404))
    ecs.delete_image("m-9")
    assert server.calls("DeleteImage") == [{"RegionId": "cn-hangzhou", "ImageId": "m-9"}]
    assert server.calls("DeleteSnapshot") == [{"SnapshotId": "s-1"}]


def test_delete_leaves_snapshots_that_may_be_the_users(ecs: Ecs, server: ScriptedServer) -> None:
    disk = {"Type": "system", "SnapshotId": "s-1"}
    server.on("DescribeImages", images(image(DiskDeviceMappings={"DiskDeviceMapping": [disk]})))
    server.on("DeleteImage", refuse("InvalidImageId.NotFound", status=404))
    ecs.delete_image("m-9")
    assert server.calls("DeleteSnapshot") == []


def test_a_busy_image_is_freed_first(ecs: Ecs, server: ScriptedServer) -> None:
    server.on("DescribeImages", images(image("Creating")))
    server.on("DeleteImage", refuse("ImageIsImporting", status=403), ok())
    server.on("DescribeTasks", listed_tasks(
        {"TaskId": "t-0", "TaskStatus": "Finished", "ResourceId": "m-9"},
        {"TaskId": "t-1", "TaskStatus": "Processing", "ResourceId": "m-9"},
        {"TaskId": "t-2", "TaskStatus": "Processing", "ResourceId": "m-2"},
    ))  # fmt: skip
    server.on("DescribeTaskAttribute", task(action="ImportImage"))
    server.on("CancelTask", ok())
    server.on("DeleteSnapshot", ok())
    ecs.delete_image("m-9")
    assert [asked["TaskId"] for asked in server.calls("CancelTask")] == ["t-1"]
    assert len(server.calls("DeleteImage")) == 2
    server.on("DeleteImage", refuse("ImageIsImporting", status=403))
    assert fails(lambda: ecs.delete_image("m-9")).kind is Kind.CONFLICT


def test_choices(ecs: Ecs, server: ScriptedServer) -> None:
    choices = ecs.os_choices()
    assert "Ubuntu" in {choice.os_type for choice in choices}
    assert server.asked == []
