"""Short words for the tests of exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imgmove.sandbox.world.tencent_records import Image
from tests.sandbox.tencent.cloud import BUCKET, Cloud


def export(cloud: Cloud, *images: Image, **parameters: Any) -> dict[str, Any]:
    """Exports to the bucket, all defaults."""
    return cloud.cvm("ExportImages", BucketName=BUCKET, ImageIds=[i.image_id for i in images], **parameters)


def refused(cloud: Cloud, *images: Image, **parameters: Any) -> str:
    """The code of a refused export."""
    given = {"BucketName": BUCKET, "ImageIds": [image.image_id for image in images], **parameters}
    return cloud.refusal("cvm", "ExportImages", **given)


def disk_of(cloud: Cloud, image: Image, usage: str = "SYSTEM_DISK") -> Path:
    """The raw bytes behind an image."""
    snapshot = next(s for s in cloud.world.tencent.snapshots_of(image) if s.usage == usage)
    return cloud.world.tencent.blob(snapshot.blob)
