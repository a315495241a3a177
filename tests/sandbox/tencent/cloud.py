"""The cloud under test, the official SDK pointed at it, and short words for what tests do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world import World
from imgmove.sandbox.world.tencent_records import DATA_DISK, SYSTEM_DISK, Disk, Image, Instance, Snapshot
from tests.sandbox.tencent.disk_builder import write_disk

UIN, APP_ID = "100000000001", "1250000000"
OTHER_UIN = "100000000002"
SECRET_ID, SECRET = "AKIDoperator0000000000000000000000001", "the-operators-secret"
GZ, SH = "ap-guangzhou", "ap-shanghai"
BUCKET = f"images-{APP_ID}"
TRUST_CVM = json.dumps(
    {
        "version": "2.0",
        "statement": [{"action": "name/sts:AssumeRole", "effect": "allow", "principal": {"service": "cvm.qcloud.com"}}],
    }
)
APIS = {
    "cvm": ("cvm", "2017-03-12"),
    "ecm": ("ecm", "2019-07-19"),
    "cam": ("cam", "2019-01-16"),
    "tencent_sts": ("sts", "2018-08-13"),
}


@dataclass
class Cloud:
    """The cloud under test, and short words for what tests do with it."""

    sandbox: Sandbox
    scratch: Path
    secrets: tuple[str, str, str | None] = (SECRET_ID, SECRET, None)
    made: int = field(default=0)

    @property
    def world(self) -> World:
        return self.sandbox.world

    def host(self, service: str) -> str:
        """host:port of a service."""
        return self.sandbox.endpoints[service].removeprefix("http://")

    def profile(self, service: str, *, method: str = "POST", sign: str | None = None) -> ClientProfile:
        """The SDK's defaults, but for the endpoint and what the test is about."""
        http = HttpProfile(protocol="http", endpoint=self.host(service), reqMethod=method)
        return ClientProfile(signMethod=sign, httpProfile=http)

    def client(
        self,
        service: str,
        region: str = GZ,
        *,
        secrets: tuple[str, str, str | None] | None = None,
        method: str = "POST",
        sign: str | None = None,
    ) -> CommonClient:
        """The SDK's general client."""
        name, version = APIS[service]
        profile = self.profile(service, method=method, sign=sign)
        return CommonClient(name, version, Credential(*(secrets or self.secrets)), region, profile)

    def call(self, service: str, action: str, region: str = GZ, /, **parameters: Any) -> dict[str, Any]:
        """The `Response` of a call through the SDK; SDK exceptions pass."""
        answer: dict[str, Any] = self.client(service, region).call_json(action, parameters)
        return dict(answer["Response"])

    def cvm(self, action: str, region: str = GZ, /, **parameters: Any) -> dict[str, Any]:
        """A call of CVM."""
        return self.call("cvm", action, region, **parameters)

    def ecm(self, action: str, /, **parameters: Any) -> dict[str, Any]:
        """A call of ECM, without a region."""
        return self.call("ecm", action, "", **parameters)

    def refusal(self, service: str, action: str, region: str = GZ, /, **parameters: Any) -> str:
        """The code that a call is refused with."""
        with pytest.raises(TencentCloudSDKException) as caught:
            self.call(service, action, region, **parameters)
        assert caught.value.requestId, "every refusal has a request id"
        return str(caught.value.code)

    # Furniture

    def disk(self, name: str = "", **how: Any) -> Path:
        """A raw disk in a file."""
        self.made += 1
        return write_disk(self.scratch / (name or f"disk{self.made}.raw"), **how)

    def snapshot(self, usage: str = SYSTEM_DISK, *, size_gib: int = 1, region: str = GZ, **how: Any) -> Snapshot:
        """A snapshot with bytes."""
        tencent = self.world.tencent
        blob = tencent.keep(how.pop("source", None) or self.disk())
        snapshot = Snapshot(tencent.new_id("snap"), UIN, region, usage, size_gib, blob, **how)
        return tencent.add_snapshot(snapshot)

    def image(self, name: str = "web", *, disks: int = 1, region: str = GZ, **how: Any) -> Image:
        """An exportable custom image, unless `how` says otherwise; data disks follow the system disk."""
        with self.world.lock:
            usages = [SYSTEM_DISK] + [DATA_DISK] * (disks - 1)
            snapshots = how.pop("snapshots", None) or [self.snapshot(usage, region=region) for usage in usages]
            image = Image(
                how.pop("image_id", None) or self.world.tencent.new_id("img"),
                how.pop("account_id", UIN),
                region,
                name,
                os_name=how.pop("os_name", "Debian 12 64bit"),
                platform=how.pop("platform", "Debian"),
                created=self.world.clock.wall(),
                snapshot_ids=[snapshot.snapshot_id for snapshot in snapshots],
                **how,
            )
            return self.world.tencent.add_image(image)

    def instance(self, instance_id: str = "ins-machine1", *, data_disks: int = 0, **how: Any) -> Instance:
        """A machine with disks."""
        with self.world.lock:
            tencent = self.world.tencent
            local = how.pop("local", False)
            disks = [Disk(tencent.new_id("disk"), SYSTEM_DISK, 1, tencent.keep(self.disk(marker=b"a machine")))]
            disks += [
                Disk(tencent.new_id("disk"), DATA_DISK, 2, tencent.keep(self.disk()), local=local)
                for _ in range(data_disks)
            ]
            region = how.pop("region", GZ)
            how = {"os_name": "Debian 12 64bit", "platform": "Debian", "zone": f"{region}-1", **how}
            return tencent.add_instance(Instance(instance_id, UIN, region, "machine", disks=disks, **how))

    def bucket(self, name: str = BUCKET, region: str = GZ, **how: Any) -> None:
        """A bucket of the account."""
        self.world.objects.create_bucket("tencent", name, region, how.pop("owner", UIN), **how)

    def put(self, key: str, content: Path | bytes, bucket: str = BUCKET, *, public: bool = False) -> str:
        """Stores an object; gives its URL, signed for a day unless the object is public."""
        from imgmove.sandbox.world.object_records import Properties

        found = self.world.objects.bucket("tencent", bucket)
        assert found is not None
        properties = Properties(acl="public-read") if public else Properties()
        self.world.objects.put(found, key, content, properties)
        return self.url(key, bucket, found.region, signed=not public)

    def url(
        self, key: str, bucket: str = BUCKET, region: str = GZ, *, signed: bool = True, seconds: int = 86400
    ) -> str:
        """An object's address as the COS SDK makes it."""
        from qcloud_cos import CosConfig, CosS3Client

        client = CosS3Client(CosConfig(Region=region, SecretId=SECRET_ID, SecretKey=SECRET, Scheme="https"))
        if not signed:
            return str(client.get_object_url(bucket, key))
        return str(client.get_presigned_url(bucket, key, "GET", Expired=seconds))

    def content(self, key: str, bucket: str = BUCKET) -> Path | None:
        """The file with an object's bytes, None where there is no such object."""
        found = self.world.objects.bucket("tencent", bucket)
        assert found is not None
        item = self.world.objects.head(found, key)
        return self.world.objects.path(item) if item else None

    def state(self, image_id: str, region: str = GZ) -> str | None:
        """An image's state as DescribeImages shows it."""
        found = self.cvm("DescribeImages", region, ImageIds=[image_id])["ImageSet"]
        return str(found[0]["ImageState"]) if found else None

    def pass_time(self, seconds: float) -> None:
        """Moves the sandbox's own time forward."""
        self.world.clock.advance(seconds)
