"""ImportImage with the official client: real files of every format, and client tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from alibabacloud_ecs20140526 import models

from imgmove.sandbox.disks import DiskFormat, convert
from tests.sandbox.alibaba.cloud import Cloud, disk_bytes
from tests.sandbox.alibaba.importing import IMPORT_ROLE, disks, exported_bytes, failure, refused, start


@pytest.fixture(autouse=True)
def _object(cloud: Cloud) -> None:
    cloud.put("disk.raw", disk_bytes("to import"))


def test_the_image_becomes_available_after_its_task(cloud: Cloud) -> None:
    answer = start(cloud, image_name="imported")
    seen = []
    for _ in range(5):
        image, task = cloud.image(answer["ImageId"]), cloud.task(answer["TaskId"])
        seen.append((task["TaskStatus"], image["Status"], image["Progress"], image["Usable"]))
        cloud.clock.advance(61)
    assert seen == [
        ("Waiting", "Waiting", "0%", False),
        ("Processing", "Creating", "25%", False),
        ("Processing", "Creating", "63%", False),
        ("Finished", "Creating", "100%", False),
        ("Finished", "Available", "100%", True),
    ]


def test_what_goes_in_comes_out(cloud: Cloud) -> None:
    answer = start(cloud)
    cloud.finish()
    assert exported_bytes(cloud, answer["ImageId"]) == disk_bytes("to import")


@pytest.mark.parametrize("format_", ["qcow2", "vhd"])
@pytest.mark.parametrize("named", [True, False])
def test_other_formats_are_unpacked(cloud: Cloud, tmp_path: Path, format_: str, named: bool) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    content = disk_bytes("packed", 4 << 20)
    raw.write_bytes(content)
    convert(raw, DiskFormat.RAW, packed, DiskFormat(format_))
    cloud.put(f"x.{format_}", packed)
    answer = start(cloud, disk_device_mapping=disks(f"x.{format_}", format=format_.upper() if named else None))
    cloud.finish()
    image = cloud.image(answer["ImageId"])
    assert image["DiskDeviceMappings"]["DiskDeviceMapping"][0]["Format"] == format_.upper()
    assert exported_bytes(cloud, answer["ImageId"])[: len(content)] == content


def test_vmdk_is_for_the_invited(cloud: Cloud, tmp_path: Path) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(disk_bytes())
    convert(raw, DiskFormat.RAW, packed, DiskFormat.VMDK)
    cloud.put("x.vmdk", packed)
    assert (
        refused(cloud, disk_device_mapping=disks("x.vmdk", format="VMDK")).code
        == "InvalidImageFormat.RegionNotSupported"
    )
    assert failure(cloud, key="x.vmdk") == "InvalidImageFormat.RegionNotSupported"
    cloud.settings.vmdk_invited = True
    answer = start(cloud, "x.vmdk", image_name="invited")
    cloud.finish()
    assert exported_bytes(cloud, answer["ImageId"]) == disk_bytes()


def test_several_disks(cloud: Cloud) -> None:
    cloud.put("data.raw", disk_bytes("data"))
    cloud.put("blank.raw", bytes(1 << 20))
    answer = start(cloud, disk_device_mapping=disks("disk.raw", "data.raw", "blank.raw", disk_image_size=5))
    cloud.finish()
    image = cloud.image(answer["ImageId"])
    shown = image["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert [(d["Type"], d["Device"], d["Size"], d["ImportOSSObject"]) for d in shown] == [
        ("system", "/dev/xvda", "5", "disk.raw"),
        ("data", "/dev/xvdb", "5", "data.raw"),
        ("data", "/dev/xvdc", "5", "blank.raw"),
    ]
    assert image["Status"] == "Available"
    snapshots = cloud.ask("DescribeSnapshots", usage="image")["Snapshots"]["Snapshot"]
    assert {d["SnapshotId"] for d in shown} <= {s["SnapshotId"] for s in snapshots}


def test_disks_beyond_the_seventeenth_are_ignored(cloud: Cloud) -> None:
    answer = start(cloud, disk_device_mapping=disks(*["disk.raw"] * 20))
    assert len(cloud.image(answer["ImageId"])["DiskDeviceMappings"]["DiskDeviceMapping"]) == 17


def test_everything_that_is_said_of_the_guest_is_kept(cloud: Cloud) -> None:
    answer = start(
        cloud,
        image_name="my-image_1.2:3",
        description="what it is",
        architecture="arm64",
        ostype="linux",
        platform="Ubuntu",
        license_type="BYOL",
        detection_strategy="Standard",
        features=models.ImportImageRequestFeatures(nvme_support="supported", imds_support="v2"),
        resource_group_id="rg-acfmsandbox00001",
        tag=[models.ImportImageRequestTag(key="job", value="42"), models.ImportImageRequestTag(key="k", value="")],
        role_name=IMPORT_ROLE,
    )
    cloud.finish()
    image = cloud.image(answer["ImageId"])
    assert image["Tags"]["Tag"] == [{"TagKey": "job", "TagValue": "42"}, {"TagKey": "k", "TagValue": ""}]
    assert image["Features"] == {"NvmeSupport": "supported", "ImdsSupport": "v2"}
    assert image["DetectionOptions"]["Status"] == "Finished"
    assert {name: image[name] for name in ("ImageName", "Description", "Architecture", "BootMode", "Platform")} == {
        "ImageName": "my-image_1.2:3",
        "Description": "what it is",
        "Architecture": "arm64",
        "BootMode": "UEFI",
        "Platform": "Ubuntu",
    }
    assert (image["LicenseType"], image["ResourceGroupId"]) == ("BYOL", "rg-acfmsandbox00001")


def test_without_a_name_the_image_is_called_after_its_id(cloud: Cloud) -> None:
    answer = start(cloud)
    assert cloud.image(answer["ImageId"])["ImageName"] == answer["ImageId"]


# Client tokens


def test_a_token_gives_the_first_answer_again(cloud: Cloud) -> None:
    first = start(cloud, image_name="once", client_token="token-1")
    again = start(cloud, image_name="once", client_token="token-1")
    assert {**again, "RequestId": ""} == {**first, "RequestId": ""}
    cloud.finish()
    assert start(cloud, image_name="once", client_token="token-1")["TaskId"] == first["TaskId"]
    assert cloud.ask("DescribeTasks")["TotalCount"] == 1


def test_a_token_with_other_parameters_is_refused(cloud: Cloud) -> None:
    start(cloud, image_name="once", client_token="token-1")
    answer = refused(cloud, image_name="twice", client_token="token-1")
    assert (answer.code, answer.status) == ("IdempotentParameterMismatch", 400)


def test_tokens_differ_by_case_and_a_refusal_uses_none_up(cloud: Cloud) -> None:
    assert refused(cloud, "missing.raw", client_token="Token").code == "InvalidOSSObject.NotFound"
    first = start(cloud, client_token="Token")
    assert start(cloud, client_token="token")["ImageId"] != first["ImageId"]


@pytest.mark.parametrize("token", ["x" * 65, "naïve"])
def test_a_malformed_token(cloud: Cloud, token: str) -> None:
    assert refused(cloud, client_token=token).code == "InvalidClientToken.Malformed"


def test_a_dry_run_uses_no_token_up_and_makes_nothing(cloud: Cloud) -> None:
    assert refused(cloud, client_token="t", dry_run=True).code == "DryRunOperation"
    assert cloud.ask("DescribeTasks")["TotalCount"] == 0
    assert start(cloud, client_token="t")["ImageId"]


@pytest.mark.parametrize(("key", "risk"), [("disk.raw", None), ("bare.raw", "High")])
def test_what_the_image_check_finds_does_not_stop_the_import(cloud: Cloud, key: str, risk: str | None) -> None:
    divided = disk_bytes()
    cloud.put("bare.raw", divided[:446] + bytes(64) + divided[510:])
    answer = start(cloud, key, detection_strategy="Standard")
    cloud.finish()
    image = cloud.image(answer["ImageId"])
    items = {item["Name"]: item for item in image["DetectionOptions"]["Items"]["Item"]}
    assert (image["Status"], items["PartitionTable"].get("RiskLevel")) == ("Available", risk)
    assert items["FileSystem"]["RiskCode"] == "FileSystem.NotSupported"


def test_nothing_is_checked_unless_it_is_asked_for(cloud: Cloud) -> None:
    answer = start(cloud, "disk.raw")
    cloud.finish()
    assert "DetectionOptions" not in cloud.image(answer["ImageId"])
