"""CVM's ImportImage: every reason to refuse at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.sandbox.tencent.cloud import BUCKET, GZ, UIN, Cloud
from tests.sandbox.tencent.importing import imported, refused


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageName": "taken"}, "InvalidImageName.Duplicate"),
        ({"ImageName": "x" * 61}, "InvalidParameterValue.TooLarge"),
        ({"ImageName": ""}, "InvalidParameterValue"),
        ({"ImageDescription": "x" * 257}, "InvalidParameterValue.TooLarge"),
        ({"OsType": "Plan 9"}, "InvalidImageOsType.Unsupported"),
        ({"OsVersion": "95"}, "InvalidImageOsVersion.Unsupported"),
        ({"Architecture": "sparc"}, "InvalidParameterValue"),
        ({"BootMode": "BIOS"}, "InvalidParameterValue.InvalidBootMode"),
        ({"LicenseType": "Free"}, "InvalidParameterValue.InvalidLicenseType"),
        ({"ImageFamily": "no good"}, "InvalidParameterValue.InvalidImageFamily"),
        (
            {"TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": "absent", "Value": "x"}]}]},
            "InvalidParameterValue.TagKeyNotFound",
        ),
        ({"TagSpecification": [{"ResourceType": "host", "Tags": []}]}, "InvalidParameterValue"),
        ({"TagSpecification": [{"ResourceType": "image"}]}, "MissingParameter"),
        ({"ImageUrl": "ftp://x/y"}, "InvalidParameter.InvalidParameterUrlError"),
        ({"ImageUrl": "https://example.com/disk.raw"}, "InvalidParameter.InvalidParameterUrlError"),
        (
            {"ImageUrl": f"https://images-1250000000.oss-{GZ}.aliyuncs.com/disk.raw"},
            "InvalidParameter.InvalidParameterUrlError",
        ),
        ({"ImageUrl": f"https://{BUCKET}.cos.{GZ}.myqcloud.com/"}, "InvalidParameter.InvalidParameterUrlError"),
        ({"ImageUrl": f"https://{BUCKET}.cos.{GZ}.myqcloud.com:x/k"}, "InvalidParameter.InvalidParameterUrlError"),
        ({"ImageUrl": f"https://images.cos.{GZ}.myqcloud.com/k"}, "InvalidParameterValue.InvalidAppIdFormat"),
        ({"ImageUrl": f"https://{BUCKET}.cos.{GZ}.myqcloud.com/k.iso"}, "InvalidParameterValue.ISOMustImportByForce"),
        ({"ImportImageDataDiskList": [{"ImageUrl": "nonsense"}]}, "InvalidParameter.InvalidParameterUrlError"),
        (
            {"ImportImageDataDiskList": [{"ImageUrl": f"https://{BUCKET}.cos.{GZ}.myqcloud.com/k"}] * 21},
            "InvalidParameterValue.LimitExceeded",
        ),
        ({"OsType": "Other Linux", "OsVersion": "-", "ImageUrl": None}, "MissingParameter"),
    ],
)
def test_parameters_that_cannot_be(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.world.tencent.settings.known_tag_keys = ["team"]
    cloud.image("taken")
    assert refused(cloud, **parameters) == code


def test_accounts_and_regions_that_may_not_import(cloud: Cloud) -> None:
    settings = cloud.world.tencent.settings
    settings.image_quota = 1
    cloud.image()
    assert refused(cloud) == "ImageQuotaLimitExceeded"
    settings.restricted_accounts = [UIN]
    assert refused(cloud) == "OperationDenied.InnerUserProhibitAction"
    settings.restricted_accounts, settings.import_closed_regions = [], [GZ]
    assert refused(cloud) == "RegionAbilityLimit.UnsupportedToImportImage"


def test_the_systems_that_are_offered_are_those_that_are_taken(cloud: Cloud) -> None:
    offered = cloud.cvm("DescribeImportImageOs")
    names = offered["ImportImageOsListSupported"]
    assert "Windows Server 2022" in names["Windows"]
    assert "Debian" in names["Linux"]
    url = cloud.put("disk", cloud.disk())
    for each in offered["ImportImageOsVersionSet"]:
        system = {"OsType": each["OsName"], "OsVersion": each["OsVersions"][0], "Architecture": each["Architecture"][0]}
        assert cloud.cvm("ImportImage", **system, ImageName="new", ImageUrl=url, DryRun=True)


def test_every_field_of_the_state_is_plain_data(cloud: Cloud) -> None:
    imported(cloud, cloud.put("disk.raw", cloud.disk()))
    cloud.cvm("DescribeImages")
    assert dataclasses.asdict(cloud.world.tencent.state)["images"][0]["name"] == "new"
