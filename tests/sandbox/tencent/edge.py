"""Edge machines and images for the tests of ECM."""

from __future__ import annotations

from typing import Any

from tencentcloud.common.credential import Credential
from tencentcloud.ecm.v20190719 import ecm_client

from imgmove.sandbox.world.tencent_records import Image
from tests.sandbox.tencent.cloud import SECRET, SECRET_ID, UIN, Cloud

MACHINE = "ein-machine1"
SYSTEM = {"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12"}


def client(cloud: Cloud) -> Any:
    """The typed SDK, without a region, as ECM allows."""
    return ecm_client.EcmClient(Credential(SECRET_ID, SECRET), "", cloud.profile("ecm"))


def machine(cloud: Cloud, instance_id: str = MACHINE, *, state: str = "STOPPED", **how: Any) -> Any:
    """An edge machine."""
    return cloud.instance(instance_id, service="ecm", region="ap-hangzhou-ecm", state=state, **how)


def ecm_image(cloud: Cloud, name: str, **how: Any) -> Image:
    """An image that is there already."""
    with cloud.world.lock:
        how = {"account_id": UIN, **how}
        image_id = how.pop("image_id", cloud.world.tencent.new_id("img"))
        return cloud.world.tencent.add_image(Image(image_id, region="", name=name, service="ecm", **how))


def state(cloud: Cloud, image_id: str) -> str | None:
    """An image's state as DescribeImage shows it."""
    found = cloud.ecm("DescribeImage", Filters=[{"Name": "image-id", "Values": [image_id]}])["ImageSet"]
    return str(found[0]["ImageState"]) if found else None


def refused(cloud: Cloud, action: str, **parameters: Any) -> str:
    """The code that a call of ECM is refused with."""
    return cloud.refusal("ecm", action, "", **parameters)
