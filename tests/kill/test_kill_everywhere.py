"""A migration is killed at every request and at every write of its journal; each time it is resumed, and each time
exactly one export, one import and one image exist in the end, nothing is left behind, and the disk is the same.

All points, not a sample: how many there are is counted by a migration that is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imgmove.journal.sqlite import SqliteJournal
from imgmove.sandbox import Sandbox
from imgmove.sandbox.disks import open_disk
from imgmove.sandbox.faults import Effect, Fault
from imgmove.sandbox.seed import DEFAULT, with_images
from tests.sandbox.tencent.disk_builder import write_disk

COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"
FAST = ("--poll-interval", "5ms", "--on-doubt", "resubmit", "-o", "json", "--quiet")
#: Each way of the migration: (source, destination, source bucket, destination bucket).
WAYS = {
    "tencent-to-alibaba": ("tencent://ap-guangzhou", "alibaba://cn-hangzhou", COS_BUCKET, OSS_BUCKET),
    "alibaba-to-tencent": ("alibaba://cn-hangzhou", "tencent://ap-guangzhou", OSS_BUCKET, COS_BUCKET),
}
#: The image that is moved, at both vendors: small, so that hundreds of migrations take a minute or two, and of bytes
#: that no format makes smaller, so that the copy takes several parts.
IMAGE, MOVED = "to-be-moved", "web-moved"
DISK_BYTES, PART_SIZE = 2_500_000, "1MiB"


#: What a preflight asks of accounts and of buckets' set-up: it changes nothing, so that being killed after such a
#: request is being killed before the next one. Killed before each of them is everybody.
LOOKS = frozenset({
    "GetCallerIdentity", "GetUserAppId", "GetRole", "GetPolicy", "ListAttachedRolePolicies", "ListPoliciesForRole",
    "DescribeImageQuota", "HeadBucket", "GetBucketInfo", "GetBucketLocation", "GetBucketVersioning", "GetBucketLifecycle",
    "GetBucketAcl", "GetBucketEncryption",
})  # fmt: skip


@dataclass
class Killer:
    """Kills a process at the n-th request of its migration, before the request is carried out or before its answer."""

    pid: int = 0
    at: int = 0
    when: str = ""
    seen: int = 0
    armed: bool = False
    known: threading.Event = field(default_factory=threading.Event)
    """Set as soon as the process id is known: its first request may be faster."""
    actions: list[str] = field(default_factory=list)

    def match(self, service: str, action: str) -> Fault | None:
        if self.when == "after" and action in LOOKS:
            return None
        self.seen += 1
        self.actions.append(f"{service}:{action}")
        if self.seen != self.at:
            return None
        assert self.known.wait(10)
        self.armed = self.when == "after"
        if self.armed:
            return None
        self.strike()
        return Fault(service, action, Effect.DROP_BEFORE)

    def acted(self) -> None:
        """The request has been carried out, its answer has not gone out yet."""
        if self.armed:
            self.armed = False
            self.strike()

    def strike(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Stage:
    """A sandbox that answers at once, and a warm runner of imgmove."""

    def __init__(self, sandbox: Sandbox, runner: subprocess.Popen[str]) -> None:
        self.sandbox, self.runner = sandbox, runner
        self.killer = Killer()
        sandbox.faults.match = lambda service, action: self.killer.match(service, action)  # type: ignore[method-assign]  # before acting
        self._note = sandbox._log.add
        sandbox._log.add = self._after  # type: ignore[method-assign]  # every request is noted when it has acted

    def _after(self, *words: Any, **more: Any) -> None:
        self._note(*words, **more)
        self.killer.acted()

    def reset(self) -> None:
        self.killer = Killer()
        self.sandbox.reset()
        with self.sandbox.world.lock:
            settings = self.sandbox.world.tencent.settings
            settings.rate_limits = False
            settings.visible_after_seconds = 0

    def start(self, home: Path, *words: str, kill_at_write: tuple[int, str] | None = None) -> int:
        """Begin a run; its process id."""
        command = {
            "words": words,
            "home": str(home),
            "environment": self.sandbox.environment(),
            "kill_at_write": kill_at_write,
        }
        assert self.runner.stdin is not None
        self.runner.stdin.write(json.dumps(command) + "\n")
        self.runner.stdin.flush()
        return int(self._answer()["pid"])

    def end(self) -> dict[str, Any]:
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.runner.stdout is not None
        answer: dict[str, Any] = json.loads(self.runner.stdout.readline())
        return answer

    def run(self, home: Path, *words: str) -> dict[str, Any]:
        self.start(home, *words)
        return self.end()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    disk = write_disk(tmp_path_factory.mktemp("disk") / "disk.raw", marker=os.urandom(DISK_BYTES))
    with Sandbox(speed=1e7, seed=with_images(DEFAULT, [(disk, IMAGE)])) as sandbox:
        runner = subprocess.Popen([sys.executable, "-m", "tests.kill.runner"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, cwd=Path(__file__).parents[2])  # fmt: skip
        yield Stage(sandbox, runner)
        assert runner.stdin is not None
        runner.stdin.close()
        assert runner.wait(timeout=30) == 0


def migrate(stage: Stage, way: str) -> tuple[str, ...]:
    place, destination, source_bucket, dest_bucket = WAYS[way]
    return ("migrate", f"{place}/{source_image(stage, way).image_id}", destination, "--source-bucket", source_bucket,
            "--dest-bucket", dest_bucket, "--name", MOVED, "--part-size", PART_SIZE, "--workers", "1",
            *FAST)  # fmt: skip


def leave_alone(stage: Stage, way: str, home: Path, when: str = "before") -> tuple[int, int]:
    """How many requests (of those that count for `when`) and journal writes a migration makes that nobody kills."""
    stage.reset()
    stage.killer.when = when
    done = stage.run(home, *migrate(stage, way))
    assert done["code"] == 0, done
    check_world(stage, way, done)
    assert sum(action.endswith(":UploadPart") for action in stage.killer.actions) >= 2
    return stage.killer.seen, done["writes"]


def resume(stage: Stage, way: str, home: Path) -> dict[str, Any]:
    """Take the job up as an operator would: by its id, which the journal knows; begin it where it never was."""
    journal = SqliteJournal(home / "state" / "journal.sqlite3")
    jobs = journal.jobs()
    journal.close()
    if not jobs:
        return stage.run(home, *migrate(stage, way))
    assert len(jobs) == 1
    return stage.run(home, "jobs", "resume", jobs[0].id, *FAST)


# ------------------------------------------------------------------------------------------------- what must be


def check_world(stage: Stage, way: str, done: dict[str, Any]) -> None:
    """Exactly one of everything, nothing left behind, and the disk is the one that left."""
    assert done["code"] == 0, done
    document = json.loads(done["out"])
    assert document["state"] == "succeeded"
    world = stage.sandbox.world
    stage.sandbox.settle()
    with world.lock:
        assert submits(stage, way) == {"export": 1, "import": 1}
        moved = disks_of_moved(stage, way)
        assert len(moved) == 1, moved
        assert objects(stage) == []
        assert uploads(stage) == []
        assert moved[0] == seed_digest(stage, way)


def submits(stage: Stage, way: str) -> dict[str, int]:
    """How many exports and imports the clouds ever accepted."""
    world = stage.sandbox.world
    tencent = [task.action for task in world.tencent.state.tasks]
    alibaba = [task.action for task in world.alibaba.state.tasks]
    here, there = (tencent, alibaba) if way == "tencent-to-alibaba" else (alibaba, tencent)
    return {"export": sum("Export" in action for action in here), "import": sum("Import" in action for action in there)}


def disks_of_moved(stage: Stage, way: str) -> list[str]:
    """The digests of the system disks of the destination's usable images of the new name."""
    world = stage.sandbox.world
    if way == "tencent-to-alibaba":
        alibaba = [image for image in world.alibaba.state.images if image.name == MOVED and image.status == "Available"]
        return [digest(world.alibaba.blob(image.disks[0].blob)) for image in alibaba]
    images = world.tencent.images("cvm", "ap-guangzhou")
    return [digest(tencent_blob(stage, image)) for image in images if image.name == MOVED and image.state == "NORMAL"]


def tencent_blob(stage: Stage, image: Any) -> Path:
    tencent = stage.sandbox.world.tencent
    snapshot = tencent.snapshot(image.snapshot_ids[0])
    assert snapshot is not None
    return tencent.blob(snapshot.blob)


def source_image(stage: Stage, way: str) -> Any:
    world = stage.sandbox.world
    images: list[Any] = list(world.alibaba.state.images)
    if way == "tencent-to-alibaba":
        images = list(world.tencent.images("cvm", "ap-guangzhou"))
    return next(image for image in images if image.name == IMAGE)


def seed_digest(stage: Stage, way: str) -> str:
    image = source_image(stage, way)
    if way == "tencent-to-alibaba":
        return digest(tencent_blob(stage, image))
    return digest(stage.sandbox.world.alibaba.blob(image.disks[0].blob))


def digest(path: Path) -> str:
    """The SHA-256 of what a raw disk holds besides zeros, and of where it holds it."""
    value = hashlib.sha256()
    with open_disk(path, "raw") as disk:
        value.update(str(disk.virtual_size_bytes).encode())
        for extent in disk.extents():
            for start in range(0, len(extent.data or b""), 4096):
                block = (extent.data or b"")[start : start + 4096]
                if block.strip(b"\0"):
                    value.update(f"{extent.offset + start}".encode() + block)
    return value.hexdigest()


def objects(stage: Stage) -> list[str]:
    store = stage.sandbox.world.objects
    buckets = (store.bucket("tencent", COS_BUCKET), store.bucket("alibaba", OSS_BUCKET))
    return [item.key for bucket in buckets if bucket for item in store.list(bucket).items]


def uploads(stage: Stage) -> list[str]:
    store = stage.sandbox.world.objects
    buckets = (store.bucket("tencent", COS_BUCKET), store.bucket("alibaba", OSS_BUCKET))
    return [item.upload_id for bucket in buckets if bucket for item in store.uploads.of_bucket(bucket)]


# --------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_every_request(stage: Stage, tmp_path: Path, way: str, when: str) -> None:
    requests, _ = leave_alone(stage, way, tmp_path / "alone", when)
    assert requests > 15
    for point in range(1, requests + 1):
        stage.reset()
        home = tmp_path / f"{point}"
        stage.killer.at, stage.killer.when = point, when
        pid = stage.start(home, *migrate(stage, way))
        stage.killer.pid = pid
        stage.killer.known.set()
        died = stage.end()
        stage.killer.at = 0
        assert died["code"] in {0, -signal.SIGKILL}, (point, stage.killer.actions[point - 1 :], died)
        done = died if died["code"] == 0 else resume(stage, way, home)
        check_point(stage, way, done, f"request {point} ({when}): {stage.killer.actions[point - 1]}")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_every_write_of_the_journal(stage: Stage, tmp_path: Path, way: str, when: str) -> None:
    _, writes = leave_alone(stage, way, tmp_path / "alone")
    assert writes > 15
    for point in range(1, writes + 1):
        stage.reset()
        home = tmp_path / f"{point}"
        stage.start(home, *migrate(stage, way), kill_at_write=(point, when))
        died = stage.end()
        assert died["code"] in {0, -signal.SIGKILL}, died
        done = died if died["code"] == 0 else resume(stage, way, home)
        check_point(stage, way, done, f"write {point} ({when})")


def check_point(stage: Stage, way: str, done: dict[str, Any], point: str) -> None:
    try:
        check_world(stage, way, done)
    except AssertionError as error:
        raise AssertionError(f"killed at {point}: {error}\n{done['err']}") from error
