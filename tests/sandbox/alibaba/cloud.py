"""A small Alibaba world behind real HTTP listeners, and clients for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import FaultPlan, parse_fault
from imgmove.sandbox.wire.alibaba_sts import AlibabaStsWire
from imgmove.sandbox.wire.ecs import EcsWire
from imgmove.sandbox.wire.ram import RamWire
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account, Key, Role
from imgmove.sandbox.world.alibaba_policy import system_policies
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Instance, InstanceDisk, Snapshot
from imgmove.sandbox.world.alibaba_rules import Settings
from imgmove.sandbox.world.object_records import Bucket, Properties, StoredObject
from tests.sandbox.alibaba.serving import serving

ACCOUNT, STRANGER = "1000000000000001", "1000000000000002"
KEY_ID, SECRET = "LTAItestoperator", "test-secret"
HANGZHOU, SINGAPORE = "cn-hangzhou", "ap-southeast-1"
IMAGE, IMAGE_SG = "m-bp1test0000000000001", "m-t4ntest0000000000001"
INSTANCE = "i-bp1test0000000000001"
VERSIONS = {"ecs": "2014-05-26", "ram": "2015-05-01", "alibaba_sts": "2015-04-01"}

TRUST_ECS = (
    '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow",'
    '"Principal":{"Service":["ecs.aliyuncs.com"]}}],"Version":"1"}'
)
ROLES = {
    "AliyunECSImageExportDefaultRole": "AliyunECSImageExportRolePolicy",
    "AliyunECSImageImportDefaultRole": "AliyunECSImageImportRolePolicy",
}


def disk_bytes(fill: str = "system", size_bytes: int = 2 << 20) -> bytes:
    """A small raw disk: a partition table with one Linux partition, and something to tell it by."""
    disk = bytearray(size_bytes)
    disk[446:462] = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") * 2
    disk[510:512] = b"\x55\xaa"
    disk[1 << 20 : (1 << 20) + len(fill)] = fill.encode()
    return bytes(disk)


@dataclass(frozen=True)
class Refused:
    """How a call was refused."""

    code: str
    status: int
    message: str
    data: dict[str, Any]


@dataclass
class Cloud:
    """The world, its clock and where it listens."""

    world: World
    clock: Clock
    ports: dict[str, int]

    @property
    def settings(self) -> Settings:
        """ECS's settings."""
        return self.world.alibaba.settings

    def endpoint(self, service: str = "ecs") -> str:
        """Where a service listens, in the form that the SDK wants."""
        return f"127.0.0.1:{self.ports[service]}"

    def config(self, service: str = "ecs", key: Key | None = None, **options: Any) -> Config:
        """The official client's configuration: nothing special but endpoint and protocol."""
        key = key or self.key
        return Config(
            access_key_id=key.access_key_id,
            access_key_secret=key.secret,
            security_token=key.token,
            region_id=HANGZHOU,
            endpoint=self.endpoint(service),
            protocol="http",
            **options,
        )

    @property
    def key(self) -> Key:
        """The operator's key."""
        key = self.world.accounts.key("alibaba", KEY_ID)
        assert key is not None
        return key

    def ask(self, action: str, *, key: Key | None = None, **parameters: Any) -> dict[str, Any]:
        """Calls ECS with the official typed client; the region is Hangzhou unless given."""
        request = getattr(models, f"{action}Request")()
        if "region_id" not in parameters and hasattr(request, "region_id"):
            parameters["region_id"] = HANGZHOU
        for name, value in parameters.items():
            assert hasattr(request, name), f"{action} has no {name}"
            setattr(request, name, value)
        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
        answer: dict[str, Any] = getattr(Client(self.config(key=key)), method)(request).body.to_map()
        return answer

    def refused(self, action: str, *, key: Key | None = None, **parameters: Any) -> Refused:
        """The refusal of a call that must not succeed."""
        try:
            answer = self.ask(action, key=key, **parameters)
        except (ClientException, ServerException) as error:
            return _refused(error)
        raise AssertionError(f"{action} was accepted: {answer}")

    def rpc(self, service: str, action: str, key: Key | None = None, **parameters: Any) -> dict[str, Any]:
        """Calls any service with the official generic client and plain parameters."""
        params = Params(
            action=action,
            version=VERSIONS[service],
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        query = {name.replace("__", "."): str(value) for name, value in parameters.items()}
        client = OpenApiClient(self.config(service, key))
        body: dict[str, Any] = client.call_api(params, OpenApiRequest(query=query), RuntimeOptions())["body"]
        return body

    def rpc_refused(self, service: str, action: str, key: Key | None = None, **parameters: Any) -> Refused:
        """The refusal of such a call."""
        try:
            answer = self.rpc(service, action, key, **parameters)
        except (ClientException, ServerException) as error:
            return _refused(error)
        raise AssertionError(f"{action} was accepted: {answer}")

    def fault(self, text: str) -> None:
        """Plans a fault."""
        self.world.faults.add(parse_fault(text))

    def finish(self, seconds: float = 1000.0) -> None:
        """Lets enough of the sandbox's time pass for everything to end, and looks, as any call of a service does."""
        self.clock.advance(seconds)
        with self.world.lock:
            self.world.alibaba.settle()

    def image(self, image_id: str, region: str = HANGZHOU) -> dict[str, Any]:
        """An image as DescribeImages shows it, in whatever status."""
        (shown,) = self.images(region, ImageId=image_id)
        return shown

    def images(self, region: str = HANGZHOU, **filters: Any) -> list[dict[str, Any]]:
        """DescribeImages with Status=ALL and other filters."""
        answer = self.rpc("ecs", "DescribeImages", RegionId=region, **{"Status": "ALL", **filters})
        found: list[dict[str, Any]] = answer["Images"]["Image"]
        return found

    def task(self, task_id: str, region: str = HANGZHOU) -> dict[str, Any]:
        """DescribeTaskAttribute."""
        return self.ask("DescribeTaskAttribute", task_id=task_id, region_id=region)

    def bucket(self, name: str = "hz-bucket") -> Bucket:
        """A bucket."""
        bucket = self.world.objects.bucket("alibaba", name)
        assert bucket is not None
        return bucket

    def put(
        self, key: str, content: bytes | Path, bucket: str = "hz-bucket", storage_class: str = "Standard"
    ) -> StoredObject:
        """Stores an object."""
        properties = Properties(storage_class=storage_class)
        return self.world.objects.put(self.bucket(bucket), key, content, properties)

    def content(self, key: str, bucket: str = "hz-bucket") -> Path:
        """The file with an object's bytes."""
        found = self.world.objects.head(self.bucket(bucket), key)
        assert found is not None, f"no object {key}: {self.keys(bucket)}"
        return self.world.objects.path(found)

    def keys(self, bucket: str = "hz-bucket") -> list[str]:
        """The keys in a bucket."""
        return [item.key for item in self.world.objects.list(self.bucket(bucket), max_keys=1000).items]

    def blob(self, content: bytes) -> str:
        """Stores bytes of a disk."""
        file = self.world.root / "some-disk"
        file.write_bytes(content)
        return self.world.alibaba.keep(file, take=True)

    def add_image(self, image_id: str, region: str = HANGZHOU, *, data_disks: int = 0, **fields: Any) -> Image:
        """Puts an image with one system disk and some data disks into the world."""
        disks = [self._disk(region, "system", "/dev/xvda")]
        disks += [self._disk(region, "data", f"/dev/xvd{letter}") for letter in "bcdefghijklmnop"[:data_disks]]
        fields = {"name": f"name-{image_id}", "owner": ACCOUNT, **fields}
        return self.world.alibaba.add_image(Image(image_id=image_id, region=region, disks=disks, **fields))

    def _disk(self, region: str, kind: str, device: str) -> ImageDisk:
        blob, snapshot_id = self.blob(disk_bytes(device)), self.world.alibaba.new_id("s")
        self.world.alibaba.add_snapshot(Snapshot(snapshot_id, region, ACCOUNT, kind, 1, blob))
        return ImageDisk(kind, device, 1, blob, snapshot_id)


@contextmanager
def running(root: Path) -> Iterator[Cloud]:
    """A cloud with an account, its roles, two buckets, two images and an instance; its clock stands still."""
    clock = Clock()
    clock.freeze()
    world = World(root, clock, FaultPlan())
    for account_id in (ACCOUNT, STRANGER):
        world.accounts.add(Account("alibaba", account_id))
    world.accounts.add_key(Key("alibaba", KEY_ID, SECRET, ACCOUNT, f"acs:ram::{ACCOUNT}:root"))
    for policy in system_policies():
        world.accounts.add_policy("alibaba", "*", policy)
    for number, (role, policy_name) in enumerate(ROLES.items()):
        trusted = ["ecs.aliyuncs.com"]
        world.accounts.add_role(
            Role("alibaba", ACCOUNT, role, f"30000000000000000{number}", trusted, TRUST_ECS, [policy_name])
        )
    world.objects.create_bucket("alibaba", "hz-bucket", HANGZHOU, ACCOUNT)
    world.objects.create_bucket("alibaba", "sg-bucket", SINGAPORE, ACCOUNT)
    wires = {"ecs": EcsWire(world, clock), "ram": RamWire(world, clock), "alibaba_sts": AlibabaStsWire(world, clock)}
    with serving(world, wires) as ports:
        cloud = Cloud(world, clock, ports)
        cloud.add_image(IMAGE, name="debian-12-web", platform="Debian", os_name="Debian 12 64 bit")
        cloud.add_image(IMAGE_SG, SINGAPORE, name="debian-12-sg", platform="Debian")
        disks = [
            InstanceDisk("d-bp1test1", "system", "/dev/xvda", 1, cloud.blob(disk_bytes("instance"))),
            InstanceDisk("d-bp1test2", "data", "/dev/xvdb", 1, cloud.blob(disk_bytes("instance data"))),
        ]
        world.alibaba.add_instance(Instance(INSTANCE, HANGZHOU, ACCOUNT, "web-1", IMAGE, disks))
        yield cloud


def _refused(error: Any) -> Refused:
    return Refused(error.code, error.status_code, error.data["Message"], json.loads(json.dumps(error.data)))
