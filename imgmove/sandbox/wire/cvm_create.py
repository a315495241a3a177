"""CVM's CreateImage: from an instance, with data disks if asked, or from snapshots."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from imgmove.sandbox.wire.cvm_checks import (
    TAG_SPECIFICATION,
    check_description,
    check_family,
    check_new_name,
    check_quota,
    is_dry_run,
    switch,
    tags,
)
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import STRINGS, Scalar, Struct
from imgmove.sandbox.world.tencent_records import MARKET, SYSTEM_DISK, Disk, DiskSource, Image, Instance, Snapshot, Task

PARAMETERS = Struct.of(
    {"ImageName": Scalar.STRING},
    InstanceId=Scalar.STRING,
    ImageDescription=Scalar.STRING,
    ForcePoweroff=Scalar.STRING,
    Sysprep=Scalar.STRING,
    DataDiskIds=STRINGS,
    SnapshotIds=STRINGS,
    DryRun=Scalar.BOOLEAN,
    TagSpecification=TAG_SPECIFICATION,
    ImageFamily=Scalar.STRING,
)

_INSTANCE_ID = re.compile(r"ins-[0-9a-z]{8,}")

STATE_CODES = {
    "PENDING": "UnsupportedOperation.InstanceStatePending",
    "LAUNCH_FAILED": "UnsupportedOperation.InstanceStateLaunchFailed",
    "STARTING": "UnsupportedOperation.InstanceStateStarting",
    "STOPPING": "UnsupportedOperation.InstanceStateStopping",
    "REBOOTING": "UnsupportedOperation.InstanceStateRebooting",
    "SHUTDOWN": "UnsupportedOperation.InstanceStateShutdown",
    "TERMINATING": "UnsupportedOperation.InstanceStateTerminating",
}
"""Instance states in which no image can be made; RUNNING and STOPPED are fine."""


@dataclass(frozen=True)
class _Origin:
    """What an image is made of: disks, and what is known of their system."""

    disks: tuple[DiskSource, ...]
    instance: Instance | None = None
    from_market: bool = False


def create_image(call: Call) -> dict[str, Any]:
    """Starts making an image and answers its id. It shows up a little later, as CREATING."""
    check_new_name(call, call.text("ImageName"))
    check_description(call)
    check_family(call)
    image_tags = tags(call)
    force, sysprep = switch(call, "ForcePoweroff"), switch(call, "Sysprep")
    origin = _from_snapshots(call) if _is_of_snapshots(call) else _from_instance(call)
    if sysprep and (origin.instance is None or "windows" not in origin.instance.platform.lower()):
        raise ApiError("InvalidParameter.InvalidDependence", "`Sysprep` is for Windows instances only.")
    check_quota(call)
    if is_dry_run(call):
        return {}
    if force and origin.instance is not None:
        origin.instance.state = "STOPPED"
    return {"ImageId": _start(call, origin, image_tags).image_id}


def _is_of_snapshots(call: Call) -> bool:
    instance, snapshots = bool(call.get("InstanceId")), bool(call.get("SnapshotIds"))
    if not (instance or snapshots):
        raise ApiError("InvalidParameter.SpecifyOneParameter", "InstanceId or SnapshotIds must be specified.")
    if instance and snapshots:
        raise ApiError("InvalidParameterConflict", "InstanceId and SnapshotIds cannot be specified together.")
    if snapshots and call.get("DataDiskIds"):
        raise ApiError("InvalidParameter.InvalidDependence", "`DataDiskIds` needs `InstanceId`.")
    return snapshots


def _from_instance(call: Call) -> _Origin:
    instance = find_instance(call, call.text("InstanceId"))
    if not instance.supports_images:
        raise ApiError("InvalidInstance.NotSupported")
    if instance.state in STATE_CODES:
        raise ApiError(STATE_CODES[instance.state])
    if instance.busy_until > call.world.clock.now():
        raise ApiError("OperationDenied.InstanceOperationInProgress")
    tencent = call.world.tencent
    if any(task.instance_id == instance.instance_id for task in tencent.running("cvm", "CreateImage")):
        raise ApiError("MutexOperation.TaskRunning")
    disks = (instance.system_disk, *_data_disks(call, instance))
    base = tencent.image("cvm", call.region, instance.image_id)
    return _Origin(
        tuple(_copy_of_disk(call, disk) for disk in disks),
        instance,
        from_market=base is not None and (base.from_market or base.kind == MARKET),
    )


def find_instance(call: Call, instance_id: str) -> Instance:
    """The account's instance of that id in the call's region."""
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise ApiError("InvalidInstanceId.Malformed")
    instance = call.world.tencent.instance(instance_id)
    if instance is None or (instance.account_id, instance.region) != (call.account.account_id, call.region):
        raise ApiError("InvalidInstanceId.NotFound")
    return instance


def _data_disks(call: Call, instance: Instance) -> list[Disk]:
    by_id = {disk.disk_id: disk for disk in instance.disks}
    chosen = []
    for disk_id in call.get("DataDiskIds", []):
        disk = by_id.get(disk_id)
        if disk is None:
            raise ApiError("InvalidParameter.DataDiskNotBelongSpecifiedInstance")
        if disk.usage == SYSTEM_DISK:
            raise ApiError("InvalidParameter.DataDiskIdContainsRootDisk")
        if disk.local:
            raise ApiError("InvalidParameter.LocalDataDiskNotSupport")
        chosen.append(disk)
    return chosen


def _copy_of_disk(call: Call, disk: Disk) -> DiskSource:
    return DiskSource(disk.blob, call.world.tencent.new_id("snap"), disk.usage, disk.size_gib, disk.encrypted)


def _from_snapshots(call: Call) -> _Origin:
    snapshots = [_snapshot(call, snapshot_id) for snapshot_id in call.get("SnapshotIds")]
    system = [snapshot for snapshot in snapshots if snapshot.usage == SYSTEM_DISK]
    if not system:
        raise ApiError("InvalidParameter.SystemSnapshotNotFound")
    if len(system) > 1:
        raise ApiError("InvalidParameter.DuplicateSystemSnapshots")
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.usage != SYSTEM_DISK)
    return _Origin(tuple(DiskSource(s.blob, s.snapshot_id, s.usage, s.size_gib, s.encrypted) for s in ordered))


def _snapshot(call: Call, snapshot_id: str) -> Snapshot:
    snapshot = call.world.tencent.snapshot(snapshot_id)
    if snapshot is None or (snapshot.account_id, snapshot.region) != (call.account.account_id, call.region):
        raise ApiError("InvalidParameter.SnapshotNotFound")
    if snapshot.creating:
        raise ApiError("ResourceUnavailable.SnapshotCreating")
    return snapshot


def _start(call: Call, origin: _Origin, image_tags: dict[str, str]) -> Image:
    tencent, instance = call.world.tencent, origin.instance
    image = Image(
        image_id=tencent.new_id("img"),
        account_id=call.account.account_id,
        region=call.region,
        name=call.text("ImageName"),
        state="CREATING",
        description=call.text("ImageDescription"),
        size_gib=origin.disks[0].size_gib,
        created=call.world.clock.wall(),
        from_market=origin.from_market,
        tags=image_tags,
        family=call.text("ImageFamily"),
        visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
    )
    if instance is not None:
        image = replace(image, os_name=instance.os_name, platform=instance.platform, architecture=instance.architecture)
        instance.latest_operation = "CreateImage"
    tencent.add_image(image)
    task = Task(
        0, "cvm", call.action, image.account_id, call.region, 0, 0, 0,
        image_ids=[image.image_id],
        instance_id=instance.instance_id if instance else "",
        disks=list(origin.disks),
    )  # fmt: skip
    tencent.start(task, tencent.settings.create_seconds)
    return image
