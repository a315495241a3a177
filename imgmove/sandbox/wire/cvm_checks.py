"""Checks that several calls of CVM share: whose image it is, names, families, tags, quotas and dry runs."""

from __future__ import annotations

import re
from typing import Any

from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct, invalid_value
from imgmove.sandbox.world.accounts import Account
from imgmove.sandbox.world.tencent_records import CUSTOM, Image
from imgmove.sandbox.world.tencent_rules import MAX_DESCRIPTION, MAX_NAME

TAG = Struct.of({"Key": Scalar.STRING, "Value": Scalar.STRING})
TAG_SPECIFICATION = ListOf(Struct.of({"ResourceType": Scalar.STRING, "Tags": ListOf(TAG)}))

_IMAGE_ID = re.compile(r"img-[0-9a-z]{8,}")
_FAMILY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def image_type(image: Image, account: Account) -> str:
    """The ImageType that an account sees: its own images are private, public ones public, all others shared."""
    if image.kind != CUSTOM:
        return "PUBLIC_IMAGE"
    return "PRIVATE_IMAGE" if image.account_id == account.account_id else "SHARED_IMAGE"


def sees(account: Account, image: Image) -> bool:
    """Whether an account may know of an image at all."""
    return image.kind != CUSTOM or image.account_id == account.account_id or account.account_id in image.shared_with


def check_image_id(image_id: str) -> None:
    """Raises `InvalidImageId.Malformed` for what cannot be an image's id."""
    if not _IMAGE_ID.fullmatch(image_id):
        raise ApiError("InvalidImageId.Malformed", f"Invalid image ID format: `{image_id}`.")


def find_image(call: Call, image_id: str) -> Image:
    """The image of that id in the call's region that its account sees, shown by DescribeImages yet or not."""
    check_image_id(image_id)
    image = call.world.tencent.image("cvm", call.region, image_id)
    if image is None or not sees(call.account, image):
        raise ApiError("InvalidImageId.NotFound", f"ImageId {image_id} is not found.")
    return image


def check_new_name(call: Call, name: str, region: str = "") -> None:
    """Length and uniqueness of an image's name among the account's own, in the call's region or another one."""
    if not name:
        raise invalid_value("ImageName", name)
    if len(name) > MAX_NAME:
        raise ApiError("InvalidParameterValue.TooLarge", f"`ImageName` may have {MAX_NAME} characters at most.")
    if any(image.name == name for image in own_images(call, region)):
        raise ApiError("InvalidImageName.Duplicate", f"The specified image name `{name}` already exists.")


def check_description(call: Call) -> None:
    """Length of ImageDescription."""
    if len(call.text("ImageDescription")) > MAX_DESCRIPTION:
        raise ApiError(
            "InvalidParameterValue.TooLarge", f"`ImageDescription` may have {MAX_DESCRIPTION} characters at most."
        )


def check_family(call: Call) -> None:
    """Form of ImageFamily. The vendor does not say what it is; letters, digits, `.`, `_` and `-` are taken."""
    family = call.get("ImageFamily")
    if family and not _FAMILY.fullmatch(family):
        raise ApiError("InvalidParameterValue.InvalidImageFamily")


def check_quota(call: Call, region: str = "") -> None:
    """Room for one more custom image. Failed ones count too (tencent.md 1.2, unconfirmed)."""
    if len(own_images(call, region)) >= call.world.tencent.settings.image_quota:
        raise ApiError("ImageQuotaLimitExceeded")


def own_images(call: Call, region: str = "") -> list[Image]:
    """The account's custom images in the call's region or another one."""
    images = call.world.tencent.images("cvm", region or call.region)
    return [image for image in images if image_type(image, call.account) == "PRIVATE_IMAGE"]


def tags(call: Call) -> dict[str, str]:
    """The tags of TagSpecification, which have to be meant for an image."""
    known = call.world.tencent.settings.known_tag_keys
    found: dict[str, str] = {}
    for specification in call.get("TagSpecification", []):
        if specification["ResourceType"] != "image":
            raise invalid_value("TagSpecification.ResourceType", specification["ResourceType"])
        for tag in specification["Tags"]:
            if known is not None and tag["Key"] not in known:
                raise ApiError("InvalidParameterValue.TagKeyNotFound", f"The tag `{tag['Key']}` does not exist.")
            found[tag["Key"]] = tag["Value"]
    return found


def is_dry_run(call: Call) -> bool:
    """Whether only checks were asked for. Raises `DryRunOperation` where the settings say that dry runs answer so."""
    if not call.get("DryRun", False):
        return False
    code = call.world.tencent.settings.dry_run_code
    if code:
        raise ApiError(code)
    return True


def switch(call: Call, name: str) -> bool:
    """A parameter that is "true" or "false" as a string, in any case (tencent.md 2.1)."""
    text: Any = call.get(name, "false")
    if text.lower() not in ("true", "false"):
        raise invalid_value(name, text)
    return bool(text.lower() == "true")
