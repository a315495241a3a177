"""Checks that several calls of ECM share: names, ids, quota."""

from __future__ import annotations

import re

from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.world.tencent_records import CUSTOM, Image

MAX_NAME = 60
MAX_DESCRIPTION = 256
"""Limits of new images: not stated by the vendor, taken from CVM (tencent.md 2.2)."""

_IMAGE_ID = re.compile(r"img-[0-9a-z]{8,}")


def own_images(call: Call) -> list[Image]:
    """The account's private images, visible already or not."""
    images = call.world.tencent.images("ecm", "")
    return [i for i in images if i.kind == CUSTOM and i.account_id == call.account.account_id]


def visible_images(call: Call) -> list[Image]:
    """What DescribeImage shows the account: its own images and the public ones."""
    tencent = call.world.tencent
    return [
        image
        for image in tencent.images("ecm", "")
        if tencent.is_visible(image) and (image.kind != CUSTOM or image.account_id == call.account.account_id)
    ]


def check_image_id(image_id: str) -> None:
    """Raises `InvalidParameterValue.InvalidImageID` for what cannot be an image's id."""
    if not _IMAGE_ID.fullmatch(image_id):
        raise ApiError("InvalidParameterValue.InvalidImageID", f"The image ID `{image_id}` is invalid.")


def own_image(call: Call, image_id: str) -> Image:
    """The account's image of that id; a public one may not be touched."""
    check_image_id(image_id)
    image = call.world.tencent.image("ecm", "", image_id)
    if image is None or image.account_id != call.account.account_id:
        if image is not None and image.kind != CUSTOM:
            raise ApiError("UnauthorizedOperation.ForbiddenOperation")
        raise ApiError("ResourceNotFound", f"The image `{image_id}` does not exist.")
    return image


def check_new_image(call: Call, name: str) -> None:
    """Name and description of an image to be made, and room for it."""
    if not name:
        raise ApiError("MissingParameter.MissingImageParameter")
    if len(name) > MAX_NAME or len(call.text("ImageDescription")) > MAX_DESCRIPTION:
        raise ApiError("InvalidParameterValue.ParameterValueTooLarge")
    check_free_name(call, name)
    if len(own_images(call)) >= call.world.tencent.settings.ecm_image_quota:
        raise ApiError("ResourceInsufficient.InvaildPrivateImageNum")


def check_free_name(call: Call, name: str) -> None:
    """Raises `InvalidParameterValue.ImageNameDuplicate` when one of the account's images has the name."""
    if any(image.name == name for image in own_images(call)):
        raise ApiError("InvalidParameterValue.ImageNameDuplicate")
