"""The sandbox as a whole: its life, its environment, its seeds, and its state over stops and kills."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from qcloud_cos import CosConfig, CosS3Client

from imgmove.sandbox import (
    SERVICES,
    DirectoryError,
    FaultError,
    NotStartedError,
    Sandbox,
    SeedError,
    with_images,
)
from imgmove.sandbox.seed import DEFAULT
from imgmove.sandbox.server import PortError
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Account
from tests.sandbox.process import control, sandbox_process

BUCKET = "imgmove-gz-1250000000"


def cos(environment: dict[str, str]) -> CosS3Client:
    """The official COS client, led here as the environment says."""
    host = environment["IMGMOVE_ENDPOINT_URL_COS"].removeprefix("http://")
    ip, port = host.split(":")
    return CosS3Client(
        CosConfig(
            Region="ap-guangzhou",
            SecretId=environment["TENCENTCLOUD_SECRET_ID"],
            SecretKey=environment["TENCENTCLOUD_SECRET_KEY"],
            Scheme="http",
            IP=ip,
            Port=int(port),
            ServiceDomain=host,
        ),
        retry=0,
    )


# Life


def test_it_starts_and_stops_in_less_than_half_a_second() -> None:
    def seconds() -> float:
        started = time.monotonic()
        Sandbox().start().stop()
        return time.monotonic() - started

    assert min(seconds() for _ in range(4)) < 0.5


def test_it_leaves_nothing() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        directory = sandbox.directory
        assert directory.is_dir()
        port = int(sandbox.endpoints["cvm"].rsplit(":", 1)[1])
    assert not directory.exists()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).connect()
    assert set(threading.enumerate()) <= before


def test_starting_and_stopping_twice_is_fine() -> None:
    sandbox = Sandbox(seed=None)
    sandbox.stop()
    assert sandbox.start() is sandbox
    endpoints = sandbox.endpoints
    assert sandbox.start().endpoints == endpoints
    sandbox.stop()
    sandbox.stop()
    assert sandbox.wait(0)
    sandbox.start()
    assert not sandbox.wait(0)
    sandbox.stop()


def test_what_needs_a_started_sandbox_says_so() -> None:
    sandbox = Sandbox()
    with pytest.raises(NotStartedError, match="has not been started"):
        _ = sandbox.world
    with pytest.raises(NotStartedError):
        sandbox.environment()


def test_consecutive_ports() -> None:
    for base in range(21000, 30000, 500):
        try:
            with Sandbox(port=base, seed=None) as sandbox:
                ports = [int(url.rsplit(":", 1)[1]) for url in [*sandbox.endpoints.values(), sandbox.control_url]]
        except PortError:
            continue  # somebody else has one of these
        assert ports == list(range(base, base + 10))
        return
    raise AssertionError("no ten free ports in a row")


def test_a_port_in_use_leaves_the_sandbox_stopped(tmp_path: Path) -> None:
    with Sandbox(seed=None) as first:
        port = int(first.endpoints["cvm"].rsplit(":", 1)[1])
        second = Sandbox(tmp_path, port=port, seed=None)
        with pytest.raises(PortError, match=f"port {port} for cvm can't be had"):
            second.start()
    Sandbox(tmp_path, seed=None).start().stop()  # the directory is free again


def test_the_environment_leads_here() -> None:
    with Sandbox() as sandbox:
        environment = sandbox.environment()
        assert set(environment) == {
            *(f"IMGMOVE_ENDPOINT_URL_{name.upper()}" for name in SERVICES),
            "TENCENTCLOUD_SECRET_ID",
            "TENCENTCLOUD_SECRET_KEY",
            "TENCENTCLOUD_REGION",
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_REGION_ID",
            "IMGMOVE_SANDBOX_CONTROL",
        }
        assert {bucket["Name"] for bucket in cos(environment).list_buckets()["Buckets"]["Bucket"]} >= {BUCKET}
        assert sandbox.endpoint("oss") == environment["IMGMOVE_ENDPOINT_URL_OSS"]


def test_faults_given_at_the_start_and_later() -> None:
    with Sandbox(faults=["cos:PutObject refuse code=AccessDenied"]) as sandbox:
        client = cos(sandbox.environment())
        with pytest.raises(Exception, match="AccessDenied"):
            client.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        client.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        assert [entry.status for entry in sandbox.requests("cos", "PutObject")] == [403, 200]
        sandbox.faults.add("cos:PutObject throttle times=forever")
        with pytest.raises(Exception, match=r"SlowDown|TooManyRequests|RequestLimit"):
            client.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    with pytest.raises(FaultError):
        Sandbox(faults=["cos:PutObject explode"])


def test_importing_the_sandbox_imports_no_sdk() -> None:
    code = "import sys, imgmove.sandbox, imgmove.sandbox.runtime; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"tencentcloud", "qcloud_cos", "oss2", "alibabacloud_ecs20140526", "Tea", "darabonba"}
    others = {name for name in loaded if name.startswith("imgmove.") and not name.startswith("imgmove.sandbox")}
    assert others <= {"imgmove.version"}, "which the package itself imports"


# Seeds


def test_the_default_world() -> None:
    with Sandbox() as sandbox, sandbox.world.lock:
        tencent, alibaba = sandbox.world.tencent, sandbox.world.alibaba
        web = tencent.image("cvm", "ap-guangzhou", "img-seed0001")
        assert web is not None
        (snapshot,) = tencent.snapshots_of(web)
        assert (web.name, snapshot.snapshot_id, snapshot.size_gib) == ("debian-12-web", "snap-seed0001", 1)
        same = alibaba.image("cn-hangzhou", "m-bp1seed0000000000001")
        assert same is not None
        disk, other = tencent.blob(snapshot.blob), alibaba.blob(same.disks[0].blob)
        assert disk.samefile(other), "both clouds share the bytes"
        assert disk.stat().st_size <= 1 << 30
        assert disk.stat().st_blocks * 512 < 256 << 20
        for image in tencent.state.images:
            assert tencent.snapshots_of(image)


def test_an_empty_world() -> None:
    with Sandbox(seed=None) as sandbox:
        assert sandbox.world.accounts.state.accounts == []
        assert sandbox.world.tencent.state.images == []


def test_a_function_as_seed() -> None:
    def sow(world: World) -> None:
        world.accounts.add(Account("alibaba", "42"))

    with Sandbox(seed=sow) as sandbox:
        assert sandbox.world.accounts.account("alibaba", "42")
        assert sandbox.world.accounts.account("tencent", "100000000001") is None


@pytest.fixture
def disk_file(tmp_path: Path) -> Path:
    path = tmp_path / "web.raw"
    path.write_bytes(
        b"\0" * 446 + bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]) + b"\0" * 48 + b"\x55\xaa"
    )
    with path.open("r+b") as file:
        file.truncate(3 << 20)
    return path


def test_images_of_ones_own(disk_file: Path) -> None:
    with Sandbox(seed=with_images(DEFAULT, [(disk_file, "mine")])) as sandbox:
        world = sandbox.world
        (at_tencent,) = [i for i in world.tencent.state.images if i.name == "mine"]
        (at_alibaba,) = [i for i in world.alibaba.state.images if i.name == "mine"]
        (snapshot,) = world.tencent.snapshots_of(at_tencent)
        assert world.tencent.blob(snapshot.blob).read_bytes() == disk_file.read_bytes()
        assert world.alibaba.blob(at_alibaba.disks[0].blob).read_bytes() == disk_file.read_bytes()


def test_a_toml_file_as_seed(tmp_path: Path, disk_file: Path) -> None:
    seed = tmp_path / "world.toml"
    seed.write_text(
        f"""
        [[bucket]]
        provider = "alibaba"
        name = "my-images"
        region = "cn-shanghai"
        [[image]]
        file = "{disk_file.name}"
        name = "win"
        provider = "tencent"
        region = "ap-shanghai"
        platform = "Windows Server 2022"
        [settings.tencent]
        export_seconds = 20
        """
    )
    with Sandbox(seed=seed) as sandbox:
        world = sandbox.world
        bucket = world.objects.bucket("alibaba", "my-images")
        assert bucket is not None
        assert bucket.region == "cn-shanghai"
        (image,) = [i for i in world.tencent.state.images if i.name == "win"]
        assert (image.region, image.platform) == ("ap-shanghai", "Windows")
        assert [i for i in world.alibaba.state.images if i.name == "win"] == []
        assert world.tencent.settings.export_seconds == 20
        assert world.tencent.image("cvm", "ap-guangzhou", "img-seed0001")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[image", "world.toml: "),
        (
            "images = 1",
            "'images': allowed are default = true|false, [[bucket]], [[object]], [[role]], [[key]], [[image]]",
        ),
        ("default = 1", "'default': allowed are"),
        ("[image]\nfile='x'\nname='y'", "write [[image]] for each image"),
        ("[[image]]\nfile='x'", "a [[image]] has no name"),
        ("[[image]]\nfile='x'\nname=1", "[[image]]: Expected `str`, got `int` - at `$.name`"),
        ("[[bucket]]\nname='x'", "a [[bucket]] has no provider"),
        ("[[image]]\nname='x'\nstate='NORMAL'\nprovider='alibaba'", "no state 'NORMAL'; there are: Waiting"),
        ("[[object]]\nprovider='tencent'\nbucket='none'\nkey='k'", "there is no bucket 'none'"),
        ("[[image]]\nfile='x'\nname='y'\nsize='z'", "[[image]] takes no 'size'; allowed: absent, architecture"),
        ("[[image]]\nfile='missing.raw'\nname='y'", "missing.raw"),
        (
            "[[image]]\nfile='world.toml'\nname='y'\nprovider='aws'",
            "[[image]]: Invalid enum value 'aws' - at `$.provider`",
        ),
        ("settings = 1", "'settings': allowed are"),
        ("[settings.tencent]\nspeed=1", "there is no setting 'speed'; allowed: export_seconds"),
    ],
)
def test_a_wrong_seed_file_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    seed = tmp_path / "world.toml"
    seed.write_text(text)
    with pytest.raises(SeedError, match=r".") as caught:
        Sandbox(seed=seed).start()
    assert says in str(caught.value)


def test_reset_brings_the_seed_back() -> None:
    with Sandbox() as sandbox:
        client = cos(sandbox.environment())
        client.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        sandbox.faults.add("cos:* throttle")
        sandbox.reset()
        assert sandbox.requests() == []
        assert sandbox.faults.list() == []
        assert "Contents" not in client.list_objects(Bucket=BUCKET)
        assert sandbox.world.tencent.image("cvm", "ap-guangzhou", "img-seed0001")
        assert list(sandbox.world.blobs.iterdir()) == []


# State over stops and kills


def test_state_is_kept_in_a_directory(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "state", speed=7) as sandbox:
        cos(sandbox.environment()).put_object(Bucket=BUCKET, Key="k", Body=b"kept")
        sandbox.clock.advance(1000)
    with Sandbox(tmp_path / "state") as sandbox:
        assert cos(sandbox.environment()).get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"
        assert sandbox.clock.speed == 7
        assert sandbox.clock.now() >= 1000


def test_one_sandbox_a_directory(tmp_path: Path) -> None:
    with Sandbox(tmp_path, seed=None), pytest.raises(DirectoryError, match="in use by another sandbox"):
        Sandbox(tmp_path, seed=None).start()


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryError, match="file can't be used"):
        Sandbox(tmp_path / "file").start()


def test_what_was_answered_survives_sigkill(tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    with sandbox_process("--directory", str(tmp_path), "--speed", "0.001") as (process, environment):
        client = cos(environment)
        upload = client.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
        client.upload_part(Bucket=BUCKET, Key="big", PartNumber=1, UploadId=upload, Body=content)
        client.put_object(Bucket=BUCKET, Key="small", Body=b"x")
        process.send_signal(signal.SIGKILL)
        process.wait()
    (tmp_path / "blobs" / "stray").write_text("half written")
    (tmp_path / "incoming" / "body-1").write_text("half received")
    with Sandbox(tmp_path) as sandbox:
        client = cos(sandbox.environment())
        (part,) = client.list_parts(Bucket=BUCKET, Key="big", UploadId=upload)["Part"]
        parts = {"Part": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        client.complete_multipart_upload(Bucket=BUCKET, Key="big", UploadId=upload, MultipartUpload=parts)
        assert client.get_object(Bucket=BUCKET, Key="big")["Body"].get_raw_stream().read() == content
        assert client.get_object(Bucket=BUCKET, Key="small")["Body"].get_raw_stream().read() == b"x"
        assert not (tmp_path / "blobs" / "stray").exists()
        assert not (tmp_path / "incoming" / "body-1").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_process_stops_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    options = ["--directory", str(tmp_path / "state"), "--fault", "cos:GetObject throttle", "--speed", "5"]
    with sandbox_process(*options) as (process, environment):
        assert control(environment, "GET", "/clock")["speed"] == 5
        assert len(control(environment, "GET", "/faults")["faults"]) == 1
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert list((tmp_path / "state" / "incoming").iterdir()) == []


def test_the_process_stops_over_the_control_port_and_removes_its_files() -> None:
    with sandbox_process("--empty") as (process, environment):
        assert control(environment, "POST", "/stop") == {"status": "stopping"}
        assert process.wait(20) == 0
        leftovers = Path(os.environ.get("TMPDIR", "/tmp")).glob("imgmove-sandbox-*/lock")
        assert not [path for path in leftovers if path.read_text() == str(process.pid)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fault", "cvm:X explode"], "there is no effect 'explode'"),
        (["--faults", "/nonexistent.toml"], "nonexistent.toml"),
        (["--speed", "0"], "above 0"),
        (["--speed", "fast"], "invalid float value"),
        (["--port", "70000"], "above 65535"),
        (["--image", "web.raw"], "write FILE=NAME"),
        (["--image", "/nonexistent.raw=web"], "nonexistent.raw"),
        (["--empty", "--image", "a=b"], "--image needs the accounts of a seed"),
        (["--seed", "/nonexistent.toml"], "nonexistent.toml"),
        (["--directory", "/dev/null"], "/dev/null can't be used"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(options: list[str], says: str) -> None:
    command = [sys.executable, "-m", "imgmove.sandbox", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
