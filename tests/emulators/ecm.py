"""ECM of the second emulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.api30 import ECM, Api, RefusedError, matches
from tests.emulators.wire import Film


class Ecm(Api):
    """ECM: tasks are followed by the call of their own kind, whose answers differ in types (tencent.md 1.5)."""

    version, table = "2019-07-19", ECM

    def __init__(self, now: Callable[[], float], cos: Any, ways: Mapping[str, Any]) -> None:
        super().__init__(now, ways)
        self.cos = cos
        self.kinds: dict[str, tuple[str, str]] = {}

    def own(self, image_id: str, name: str, *looks: Any, **fields: Any) -> str:
        self.put(image_id, name, *(looks or ["NORMAL"]), **{
            "ImageType": "PRIVATE_IMAGE", "ImageOsName": "CentOS 7.6 64bit", "ImageDescription": "",
            "ImageCreateTime": self.stamp("%Y-%m-%d %H:%M:%S"), "ImageSize": 50, "Architecture": "x86_64",
            "OsType": "LINUX", "Platform": "CentOS", "ImageOwner": 100, "TaskId": "", "OsVersion": "CentOS 7.6",
            "ImageSource": "", "IsSupportCloudInit": True, "SrcImage": {"ImageId": "", "Region": "", "InstanceId": ""},
            **fields,
        })  # fmt: skip
        return image_id

    def _task(self, kind: str, name: str) -> str:
        task_id = str(1528610 + next(self.numbers))
        default = (
            [("OPERATING", ""), ("SUCCESS", "")] if kind == "CreateImage" else [("PROCESSING", None), ("SUCCESS", None)]
        )
        self.tasks[task_id] = Film(*self.ways.get("task looks", default))
        self.kinds[task_id] = (kind, name)
        return task_id

    def do_CreateImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if values["InstanceId"] == "ein-running0" and values.get("ForcePoweroff") != "TRUE":
            raise RefusedError("FailedOperation.InstanceNotAllStopped")
        if any(image["fields"]["ImageName"] == values["ImageName"] for image in self.images.values()):
            raise RefusedError("InvalidParameterValue.ImageNameDuplicate")
        looks = self.ways.get("image looks", ["CREATING", "NORMAL"])
        self.own("img-edge0001", values["ImageName"], *looks, SrcImage={"InstanceId": values["InstanceId"]})
        return self._task_answer(self._task("CreateImage", values["ImageName"]), str)

    def _task_answer(self, task_id: str, by_definition: type) -> dict[str, Any]:
        ways: dict[str, dict[str, Any]] = {
            "number": {"TaskId": int(task_id)}, "text": {"TaskId": task_id}, "none": {}, "null": {"TaskId": None},
        }  # fmt: skip
        return ways.get(self.ways.get("task id", ""), {"TaskId": by_definition(task_id)})

    def do_ImportImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        image_id = values["ImageId"] if "same id" in self.ways else "img-edge0002"
        self.own(
            image_id, self.ways.get("edge name", "from the centre"), *self.ways.get("image looks", ["SYNCING", "NORMAL"]),
            ImageDescription=values["ImageDescription"],
            SrcImage={"ImageId": values["ImageId"], "Region": values["SourceRegion"]},
        )  # fmt: skip
        return {}

    def do_ImportCustomImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        for item in values.get("ImageUrls", ()):
            bucket, key = self.check_url(item["ImageFile"])
            if not self.cos.has(bucket, key):
                raise RefusedError("InvalidParameterValue", item["ImageFile"])
        self.own("img-edge0003", values["ImageName"], *self.ways.get("image looks", ["IMPORTING", "NORMAL"]))
        return {
            "ImageId": "img-edge0003",
            **self._task_answer(self._task("ImportCustomImage", values["ImageName"]), int),
        }

    def do_DescribeImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        names = {"image-id": "ImageId", "image-type": "ImageType", "image-name": "ImageName", "image-os": "ImageOsName"}
        shown = [image for name in self.images if (image := self.shown(name)) is not None]
        found = [image for image in shown if matches(image, values.get("Filters", []), names)]
        wanted = any(item["Name"] == "image-id" for item in values.get("Filters", []))
        if not found and wanted and "unknown id is an error" in self.ways:
            raise RefusedError("InvalidParameterValue.InvalidImageID")
        return self.page(values, found)

    def do_DescribeTaskStatus(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        wanted = values["TaskSet"][0]
        kind, _name = self.kinds.get(wanted["TaskId"], ("", ""))
        if kind != wanted["Operation"]:
            if "unknown task is an error" in self.ways:
                raise RefusedError("InvalidParameterValue.TaskNotFound")
            return {"TaskSet": None if "null sets" in self.ways else []}
        status, message = self.tasks[wanted["TaskId"]].look()
        shown: Any = wanted["TaskId"] if self.ways.get("task id shown") == "text" else int(wanted["TaskId"])
        entry = {"TaskId": shown, "Status": status, "Message": message, "Operation": kind,
                 "AddTime": self.stamp("%Y-%m-%d %H:%M:%S"), "EndTime": ""}  # fmt: skip
        if "few fields" in self.ways:
            entry = {"Status": status}
        return {"TaskSet": [entry]}

    def do_DescribeCustomImageTask(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        task_id = next(item["Values"][0] for item in values["Filters"] if item["Name"] == "task-id")
        kind, name = self.kinds.get(task_id, ("", ""))
        if kind != "ImportCustomImage":
            if "unknown task is an error" in self.ways:
                raise RefusedError("InvalidParameterValue.TaskNotFound")
            return {"ImageTaskSet": None if "null sets" in self.ways else [], "TotalCount": 0}
        state, message = self.tasks[task_id].look()
        entry = {"State": state, "Message": message, "ImageName": name, "CreateTime": self.stamp("%Y-%m-%d %H:%M:%S")}
        if "few fields" in self.ways:
            entry = {"State": state}
        return {"ImageTaskSet": [entry], "TotalCount": 1}

    def do_DeleteImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        for image_id in values["ImageIDSet"]:
            self.images.pop(image_id, None)
        return {}
