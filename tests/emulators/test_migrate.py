"""The whole way from one cloud to the other, in both directions, through the second emulation."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any, Final

import pytest

from tests.emulators.conftest import Cli, Clouds

#: A raw disk with a boot signature and mostly zeros.
DISK: Final = (b"\xeb\x63\x90" + bytes(507) + b"\x55\xaa" + b"GRUB " * 1000).ljust(3 << 20, b"\0")
CVM, ECS = "tencent://ap-guangzhou", "alibaba://cn-hangzhou"
BUCKETS: Final = {"tencent": "stage-1250000000", "alibaba": "stage"}


def packed(name: str) -> bytes:
    """What ECS exports as raw: a gzip-compressed tar with the disk in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(DISK)
        archive.addfile(member, io.BytesIO(DISK))
    return gzip.compress(buffer.getvalue(), mtime=0)


@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"CVM": {"few fields": 1, "cos paths": "missing"}, "ECS": {"few fields": 1, "task id": "old"}},
        {"CVM": {"cos paths": "bare", "numbers as text": 1}, "ECS": {"no image id": 1}},
        {"COS": {"no crc": 1, "page": 1}, "OSS": {"no crc": 1, "page": 1, "first lists": 1}},
        {"COS": {"namespace": 1, "blanks": 1}, "OSS": {"namespace": 1, "etag": "lower bare"}},
    ],
    ids=str,
)
def test_from_cvm_to_ecs(cli: Cli, clouds: Clouds, ways: dict[str, dict[str, Any]]) -> None:
    clouds.renew(ways)
    image = clouds.cvm.own()
    clouds.cvm.script = [("EXPORTING", {}), ("NORMAL", {"system": DISK})]
    done = cli("migrate", f"{CVM}/{image}", ECS, "--source-bucket", BUCKETS["tencent"], "--dest-bucket",
               BUCKETS["alibaba"], "--name", "web", "--format", "raw", "--part-size", "1MiB", "-o", "json")  # fmt: skip
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert [(step["name"], step["state"]) for step in done.json["steps"]] == [
        (name, "succeeded") for name in ("preflight", "export", "copy", "import", "cleanup")
    ]
    assert done.json["image_id"] == "m-bp1imported00001"
    assert (clouds.cvm.count("ExportImages"), clouds.ecs.count("ImportImage")) == (2, 2), "each a dry run and a submit"
    assert not clouds.cos.things
    assert not clouds.oss.things


@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"ECS": {"related": "missing", "few fields": 1}, "CVM": {"import id": False, "few fields": 1}},
        {"ECS": {"related": "object", "task id": "old"}, "CVM": {"import looks": [None, None, "IMPORTING", "NORMAL"]}},
    ],
    ids=str,
)
def test_from_ecs_to_cvm(cli: Cli, clouds: Clouds, ways: dict[str, dict[str, Any]]) -> None:
    clouds.renew(ways)
    image = clouds.ecs.put("m-bp67acfmxazb4p", "web")
    clouds.ecs.script = [
        ({"TaskStatus": "Processing"}, {}),
        ({"TaskStatus": "Finished"}, {"system": packed("web_system.raw")}),
    ]
    done = cli("migrate", f"{ECS}/{image}", CVM, "--source-bucket", BUCKETS["alibaba"], "--dest-bucket",
               BUCKETS["tencent"], "--name", "web", "--part-size", "1MiB", "--force", "-o", "json")  # fmt: skip
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["image_id"].startswith("img-new")
    assert clouds.ecs.count("ExportImage") == 2
    assert not clouds.cos.things
    assert not clouds.oss.things
