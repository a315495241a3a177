"""Following an ECM image that is being made: its task, where ECM gives one, then the image until it is usable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from imgmove.clouds.tencent import answers, ecm_images
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.ecm_images import EcmImage, EcmTask
from imgmove.clouds.tencent.image_watch import CLOCK_SLACK_SECONDS, IMAGE_GRACE_SECONDS, LOOKS_UNTIL_GONE
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import Operation
from imgmove.core.tasks import Handle, TaskReport, TaskState

#: The image of a task that has succeeded may stay invisible this long.
ENDED_TASK_GRACE_SECONDS: Final = 600.0
#: What ECM calls the origin of an image that an operation makes, in its examples; empty where it does not say.
_SOURCES: Final = {
    Operation.IMPORT: frozenset({"", "EXTERNAL_IMPORT"}),
    Operation.CREATE: frozenset({"", "CREATE_IMAGE"}),
}
_HINT: Final = "look at the image and its task in the ECM console, then try again"


class EcmWatch:
    """Looks at images that are being made. Safe to use from several threads."""

    def __init__(self, api: Api, now: Callable[[], float]) -> None:
        self._api = api
        self._now = now

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """One look (`ComputeProvider.poll`). A task that has succeeded is no end: the image has to be usable."""
        task = self._task(handle)
        image = self._image(handle, str(memo.get("image_id", "")))
        if task is not None and task.state is TaskState.FAILED:
            report = report_of_task(task)
        elif task is not None and task.state is not TaskState.SUCCEEDED:
            report = replace(report_of_task(task), memo=_kept(memo, image))
        elif image is not None:
            report = replace(report_of_image(image), memo=_kept(memo, image))
        else:
            report = self._without_image(handle, task, memo)
        image_id = image.id if image else handle.image_id or str(memo.get("image_id", "")) or None
        return replace(report, task_id=handle.task_id, image_id=image_id, request_id=handle.request_id)

    def find(self, handle: Handle) -> Handle | None:
        """The operation that would have `handle`, if its image shows; None where none does."""
        image = self._search(handle)
        return None if image is None else replace(handle, image_id=image.id)

    def _task(self, handle: Handle) -> EcmTask | None:
        if not handle.task_id:
            return None
        if handle.operation is Operation.CREATE:
            return ecm_images.creation_task(self._api, handle.task_id)
        return ecm_images.import_task(self._api, handle.task_id, str(handle.details.get("name", "")))

    def _image(self, handle: Handle, remembered: str) -> EcmImage | None:
        image_id = handle.image_id or remembered
        return ecm_images.by_id(self._api, image_id) if image_id else self._search(handle)

    def _search(self, handle: Handle) -> EcmImage | None:
        """The newest image that can have come from the operation."""
        name = str(handle.details.get("name", ""))
        since = handle.submitted_at - CLOCK_SLACK_SECONDS
        found = [
            image for image in ecm_images.own(self._api, name)
            if _comes_from(image, handle) and (image.latest_creation is None or image.latest_creation >= since)
        ]  # fmt: skip
        return max(found, key=lambda image: image.latest_creation or 0.0, default=None)

    def _without_image(self, handle: Handle, task: EcmTask | None, memo: Mapping[str, Any]) -> TaskReport:
        kept = dict(memo)
        word = task.word if task else ""
        if memo.get("image_id"):
            kept["missed"] = int(memo.get("missed") or 0) + 1
            if kept["missed"] >= LOOKS_UNTIL_GONE:
                return _failed(word, "ImageVanished", "the image was there and is gone: deleted by somebody")
        since, grace = handle.submitted_at, IMAGE_GRACE_SECONDS
        if task is not None:
            since = kept["ended_at"] = float(memo.get("ended_at") or self._now())
            grace = ENDED_TASK_GRACE_SECONDS
        if self._now() - since > grace:
            return _failed(word, "ImageMissing", "ECM shows no image of the operation")
        return TaskReport(TaskState.PENDING, vendor_state=word, message="the image does not show yet", memo=kept)


def report_of_task(task: EcmTask) -> TaskReport:
    """What a task alone says."""
    if task.state is TaskState.FAILED:
        return _failed(task.word, "TaskFailed", task.message or "the task failed, and ECM gives no reason")
    return TaskReport(task.state, vendor_state=task.word, message=task.message)


def report_of_image(image: EcmImage) -> TaskReport:
    """What an image alone says."""
    if image.state is TaskState.FAILED:
        report = _failed(image.word, image.word, f"ECM could not make the image: it is {image.word}")
        return replace(report, image_id=image.id)
    progress = 100 if image.state is TaskState.SUCCEEDED else None
    return TaskReport(image.state, progress=progress, vendor_state=image.word, image_id=image.id)


def _kept(memo: Mapping[str, Any], image: EcmImage | None) -> dict[str, Any]:
    return {"image_id": image.id} if image else {"image_id": memo["image_id"]} if memo.get("image_id") else {}


def _comes_from(image: EcmImage, handle: Handle) -> bool:
    """Could the operation have made this image? By its source; the name was compared before, where there is one."""
    details = handle.details
    allowed = _SOURCES.get(handle.operation)
    if allowed is not None and answers.text(image.raw, "ImageSource") not in allowed:
        return False
    if handle.operation is Operation.CREATE:
        return answers.text(image.source, "InstanceId") in {"", details.get("instance_id")}
    if handle.operation is not Operation.TRANSFER:
        return True
    if image.description == details.get("description"):
        return True
    if details.get("is_unique") and image.description:
        return False
    wanted = details.get("source_image_id")
    origin = answers.text(image.source, "ImageId"), answers.text(image.source, "Region")
    return image.id == wanted or (origin[0] == wanted and origin[1] in {"", details.get("source_region")})


def _failed(vendor_state: str, code: str, message: str) -> TaskReport:
    error = ImgmoveError(Kind.FAILED, message, code=code, hint=_HINT)
    return TaskReport(TaskState.FAILED, vendor_state=vendor_state, error=error)
