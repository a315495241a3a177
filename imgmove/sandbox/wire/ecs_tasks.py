"""CancelTask, DescribeTaskAttribute and DescribeTasks: the tasks of exports and imports (alibaba.md 1.3, 1.4, 1.6)."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.alibaba_errors import RpcError, invalid
from imgmove.sandbox.wire.alibaba_parameters import repeated, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call
from imgmove.sandbox.wire.alibaba_time import from_text, to_minute
from imgmove.sandbox.wire.ecs_lists import PAGES, page
from imgmove.sandbox.wire.ecs_rules import OWNERS, Answer, region_of
from imgmove.sandbox.world.alibaba_records import Task

FILTERED_STATUSES = ("Finished", "Processing", "Failed")
"""The only values of TaskStatus that have an effect as a filter."""
MAX_IDS = 100


def cancel_task(call: Call) -> Answer:
    """Stops an export or import that is not over; the task becomes Deleted."""
    task = _task(call, region_of(call, status=400), listed=False)
    if not task.listed:
        raise RpcError("InvalidTaskId.TaskActionNotSupport")
    if task.over:
        raise RpcError("InvalidTaskId.IncorrectTaskStatus")
    call.world.alibaba.cancel(task)
    return {}


def describe_task_attribute(call: Call) -> Answer:
    """One task with its progress, and its objects or the reason of its failure."""
    region = region_of(call, status=400)
    task = _task(call, region)
    progress = _progress(call, task)
    done, failed = task.status == "Finished", task.status == "Failed"
    return {
        "RegionId": region,
        "TaskId": task.task_id,
        "TaskAction": task.action,
        "TaskStatus": task.status,
        "TaskProcess": f"{call.world.alibaba.percent(task)}%",
        "SupportCancel": "true",
        "CreationTime": to_minute(task.created),
        "FinishedTime": to_minute(task.finished),
        "TotalCount": len(progress),
        "SuccessCount": len(progress) * done,
        "FailedCount": len(progress) * failed,
        "OperationProgressSet": {"OperationProgress": progress},
    }


def describe_tasks(call: Call) -> Answer:
    """The tasks of a region, newest first; neither progress nor reasons of failure are in this list."""
    region = region_of(call, status=400)
    begin, end = _moment(call, "StartTime", float("-inf")), _moment(call, "EndTime", float("inf"))
    ids = [each.strip() for each in call.arguments.text("TaskIds").split(",") if each.strip()]
    if len(ids) > MAX_IDS:
        raise invalid("TaskIds")
    resources = call.arguments.texts("ResourceIds")
    action, status = _squeeze(call.arguments.text("TaskAction")), call.arguments.text("TaskStatus")
    found = [
        task
        for task in reversed(call.world.alibaba.state.tasks)
        if task.listed
        and (task.owner, task.region) == (call.account, region)
        and (not ids or task.task_id in ids)
        and action in ("", _squeeze(task.action))
        and (status not in FILTERED_STATUSES or task.status == status)
        and (not resources or task.image_id in resources)
        and begin <= task.created <= end
    ]
    shown, told = page(call, found)
    return {"RegionId": region, **told, "TaskSet": {"Task": [_show(call, task) for task in shown]}}


def _show(call: Call, task: Task) -> dict[str, Any]:
    named = {"ResourceId": task.image_id} if call.world.alibaba.settings.task_resource_ids else {}
    return {
        "TaskId": task.task_id,
        "TaskAction": task.action,
        "TaskStatus": task.status,
        "CreationTime": to_minute(task.created),
        "FinishedTime": to_minute(task.finished),
        "SupportCancel": "true",
        **named,
    }


def _progress(call: Call, task: Task) -> list[dict[str, Any]]:
    """One entry for each object of an export, and one for the image of an import."""
    status = {"Finished": "Success", "Failed": "Failed"}.get(task.status, "Processing")
    shared = {"OperationStatus": status, "ErrorCode": task.error_code, "ErrorMsg": task.error_message}
    if task.action == "ImportImage":
        items = [("ImageId", task.image_id)]
        return [{**shared, "RelatedItemSet": _related(call, task, items)}]
    entries = [[("OSSBucket", task.bucket), ("OSSObject", key), ("ImageFormat", task.format)] for key in task.objects]
    return [{**shared, "RelatedItemSet": _related(call, task, items)} for items in entries]


def _related(call: Call, task: Task, items: list[tuple[str, str]]) -> dict[str, Any]:
    settings = call.world.alibaba.settings
    known = settings.related_items and call.world.alibaba.elapsed(task) >= settings.task_fields_delay
    return {"RelatedItem": [{"Name": name, "Value": value} for name, value in items] if known else []}


def _task(call: Call, region: str, *, listed: bool = True) -> Task:
    task = call.world.alibaba.task(call.arguments.text("TaskId"))
    if task is None or (task.owner, task.region) != (call.account, region) or (listed and not task.listed):
        raise RpcError("InvalidTaskId.NotFound")
    return task


def _moment(call: Call, name: str, default: float) -> float:
    if name not in call.arguments:
        return default
    try:
        return from_text(call.arguments.text(name))
    except ValueError:
        raise invalid(name) from None


def _squeeze(action: str) -> str:
    """ImportImage and IMPORT_IMAGE are the same: both are in the documents."""
    return action.replace("_", "").lower()


TASK_ACTIONS = {
    "CancelTask": Action((*text("RegionId", "TaskId", required=True), *OWNERS), cancel_task),
    "DescribeTaskAttribute": Action((*text("RegionId", "TaskId", required=True), *OWNERS), describe_task_attribute),
    "DescribeTasks": Action(
        (
            *text("RegionId", required=True),
            *text("TaskIds", "TaskAction", "TaskStatus", "StartTime", "EndTime", "TaskGroupId"),
            *repeated("ResourceIds"),
            *PAGES,
            *OWNERS,
        ),
        describe_tasks,
    ),
}
