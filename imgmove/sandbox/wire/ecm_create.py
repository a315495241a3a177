"""ECM's CreateImage: an image of an instance's system disk (page S004)."""

from __future__ import annotations

import re
from typing import Any

from imgmove.sandbox.wire.ecm_checks import check_new_image
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import Scalar, Struct
from imgmove.sandbox.world.tencent_records import DiskSource, Image, Instance, SourceImage, Task

PARAMETERS = Struct.of(
    {"ImageName": Scalar.STRING, "InstanceId": Scalar.STRING},
    ImageDescription=Scalar.STRING,
    ForcePoweroff=Scalar.STRING,
)

_INSTANCE_ID = re.compile(r"ein-[0-9a-z]{8,}")
_SWITCH = {"TRUE": True, "FALSE": False, "": False}


def create_image(call: Call) -> dict[str, Any]:
    """Starts the task, whose id is a string here, and shuts the instance down if asked to."""
    force = _SWITCH.get(call.text("ForcePoweroff").upper())
    if force is None:
        raise ApiError("InvalidParameter.InvalidDataFormat", "`ForcePoweroff` has to be TRUE or FALSE.")
    if not call.text("InstanceId"):
        raise ApiError("MissingParameter.MissingImageParameter")
    instance = _instance(call)
    _check_state(call, instance, force)
    check_new_image(call, call.text("ImageName"))
    if force:
        instance.state = "STOPPED"
    return {"TaskId": str(_start(call, instance).task_id)}


def _instance(call: Call) -> Instance:
    instance_id = call.text("InstanceId")
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise ApiError("InvalidParameterValue.InvalidInstanceID")
    instance = call.world.tencent.instance(instance_id)
    if instance is None or (instance.service, instance.account_id) != ("ecm", call.account.account_id):
        raise ApiError("UnsupportedOperation.InstanceIdNotFound")
    if not instance.supports_images:
        raise ApiError("UnsupportedOperation.InstanceIdNotSupported")
    if "windows" in instance.platform.lower():
        raise ApiError("UnauthorizedOperation.WindowsImage")
    return instance


def _check_state(call: Call, instance: Instance, force: bool) -> None:
    """Imaging a running machine is not supported: stop it first, or force it (tencent.md 2.2)."""
    tencent = call.world.tencent
    running = tencent.running("ecm", "CreateImage")
    if any(task.instance_id == instance.instance_id for task in running):
        raise ApiError("UnsupportedOperation.MutexOperationTaskRunning")
    if instance.state not in ("RUNNING", "STOPPED") or instance.busy_until > call.world.clock.now():
        raise ApiError("UnsupportedOperation.InvalidInstanceState")
    if instance.state == "RUNNING" and not force:
        raise ApiError("FailedOperation.InstanceNotAllStopped")


def _start(call: Call, instance: Instance) -> Task:
    tencent, disk = call.world.tencent, instance.system_disk
    image = tencent.add_image(
        Image(
            image_id=tencent.new_id("img"),
            account_id=call.account.account_id,
            region="",
            service="ecm",
            name=call.text("ImageName"),
            state="CREATING",
            description=call.text("ImageDescription"),
            os_name=instance.os_name,
            platform=instance.platform,
            os_type=instance.platform,
            os_version=instance.os_name,
            architecture=instance.architecture,
            size_gib=disk.size_gib,
            created=call.world.clock.wall(),
            visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
            origin=SourceImage(
                image_id=instance.image_id,
                os_name=instance.os_name,
                region=instance.region,
                instance_id=instance.instance_id,
                instance_name=instance.name,
                image_type="PRIVATE_IMAGE",
            ),
        )
    )
    task = Task(
        0, "ecm", call.action, image.account_id, "", 0, 0, 0,
        image_ids=[image.image_id],
        instance_id=instance.instance_id,
        disks=[DiskSource(disk.blob, tencent.new_id("snap"), disk.usage, disk.size_gib)],
    )  # fmt: skip
    instance.latest_operation = "CreateImage"
    return tencent.start(task, tencent.settings.ecm_create_seconds)
