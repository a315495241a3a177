"""Following a CVM image that is being made: by import, of an instance, or as a copy. The image is the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from imgmove.clouds.tencent import cvm_images
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.cvm_images import CvmImage
from imgmove.clouds.tencent.import_failures import import_failure_hint
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import Operation
from imgmove.core.tasks import Handle, TaskReport, TaskState

#: A new image may stay invisible for long: others look for it for 28 minutes (tencent.md 1.2).
IMAGE_GRACE_SECONDS: Final = 1800.0
#: A lookup may miss an image once; one that is missed so often in a row is gone.
LOOKS_UNTIL_GONE: Final = 2
#: An image of an instance is NORMAL, and its snapshots may be listed a little later (1.3).
SNAPSHOT_GRACE_SECONDS: Final = 15.0
#: The vendor's clock is not ours. Names are unique in a region, so that this guards only against one reused.
CLOCK_SLACK_SECONDS: Final = 120.0
_POLL_CLOCK_SLACK_SECONDS: Final = 900.0

#: What CVM calls the origin of an image that an operation makes; empty where it does not say.
_SOURCES: Final = {
    Operation.IMPORT: frozenset({"", "EXTERNAL_IMPORT"}),
    Operation.CREATE: frozenset({"", "CREATE_IMAGE"}),
}


class ImageWatch:
    """Looks at images that are being made in one region. Safe to use from several threads."""

    def __init__(self, api: Api, now: Callable[[], float]) -> None:
        self._api = api
        self._now = now

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """One look (`ComputeProvider.poll`)."""
        image = self._image(handle, str(memo.get("image_id", "")))
        if image is None:
            return self._without_image(handle, memo)
        report = report_of(image)
        kept: dict[str, Any] = {"image_id": image.id}
        if handle.operation is Operation.CREATE and report.state is TaskState.SUCCEEDED and image.lacks_snapshots:
            kept["normal_since"] = float(memo.get("normal_since") or self._now())
            if self._now() - kept["normal_since"] < SNAPSHOT_GRACE_SECONDS:
                report = replace(
                    report, state=TaskState.RUNNING, progress=None, message="its snapshots do not show yet"
                )
        return replace(report, memo=kept)

    def find(self, operation: Operation, name: str, since: float) -> Handle | None:
        """The image of this name that an operation, begun at or after `since`, is making or made; None for none."""
        image = self._by_name(operation, name, since - CLOCK_SLACK_SECONDS)
        if image is None:
            return None
        return Handle(
            operation, self._api.region, image_id=image.id, submitted_at=since, details={"name": name}
        )  # fmt: skip

    def _image(self, handle: Handle, remembered: str) -> CvmImage | None:
        image_id = handle.image_id or remembered
        if image_id:
            return cvm_images.by_id(self._api, image_id)
        name = str(handle.details.get("name", ""))
        since = handle.submitted_at - _POLL_CLOCK_SLACK_SECONDS
        return self._by_name(handle.operation, name, since) if name else None

    def _by_name(self, operation: Operation, name: str, since: float) -> CvmImage | None:
        allowed = _SOURCES.get(operation)
        found = [
            image for image in cvm_images.own(self._api, name)
            if (allowed is None or image.source in allowed)
            and (image.created_at is None or image.created_at >= since)
        ]  # fmt: skip
        return max(found, key=lambda image: image.created_at or 0.0, default=None)

    def _without_image(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        image_id = str(memo.get("image_id", ""))
        missed = int(memo.get("missed") or 0) + 1
        kept = {**memo, "missed": missed}
        if image_id and missed >= LOOKS_UNTIL_GONE:
            return _failed("", "ImageVanished", "the image was there and is gone: deleted by somebody", image_id)
        if not image_id and self._now() - handle.submitted_at > IMAGE_GRACE_SECONDS:
            return _failed("", "ImageMissing", "CVM shows no image of the operation", handle.image_id or "")
        return TaskReport(
            TaskState.PENDING, message="the image does not show yet", image_id=handle.image_id or image_id or None,
            memo=kept,
        )  # fmt: skip


def report_of(image: CvmImage) -> TaskReport:
    """What an image alone says."""
    if image.state is TaskState.FAILED:
        return _failed(image.word, image.word, f"CVM could not make the image: it is {image.word}", image.id)
    progress = 100 if image.state is TaskState.SUCCEEDED else image.progress
    return TaskReport(image.state, progress=progress, vendor_state=image.word, image_id=image.id)


def _failed(vendor_state: str, code: str, message: str, image_id: str) -> TaskReport:
    hint = "CVM gives no reason; look into the console's message centre, then try again"
    if vendor_state == "IMPORTFAILED":
        hint = import_failure_hint()
    error = ImgmoveError(Kind.FAILED, message, code=code, hint=hint)
    return TaskReport(TaskState.FAILED, vendor_state=vendor_state, image_id=image_id or None, error=error)
