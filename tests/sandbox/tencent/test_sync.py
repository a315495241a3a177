"""CVM's SyncImages: copies to other regions."""

from __future__ import annotations

from typing import Any

import pytest

from imgmove.sandbox.world.tencent_records import PUBLIC
from tests.sandbox.tencent.cloud import BUCKET, GZ, OTHER_UIN, SH, UIN, Cloud


def test_a_copy_to_other_regions(cloud: Cloud) -> None:
    image = cloud.image(disks=2)
    given = {"ImageIds": [image.image_id], "DestinationRegions": [SH, "ap-beijing"], "ImageSetRequired": True}
    copies = cloud.cvm("SyncImages", **given)["ImageSet"]
    assert [copy["Region"] for copy in copies] == [SH, "ap-beijing"]
    cloud.pass_time(450)
    assert cloud.state(image.image_id) == "SYNCING"
    (copy,) = cloud.cvm("DescribeImages", SH, ImageIds=[copies[0]["ImageId"]])["ImageSet"]
    assert (copy["ImageState"], copy["SyncPercent"], copy["ImageName"]) == ("SYNCING", 50, "web")
    cloud.pass_time(450)
    assert [cloud.state(c["ImageId"], c["Region"]) for c in copies] == ["NORMAL", "NORMAL"]
    assert cloud.state(image.image_id) == "NORMAL"
    (copy,) = cloud.cvm("DescribeImages", SH, ImageIds=[copies[0]["ImageId"]])["ImageSet"]
    assert (copy["SyncPercent"], len(copy["SnapshotSet"])) == (100, 2)
    assert cloud.cvm("SyncImages", ImageIds=[image.image_id], DestinationRegions=["ap-nanjing"])["ImageSet"] == []


def test_a_copy_can_fail(cloud: Cloud) -> None:
    cloud.sandbox.faults.add("cvm:SyncImages fail-task")
    image = cloud.image()
    given = {"ImageIds": [image.image_id], "DestinationRegions": [SH], "ImageSetRequired": True}
    (copy,) = cloud.cvm("SyncImages", **given)["ImageSet"]
    cloud.pass_time(900)
    assert cloud.state(copy["ImageId"], SH) == "CREATEFAILED"
    assert cloud.state(image.image_id) == "NORMAL"


def test_an_encrypted_copy_stays_in_its_region_and_cannot_be_exported(cloud: Cloud) -> None:
    image = cloud.image()
    given = {"ImageIds": [image.image_id], "DestinationRegions": [GZ], "ImageSetRequired": True, "Encrypt": True}
    (copy,) = cloud.cvm("SyncImages", ImageName="secret", **given)["ImageSet"]
    cloud.pass_time(900)
    code = cloud.refusal("cvm", "ExportImages", BucketName=BUCKET, ImageIds=[copy["ImageId"]])
    assert code == "UnsupportedOperation.EncryptedImagesNotSupported"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageIds": ["img-12345678", "img-87654321"]}, "InvalidParameterValue.LimitExceeded"),
        ({"ImageIds": []}, "InvalidParameterValue"),
        ({"ImageIds": ["img-absent01"]}, "InvalidImageId.NotFound"),
        ({"ImageIds": ["img-public01"]}, "InvalidParameterValue.InvalidImageId"),
        ({"ImageIds": ["img-creating"]}, "InvalidImageId.IncorrectState"),
        ({"ImageIds": ["img-large001"]}, "InvalidImageId.TooLarge"),
        ({"DestinationRegions": []}, "InvalidParameterValue"),
        ({"DestinationRegions": [GZ]}, "InvalidParameterValue.InvalidRegion"),
        ({"DestinationRegions": ["ap-atlantis"]}, "InvalidParameterValue.InvalidRegion"),
        ({"DestinationRegions": ["ap-singapore"]}, "UnsupportedOperation.Region"),
        ({"DestinationRegions": ["ap-shanghai-fsi"]}, "UnsupportedOperation.Region"),
        ({"Encrypt": True}, "InvalidParameterValue.InvalidRegion"),
        ({"KmsKeyId": "kms-1"}, "InvalidParameter.InvalidDependence"),
        ({"ImageName": "taken"}, "InvalidImageName.Duplicate"),
        ({"ImageName": "x" * 61}, "InvalidParameterValue.TooLarge"),
    ],
)
def test_copies_that_are_refused(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.image(image_id="img-12345678")
    cloud.image("public", image_id="img-public01", account_id="0", kind=PUBLIC)
    cloud.image("creating", image_id="img-creating", state="CREATING")
    cloud.image("large", image_id="img-large001", snapshots=[cloud.snapshot(size_gib=2049)])
    cloud.image("taken", region=SH)
    given = {"ImageIds": ["img-12345678"], "DestinationRegions": [SH], **parameters}
    assert cloud.refusal("cvm", "SyncImages", **given) == code


def test_shared_images_are_copied_within_their_region_only(cloud: Cloud) -> None:
    shared = cloud.image(account_id=OTHER_UIN, shared_with=[UIN])
    given = {"ImageIds": [shared.image_id], "ImageName": "mine"}
    code = cloud.refusal("cvm", "SyncImages", DestinationRegions=[SH], **given)
    assert code == "InvalidParameterValue.InvalidRegion"
    (copy,) = cloud.cvm("SyncImages", DestinationRegions=[GZ], ImageSetRequired=True, **given)["ImageSet"]
    cloud.pass_time(900)
    (image,) = cloud.cvm("DescribeImages", ImageIds=[copy["ImageId"]])["ImageSet"]
    assert (image["ImageType"], image["ImageState"]) == ("PRIVATE_IMAGE", "NORMAL")
