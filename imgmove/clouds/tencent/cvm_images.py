"""Images of CVM: reading DescribeImages, and what their states mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imgmove.clouds.tencent import answers
from imgmove.clouds.tencent.api import Api
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import Image, TaskState

#: The words of the definition, of older lists, and those that other tools have met (tencent.md 1.1, 1.2).
#: Whatever ends with FAILED has failed; other words are not known, and not an end.
STATES: Final = {
    "NORMAL": TaskState.SUCCEEDED,
    "USING": TaskState.SUCCEEDED,
    "EXPORTING": TaskState.SUCCEEDED,
    "CREATING": TaskState.RUNNING,
    "IMPORTING": TaskState.RUNNING,
    "SYNCING": TaskState.RUNNING,
}
EXPORTING: Final = "EXPORTING"

_OWNERS: Final = {"PRIVATE_IMAGE": "self", "PUBLIC_IMAGE": "public", "SHARED_IMAGE": "shared", "MARKET_IMAGE": "market"}
#: DescribeImages has `arm` where ImportImage has `arm_64` (2.1).
_ARCHITECTURES: Final = {"arm": "arm64", "arm_64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "i386": "i386"}
_DISK_KINDS: Final = {"SYSTEM_DISK": "system", "DATA_DISK": "data"}


@dataclass(frozen=True)
class CvmImage:
    """An image as DescribeImages shows it; fields that it leaves out are empty."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        return answers.text(self.raw, "ImageId")

    @property
    def name(self) -> str:
        return answers.text(self.raw, "ImageName")

    @property
    def word(self) -> str:
        """The vendor's own word for the state."""
        return answers.text(self.raw, "ImageState")

    @property
    def state(self) -> TaskState:
        return state_of(self.word)

    @property
    def source(self) -> str:
        return answers.text(self.raw, "ImageSource")

    @property
    def created_at(self) -> float | None:
        return answers.unix_time(answers.text(self.raw, "CreatedTime"))

    @property
    def progress(self) -> int | None:
        """Documented for copies alone; also in finished images' samples, hence only for those in work (1.2)."""
        percent = answers.number(self.raw, "SyncPercent") if self.state is TaskState.RUNNING else None
        return None if percent is None else max(0, min(100, percent))

    @property
    def snapshots(self) -> list[dict[str, Any]]:
        return answers.objects(self.raw, "SnapshotSet")

    @property
    def lacks_snapshots(self) -> bool:
        """CVM shows a list of snapshots, and it is empty."""
        return self.raw.get("SnapshotSet") == []

    def as_image(self) -> Image:
        """The image in words that no vendor owns."""
        return Image(
            id=self.id, name=self.name, state=self.word, size_gib=answers.number(self.raw, "ImageSize"),
            os=answers.text(self.raw, "OsName"), created=answers.rfc3339(answers.text(self.raw, "CreatedTime")),
            details=self._details(),
        )  # fmt: skip

    def _details(self) -> dict[str, Any]:
        platform = answers.text(self.raw, "Platform")
        windows = "windows" in f"{platform} {answers.text(self.raw, 'OsName')}".lower()
        architecture = answers.text(self.raw, "Architecture")
        kind = answers.text(self.raw, "ImageType")
        found = {
            "architecture": _ARCHITECTURES.get(architecture, architecture),
            "owner": _OWNERS.get(kind, ""),
            "os_type": "windows" if windows else "linux",
            "platform": platform,
            "license": answers.text(self.raw, "LicenseType"),
            "disks": [_disk(item) for item in self.snapshots],
            "encrypted": self._encrypted,
            "usable": self.word in {"NORMAL", "USING"},
            "tags": {answers.text(tag, "Key"): answers.text(tag, "Value") for tag in answers.objects(self.raw, "Tags")},
        }
        return {name: value for name, value in found.items() if value not in ("", [], {}, None)}

    @property
    def _encrypted(self) -> bool | None:
        """Whether a snapshot says that it is; DescribeImages of today shows it of none (2.1), so that None is usual."""
        found = [answers.text(item, "Encrypt") for item in self.snapshots]
        return "true" in found if any(found) else None


def _disk(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    usage = answers.text(snapshot, "DiskUsage")
    return {"kind": _DISK_KINDS.get(usage, usage.lower()), "size_gib": answers.number(snapshot, "DiskSize")}


def state_of(word: str) -> TaskState:
    """What a state means for whoever waits for the image."""
    return TaskState.FAILED if word.endswith("FAILED") else STATES.get(word, TaskState.UNKNOWN)


def by_ids(api: Api, image_ids: Sequence[str]) -> dict[str, CvmImage]:
    """Those of the images that are there, whoever owns them. An unknown id is an error or an empty list (2.1)."""
    try:
        response = api.call("DescribeImages", {"ImageIds": list(image_ids)})
    except ImgmoveError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        if len(image_ids) == 1:
            return {}
        return {image_id: image for one in image_ids for image_id, image in by_ids(api, [one]).items()}
    if "ImageSet" not in response:
        raise api.incomplete("ImageSet", response)
    found = (CvmImage(item) for item in answers.objects(response, "ImageSet"))
    return {image.id: image for image in found if image.id in image_ids}


def by_id(api: Api, image_id: str) -> CvmImage | None:
    return by_ids(api, [image_id]).get(image_id)


def own(api: Api, name: str = "") -> Iterator[CvmImage]:
    """The account's own images in every state, all pages; with `name` those of exactly this name.

    The vendor's own filter of names is fuzzy (1.2).
    """
    filters = [{"Name": "image-type", "Values": ["PRIVATE_IMAGE"]}]
    if name:
        filters.append({"Name": "image-name", "Values": [name]})
    for item in api.pages("DescribeImages", {"Filters": filters}, "ImageSet", "ImageId"):
        image = CvmImage(item)
        if not name or image.name == name:
            yield image
