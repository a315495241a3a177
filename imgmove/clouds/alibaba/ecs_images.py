"""ECS's images: what DescribeImages says, and what their states mean (alibaba.md 1.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imgmove.clouds.alibaba import answers, limits
from imgmove.clouds.alibaba.ecs_tasks import pages
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.core.errors import ImgmoveError
from imgmove.core.tasks import Image, TaskState

AVAILABLE: Final = "Available"
#: A word that is not here is UNKNOWN, which means "still going". A deprecated image is there and works.
STATES: Final[Mapping[str, TaskState]] = {
    "Creating": TaskState.RUNNING,
    "Waiting": TaskState.PENDING,
    AVAILABLE: TaskState.SUCCEEDED,
    "Deprecated": TaskState.SUCCEEDED,
    "UnAvailable": TaskState.FAILED,
    "CreateFailed": TaskState.FAILED,
}
#: An unknown id is answered with an empty list, and may be with an error.
_ABSENT: Final = frozenset({"InvalidImageId.NotFound", "ImageId.NotFound"})
_OWNERS: Final = {"self": "self", "system": "public", "others": "shared", "marketplace": "market"}


@dataclass(frozen=True)
class EcsImage:
    """One image as ECS describes it, with the fields that tell where it came from."""

    body: Mapping[str, Any]
    request_id: str = ""

    def field(self, name: str) -> str:
        return answers.text(self.body, name)

    @property
    def id(self) -> str:
        return self.field("ImageId")

    @property
    def name(self) -> str:
        return self.field("ImageName")

    @property
    def status(self) -> str:
        return self.field("Status")

    @property
    def state(self) -> TaskState:
        return STATES.get(self.status, TaskState.UNKNOWN)

    @property
    def progress(self) -> int | None:
        return answers.percent(self.field("Progress"))

    @property
    def created_at(self) -> float | None:
        return answers.unix_time(self.field("CreationTime"))

    @property
    def disks(self) -> tuple[dict[str, Any], ...]:
        return tuple(answers.items(self.body, "DiskDeviceMappings", "DiskDeviceMapping"))

    @property
    def import_sources(self) -> frozenset[tuple[str, str]]:
        """Bucket and key of the objects that the image was imported from; empty for other images."""
        pairs = ((answers.text(disk, "ImportOSSBucket"), answers.text(disk, "ImportOSSObject")) for disk in self.disks)
        return frozenset(pair for pair in pairs if pair[1])

    @property
    def own_snapshots(self) -> tuple[str, ...]:
        """The snapshots that ECS made for this image alone: those of an import or of a copy.

        An image that was created may stand on snapshots of the user's, which are left alone.
        """
        if not self.import_sources and self.field("IsCopied") != "true":
            return ()
        return tuple(found for disk in self.disks if (found := answers.text(disk, "SnapshotId")))

    def as_image(self) -> Image:
        return Image(
            id=self.id, name=self.name, state=self.status, size_gib=answers.number(self.body, "Size"),
            os=self.field("OSNameEn") or self.field("OSName") or self.field("Platform"),
            created=answers.rfc3339(self.field("CreationTime")), details=self._details(),
        )  # fmt: skip

    def _details(self) -> dict[str, Any]:
        encrypted = [answers.text(disk, "Encrypted").lower() for disk in self.disks]
        found = {
            "architecture": self.field("Architecture"),
            "boot_mode": self.field("BootMode").lower(),
            "owner": _OWNERS.get(self.field("ImageOwnerAlias"), ""),
            "os_type": self.field("OSType").lower(),
            "platform": self.field("Platform"),
            "license": self.field("LicenseType"),
            "product_code": self.field("ProductCode"),
        }
        details: dict[str, Any] = {name: value for name, value in found.items() if value}
        details["disks"] = [_disk(disk) for disk in self.disks]
        details["usable"] = self.status == AVAILABLE
        if any(encrypted):
            details["encrypted"] = "true" in encrypted
        details["tags"] = {
            answers.text(tag, "TagKey") or answers.text(tag, "Key"):
                answers.text(tag, "TagValue") or answers.text(tag, "Value")
            for tag in answers.items(self.body, "Tags", "Tag")
        }  # fmt: skip
        return details


def one(ecs: Rpc, region: str, image_id: str) -> EcsImage | None:
    """The image in whatever state and whoever owns it, None where there is none."""
    query = {"RegionId": region, "ImageId": image_id, "Status": "ALL", "PageSize": limits.PAGE_SIZE}
    try:
        return next((image for image in _listed(ecs, query) if image.id == image_id), None)
    except ImgmoveError as error:
        if error.code in _ABSENT:
            return None
        raise


def own(ecs: Rpc, region: str, name: str | None = None) -> Iterator[EcsImage]:
    """The account's own images in every state, all pages; those called exactly `name`, where it is given."""
    query = {
        "RegionId": region, "ImageOwnerAlias": "self", "Status": "ALL", "ImageName": name,
        "PageSize": limits.PAGE_SIZE,
    }  # fmt: skip
    return (image for image in _listed(ecs, query) if name is None or image.name == name)


def _listed(ecs: Rpc, query: Mapping[str, Any]) -> Iterator[EcsImage]:
    return (EcsImage(body) for body in pages(ecs, "DescribeImages", query, "Images", "Image", "ImageId"))


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": answers.text(disk, "Type") or "system",
        "size_gib": answers.number(disk, "Size"),
        "device": answers.text(disk, "Device"),
    }
