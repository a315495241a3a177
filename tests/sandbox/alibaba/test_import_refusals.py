"""Every refusal of ImportImage that its parameters or a state cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.sandbox.alibaba.cloud import ACCOUNT, HANGZHOU, SINGAPORE, STRANGER, Cloud, disk_bytes
from tests.sandbox.alibaba.importing import IMPORT_ROLE, Disk, disks, refused, start


@pytest.fixture(autouse=True)
def _object(cloud: Cloud) -> None:
    cloud.put("disk.raw", disk_bytes("to import"))


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
    cloud.world.accounts.delete_role("alibaba", ACCOUNT, IMPORT_ROLE)


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
    cloud.clock.advance(301)
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


def test_there_is_no_cloud_box_to_import_into(cloud: Cloud) -> None:
    role = cloud.world.accounts.role("alibaba", ACCOUNT, IMPORT_ROLE)
    assert role is not None
    cloud.world.accounts.add_role(replace(role, name="AliyunECSCloudBoxImageImportDefaultRole"))
    answer = refused(cloud, storage_location_arn="acs:cloudbox:cn-hangzhou:1:cloudbox/cb-1")
    assert (answer.code, answer.status) == ("InvalidStorageLocation.NotFound", 404)
