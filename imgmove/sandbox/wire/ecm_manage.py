"""ECM's calls on images that exist: DeleteImage and ModifyImageAttribute."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.ecm_checks import check_free_name, own_image
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import STRINGS, Scalar, Struct
from imgmove.sandbox.world.tencent_records import UNDELETABLE_STATES, Image
from imgmove.sandbox.world.tencent_rules import ECM_MAX_DESCRIPTION, ECM_MAX_NAME

DELETE_PARAMETERS = Struct.of({"ImageIDSet": STRINGS})
"""The vendor's spelling (tencent.md 2.2)."""
MODIFY_PARAMETERS = Struct.of({"ImageId": Scalar.STRING}, ImageName=Scalar.STRING, ImageDescription=Scalar.STRING)
MAX_DELETED = 100


def delete_image(call: Call) -> dict[str, Any]:
    """Deletes all the images, or none when one of them cannot be."""
    image_ids: list[str] = list(dict.fromkeys(call.get("ImageIDSet")))
    if not image_ids:
        raise ApiError("InvalidParameter.InvalidDataFormat")
    if len(image_ids) > MAX_DELETED:
        raise ApiError("InvalidParameterValue.ParameterValueTooLarge")
    images = [own_image(call, image_id) for image_id in image_ids]
    for image in images:
        if image.state in UNDELETABLE_STATES or _is_used(call, image):
            raise ApiError("FailedOperation.ImageInUse")
    for image in images:
        call.world.tencent.remove_image(image, with_snapshots=True)
    return {}


def _is_used(call: Call, image: Image) -> bool:
    instances = call.world.tencent.state.instances
    return any(i.service == "ecm" and i.image_id == image.image_id for i in instances)


def modify_image_attribute(call: Call) -> dict[str, Any]:
    """Changes the name or the description, both shorter here than at CVM."""
    image = own_image(call, call.text("ImageId"))
    name = call.get("ImageName", image.name)
    description = call.get("ImageDescription", image.description)
    if ("ImageName" in call.parameters and len(name) > ECM_MAX_NAME) or (
        "ImageDescription" in call.parameters and len(description) > ECM_MAX_DESCRIPTION
    ):
        raise ApiError("InvalidParameterValue.ParameterValueTooLarge")
    if not name:
        raise ApiError("MissingParameter.MissingImageParameter")
    if name != image.name:
        check_free_name(call, name)
    image.name, image.description = name, description
    call.world.changed()
    return {}
