"""ECM's calls that only look, but for instances: images, the three kinds of tasks, limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from imgmove.sandbox.wire.cvm_import import importable_systems
from imgmove.sandbox.wire.ecm_checks import visible_images
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_filters import Filter, Filtering, page
from imgmove.sandbox.wire.tencent_parameters import FILTERS, ListOf, Scalar, Struct, invalid_value
from imgmove.sandbox.world.tencent_records import CUSTOM, OPERATING, Image, Task
from imgmove.sandbox.world.tencent_rules import ECM_REGIONS, IMPORTABLE, REGIONS

IMAGE_PARAMETERS = Struct.of(Filters=FILTERS, Offset=Scalar.INTEGER, Limit=Scalar.INTEGER)
TASK_PARAMETERS = Struct.of({"TaskSet": ListOf(Struct.of({"Operation": Scalar.STRING, "TaskId": Scalar.STRING}))})
CUSTOM_TASK_PARAMETERS = Struct.of({"Filters": FILTERS})
RESULT_PARAMETERS = Struct.of({"EcmRegion": Scalar.STRING, "TaskId": Scalar.STRING})

UNKNOWN_FILTER = "InvalidParameterValue.InvalidFilter"
TOO_MANY_FILTERS = "InvalidParameterValue.FilterLimitExceeded"
WRONG_PAGE = "InvalidParameterValue.InvaildPageParam"


def ecm_time(seconds: float | None) -> str:
    """`YYYY-MM-DD hh:mm:ss`, as ECM and CAM show times. They name no zone; this is Beijing's (unconfirmed)."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")


# Images

IMAGE_FILTERS: Filtering[Image] = Filtering(
    {
        "image-id": Filter(lambda image: [image.image_id]),
        "image-type": Filter(lambda image: [_image_type(image)]),
        "instance-type": Filter(lambda _: []),
        "image-name": Filter(lambda image: [image.name], fuzzy=True, one_value=True),
        "image-os": Filter(lambda image: [image.os_name], fuzzy=True, one_value=True),
    },
    unknown_code=UNKNOWN_FILTER,
    limit_code=TOO_MANY_FILTERS,
)


def describe_image(call: Call) -> dict[str, Any]:
    """The account's images and the public ones; `ImageSet` is null where there is none."""
    found = IMAGE_FILTERS.apply(visible_images(call), call.get("Filters", []))
    shown = [render_image(call, image) for image in page(found, call.parameters, WRONG_PAGE)]
    return {"TotalCount": len(found), "ImageSet": shown or None}


def _image_type(image: Image) -> str:
    return "PRIVATE_IMAGE" if image.kind == CUSTOM else "PUBLIC_IMAGE"


def render_image(call: Call, image: Image) -> dict[str, Any]:
    """ECM's `Image`."""
    origin = image.origin
    return {
        "ImageId": image.image_id,
        "ImageName": image.name,
        "ImageState": image.state,
        "ImageType": _image_type(image),
        "ImageOsName": image.os_name,
        "ImageDescription": image.description,
        "ImageCreateTime": ecm_time(image.created),
        "Architecture": image.architecture,
        "OsType": image.os_type,
        "OsVersion": image.os_version,
        "Platform": image.platform,
        "ImageOwner": int(call.account.app_id) if image.kind == CUSTOM else 0,
        "ImageSize": image.size_gib,
        "SrcImage": {
            "ImageId": origin.image_id,
            "ImageName": origin.image_name,
            "ImageOsName": origin.os_name,
            "ImageDescription": origin.description,
            "Region": origin.region,
            "RegionID": region_id(origin.region),
            "RegionName": {**REGIONS, **ECM_REGIONS}.get(origin.region, ""),
            "InstanceName": origin.instance_name,
            "InstanceId": origin.instance_id,
            "ImageType": origin.image_type,
        },
        "ImageSource": image.source,
        "TaskId": _task_of(call, image),
        "IsSupportCloudInit": image.cloudinit,
    }


def region_id(region: str) -> int:
    """A number for a region: its place among those known here."""
    known = [*REGIONS, *ECM_REGIONS]
    return known.index(region) + 1 if region in known else 0


def _task_of(call: Call, image: Image) -> str:
    """The task's id in intermediate and failed states (tencent.md 2.2)."""
    if image.state == "NORMAL":
        return ""
    tasks = call.world.tencent.state.tasks
    return next((str(t.task_id) for t in tasks if t.service == "ecm" and image.image_id in t.image_ids), "")


def describe_import_image_os(_: Call) -> dict[str, Any]:
    """The systems that can be imported."""
    return importable_systems()


# Tasks


def describe_task_status(call: Call) -> dict[str, Any]:
    """Tasks of CreateImage and their like, by operation and id."""
    wanted = call.get("TaskSet")
    if not wanted:
        raise ApiError("InvalidParameter.InvalidDataFormat")
    return {"TaskSet": [_render_task(_task(call, each["TaskId"], each["Operation"])) for each in wanted]}


def _task(call: Call, task_id: str, action: str) -> Task:
    task = call.world.tencent.task(task_id, "ecm", action) if action else None
    if task is None or task.account_id != call.account.account_id:
        raise ApiError("InvalidParameterValue.TaskNotFound")
    return task


def _render_task(task: Task) -> dict[str, Any]:
    return {
        "TaskId": str(task.task_id),
        "Message": task.message if task.status != OPERATING else "",
        "Status": task.status,
        "AddTime": ecm_time(task.submitted),
        "EndTime": ecm_time(task.ended),
        "Operation": task.action,
    }


def describe_custom_image_task(call: Call) -> dict[str, Any]:
    """Tasks of ImportCustomImage, by task, image or image name."""
    filters = call.get("Filters")
    if not filters:
        raise invalid_value("Filters", "[]")
    found = _custom_task_filters(call).apply(_custom_tasks(call), filters)
    shown = [_render_custom_task(call, task) for task in found]
    return {"TotalCount": len(found), "ImageTaskSet": shown or None}


def _custom_tasks(call: Call) -> list[Task]:
    wanted = ("ecm", "ImportCustomImage", call.account.account_id)
    return [t for t in call.world.tencent.state.tasks if (t.service, t.action, t.account_id) == wanted]


def _custom_task_filters(call: Call) -> Filtering[Task]:
    return Filtering(
        {
            "task-id": Filter(lambda task: [str(task.task_id)]),
            "image-id": Filter(lambda task: task.image_ids),
            "image-name": Filter(lambda task: [_name_of(call, task)]),
        },
        unknown_code=UNKNOWN_FILTER,
        limit_code=TOO_MANY_FILTERS,
    )


def _name_of(call: Call, task: Task) -> str:
    image = call.world.tencent.image("ecm", "", task.image_ids[0])
    return image.name if image else ""


def _render_custom_task(call: Call, task: Task) -> dict[str, Any]:
    return {
        "State": _custom_state(call, task),
        "Message": task.message if task.status != OPERATING else None,
        "ImageName": _name_of(call, task),
        "CreateTime": ecm_time(task.submitted),
    }


def _custom_state(call: Call, task: Task) -> str:
    if task.status != OPERATING:
        return task.status
    waited = call.world.clock.now() - task.started
    return "PENDING" if waited < call.world.tencent.settings.pending_seconds else "PROCESSING"


def describe_task_result(call: Call) -> dict[str, Any]:
    """Tasks of elastic IPs only: of those this sandbox has none, and images' tasks are not among them (1.5)."""
    if call.text("EcmRegion") not in ECM_REGIONS:
        raise ApiError("InvalidParameterValue.InvalidEcmRegion")
    raise ApiError("InvalidParameterValue.TaskNotFound")


# Limits


def describe_config(call: Call) -> dict[str, Any]:
    """Limits of disks, network and images."""
    disk = {"MinSystemDiskSize": 0, "MaxSystemDiskSize": 100, "SuggestSystemDiskSize": 50,
            "MinDataDiskSize": 50, "MaxDataDiskSize": 1024, "SuggestDataDiskSize": 50, "PerDataDisk": 10}  # fmt: skip
    network = {"MinBandwidth": 25, "MaxBandwidth": 1000, "SuggestBandwidth": 25, "PerBandwidth": 1}
    size = {"MinVcpu": 1, "MaxVcpu": 100, "MaxVcpuPerReq": 100, "MaxModuleNum": 1000, "DiskNumLimit": 1}
    return {
        "NetworkStorageRange": {**disk, **network, **size, "CBSSupported": False},
        "ImageWhiteSet": [f"{name} {v}" for name, (versions, _) in IMPORTABLE.items() for v in versions if v != "-"],
        "InstanceNetworkLimitConfigs": [
            {"CpuNum": 1, "NetworkInterfaceLimit": 2, "InnerIpPerNetworkInterface": 2, "PublicIpPerInstance": 1}
        ],
        "ImageLimits": {"MaxImageSize": call.world.tencent.settings.ecm_max_image_gib},
        "DefaultIPDirect": True,
    }
