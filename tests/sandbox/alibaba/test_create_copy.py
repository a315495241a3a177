"""CreateImage, CopyImage and CancelCopyImage with the official client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from imgmove.sandbox.world.alibaba_records import Instance, Snapshot
from tests.sandbox.alibaba.cloud import (
    ACCOUNT,
    HANGZHOU,
    IMAGE,
    INSTANCE,
    SINGAPORE,
    STRANGER,
    Cloud,
    disk_bytes,
)

Mapping = models.CreateImageRequestDiskDeviceMapping


def create(cloud: Cloud, **parameters: Any) -> str:
    return str(cloud.ask("CreateImage", **parameters)["ImageId"])


def disks_of(cloud: Cloud, image_id: str, region: str = HANGZHOU) -> list[bytes]:
    """The bytes of an image's disks."""
    image = cloud.world.alibaba.image(region, image_id)
    assert image is not None
    return [cloud.world.alibaba.blob(disk.blob).read_bytes() for disk in image.disks]


def add_snapshot(cloud: Cloud, snapshot_id: str = "s-1", **fields: Any) -> Snapshot:
    fields = {"kind": "system", "owner": ACCOUNT, "region": HANGZHOU, "size_gib": 2, **fields}
    return cloud.world.alibaba.add_snapshot(
        Snapshot(snapshot_id=snapshot_id, blob=cloud.blob(disk_bytes(snapshot_id)), **fields)
    )


def add_instance(cloud: Cloud, **fields: Any) -> Instance:
    instance = cloud.world.alibaba.instance(HANGZHOU, INSTANCE)
    assert instance is not None
    for name, value in fields.items():
        setattr(instance, name, value)
    return instance


def test_an_image_of_an_instance(cloud: Cloud) -> None:
    image_id = create(
        cloud,
        instance_id=INSTANCE,
        image_name="made",
        description="from web-1",
        image_family="web",
        image_version="7",
        tag=[models.CreateImageRequestTag(key="a", value="b")],
    )
    seen = []
    for _ in range(4):
        image = cloud.image(image_id)
        seen.append((image["Status"], image["Progress"]))
        cloud.clock.advance(30)
    assert seen == [("Waiting", "0%"), ("Creating", "16%"), ("Creating", "66%"), ("Available", "100%")]
    assert disks_of(cloud, image_id) == [disk_bytes("instance"), disk_bytes("instance data")]
    image = cloud.image(image_id)
    assert (image["ImageName"], image["ImageFamily"], image["ImageVersion"]) == ("made", "web", "7")
    assert (image["Description"], image["Platform"]) == ("from web-1", "Debian")  # the platform of its image
    snapshots = [disk["SnapshotId"] for disk in image["DiskDeviceMappings"]["DiskDeviceMapping"]]
    assert all(snapshots)


def test_no_task_is_listed(cloud: Cloud) -> None:
    create(cloud, instance_id=INSTANCE)
    assert cloud.ask("DescribeTasks")["TotalCount"] == 0


def test_an_image_of_a_snapshot(cloud: Cloud) -> None:
    add_snapshot(cloud)
    image_id = create(cloud, snapshot_id="s-1", image_name="snap", architecture="arm64", platform="Ubuntu")
    cloud.finish()
    image = cloud.image(image_id)
    assert (image["Architecture"], image["BootMode"], image["Size"]) == ("arm64", "UEFI", 2)
    assert disks_of(cloud, image_id) == [disk_bytes("s-1")]


def test_an_image_of_several_snapshots_and_a_blank_disk(cloud: Cloud) -> None:
    add_snapshot(cloud)
    add_snapshot(cloud, "s-2", kind="data", size_gib=1)
    mapping = [
        Mapping(snapshot_id="s-2", device="/dev/xvdc"),
        Mapping(snapshot_id="s-1"),
        Mapping(size=1, disk_type="data"),
    ]
    image_id = create(cloud, disk_device_mapping=mapping)
    cloud.finish()
    shown = cloud.image(image_id)["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert [(d["Type"], d["Device"], d["Size"]) for d in shown] == [
        ("system", "/dev/xvda", "2"),
        ("data", "/dev/xvdc", "1"),
        ("data", "/dev/xvdb", "1"),
    ]
    made = cloud.world.alibaba.image(HANGZHOU, image_id)
    assert made is not None
    system, data, blank = (cloud.world.alibaba.blob(disk.blob) for disk in made.disks)
    assert (system.read_bytes(), data.read_bytes()) == (disk_bytes("s-1"), disk_bytes("s-2"))
    assert (blank.stat().st_size, blank.stat().st_blocks) == (1 << 30, 0)


def test_the_instance_wins_over_snapshots(cloud: Cloud) -> None:
    add_snapshot(cloud)
    image_id = create(cloud, instance_id=INSTANCE, snapshot_id="s-1")
    cloud.finish()
    assert disks_of(cloud, image_id)[0] == disk_bytes("instance")


def test_create_honours_a_client_token(cloud: Cloud) -> None:
    first = create(cloud, instance_id=INSTANCE, client_token="t")
    assert create(cloud, instance_id=INSTANCE, client_token="t") == first
    answer = cloud.refused("CreateImage", instance_id=INSTANCE, image_name="other", client_token="t")
    assert answer.code == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({}, "MissingParameter", 400),
        ({"region_id": "cn-atlantis", "instance_id": INSTANCE}, "InvalidRegionId.NotFound", 404),
        ({"instance_id": "i-none"}, "InvalidInstanceId.NotFound", 404),
        ({"snapshot_id": "s-none"}, "InvalidSnapshotId.NotFound", 404),
        ({"snapshot_id": "s-data"}, "OperationDenied", 403),
        ({"snapshot_id": "s-growing"}, "InvalidSnapshotId.NotReady", 403),
        ({"snapshot_id": "s-theirs"}, "InvalidSnapshotId.NotFound", 404),
        ({"disk_device_mapping": [Mapping(snapshot_id="s-data")]}, "OperationDenied", 400),
        (
            {"disk_device_mapping": [Mapping(snapshot_id="s-1"), Mapping(snapshot_id="s-1")]},
            "OperationDenied",
            400,
        ),
        ({"disk_device_mapping": [Mapping(snapshot_id="s-1", size=1)]}, "InvalidSize.ValueNotSupported", 400),
        ({"disk_device_mapping": [Mapping(snapshot_id="s-1", size=40000)]}, "InvalidSize.ValueNotSupported", 400),
        ({"disk_device_mapping": [Mapping(disk_type="data")]}, "InvalidSize.ValueNotSupported", 400),
        ({"disk_device_mapping": [Mapping(size=20, disk_type="tape")]}, "InvalidDiskType.ValueNotSupported", 400),
        ({"disk_device_mapping": [Mapping(size=20, device="/dev/sda")]}, "InvalidDevice.Malformed", 400),
        (
            {"disk_device_mapping": [Mapping(snapshot_id="s-1"), *[Mapping(size=20)] * 17]},
            "InvalidDevice.Malformed",
            400,
        ),
        (
            {
                "disk_device_mapping": [
                    Mapping(snapshot_id="s-1"),
                    Mapping(size=20, device="/dev/xvdb"),
                    Mapping(size=20, device="/dev/xvdb"),
                ]
            },
            "InvalidDevice.InUse",
            400,
        ),
        ({"instance_id": INSTANCE, "image_name": "9"}, "InvalidImageName.Malformed", 400),
        ({"instance_id": INSTANCE, "image_name": "debian-12-web"}, "InvalidImageName.Duplicated", 400),
        ({"instance_id": INSTANCE, "image_family": "!"}, "InvalidImageFamily.Malformed", 400),
        ({"instance_id": INSTANCE, "description": "x"}, "InvalidDescription.Malformed", 400),
        ({"instance_id": INSTANCE, "platform": "BeOS"}, "InvalidPlatform.Malformed", 400),
        ({"instance_id": INSTANCE, "architecture": "vax"}, "InvalidArchitecture.Malformed", 400),
        ({"instance_id": INSTANCE, "boot_mode": "Tape"}, "InvalidBootMode.Malformed", 400),
        (
            {
                "instance_id": INSTANCE,
                "secure_boot_options": models.CreateImageRequestSecureBootOptions(secure_boot_support="supported"),
            },
            "InvalidParameter.SecureBootSupport",
            400,
        ),
        ({"instance_id": INSTANCE, "detection_strategy": "x"}, "InvalidParameter.DetectionStrategy", 400),
        ({"instance_id": INSTANCE, "resource_group_id": "rg-x"}, "InvalidResourceGroup.NotFound", 404),
        ({"instance_id": INSTANCE, "dry_run": True}, "DryRunOperation", 400),
    ],
)
def test_create_refuses(cloud: Cloud, parameters: dict[str, Any], code: str, status: int) -> None:
    add_snapshot(cloud)
    add_snapshot(cloud, "s-data", kind="data")
    add_snapshot(cloud, "s-growing", status="progressing")
    add_snapshot(cloud, "s-theirs", owner=STRANGER)
    answer = cloud.refused("CreateImage", **parameters)
    assert (answer.code, answer.status) == (code, status)
    assert cloud.world.alibaba.state.tasks == []


def starting(cloud: Cloud) -> None:
    add_instance(cloud, status="Starting")


def locked(cloud: Cloud) -> None:
    add_instance(cloud, locked=True)


def of_somebody_else(cloud: Cloud) -> None:
    add_instance(cloud, owner=STRANGER)


def being_imaged(cloud: Cloud) -> None:
    create(cloud, instance_id=INSTANCE)


def no_snapshot_service(cloud: Cloud) -> None:
    cloud.settings.account_problem = "InvalidAccountStatus.SnapshotServiceUnavailable"


def no_more_snapshots(cloud: Cloud) -> None:
    cloud.settings.max_snapshots = 2


def no_more_images(cloud: Cloud) -> None:
    cloud.settings.max_images = 1


@pytest.mark.parametrize(
    ("prepare", "code", "status"),
    [
        (starting, "IncorrectInstanceStatus", 400),
        (locked, "InstanceLockedForSecurity", 400),
        (of_somebody_else, "InvalidInstanceId.NotFound", 404),
        (being_imaged, "IncorrectDiskStatus.CreatingSnapshot", 403),
        (no_snapshot_service, "InvalidAccountStatus.SnapshotServiceUnavailable", 403),
        (no_more_snapshots, "QuotaExceed.Snapshot", 403),
        (no_more_images, "QuotaExceed.Image", 403),
    ],
)
def test_create_refuses_in_some_states(cloud: Cloud, prepare: Callable[[Cloud], None], code: str, status: int) -> None:
    prepare(cloud)
    answer = cloud.refused("CreateImage", instance_id=INSTANCE)
    assert (answer.code, answer.status) == (code, status)


def test_a_failed_create_shows_on_the_image(cloud: Cloud) -> None:
    cloud.fault("ecs:CreateImage fail-task")
    image_id = create(cloud, instance_id=INSTANCE)
    cloud.finish()
    assert cloud.image(image_id)["Status"] == "CreateFailed"


def test_deleting_with_force_ends_a_create(cloud: Cloud) -> None:
    image_id = create(cloud, instance_id=INSTANCE)
    assert cloud.refused("DeleteImage", image_id=image_id).code == "IncorrectImageStatus"
    cloud.ask("DeleteImage", image_id=image_id, force=True)
    assert cloud.images(ImageId=image_id) == []
    cloud.finish()
    assert cloud.images(ImageId=image_id) == []


def copy(cloud: Cloud, name: str = "copy", **parameters: Any) -> str:
    parameters = {"image_id": IMAGE, "destination_region_id": SINGAPORE, **parameters}
    return str(cloud.ask("CopyImage", destination_image_name=name, **parameters)["ImageId"])


def test_a_copy_stands_in_its_region_at_once(cloud: Cloud) -> None:
    image_id = copy(cloud, destination_description="for Asia")
    assert cloud.images(ImageId=image_id) == []
    image = cloud.image(image_id, SINGAPORE)
    assert (image["Status"], image["IsCopied"], image["Description"]) == ("Waiting", True, "for Asia")
    assert image["DiskDeviceMappings"]["DiskDeviceMapping"][0]["RemainTime"] == 120
    cloud.finish()
    assert cloud.image(image_id, SINGAPORE)["Status"] == "Available"
    assert disks_of(cloud, image_id, SINGAPORE) == [disk_bytes("/dev/xvda")]


def test_a_copy_can_be_exported_where_formats_are_free(cloud: Cloud) -> None:
    image_id = copy(cloud)
    cloud.finish()
    cloud.ask("ExportImage", image_id=image_id, region_id=SINGAPORE, ossbucket="sg-bucket", image_format="qcow2")
    cloud.finish()
    assert len(cloud.keys("sg-bucket")) == 1


def test_a_region_copies_few_images_at_once(cloud: Cloud) -> None:
    cloud.settings.concurrent_copies = 2
    ids = [copy(cloud, f"copy{number}") for number in range(3)]
    cloud.clock.advance(100)
    statuses = [cloud.image(image_id, SINGAPORE)["Status"] for image_id in ids]
    assert statuses == ["Creating", "Creating", "Waiting"]
    cloud.clock.advance(50)
    assert [cloud.image(image_id, SINGAPORE)["Status"] for image_id in ids] == ["Available", "Available", "Creating"]
    cloud.clock.advance(100)
    assert cloud.image(ids[2], SINGAPORE)["Status"] == "Available"


def test_copy_honours_a_client_token(cloud: Cloud) -> None:
    assert copy(cloud, client_token="t") == copy(cloud, client_token="t")


def copying(cloud: Cloud) -> None:
    cloud.add_image("m-x", status="Creating")


def deprecated(cloud: Cloud) -> None:
    cloud.add_image("m-x", status="Deprecated")


def with_encryption(cloud: Cloud) -> None:
    cloud.add_image("m-x").disks[0].encrypted = True


def shared(cloud: Cloud) -> None:
    cloud.add_image("m-x", owner=STRANGER, shared_with=[ACCOUNT])


def too_large(cloud: Cloud) -> None:
    cloud.add_image("m-x").disks[0].size_gib = 2049


def not_copied_here(cloud: Cloud) -> None:
    cloud.add_image("m-x")
    cloud.settings.no_copy_regions = [SINGAPORE]


@pytest.mark.parametrize(
    ("prepare", "code", "status"),
    [
        (copying, "OperationDenied.ImageCopying", 403),
        (deprecated, "IncorrectImageStatus", 400),
        (with_encryption, "OperationDeined.EncryptedSnapshot", 403),
        (shared, "OperationDenied.SameRegionOnly", 403),
        (too_large, "SizeExceed.Image", 403),
        (not_copied_here, "RegionNotSupportCopy", 403),
    ],
)
def test_images_that_cannot_be_copied(cloud: Cloud, prepare: Callable[[Cloud], None], code: str, status: int) -> None:
    prepare(cloud)
    answer = cloud.refused("CopyImage", image_id="m-x", destination_region_id=SINGAPORE)
    assert (answer.code, answer.status) == (code, status)


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"image_id": "m-none"}, "InvalidImageId.NotFound", 404),
        ({"region_id": "cn-atlantis"}, "SourceRegion.NotFound", 400),
        ({"destination_region_id": "cn-atlantis"}, "DestinationRegion.NotFound", 400),
        ({"destination_region_id": HANGZHOU}, "IncorrectDestinationRegion", 403),
        ({"destination_image_name": "?"}, "InvalidImageName.Malformed", 400),
        ({"destination_image_name": "debian-12-sg"}, "InvalidImageName.Duplicated", 400),
        ({"destination_description": "x"}, "InvalidDescription.Malformed", 400),
        ({"kmskey_id": "key-1"}, "InvalidParameter.EncryptedIllegal", 400),
        ({"kmskey_id": "key-1", "encrypted": True}, "InvalidParameter.KMSKeyId.NotFound", 404),
        ({"dry_run": True}, "DryRunOperation", 400),
    ],
)
def test_copy_refuses(cloud: Cloud, parameters: dict[str, Any], code: str, status: int) -> None:
    parameters = {"image_id": IMAGE, "destination_region_id": SINGAPORE, **parameters}
    answer = cloud.refused("CopyImage", **parameters)
    assert (answer.code, answer.status) == (code, status)


def test_an_encrypted_copy_cannot_be_exported(cloud: Cloud) -> None:
    image_id = copy(cloud, encrypted=True)
    cloud.finish()
    answer = cloud.refused("ExportImage", image_id=image_id, region_id=SINGAPORE, ossbucket="sg-bucket")
    assert answer.code == "ImageNotSupported"


def test_a_copy_can_be_cancelled_while_it_runs(cloud: Cloud) -> None:
    image_id = copy(cloud)
    assert cloud.refused("DeleteImage", image_id=IMAGE).code == "OperationDenied.ImageCopying"
    cloud.ask("CancelCopyImage", image_id=image_id, region_id=SINGAPORE)
    assert cloud.images(SINGAPORE, ImageId=image_id) == []
    cloud.ask("DeleteImage", image_id=IMAGE, force=True)


def test_cancelling_a_copy_refuses(cloud: Cloud) -> None:
    assert cloud.refused("CancelCopyImage", image_id=IMAGE).code == "ImageCreatedNotFromCopy"
    missing = cloud.refused("CancelCopyImage", image_id="m-none")
    assert (missing.code, missing.status) == ("InvalidImageId.NotFound", 404)
    image_id = copy(cloud)
    cloud.finish()
    assert cloud.refused("CancelCopyImage", image_id=image_id, region_id=SINGAPORE).code == "IncorrectImageStatus"


def test_a_failed_copy_shows_on_the_image(cloud: Cloud) -> None:
    cloud.fault("ecs:CopyImage fail-task")
    image_id = copy(cloud)
    cloud.finish()
    assert cloud.image(image_id, SINGAPORE)["Status"] == "CreateFailed"


@pytest.mark.parametrize("action", ["ExportImage", "CreateImage", "CopyImage"])
def test_a_task_whose_image_vanishes_fails(cloud: Cloud, action: str) -> None:
    """No call lets that happen; whoever changes the world from Python can."""
    if action == "ExportImage":
        cloud.ask(action, image_id=IMAGE, ossbucket="hz-bucket")
        vanishing = (HANGZHOU, IMAGE)
    elif action == "CreateImage":
        vanishing = (HANGZHOU, create(cloud, instance_id=INSTANCE))
    else:
        copy(cloud)
        vanishing = (HANGZHOU, IMAGE)
    image = cloud.world.alibaba.image(*vanishing)
    assert image is not None
    cloud.world.alibaba.remove_image(image)
    cloud.finish()
    (task,) = cloud.world.alibaba.state.tasks
    assert (task.status, task.error_code) == ("Failed", "InvalidImageId.NotFound")
