"""Answers of ECS in the forms of the vendor's documents (alibaba.md 5.5), for the scripted server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.clouds.alibaba.scripted import Asked, Reply, ok


def task(
    status: str = "Processing", *, objects: Sequence[str] = (), action: str = "ExportImage", bucket: str = "bkt",
    code: str = "", message: str = "", **more: Any,
) -> Reply:  # fmt: skip
    """DescribeTaskAttribute; one progress entry for each object, as for each disk."""
    entries = [
        {
            "OperationStatus": "Success", "ErrorCode": "", "ErrorMsg": "",
            "RelatedItemSet": {"RelatedItem": [
                {"Name": "OSSBucket", "Value": bucket}, {"Name": "OSSObject", "Value": key},
                {"Name": "ImageFormat", "Value": "raw"},
            ]},
        }
        for key in objects
    ]  # fmt: skip
    if code or message:
        entries.append({"OperationStatus": "Failed", "ErrorCode": code, "ErrorMsg": message})
    body: dict[str, Any] = {
        "RegionId": "cn-hangzhou", "TaskId": "t-1", "TaskAction": action, "TaskStatus": status, "TaskProcess": "40%",
        "SupportCancel": "true", "CreationTime": "2026-06-01T00:00Z", "FinishedTime": "", "TotalCount": 1,
        "OperationProgressSet": {"OperationProgress": entries},
    }  # fmt: skip
    return ok(**(body | more))


def listed_tasks(*tasks: Mapping[str, Any]) -> Reply:
    """DescribeTasks."""
    full = [
        {"TaskAction": "ExportImage", "CreationTime": "2026-06-01T00:00Z", "ResourceId": "", **entry} for entry in tasks
    ]
    return ok(TotalCount=len(full), PageNumber=1, PageSize=100, TaskSet={"Task": full})


def images(*found: Mapping[str, Any]) -> Reply:
    """DescribeImages."""
    return ok(TotalCount=len(found), PageNumber=1, PageSize=100, Images={"Image": list(found)})


def image(status: str = "Available", image_id: str = "m-9", **more: Any) -> dict[str, Any]:
    disk = {"Type": "system", "Device": "/dev/xvda", "Size": "40", "Format": "RAW", "SnapshotId": "s-1",
            "ImportOSSBucket": "bkt", "ImportOSSObject": "web01.qcow2"}  # fmt: skip
    body = {
        "ImageId": image_id, "ImageName": "web01", "Status": status, "Progress": "32%", "Size": 40, "OSType": "linux",
        "Platform": "Ubuntu", "Architecture": "x86_64", "BootMode": "BIOS", "ImageOwnerAlias": "self",
        "CreationTime": "2026-06-01T00:00Z", "Tags": {"Tag": [{"TagKey": "k", "TagValue": "v"}]},
        "DiskDeviceMappings": {"DiskDeviceMapping": [disk]},
    }  # fmt: skip
    return body | more


class ObjectsInOss:
    """An OSS bucket behind the scripted server: head, ranged get, list."""

    def __init__(self, *keys: str, body: bytes = b"\x1f\x8b rest") -> None:
        self.body = body
        self.keys = dict.fromkeys(keys, "E1")
        self.modified = "Mon, 01 Jun 2026 00:10:00 GMT"
        self.listed: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        key = asked.path.removeprefix("/bkt/")
        if not key:
            return self._list(asked)
        if key not in self.keys:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        headers = {
            "ETag": f'"{self.keys[key]}"', "Last-Modified": self.modified, "x-oss-hash-crc64ecma": "5",
        }  # fmt: skip
        if asked.method == "HEAD":
            return Reply(200, b"", {**headers, "Content-Length": str(len(self.body))})
        headers["Content-Range"] = f"bytes 0-{len(self.body) - 1}/{len(self.body)}"
        return Reply(206, self.body, headers)

    def _list(self, asked: Asked) -> Reply:
        if "prefix" not in asked.query:
            return Reply(403, b"<Error><Code>AccessDenied</Code></Error>")
        prefix = asked.query["prefix"]
        self.listed.append(prefix)
        entries = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-06-01T00:10:00.000Z</LastModified><ETag>E1</ETag>"
            f"<Size>{len(self.body)}</Size></Contents>"
            for key in sorted(self.keys)
            if key.startswith(prefix)
        )
        return Reply(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode())
