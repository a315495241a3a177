"""CVM's other calls on images and instances: looking, creating, copying, changing, deleting."""

from __future__ import annotations

from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.cvm.v20170312 import cvm_client, models

from imgmove.sandbox.world.tencent_records import DATA_DISK, MARKET, PUBLIC
from tests.sandbox.tencent.cloud import APP_ID, BUCKET, GZ, OTHER_UIN, SECRET, SECRET_ID, SH, UIN, Cloud

# DescribeImages


def names(cloud: Cloud, **filters: list[str]) -> set[str]:
    """The names of the images that filters let through; `_` stands for `-`."""
    given = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    return {image["ImageName"] for image in cloud.cvm("DescribeImages", Filters=given, Limit=100)["ImageSet"]}


def test_filters(cloud: Cloud) -> None:
    web = cloud.image("web-1", tags={"team": "web"})
    cloud.image("web-2", platform="CentOS", state="CREATING", tags={"team": "db"})
    cloud.image("public", account_id="0", kind=PUBLIC, platform="Ubuntu")
    cloud.image("shared", account_id=OTHER_UIN, shared_with=[UIN])
    cloud.image("foreign", account_id=OTHER_UIN)
    cloud.image("elsewhere", region=SH)
    assert names(cloud) == {"web-1", "web-2", "public", "shared"}
    assert names(cloud, image_id=[web.image_id]) == {"web-1"}
    assert names(cloud, image_type=["PRIVATE_IMAGE"]) == {"web-1", "web-2"}
    assert names(cloud, image_type=["PUBLIC_IMAGE", "SHARED_IMAGE"]) == {"public", "shared"}
    assert names(cloud, image_name=["EB-"]) == {"web-1", "web-2"}
    assert names(cloud, platform=["cent", "ubu"]) == {"web-2", "public"}
    assert names(cloud, image_state=["CREATING"]) == {"web-2"}
    assert names(cloud, tag_key=["team"]) == {"web-1", "web-2"}
    assert names(cloud, tag_value=["db"]) == {"web-2"}
    assert names(cloud, **{"tag:team": ["web", "nobody"]}) == {"web-1"}
    assert names(cloud, **{"tag:other": ["web"]}) == set()
    assert names(cloud, image_name=["web"], platform=["CentOS"]) == {"web-2"}
    assert names(cloud, cdc_cache_status=["CACHED"]) == names(cloud, dedicated_cluster_id=["x"]) == set()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ImageIds": ["img-12345678"], "Filters": [{"Name": "image-id", "Values": ["x"]}]},
         "InvalidParameter.InvalidParameterCoexistImageIdsFilters"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidFilter"),
        ({"Filters": [{"Name": "image-id", "Values": ["x"]}] * 11}, "InvalidFilterValue.LimitExceeded"),
        ({"Filters": [{"Name": "image-id", "Values": ["x"] * 6}]}, "InvalidFilterValue.LimitExceeded"),
        ({"Limit": 101}, "InvalidParameterValue.InvalidParameterValueLimit"),
        ({"Limit": 0}, "InvalidParameterValue.InvalidParameterValueLimit"),
        ({"ImageIds": ["image-1"]}, "InvalidImageId.Malformed"),
        ({"ImageIds": [f"img-{n:08}" for n in range(101)]}, "InvalidParameterValue.LimitExceeded"),
        ({"InstanceType": "huge"}, "InvalidInstanceType.Malformed"),
    ],
)  # fmt: skip
def test_questions_that_cannot_be_asked(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    assert cloud.refusal("cvm", "DescribeImages", **parameters) == code


def test_pages(cloud: Cloud) -> None:
    made = {cloud.image(f"web-{n}").image_id for n in range(45)}
    pages = [cloud.cvm("DescribeImages", Offset=offset, Limit=20) for offset in (0, 20, 40, 60)]
    assert [len(page["ImageSet"]) for page in pages] == [20, 20, 5, 0]
    assert {page["TotalCount"] for page in pages} == {45}
    assert {image["ImageId"] for page in pages for image in page["ImageSet"]} == made
    assert len(cloud.cvm("DescribeImages")["ImageSet"]) == 20


def test_an_unknown_id_is_an_empty_set_or_an_error(cloud: Cloud) -> None:
    assert cloud.cvm("DescribeImages", ImageIds=["img-absent01"])["TotalCount"] == 0
    cloud.world.tencent.settings.unknown_image_code = "InvalidImageId.NotFound"
    assert cloud.refusal("cvm", "DescribeImages", ImageIds=["img-absent01"]) == "InvalidImageId.NotFound"


# CreateImage


def test_the_typed_sdk_makes_an_image_of_a_machine_with_its_data_disk(cloud: Cloud) -> None:
    machine = cloud.instance(data_disks=2)
    client = cvm_client.CvmClient(Credential(SECRET_ID, SECRET), GZ, cloud.profile("cvm"))
    request = models.CreateImageRequest()
    request.InstanceId, request.ImageName, request.ForcePoweroff = machine.instance_id, "golden", "TRUE"
    request.DataDiskIds = [machine.disks[1].disk_id]
    image_id = client.CreateImage(request).ImageId
    assert machine.state == "STOPPED"

    seen = models.DescribeImagesRequest()
    seen.ImageIds = [image_id]
    assert client.DescribeImages(seen).TotalCount == 0
    cloud.pass_time(10)
    image = client.DescribeImages(seen).ImageSet[0]
    assert (image.ImageState, image.SnapshotSet, image.OsName) == ("CREATING", [], "Debian 12 64bit")
    cloud.pass_time(590)
    image = client.DescribeImages(seen).ImageSet[0]
    assert (image.ImageState, image.ImageSource) == ("NORMAL", "CREATE_IMAGE")
    assert [(s.DiskUsage, s.DiskSize) for s in image.SnapshotSet] == [("SYSTEM_DISK", 1), ("DATA_DISK", 2)]
    tencent = cloud.world.tencent
    made = tencent.snapshot(image.SnapshotSet[0].SnapshotId)
    assert made is not None
    assert tencent.blob(made.blob).read_bytes() == tencent.blob(machine.system_disk.blob).read_bytes()


def test_an_image_of_snapshots(cloud: Cloud) -> None:
    data, system = cloud.snapshot(DATA_DISK), cloud.snapshot()
    ids = [data.snapshot_id, system.snapshot_id]
    image_id = cloud.cvm("CreateImage", ImageName="of-snapshots", SnapshotIds=ids)["ImageId"]
    cloud.pass_time(600)
    (image,) = cloud.cvm("DescribeImages", ImageIds=[image_id])["ImageSet"]
    assert [s["SnapshotId"] for s in image["SnapshotSet"]] == [system.snapshot_id, data.snapshot_id]


def test_a_creation_can_fail_or_stall(cloud: Cloud) -> None:
    for machine, line in (("ins-machine1", "fail-task"), ("ins-machine2", "stall-task")):
        cloud.instance(machine)
        cloud.sandbox.faults.add(f"cvm:CreateImage {line}")
    failed = cloud.cvm("CreateImage", ImageName="a", InstanceId="ins-machine1")["ImageId"]
    stalled = cloud.cvm("CreateImage", ImageName="b", InstanceId="ins-machine2")["ImageId"]
    cloud.pass_time(600)
    assert (cloud.state(failed), cloud.state(stalled)) == ("CREATEFAILED", "CREATING")


def test_descendants_of_market_images_remember_it(cloud: Cloud) -> None:
    market = cloud.image("market", account_id="0", kind=MARKET)
    cloud.instance(image_id=market.image_id)
    image_id = cloud.cvm("CreateImage", ImageName="a", InstanceId="ins-machine1")["ImageId"]
    cloud.pass_time(600)
    code = cloud.refusal("cvm", "ExportImages", BucketName=BUCKET, ImageIds=[image_id])
    assert code == "UnsupportedOperation.MarketImageExportUnsupported"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"InstanceId": "machine"}, "InvalidInstanceId.Malformed"),
        ({"InstanceId": "ins-absent01"}, "InvalidInstanceId.NotFound"),
        ({"InstanceId": None}, "InvalidParameter.SpecifyOneParameter"),
        ({"SnapshotIds": ["snap-1"]}, "InvalidParameterConflict"),
        ({"InstanceId": None, "SnapshotIds": ["snap-1"]}, "InvalidParameter.SnapshotNotFound"),
        (
            {"InstanceId": None, "SnapshotIds": ["snap-1"], "DataDiskIds": ["disk-1"]},
            "InvalidParameter.InvalidDependence",
        ),
        ({"DataDiskIds": ["disk-absent01"]}, "InvalidParameter.DataDiskNotBelongSpecifiedInstance"),
        ({"ImageName": "taken"}, "InvalidImageName.Duplicate"),
        ({"ImageName": "x" * 61}, "InvalidParameterValue.TooLarge"),
        ({"ImageDescription": "x" * 257}, "InvalidParameterValue.TooLarge"),
        ({"ImageFamily": "a b"}, "InvalidParameterValue.InvalidImageFamily"),
        ({"ForcePoweroff": "yes"}, "InvalidParameterValue"),
        ({"ForcePoweroff": True}, "InvalidParameter"),
        ({"Sysprep": "true"}, "InvalidParameter.InvalidDependence"),
        ({"ImageName": None}, "MissingParameter"),
    ],
)
def test_creations_that_are_refused(cloud: Cloud, parameters: dict[str, Any], code: str) -> None:
    cloud.instance()
    cloud.image("taken")
    given = {"ImageName": "new", "InstanceId": "ins-machine1", **parameters}
    assert cloud.refusal("cvm", "CreateImage", **given) == code


def test_machines_and_disks_that_cannot_be_imaged(cloud: Cloud) -> None:
    machine = cloud.instance(data_disks=1, local=True)

    def code(**parameters: Any) -> str:
        return cloud.refusal("cvm", "CreateImage", ImageName="new", InstanceId="ins-machine1", **parameters)

    assert code(DataDiskIds=[machine.disks[0].disk_id]) == "InvalidParameter.DataDiskIdContainsRootDisk"
    assert code(DataDiskIds=[machine.disks[1].disk_id]) == "InvalidParameter.LocalDataDiskNotSupport"
    states = ("Pending", "Starting", "Stopping", "Rebooting", "Shutdown", "Terminating")
    for state in states:
        machine.state = state.upper()
        assert code() == f"UnsupportedOperation.InstanceState{state}"
    machine.state, machine.busy_until = "RUNNING", 30
    assert code() == "OperationDenied.InstanceOperationInProgress"
    cloud.pass_time(30)
    cloud.cvm("CreateImage", ImageName="first", InstanceId="ins-machine1")
    assert code() == "MutexOperation.TaskRunning"
    cloud.pass_time(600)
    machine.supports_images = False
    assert code() == "InvalidInstance.NotSupported"
    machine.supports_images = True
    cloud.world.tencent.settings.image_quota = 1
    assert code() == "ImageQuotaLimitExceeded"


def test_snapshots_that_make_no_image(cloud: Cloud) -> None:
    system, data = cloud.snapshot(), cloud.snapshot(DATA_DISK)
    making = cloud.snapshot(creating=True)

    def code(*snapshots: Any) -> str:
        ids = [snapshot.snapshot_id for snapshot in snapshots]
        return cloud.refusal("cvm", "CreateImage", ImageName="new", SnapshotIds=ids)

    assert code(data) == "InvalidParameter.SystemSnapshotNotFound"
    assert code(system, making) == "ResourceUnavailable.SnapshotCreating"
    making.creating = False
    assert code(system, making) == "InvalidParameter.DuplicateSystemSnapshots"


def test_a_dry_run_of_a_creation(cloud: Cloud) -> None:
    machine = cloud.instance()
    answer = cloud.cvm("CreateImage", ImageName="new", InstanceId="ins-machine1", ForcePoweroff="true", DryRun=True)
    assert (set(answer), machine.state) == ({"RequestId"}, "RUNNING")


# SyncImages


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


# DeleteImages, ModifyImageAttribute


def test_deleting_leaves_the_snapshots_unless_asked(cloud: Cloud) -> None:
    kept, gone = cloud.image("kept"), cloud.image("gone")
    cloud.cvm("DeleteImages", ImageIds=[kept.image_id])
    cloud.cvm("DeleteImages", ImageIds=[gone.image_id], DeleteBindedSnap=True)
    assert cloud.world.tencent.snapshot(kept.snapshot_ids[0])
    assert cloud.world.tencent.snapshot(gone.snapshot_ids[0]) is None
    assert cloud.cvm("DescribeImages")["TotalCount"] == 0


def test_images_that_cannot_be_deleted(cloud: Cloud) -> None:
    def code(*ids: str) -> str:
        return cloud.refusal("cvm", "DeleteImages", ImageIds=list(ids))

    fine = cloud.image()
    assert code() == "InvalidParameterValue"
    assert code("img-1") == "InvalidImageId.Malformed"
    assert code(fine.image_id, "img-absent01") == "InvalidImageId.NotFound"
    assert code(cloud.image("a", account_id="0", kind=PUBLIC).image_id) == "InvalidParameterValue.InvalidImageId"
    shared = cloud.image("b", account_id=OTHER_UIN, shared_with=[UIN])
    assert code(shared.image_id) == "InvalidParameterValue.InvalidImageIdIsShared"
    assert code(cloud.image("c", shared_with=[OTHER_UIN]).image_id) == "InvalidImageId.InShared"
    for state in ("CREATING", "SYNCING", "IMPORTING"):
        assert code(cloud.image(state, state=state).image_id) == "InvalidImageId.IncorrectState"
    assert code(*[f"img-{n:08}" for n in range(101)]) == "InvalidParameterValue.LimitExceeded"
    cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[fine.image_id])
    assert code(fine.image_id) == "MutexOperation.TaskRunning"
    assert cloud.state(fine.image_id) == "EXPORTING", "nothing was deleted"


def test_failed_images_can_be_deleted_and_a_dry_run_deletes_none(cloud: Cloud) -> None:
    failed = cloud.image(state="IMPORTFAILED")
    cloud.cvm("DeleteImages", ImageIds=[failed.image_id], DryRun=True)
    assert cloud.state(failed.image_id) == "IMPORTFAILED"
    cloud.cvm("DeleteImages", ImageIds=[failed.image_id])
    assert cloud.state(failed.image_id) is None


def test_changing_an_image(cloud: Cloud) -> None:
    image = cloud.image()
    cloud.image("taken")
    given = {"ImageId": image.image_id}
    changes = {"ImageName": "better", "ImageDescription": "x", "ImageFamily": "f", "ImageDeprecated": True}
    cloud.cvm("ModifyImageAttribute", **given, **changes)
    (seen,) = cloud.cvm("DescribeImages", ImageIds=[image.image_id])["ImageSet"]
    assert {name: seen[name] for name in changes} == changes

    def code(**parameters: Any) -> str:
        return cloud.refusal("cvm", "ModifyImageAttribute", **{**given, **parameters})

    assert code() == "InvalidParameter.SpecifyOneParameter"
    assert code(ImageName="taken") == "InvalidImageName.Duplicate"
    assert code(ImageName="x" * 61) == "InvalidParameterValue.TooLarge"
    assert code(ImageId="img-absent01", ImageName="y") == "InvalidImageId.NotFound"
    public = cloud.image("p", account_id="0", kind=PUBLIC)
    assert code(ImageId=public.image_id, ImageName="y") == "UnauthorizedOperation.ImageNotBelongToAccount"
    image.shared_with = [OTHER_UIN]
    assert code(ImageName="y") == "UnsupportedOperation.SharedImageModifyUnsupported"
    cloud.cvm("DescribeImages")


# The rest


def test_instances(cloud: Cloud) -> None:
    cloud.instance("ins-machine1", data_disks=1, tags={"team": "web"})
    cloud.instance("ins-machine2", state="STOPPED")
    cloud.instance("ins-machine3", region=SH)
    both = cloud.cvm("DescribeInstances")
    assert both["TotalCount"] == 2
    (one,) = cloud.cvm("DescribeInstances", InstanceIds=["ins-machine1"])["InstanceSet"]
    assert (one["InstanceState"], len(one["DataDisks"])) == ("RUNNING", 1)
    for name, value, count in (("instance-state", "STOPPED", 1), ("zone", f"{GZ}-1", 2), ("tag:team", "web", 1)):
        found = cloud.cvm("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])
        assert found["TotalCount"] == count
    assert cloud.refusal("cvm", "DescribeInstances", InstanceIds=["x"]) == "InvalidInstanceId.Malformed"
    assert cloud.refusal("cvm", "DescribeInstances", InstanceIds=["ins-absent01"]) == "InvalidInstanceId.NotFound"
    assert cloud.refusal("cvm", "DescribeInstances", Limit=101) == "InvalidParameterValueLimit"


def test_quotas_and_the_app_id(cloud: Cloud) -> None:
    cloud.image()
    assert cloud.cvm("DescribeImageQuota")["ImageNumQuota"] == 500
    answer = cloud.cvm("DescribeAccountQuota")
    assert answer["AppId"] == int(APP_ID)
    quota = answer["AccountQuotaOverview"]["AccountQuota"]["ImageQuotaSet"]
    assert quota == [{"UsedQuota": 1, "TotalQuota": 500}]


def test_zones_belong_to_the_region(cloud: Cloud) -> None:
    assert {zone["Zone"] for zone in cloud.cvm("DescribeZones", SH)["ZoneSet"]} == {f"{SH}-{n}" for n in (1, 2, 3)}


def test_repair_tasks_are_not_exports(cloud: Cloud) -> None:
    image = cloud.image()
    task_id = cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[image.image_id])["TaskId"]
    answer = cloud.cvm("DescribeTaskInfo", Limit=20, Offset=0, TaskIds=[str(task_id)])
    assert (answer["TotalCount"], answer["RepairTaskInfoSet"]) == (0, [])
    assert cloud.refusal("cvm", "DescribeTaskInfo", Offset=0) == "MissingParameter"
