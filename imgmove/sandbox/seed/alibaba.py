"""The default world's Alibaba account: 1000000000000001, with its roles, buckets, images and instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.world.accounts import Account, Key, Role
from imgmove.sandbox.world.alibaba_policy import system_policies
from imgmove.sandbox.world.alibaba_records import Image, ImageDisk, Instance, InstanceDisk, Snapshot

if TYPE_CHECKING:
    from imgmove.sandbox.seed.disk import SeedDisk
    from imgmove.sandbox.world import World

ACCOUNT = "1000000000000001"
KEY_ID = "LTAIsandboxoperator01"
SECRET = "sandbox-alibaba-secret"  # noqa: S105  # a made-up one, to be printed and published
REGION = "cn-hangzhou"
SINGAPORE = "ap-southeast-1"
"""A region where exports may have other formats than raw (alibaba.md 3.1)."""
BUCKETS = {"imgmove-hz": REGION, "imgmove-sg": SINGAPORE}
ROLES = {
    "AliyunECSImageExportDefaultRole": "AliyunECSImageExportRolePolicy",
    "AliyunECSImageImportDefaultRole": "AliyunECSImageImportRolePolicy",
}
TRUST = json.dumps(
    {
        "Statement": [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
        ],
        "Version": "1",
    }
)
DEBIAN: dict[str, Any] = {"platform": "Debian", "os_name": "Debian  12.0 64 bit", "cloud_init": True}
WINDOWS: dict[str, Any] = {
    "platform": "Windows Server 2022",
    "os_type": "windows",
    "os_name": "Windows Server 2022 Datacenter 64 bit",
    "license_type": "Aliyun",
}


def sow(world: World, disk: SeedDisk) -> None:
    """Puts the account into the world. To be called under `world.lock`."""
    _account(world)
    blob, data_blob = disk.system_blob(world.alibaba), disk.data_blob(world.alibaba)
    _images(world, blob, data_blob)
    _instances(world, blob)


def _account(world: World) -> None:
    accounts, now = world.accounts, world.clock.wall()
    accounts.add(Account("alibaba", ACCOUNT))
    accounts.add_key(Key("alibaba", KEY_ID, SECRET, ACCOUNT, f"acs:ram::{ACCOUNT}:root"))
    for policy in system_policies():
        accounts.add_policy("alibaba", "*", policy)
    for number, (name, policy_name) in enumerate(ROLES.items(), 1):
        role_id = f"30000000000000000{number}"
        accounts.add_role(
            Role("alibaba", ACCOUNT, name, role_id, ["ecs.aliyuncs.com"], TRUST, [policy_name], created=now)
        )
    for name, region in BUCKETS.items():
        world.objects.create_bucket("alibaba", name, region, ACCOUNT)


def _images(world: World, blob: str, data_blob: str) -> None:
    now = world.clock.wall()

    def add(image_id: str, name: str, owner: str = ACCOUNT, /, *, data: bool = False, **how: Any) -> None:
        """Adds an image with a system disk and, if asked for, a data disk."""
        region, encrypted = how.pop("region", REGION), how.pop("encrypted", False)
        kinds = [("system", "/dev/xvda", blob), ("data", "/dev/xvdb", data_blob)][: 2 if data else 1]
        disks = []
        for kind, device, bytes_of in kinds:
            snapshot_id = f"{image_id.replace('m-', 's-', 1)}{'d' if kind == 'data' else ''}"
            world.alibaba.add_snapshot(
                Snapshot(snapshot_id, region, owner, kind, 1, bytes_of, created=now, encrypted=encrypted)
            )
            disks.append(ImageDisk(kind, device, 1, bytes_of, snapshot_id, encrypted=encrypted))
        world.alibaba.add_image(Image(image_id, name, region, owner, disks, created=now, **how))

    add("m-bp1seed0000000000001", "debian-12-web", description="A web server", **DEBIAN)
    add("m-bp1seed0000000000002", "debian-12-db", data=True, description="With a data disk", **DEBIAN)
    add("m-t4nseed0000000000001", "debian-12-web-sg", region=SINGAPORE, **DEBIAN)
    add("m-bp1windows0000000001", "windows-2022-app", **WINDOWS)
    add("m-bp1crypt000000000001", "debian-12-secret", encrypted=True, **DEBIAN)
    add("m-bp1lamp0000000000001", "our-lamp", product_code="cmjj00000001", **DEBIAN)
    add("m-bp1market00000000001", "LAMP on Debian 12", "marketplace", product_code="cmjj00000001", **DEBIAN)
    add("debian_12_0_x64_20G_alibase_20260101.vhd", "debian_12_0_x64_20G_alibase_20260101.vhd", "system", **DEBIAN)


def _instances(world: World, blob: str) -> None:
    disk = InstanceDisk("d-bp1seed0000000000001", "system", "/dev/xvda", 1, blob)
    world.alibaba.add_instance(
        Instance(
            "i-bp1seed0000000000001",
            REGION,
            ACCOUNT,
            "web-1",
            "m-bp1seed0000000000001",
            [disk],
            status="Running",
            zone=f"{REGION}-i",
            os_name=DEBIAN["os_name"],
            created=world.clock.wall(),
        )
    )
