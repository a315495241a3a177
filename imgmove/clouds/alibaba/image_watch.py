"""Following an image that is being made: by import, of an instance, or as a copy. The image itself is the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from imgmove.clouds.alibaba import ecs_images, ecs_tasks
from imgmove.clouds.alibaba.ecs_images import EcsImage
from imgmove.clouds.alibaba.ecs_tasks import EcsTask
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import ImportRequest, Operation, ServiceRequest, operation_of
from imgmove.core.tasks import Handle, TaskReport, TaskState

#: A new image may stay invisible this long; after that an image that was never seen is taken as failed.
IMAGE_GRACE_SECONDS: Final = 600.0
#: The vendor's creation times have minutes only in places, and its clock is not ours.
CLOCK_SLACK_SECONDS: Final = 120.0


class ImageWatch:
    """Looks at images that are being made in one region. Safe to use from several threads."""

    def __init__(self, ecs: Rpc, region: str, now: Callable[[], float]) -> None:
        self._ecs = ecs
        self._region = region
        self._now = now

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """One look (`ComputeProvider.poll`). A finished task is no end: its image may not be usable yet (1.7)."""
        task = self._task(handle.task_id)
        image = self._image(handle)
        seen = bool(memo.get("seen"))
        report = _of_image(image, task) if image else self._without_image(handle, task, seen=seen)
        return replace(
            report, task_id=handle.task_id, image_id=image.id if image else handle.image_id,
            request_id=(task.request_id if task else "") or None,
            memo={"seen": image is not None or seen},
        )  # fmt: skip

    def find(self, request: ServiceRequest, since: float) -> Handle | None:
        """The image that an earlier submit of `request`, at or after `since`, is making or made; None for none.

        Names are unique in an account and region, so the name tells, with the time, and for an import with the
        object that ECS says it came from.
        """
        name = "" if not hasattr(request, "name") else request.name
        for image in ecs_images.own(self._ecs, self._region, name):
            created_at = image.created_at
            if created_at is not None and created_at < since - CLOCK_SLACK_SECONDS:
                continue
            if isinstance(request, ImportRequest) and not _may_come_from(image, request):
                continue
            operation = operation_of(request)
            task_id = self._task_of(image.id, since) if operation is Operation.IMPORT else None
            return Handle(operation, self._region, task_id, image.id, submitted_at=since, details={"name": name})
        return None

    def _task_of(self, image_id: str, since: float) -> str | None:
        """The import task of an image, if ECS says which one it is."""
        tasks = ecs_tasks.listed(self._ecs, self._region, "ImportImage", since - CLOCK_SLACK_SECONDS)
        return next((task.id for task in tasks if task.resource_id == image_id and task.is_of("ImportImage")), None)

    def _task(self, task_id: str | None) -> EcsTask | None:
        """None where there is no task, where ECS has forgotten it, or does not let us ask; the image tells then."""
        if not task_id:
            return None
        try:
            return ecs_tasks.attributes(self._ecs, self._region, task_id)
        except ImgmoveError as error:
            if error.kind in {Kind.NOT_FOUND, Kind.DENIED, Kind.UNSUPPORTED}:
                return None
            raise

    def _image(self, handle: Handle) -> EcsImage | None:
        if handle.image_id:
            return ecs_images.one(self._ecs, self._region, handle.image_id)
        name = str(handle.details.get("name", ""))
        return next(ecs_images.own(self._ecs, self._region, name), None) if name else None

    def _without_image(self, handle: Handle, task: EcsTask | None, *, seen: bool) -> TaskReport:
        if task is not None and task.state in {TaskState.FAILED, TaskState.CANCELLED}:
            return of_task(task)
        if seen:
            return _failed("", "ImageVanished", "the image was there and is gone: cancelled, or deleted by somebody")
        waited = self._now() - handle.submitted_at
        ended = task is None or task.status == ecs_tasks.FINISHED
        if ended and waited > IMAGE_GRACE_SECONDS:
            return _failed(task.status if task else "", "ImageMissing", "ECS shows no image of the operation")
        state = TaskState.PENDING if task is None or ended else task.state
        return TaskReport(
            state, progress=task.progress if task else None, vendor_state=task.status if task else "",
            message="the image does not show yet",
        )  # fmt: skip


def of_task(task: EcsTask) -> TaskReport:
    """What a task alone says of an image that is being made."""
    report = TaskReport(
        task.state, progress=task.progress, vendor_state=task.status, task_id=task.id,
        request_id=task.request_id or None,
    )  # fmt: skip
    if task.state is TaskState.FAILED:
        return replace(report, error=task.failure("the import"))
    if task.state is TaskState.CANCELLED:
        return replace(report, message="the task was cancelled at the provider")
    return report


def of_image(image: EcsImage) -> TaskReport:
    """What an image alone says."""
    return replace(_of_image(image, None), image_id=image.id)


def _of_image(image: EcsImage, task: EcsTask | None) -> TaskReport:
    if image.state is TaskState.SUCCEEDED:
        return TaskReport(TaskState.SUCCEEDED, progress=100, vendor_state=image.status)
    if task is not None and task.state in {TaskState.FAILED, TaskState.CANCELLED}:
        return of_task(task)
    if image.state is TaskState.FAILED:
        error = task.failure("the import") if task is not None and task.failure_code else None
        return _failed(image.status, image.status, f"ECS could not make the image: it is {image.status}", error)
    progress = image.progress if image.progress is not None else (task.progress if task else None)
    return TaskReport(image.state, progress=progress, vendor_state=image.status)


def _failed(vendor_state: str, code: str, message: str, error: ImgmoveError | None = None) -> TaskReport:
    error = error or ImgmoveError(
        Kind.FAILED, message, code=code, hint="look at the image and its task in the ECS console, then try again"
    )
    return TaskReport(TaskState.FAILED, vendor_state=vendor_state, error=error)


def _may_come_from(image: EcsImage, request: ImportRequest) -> bool:
    """True unless ECS names objects for the image and ours are not among them."""
    ours = {(disk.bucket, disk.key) for disk in request.disks}
    return not image.import_sources or bool(image.import_sources & ours)
