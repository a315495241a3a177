"""CVM's calls that only look, but for instances: images, regions, zones, quotas, repair tasks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from imgmove.sandbox.wire.cvm_checks import check_image_id, image_type, own_images, sees
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_filters import Filter, Filtering, page
from imgmove.sandbox.wire.tencent_parameters import FILTERS, INTEGERS, STRINGS, Scalar, Struct
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account
from imgmove.sandbox.world.tencent_records import Image
from imgmove.sandbox.world.tencent_rules import REGIONS

IMAGES_PARAMETERS = Struct.of(
    ImageIds=STRINGS, Filters=FILTERS, Offset=Scalar.UNSIGNED, Limit=Scalar.UNSIGNED, InstanceType=Scalar.STRING
)
QUOTA_PARAMETERS = Struct.of(Filters=FILTERS)
TASK_INFO_PARAMETERS = Struct.of(
    {"Limit": Scalar.INTEGER, "Offset": Scalar.INTEGER},
    Product=Scalar.STRING,
    TaskStatus=INTEGERS,
    TaskTypeIds=INTEGERS,
    TaskIds=STRINGS,
    InstanceIds=STRINGS,
    Aliases=STRINGS,
    StartDate=Scalar.STRING,
    EndDate=Scalar.STRING,
    OrderField=Scalar.STRING,
    Order=Scalar.INTEGER,
)

_INSTANCE_TYPE = re.compile(r"[A-Za-z0-9]+\.[A-Za-z0-9]+")
MAX_IDS = 100


def iso_time(seconds: float) -> str:
    """`YYYY-MM-DDThh:mm:ssZ`, as CVM shows times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Images


class _Seen:
    """An image as one account sees it."""

    def __init__(self, image: Image, account: Account) -> None:
        self.image = image
        self.type = image_type(image, account)


IMAGE_FILTERS: Filtering[_Seen] = Filtering(
    {
        "image-id": Filter(lambda seen: [seen.image.image_id]),
        "image-type": Filter(lambda seen: [seen.type]),
        "image-name": Filter(lambda seen: [seen.image.name], fuzzy=True),
        "platform": Filter(lambda seen: [seen.image.platform], fuzzy=True),
        "tag-key": Filter(lambda seen: seen.image.tags.keys()),
        "tag-value": Filter(lambda seen: seen.image.tags.values()),
        "dedicated-cluster-id": Filter(lambda _: []),
        "cdc-cache-status": Filter(lambda _: []),
        # Documented in 2017, still used by terraform and cloudmux (tencent.md 2.1).
        "image-state": Filter(lambda seen: [seen.image.state]),
    },
    unknown_code="InvalidFilter",
    limit_code="InvalidFilterValue.LimitExceeded",
    tags=lambda seen: seen.image.tags,
)


def describe_images(call: Call) -> dict[str, Any]:
    """The images that the account sees, newest first."""
    image_ids: list[str] = call.get("ImageIds", [])
    if image_ids and call.get("Filters"):
        raise ApiError("InvalidParameter.InvalidParameterCoexistImageIdsFilters")
    if len(image_ids) > MAX_IDS:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    if not _INSTANCE_TYPE.fullmatch(call.get("InstanceType", "S5.SMALL1")):
        raise ApiError("InvalidInstanceType.Malformed")
    for image_id in image_ids:
        check_image_id(image_id)
    tencent = call.world.tencent
    found = [
        _Seen(image, call.account)
        for image in tencent.images("cvm", call.region)
        if tencent.is_visible(image) and sees(call.account, image)
    ]
    if image_ids:
        found = _by_id(call, found, image_ids)
    found = IMAGE_FILTERS.apply(found, call.get("Filters", []))
    shown = page(found, call.parameters, "InvalidParameterValue.InvalidParameterValueLimit")
    return {"TotalCount": len(found), "ImageSet": [render_image(call.world, each.image, each.type) for each in shown]}


def _by_id(call: Call, found: list[_Seen], image_ids: list[str]) -> list[_Seen]:
    known = {seen.image.image_id for seen in found}
    code = call.world.tencent.settings.unknown_image_code
    for image_id in image_ids:
        if code and image_id not in known:
            raise ApiError(code, f"ImageId {image_id} is not found.")
    return [seen for seen in found if seen.image.image_id in image_ids]


def render_image(world: World, image: Image, seen_type: str) -> dict[str, Any]:
    """The API's `Image`."""
    return {
        "ImageId": image.image_id,
        "OsName": image.os_name,
        "ImageType": seen_type,
        "CreatedTime": iso_time(image.created),
        "ImageName": image.name,
        "ImageDescription": image.description,
        "ImageSize": image.size_gib,
        "Architecture": image.architecture,
        "ImageState": image.state,
        "Platform": image.platform,
        "ImageCreator": "tencent" if seen_type == "PUBLIC_IMAGE" else image.account_id,
        "ImageSource": image.source,
        "SyncPercent": _sync_percent(world, image),
        "IsSupportCloudinit": image.cloudinit,
        "SnapshotSet": [
            {"SnapshotId": s.snapshot_id, "DiskUsage": s.usage, "DiskSize": s.size_gib}
            for s in world.tencent.snapshots_of(image)
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in image.tags.items()],
        "LicenseType": image.license_type,
        "ImageFamily": image.family,
        "ImageDeprecated": image.deprecated,
        "CdcCacheStatus": "",
    }


def _sync_percent(world: World, image: Image) -> int | None:
    moving = {"SyncImages"}
    if world.tencent.settings.import_moves_sync_percent:
        moving.add("ImportImage")
    for task in world.tencent.state.tasks:
        if task.action in moving and image.image_id in task.image_ids:
            return world.tencent.percent(task)
    return None


# Regions, zones, quotas, repair tasks


def describe_regions(_: Call) -> dict[str, Any]:
    """All regions."""
    regions = [{"Region": region, "RegionName": name, "RegionState": "AVAILABLE"} for region, name in REGIONS.items()]
    return {"TotalCount": len(regions), "RegionSet": regions}


def describe_zones(call: Call) -> dict[str, Any]:
    """Three zones in every region."""
    number = 100000 * (1 + list(REGIONS).index(call.region))
    zones = [
        {
            "Zone": f"{call.region}-{index}",
            "ZoneName": f"{REGIONS[call.region]} Zone {index}",
            "ZoneId": str(number + index),
            "ZoneState": "AVAILABLE",
        }
        for index in (1, 2, 3)
    ]
    return {"TotalCount": len(zones), "ZoneSet": zones}


def describe_image_quota(call: Call) -> dict[str, Any]:
    """How many custom images the account may have in a region."""
    return {"ImageNumQuota": call.world.tencent.settings.image_quota}


def describe_account_quota(call: Call) -> dict[str, Any]:
    """The APPID, and the quota of images with its use; quotas of instances are empty."""
    quota = {"UsedQuota": len(own_images(call)), "TotalQuota": call.world.tencent.settings.image_quota}
    others = ("PostPaidQuotaSet", "PrePaidQuotaSet", "SpotPaidQuotaSet", "DisasterRecoverGroupQuotaSet")
    return {
        "AppId": int(call.account.app_id),
        "AccountQuotaOverview": {
            "Region": call.region,
            "AccountQuota": {**{name: [] for name in others}, "ImageQuotaSet": [quota]},
        },
    }


def describe_task_info(call: Call) -> dict[str, Any]:
    """Repair tasks of instances. There are never any; exports and imports are not among them (tencent.md 1.1)."""
    page([], call.parameters, "InvalidParameterValue.InvalidParameterValueLimit")
    return {"TotalCount": 0, "RepairTaskInfoSet": []}
