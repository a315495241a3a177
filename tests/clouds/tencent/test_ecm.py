"""ECM against answers written by hand from the vendor's page and examples (tencent.md 1.5, 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from imgmove.clouds.tencent.ecm import Ecm
from imgmove.clouds.tencent.ecm_watch import ENDED_TASK_GRACE_SECONDS
from imgmove.clouds.tencent.image_watch import IMAGE_GRACE_SECONDS
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import (
    Architecture,
    CreateRequest,
    DiskSource,
    ExportRequest,
    ImportRequest,
    Operation,
    TransferRequest,
)
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, TaskState
from tests.clouds.tencent.conftest import Clock
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, cos_error, ok, refuse, xml
from tests.clouds.tencent.test_os_names import ANSWER

CREATE = CreateRequest("test_name", "ein-93sjjr8k")
IMPORT = ImportRequest("ecmtest", (DiskSource("images-125", "base.qcow2"), DiskSource("images-125", "top.qcow2")),
                       os_type="CentOS", os_version="7.6")  # fmt: skip
TRANSFER = TransferRequest("web", "tencent", "ap-chengdu", "img-7")
NOW = "2026-05-28 20:26:40"
"""The time of the fixture `clock`, as ECM would write it in UTC."""


@pytest.fixture(autouse=True)
def os_list(server: ScriptedServer) -> None:
    server.on("DescribeImportImageOs", ok(**ANSWER))


def image(state: str = "NORMAL", **fields: Any) -> dict[str, Any]:
    return {"ImageId": "img-1", "ImageName": "test_name", "ImageState": state, "ImageCreateTime": NOW, **fields}


def shows(server: ScriptedServer, *images: dict[str, Any]) -> None:
    """DescribeImage answers as ECM does: by id exactly, by name fuzzily."""

    def answer(asked: Asked) -> Reply:
        filters = {item["Name"]: item["Values"] for item in asked.parameters["Filters"]}
        found = [item for item in images if item["ImageId"] in filters.get("image-id", [item["ImageId"]])]
        return ok(ImageSet=found or None, TotalCount=len(found))

    server.on("DescribeImage", answer)


def task(word: str, message: str = "", task_id: object = "1528611") -> Reply:
    return ok(TaskSet=[{"TaskId": task_id, "Message": message, "Status": word, "Operation": "CreateImage",
                        "AddTime": NOW, "EndTime": ""}])  # fmt: skip


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def created(ecm: Ecm, server: ScriptedServer) -> Handle:
    server.on("CreateImage", ok(TaskId="1528611"))
    return ecm.submit(CREATE, "im0123")


# ------------------------------------------------------------------------------------------------------ create


def test_what_an_image_of_an_instance_says(ecm: Ecm, server: ScriptedServer) -> None:
    handle = created(ecm, server)
    ecm.submit(replace(CREATE, description="test_description", force_poweroff=True), "t")
    assert server.calls("CreateImage") == [
        {"ImageName": "test_name", "InstanceId": "ein-93sjjr8k"},
        {"ImageName": "test_name", "InstanceId": "ein-93sjjr8k", "ImageDescription": "test_description",
         "ForcePoweroff": "TRUE"},
    ]  # fmt: skip
    assert "x-tc-region" not in server.asked[0].headers
    assert server.asked[0].headers["x-tc-version"] == "2019-07-19"
    assert (handle.task_id, handle.image_id, handle.request_id) == ("1528611", None, "R-1")


def test_a_region_is_never_sent(settings: Settings, server: ScriptedServer) -> None:
    created(Ecm("ap-hangzhou-ecm", settings), server)
    assert "x-tc-region" not in server.asked[0].headers


@pytest.mark.parametrize("task_id", ["1528611", 1528611])
def test_from_its_beginning_to_its_end(ecm: Ecm, server: ScriptedServer, task_id: object) -> None:
    handle = created(ecm, server)
    theirs = image(ImageId="img-2", SrcImage={"InstanceId": "ein-other"})
    shows(server, theirs)
    server.on("DescribeTaskStatus", task("OPERATING", task_id=task_id), task("SUCCESS", task_id=task_id))
    first = ecm.poll(handle, {})
    assert (first.state, first.vendor_state, first.task_id) == (TaskState.RUNNING, "OPERATING", "1528611")
    assert server.calls("DescribeTaskStatus") == [{"TaskSet": [{"Operation": "CreateImage", "TaskId": "1528611"}]}]
    second = ecm.poll(handle, first.memo)
    assert second.state is TaskState.PENDING, "the task has succeeded, the image does not show"
    shows(server, theirs, image("CREATING", SrcImage={"InstanceId": "ein-93sjjr8k"}))
    third = ecm.poll(handle, second.memo)
    assert (third.state, third.image_id) == (TaskState.RUNNING, "img-1")
    shows(server, theirs, image("NORMAL"))
    last = ecm.poll(handle, third.memo)
    assert (last.state, last.image_id, last.progress) == (TaskState.SUCCEEDED, "img-1", 100)


def test_a_failed_task_says_why(ecm: Ecm, server: ScriptedServer) -> None:
    handle = created(ecm, server)
    shows(server)
    server.on("DescribeTaskStatus", task("FAILED", "Create image failed"))
    report = ecm.poll(handle, {})
    assert report.error is not None
    assert (report.state, report.error.kind, report.error.message) == (
        TaskState.FAILED, Kind.FAILED, "Create image failed",
    )  # fmt: skip


@pytest.mark.parametrize("unknown", [ok(TaskSet=[]), ok(TaskSet=None), refuse("InvalidParameterValue.TaskNotFound")])
def test_a_forgotten_task_leaves_the_verdict_to_the_image(ecm: Ecm, server: ScriptedServer, unknown: Reply) -> None:
    handle = created(ecm, server)
    server.on("DescribeTaskStatus", unknown)
    shows(server)
    assert ecm.poll(handle, {}).state is TaskState.PENDING
    shows(server, image())
    assert ecm.poll(handle, {}).state is TaskState.SUCCEEDED


def test_strange_words_are_no_end(ecm: Ecm, server: ScriptedServer, clock: Clock) -> None:
    handle = created(ecm, server)
    shows(server, image())
    server.on("DescribeTaskStatus", task("WAITING"))
    report = ecm.poll(handle, {})
    clock.time += 100_000
    assert ecm.poll(handle, report.memo).state is TaskState.UNKNOWN
    server.on("DescribeTaskStatus", task("SUCCESS"))
    shows(server, image("ODD"))
    assert ecm.poll(handle, report.memo).state is TaskState.UNKNOWN
    shows(server, image("CREATEFAILED"))
    assert ecm.poll(handle, report.memo).state is TaskState.FAILED


def test_an_image_that_never_shows(ecm: Ecm, server: ScriptedServer, clock: Clock) -> None:
    handle = created(ecm, server)
    shows(server)
    server.on("DescribeTaskStatus", task("SUCCESS"))
    report = ecm.poll(handle, {})
    clock.time += ENDED_TASK_GRACE_SECONDS + 1
    assert ecm.poll(handle, report.memo).state is TaskState.FAILED
    server.on("DescribeTaskStatus", ok(TaskSet=[]))
    assert ecm.poll(handle, {}).state is TaskState.PENDING
    clock.time += IMAGE_GRACE_SECONDS
    assert ecm.poll(handle, {}).state is TaskState.FAILED


def test_an_image_that_vanishes(ecm: Ecm, server: ScriptedServer) -> None:
    handle = created(ecm, server)
    server.on("DescribeTaskStatus", ok(TaskSet=[]))
    shows(server, image("CREATING"))
    memo = ecm.poll(handle, {}).memo
    shows(server)
    report = ecm.poll(handle, memo)
    assert report.state is TaskState.PENDING
    assert ecm.poll(handle, report.memo).state is TaskState.FAILED


def test_a_lost_create_is_found(ecm: Ecm, server: ScriptedServer, clock: Clock) -> None:
    shows(server, image(SrcImage={"InstanceId": "ein-other"}), image(ImageId="img-3", ImageName="test_name2"),
          image(ImageId="img-4", ImageCreateTime="2019-07-22 20:48:14"))  # fmt: skip
    assert ecm.find(CREATE, "t", clock.time) is None
    shows(server, image(ImageCreateTime="2026-05-29 04:26:41", SrcImage={"InstanceId": "ein-93sjjr8k"}))
    handle = ecm.find(CREATE, "t", clock.time)
    assert handle is not None, "written in China's time"
    assert (handle.operation, handle.image_id, handle.task_id) == (Operation.CREATE, "img-1", None)
    assert ecm.poll(handle, {}).state is TaskState.SUCCEEDED


# ------------------------------------------------------------------------------------------------------ import


def regions(asked: Asked) -> Reply:
    return xml("<LocationConstraint>ap-chengdu</LocationConstraint>") if "location" in asked.query else Reply(404)


def imported(ecm: Ecm, server: ScriptedServer, request: ImportRequest = IMPORT) -> Handle:
    server.otherwise = regions
    server.on("ImportCustomImage", ok(ImageId="img-1", TaskId=21))
    return ecm.submit(request, "im0123")


def test_what_an_import_says(ecm: Ecm, server: ScriptedServer) -> None:
    handle = imported(ecm, server)
    (call,) = server.calls("ImportCustomImage")
    urls = [urlsplit(item["ImageFile"]) for item in call.pop("ImageUrls")]
    assert [f"{url.scheme}://{url.netloc}{url.path}" for url in urls] == [
        "https://images-125.cos.ap-chengdu.myqcloud.com/base.qcow2",
        "https://images-125.cos.ap-chengdu.myqcloud.com/top.qcow2",
    ]
    assert call == {"ImageName": "ecmtest", "Architecture": "x86_64", "OsType": "CentOS", "OsVersion": "7"}
    assert (handle.image_id, handle.task_id) == ("img-1", "21")


def test_every_parameter(ecm: Ecm, server: ScriptedServer) -> None:
    request = replace(IMPORT, description="d", architecture=Architecture.I386, init="NBD", os_type="", os_version="")
    imported(ecm, server, request)
    (call,) = server.calls("ImportCustomImage")
    del call["ImageUrls"]
    assert call == {"ImageName": "ecmtest", "Architecture": "i386", "OsType": "Other Linux", "OsVersion": "-",
                    "ImageDescription": "d", "InitFlag": "nbd"}  # fmt: skip


def test_where_cos_does_not_tell_the_region_the_users_counts(settings: Settings, server: ScriptedServer) -> None:
    server.on("ImportCustomImage", ok(ImageId="img-1", TaskId=21))
    server.otherwise = lambda asked: cos_error("AccessDenied", 403)
    Ecm("ap-chengdu", settings).submit(IMPORT, "t")
    url = server.calls("ImportCustomImage")[0]["ImageUrls"][0]["ImageFile"]
    assert url.startswith("https://images-125.cos.ap-chengdu.myqcloud.com/")
    assert fails(lambda: Ecm("ap-hangzhou-ecm", settings).submit(IMPORT, "t")).kind is Kind.DENIED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "n" * 21}, Kind.INVALID),
        ({"description": "d" * 61}, Kind.INVALID),
        ({"disks": ()}, Kind.INVALID),
        ({"architecture": Architecture.ARM64}, Kind.UNSUPPORTED),
        ({"init": "magic"}, Kind.INVALID),
        ({"os_type": "Plan 9"}, Kind.INVALID),
    ],
)
def test_what_breaks_the_rules_is_not_sent(
    ecm: Ecm, server: ScriptedServer, changes: dict[str, Any], kind: Kind
) -> None:
    assert fails(lambda: ecm.submit(replace(IMPORT, **changes), "t")).kind is kind
    assert server.calls("ImportCustomImage") == []


def test_an_import_is_followed_by_its_task_and_its_image(ecm: Ecm, server: ScriptedServer) -> None:
    handle = imported(ecm, server)
    server.on("DescribeImage", ok(ImageSet=None, TotalCount=0))
    states = []
    for word in ("PENDING", "PROCESSING"):
        server.on("DescribeCustomImageTask", ok(ImageTaskSet=[{"State": word, "ImageName": "ecmtest"}]))
        states.append(ecm.poll(handle, {}).state)
    assert states == [TaskState.PENDING, TaskState.RUNNING]
    assert server.calls("DescribeCustomImageTask")[0] == {"Filters": [{"Name": "task-id", "Values": ["21"]}]}
    server.on("DescribeCustomImageTask", ok(ImageTaskSet=[{"State": "SUCCESS", "Message": None}]))
    assert ecm.poll(handle, {}).state is TaskState.PENDING
    shows(server, image(ImageName="ecmtest"))
    assert ecm.poll(handle, {}).state is TaskState.SUCCEEDED
    server.on("DescribeCustomImageTask", ok(ImageTaskSet=[{"State": "FAILED", "Message": "bad format"}]))
    report = ecm.poll(handle, {})
    assert report.error is not None
    assert (report.error.message, report.image_id) == ("bad format", "img-1")


def test_a_lost_import_is_found(ecm: Ecm, server: ScriptedServer, clock: Clock) -> None:
    shows(server, image(ImageName="ecmtest", ImageSource="CREATE_IMAGE"))
    assert ecm.find(IMPORT, "t", clock.time) is None
    shows(server, image(ImageName="ecmtest", ImageSource="EXTERNAL_IMPORT"))
    assert ecm.find(IMPORT, "t", clock.time) is not None


# ---------------------------------------------------------------------------------------------------- transfer


def test_an_image_of_cvm(ecm: Ecm, server: ScriptedServer) -> None:
    server.on("ImportImage", ok())
    handle = ecm.submit(TRANSFER, "im0123")
    ecm.submit(replace(TRANSFER, description="mine"), "im0123")
    assert server.calls("ImportImage") == [
        {"ImageId": "img-7", "ImageDescription": "web (imgmove im0123)", "SourceRegion": "ap-chengdu"},
        {"ImageId": "img-7", "ImageDescription": "mine", "SourceRegion": "ap-chengdu"},
    ]
    assert (handle.task_id, handle.image_id, handle.request_id) == (None, None, "R-1")


@pytest.mark.parametrize(
    "arrived",
    [
        image(ImageDescription="web (imgmove im0123)"),
        image(ImageId="img-7"),
        image(SrcImage={"ImageId": "img-7", "Region": "ap-chengdu"}),
        image(SrcImage={"ImageId": "img-7"}, ImageCreateTime=""),
    ],
    ids=["by description", "the same id", "by source", "by the smallest source"],
)
def test_it_is_known_by_id_source_or_description(ecm: Ecm, server: ScriptedServer, arrived: dict[str, Any]) -> None:
    server.on("ImportImage", ok())
    handle = ecm.submit(TRANSFER, "im0123")
    strange = image(ImageId="img-5", SrcImage={"ImageId": "img-7", "Region": "ap-beijing"})
    shows(server, strange)
    memo = ecm.poll(handle, {}).memo
    shows(server, strange, arrived)
    report = ecm.poll(handle, memo)
    assert (report.state, report.image_id) == (TaskState.SUCCEEDED, arrived["ImageId"])


def test_somebody_elses_copy_is_not_ours(ecm: Ecm, server: ScriptedServer, clock: Clock) -> None:
    theirs = image(SrcImage={"ImageId": "img-7", "Region": "ap-chengdu"}, ImageDescription="web (imgmove im9999)")
    shows(server, theirs)
    assert ecm.find(TRANSFER, "im0123", clock.time) is None
    shows(server, theirs, image(ImageId="img-2", ImageDescription="web (imgmove im0123)"))
    found = ecm.find(TRANSFER, "im0123", clock.time)
    assert found is not None
    assert found.image_id == "img-2"


def test_only_images_of_cvm(ecm: Ecm) -> None:
    for request in (replace(TRANSFER, source_provider="ecm"), replace(TRANSFER, tags={"a": "b"})):
        assert fails(lambda request=request: ecm.submit(request, "t")).kind is Kind.UNSUPPORTED  # type: ignore[misc]  # bound now


# ------------------------------------------------------------------------------------------------------ others


def test_there_is_no_way_out(ecm: Ecm, server: ScriptedServer) -> None:
    error = fails(lambda: ecm.submit(ExportRequest(("img-1",), "b-1"), "t"))
    assert (error.kind, error.exit_code) == (Kind.UNSUPPORTED, 4)
    assert "dump the disk" in error.hint
    assert server.asked == []


def test_checks_ask_nothing_that_changes(ecm: Ecm, server: ScriptedServer) -> None:
    assert ecm.check(CREATE, "t").performed is False
    assert server.asked == []
    assert any("takes no name" in note for note in ecm.check(TRANSFER, "t").notes)


def test_answers_without_a_task_leave_it_open(ecm: Ecm, server: ScriptedServer) -> None:
    server.on("CreateImage", ok(), ok(TaskId=None))
    for _ in range(2):
        error = fails(lambda: ecm.submit(CREATE, "t"))
        assert (error.kind, error.maybe_applied, error.request_id) == (Kind.UNKNOWN, True, "R-1")


def test_a_failure_inside_leaves_it_open_too(ecm: Ecm, server: ScriptedServer) -> None:
    server.on("CreateImage", refuse("FailedOperation.InternalOperationFailure"))
    assert fails(lambda: ecm.submit(CREATE, "t")).maybe_applied is True


def test_looking_tasks_up(ecm: Ecm, server: ScriptedServer) -> None:
    server.on("DescribeTaskStatus", task("OPERATING", task_id=21), ok(TaskSet=[]))
    assert ecm.look_up("21").state is TaskState.RUNNING
    server.on("DescribeCustomImageTask", ok(ImageTaskSet=[{"State": "SUCCESS", "ImageName": "ecmtest"}]))
    shows(server, image("IMPORTING", ImageName="ecmtest"))
    report = ecm.look_up("21")
    assert (report.state, report.image_id, report.task_id) == (TaskState.RUNNING, "img-1", "21")
    server.on("DescribeCustomImageTask", ok(ImageTaskSet=None))
    assert fails(lambda: ecm.look_up("21")).kind is Kind.NOT_FOUND


def test_looking_images_up(ecm: Ecm, server: ScriptedServer) -> None:
    shows(server, image())
    assert ecm.look_up("img-1").state is TaskState.SUCCEEDED
    assert fails(lambda: ecm.look_up("img-9")).kind is Kind.NOT_FOUND
    assert fails(lambda: ecm.image("img-9")).kind is Kind.NOT_FOUND


def test_the_vendors_own_example_of_an_image(ecm: Ecm, server: ScriptedServer) -> None:
    shows(server, {
        "ImageId": "img-060ov1xz", "ImageName": "CentOS 6.9 32位", "ImageState": "NORMAL",
        "ImageType": "PRIVATE_IMAGE", "ImageOwner": 251006057, "ImageOsName": "CentOS 6.9 32位",
        "ImageDescription": "CentOS 6.9 32位", "Architecture": "i386", "OsType": "CentOS", "Platform": "",
        "OsVersion": "CentOS 6.9 32位", "ImageCreateTime": "2019-07-22 20:48:14", "ImageSize": 50,
        "ImageSource": "CREATE_IMAGE", "SrcImage": {"InstanceId": "ein-gwht9ek2", "RegionID": 1084},
    })  # fmt: skip
    (found,) = ecm.images()
    assert (found.id, found.state, found.size_gib, found.os) == ("img-060ov1xz", "NORMAL", 50, "CentOS 6.9 32位")
    assert found.created == "2019-07-22 20:48:14"
    assert found.details == {"architecture": "i386", "owner": "self", "os_type": "linux", "usable": True}


def test_deleting_with_the_vendors_spelling(ecm: Ecm, server: ScriptedServer) -> None:
    server.on("DeleteImage", ok(), refuse("InvalidParameterValue.InvalidImageID"), refuse("FailedOperation.ImageInUse"))
    ecm.delete_image("img-1")
    ecm.delete_image("img-1")
    assert fails(lambda: ecm.delete_image("img-1")).kind is Kind.CONFLICT
    assert server.calls("DeleteImage")[0] == {"ImageIDSet": ["img-1"]}


def test_there_is_no_cancelling(ecm: Ecm, server: ScriptedServer) -> None:
    handle = created(ecm, server)
    assert fails(lambda: ecm.cancel(handle)).kind is Kind.UNSUPPORTED


def test_os_choices(ecm: Ecm) -> None:
    assert "Debian" in {choice.os_type for choice in ecm.os_choices()}
