"""ECS: one region's image service (`imgmove.core.ports.ComputeProvider`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from imgmove.clouds.alibaba import (
    abilities,
    answers,
    codes_ecs,
    credentials,
    ecs_calls,
    ecs_images,
    ecs_tasks,
    image_watch,
    metadata,
    os_names,
    rpc,
)
from imgmove.clouds.alibaba.ecs_calls import Call
from imgmove.clouds.alibaba.ecs_images import EcsImage
from imgmove.clouds.alibaba.ecs_tasks import EcsTask
from imgmove.clouds.alibaba.export_watch import ExportTarget, ExportWatch
from imgmove.clouds.alibaba.image_watch import ImageWatch
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.clouds.transport import Transport
from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import CheckResult, ObjectStore
from imgmove.core.requests import ExportRequest, Operation, ServiceRequest, operation_of
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, Image, OsChoice, TaskReport, TaskState

#: It is too late to cancel: what the operation came to is to be looked at (alibaba.md 9.4).
_TOO_LATE = frozenset({"InvalidTaskId.IncorrectTaskStatus", "CancelTaskFailed", "IncorrectImageStatus"})
_BUSY = {"ImageIsImporting": "ImportImage", "ImageIsExporting": "ExportImage"}


class Ecs:
    """ECS in one region. Every call is sent once; the engine decides on retries. Safe to use from several threads."""

    abilities: Abilities = abilities.ECS

    def __init__(self, region: str, settings: Settings) -> None:
        self.region = region
        self._settings = settings
        self._transport = Transport(settings, metadata.DIRECT_HOSTS)
        self._keys = credentials.find(settings, self._transport)
        self._clients: dict[str, Rpc] = {}
        self._stores: dict[str, ObjectStore] = {}
        self._lock = threading.Lock()
        ecs = self._client(region)
        self._exports = ExportWatch(ecs, region, self._store, settings.now)
        self._images = ImageWatch(ecs, region, settings.now)

    # ------------------------------------------------------------------------------------------ check and submit

    def check(self, request: ServiceRequest, token: str) -> CheckResult:
        """ECS's own dry run, which says that it passed by an error (alibaba.md 2.7). No client token is spent."""
        call = ecs_calls.call_for(request, self.region, token)
        try:
            body = self._call(call, {**call.parameters, "DryRun": True})
        except ImgmoveError as error:
            if error.code in codes_ecs.DRY_RUN_PASSED:
                return CheckResult(error.request_id, notes=call.notes)
            raise
        started = ecs_tasks.task_id_of(body) or answers.text(body, "ImageId")
        if started:
            raise ImgmoveError(
                Kind.UNKNOWN, f"{call.action} was asked for a dry run and started {started}", code="DryRunIgnored",
                hint=f"look at {started} with `imgmove status`, and cancel it if it is not wanted",
                request_id=answers.text(body, "RequestId") or None, maybe_applied=True,
            )  # fmt: skip
        if not answers.text(body, "RequestId"):
            raise self._client(call.region).incomplete("RequestId", body, changes=False)
        return CheckResult(answers.text(body, "RequestId"), notes=call.notes)

    def submit(self, request: ServiceRequest, token: str) -> Handle:
        """Start the operation. With a client token where ECS honours one: all but ExportImage."""
        call = ecs_calls.call_for(request, self.region, token)
        submitted_at = self._settings.now()
        body = self._call(call, {**call.parameters, "ClientToken": call.client_token or None}, changes=True)
        operation = operation_of(request)
        task_id = ecs_tasks.task_id_of(body)
        image_id = answers.text(body, "ImageId") if operation is not Operation.EXPORT else ""
        needed = {Operation.EXPORT: task_id, Operation.IMPORT: image_id or task_id}.get(operation, image_id)
        if not needed:
            raise self._nameless(call, "TaskId" if operation is Operation.EXPORT else "ImageId", body)
        return Handle(
            operation, self.region, task_id or None, image_id or None, answers.text(body, "RequestId") or None,
            submitted_at, dict(call.details),
        )  # fmt: skip

    def _nameless(self, call: Call, missing: str, body: Mapping[str, Any]) -> ImgmoveError:
        """The error for an answer without the id of what it started; one with a request id has accepted it (1.2)."""
        request_id = answers.text(body, "RequestId")
        if not request_id:
            return self._client(call.region).incomplete(missing, body, changes=True)
        return ImgmoveError(
            Kind.UNKNOWN, f"ECS accepted {call.action}, but its answer has no {missing} (request {request_id})",
            code="AcceptedWithoutId", hint="look for it in the ECS console, by the request id",
            request_id=request_id, maybe_applied=True,
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------- find and poll

    def find(self, request: ServiceRequest, token: str, since: float) -> Handle | None:
        if isinstance(request, ExportRequest):
            call = ecs_calls.call_for(request, self.region, token)
            return self._exports.find(ExportTarget.of(call.details), since)
        return self._images.find(request, since)

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        watch = self._exports if handle.operation is Operation.EXPORT else self._images
        return watch.poll(handle, memo)

    def look_up(self, identifier: str) -> TaskReport:
        """A task or an image that no journal knows; ids of tasks have several forms, those of images begin with m-."""
        if identifier.startswith("m-"):
            return image_watch.of_image(self._existing(identifier))
        try:
            task = ecs_tasks.attributes(self._client(self.region), self.region, identifier)
        except ImgmoveError as error:
            image = self._image_of_odd_name(identifier) if error.kind is Kind.NOT_FOUND else None
            if image is None:
                raise
            return image_watch.of_image(image)
        if task.is_of("ImportImage"):
            return self._import_of(task)
        if task.is_of("ExportImage") and task.status == ecs_tasks.FINISHED:
            return self._exports.look_at_objects(task)
        return self._exports.unfinished(task)

    def _image_of_odd_name(self, identifier: str) -> EcsImage | None:
        """Public images have names for ids (`debian_12_0_x64_20G_alibase_…`)."""
        if identifier.startswith("t"):
            return None
        return ecs_images.one(self._client(self.region), self.region, identifier)

    def cancel(self, handle: Handle) -> TaskReport:
        """CancelTask for exports and imports, CancelCopyImage for copies; then what the operation came to."""
        call: tuple[str, dict[str, Any]] | None = None
        if handle.operation in {Operation.EXPORT, Operation.IMPORT} and handle.task_id:
            call = "CancelTask", {"RegionId": self.region, "TaskId": handle.task_id}
        elif handle.operation is Operation.TRANSFER and handle.image_id:
            call = "CancelCopyImage", {"RegionId": self.region, "ImageId": handle.image_id}
        if call is None:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"ECS has no call that cancels this {handle.operation.value}",
                code="CancelNotSupported", hint=f"wait for its end, then delete {handle.image_id or 'what it made'}",
            )  # fmt: skip
        try:
            self._client(self.region).call(*call, changes=True)
        except ImgmoveError as error:
            if error.code not in _TOO_LATE and error.kind is not Kind.NOT_FOUND:
                raise
        return self._after_cancel(handle)

    def _after_cancel(self, handle: Handle) -> TaskReport:
        report = self.poll(handle, {"seen": handle.operation is Operation.TRANSFER})
        if handle.operation is Operation.TRANSFER and report.error and report.error.code == "ImageVanished":
            return replace(report, state=TaskState.CANCELLED, error=None, message="the copy was cancelled")
        return report

    def _import_of(self, task: EcsTask) -> TaskReport:
        """An import whose image is to be found: ECS may name it in the task, or in the list of tasks."""
        report = image_watch.of_task(task)
        if report.is_final and report.state is not TaskState.SUCCEEDED:
            return report
        image_id = (task.related or {}).get("ImageId", "") or self._resource_of(task.id)
        image = ecs_images.one(self._client(self.region), self.region, image_id) if image_id else None
        if image is not None:
            found = image_watch.of_image(image)
            return replace(found, task_id=task.id, request_id=report.request_id)
        if report.state is TaskState.SUCCEEDED:
            return self._import_without_image(report)
        return report

    def _import_without_image(self, report: TaskReport) -> TaskReport:
        """A finished import whose image ECS does not name: while any image is being made, it may be that one."""
        going = {TaskState.PENDING, TaskState.RUNNING, TaskState.UNKNOWN}
        if any(image.state in going for image in ecs_images.own(self._client(self.region), self.region)):
            return replace(report, state=TaskState.RUNNING, message="the task has finished; an image is being made")
        return replace(report, message="the task has finished; `imgmove images` shows the image")

    def _resource_of(self, task_id: str) -> str:
        query = {"RegionId": self.region, "TaskIds": task_id}
        body = self._client(self.region).call("DescribeTasks", query)
        tasks = answers.items(body, "TaskSet", "Task")
        return next((answers.text(task, "ResourceId") for task in tasks if answers.text(task, "TaskId") == task_id), "")

    # --------------------------------------------------------------------------------------------------- images

    def images(self) -> Iterator[Image]:
        return (image.as_image() for image in ecs_images.own(self._client(self.region), self.region))

    def image(self, image_id: str) -> Image:
        return self._existing(image_id).as_image()

    def delete_image(self, image_id: str) -> None:
        """Remove an image, and the snapshots that its import or copy made; a running task of it is cancelled first.

        CONFLICT where the image is still busy after that (cancelling takes a while): call again.
        """
        ecs = self._client(self.region)
        image = ecs_images.one(ecs, self.region, image_id)
        if image is None:
            return
        try:
            self._delete(image_id)
        except ImgmoveError as error:
            if error.code not in _BUSY:
                raise
            self._cancel_tasks_of(image_id, _BUSY[error.code])
            self._delete(image_id)
        for snapshot_id in image.own_snapshots:
            self._unless({"SnapshotCreatedImage"}, "DeleteSnapshot", {"SnapshotId": snapshot_id})

    def os_choices(self) -> Sequence[OsChoice]:
        return os_names.choices()

    def _existing(self, image_id: str) -> EcsImage:
        image = ecs_images.one(self._client(self.region), self.region, image_id)
        if image is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"there is no image {image_id} in {self.region}", code="InvalidImageId.NotFound",
                hint="check id, region and account; `imgmove images` lists what is there",
            )  # fmt: skip
        return image

    def _delete(self, image_id: str) -> None:
        self._unless(set(), "DeleteImage", {"RegionId": self.region, "ImageId": image_id})

    def _unless(self, fine: set[str], action: str, parameters: Mapping[str, Any]) -> None:
        """A call that removes something: what is absent is removed already, and `fine` refusals leave it."""
        try:
            self._client(self.region).call(action, parameters, changes=True)
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND and error.code not in fine:
                raise

    def _cancel_tasks_of(self, image_id: str, action: str) -> None:
        """Cancel the running tasks that concern the image; those of which ECS does not say whose they are stay."""
        ecs = self._client(self.region)
        for entry in ecs_tasks.listed(ecs, self.region, action):
            if not entry.is_going:
                continue
            task = ecs_tasks.attributes(ecs, self.region, entry.id)
            named = (task.related or {}).get("ImageId", "")
            if image_id in {entry.resource_id, named} or any(image_id in found.key for found in task.objects):
                ecs.call("CancelTask", {"RegionId": self.region, "TaskId": entry.id}, changes=True)

    # -------------------------------------------------------------------------------------------------- clients

    def _call(self, call: Call, parameters: Mapping[str, Any], *, changes: bool = False) -> dict[str, Any]:
        return self._client(call.region).call(call.action, parameters, changes=changes)

    def _client(self, region: str) -> Rpc:
        with self._lock:
            if region not in self._clients:
                self._clients[region] = rpc.ecs(region, self._settings, self._keys, self._transport)
            return self._clients[region]

    def _store(self, bucket: str) -> ObjectStore:
        """The bucket of an export, which is in this region; with the same keys."""
        from imgmove.clouds.alibaba.store import OssStore

        with self._lock:
            if bucket not in self._stores:
                self._stores[bucket] = OssStore(bucket, self.region, self._settings, self._keys, self._transport)
            return self._stores[bucket]
