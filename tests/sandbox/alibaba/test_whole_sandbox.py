"""ECS in the whole sandbox with its default world: official ECS and OSS clients side by side, over a restart."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest
from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.utils_models import Config

from imgmove.sandbox import Sandbox

SEED = "m-bp1seed0000000000001"
HANGZHOU = "cn-hangzhou"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that keeps its state, its time standing still."""
    with Sandbox(tmp_path / "state") as sandbox:
        sandbox.clock.freeze()
        yield sandbox


def ecs(sandbox: Sandbox) -> Any:
    given = sandbox.environment()
    return Client(
        Config(
            access_key_id=given["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            region_id=HANGZHOU,
            endpoint=urlsplit(sandbox.endpoint("ecs")).netloc,
            protocol="http",
        )
    )


def bucket(sandbox: Sandbox, name: str = "imgmove-hz") -> Any:
    given = sandbox.environment()
    auth = oss2.AuthV4(given["ALIBABA_CLOUD_ACCESS_KEY_ID"], given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    return oss2.Bucket(auth, sandbox.endpoint("oss"), name, region=HANGZHOU)


def export(sandbox: Sandbox, image_id: str, prefix: str) -> str:
    request = models.ExportImageRequest(region_id=HANGZHOU, image_id=image_id, ossbucket="imgmove-hz", ossprefix=prefix)
    return str(ecs(sandbox).export_image(request).body.task_id)


def raw_bytes(sandbox: Sandbox, key: str, path: Path) -> bytes:
    bucket(sandbox).get_object_to_file(key, str(path))
    with tarfile.open(path, "r:gz") as archive:
        stream = archive.extractfile(archive.getmembers()[0])
        assert stream is not None
        return stream.read(8 << 20)


def test_out_through_oss_and_in_again(sandbox: Sandbox, tmp_path: Path) -> None:
    export(sandbox, SEED, "first")
    key = f"first_{SEED}_system.raw.tar.gz"
    assert not bucket(sandbox).object_exists(key)
    sandbox.clock.advance(1000)
    assert bucket(sandbox).object_exists(key)  # nobody asked ECS in between
    content = raw_bytes(sandbox, key, tmp_path / "first")
    bucket(sandbox).put_object("again.raw", content)
    mapping = models.ImportImageRequestDiskDeviceMapping(ossbucket="imgmove-hz", ossobject="again.raw")
    request = models.ImportImageRequest(region_id=HANGZHOU, image_name="again", disk_device_mapping=[mapping])
    image_id = ecs(sandbox).import_image(request).body.image_id
    sandbox.clock.advance(1000)
    shown = ecs(sandbox).describe_images(models.DescribeImagesRequest(region_id=HANGZHOU, image_id=image_id)).body
    assert [image.status for image in shown.images.image] == ["Available"]
    export(sandbox, image_id, "second")
    sandbox.clock.advance(1000)
    assert raw_bytes(sandbox, f"second_{image_id}_system.raw.tar.gz", tmp_path / "second") == content


def test_an_export_outlives_the_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    task_id = export(sandbox, SEED, "kept")
    sandbox.clock.advance(60)
    sandbox.stop()
    with Sandbox(tmp_path / "state") as again:
        request = models.DescribeTaskAttributeRequest(region_id=HANGZHOU, task_id=task_id)
        task = ecs(again).describe_task_attribute(request).body
        assert (task.task_status, task.task_process) == ("Processing", "25%")
        again.clock.advance(1000)
        assert ecs(again).describe_task_attribute(request).body.task_status == "Finished"
        assert bucket(again).object_exists(f"kept_{SEED}_system.raw.tar.gz")


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ("m-bp1windows0000000001", "InvalidImageLicense.NotSupported"),
        ("m-bp1crypt000000000001", "ImageNotSupported"),
        ("m-bp1lamp0000000000001", "ImageNotSupported"),
        ("m-bp1market00000000001", "ImageNotSupported"),
    ],
)
def test_the_default_world_holds_something_to_be_refused(sandbox: Sandbox, image_id: str, code: str) -> None:
    with pytest.raises(Exception, match=code):
        export(sandbox, image_id, "no")
