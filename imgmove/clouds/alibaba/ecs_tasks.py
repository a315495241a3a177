"""ECS's tasks: what DescribeTaskAttribute and DescribeTasks say, and what their states mean (alibaba.md 1.3, 1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imgmove.clouds.alibaba import answers, limits
from imgmove.clouds.alibaba.error_codes import row_of
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import TaskState

FINISHED: Final = "Finished"
#: A word that is not here is UNKNOWN, which means "still going".
STATES: Final[Mapping[str, TaskState]] = {
    "Waiting": TaskState.PENDING,
    "Processing": TaskState.RUNNING,
    "Paused": TaskState.RUNNING,
    FINISHED: TaskState.SUCCEEDED,
    "Failed": TaskState.FAILED,
    "Deleted": TaskState.CANCELLED,
}
_TASK_ID_NAMES: Final = ("TaskId", "ExportTaskId", "ImportTaskId")


@dataclass(frozen=True)
class ExportedObject:
    """An object that a task says it wrote or is writing."""

    bucket: str
    key: str


@dataclass(frozen=True)
class EcsTask:
    """One task. `objects`, `related` and the failure are there in a task's attributes alone, not in lists."""

    id: str
    action: str
    status: str
    resource_id: str = ""
    progress: int | None = None
    created_at: float | None = None
    request_id: str = ""
    objects: tuple[ExportedObject, ...] = ()
    related: Mapping[str, str] | None = None
    failure_code: str = ""
    failure_message: str = ""

    @property
    def state(self) -> TaskState:
        return STATES.get(self.status, TaskState.UNKNOWN)

    @property
    def is_going(self) -> bool:
        return self.state in {TaskState.PENDING, TaskState.RUNNING, TaskState.UNKNOWN}

    def is_of(self, action: str) -> bool:
        """Is it a task of `action`? The service writes `ImportImage` here and `IMPORT_IMAGE` there."""
        return self.action.replace("_", "").lower() == action.lower()

    def failure(self, what: str) -> ImgmoveError:
        """Why the task failed, in the vendor's words where it gives any."""
        row = row_of("ECS", self.failure_code) if self.failure_code else None
        return ImgmoveError(
            Kind.FAILED, self.failure_message or f"{what} failed, and ECS gives no reason",
            code=self.failure_code or "TaskFailed",
            hint=row.hint if row else f"look at task {self.id} in the ECS console, or open a support ticket",
            request_id=self.request_id or None,
        )  # fmt: skip


def task_id_of(body: Mapping[str, Any]) -> str:
    """The task's id under any of its names (alibaba.md 1.2), empty where there is none."""
    return next((found for name in _TASK_ID_NAMES if (found := answers.text(body, name))), "")


def attributes(ecs: Rpc, region: str, task_id: str) -> EcsTask:
    """One task with everything that ECS tells of it; NOT_FOUND where it knows no such task."""
    body = ecs.call("DescribeTaskAttribute", {"RegionId": region, "TaskId": task_id})
    if not answers.text(body, "TaskStatus"):
        raise ecs.incomplete("TaskStatus", body, changes=False)
    entries = list(answers.items(body, "OperationProgressSet", "OperationProgress"))
    related = [_related(entry) for entry in entries]
    failed = next((entry for entry in entries if answers.text(entry, "ErrorCode")), {})
    return EcsTask(
        id=task_id_of(body) or task_id,
        action=answers.text(body, "TaskAction"),
        status=answers.text(body, "TaskStatus"),
        progress=answers.percent(answers.text(body, "TaskProcess")),
        created_at=answers.unix_time(answers.text(body, "CreationTime")),
        request_id=answers.text(body, "RequestId"),
        objects=tuple(found for pairs in related for found in _objects(pairs)),
        related={name: value for pairs in related for name, value in pairs},
        failure_code=answers.text(failed, "ErrorCode"),
        failure_message=answers.text(failed, "ErrorMsg"),
    )


def listed(ecs: Rpc, region: str, action: str, since: float | None = None) -> Iterator[EcsTask]:
    """The tasks of `action` in every state, created at or after `since`, all pages."""
    query = {
        "RegionId": region, "TaskAction": action, "PageSize": limits.PAGE_SIZE,
        "StartTime": None if since is None else answers.wire_time(since),
    }  # fmt: skip
    for entry in pages(ecs, "DescribeTasks", query, "TaskSet", "Task", "TaskId"):
        yield EcsTask(
            id=answers.text(entry, "TaskId"), action=answers.text(entry, "TaskAction") or action,
            status=answers.text(entry, "TaskStatus"), resource_id=answers.text(entry, "ResourceId"),
            created_at=answers.unix_time(answers.text(entry, "CreationTime")),
        )  # fmt: skip


def pages(
    ecs: Rpc, action: str, query: Mapping[str, Any], outer: str, inner: str, id_name: str
) -> Iterator[dict[str, Any]]:
    """Every entry of every page of a list, each once; UNAVAILABLE for an answer without the list."""
    seen: set[str] = set()
    page_number = 1
    while True:
        body = ecs.call(action, {**query, "PageNumber": page_number})
        total = answers.number(body, "TotalCount")
        if not answers.has_list(body, outer, inner) and total != 0:
            raise ecs.incomplete(f"{outer}.{inner}", body, changes=False)
        fresh = [entry for entry in answers.items(body, outer, inner) if answers.text(entry, id_name) not in seen]
        seen.update(answers.text(entry, id_name) for entry in fresh)
        yield from fresh
        more = len(seen) < total if total is not None else len(fresh) >= limits.PAGE_SIZE
        if not fresh or not more:
            return
        page_number += 1


def _related(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = answers.items(entry, "RelatedItemSet", "RelatedItem")
    return [(answers.text(pair, "Name"), answers.text(pair, "Value")) for pair in pairs]


def _objects(pairs: list[tuple[str, str]]) -> Iterator[ExportedObject]:
    """The objects among the items of one entry, in which buckets and objects follow each other."""
    buckets = [value for name, value in pairs if name.lower() == "ossbucket"]
    keys = [value for name, value in pairs if name.lower() == "ossobject" and value]
    for position, key in enumerate(keys):
        yield ExportedObject(buckets[min(position, len(buckets) - 1)] if buckets else "", key)
