"""Short words for the tests of imports."""

from __future__ import annotations

from typing import Any

from tests.sandbox.tencent.cloud import BUCKET, GZ, UIN, Cloud

SYSTEM = {"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12"}


def imported(cloud: Cloud, url: str, **parameters: Any) -> str:
    """Starts an import and lets it come to its end; gives the image's id."""
    given = {**SYSTEM, "ImageName": "new", "ImageUrl": url, **parameters}
    image_id = cloud.cvm("ImportImage", **given)["ImageId"]
    cloud.pass_time(600)
    return str(image_id)


def refused(cloud: Cloud, **parameters: Any) -> str:
    """The code of an import that is refused at once."""
    url = f"https://{BUCKET}.cos.{GZ}.myqcloud.com/disk.raw"
    return cloud.refusal("cvm", "ImportImage", **{**SYSTEM, "ImageName": "new", "ImageUrl": url, **parameters})


def failure(cloud: Cloud, url: str, **parameters: Any) -> str:
    """The code that the message centre gives for an import that ends as IMPORTFAILED."""
    image_id = imported(cloud, url, **parameters)
    assert cloud.state(image_id) == "IMPORTFAILED"
    (image,) = cloud.cvm("DescribeImages", ImageIds=[image_id])["ImageSet"]
    notice = cloud.world.tencent.messages[-1]
    assert (notice.image_id, notice.account_id) == (image_id, UIN)
    assert notice.code not in str(image), "no field of the API tells the reason"
    cloud.cvm("DeleteImages", ImageIds=[image_id])
    return notice.code
