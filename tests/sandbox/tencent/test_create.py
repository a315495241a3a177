"""CVM's CreateImage: of machines and of snapshots."""

from __future__ import annotations

from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.cvm.v20170312 import cvm_client, models

from imgmove.sandbox.world.tencent_records import DATA_DISK, MARKET
from tests.sandbox.tencent.cloud import BUCKET, GZ, SECRET, SECRET_ID, Cloud


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
