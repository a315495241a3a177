"""Imports with the official client, in few words."""

from __future__ import annotations

import tarfile
from typing import Any

from alibabacloud_ecs20140526 import models

from tests.sandbox.alibaba.cloud import Cloud, Refused

Disk = models.ImportImageRequestDiskDeviceMapping
IMPORT_ROLE = "AliyunECSImageImportDefaultRole"


def disks(*keys: str, **fields: Any) -> list[Any]:
    return [Disk(ossbucket="hz-bucket", ossobject=key, **fields) for key in keys]


def start(cloud: Cloud, key: str = "disk.raw", **parameters: Any) -> dict[str, Any]:
    """Starts the import of one object, or of the mappings given."""
    mapping = parameters.pop("disk_device_mapping", None) or disks(key)
    return cloud.ask("ImportImage", disk_device_mapping=mapping, **parameters)


def failure(cloud: Cloud, **parameters: Any) -> str:
    """Imports to the end; gives the code that the task failed with."""
    answer = start(cloud, **parameters)
    cloud.finish()
    task = cloud.task(answer["TaskId"])
    (entry,) = task["OperationProgressSet"]["OperationProgress"]
    assert (task["TaskStatus"], entry["OperationStatus"]) == ("Failed", "Failed")
    assert entry["ErrorMsg"]
    return str(entry["ErrorCode"])


def refused(cloud: Cloud, key: str = "disk.raw", **parameters: Any) -> Refused:
    mapping = parameters.pop("disk_device_mapping", None) or disks(key)
    return cloud.refused("ImportImage", disk_device_mapping=mapping, **parameters)


def exported_bytes(cloud: Cloud, image_id: str) -> bytes:
    """The bytes that an export of an image gives."""
    cloud.ask("ExportImage", image_id=image_id, ossbucket="hz-bucket", ossprefix="back")
    cloud.finish()
    with tarfile.open(cloud.content(f"back_{image_id}_system.raw.tar.gz"), "r:gz") as archive:
        stream = archive.extractfile(archive.getmembers()[0])
        assert stream is not None
        return stream.read()
