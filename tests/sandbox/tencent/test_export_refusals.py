"""CVM's ExportImages: every reason to refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from imgmove.sandbox.world.accounts import Policy
from imgmove.sandbox.world.tencent_records import DATA_DISK, MARKET, PUBLIC
from tests.sandbox.tencent.cloud import APP_ID, BUCKET, GZ, OTHER_UIN, SH, UIN, Cloud
from tests.sandbox.tencent.exporting import export, refused


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({"account_id": OTHER_UIN, "shared_with": [UIN]}, "UnsupportedOperation.SharedImageExportUnsupported"),
        ({"account_id": "0", "kind": PUBLIC}, "UnsupportedOperation.PublicImageExportUnsupported"),
        ({"account_id": "0", "kind": MARKET}, "UnsupportedOperation.PublicImageExportUnsupported"),
        ({"from_market": True}, "UnsupportedOperation.MarketImageExportUnsupported"),
        ({"platform": "Windows"}, "UnsupportedOperation.WindowsImageExportUnsupported"),
        ({"platform": "RedHat"}, "UnsupportedOperation.RedHatImageExportUnsupported"),
        ({"os_name": "Odd OS 1"}, "InvalidParameterValue.InvalidImageOsName"),
        ({"state": "CREATING"}, "InvalidParameterValue.InvalidImageState"),
        ({"state": "SYNCING"}, "InvalidParameterValue.InvalidImageState"),
        ({"account_id": OTHER_UIN}, "InvalidImageId.NotFound"),
        ({"region": SH}, "InvalidImageId.NotFound"),
    ],
)
def test_images_that_cannot_be_exported(cloud: Cloud, traits: dict[str, Any], code: str) -> None:
    cloud.world.tencent.settings.unavailable_os = {GZ: ["Odd OS 1"]}
    assert refused(cloud, cloud.image(**traits)) == code


def test_images_whose_disks_cannot_be_exported(cloud: Cloud) -> None:
    encrypted = cloud.image("a", snapshots=[cloud.snapshot(encrypted=True)])
    assert refused(cloud, encrypted) == "UnsupportedOperation.EncryptedImagesNotSupported"
    large = cloud.image("b", snapshots=[cloud.snapshot(size_gib=501)])
    assert refused(cloud, large) == "UnsupportedOperation.ImageTooLargeExportUnsupported"
    gone = cloud.image("c")
    cloud.world.tencent.remove_snapshot(cloud.world.tencent.snapshots_of(gone)[0])
    assert refused(cloud, gone) == "InvalidParameter.SnapshotNotFound"
    none = cloud.image("d")
    none.snapshot_ids = []
    assert refused(cloud, none) == "InvalidParameterValue.InvalidImageId"


def test_a_large_data_disk_does_not_matter_when_only_the_root_disk_is_asked_for(cloud: Cloud) -> None:
    image = cloud.image(snapshots=[cloud.snapshot(), cloud.snapshot(DATA_DISK, size_gib=501)])
    assert refused(cloud, image) == "UnsupportedOperation.ImageTooLargeExportUnsupported"
    assert len(export(cloud, image, OnlyExportRootDisk=True)["CosPaths"]) == 1


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageIds": []}, "InvalidParameter.ImageIdsSnapshotIdsMustOne"),
        ({"ImageIds": ["img-1"]}, "InvalidImageId.Malformed"),
        ({"ImageIds": ["img-absent01"]}, "InvalidImageId.NotFound"),
        (
            {"ImageIds": [f"img-0000000{n}" for n in range(10)] + ["img-00000010"]},
            "InvalidParameterValue.LimitExceeded",
        ),
        ({"ImageIds": ["img-12345678", "img-12345678"]}, "InvalidParameterValue.InvalidImageId"),
        ({"ExportFormat": "VDI"}, "InvalidParameterValue.InvalidImageFormat"),
        ({"ExportFormat": "qcow2"}, "InvalidParameterValue.InvalidImageFormat"),
        ({"FileNamePrefixList": ["a", "b"]}, "InvalidParameterValue.InvalidFileNamePrefixList"),
        ({"FileNamePrefixList": ["x" * 850]}, "InvalidParameterValue.TooLarge"),
        ({"BucketName": "images"}, "InvalidParameterValue.InvalidAppIdFormat"),
        ({"BucketName": "images-1250000009"}, "InvalidParameterValue.InvalidAppIdFormat"),
        ({"BucketName": f"absent-{APP_ID}"}, "InvalidParameterValue.BucketNotFound"),
        ({"BucketName": f"elsewhere-{APP_ID}"}, "InvalidParameterValue.BucketNotFound"),
        ({"RoleName": "no/such role"}, "InvalidParameterValue.CamRoleNameMalformed"),
        ({"RoleName": "Absent"}, "AuthFailure.CamRoleNameAuthenticateFailed"),
        ({"SnapshotIds": ["snap-12345678"]}, "UnknownParameter"),
    ],
)
def test_parameters_that_cannot_be(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.bucket(f"elsewhere-{APP_ID}", SH)
    image = cloud.image(image_id="img-12345678")
    assert refused(cloud, image, **parameters) == code


def test_the_role_has_to_trust_cvm_and_to_be_allowed_to_write_the_bucket(cloud: Cloud) -> None:
    image, accounts = cloud.image(), cloud.world.accounts
    role = accounts.role("tencent", UIN, "CVM_QcsRole")
    assert role is not None
    accounts.add_role(replace(role, name="Other", role_id="2", trusted_services=["scf.qcloud.com"], document=""))
    assert refused(cloud, image, RoleName="Other") == "AuthFailure.CamRoleNameAuthenticateFailed"
    role.policies[:] = ["QcloudCOSDataReadOnly"]
    assert refused(cloud, image) == "InvalidParameterValue.InvalidBucketPermissionForExport"

    def policy(resource: str, *, effect: str = "allow") -> str:
        statement = {"effect": effect, "action": ["name/cos:*"], "resource": [resource]}
        return json.dumps({"version": "2.0", "statement": [statement]})

    here = f"qcs::cos:{GZ}:uid/{APP_ID}:{BUCKET}/*"
    accounts.add_policy("tencent", UIN, Policy("Elsewhere", policy(here.replace("images", "others"))))
    accounts.add_policy("tencent", UIN, Policy("Here", policy(here)))
    accounts.add_policy("tencent", UIN, Policy("NotHere", policy(here, effect="deny")))
    role.policies[:] = ["Elsewhere"]
    assert refused(cloud, image) == "InvalidParameterValue.InvalidBucketPermissionForExport"
    role.policies[:] = ["Elsewhere", "Here", "NotHere"]
    assert refused(cloud, image) == "InvalidParameterValue.InvalidBucketPermissionForExport"
    role.policies[:] = ["Elsewhere", "Here"]
    assert export(cloud, image)["TaskId"]


def test_only_so_many_exports_at_once(cloud: Cloud) -> None:
    cloud.world.tencent.settings.concurrent_exports = 2
    images = [cloud.image(name) for name in ("a", "b", "c")]
    for image in images[:2]:
        export(cloud, image)
    assert refused(cloud, images[2]) == "LimitExceeded.ExportImageTaskLimitExceeded"
    cloud.pass_time(300)
    assert export(cloud, images[2])["TaskId"]
