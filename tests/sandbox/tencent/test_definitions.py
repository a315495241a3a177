"""Answers have the members and types of the vendor's own definitions, which come with tccli."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.tencent.cloud import BUCKET, GZ, SH, Cloud

pytestmark = pytest.mark.judges

FILES = {
    "cvm": "cvm/v20170312",
    "ecm": "ecm/v20190719",
    "cam": "cam/v20190116",
    "tencent_sts": "sts/v20180813",
}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "datetime": (str,),
    "datetime_iso": (str,),
    "int64": (int,),
    "uint64": (int,),
    "bool": (bool,),
}
FIRST_PAGE = {"Page": 1, "Rp": 20}

QUESTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("cvm", "DescribeImages", {}),
    ("cvm", "DescribeInstances", {}),
    ("cvm", "DescribeImportImageOs", {}),
    ("cvm", "DescribeImageQuota", {}),
    ("cvm", "DescribeAccountQuota", {}),
    ("cvm", "DescribeRegions", {}),
    ("cvm", "DescribeZones", {}),
    ("cvm", "DescribeTaskInfo", {"Limit": 20, "Offset": 0}),
    ("cvm", "ExportImages", {"BucketName": BUCKET, "ImageIds": ["img-web00001"]}),
    ("cvm", "CreateImage", {"ImageName": "new", "InstanceId": "ins-machine1"}),
    ("cvm", "SyncImages", {"ImageIds": ["img-web00001"], "DestinationRegions": [SH], "ImageSetRequired": True}),
    ("cvm", "DeleteImages", {"ImageIds": ["img-web00001"]}),
    ("cvm", "ModifyImageAttribute", {"ImageId": "img-web00001", "ImageName": "other"}),
    ("ecm", "DescribeImage", {}),
    ("ecm", "DescribeInstances", {}),
    ("ecm", "DescribeImportImageOs", {}),
    ("ecm", "DescribeConfig", {}),
    ("ecm", "CreateImage", {"ImageName": "new", "InstanceId": "ein-machine1"}),
    ("ecm", "ImportImage", {"ImageId": "img-web00001", "ImageDescription": "", "SourceRegion": GZ}),
    ("cam", "GetRole", {"RoleName": "CVM_QcsRole"}),
    ("cam", "DescribeRoleList", FIRST_PAGE),
    ("cam", "ListAttachedRolePolicies", {"RoleName": "CVM_QcsRole", **FIRST_PAGE}),
    ("cam", "ListPolicies", {}),
    ("cam", "GetUserAppId", {}),
    ("tencent_sts", "GetCallerIdentity", {}),
]


class Definition:
    """The vendor's definition of one API."""

    def __init__(self, path: Path) -> None:
        self._content = json.loads(path.read_text(encoding="utf-8"))

    def faults(self, action: str, answer: dict[str, Any]) -> list[str]:
        """What is wrong with an answer, in words."""
        return list(self._of_object(self._content["actions"][action]["output"], answer, action))

    def _of_object(self, name: str, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        members = {member["name"]: member for member in self._content["objects"][name]["members"]}
        yield from (f"{path}.{each} is not defined" for each in value.keys() - members.keys())
        for each, member in members.items():
            if each in value:
                yield from self._of_member(member, value[each], f"{path}.{each}")
            elif member.get("output_required"):
                yield f"{path}.{each} is missing"

    def _of_member(self, member: dict[str, Any], value: Any, path: str) -> Iterator[str]:
        if value is None:
            if not member.get("value_allowed_null"):
                yield f"{path} is null"
        elif member["type"] == "list":
            yield from (fault for each in value for fault in self._of_value(member["member"], each, f"{path}[]"))
        else:
            yield from self._of_value(member["member"], value, path)

    def _of_value(self, kind: str, value: Any, path: str) -> Iterator[str]:
        if kind in self._content["objects"]:
            yield from self._of_object(kind, value, path)
        elif type(value) not in TYPES[kind]:
            yield f"{path} is {value!r}, not {kind}"


@pytest.fixture(scope="session")
def definitions(judge: Callable[[str], str]) -> dict[str, Definition]:
    """The definitions by service."""
    home = Path(judge("tccli")).resolve().parents[1]
    (services,) = home.glob("lib/python3*/site-packages/tccli/services")
    return {name: Definition(services / place / "api.json") for name, place in FILES.items()}


@pytest.mark.parametrize(("service", "action", "parameters"), QUESTIONS, ids=lambda value: str(value)[:24])
def test_answers_are_as_defined(
    cloud: Cloud, definitions: dict[str, Definition], service: str, action: str, parameters: dict[str, Any]
) -> None:
    cloud.image(image_id="img-web00001", tags={"team": "web"})
    cloud.instance(data_disks=1, tags={"team": "web"})
    cloud.instance("ein-machine1", service="ecm", region="ap-hangzhou-ecm", state="STOPPED")
    cloud.ecm("ImportImage", ImageId=cloud.image("db").image_id, ImageDescription="", SourceRegion=GZ)
    cloud.pass_time(10)
    answer = cloud.call(service, action, GZ if service == "cvm" else "", **parameters)
    assert definitions[service].faults(action, answer) == []


def test_answers_about_tasks_are_as_defined(cloud: Cloud, definitions: dict[str, Definition]) -> None:
    cloud.instance("ein-machine1", service="ecm", region="ap-hangzhou-ecm", state="STOPPED")
    url = cloud.put("disk.raw", cloud.disk())
    system = {"Architecture": "x86_64", "OsType": "Debian", "OsVersion": "12", "ImageName": "a"}
    created = cloud.ecm("CreateImage", ImageName="b", InstanceId="ein-machine1")
    imported = cloud.ecm("ImportCustomImage", **system, ImageUrls=[{"ImageFile": url}])
    faults = definitions["ecm"].faults("ImportCustomImage", imported)
    for _ in range(2):
        tasks = [{"Operation": "CreateImage", "TaskId": created["TaskId"]}]
        faults += definitions["ecm"].faults("DescribeTaskStatus", cloud.ecm("DescribeTaskStatus", TaskSet=tasks))
        filters = [{"Name": "task-id", "Values": [str(imported["TaskId"])]}]
        answer = cloud.ecm("DescribeCustomImageTask", Filters=filters)
        faults += definitions["ecm"].faults("DescribeCustomImageTask", answer)
        cloud.pass_time(300)
    cvm = cloud.cvm("ImportImage", **system, ImageUrl=url)
    assert faults + definitions["cvm"].faults("ImportImage", cvm) == []
