"""DeleteImage, ModifyImageAttribute and TagResources: what is done to images that are there."""

from __future__ import annotations

from imgmove.sandbox.wire.alibaba_errors import RpcError, invalid
from imgmove.sandbox.wire.alibaba_parameters import Parameter, flag, repeated, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.ecs_describe_images import in_use
from imgmove.sandbox.wire.ecs_rules import (
    DRY_RUN,
    OWNERS,
    TAGS,
    Answer,
    check_description,
    check_family,
    check_features,
    check_image_name,
    end_dry_run,
    own_image,
    read_boot_mode,
    read_tags,
    region_of,
)
from imgmove.sandbox.world.alibaba_records import Image, Instance, Snapshot, move

MAX_RESOURCES = 50


def delete_image(call: Call) -> Answer:
    """Deletes an image that nobody is busy with. A missing one is ignored, or refused as `Settings` says."""
    region, image_id = region_of(call), call.arguments.text("ImageId")
    image = call.world.alibaba.image(region, image_id)
    if image is None and call.world.alibaba.settings.delete_missing_image == "ignore":
        end_dry_run(call)
        return {}
    image = own_image(call, region, image_id)
    _check_not_busy(call, image)
    if in_use(call, image) and not call.arguments.flag("Force"):
        raise RpcError("ImageUsingByInstance")
    if image.shared_with:
        raise RpcError("ImageUseShared")
    end_dry_run(call)
    call.world.alibaba.remove_image(image)
    return {}


def _check_not_busy(call: Call, image: Image) -> None:
    """Refuses while a task works on the image; Force ends a CreateImage, for which there is no other way."""
    alibaba = call.world.alibaba
    for task in [task for task in alibaba.state.tasks if not task.over]:
        made = (task.region, task.image_id) == (image.region, image.image_id)
        if task.action == "CopyImage" and (
            made or (task.source_region, task.source_image_id) == (image.region, image.image_id)
        ):
            raise RpcError("OperationDenied.ImageCopying")
        if made and task.action == "ExportImage":
            text = "The specified Image is exporting. Please cancel task first."
            raise RpcError("ImageIsExporting", message=text)
        if made and task.action == "ImportImage":
            raise RpcError("ImageIsImporting")
        if made and not call.arguments.flag("Force"):
            raise RpcError("IncorrectImageStatus")


def modify_image_attribute(call: Call) -> Answer:
    """Changes what was given of an image: name, description, status, family, boot mode, licence, features."""
    region, given = region_of(call), call.arguments
    image = own_image(call, region, given.text("ImageId"))
    name, status = given.text("ImageName", image.name), given.text("Status", image.status)
    if name != image.name:
        check_image_name(call, region, name)
    check_description(given.text("Description"))
    check_family(given.text("ImageFamily"))
    features = given.part("Features")
    check_features(features)
    boot_mode = read_boot_mode(call, image.architecture) if "BootMode" in given else image.boot_mode
    license_type = given.text("LicenseType", image.license_type)
    if license_type not in ("", "Auto", "Aliyun", "BYOL"):
        raise RpcError("InvalidLicenseType.NotSupported")
    if status != image.status and not (status in ("Deprecated", "Available") and image.status != "Creating"):
        raise invalid("Status")
    end_dry_run(call)
    if status != image.status:
        _set_status(image, status)
    image.name, image.boot_mode, image.license_type = name, boot_mode, license_type
    image.description = given.text("Description", image.description)
    image.family = given.text("ImageFamily", image.family)
    image.nvme_support = features.text("NvmeSupport", image.nvme_support)
    image.imds_support = features.text("ImdsSupport", image.imds_support)
    call.world.changed()
    return {}


def _set_status(image: Image, status: str) -> None:
    try:
        move(image, status)
    except ValueError:
        raise RpcError("IncorrectImageStatus") from None


def tag_resources(call: Call) -> Answer:
    """Adds tags to images, snapshots or instances, or changes their values."""
    region, kind = region_of(call), call.arguments.text("ResourceType").lower()
    ids, tags = call.arguments.texts("ResourceId"), read_tags(call)
    if len(ids) > MAX_RESOURCES:
        raise RpcError("NumberExceed.ResourceIds")
    if not tags:
        raise RpcError("MissingParameter.Tags")
    if kind not in ("image", "snapshot", "instance"):
        raise RpcError("InvalidResourceType.NotFound")
    resources = [_resource(call, region, kind, each) for each in ids]
    for resource in resources:
        resource.tags.update(tags)
    call.world.changed()
    return {}


def _resource(call: Call, region: str, kind: str, resource_id: str) -> Image | Snapshot | Instance:
    alibaba = call.world.alibaba
    found: Image | Snapshot | Instance | None
    if kind == "image":
        found = alibaba.image(region, resource_id)
    elif kind == "instance":
        found = alibaba.instance(region, resource_id)
    else:
        found = alibaba.snapshot(resource_id)
    if found is None or (found.owner, found.region) != (call.account, region):
        raise RpcError("InvalidResourceId.NotFound")
    return found


_IMAGE = "acs:ecs:{region}:{account}:image/{ImageId}"

IMAGE_ACTIONS = {
    "DeleteImage": Action(
        (*text("RegionId", "ImageId", required=True), *flag("Force"), *DRY_RUN, *OWNERS), delete_image, _IMAGE
    ),
    "ModifyImageAttribute": Action(
        (
            *text("RegionId", "ImageId", required=True),
            *text("ImageName", "Description", "Status", "ImageFamily", "BootMode", "LicenseType"),
            Parameter("Features", fields=text("NvmeSupport", "ImdsSupport")),
            *DRY_RUN,
            *OWNERS,
        ),
        modify_image_attribute,
        _IMAGE,
    ),
    "TagResources": Action(
        (*text("RegionId", "ResourceType", required=True), *repeated("ResourceId", required=True), *TAGS, *OWNERS),
        tag_resources,
    ),
}
