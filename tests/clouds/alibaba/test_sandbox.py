"""Alibaba's adapters in the sandbox, beyond the contract: disks, formats, failures, roles, regions, clocks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgmove.clouds.alibaba import cloud
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ComputeProvider
from imgmove.core.requests import CreateRequest, DiskSource, ExportRequest, ImportRequest
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, TaskReport, TaskState
from imgmove.sandbox import Sandbox
from tests.clouds.alibaba.harness import (
    BUCKET,
    DISK,
    IMAGE_ELSEWHERE,
    IMAGES,
    INSTANCE,
    REGION,
    settings_for,
)

SINGAPORE = "ap-southeast-1"


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return settings_for(sandbox, tmp_path)


@pytest.fixture
def ecs(settings: Settings) -> ComputeProvider:
    return cloud.compute("alibaba", REGION, settings)


def follow(sandbox: Sandbox, ecs: ComputeProvider, handle: Handle) -> TaskReport:
    memo: dict[str, Any] = {}
    for _ in range(300):
        report = ecs.poll(handle, memo)
        if report.is_final:
            return report
        memo = report.memo
        sandbox.clock.advance(15)
    raise AssertionError("it never ends")


def test_an_image_with_data_disks_becomes_one_object_each(sandbox: Sandbox, ecs: ComputeProvider) -> None:
    report = follow(sandbox, ecs, ecs.submit(ExportRequest((IMAGES[1],), BUCKET), "imdisks00001"))
    assert [(found.disk, found.format) for found in report.artifacts] == [
        ("data:xvdb", DiskFormat.RAW_TAR_GZ), ("system", DiskFormat.RAW_TAR_GZ),
    ]  # fmt: skip
    assert all(found.crc64 for found in report.artifacts)


@pytest.mark.parametrize("wanted", [DiskFormat.QCOW2, DiskFormat.VHD, DiskFormat.VMDK, DiskFormat.VDI])
def test_formats_are_what_was_asked_for(sandbox: Sandbox, settings: Settings, wanted: DiskFormat) -> None:
    ecs = cloud.compute("alibaba", SINGAPORE, settings)
    request = ExportRequest((IMAGE_ELSEWHERE,), "imgmove-sg", wanted, ("nightly",))
    (artifact,) = follow(sandbox, ecs, ecs.submit(request, "imformat0001")).artifacts
    assert artifact.format is wanted
    assert artifact.uri.startswith(f"oss://imgmove-sg/nightly_{IMAGE_ELSEWHERE}_")


@pytest.mark.parametrize(
    ("image_id", "kind"),
    [
        ("m-bp1windows0000000001", Kind.UNSUPPORTED),
        ("m-bp1crypt000000000001", Kind.UNSUPPORTED),
        ("m-bp1lamp0000000000001", Kind.UNSUPPORTED),
        ("m-bp1missing0000000001", Kind.NOT_FOUND),
    ],
)
def test_images_that_cannot_be_exported(ecs: ComputeProvider, image_id: str, kind: Kind) -> None:
    request = ExportRequest((image_id,), BUCKET)
    for call in (ecs.check, ecs.submit):
        with pytest.raises(ImgmoveError) as caught:
            call(request, "imrefuse0001")
        assert caught.value.kind is kind
        assert caught.value.hint
        assert caught.value.request_id


def test_buckets_of_other_regions_and_missing_ones(ecs: ComputeProvider) -> None:
    for bucket in ("imgmove-sg", "imgmove-missing"):
        with pytest.raises(ImgmoveError) as caught:
            ecs.submit(ExportRequest((IMAGES[0],), bucket), "imbucket0001")
        assert caught.value.exit_code == 4


def test_a_failed_import_says_why(sandbox: Sandbox, ecs: ComputeProvider, settings: Settings) -> None:
    sandbox.faults.add("ecs:ImportImage fail-task code=InvalidBlockSize.NotSupport")
    cloud.store("oss", BUCKET, REGION, settings).put("disk.qcow2", DISK.read_bytes())
    request = ImportRequest("broken", (DiskSource(BUCKET, "disk.qcow2", DiskFormat.QCOW2),), os_type="Debian")
    report = follow(sandbox, ecs, ecs.submit(request, "imbroken0001"))
    assert report.state is TaskState.FAILED
    assert report.error is not None
    assert report.error.code == "InvalidBlockSize.NotSupport"
    assert "qemu-img" in report.error.hint


def test_a_full_import(sandbox: Sandbox, ecs: ComputeProvider, settings: Settings) -> None:
    cloud.store("oss", BUCKET, REGION, settings).put("disk.qcow2", DISK.read_bytes())
    request = ImportRequest(
        "web01", (DiskSource(BUCKET, "disk.qcow2", DiskFormat.QCOW2, 40),), "text", os_type="debian 12",
        tags={"team": "a"}, nvme=True, detect=True,
    )  # fmt: skip
    handle = ecs.submit(request, "imimport0001")
    report = follow(sandbox, ecs, handle)
    assert report.state is TaskState.SUCCEEDED
    assert report.image_id is not None
    image = ecs.image(report.image_id)
    assert (image.name, image.details["platform"], image.details["tags"]) == ("web01", "Debian", {"team": "a"})
    with pytest.raises(ImgmoveError) as caught:
        ecs.submit(request, "imimport0002")
    assert caught.value.kind is Kind.EXISTS
    assert handle.task_id is not None
    assert ecs.look_up(handle.task_id).image_id == report.image_id


def test_roles_are_assumed_for_both_services(sandbox: Sandbox, settings: Settings) -> None:
    """A profile with a role: STS, ECS and OSS all see the temporary key."""
    key = {
        name: settings.environment[f"ALIBABA_CLOUD_{name.upper()}"] for name in ("access_key_id", "access_key_secret")
    }
    profile = {
        "name": "default", "mode": "RamRoleArn", **key, "ram_session_name": "imgmove",
        "ram_role_arn": "acs:ram::1000000000000001:role/aliyunecsimageexportdefaultrole",
    }  # fmt: skip
    (settings.home / ".aliyun").mkdir()
    (settings.home / ".aliyun" / "config.json").write_text(json.dumps({"current": "default", "profiles": [profile]}))
    bare = replace(settings, environment={})
    ecs = cloud.compute("alibaba", REGION, bare)
    with pytest.raises(ImgmoveError) as caught:
        list(ecs.images())
    assert caught.value.kind is Kind.DENIED  # the role trusts ECS alone
    assert [entry.action for entry in sandbox.requests("alibaba_sts")][-1:] == ["AssumeRole"]


def test_wrong_secrets_and_wrong_clocks_are_denied(sandbox: Sandbox, settings: Settings) -> None:
    wrong = {**settings.environment, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong-secret"}
    unknown = {**settings.environment, "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIunknown"}
    for environment in (wrong, unknown):
        for error in refusals(replace(settings, environment=environment)):
            assert error.kind is Kind.DENIED
            assert "wrong-secret" not in f"{error} {error.hint}"
    sandbox.clock.skew_seconds = 3600.0
    try:
        for error in refusals(settings):
            assert error.kind is Kind.DENIED
            assert "clock" in error.hint
    finally:
        sandbox.clock.skew_seconds = 0.0


def refusals(settings: Settings) -> list[ImgmoveError]:
    """How ECS and OSS refuse a reading call."""
    found = []
    for call in (
        lambda: list(cloud.compute("alibaba", REGION, settings).images()),
        lambda: list(cloud.store("oss", BUCKET, REGION, settings).list("")),
    ):
        with pytest.raises(ImgmoveError) as caught:
            call()
        found.append(caught.value)
    return found


def test_buckets_elsewhere_are_found_and_told_apart(settings: Settings) -> None:
    store = cloud.store("oss", "imgmove-sg", "", settings)
    assert store.bucket_info().region == SINGAPORE
    store.put("k", b"x")
    astray = cloud.store("oss", "imgmove-sg", REGION, settings)
    assert astray.bucket_info().region == SINGAPORE


def test_a_create_of_an_instance_with_disks(sandbox: Sandbox, ecs: ComputeProvider) -> None:
    report = follow(sandbox, ecs, ecs.submit(CreateRequest("made", INSTANCE, "text", tags={"a": "b"}), "imcreate0001"))
    assert report.state is TaskState.SUCCEEDED
    assert report.image_id is not None
    assert ecs.image(report.image_id).details["usable"] is True
