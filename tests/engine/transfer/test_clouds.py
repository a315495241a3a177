"""Copies between the stores of both clouds and files, any to any, in the sandbox: through the session and the command."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imgmove.app.attendance import Attendance
from imgmove.app.results import Result
from imgmove.app.session import Session
from imgmove.clouds.alibaba.store import OssStore
from imgmove.clouds.keys import AccessKey, RenewedKey
from imgmove.clouds.registry import Registry
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.events import Moved
from imgmove.core.ports import ObjectStore
from imgmove.core.settings import Settings
from imgmove.core.tasks import TaskState
from imgmove.engine.transfer.connections import pool
from imgmove.engine.transfer.object_copy import copy_object
from imgmove.engine.transfer.surroundings import CopyOptions, Surroundings
from imgmove.engine.waiting import Waiter
from imgmove.sandbox import Sandbox
from imgmove.testing.fake_clock import FakeClock

MIB = 1 << 20
COS, OSS = "cos://imgmove-gz-1250000000", "oss://imgmove-hz"
SERVICES = {"cos": "cos", "oss": "oss"}
ACCOUNTS = {"cos": ("tencent", "100000000001"), "oss": ("alibaba", "1000000000000001")}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
    pool.close_idle()


@dataclass
class Place:
    """A session in the sandbox, and a directory of files."""

    sandbox: Sandbox
    files: Path
    clock: FakeClock
    session: Session
    moved: list[Moved] = field(default_factory=list)

    def end(self, kind: str, key: str) -> str:
        return {"cos": f"{COS}/{key}", "oss": f"{OSS}/{key}", "file": f"{self.files}/{key}"}[kind]

    def store(self, kind: str) -> ObjectStore:
        if kind == "file":
            return self.session.resolver.store("file", str(self.files))
        return self.session.resolver.store(kind, {"cos": COS, "oss": OSS}[kind].partition("://")[2])

    def put(self, kind: str, key: str, body: bytes) -> None:
        self.store(kind).put(key, body)

    def read(self, kind: str, key: str) -> bytes:
        store = self.store(kind)
        info = store.head(key)
        assert info is not None
        return store.read(key, 0, info.size_bytes) if info.size_bytes else b""

    def copy(self, source: str, destination: str, **options: Any) -> Result:
        def listen(event: object) -> None:
            if isinstance(event, Moved):
                self.moved.append(event)

        return self.session.copy(source, destination, attendance=Attendance(listener=listen), **options)

    def requests(self, kind: str) -> list[str]:
        return [entry.action for entry in self.sandbox.requests(SERVICES[kind])]


@pytest.fixture
def place(sandbox: Sandbox, tmp_path: Path) -> Place:
    sandbox.reset()
    (tmp_path / "files").mkdir()
    clock = FakeClock(time.time())
    session = Session(
        environment={**sandbox.environment(), "IMGMOVE_HOME": str(tmp_path / "home")},
        home=tmp_path, registry=Registry.installed(), clock=clock, chance=random.Random(1),
    )  # fmt: skip
    return Place(sandbox, tmp_path / "files", clock, session)


def good(result: Result) -> Result:
    assert (result.error, result.state) == (None, TaskState.SUCCEEDED)
    return result


@pytest.mark.parametrize("to", ["cos", "oss", "file"])
@pytest.mark.parametrize("from_", ["cos", "oss", "file"])
def test_one_object_any_to_any(place: Place, from_: str, to: str) -> None:
    body = random.Random(7).randbytes(3 * MIB + 11)
    place.put(from_, "images/web 1.qcow2", body)
    result = good(place.copy(place.end(from_, "images/web 1.qcow2"), place.end(to, "copy/web+2.qcow2"), part_bytes=MIB))
    assert place.read(to, "copy/web+2.qcow2") == body
    assert (result.artifacts[0].uri, result.artifacts[0].size) == (place.end(to, "copy/web+2.qcow2"), len(body))
    assert "of the whole after completion: " in result.message
    assert "not compared" not in result.message.rpartition("after completion")[2]
    assert list(place.store(to).uploads("copy/web+2.qcow2")) == []
    assert (place.moved[-1].done_bytes, place.moved[-1].total_bytes) == (len(body), len(body))


@pytest.mark.parametrize("to", ["cos", "oss", "file"])
@pytest.mark.parametrize("from_", ["cos", "oss", "file"])
def test_a_prefix_any_to_any(place: Place, from_: str, to: str) -> None:
    bodies = {"a.raw": b"a", "deep/er/b.raw": b"bb", "empty": b""}
    for name, body in bodies.items():
        place.put(from_, f"tree/{name}", body)
    place.put(from_, "treetop", b"beside")
    result = good(place.copy(place.end(from_, "tree/"), place.end(to, "copy/")))
    assert {name: place.read(to, f"copy/{name}") for name in bodies} == bodies
    assert place.store(to).head("copy/treetop") is None
    assert len(result.artifacts) == 3


@pytest.mark.parametrize("to", ["cos", "oss"])
@pytest.mark.parametrize("from_", ["cos", "oss"])
def test_a_copy_that_lacks_its_last_part(place: Place, from_: str, to: str) -> None:
    """From the destination's own list, over several pages of it."""
    body = random.Random(8).randbytes(6 * MIB)
    place.put(from_, "web.raw", body)
    place.sandbox.faults.add(f"{to}:UploadPart refuse code=AccessDenied after=5 times=forever")
    failed = place.copy(place.end(from_, "web.raw"), place.end(to, "copy.raw"), part_bytes=MIB, workers=1)
    assert failed.error is not None
    assert failed.exit_code == 3
    place.sandbox.faults.clear()
    place.sandbox._log.clear()
    regions = {"cos": "ap-guangzhou", "oss": "cn-hangzhou"}
    with pytest.MonkeyPatch.context() as patch:
        for module in ("tencent.limits.COS_PAGE_SIZE", "alibaba.limits.OSS_PAGE_SIZE"):
            patch.setattr(f"imgmove.clouds.{module}", 2)
        good(place.copy(
            place.end(from_, "web.raw"), place.end(to, "copy.raw"), workers=1,
            source_region=regions[from_], dest_region=regions[to],
        ))  # fmt: skip
    seen = [entry.action for entry in place.sandbox.requests()]
    assert place.read(to, "copy.raw") == body
    assert sorted(seen) == sorted(
        ["HeadObject"] * 3  # the source for the plan and for the copy, the destination
        + ["ListMultipartUploads"] + ["ListParts"] * 3
        + (["ListObjects"] if to == "cos" != from_ else [])  # after a bare 404: is it the object or the bucket that is not there?
        + ["GetObject", "UploadPart", "CompleteMultipartUpload"]
    )  # fmt: skip


FAULTS = {
    "read leg corrupted": "{from_}:GetObject corrupt-body",
    "write leg corrupted": "{to}:UploadPart corrupt-body",
    "read leg cut": "{from_}:GetObject cut-body",
    "write leg cut": "{to}:UploadPart cut-body",
    "answer to a part lost": "{to}:UploadPart drop-after",
    "answer to the completion lost": "{to}:CompleteMultipartUpload drop-after",
    "answer to the beginning lost": "{to}:InitiateMultipartUpload drop-after",
    "a page of a proxy": "{to}:UploadPart html",
    "an empty answer to a part": "{to}:UploadPart empty",
    "an empty answer to the completion": "{to}:CompleteMultipartUpload empty",
    "throttled": "*:* throttle times=3 after=2",
    "everything breaks once in a while": "*:* drop-before times=4 after=3",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(("from_", "to"), [("cos", "oss"), ("oss", "cos")])
def test_what_goes_wrong_on_the_way_is_mended(place: Place, from_: str, to: str, fault: str) -> None:
    body = random.Random(9).randbytes(4 * MIB)
    place.put(from_, "web.raw", body)
    source, destination = place.store(from_), place.store(to)
    assert source.head("web.raw") is not None
    destination.bucket_info()  # regions are known: what is planned is not what is tested here
    place.sandbox.faults.add(fault.format(from_=from_, to=to))
    with ThreadPoolExecutor(4) as executor:
        around = Surroundings(executor, Waiter(place.clock), chance=random.Random(1))
        copied = copy_object(source, "web.raw", destination, "copy.raw", CopyOptions(4, MIB), around)
    place.sandbox.faults.clear()
    assert place.read(to, "copy.raw") == body
    assert copied.comparison.before_completion
    assert copied.comparison.whole == "source = destination"
    assert list(destination.uploads("copy.raw")) == []


def test_what_cannot_be_mended_ends_with_7_and_nothing_is_completed(place: Place) -> None:
    place.put("cos", "web.raw", random.Random(9).randbytes(4 * MIB))
    place.sandbox.faults.add("oss:UploadPart corrupt-body times=forever")
    result = place.copy(f"{COS}/web.raw", f"{OSS}/copy.raw", part_bytes=MIB)
    assert result.exit_code == 7
    place.sandbox.faults.clear()
    assert place.store("oss").head("copy.raw") is None
    assert place.session.leftovers()[0][1][0].kind == "upload"
    place.session.clean(result.job or "")
    assert list(place.store("oss").uploads("")) == []


def test_an_upload_that_somebody_aborts_ends_with_1_and_can_be_resumed(place: Place) -> None:
    body = random.Random(9).randbytes(4 * MIB)
    place.put("cos", "web.raw", body)
    place.sandbox.faults.add("oss:UploadPart lose-upload after=1")
    result = place.copy(f"{COS}/web.raw", f"{OSS}/copy.raw", part_bytes=MIB, workers=1)
    assert result.exit_code == 1
    assert "somebody aborted it" in str(result.error)
    good(place.session.resume(result.job or ""))
    assert place.read("oss", "copy.raw") == body


def test_oss_says_how_long_it_held_a_request_and_is_left_alone_as_long(place: Place) -> None:
    place.put("cos", "web.raw", bytes(MIB))
    place.sandbox.faults.add("oss:UploadPart throttle")
    good(place.copy(f"{COS}/web.raw", f"{OSS}/copy.raw"))
    from imgmove.sandbox.wire.oss import HELD_MILLISECONDS

    assert any(seconds >= int(HELD_MILLISECONDS) / 1000 for seconds in place.clock.slept)


@pytest.mark.parametrize(("from_", "to"), [("cos", "oss"), ("oss", "cos")])
def test_temporary_keys_that_run_out_on_the_way_are_renewed(place: Place, from_: str, to: str) -> None:
    """A key that the store takes for expired is not signed with again: its source is asked for every try."""
    body = random.Random(9).randbytes(4 * MIB)
    place.put(from_, "web.raw", body)
    fetched: dict[str, int] = {}

    def keys(kind: str) -> RenewedKey:
        def fetch() -> AccessKey:
            fetched[kind] = fetched.get(kind, 0) + 1
            seconds = 3600 if fetched[kind] > 1 else 1
            with place.sandbox.world.lock:
                key = place.sandbox.world.accounts.issue_temporary(*ACCOUNTS[kind], "p", seconds)
            return AccessKey(key.access_key_id, key.secret, key.token or "", place.clock.now() + 300 + seconds)

        return RenewedKey(fetch, place.clock.now)

    def store(kind: str) -> ObjectStore:
        cloud = place.session.resolver.registry.store(kind)
        settings: Settings = place.session.resolver.settings(cloud)
        if kind == "cos":
            return CosStore("imgmove-gz-1250000000", "ap-guangzhou", settings, keys(kind))
        return OssStore("imgmove-hz", "cn-hangzhou", settings, keys(kind))

    source, destination = store(from_), store(to)
    assert source.head("web.raw") is not None
    assert destination.head("copy.raw") is None
    with ThreadPoolExecutor(1) as executor:
        around = Surroundings(executor, Waiter(place.clock), chance=random.Random(1))
        place.clock.advance(2)
        copy_object(source, "web.raw", destination, "copy.raw", CopyOptions(1, MIB), around)
    assert place.read(to, "copy.raw") == body
    assert fetched == {from_: 2, to: 2}


@pytest.mark.parametrize(("from_", "to"), [("cos", "oss"), ("oss", "cos")])
def test_a_clock_that_is_wrong_is_said(place: Place, from_: str, to: str) -> None:
    place.put(from_, "web.raw", bytes(MIB))
    place.sandbox.faults.add(f"{from_}:GetObject refuse code=RequestTimeTooSkewed times=forever")
    result = place.copy(place.end(from_, "web.raw"), place.end(to, "copy.raw"))
    assert result.exit_code == 3
    assert result.error is not None
    assert "clock" in result.error.message + result.error.hint
    assert place.requests(from_).count("GetObject") == 1


def test_the_command_resumes_what_was_killed_halfway(place: Place, tmp_path: Path) -> None:
    """The whole process: its output, its exit codes, and no bytes sent twice."""
    body = random.Random(9).randbytes(5 * MIB)
    place.put("cos", "web.raw", body)
    environment = {
        **os.environ,
        **place.sandbox.environment(),
        "IMGMOVE_HOME": str(tmp_path / "cli"),
        "HOME": str(tmp_path),
    }

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "imgmove", *words, "-o", "json"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    place.sandbox.faults.add("oss:UploadPart refuse code=QuotaExceeded status=403 after=3 times=forever")
    words = ("copy", f"{COS}/web.raw", f"{OSS}/copy.raw", "--part-size", "1MiB", "--workers", "1")
    code, document = run(*words)
    assert code == document["error"]["exit_code"] != 0
    place.sandbox.faults.clear()
    place.sandbox._log.clear()
    code, document = run("jobs", "resume", document["job"])
    assert (code, document["state"]) == (0, "succeeded")
    assert int(document["artifacts"][0]["crc64"]) > 0
    assert place.requests("oss").count("UploadPart") == 2
    assert place.read("oss", "copy.raw") == body
