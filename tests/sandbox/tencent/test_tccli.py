"""tccli, unchanged, as an operator types it: only `--endpoint` says that the cloud is elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.tencent.cloud import APP_ID, BUCKET, GZ, SECRET, SECRET_ID, UIN, Cloud

pytestmark = pytest.mark.judges

Tccli = Callable[..., Any]


@pytest.fixture
def tccli(cloud: Cloud, judge: Callable[[str], str], tmp_path: Path) -> Tccli:
    """Runs tccli with keys from the environment; gives the JSON that it prints, or its error text."""
    program = judge("tccli")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT")}
    environment = {
        **kept,
        "HOME": str(tmp_path),
        "TENCENTCLOUD_SECRET_ID": SECRET_ID,
        "TENCENTCLOUD_SECRET_KEY": SECRET,
        "TENCENTCLOUD_REGION": GZ,
    }

    def run(service: str, action: str, *options: str, **more: str) -> Any:
        endpoint = cloud.sandbox.endpoints["tencent_sts" if service == "sts" else service]
        command = [program, service, action, "--endpoint", endpoint, *options]
        done = subprocess.run(
            command, env={**environment, **more}, capture_output=True, text=True, timeout=120, check=False
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stdout + done.stderr

    return run


def test_an_export_from_the_command_line(cloud: Cloud, tccli: Tccli) -> None:
    image = cloud.image()
    ids = json.dumps([image.image_id])
    answer = tccli("cvm", "ExportImages", "--BucketName", BUCKET, "--ImageIds", ids, "--ExportFormat", "QCOW2")
    assert answer["CosPaths"] == [f"/{image.image_id}_system_{image.snapshot_ids[0]}.qcow2"]
    cloud.pass_time(300)
    filters = '[{"Name": "image-type", "Values": ["PRIVATE_IMAGE"]}]'
    (seen,) = tccli("cvm", "DescribeImages", "--Filters", filters)["ImageSet"]
    assert seen["ImageState"] == "NORMAL"
    refused = tccli("cvm", "ExportImages", "--BucketName", f"absent-{APP_ID}", "--ImageIds", ids)
    assert "InvalidParameterValue.BucketNotFound" in refused


def test_an_import_from_the_command_line(cloud: Cloud, tccli: Tccli) -> None:
    url = cloud.put("disk.raw", cloud.disk())
    system = ("--Architecture", "x86_64", "--OsType", "Debian", "--OsVersion", "12")
    answer = tccli("cvm", "ImportImage", *system, "--ImageUrl", url, "--ImageName", "new", "--Force", "True")
    cloud.pass_time(600)
    assert cloud.state(answer["ImageId"]) == "NORMAL"


def test_ecm_cam_and_sts_from_the_command_line(cloud: Cloud, tccli: Tccli) -> None:
    cloud.instance("ein-machine1", service="ecm", region="ap-hangzhou-ecm", state="STOPPED")
    options = ("--cli-unfold-argument", "--InstanceId", "ein-machine1", "--ImageName", "golden")
    task_id = tccli("ecm", "CreateImage", *options)["TaskId"]
    cloud.pass_time(300)
    tasks = json.dumps([{"Operation": "CreateImage", "TaskId": task_id}])
    assert tccli("ecm", "DescribeTaskStatus", "--TaskSet", tasks)["TaskSet"][0]["Status"] == "SUCCESS"
    assert tccli("cam", "GetRole", "--RoleName", "CVM_QcsRole")["RoleInfo"]["RoleName"] == "CVM_QcsRole"
    assert tccli("sts", "GetCallerIdentity")["AccountId"] == UIN


def test_keys_that_are_wrong(tccli: Tccli) -> None:
    refused = tccli("cvm", "DescribeImages", TENCENTCLOUD_SECRET_KEY="another")
    assert "AuthFailure.SignatureFailure" in refused
    assert "AuthFailure.TokenFailure" in tccli("cvm", "DescribeImages", TENCENTCLOUD_TOKEN="unasked")
