"""Images and tasks of ECM: reading DescribeImage and the two calls that tell of tasks (tencent.md 1.5, 2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imgmove.clouds.tencent import answers
from imgmove.clouds.tencent.api import Api
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import Image, TaskState

#: ECM names NORMAL alone; the others are CVM's words. Whatever ends with FAILED has failed (1.5).
_STATES: Final = {
    "NORMAL": TaskState.SUCCEEDED, "USING": TaskState.SUCCEEDED, "CREATING": TaskState.RUNNING,
    "IMPORTING": TaskState.RUNNING, "SYNCING": TaskState.RUNNING,
}  # fmt: skip
#: The words of both task calls.
_TASK_STATES: Final = {
    "SUCCESS": TaskState.SUCCEEDED, "FAILED": TaskState.FAILED, "OPERATING": TaskState.RUNNING,
    "PROCESSING": TaskState.RUNNING, "PENDING": TaskState.PENDING,
}  # fmt: skip
_OWNERS: Final = {"PRIVATE_IMAGE": "self", "PUBLIC_IMAGE": "public"}


@dataclass(frozen=True)
class EcmImage:
    """An image as DescribeImage shows it; fields that it leaves out are empty."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        return answers.text(self.raw, "ImageId")

    @property
    def name(self) -> str:
        return answers.text(self.raw, "ImageName")

    @property
    def description(self) -> str:
        return answers.text(self.raw, "ImageDescription")

    @property
    def word(self) -> str:
        return answers.text(self.raw, "ImageState")

    @property
    def state(self) -> TaskState:
        return TaskState.FAILED if self.word.endswith("FAILED") else _STATES.get(self.word, TaskState.UNKNOWN)

    @property
    def source(self) -> dict[str, Any]:
        return answers.child(self.raw, "SrcImage")

    @property
    def latest_creation(self) -> float | None:
        """The latest moment that its time of creation can mean: ECM writes it without a zone, and UTC is behind the
        zones of its regions."""
        text = answers.text(self.raw, "ImageCreateTime")
        return answers.unix_time(text) or answers.unix_time(f"{text}+00:00")

    def as_image(self) -> Image:
        """The image in words that no vendor owns."""
        os_name = answers.text(self.raw, "ImageOsName") or answers.text(self.raw, "OsVersion")
        windows = "windows" in f"{os_name} {answers.text(self.raw, 'Platform')}".lower()
        found = {
            "architecture": answers.text(self.raw, "Architecture"),
            "owner": _OWNERS.get(answers.text(self.raw, "ImageType"), ""),
            "os_type": "windows" if windows else "linux",
            "platform": answers.text(self.raw, "Platform"),
            "usable": self.word in {"NORMAL", "USING"},
        }
        return Image(
            id=self.id, name=self.name, state=self.word, size_gib=answers.number(self.raw, "ImageSize"),
            os=os_name, created=answers.rfc3339(answers.text(self.raw, "ImageCreateTime")),
            details={name: value for name, value in found.items() if value != ""},
        )  # fmt: skip


@dataclass(frozen=True)
class EcmTask:
    """A task as either call shows it."""

    word: str
    message: str = ""
    image_name: str = ""

    @property
    def state(self) -> TaskState:
        return _TASK_STATES.get(self.word, TaskState.UNKNOWN)


def by_id(api: Api, image_id: str) -> EcmImage | None:
    """The image, whoever owns it; None where there is none."""
    return next((image for image in _listed(api, "image-id", image_id) if image.id == image_id), None)


def own(api: Api, name: str = "") -> Iterator[EcmImage]:
    """The account's own images in every state, all pages; with `name` those of exactly this name (the vendor's filter
    is fuzzy)."""
    for image in _listed(api, "image-type", "PRIVATE_IMAGE", *(("image-name", name) if name else ())):
        if not name or image.name == name:
            yield image


def _listed(api: Api, *filters: str) -> Iterator[EcmImage]:
    pairs = zip(filters[::2], filters[1::2], strict=True)
    parameters = {"Filters": [{"Name": name, "Values": [value]} for name, value in pairs]}
    try:
        for item in api.pages("DescribeImage", parameters, "ImageSet", "ImageId"):
            yield EcmImage(item)
    except ImgmoveError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise


def creation_task(api: Api, task_id: str) -> EcmTask | None:
    """A task of CreateImage (DescribeTaskStatus); None where ECM knows no such task."""
    response = _unless_unknown(
        api, "DescribeTaskStatus", {"TaskSet": [{"Operation": "CreateImage", "TaskId": task_id}]}
    )
    if response is None:
        return None
    for item in answers.objects(response, "TaskSet"):
        # a text by the definition, a number in the vendor's example
        if answers.text(item, "TaskId") in {"", task_id} and answers.text(item, "Status"):
            return EcmTask(answers.text(item, "Status"), answers.text(item, "Message"))
    return None


def import_task(api: Api, task_id: str, image_name: str = "") -> EcmTask | None:
    """A task of ImportCustomImage (DescribeCustomImageTask); None where ECM knows no such task."""
    filters = [{"Name": "task-id", "Values": [task_id]}]
    response = _unless_unknown(api, "DescribeCustomImageTask", {"Filters": filters})
    if response is None:
        return None
    tasks = [
        EcmTask(answers.text(item, "State"), answers.text(item, "Message"), answers.text(item, "ImageName"))
        for item in answers.objects(response, "ImageTaskSet") if answers.text(item, "State")
    ]  # fmt: skip
    named = [task for task in tasks if task.image_name == image_name]
    return next(iter(named or tasks), None)


def _unless_unknown(api: Api, action: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return api.call(action, parameters)
    except ImgmoveError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise
