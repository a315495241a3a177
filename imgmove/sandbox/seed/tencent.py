"""The default world's Tencent account: 1250000000, with its role, buckets, images and instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.world.accounts import Account, Key, Role
from imgmove.sandbox.world.tencent_records import (
    DATA_DISK,
    MARKET,
    PUBLIC,
    SYSTEM_DISK,
    Disk,
    Image,
    Instance,
    Snapshot,
)

if TYPE_CHECKING:
    from imgmove.sandbox.seed.disk import SeedDisk
    from imgmove.sandbox.world import World

UIN = "100000000001"
APP_ID = "1250000000"
OTHER_UIN = "100000000002"
OTHER_APP_ID = "1250000002"
"""A second account: the owner of the image that is shared with the first."""
KEY_ID = "AKIDsandboxoperator000000000000000001"
SECRET = "sandbox-tencent-secret"  # noqa: S105  # a made-up one, to be printed and published
REGION = "ap-guangzhou"
ECM_REGION = "ap-hangzhou-ecm"
BUCKETS = {f"imgmove-gz-{APP_ID}": "ap-guangzhou", f"imgmove-sh-{APP_ID}": "ap-shanghai"}
ROLE = "CVM_QcsRole"
ROLE_POLICIES = ["QcloudCOSFullAccess"]
TRUST = json.dumps(
    {
        "version": "2.0",
        "statement": [{"action": "name/sts:AssumeRole", "effect": "allow", "principal": {"service": "cvm.qcloud.com"}}],
    }
)
DEBIAN: dict[str, Any] = {"os_name": "Debian 12 64bit", "platform": "Debian", "os_type": "Debian", "os_version": "12"}
REDHAT: dict[str, Any] = {"os_name": "Red Hat 8 64bit", "platform": "RedHat", "os_type": "Redhat", "os_version": "8"}
WINDOWS: dict[str, Any] = {
    "os_name": "Windows Server 2022 64bit",
    "platform": "Windows",
    "os_type": "Windows Server 2022",
    "os_version": "-",
}


def sow(world: World, disk: SeedDisk) -> None:
    """Puts the account into the world. To be called under `world.lock`."""
    _account(world)
    blob, data_blob = disk.system_blob(world.tencent), disk.data_blob(world.tencent)
    _images(world, blob, data_blob)
    _instances(world, blob)


def _account(world: World) -> None:
    accounts, now = world.accounts, world.clock.wall()
    accounts.add(Account("tencent", UIN, APP_ID))
    accounts.add(Account("tencent", OTHER_UIN, OTHER_APP_ID))
    accounts.add_key(Key("tencent", KEY_ID, SECRET, UIN, f"qcs::cam:{UIN}:uin/{UIN}"))
    accounts.add_role(
        Role("tencent", UIN, ROLE, "4611686018427397919", ["cvm.qcloud.com"], TRUST, list(ROLE_POLICIES), created=now)
    )
    for name, region in BUCKETS.items():
        world.objects.create_bucket("tencent", name, region, UIN)


def _images(world: World, blob: str, data_blob: str) -> None:
    tencent, now = world.tencent, world.clock.wall()

    def add(image: Image, *data_snapshots: str, encrypted: bool = False) -> None:
        """Adds an image with a system disk, and a data disk for each further snapshot."""
        image.created = now
        image.snapshot_ids = [image.image_id.replace("img-", "snap-"), *data_snapshots]
        for number, snapshot_id in enumerate(image.snapshot_ids):
            usage, bytes_of = (DATA_DISK, data_blob) if number else (SYSTEM_DISK, blob)
            where = (snapshot_id, image.account_id, image.region)
            tencent.add_snapshot(Snapshot(*where, usage, 1, bytes_of, encrypted=encrypted))
        tencent.add_image(image)

    add(Image("img-seed0001", UIN, REGION, "debian-12-web", description="A web server", **DEBIAN))
    add(Image("img-seed0002", UIN, REGION, "debian-12-db", description="With a data disk", **DEBIAN), "snap-seed0003")
    add(Image("img-crypt001", UIN, REGION, "debian-12-secret", **DEBIAN), encrypted=True)
    add(Image("img-rhel0001", UIN, REGION, "rhel-8-app", **REDHAT))
    add(Image("img-win00001", UIN, REGION, "windows-2022-app", **WINDOWS))
    add(Image("img-pub00001", UIN, REGION, "Debian 12.0 64bit", kind=PUBLIC, source="OFFICIAL", **DEBIAN))
    add(Image("img-mkt00001", UIN, REGION, "LAMP on Debian 12", kind=MARKET, source="OFFICIAL", **DEBIAN))
    add(Image("img-mkt00002", UIN, REGION, "our-lamp", from_market=True, **DEBIAN))
    add(Image("img-share001", OTHER_UIN, REGION, "debian-12-partner", shared_with=[UIN], **DEBIAN))


def _instances(world: World, blob: str) -> None:
    now = world.clock.wall()

    def add(instance_id: str, region: str, name: str, **how: Any) -> None:
        disks = [Disk(instance_id.replace("ins-", "disk-").replace("ein-", "disk-e"), SYSTEM_DISK, 1, blob)]
        world.tencent.add_instance(
            Instance(
                instance_id,
                UIN,
                region,
                name,
                zone=f"{region}-1",
                disks=disks,
                created=now,
                os_name="Debian 12 64bit",
                platform="Debian",
                **how,
            )
        )

    add("ins-seed0001", REGION, "web-1", image_id="img-seed0001")
    add("ein-seed0001", ECM_REGION, "edge-1", service="ecm", state="STOPPED")
    add("ein-seed0002", ECM_REGION, "edge-2", service="ecm", state="RUNNING")
