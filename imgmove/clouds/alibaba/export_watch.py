"""Following an export: its task, then the objects that it wrote, until each is there, whole and stable.

Finding one again whose answer was lost: ExportImage honours no client token, so the object's name tells (2.8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from imgmove.clouds.alibaba import disk_magic, ecs_images, ecs_tasks
from imgmove.clouds.alibaba.ecs_tasks import EcsTask, ExportedObject
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore
from imgmove.core.requests import Operation
from imgmove.core.tasks import Artifact, Handle, TaskReport, TaskState

#: A task may take this long to be listed, and its objects this long to show, after the service said that it ended.
TASK_GRACE_SECONDS: Final = 300.0
OBJECT_GRACE_SECONDS: Final = 900.0
#: The vendor's times have minutes only in places, and its clock is not ours. The token in a prefix allows for more.
CLOCK_SLACK_SECONDS: Final = 120.0
#: Kinds of a question that is closed to us: what it would have told is done without.
_CLOSED: Final = frozenset({Kind.DENIED, Kind.UNSUPPORTED})
#: What is archived as it is written may be seen, and not read until it is restored.
_ARCHIVED: Final = frozenset({"InvalidObjectState"})
TOKEN_CLOCK_SLACK_SECONDS: Final = 900.0


@dataclass(frozen=True)
class ExportTarget:
    """Where an export writes: what its handle remembers."""

    image_id: str
    bucket: str
    prefix: str
    own_prefix: bool
    """The prefix is the user's and not our token: other exports may have used it, too."""

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> ExportTarget:
        return cls(
            str(details.get("image_id", "")), str(details.get("bucket", "")), str(details.get("prefix", "")),
            bool(details.get("own_prefix", True)),
        )  # fmt: skip

    @property
    def beginnings(self) -> tuple[str, ...]:
        """How the keys of its objects may begin: an underscore was seen, a hyphen is in the vendor's guide (4)."""
        return tuple(f"{self.prefix}{sign}{self.image_id}" for sign in "_-") if self.prefix else (self.image_id,)

    def names(self, key: str) -> bool:
        """Could this export have written `key`? Any ending: the vendor's endings are not all known."""
        return any(re.match(f"{re.escape(beginning)}[_.-]", key) for beginning in self.beginnings)

    def wrote(self, found: ExportedObject) -> bool:
        return found.bucket in {self.bucket, ""} and self.names(found.key)

    @property
    def clock_slack_seconds(self) -> float:
        return CLOCK_SLACK_SECONDS if self.own_prefix else TOKEN_CLOCK_SLACK_SECONDS


class ExportWatch:
    """Looks at exports in one region. Safe to use from several threads."""

    def __init__(self, ecs: Rpc, region: str, store: Callable[[str], ObjectStore], now: Callable[[], float]) -> None:
        self._ecs = ecs
        self._region = region
        self._store = store
        self._now = now

    # --------------------------------------------------------------------------------------------------- poll

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """One look (`ComputeProvider.poll`)."""
        target = ExportTarget.of(handle.details)
        task = self._task(handle.task_id)
        if task is None and handle.task_id and self._now() - handle.submitted_at < TASK_GRACE_SECONDS:
            return TaskReport(TaskState.PENDING, message="ECS does not list the task yet", task_id=handle.task_id)
        if task is not None and task.status != ecs_tasks.FINISHED:
            return self.unfinished(task)
        try:
            return self._finished(handle.task_id, target, task, memo)
        except ImgmoveError as error:
            if error.kind is not Kind.DENIED:
                raise
            raise error.with_hint(
                f"the export has ended, but its objects cannot be looked at: grant oss:ListObjects and oss:GetObject "
                f"on {target.bucket}"
            ) from error

    def unfinished(self, task: EcsTask) -> TaskReport:
        """The report of a task that has not finished, or not well."""
        report = TaskReport(
            task.state, progress=task.progress, vendor_state=task.status, task_id=task.id,
            request_id=task.request_id or None,
        )  # fmt: skip
        if task.state is TaskState.FAILED:
            return replace(report, error=task.failure("the export"))
        if task.state is TaskState.CANCELLED:
            return replace(report, message="the task was cancelled at the provider")
        return report

    def look_at_objects(self, task: EcsTask) -> TaskReport:
        """The report of a finished task that no handle knows: whether the objects that it names are there."""
        artifacts: list[Artifact] = []
        for named in task.objects:
            info = self._store(named.bucket).head(named.key)
            if info is None:
                return self._waiting(task, f"oss://{named.bucket}/{named.key} does not show yet", {})
            artifacts.append(self._artifact(named.bucket, info, len(task.objects)))
        message = "" if artifacts else "the task has finished; ECS does not say which objects it wrote"
        return replace(self.unfinished(task), progress=100, message=message, artifacts=tuple(artifacts))

    def _task(self, task_id: str | None) -> EcsTask | None:
        if not task_id:
            return None
        try:
            return ecs_tasks.attributes(self._ecs, self._region, task_id)
        except ImgmoveError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    def _finished(
        self, task_id: str | None, target: ExportTarget, task: EcsTask | None, memo: Mapping[str, Any]
    ) -> TaskReport:
        disks = int(memo["disks"] if "disks" in memo else self._disk_count(target.image_id))
        expected = max(1, disks)
        named = {found.key for found in task.objects if found.bucket in {target.bucket, ""}} if task else set()
        seen = self._seen(target, task, named, expected)
        marks = {key: [info.size_bytes, info.etag] for key, info in sorted(seen.items())}
        since = float(memo.get("finished_at") or self._now())
        left = {"disks": disks, "finished_at": since, "objects": marks}
        shown = task or EcsTask(task_id or "", "ExportImage", ecs_tasks.FINISHED)
        if len(seen) >= expected and named <= set(seen) and all(info.size_bytes for info in seen.values()):
            if memo.get("objects") != marks:
                return self._waiting(shown, "exported; looking whether the objects are stable", left)
            artifacts = tuple(self._artifact(target.bucket, info, len(seen)) for _, info in sorted(seen.items()))
            message = "" if disks or named else "ECS does not let us see whether the image has more disks than these"
            return replace(self.unfinished(shown), progress=100, message=message, artifacts=artifacts, memo=left)
        if self._now() - since > OBJECT_GRACE_SECONDS:
            return self._incomplete(shown, target, len(seen), expected)
        return self._waiting(shown, f"{len(seen)} of {expected} exported objects show in oss://{target.bucket}", left)

    def _disk_count(self, image_id: str) -> int:
        """As many objects as the image has disks; one where it is gone meanwhile, 0 where it may not be looked at."""
        try:
            image = ecs_images.one(self._ecs, self._region, image_id)
        except ImgmoveError as error:
            if error.kind not in _CLOSED:
                raise
            return 0
        return max(1, len(image.disks)) if image is not None else 1

    def _seen(
        self, target: ExportTarget, task: EcsTask | None, named: set[str], expected: int
    ) -> dict[str, ObjectInfo]:
        """The objects by key, each asked for by itself: those that the task names, and where these are too few
        those whose names say that this export wrote them."""
        store = self._store(target.bucket)
        keys = set(named)
        if len(keys) < expected:
            keys |= {info.key for info in self._in_bucket(target, task.created_at if task else None)}
        found = ((key, store.head(key)) for key in sorted(keys))
        return {key: info for key, info in found if info is not None}

    def _in_bucket(self, target: ExportTarget, since: float | None) -> Iterator[ObjectInfo]:
        """Objects with names of this export; with a prefix of the user's only those written since its task began."""
        store = self._store(target.bucket)
        for info in (info for beginning in target.beginnings for info in store.list(beginning)):
            old = (
                target.own_prefix and since is not None and info.last_modified > 0
                and info.last_modified < since - target.clock_slack_seconds
            )  # fmt: skip
            if target.names(info.key) and not old:
                yield info

    def _artifact(self, bucket: str, info: ObjectInfo, objects: int) -> Artifact:
        head = self._head(bucket, info)
        disk = disk_magic.disk_of_name(info.key) or ("system" if objects == 1 else None)
        return Artifact(
            uri=f"oss://{bucket}/{info.key}", format=disk_magic.disk_format(head, info.key), disk=disk,
            size=info.size_bytes, crc64=None if info.crc64 is None else str(info.crc64), etag=info.etag,
        )  # fmt: skip

    def _head(self, bucket: str, info: ObjectInfo) -> bytes:
        """The first bytes of an object, none where it may be seen but not read: its name then tells the format."""
        try:
            return self._store(bucket).read(info.key, 0, min(info.size_bytes, disk_magic.HEAD_BYTES), info.etag)
        except ImgmoveError as error:
            if error.kind not in _CLOSED and error.code not in _ARCHIVED:
                raise
            return b""

    def _waiting(self, task: EcsTask, message: str, memo: dict[str, Any]) -> TaskReport:
        return TaskReport(
            TaskState.RUNNING, progress=100, vendor_state=task.status, message=message, task_id=task.id or None,
            request_id=task.request_id or None, memo=memo,
        )  # fmt: skip

    def _incomplete(self, task: EcsTask, target: ExportTarget, seen: int, expected: int) -> TaskReport:
        error = ImgmoveError(
            Kind.FAILED, f"ECS says that the export finished, but {seen} of {expected} objects are in "
            f"oss://{target.bucket} ({target.prefix}_{target.image_id}_…)", code="ExportIncomplete",
            hint="look into the bucket; a lifecycle rule or somebody else may have removed them. Export again",
            request_id=task.request_id or None,
        )  # fmt: skip
        return TaskReport(TaskState.FAILED, vendor_state=task.status, task_id=task.id or None, error=error)

    # --------------------------------------------------------------------------------------------------- find

    def find(self, target: ExportTarget, since: float) -> Handle | None:
        """The export that writes to `target`, begun at or after `since`; None where there is none.

        CONFLICT (look again) while an export runs of which ECS does not tell yet what it writes: then nobody can
        know, and whoever sent again would be refused (ImageIsExporting) or export twice.
        """
        begin = since - target.clock_slack_seconds
        unclear: list[EcsTask] = []
        for entry in list(ecs_tasks.listed(self._ecs, self._region, "ExportImage", begin)):
            if not entry.is_of("ExportImage") or (entry.created_at or begin) < begin:
                continue
            task = self._task(entry.id)
            if task is None:
                continue
            if any(target.wrote(found) for found in task.objects):
                return self._handle(target, task.id, since)
            if not task.objects and entry.resource_id in {"", target.image_id}:
                unclear.append(task)
        return self._find_objects(target, since, begin, unclear)

    def _find_objects(self, target: ExportTarget, since: float, begin: float, unclear: list[EcsTask]) -> Handle | None:
        if any(True for _ in self._in_bucket(target, begin + target.clock_slack_seconds)):
            return self._handle(target, unclear[0].id if len(unclear) == 1 else None, since)
        going = [task for task in unclear if task.is_going]
        if going:
            raise ImgmoveError(
                Kind.CONFLICT, f"the export {going[0].id} is running, and ECS does not say yet what it writes",
                code="ExportNotAttributable", hint="look again later; nothing is sent meanwhile",
            )  # fmt: skip
        return None

    def _handle(self, target: ExportTarget, task_id: str | None, since: float) -> Handle:
        details = {"image_id": target.image_id, "bucket": target.bucket, "prefix": target.prefix,
                   "own_prefix": target.own_prefix}  # fmt: skip
        return Handle(Operation.EXPORT, self._region, task_id=task_id, submitted_at=since, details=details)
