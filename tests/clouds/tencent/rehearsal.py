"""Our own sandbox as the cloud behind the adapters, for the contract suites."""

from __future__ import annotations

import time
from pathlib import Path

import urllib3

from imgmove.core.ports import SignedRequest
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.object_records import Properties
from imgmove.sandbox.world.tencent_records import SYSTEM_DISK, Disk, Image, Instance, Snapshot
from imgmove.testing.memory_store import Answer
from tests.sandbox.tencent.disk_builder import write_disk

UIN = "100000000001"
BUCKET = "imgmove-gz-1250000000"
REGION = "ap-guangzhou"


def settings_for(sandbox: Sandbox, home: Path) -> Settings:
    """What `imgmove.config` makes of the sandbox's environment."""
    environment = sandbox.environment()
    endpoints = {name.upper(): url for name, url in sandbox.endpoints.items()}
    return Settings(environment=environment, home=home, endpoints=endpoints, now=time.time, user_agent="imgmove/test")


def send(request: SignedRequest, body: bytes, sandbox: Sandbox) -> Answer:
    """Send a signed request as a worker does; COS's own names lead to the sandbox."""
    url, headers = request.url, dict(request.headers)
    parts = urllib3.util.parse_url(url)
    if (parts.host or "").endswith(".myqcloud.com"):
        headers["Host"] = str(parts.host)
        url = sandbox.endpoints["cos"] + parts.request_uri
    answer = urllib3.request(request.method, url, body=body or None, headers=headers, redirect=False, retries=False)
    return Answer(answer.status, dict(answer.headers), answer.data)


def add_image(sandbox: Sandbox, name: str, region: str = REGION) -> str:
    """Another exportable image of the account; its id."""
    tencent = sandbox.world.tencent
    with sandbox.world.lock:
        snapshot = tencent.add_snapshot(
            Snapshot(tencent.new_id("snap"), UIN, region, SYSTEM_DISK, 1, tencent.keep(_disk(sandbox)))
        )
        image = Image(
            tencent.new_id("img"), UIN, region, name, os_name="Debian 12 64bit", platform="Debian",
            created=sandbox.clock.wall(), snapshot_ids=[snapshot.snapshot_id],
        )  # fmt: skip
        return tencent.add_image(image).image_id


def add_instance(sandbox: Sandbox, prefix: str) -> str:
    """Another machine, of CVM (`ins`) or ECM (`ein`); its id."""
    tencent = sandbox.world.tencent
    with sandbox.world.lock:
        region = REGION if prefix == "ins" else "ap-hangzhou-ecm"
        machine = Instance(
            tencent.new_id(prefix), UIN, region, "machine", zone=f"{region}-1",
            disks=[Disk(tencent.new_id("disk"), SYSTEM_DISK, 1, tencent.keep(_disk(sandbox)))],
            created=sandbox.clock.wall(),
            os_name="Debian 12 64bit", platform="Debian", service="cvm" if prefix == "ins" else "ecm",
            state="RUNNING" if prefix == "ins" else "STOPPED",
        )  # fmt: skip
        return tencent.add_instance(machine).instance_id


def put_disk(sandbox: Sandbox, name: str) -> str:
    """A disk as an object in the bucket; its key."""
    world = sandbox.world
    with world.lock:
        bucket = world.objects.bucket("tencent", BUCKET)
        assert bucket is not None
        world.objects.put(bucket, f"{name}.raw", _disk(sandbox), Properties())
    return f"{name}.raw"


def _disk(sandbox: Sandbox) -> Path:
    return write_disk(sandbox.directory / "rehearsal.raw")
