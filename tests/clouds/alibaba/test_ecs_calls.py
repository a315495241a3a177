"""What is sent for each request, and what is refused before anything is sent."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.clouds.alibaba import cloud, ecs_calls, limits, os_names
from imgmove.clouds.alibaba.abilities import ECS
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    DiskSource,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    TransferRequest,
)

EXPORT = ExportRequest(("m-1",), "bkt")
IMPORT = ImportRequest("web01", (DiskSource("bkt", "web01.qcow2"),))
CREATE = CreateRequest("web01", "i-1")
TRANSFER = TransferRequest("web01", "alibaba", "cn-beijing", "m-1")
FULL: tuple[ServiceRequest, ...] = (
    replace(EXPORT, format=DiskFormat.QCOW2, prefixes=("p",), role_name="r"),
    ImportRequest(
        "web01", (DiskSource("bkt", "k", DiskFormat.QCOW2, 40), DiskSource("bkt", "d", DiskFormat.VHD)), "text",
        Architecture.ARM64, "windows", "2019", BootMode.UEFI, "byol", "", {"a": "b"}, "r", True, True, True,
    ),
    CreateRequest("web01", "i-1", "text", tags={"a": "b"}, family="fam", boot_mode=BootMode.UEFI_PREFERRED),
    CreateRequest("web01", "", snapshot_ids=("s-1", "s-2", "s-3")),
    CreateRequest("web01", "", snapshot_ids=("s-1",)),
    TransferRequest("web01", "alibaba", "cn-beijing", "m-1", "text", {"a": "b"}),
)  # fmt: skip


def sent(request: ServiceRequest, region: str = "us-east-1") -> dict[str, Any]:
    call = ecs_calls.call_for(request, region, "im0123456789ab")
    return {name: value for name, value in call.parameters.items() if value is not None}


def refusal(request: ServiceRequest, region: str = "cn-hangzhou") -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        ecs_calls.call_for(request, region, "im0123456789ab")
    assert caught.value.hint
    assert not caught.value.maybe_applied
    return caught.value


def flat_names(value: Any, prefix: str = "") -> Iterator[str]:
    """Parameter names with the numbers of lists as `N`: `DiskDeviceMapping.N.OSSBucket`."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat_names(item, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for item in value:
            yield from flat_names(item, f"{prefix}.N")
    else:
        yield prefix


def sdk_names(action: str) -> set[str]:
    """The names that the official SDK's request model knows, flattened the same way."""
    models = importlib.import_module("alibabacloud_ecs20140526.models")
    return set(_model_names(models, f"{action}Request", ""))


def _model_names(models: Any, class_name: str, prefix: str) -> Iterator[str]:
    import inspect

    source = inspect.getsource(getattr(models, class_name))
    for name in re.findall(r"result\['([^']+)'\]", source):
        nested = f"{class_name}{name}"
        full = f"{prefix}.{name}" if prefix else name
        if hasattr(models, nested):
            is_list = re.search(rf"result\['{name}'\] = \[\]", source)
            yield from _model_names(models, nested, f"{full}.N" if is_list else full)
        else:
            yield full


@pytest.mark.parametrize("request_", FULL)
def test_parameter_names_are_the_sdks(request_: ServiceRequest) -> None:
    call = ecs_calls.call_for(request_, "us-east-1", "im0123456789ab")
    names = set(flat_names({**sent(request_), "DryRun": True}))
    if call.client_token:
        names.add("ClientToken")
    assert names <= sdk_names(call.action), names - sdk_names(call.action)


def test_only_the_export_has_no_client_token() -> None:
    tokens = {ecs_calls.call_for(request, "us-east-1", "tok1").action for request in FULL
              if not ecs_calls.call_for(request, "us-east-1", "tok1").client_token}  # fmt: skip
    assert tokens == {"ExportImage"}
    assert "ClientToken" not in sdk_names("ExportImage")


def test_export() -> None:
    assert sent(EXPORT) == {
        "RegionId": "us-east-1", "ImageId": "m-1", "OSSBucket": "bkt", "OSSPrefix": "im0123456789ab",
    }  # fmt: skip
    assert sent(FULL[0]) == {
        "RegionId": "us-east-1", "ImageId": "m-1", "OSSBucket": "bkt", "OSSPrefix": "p", "ImageFormat": "qcow2",
        "RoleName": "r",
    }  # fmt: skip
    assert sent(replace(EXPORT, format=DiskFormat.RAW), "cn-hangzhou")["ImageFormat"] == "raw"


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1", "xx-unknown-9", "ap-south-1"])
def test_formats_where_the_region_has_them_or_is_unknown(region: str) -> None:
    for wanted in ("vhd", "qcow2", "vmdk", "vdi"):
        assert sent(replace(EXPORT, format=DiskFormat(wanted)), region)["ImageFormat"] == wanted


@pytest.mark.parametrize("region", ["cn-hangzhou", "cn-hongkong", "me-central-1"])
def test_regions_that_export_raw_alone(region: str) -> None:
    error = refusal(replace(EXPORT, format=DiskFormat.QCOW2), region)
    assert (error.kind, error.code) == (Kind.UNSUPPORTED, "InvalidImageFormat.RegionNotSupported")
    assert "raw" in error.hint


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (replace(EXPORT, image_ids=("m-1", "m-2")), Kind.UNSUPPORTED),
        (replace(EXPORT, image_ids=("img-1",)), Kind.INVALID),
        (replace(EXPORT, prefixes=("a-b",)), Kind.INVALID),
        (replace(EXPORT, prefixes=("a" * 31,)), Kind.INVALID),
        (replace(EXPORT, prefixes=("a", "b")), Kind.INVALID),
        (replace(EXPORT, root_disk_only=True), Kind.UNSUPPORTED),
        (replace(IMPORT, name="1web"), Kind.INVALID),
        (replace(IMPORT, name="aliyun-x"), Kind.INVALID),
        (replace(IMPORT, name="a" * 129), Kind.INVALID),
        (replace(IMPORT, description="http://x"), Kind.INVALID),
        (replace(IMPORT, description="x" * 257), Kind.INVALID),
        (replace(IMPORT, family="fam"), Kind.UNSUPPORTED),
        (replace(IMPORT, init="x"), Kind.UNSUPPORTED),
        (replace(IMPORT, os_type="TempleOS"), Kind.INVALID),
        (replace(IMPORT, license="GPL"), Kind.INVALID),
        (replace(IMPORT, boot_mode=BootMode.UEFI_PREFERRED), Kind.INVALID),
        (replace(IMPORT, boot_mode=BootMode.BIOS, architecture=Architecture.ARM64), Kind.INVALID),
        (replace(IMPORT, tags={str(n): "" for n in range(21)}), Kind.INVALID),
        (replace(IMPORT, disks=()), Kind.INVALID),
        (replace(IMPORT, disks=IMPORT.disks * 18), Kind.INVALID),
        (replace(IMPORT, disks=(DiskSource("b", "k", DiskFormat.VDI),)), Kind.UNSUPPORTED),
        (replace(IMPORT, disks=(DiskSource("b", "k", DiskFormat.RAW_TAR_GZ),)), Kind.UNSUPPORTED),
        (replace(IMPORT, disks=(DiskSource("b", "dir/"),)), Kind.INVALID),
        (replace(IMPORT, disks=(DiskSource("b", "k", size_gib=2049),)), Kind.INVALID),
        (replace(CREATE, force_poweroff=True), Kind.UNSUPPORTED),
        (replace(CREATE, sysprep=True), Kind.UNSUPPORTED),
        (replace(CREATE, disk_ids=("d-1",)), Kind.UNSUPPORTED),
        (replace(CREATE, instance_id=""), Kind.INVALID),
        (replace(CREATE, instance_id="ins-1/x"), Kind.INVALID),
        (replace(CREATE, family="1"), Kind.INVALID),
        (replace(TRANSFER, source_provider="tencent"), Kind.UNSUPPORTED),
        (replace(TRANSFER, source_region="cn-hangzhou"), Kind.INVALID),
    ],
)
def test_refused_before_anything_is_sent(request_: ServiceRequest, kind: Kind) -> None:
    assert refusal(request_).kind is kind


def test_import() -> None:
    assert sent(IMPORT) == {
        "RegionId": "us-east-1", "ImageName": "web01",
        "DiskDeviceMapping": [{"OSSBucket": "bkt", "OSSObject": "web01.qcow2"}],
    }  # fmt: skip
    assert sent(FULL[1]) == {
        "RegionId": "us-east-1", "ImageName": "web01", "Description": "text", "Architecture": "arm64",
        "OSType": "windows", "Platform": "Windows Server 2019", "BootMode": "UEFI", "LicenseType": "BYOL",
        "DetectionStrategy": "Standard", "Features": {"NvmeSupport": "supported"}, "RoleName": "r",
        "Tag": [{"Key": "a", "Value": "b"}],
        "DiskDeviceMapping": [
            {"OSSBucket": "bkt", "OSSObject": "k", "Format": "QCOW2", "DiskImageSize": 40},
            {"OSSBucket": "bkt", "OSSObject": "d", "Format": "VHD"},
        ],
    }  # fmt: skip


def test_windows_without_a_licence_says_what_it_takes() -> None:
    call = ecs_calls.call_for(replace(IMPORT, os_type="Windows", os_version="2022"), "cn-hangzhou", "t")
    assert call.parameters["LicenseType"] == "Aliyun"
    assert "billed" in call.notes[0]


def test_create_from_snapshots() -> None:
    assert sent(FULL[4])["SnapshotId"] == "s-1"
    assert [entry["Device"] for entry in sent(FULL[3])["DiskDeviceMapping"]] == ["/dev/xvda", "/dev/xvdb", "/dev/xvdc"]
    assert [entry["DiskType"] for entry in sent(FULL[3])["DiskDeviceMapping"]] == ["system", "data", "data"]
    assert "InstanceId" not in sent(replace(CREATE, snapshot_ids=("s-1",))), "ECS would take the instance and not it"


def test_copies_are_asked_of_the_source_region() -> None:
    call = ecs_calls.call_for(TRANSFER, "cn-hangzhou", "t")
    assert call.region == "cn-beijing"
    assert (call.parameters["RegionId"], call.parameters["DestinationRegionId"]) == ("cn-beijing", "cn-hangzhou")


@given(st.text(max_size=80))
def test_any_token_becomes_a_prefix_and_a_client_token(token: str) -> None:
    limits.EXPORT_PREFIX.check(ecs_calls.export_prefix(token))
    assert ecs_calls.export_prefix(token) == ecs_calls.export_prefix(token)
    made = ecs_calls.client_token(token)
    assert made.isascii()
    assert len(made) <= 64


@pytest.mark.parametrize(
    ("os_type", "version", "platform", "kind"),
    [
        ("", "", "", ""),
        ("ubuntu", "22.04", "Ubuntu", "linux"),
        ("CentOS 7.9 64bit", "", "CentOS", "linux"),
        ("CentOS Stream 9", "", "CentOS Stream", "linux"),
        ("centosstream", "", "CentOS Stream", "linux"),
        ("Rocky Linux 9.3", "", "Rocky Linux", "linux"),
        ("Red Hat Enterprise Linux", "8", "RedHat", "linux"),
        ("RHEL", "9", "RedHat", "linux"),
        ("openSUSE", "15", "OpenSUSE", "linux"),
        ("SLES", "15", "SUSE", "linux"),
        ("Debian 12.1 64位", "", "Debian", "linux"),
        ("TencentOS Server 3.1", "", "Others Linux", "linux"),
        ("Other Linux", "", "Others Linux", "linux"),
        ("Alibaba Cloud Linux 3", "", "Aliyun", "linux"),
        ("Windows Server 2019 数据中心版 64位 中文版", "", "Windows Server 2019", "windows"),
        ("Windows", "2012 R2", "Windows Server 2012", "windows"),
        ("windows server 2022", "", "Windows Server 2022", "windows"),
        ("Windows 10", "", "Other Windows", "windows"),
        ("fedora coreos", "", "Fedora CoreOS", "linux"),
    ],
)
def test_operating_systems(os_type: str, version: str, platform: str, kind: str) -> None:
    found = os_names.ecs_os(os_type, version)
    assert (found.platform, found.os_type) == (platform, kind)


def test_every_platform_is_its_own_name() -> None:
    for name in os_names.PLATFORMS:
        assert os_names.ecs_os(name).platform == name


def test_unknown_systems_are_answered_with_near_names() -> None:
    with pytest.raises(ImgmoveError) as caught:
        os_names.ecs_os("Ubunto")
    assert "'Ubuntu'" in caught.value.hint


def test_images_are_named_by_the_rule() -> None:
    for good in ("web01", "中文镜像", "a.b:c_d-e", "ab"):
        limits.IMAGE_NAME.check(good)
    for bad in ("a", "_a", "acs:x", "a b", "a/b", "http://x", "x" * 129):
        with pytest.raises(ImgmoveError):
            limits.IMAGE_NAME.check(bad)


def test_the_cloud_refuses_what_becomes_no_host_name() -> None:
    from imgmove.core.settings import Settings

    for bucket in ("Bkt", "a", "-abc", "abc-", "a.b", "a/b", "x" * 64):
        with pytest.raises(ImgmoveError) as caught:
            cloud.check_bucket_name("oss", bucket)
        assert caught.value.kind is Kind.USAGE
    for region in ("", "evil.com/", "cn hangzhou", "a@b", "CN"):
        with pytest.raises(ImgmoveError) as caught:
            cloud.compute("alibaba", region, Settings())
        assert caught.value.kind is Kind.USAGE


def test_abilities() -> None:
    assert ECS.formats(Operation.EXPORT, "cn-hangzhou") == (DiskFormat.RAW,)
    assert DiskFormat.QCOW2 in ECS.formats(Operation.EXPORT, "eu-central-1")
    assert not limits.MULTI_FORMAT_REGIONS - limits.KNOWN_REGIONS
    assert set(cloud.aliases) == {"ecs", "aliyun"}


def test_the_sdk_still_has_what_we_call() -> None:
    package = importlib.import_module("alibabacloud_ecs20140526.models")
    names = {module.name for module in pkgutil.iter_modules(package.__path__)}
    calls = (
        "export_image import_image create_image copy_image describe_images delete_image describe_tasks "
        "describe_task_attribute cancel_task cancel_copy_image delete_snapshot"
    )
    for action in calls.split():
        assert f"_{action}_request" in names
