"""CVM's calls on images that exist: SyncImages, DeleteImages, ModifyImageAttribute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from imgmove.sandbox.wire.cvm_checks import (
    check_description,
    check_family,
    check_new_name,
    check_quota,
    find_image,
    image_type,
    is_dry_run,
)
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import STRINGS, Scalar, Struct, invalid_value
from imgmove.sandbox.world.tencent_records import UNDELETABLE_STATES, DiskSource, Image, Task
from imgmove.sandbox.world.tencent_rules import FINANCE_REGIONS, MAINLAND_REGIONS, REGIONS

MAX_DELETED = 100

SYNC_PARAMETERS = Struct.of(
    {"ImageIds": STRINGS, "DestinationRegions": STRINGS},
    DryRun=Scalar.BOOLEAN,
    ImageName=Scalar.STRING,
    ImageSetRequired=Scalar.BOOLEAN,
    Encrypt=Scalar.BOOLEAN,
    KmsKeyId=Scalar.STRING,
)
DELETE_PARAMETERS = Struct.of({"ImageIds": STRINGS}, DeleteBindedSnap=Scalar.BOOLEAN, DryRun=Scalar.BOOLEAN)
MODIFY_PARAMETERS = Struct.of(
    {"ImageId": Scalar.STRING},
    ImageName=Scalar.STRING,
    ImageDescription=Scalar.STRING,
    ImageFamily=Scalar.STRING,
    ImageDeprecated=Scalar.BOOLEAN,
)


# SyncImages


def sync_images(call: Call) -> dict[str, Any]:
    """Copies one image to other regions: one task for each, all images SYNCING until theirs is done."""
    image = _image_to_sync(call)
    regions: list[str] = list(dict.fromkeys(call.get("DestinationRegions")))
    name = call.text("ImageName") or image.name
    for region in regions:
        _check_destination(call, image, region)
        if region != call.region or call.text("ImageName"):
            check_new_name(call, name, region)
        check_quota(call, region)
    if is_dry_run(call):
        return {"ImageSet": []}
    copies = [_start_copy(call, image, region, name) for region in regions]
    if image.state == "NORMAL":
        image.move("SYNCING")
    if not call.get("ImageSetRequired", False):
        return {"ImageSet": []}
    return {"ImageSet": [{"ImageId": copy.image_id, "Region": copy.region} for copy in copies]}


def _image_to_sync(call: Call) -> Image:
    image_ids: list[str] = call.get("ImageIds")
    if not image_ids:
        raise invalid_value("ImageIds", "[]")
    if not call.get("DestinationRegions"):
        raise invalid_value("DestinationRegions", "[]")
    if len(image_ids) > 1:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    if call.get("KmsKeyId") and not call.get("Encrypt", False):
        raise ApiError("InvalidParameter.InvalidDependence", "`KmsKeyId` needs `Encrypt`.")
    image = find_image(call, image_ids[0])
    if image_type(image, call.account) == "PUBLIC_IMAGE":
        raise ApiError("InvalidParameterValue.InvalidImageId")
    if image.state != "NORMAL" or call.world.tencent.is_exported(image):
        raise ApiError("InvalidImageId.IncorrectState")
    if any(s.size_gib > call.world.tencent.settings.max_sync_gib for s in call.world.tencent.snapshots_of(image)):
        raise ApiError("InvalidImageId.TooLarge")
    return image


def _check_destination(call: Call, image: Image, region: str) -> None:
    if region not in REGIONS:
        raise ApiError("InvalidParameterValue.InvalidRegion")
    stays = call.get("Encrypt", False) or image_type(image, call.account) == "SHARED_IMAGE"
    if stays != (region == call.region):
        raise ApiError("InvalidParameterValue.InvalidRegion")
    if region == call.region:
        return
    if region in FINANCE_REGIONS or call.region in FINANCE_REGIONS:
        raise ApiError("UnsupportedOperation.Region")
    crosses = (region in MAINLAND_REGIONS) != (call.region in MAINLAND_REGIONS)
    if crosses and not call.world.tencent.settings.sync_across_border:
        raise ApiError("UnsupportedOperation.Region")


def _start_copy(call: Call, image: Image, region: str, name: str) -> Image:
    tencent = call.world.tencent
    encrypt = bool(call.get("Encrypt", False))
    copy = tencent.add_image(
        replace(
            image,
            image_id=tencent.new_id("img"),
            account_id=call.account.account_id,
            region=region,
            name=name,
            state="SYNCING",
            created=call.world.clock.wall(),
            snapshot_ids=[],
            shared_with=[],
            tags={},
            visible_from=call.world.clock.now() + tencent.settings.visible_after_seconds,
        )
    )
    disks = [
        DiskSource(s.blob, tencent.new_id("snap"), s.usage, s.size_gib, encrypt or s.encrypted)
        for s in tencent.snapshots_of(image)
    ]
    task = Task(
        0, "cvm", call.action, copy.account_id, region, 0, 0, 0,
        image_ids=[copy.image_id], source_image_id=f"{image.region}/{image.image_id}", disks=disks,
    )  # fmt: skip
    tencent.start(task, tencent.settings.sync_seconds)
    return copy


# DeleteImages


def delete_images(call: Call) -> dict[str, Any]:
    """Deletes all the images, or none when one of them cannot be."""
    image_ids: list[str] = list(dict.fromkeys(call.get("ImageIds")))
    if not image_ids:
        raise invalid_value("ImageIds", "[]")
    if len(image_ids) > MAX_DELETED:
        raise ApiError("InvalidParameterValue.LimitExceeded")
    images = [find_image(call, image_id) for image_id in image_ids]
    for image in images:
        _check_deletable(call, image)
    if is_dry_run(call):
        return {}
    for image in images:
        call.world.tencent.remove_image(image, with_snapshots=bool(call.get("DeleteBindedSnap", False)))
    return {}


def _check_deletable(call: Call, image: Image) -> None:
    kind = image_type(image, call.account)
    if kind == "PUBLIC_IMAGE":
        raise ApiError("InvalidParameterValue.InvalidImageId")
    if kind == "SHARED_IMAGE":
        raise ApiError("InvalidParameterValue.InvalidImageIdIsShared")
    if image.shared_with:
        raise ApiError("InvalidImageId.InShared")
    if image.state in UNDELETABLE_STATES:
        raise ApiError("InvalidImageId.IncorrectState")
    if call.world.tencent.is_exported(image):
        raise ApiError("MutexOperation.TaskRunning")


# ModifyImageAttribute


def modify_image_attribute(call: Call) -> dict[str, Any]:
    """Changes name, description, family or deprecation of an own image that is not shared with anybody."""
    image = find_image(call, call.text("ImageId"))
    if image_type(image, call.account) != "PRIVATE_IMAGE":
        raise ApiError("UnauthorizedOperation.ImageNotBelongToAccount")
    if image.shared_with:
        raise ApiError("UnsupportedOperation.SharedImageModifyUnsupported")
    if set(call.parameters) == {"ImageId"}:
        raise ApiError("InvalidParameter.SpecifyOneParameter")
    if call.get("ImageName", image.name) != image.name:
        check_new_name(call, call.text("ImageName"))
    check_description(call)
    check_family(call)
    image.name = call.get("ImageName", image.name)
    image.description = call.get("ImageDescription", image.description)
    image.family = call.get("ImageFamily", image.family)
    image.deprecated = call.get("ImageDeprecated", image.deprecated)
    call.world.changed()
    return {}
