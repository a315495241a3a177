"""Exports of CVM as the tests see them: requests, answers, and looks until the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.core.errors import ImgmoveError
from imgmove.core.requests import ExportRequest
from imgmove.core.tasks import Handle, TaskReport
from tests.clouds.tencent.scripted import Reply, ScriptedServer, ok

IMAGE = "img-72n9mi0y"
KEY = f"im0123_{IMAGE}_system_snap-fiux4bof.raw"
TOKEN = "im0123"
REQUEST = ExportRequest((IMAGE,), "test-bucket-125")


def image(state: str = "NORMAL", image_id: str = IMAGE, *, disks: int = 1, **fields: Any) -> dict[str, Any]:
    usages = ["SYSTEM_DISK"] + ["DATA_DISK"] * (disks - 1)
    snapshots = [{"SnapshotId": f"snap-{n}", "DiskUsage": usage} for n, usage in enumerate(usages)]
    return {"ImageId": image_id, "ImageState": state, "ImageType": "PRIVATE_IMAGE", "SnapshotSet": snapshots, **fields}


def shows(server: ScriptedServer, *images: Mapping[str, Any]) -> None:
    server.on("DescribeImages", ok(ImageSet=list(images), TotalCount=len(images)))


def accepted(*keys: str, **fields: Any) -> Reply:
    return ok(TaskId=105591590, CosPaths=[f"/{key}" for key in keys], **fields)


def submitted(cvm: Cvm, server: ScriptedServer, request: ExportRequest = REQUEST, keys: tuple[str, ...] = (KEY,),
              ) -> Handle:  # fmt: skip
    server.on("ExportImages", accepted(*keys))
    return cvm.submit(request, TOKEN)


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def until_end(cvm: Cvm, handle: Handle, looks: int = 5) -> TaskReport:
    report = cvm.poll(handle, {})
    for _ in range(looks):
        if report.is_final:
            break
        report = cvm.poll(handle, report.memo)
    return report
