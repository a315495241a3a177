"""ECS once more, from the vendor's pages and the facts about its SDK alone: dictionaries, and tables of parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.emulators.ecs_parameters import ECS
from tests.emulators.rpc import RefusedError, Rpc
from tests.emulators.wire import Film


class Ecs(Rpc):
    """ECS with the buckets that it can write to. `ways` are legal readings of the documents."""

    version, product, table = "2014-05-26", "ecs", ECS

    def __init__(self, now: Callable[[], float], oss: Any, ways: Mapping[str, Any]) -> None:
        super().__init__(now, ways)
        self.oss = oss
        self.images: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        #: an export's pictures: what the task says, and the objects by disk
        self.script: list[tuple[Any, dict[str, bytes | None]]] = [
            ({"TaskStatus": "Processing", "TaskProcess": "40%"}, {}),
            ({"TaskStatus": "Finished", "TaskProcess": "100%"}, {"system": b"disk " * 40}),
        ]

    def dry(self, values: Mapping[str, Any]) -> bool:
        if values.get("DryRun", "false").lower() != "true":
            return False
        way = self.ways.get("dry run", "DryRunOperation")
        if way != "answer":
            raise RefusedError(way, message="Request validation has been passed with DryRun flag set.")
        return True

    # -------------------------------------------------------------------------------------------------- images

    def put(self, image_id: str, name: str, *looks: Any, **fields: Any) -> str:
        """An image that shows `looks` one after the other: a status, a dictionary of fields, or None (not there)."""
        disks = fields.pop("disks", 1)
        mappings = [{"Type": "system" if not number else "data", "Device": f"/dev/xvd{'abcd'[number]}", "Size": "40",
                     "SnapshotId": f"s-{number}", "Progress": "", "RemainTime": 0} for number in range(disks)]  # fmt: skip
        self.images[image_id] = {
            "film": Film(*(looks or ["Available"])),
            "fields": {
                "ImageId": image_id, "ImageName": name, "ImageOwnerAlias": "self", "Size": 40, "OSType": "linux",
                "OSName": "Debian 12 64位", "OSNameEn": "Debian 12 64 bit", "Platform": "Debian", "Architecture": "x86_64",
                "BootMode": "BIOS", "Progress": "", "CreationTime": self.stamp(), "IsCopied": False,
                "DiskDeviceMappings": {"DiskDeviceMapping": mappings}, "Tags": {"Tag": []}, **fields,
            },
        }  # fmt: skip
        return image_id

    def _shown(self, image_id: str) -> dict[str, Any] | None:
        image = self.images[image_id]
        look = image["film"].look()
        if look is None:
            return None
        fields = {**image["fields"], **(look if isinstance(look, dict) else {"Status": look})}
        if "usable" in self.ways:
            fields["Usable"] = fields["Status"] == "Available"
        if "few fields" in self.ways:
            return {name: fields[name] for name in ("ImageId", "ImageName", "Status")}
        if "numbers as text" in self.ways:
            return {name: str(value) if isinstance(value, int) else value for name, value in fields.items()}
        return fields

    def do_DescribeImages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Without Status only the available ones; ALL stands alone."""
        wanted = values.get("ImageId", "")
        ids = [item for item in wanted.split(",") if item in self.images] if wanted else list(self.images)
        shown = [image for item in ids if (image := self._shown(item)) is not None]
        statuses = values.get("Status", "Available").split(",")
        if "ALL" in statuses and len(statuses) > 1:
            raise RefusedError("InvalidStatus.NotSupported")
        found = [image for image in shown if "ALL" in statuses or image["Status"] in statuses]
        found = [image for image in found if values.get("ImageName", "") in image["ImageName"]]
        if wanted and not found and "unknown id is an error" in self.ways:
            raise RefusedError("InvalidImageId.NotFound", 404)
        return self._page(values, found, "Images", "Image")

    def _page(self, values: Mapping[str, Any], found: list[Any], outer: str, inner: str) -> dict[str, Any]:
        number = int(values.get("PageNumber", 1))
        size = min(int(values.get("PageSize", 10)), self.ways.get("page", 100))
        items = found[(number - 1) * size : number * size]
        inside: Any = items if "flat lists" in self.ways else {inner: items}
        if not items and "no empty lists" in self.ways:
            return {"TotalCount": len(found), "PageNumber": number, "PageSize": size}
        return {"TotalCount": len(found), "PageNumber": number, "PageSize": size, outer: inside}

    def _name_is_free(self, name: str) -> None:
        if any(image["fields"]["ImageName"] == name for image in self.images.values()):
            raise RefusedError("InvalidImageName.Duplicated")

    # ------------------------------------------------------------------------------------------ what takes long

    def do_ExportImage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        image = self.images.get(values["ImageId"])
        if image is None:
            raise RefusedError("InvalidImageId.NotFound", self.ways.get("not found status", 404))
        if values["OSSBucket"] not in self.oss.buckets:
            raise RefusedError("InvalidOSSBucket.NotFound")
        of_this = [
            task
            for task in self.tasks.values()
            if (task["action"], task["image"]) == ("ExportImage", values["ImageId"])
        ]
        if any(not task["film"].is_over for task in of_this):
            raise RefusedError("ImageIsExporting", 403)
        if self.dry(values):
            return {}
        task_id = self._task("ExportImage", values["ImageId"], self.script)
        ending = self.ways.get(
            "ending", {"raw": "raw.tar.gz"}.get(values.get("ImageFormat", "raw"), values.get("ImageFormat"))
        )
        start = f"{values['OSSPrefix']}_{values['ImageId']}" if values.get("OSSPrefix") else values["ImageId"]
        marks = {"system": self.ways.get("system mark", "_system"), "data": "_data_xvdb"}
        names = {disk: f"{start}{mark}.{ending}" for disk, mark in marks.items()}
        self.tasks[task_id].update(names=names, bucket=values["OSSBucket"])
        return self._with_task("ExportTaskId", task_id)

    def _with_task(self, old_name: str, task_id: str) -> dict[str, Any]:
        ways: dict[str, dict[str, Any]] = {
            "old": {old_name: task_id}, "none": {}, "null": {"TaskId": None}, "both": {"TaskId": task_id, old_name: task_id},
        }  # fmt: skip
        region = {} if "few fields" in self.ways else {"RegionId": "cn-hangzhou"}
        return {**region, **ways.get(self.ways.get("task id", ""), {"TaskId": task_id})}

    def _task(self, action: str, image_id: str, looks: Iterable[Any]) -> str:
        task_id = f"{self.ways.get('task begins', 't-')}bp67acfmxazb{next(self.numbers):04d}"
        self.tasks[task_id] = {"action": action, "image": image_id, "film": Film(*looks), "since": self.stamp(minutes=True),
                               "last": {"TaskStatus": "Waiting"}}  # fmt: skip
        return task_id

    def do_ImportImage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self._name_is_free(values["ImageName"])
        for number in range(1, 18):
            key = values.get(f"DiskDeviceMapping.{number}.OSSObject")
            if key and not self.oss.has(values.get(f"DiskDeviceMapping.{number}.OSSBucket", ""), key):
                raise RefusedError("InvalidOSSObject.NotFound")
        if self.dry(values):
            return {}
        image_id = self.put(
            "m-bp1imported00001", values["ImageName"], *self.ways.get("image looks", ["Creating", "Available"])
        )
        looks = self.ways.get(
            "task looks", [{"TaskStatus": "Processing", "TaskProcess": "10%"}, {"TaskStatus": "Finished"}]
        )
        task_id = self._task("ImportImage", image_id, [(look, {}) for look in looks])
        answer = self._with_task("ImportTaskId", task_id)
        return answer if "no image id" in self.ways else {**answer, "ImageId": image_id}

    def do_CreateImage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self._name_is_free(values["ImageName"])
        if values.get("InstanceId") == "i-nothere":
            raise RefusedError("InvalidInstanceId.NotFound", 404)
        if self.dry(values):
            return {}
        return {"ImageId": self.put("m-bp1created000001", values["ImageName"],
                                    *self.ways.get("image looks", ["Creating", "Available"]))}  # fmt: skip

    def do_CopyImage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if self.dry(values):
            return {}
        looks = self.ways.get("image looks", ["Waiting", "Creating", "Available"])
        return {"ImageId": self.put("m-bp1copied0000001", values["DestinationImageName"], *looks, IsCopied=True)}

    def do_DescribeTaskAttribute(self, values: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(values["TaskId"])
        if task is None:
            raise RefusedError("InvalidTaskId.NotFound", self.ways.get("not found status", 400))
        says, objects = task["film"].look()
        for disk, body in objects.items():
            self.oss.write(f"{task['bucket']}/{task['names'][disk]}", body)
        if says is None:
            raise RefusedError("InvalidTaskId.NotFound", self.ways.get("not found status", 400))
        task["last"] = {**task["last"], **says}
        entry = {"TaskId": values["TaskId"], "TaskAction": self._spelt(task["action"]), "RegionId": "cn-hangzhou",
                 "SupportCancel": "true", "CreationTime": task["since"], "FinishedTime": "", "TotalCount": 1,
                 "SuccessCount": 0, "FailedCount": 0, "TaskProcess": "0%", **self._items(task), **says}  # fmt: skip
        if "few fields" in self.ways:
            entry = {name: entry[name] for name in ("TaskId", "TaskStatus")}
        return {name: value for name, value in entry.items() if value is not ...}

    def _spelt(self, action: str) -> str:
        way = self.ways.get("action", "")
        return {"upper": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).upper(), "lower": action.lower()}.get(way, action)

    def _items(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """What the task says of its objects, in one of the ways that are known (alibaba.md 1.3)."""
        way = self.ways.get("related", "all")
        if "names" not in task or way == "missing":
            return {}
        written = [disk for disk in task["names"] if self.oss.has(task["bucket"], task["names"][disk])]
        entries = []
        for disk in written or ["system"]:
            items = [{"Name": "OSSBucket", "Value": task["bucket"]}, {"Name": "OSSObject", "Value": task["names"][disk]},
                     {"Name": "ImageFormat", "Value": "raw"}]  # fmt: skip
            kept = {"all": items, "object": items[1:2], "none": [], "early": items}[way]
            if not written and way != "early":
                kept = []
            entries.append({"OperationStatus": "Success", "ErrorCode": "", "ErrorMsg": "",
                            "RelatedItemSet": {"RelatedItem": kept}})  # fmt: skip
        return {"OperationProgressSet": {"OperationProgress": entries}}

    def do_DescribeTasks(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if "tasks are closed" in self.ways:
            raise RefusedError("Forbidden.RAM", 403)
        rows = []
        for task_id, task in self.tasks.items():
            if values.get("TaskAction", task["action"]) != task["action"] or values.get("TaskIds", task_id) != task_id:
                continue
            row = {"TaskId": task_id, "TaskAction": self._spelt(task["action"]), "TaskStatus": task["last"]["TaskStatus"],
                   "CreationTime": task["since"], "FinishedTime": "", "SupportCancel": "true"}  # fmt: skip
            rows.append(row | ({"ResourceId": task["image"]} if "resource ids" in self.ways else {}))
        return self._page(values, [] if "forgets tasks" in self.ways else rows, "TaskSet", "Task")

    def do_CancelTask(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self.tasks[values["TaskId"]]["film"] = Film(({"TaskStatus": "Deleted"}, {}))
        return {}

    def do_DeleteImage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self.images.pop(values["ImageId"], None)
        return {}

    def do_DeleteSnapshot(self, _values: Mapping[str, Any]) -> dict[str, Any]:
        return {}
