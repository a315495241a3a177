"""ImportImage with the official client: real files of every format, and every refusal."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from imgmove.sandbox.disks import DiskFormat, convert
from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, SINGAPORE, STRANGER, Cloud, Refused, disk_bytes

Disk = models.ImportImageRequestDiskDeviceMapping
GIB = 1 << 30
ROLE = "AliyunECSImageImportDefaultRole"


def disks(*keys: str, **fields: Any) -> list[Any]:
    return [Disk(ossbucket="hz-bucket", ossobject=key, **fields) for key in keys]


def start(cloud: Cloud, key: str = "disk.raw", **parameters: Any) -> dict[str, Any]:
    """Starts the import of one object, or of the mappings given."""
    mapping = parameters.pop("disk_device_mapping", None) or disks(key)
    return cloud.ask("ImportImage", disk_device_mapping=mapping, **parameters)


def failure(cloud: Cloud, **parameters: Any) -> str:
    """Imports to the end; gives the code that the task failed with."""
    answer = start(cloud, **parameters)
    cloud.finish()
    task = cloud.task(answer["TaskId"])
    (entry,) = task["OperationProgressSet"]["OperationProgress"]
    assert (task["TaskStatus"], entry["OperationStatus"]) == ("Failed", "Failed")
    assert entry["ErrorMsg"]
    return str(entry["ErrorCode"])


def refused(cloud: Cloud, key: str = "disk.raw", **parameters: Any) -> Refused:
    mapping = parameters.pop("disk_device_mapping", None) or disks(key)
    return cloud.refused("ImportImage", disk_device_mapping=mapping, **parameters)


@pytest.fixture(autouse=True)
def _object(cloud: Cloud) -> None:
    cloud.put("disk.raw", disk_bytes("to import"))


def exported_bytes(cloud: Cloud, image_id: str) -> bytes:
    """The bytes that an export of an image gives."""
    cloud.ask("ExportImage", image_id=image_id, ossbucket="hz-bucket", ossprefix="back")
    cloud.finish()
    with tarfile.open(cloud.content(f"back_{image_id}_system.raw.tar.gz"), "r:gz") as archive:
        stream = archive.extractfile(archive.getmembers()[0])
        assert stream is not None
        return stream.read()


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
        role_name=ROLE,
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


# Refusals


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"region_id": ""}, "MissingParameter", 400),
        ({"region_id": "cn-atlantis"}, "InvalidRegionId.NotFound", 400),
        ({"disk_device_mapping": [Disk(ossobject="disk.raw")]}, "MissingParameter", 400),
        ({"disk_device_mapping": [Disk(ossbucket="hz-bucket")]}, "MissingParameter", 400),
        ({"disk_device_mapping": [Disk(ossbucket="Bad_Name", ossobject="a")]}, "InvalidOSSBucket.Malformed", 400),
        ({"disk_device_mapping": [Disk(ossbucket="none", ossobject="a.raw")]}, "InvalidOSSBucket.NotFound", 400),
        (
            {"disk_device_mapping": [Disk(ossbucket="sg-bucket", ossobject="a.raw")]},
            "InvalidOSSBucket.NotMatched",
            400,
        ),
        ({"disk_device_mapping": [Disk(ossbucket="theirs", ossobject="a.raw")]}, "InvalidOSS.NotAuthorized", 403),
        (
            {"disk_device_mapping": [Disk(ossbucket="locked", ossobject="a.raw")]},
            "InvalidOSSBucket.EncryptUnsupported",
            400,
        ),
        ({"key": "missing.raw"}, "InvalidOSSObject.NotFound", 400),
        ({"key": "/rooted.raw"}, "InvalidOSSObject.Malformed", 400),
        ({"key": "folder/"}, "InvalidOSSObject.Malformed", 400),
        ({"key": "empty.raw"}, "InvalidOSSObject.Size", 400),
        ({"key": "cold.raw"}, "InvalidOSSObject.NeedRestore", 403),
        ({"key": "disk.iso"}, "UnsupportedSuffix.OSSObject", 400),
        ({"key": "disk.raw.tar.gz"}, "UnsupportedSuffix.OSSObject", 400),
        ({"disk_device_mapping": disks("disk.raw", format="VDI")}, "InvalidImageFormat.Malformed", 400),
        ({"disk_device_mapping": disks("disk.raw", disk_image_size=2049)}, "InvalidImageSize", 400),
        ({"disk_device_mapping": disks("disk.raw", disk_image_size=-1)}, "InvalidImageSize", 400),
        (
            {"disk_device_mapping": [*disks("disk.raw"), *disks("disk.raw", disk_image_size=2049)]},
            "InvalidDataDiskSize",
            400,
        ),
        ({"image_name": "1digit"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "x"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "x" * 129}, "InvalidImageName.Malformed", 400),
        ({"image_name": "aliyun-mine"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "acs:mine"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "see-http://x"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "two words"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "debian-12-web"}, "InvalidImageName.Duplicated", 400),
        ({"description": "x"}, "InvalidDescription.Malformed", 400),
        ({"description": "https://example.com"}, "InvalidDescription.Malformed", 400),
        ({"description": "x" * 257}, "InvalidDescription.Malformed", 400),
        ({"architecture": "mips"}, "InvalidArchitecture.Malformed", 400),
        (
            {"architecture": "arm64", "ostype": "windows", "platform": "Windows Server 2022"},
            "InvalidArchitecture.PlatformUnsupported",
            400,
        ),
        ({"ostype": "beos"}, "InvalidOSType.Malformed", 400),
        ({"platform": "BeOS"}, "InvalidPlatform.Malformed", 400),
        ({"platform": "Windows Server 2022"}, "InvalidPlatform.Malformed", 400),
        ({"boot_mode": "Floppy"}, "InvalidBootMode.Malformed", 400),
        ({"boot_mode": "UEFI-Preferred"}, "InvalidBootMode.Malformed", 400),
        ({"architecture": "arm64", "boot_mode": "BIOS"}, "InvalidBootMode.NotSupport", 400),
        ({"license_type": "Stolen"}, "InvalidLicenseType.NotSupported", 400),
        ({"license_type": "Aliyun", "platform": "RedHat"}, "InvalidLicenseType.BYOLOnly", 400),
        ({"detection_strategy": "Strict"}, "InvalidParameter.DetectionStrategy", 400),
        ({"detection_strategy": "Standard", "ostype": "windows"}, "ImageCheckUnsupported.WindowsImage", 400),
        (
            {"features": models.ImportImageRequestFeatures(imds_support="v3")},
            "InvalidParameter.FeaturesImdsSupport",
            400,
        ),
        (
            {"features": models.ImportImageRequestFeatures(nvme_support="yes")},
            "InvalidParameter.FeaturesNvmeSupport",
            400,
        ),
        ({"resource_group_id": "rg-none"}, "InvalidResourceGroup.NotFound", 404),
        ({"role_name": "OtherRole"}, "NoSetRoletoECSServiceAcount", 403),
        ({"tag": [models.ImportImageRequestTag(key="a")] * 2}, "TagKey.Duplication", 400),
        ({"tag": [models.ImportImageRequestTag(key="aliyun-x")]}, "InvalidTagKey.Malformed", 400),
        ({"tag": [models.ImportImageRequestTag(key="k", value="acs:x")]}, "InvalidTagValue.Malformed", 400),
        (
            {"tag": [models.ImportImageRequestTag(key=f"k{n}") for n in range(21)]},
            "InvalidTagCount",
            400,
        ),
        (
            {"storage_location_arn": "acs:cloudbox:cn-hangzhou:1:cloudbox/cb-1"},
            "InvalidOperation.CloudBoxImageImportRoleRequired",
            403,
        ),
        ({"client_token": "x" * 65}, "InvalidClientToken.Malformed", 400),
    ],
)
def test_what_is_refused(cloud: Cloud, parameters: dict[str, Any], code: str, status: int) -> None:
    cloud.world.objects.create_bucket("alibaba", "theirs", HANGZHOU, STRANGER)
    cloud.world.objects.create_bucket("alibaba", "locked", HANGZHOU, ACCOUNT).encryption = "AES256"
    cloud.put("empty.raw", b"")
    cloud.put("cold.raw", disk_bytes(), storage_class="ColdArchive")
    cloud.put("disk.iso", disk_bytes())
    cloud.put("disk.raw.tar.gz", disk_bytes())
    answer = refused(cloud, **parameters)
    assert (answer.code, answer.status) == (code, status)
    assert cloud.world.alibaba.state.tasks == []


def test_disks_have_to_be_named(cloud: Cloud) -> None:
    answer = cloud.refused("ImportImage")
    assert (answer.code, answer.status) == ("MissingParameter.DiskDeviceMapping", 403)


def test_the_missing_part_of_a_mapping_is_named(cloud: Cloud) -> None:
    answer = refused(cloud, disk_device_mapping=[*disks("disk.raw"), Disk(ossbucket="hz-bucket")])
    assert "DiskDeviceMapping.2.OSSObject" in answer.message


def closed_region(cloud: Cloud) -> None:
    cloud.settings.closed_regions = [HANGZHOU]


def not_white_listed(cloud: Cloud) -> None:
    cloud.settings.white_listed = False


def no_more_images(cloud: Cloud) -> None:
    cloud.settings.max_images = 1


def no_more_snapshots(cloud: Cloud) -> None:
    cloud.settings.max_snapshots = 1


def limited(cloud: Cloud) -> None:
    cloud.settings.flow_limited_buckets = ["hz-bucket"]


def no_role(cloud: Cloud) -> None:
    cloud.world.accounts.delete_role("alibaba", ACCOUNT, ROLE)


def oss_off(cloud: Cloud) -> None:
    cloud.settings.account_problem = "InvalidAccountStatus.OSSDisabled"


def not_visible_yet(cloud: Cloud) -> None:
    cloud.settings.object_delay_seconds = 300


@pytest.mark.parametrize(
    ("prepare", "code", "status"),
    [
        (closed_region, "InvalidRegion.NotSupport", 400),
        (not_white_listed, "UserNotInTheWhiteList", 403),
        (no_more_images, "QuotaExceed.Image", 403),
        (no_more_snapshots, "QuotaExceed.Snapshot", 403),
        (limited, "InvalidOSSBucket.FlowLimit", 403),
        (no_role, "NoSetRoletoECSServiceAcount", 403),
        (oss_off, "InvalidAccountStatus.OSSDisabled", 403),
        (not_visible_yet, "InvalidOSSObject.NotFound", 400),
    ],
)
def test_what_the_account_or_region_does_not_allow(
    cloud: Cloud, prepare: Callable[[Cloud], None], code: str, status: int
) -> None:
    prepare(cloud)
    answer = refused(cloud)
    assert (answer.code, answer.status) == (code, status)


def test_an_object_becomes_visible(cloud: Cloud) -> None:
    not_visible_yet(cloud)
    cloud.clock.skew_seconds = 0
    found = cloud.world.objects.head(cloud.bucket(), "disk.raw")
    assert found is not None
    found.last_modified -= 301
    assert start(cloud)["ImageId"]


def test_a_restored_object_can_be_imported(cloud: Cloud) -> None:
    item = cloud.put("cold.raw", disk_bytes(), storage_class="Archive")
    cloud.world.objects.restore(item, 0)
    assert start(cloud, "cold.raw")["ImageId"]


def test_the_same_import_twice_is_told_apart_from_a_taken_name(cloud: Cloud) -> None:
    cloud.put("other.raw", disk_bytes("other"))
    start(cloud, image_name="mine")
    again = refused(cloud, image_name="mine")
    assert (again.code, again.status) == ("ImageIsImporting", 403)
    assert refused(cloud, "other.raw", image_name="mine").code == "InvalidImageName.Duplicated"
    cloud.finish()
    assert refused(cloud, image_name="mine").code == "InvalidImageName.Duplicated"


def test_names_are_free_in_other_regions(cloud: Cloud) -> None:
    cloud.put("disk.raw", disk_bytes(), "sg-bucket")
    mapping = [Disk(ossbucket="sg-bucket", ossobject="disk.raw")]
    start(cloud, region_id=SINGAPORE, image_name="debian-12-web", disk_device_mapping=mapping)


# What is found out only by looking into the file


def gz(content: bytes) -> bytes:
    return gzip.compress(content)


def qcow2_with_backing_file(content: bytes) -> bytes:
    header = bytearray(content[:104])
    header[8:16] = (104).to_bytes(8, "big")
    header[16:20] = (4).to_bytes(4, "big")
    return bytes(header) + b"base" + content[108:]


def vhd_with_other_entries(content: bytes, more: int) -> bytes:
    """A dynamic VHD whose table has more or fewer entries than its size needs."""
    spoilt = bytearray(content)
    table = spoilt.index(b"cxsparse")
    entries = int.from_bytes(spoilt[table + 28 : table + 32], "big") + more
    spoilt[table + 28 : table + 32] = entries.to_bytes(4, "big")
    spoilt[table + 36 : table + 40] = bytes(4)
    checksum = ~sum(spoilt[table : table + 1024]) & 0xFFFFFFFF
    spoilt[table + 36 : table + 40] = checksum.to_bytes(4, "big")
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("source", "spoil", "key", "declared", "code"),
    [
        (DiskFormat.RAW, lambda content: b"not a disk at all" * 100, "x.raw", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.RAW, lambda content: content, "x.qcow2", "QCOW2", "InvalidImageFormat.Malformed"),
        (DiskFormat.QCOW2, lambda content: content, "x.raw", "RAW", "InvalidImageFormat.Malformed"),
        (DiskFormat.VDI, lambda content: content, "x.raw", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.RAW, lambda content: content + b"tail", "x.raw", "", "InvalidBlockSize.NotSupport"),
        (DiskFormat.QCOW2, qcow2_with_backing_file, "x.qcow2", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.QCOW2, lambda content: content[:300], "x.qcow2", "", "InvalidImageFormat.Malformed"),
        (DiskFormat.VHD, partial(vhd_with_other_entries, more=1), "x.vhd", "", "InvalidVHDImage.IncorrectSize"),
        (DiskFormat.VHD, partial(vhd_with_other_entries, more=-1), "x.vhd", "", "InvalidVHDImage.IncorrectSize"),
        (DiskFormat.RAW, gz, "x.raw", "", "InvalidImageFormat.Malformed"),
    ],
)
def test_a_bad_file_fails_the_task(
    cloud: Cloud,
    tmp_path: Path,
    source: DiskFormat,
    spoil: Callable[[bytes], bytes],
    key: str,
    declared: str,
    code: str,
) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(disk_bytes(size_bytes=8 << 20))
    convert(raw, DiskFormat.RAW, packed, source)
    cloud.put(key, spoil(packed.read_bytes()))
    mapping = disks(key, format=declared or None)
    assert failure(cloud, image_name="bad", disk_device_mapping=mapping) == code
    (image,) = cloud.images(ImageName="bad")
    assert (image["Status"], image["Usable"]) == ("CreateFailed", False)


def test_a_disk_larger_than_asked_for(cloud: Cloud) -> None:
    big = cloud.world.root / "big.raw"
    big.write_bytes(disk_bytes())
    with big.open("r+b") as file:
        file.truncate(GIB + 512)
    cloud.put("big.raw", big)
    assert failure(cloud, disk_device_mapping=disks("big.raw", disk_image_size=1)) == "InvalidImageSize"
    data = [*disks("disk.raw"), *disks("big.raw", disk_image_size=1)]
    assert failure(cloud, disk_device_mapping=data) == "InvalidDataDiskSize"
    answer = start(cloud, "big.raw")
    cloud.finish()
    assert cloud.image(answer["ImageId"])["Size"] == 2


def test_a_failed_import_may_leave_nothing(cloud: Cloud) -> None:
    cloud.settings.failed_import_leaves_image = False
    before = len(list(cloud.world.alibaba.blobs.iterdir()))
    cloud.put("bad.raw", b"no disk")
    mapping = disks("disk.raw", "bad.raw", format="RAW")
    cloud.put("worse.raw", b"no disk either" * 37)
    assert failure(cloud, disk_device_mapping=[*mapping, *disks("worse.raw")], image_name="bad")
    assert cloud.images(ImageName="bad") == []
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before


def test_a_failed_image_can_be_deleted_and_its_name_used_again(cloud: Cloud) -> None:
    cloud.put("bad.raw", b"no disk")
    failure(cloud, key="bad.raw", image_name="again")
    assert refused(cloud, image_name="again").code == "InvalidImageName.Duplicated"
    cloud.ask("DeleteImage", image_id=cloud.images(ImageName="again")[0]["ImageId"])
    assert start(cloud, image_name="again")["ImageId"]


def test_an_archive_if_the_settings_take_it(cloud: Cloud, tmp_path: Path) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "packed"
    raw.write_bytes(disk_bytes("in an archive"))
    convert(raw, DiskFormat.RAW, packed, DiskFormat.TAR_GZ)
    cloud.put("x.raw.tar.gz", packed)
    assert refused(cloud, "x.raw.tar.gz").code == "UnsupportedSuffix.OSSObject"
    cloud.settings.import_suffixes.append(".gz")
    answer = start(cloud, "x.raw.tar.gz")
    cloud.finish()
    assert exported_bytes(cloud, answer["ImageId"]) == disk_bytes("in an archive")


def test_an_object_that_vanishes_fails_the_task(cloud: Cloud) -> None:
    answer = start(cloud)
    cloud.world.objects.delete(cloud.bucket(), "disk.raw")
    cloud.finish()
    task = cloud.task(answer["TaskId"])
    assert task["OperationProgressSet"]["OperationProgress"][0]["ErrorCode"] == "InvalidOSSObject.NotFound"


def test_faults_fail_and_stall_imports(cloud: Cloud) -> None:
    cloud.fault("ecs:ImportImage fail-task code=ImportImageFailed")
    assert failure(cloud) == "ImportImageFailed"
    cloud.fault("ecs:ImportImage stall-task")
    answer = start(cloud)
    cloud.finish()
    assert cloud.image(answer["ImageId"])["Status"] == "Creating"
    assert cloud.task(answer["TaskId"])["TaskProcess"] == "40%"


def test_an_import_can_be_cancelled(cloud: Cloud) -> None:
    answer = start(cloud)
    cloud.clock.advance(60)
    assert cloud.refused("DeleteImage", image_id=answer["ImageId"]).code == "ImageIsImporting"
    cloud.ask("CancelTask", task_id=answer["TaskId"])
    cloud.finish()
    assert cloud.images(ImageId=answer["ImageId"]) == []
    assert cloud.task(answer["TaskId"])["TaskStatus"] == "Deleted"


def test_what_is_no_longer_used_takes_no_space(cloud: Cloud) -> None:
    before = len(list(cloud.world.alibaba.blobs.iterdir()))
    answer = start(cloud)
    cloud.finish()
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before + 1
    snapshot = cloud.image(answer["ImageId"])["DiskDeviceMappings"]["DiskDeviceMapping"][0]["SnapshotId"]
    assert cloud.refused("DeleteSnapshot", snapshot_id=snapshot).code == "SnapshotCreatedImage"
    cloud.ask("DeleteImage", image_id=answer["ImageId"])
    cloud.ask("DeleteSnapshot", snapshot_id=snapshot)
    cloud.ask("DescribeRegions")  # files go with the next call
    assert len(list(cloud.world.alibaba.blobs.iterdir())) == before
