"""CVM imports, images of instances, copies and lists against answers written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.clouds.tencent.image_watch import IMAGE_GRACE_SECONDS, SNAPSHOT_GRACE_SECONDS
from imgmove.clouds.tencent.import_failures import IMPORT_FAILURES
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    DiskSource,
    ImportRequest,
    Operation,
    TransferRequest,
)
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, TaskReport, TaskState
from tests.clouds.tencent.conftest import Clock
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, ok, refuse
from tests.clouds.tencent.test_os_names import ANSWER

REQUEST = ImportRequest("web", (DiskSource("bkt-125", "a b/ü.qcow2"),), os_type="debian", os_version="12.5")
NOW = "2026-05-28T20:26:40Z"
"""The time of the fixture `clock`."""


@pytest.fixture(autouse=True)
def os_list(server: ScriptedServer) -> None:
    server.on("DescribeImportImageOs", ok(**ANSWER))


def image(state: str = "NORMAL", **fields: Any) -> dict[str, Any]:
    return {"ImageId": "img-1", "ImageName": "web", "ImageState": state, "ImageSource": "EXTERNAL_IMPORT",
            "CreatedTime": NOW, **fields}  # fmt: skip


def shows(server: ScriptedServer, *images: dict[str, Any]) -> None:
    """DescribeImages answers as CVM does: by id exactly, by name fuzzily."""

    def answer(asked: Asked) -> Reply:
        wanted = asked.parameters.get("ImageIds")
        found = [item for item in images if wanted is None or item["ImageId"] in wanted]
        return ok(ImageSet=found, TotalCount=len(found))

    server.on("DescribeImages", answer)


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def imported(cvm: Cvm, server: ScriptedServer, *, image_id: str = "img-1", request: ImportRequest = REQUEST) -> Handle:
    server.on("ImportImage", ok(ImageId=image_id) if image_id else ok())
    return cvm.submit(request, "im0123")


# ------------------------------------------------------------------------------------------------------ import


def test_what_an_import_says(cvm: Cvm, server: ScriptedServer) -> None:
    handle = imported(cvm, server)
    (call,) = server.calls("ImportImage")
    url = urlsplit(call.pop("ImageUrl"))
    assert call == {"ImageName": "web", "Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12"}
    assert f"{url.scheme}://{url.netloc}{url.path}" == (
        "https://bkt-125.cos.ap-guangzhou.myqcloud.com/a%20b/%C3%BC.qcow2"
    )
    signed = parse_qs(url.query)
    begin, end = map(int, signed["q-sign-time"][0].split(";"))
    assert end - begin >= 24 * 3600
    assert signed["q-header-list"] == ["host"]
    assert (handle.image_id, handle.request_id) == ("img-1", "R-1")
    assert "q-sign" not in str(encode(handle))


def test_every_parameter(cvm: Cvm, server: ScriptedServer) -> None:
    request = replace(
        REQUEST, disks=(*REQUEST.disks, DiskSource("bkt-125", "data.raw", DiskFormat.RAW)), description="d",
        architecture=Architecture.ARM64, boot_mode=BootMode.UEFI, license="byol", family="f",
        tags={"team": "ops", "a": "b"}, force=True,
    )  # fmt: skip
    imported(cvm, server, request=request)
    (call,) = server.calls("ImportImage")
    (data,) = call.pop("ImportImageDataDiskList")
    assert data["ImageUrl"].startswith("https://bkt-125.cos.ap-guangzhou.myqcloud.com/data.raw?")
    del call["ImageUrl"]
    tags = [{"Key": "team", "Value": "ops"}, {"Key": "a", "Value": "b"}]
    assert call == {
        "ImageName": "web", "Architecture": "arm_64", "OsType": "Debian", "OsVersion": "12", "ImageDescription": "d",
        "BootMode": "UEFI", "LicenseType": "BYOL", "ImageFamily": "f", "Force": True,
        "TagSpecification": [{"ResourceType": "image", "Tags": tags}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "said"), [("TencentCloud", "TencentCloud"), ("tencentcloud", "TencentCloud"), ("auto", None), ("", None)]
)
def test_licences(cvm: Cvm, server: ScriptedServer, word: str, said: str | None) -> None:
    imported(cvm, server, request=replace(REQUEST, license=word))
    assert server.calls("ImportImage")[0].get("LicenseType") == said


def test_bios_is_called_legacy(cvm: Cvm, server: ScriptedServer) -> None:
    imported(cvm, server, request=replace(REQUEST, boot_mode=BootMode.BIOS))
    assert server.calls("ImportImage")[0]["BootMode"] == "Legacy BIOS"


def test_signed_urls_die_with_the_token(settings: Settings, server: ScriptedServer) -> None:
    environment = {**settings.environment, "TENCENTCLOUD_TOKEN": "TOK"}
    imported(Cvm("ap-guangzhou", replace(settings, environment=environment)), server)
    assert "x-cos-security-token=TOK" in server.calls("ImportImage")[0]["ImageUrl"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "n" * 61}, Kind.INVALID),
        ({"name": ""}, Kind.INVALID),
        ({"description": "d" * 257}, Kind.INVALID),
        ({"disks": ()}, Kind.INVALID),
        ({"disks": (DiskSource("bkt-125", "/a"),)}, Kind.INVALID),
        ({"disks": (DiskSource("bkt-125", "k", DiskFormat.VDI),)}, Kind.UNSUPPORTED),
        ({"license": "Aliyun"}, Kind.INVALID),
        ({"boot_mode": BootMode.UEFI_PREFERRED}, Kind.UNSUPPORTED),
        ({"os_type": "Plan 9"}, Kind.INVALID),
    ],
)
def test_what_breaks_the_rules_is_not_sent(
    cvm: Cvm, server: ScriptedServer, changes: dict[str, Any], kind: Kind
) -> None:
    request = replace(REQUEST, **changes)
    assert fails(lambda: cvm.submit(request, "t")).kind is kind
    assert fails(lambda: cvm.check(request, "t")).kind is kind
    assert server.calls("ImportImage") == []


def test_dry_runs_say_what_was_chosen(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("ImportImage", refuse("DryRunOperation"), ok())
    for _ in range(2):
        result = cvm.check(replace(REQUEST, os_type="", os_version=""), "t")
        assert any("Other Linux" in note for note in result.notes)
    assert all(call["DryRun"] is True for call in server.calls("ImportImage"))


def test_an_answer_without_anything_leaves_it_open(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("ImportImage", Reply(200, b'{"Response": {}}'))
    error = fails(lambda: cvm.submit(REQUEST, "t"))
    assert (error.kind, error.maybe_applied) == (Kind.UNAVAILABLE, True)


@pytest.mark.parametrize("image_id", ["img-1", ""], ids=["mainland", "international"])
def test_from_its_beginning_to_its_end(cvm: Cvm, server: ScriptedServer, image_id: str) -> None:
    handle = imported(cvm, server, image_id=image_id)
    assert handle.image_id == (image_id or None)
    others = [image(ImageName="web2", ImageId="img-2"), image(ImageId="img-3", CreatedTime="2020-01-01T00:00:00Z")]
    memo: dict[str, Any] = {}
    seen: list[TaskReport] = []
    for shown in ([], [image("IMPORTING", SyncPercent=30)], [image("ODD")], [image("NORMAL", SyncPercent=20)]):
        shows(server, *others, *shown)
        seen.append(cvm.poll(handle, memo))
        memo = seen[-1].memo
    assert [report.state for report in seen] == [
        TaskState.PENDING, TaskState.RUNNING, TaskState.UNKNOWN, TaskState.SUCCEEDED,
    ]  # fmt: skip
    assert [report.progress for report in seen] == [None, 30, None, 100]
    assert [report.image_id for report in seen[1:]] == ["img-1"] * 3


def test_a_failed_import_lists_what_may_be_wrong(cvm: Cvm, server: ScriptedServer) -> None:
    handle = imported(cvm, server)
    shows(server, image("IMPORTFAILED"))
    report = cvm.poll(handle, {})
    assert (report.state, report.image_id) == (TaskState.FAILED, "img-1")
    assert report.error is not None
    assert (report.error.kind, report.error.code, report.error.exit_code) == (Kind.FAILED, "IMPORTFAILED", 1)
    for reason in IMPORT_FAILURES:
        assert reason.code in report.error.hint
        assert reason.remedy in report.error.hint


def test_an_image_that_vanishes(cvm: Cvm, server: ScriptedServer) -> None:
    handle = imported(cvm, server)
    shows(server, image("IMPORTING"))
    memo = cvm.poll(handle, {}).memo
    server.on("DescribeImages", refuse("InvalidImageId.NotFound"))
    report = cvm.poll(handle, memo)
    assert report.state is TaskState.PENDING, "a lookup may miss it once"
    assert cvm.poll(handle, report.memo).state is TaskState.FAILED


def test_an_image_that_never_shows(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    handle = imported(cvm, server, image_id="")
    shows(server)
    clock.time += IMAGE_GRACE_SECONDS
    report = cvm.poll(handle, {})
    assert report.state is TaskState.PENDING
    clock.time += 1
    failed = cvm.poll(handle, report.memo)
    assert failed.error is not None
    assert failed.error.code == "ImageMissing"


# -------------------------------------------------------------------------------------------------------- find


def test_a_lost_import_is_found_by_its_name(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    foreign = (
        image(ImageId="img-2", ImageName="web-2"),
        image(ImageId="img-3", ImageSource="CREATE_IMAGE"),
        image(ImageId="img-4", CreatedTime="2026-05-28T20:00:00Z"),
    )
    shows(server, *foreign)
    assert cvm.find(REQUEST, "t", clock.time) is None
    shows(server, *foreign, image("IMPORTFAILED"))
    handle = cvm.find(REQUEST, "t", clock.time)
    assert handle is not None
    assert (handle.operation, handle.image_id) == (Operation.IMPORT, "img-1")
    assert {"Name": "image-type", "Values": ["PRIVATE_IMAGE"]} in server.calls("DescribeImages")[-1]["Filters"]


def test_the_smallest_image_is_found_too(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    shows(server, {"ImageId": "img-1", "ImageName": "web", "ImageState": "IMPORTING"})
    assert cvm.find(REQUEST, "t", clock.time) is not None


# -------------------------------------------------------------------------------------------- create, transfer

CREATE = CreateRequest("web", "ins-93sjjr8k")


def test_what_an_image_of_an_instance_says(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("CreateImage", ok(ImageId="img-1"))
    handle = cvm.submit(CREATE, "t")
    full = replace(
        CREATE, description="d", force_poweroff=True, disk_ids=("disk-1",), sysprep=True, tags={"a": "b"}, family="f"
    )
    cvm.submit(full, "t")
    cvm.submit(replace(CREATE, snapshot_ids=("snap-1",)), "t")
    assert handle.image_id == "img-1"
    assert server.calls("CreateImage") == [
        {"ImageName": "web", "InstanceId": "ins-93sjjr8k"},
        {"ImageName": "web", "InstanceId": "ins-93sjjr8k", "ImageDescription": "d", "ForcePoweroff": "true",
         "Sysprep": "true", "DataDiskIds": ["disk-1"], "ImageFamily": "f",
         "TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]}]},
        {"ImageName": "web", "SnapshotIds": ["snap-1"]},
    ]  # fmt: skip


def test_an_answer_without_an_image_leaves_it_open(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("CreateImage", ok())
    error = fails(lambda: cvm.submit(CREATE, "t"))
    assert (error.kind, error.maybe_applied, error.request_id) == (Kind.UNKNOWN, True, "R-1")


def test_disks_and_snapshots_exclude_each_other(cvm: Cvm) -> None:
    assert fails(lambda: cvm.submit(replace(CREATE, disk_ids=("d",), snapshot_ids=("s",)), "t")).kind is Kind.INVALID
    assert fails(lambda: cvm.submit(replace(CREATE, instance_id=""), "t")).kind is Kind.INVALID


@pytest.mark.parametrize(
    "code",
    ["OperationDenied.InstanceOperationInProgress", "MutexOperation.TaskRunning", "ResourceUnavailable.SnapshotCreating"],
)  # fmt: skip
def test_a_busy_instance_is_a_conflict(cvm: Cvm, server: ScriptedServer, code: str) -> None:
    server.on("CreateImage", refuse(code))
    error = fails(lambda: cvm.submit(CREATE, "t"))
    assert (error.kind, error.maybe_applied) == (Kind.CONFLICT, False)


def test_an_image_of_an_instance_has_its_snapshots(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    server.on("CreateImage", ok(ImageId="img-1"))
    handle = cvm.submit(CREATE, "t")
    shows(server, image("NORMAL", ImageSource="CREATE_IMAGE", SnapshotSet=[]))
    report = cvm.poll(handle, {})
    assert report.state is TaskState.RUNNING
    clock.time += SNAPSHOT_GRACE_SECONDS
    assert cvm.poll(handle, report.memo).state is TaskState.SUCCEEDED
    shows(server, image("NORMAL", SnapshotSet=[{"SnapshotId": "snap-1"}]))
    assert cvm.poll(handle, {}).state is TaskState.SUCCEEDED
    shows(server, image("NORMAL"))
    assert cvm.poll(handle, {}).state is TaskState.SUCCEEDED, "a field that is left out is no empty list"
    shows(server, image("CREATEFAILED"))
    assert cvm.poll(handle, {}).state is TaskState.FAILED


@pytest.mark.parametrize(
    ("answer", "image_id"),
    [
        ({"ImageSet": [{"ImageId": "img-9", "Region": "ap-beijing"}, {"ImageId": "img-1", "Region": "ap-guangzhou"}]},
         "img-1"),
        ({"ImageSet": []}, None),
        ({"ImageSet": None}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_copies_are_asked_of_their_source(
    cvm: Cvm, server: ScriptedServer, answer: dict[str, Any], image_id: str | None
) -> None:
    server.on("SyncImages", ok(**answer))
    handle = cvm.submit(TransferRequest("web", "tencent", "ap-shanghai", "img-7"), "t")
    assert handle.image_id == image_id
    assert server.asked[0].headers["x-tc-region"] == "ap-shanghai"
    assert server.calls("SyncImages") == [
        {"ImageIds": ["img-7"], "DestinationRegions": ["ap-guangzhou"], "ImageName": "web", "ImageSetRequired": True}
    ]
    shows(server, image("SYNCING", SyncPercent=40, ImageSource="CREATE_IMAGE"))
    report = cvm.poll(handle, {})
    assert (report.state, report.progress, report.image_id) == (TaskState.RUNNING, 40, "img-1")
    assert server.asked[-1].headers["x-tc-region"] == "ap-guangzhou"


def test_copies_take_neither_descriptions_nor_foreign_images(cvm: Cvm) -> None:
    ours = TransferRequest("web", "tencent", "ap-shanghai", "img-7")
    for request in (replace(ours, description="d"), replace(ours, tags={"a": "b"}), replace(ours, source_provider="x")):
        assert fails(lambda request=request: cvm.submit(request, "t")).kind is Kind.UNSUPPORTED  # type: ignore[misc]  # bound now


# ------------------------------------------------------------------------------------------------------- lists


def test_the_vendors_own_example_of_an_image(cvm: Cvm, server: ScriptedServer) -> None:
    shows(server, {
        "LicenseType": "TencentCloud", "OsName": "CentOS 7.4 64位", "ImageSize": 20, "ImageType": "PRIVATE_IMAGE",
        "CreatedTime": "2020-09-22T00:00:00+00:00", "ImageDescription": "test-image", "ImageSource": "CREATE_IMAGE",
        "ImageId": "img-qlzp4oea", "ImageName": "test-image", "ImageCreator": "3205597606", "ImageState": "NORMAL",
        "SyncPercent": 20, "SnapshotSet": [
            {"SnapshotId": "snap-gqa37j2p", "DiskUsage": "SYSTEM_DISK", "DiskSize": 20},
            {"SnapshotId": "snap-2", "DiskUsage": "DATA_DISK", "DiskSize": 50},
        ], "Tags": [{"Key": "myKey", "Value": "myValue"}], "Architecture": "arm", "Platform": "CentOS",
        "IsSupportCloudinit": True,
    })  # fmt: skip
    (found,) = cvm.images()
    assert (found.id, found.name, found.state, found.size_gib) == ("img-qlzp4oea", "test-image", "NORMAL", 20)
    assert (found.os, found.created) == ("CentOS 7.4 64位", "2020-09-22T00:00:00Z")
    assert found.details == {
        "architecture": "arm64", "owner": "self", "os_type": "linux", "platform": "CentOS",
        "license": "TencentCloud", "usable": True, "tags": {"myKey": "myValue"},
        "disks": [{"kind": "system", "size_gib": 20}, {"kind": "data", "size_gib": 50}],
    }  # fmt: skip


def test_an_image_by_its_id(cvm: Cvm, server: ScriptedServer) -> None:
    shows(server, image())
    assert cvm.image("img-1").name == "web"
    for unknown in (ok(ImageSet=[]), ok(ImageSet=None), refuse("InvalidImageId.NotFound")):
        server.on("DescribeImages", unknown)
        assert fails(lambda: cvm.image("img-2")).kind is Kind.NOT_FOUND
    server.on("DescribeImages", ok())
    assert fails(lambda: cvm.image("img-2")).code == "NotTheService"


def test_deleting_takes_the_snapshots_too(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("DeleteImages", ok(), refuse("InvalidImageId.NotFound"), refuse("InvalidImageId.InShared"))
    cvm.delete_image("img-1")
    cvm.delete_image("img-1")
    assert fails(lambda: cvm.delete_image("img-1")).kind is Kind.CONFLICT
    assert server.calls("DeleteImages")[0] == {"ImageIds": ["img-1"], "DeleteBindedSnap": True}


def test_an_answer_without_systems_is_none(cvm: Cvm, server: ScriptedServer) -> None:
    server.on("DescribeImportImageOs", ok())
    for call in (cvm.os_choices, lambda: cvm.submit(REQUEST, "t")):
        error = fails(call)
        assert (error.code, error.maybe_applied) == ("NotTheService", False)
    assert server.calls("ImportImage") == []


def test_os_choices(cvm: Cvm) -> None:
    assert "Debian" in {choice.os_type for choice in cvm.os_choices()}
