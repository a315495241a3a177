"""What goes wrong in the middle of a migration: one clear line, the right exit code, a job to be resumed or cleaned."""

import os
import resource
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from imgmove.app.session import Session
from imgmove.engine.clock import SystemClock
from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli, Done
from tests.cli.processes import home, imgmove
from tests.cli.test_bad_input import assert_clear
from tests.cli.test_jobs import tasks
from tests.cli.test_migrate import (
    COS,
    CVM,
    CVM_TWO_DISKS,
    ECS,
    OSS,
    TO_CVM,
    TO_ECS,
    cvm_disks,
    cvm_image,
    ecs_disks,
    objects,
)

FAST = ("--poll-interval", "10ms")
IN_PARTS = ("--part-size", "1MiB", "--workers", "1")


def fatten(sandbox: Sandbox, image_id: str = "img-seed0001") -> None:
    """Give an image three MiB that no format makes smaller: its copy takes several parts."""
    tencent = sandbox.world.tencent
    snapshot = tencent.snapshot(cvm_image(sandbox, image_id).snapshot_ids[0])
    assert snapshot is not None
    with tencent.blob(snapshot.blob).open("r+b") as disk:
        disk.seek(700 << 20)
        disk.write(os.urandom(3 << 20))


def when(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, place: str, number: int, do: Callable[[], object]) -> None:
    """Do something just before the sandbox handles the n-th request of that kind."""
    match, seen = sandbox.faults.match, 0

    def watching(service: str, action: str) -> Any:
        nonlocal seen
        if f"{service}:{action}" == place:
            seen += 1
            if seen == number:
                do()
        return match(service, action)

    monkeypatch.setattr(sandbox.faults, "match", watching)


def staged(sandbox: Sandbox) -> tuple[Any, Any]:
    """The source's bucket and the one object in it."""
    store = sandbox.world.objects
    bucket = store.bucket("tencent", COS)
    assert bucket is not None
    return bucket, store.list(bucket).items[0]


def assert_taken_up(cli: Cli, sandbox: Sandbox, *, exports: int = 1) -> None:
    resumed = cli("jobs", "resume", "--yes", *FAST, "-o", "json")
    if not resumed.out or "jobs" in resumed.json:  # it has ended: by name then
        resumed = cli("jobs", "resume", Session().jobs()[0].id, *FAST, "-o", "json")
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded"), resumed
    assert objects(sandbox) == []
    assert len(tasks(sandbox, "ExportImages")) + len(tasks(sandbox, "ExportImage")) == exports


def assert_cleaned(cli: Cli, sandbox: Sandbox) -> None:
    cleaned = cli("jobs", "clean", "--yes", "-o", "json")
    assert (cleaned.code, cleaned.json["error"]) == (0, None), cleaned
    assert objects(sandbox) == []
    store = sandbox.world.objects
    with sandbox.world.lock:
        buckets = [store.bucket("tencent", COS), store.bucket("alibaba", OSS)]
        assert [upload for bucket in buckets if bucket for upload in store.uploads.of_bucket(bucket)] == []


def migrate(cli: Cli, *words: str) -> Done:
    return cli("migrate", CVM, *TO_ECS, "--name", "moved", *IN_PARTS, *FAST, *words)


# ---------------------------------------------------------------------------------------------------- the export


def test_an_export_that_writes_fewer_objects_than_promised(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    home().mkdir()
    (home() / "config.toml").write_text('[profiles.default.tencent]\nexport_grace = "0s"\n')
    put = sandbox.world.objects.put

    def losing(bucket: Any, key: str, *rest: Any, **more: Any) -> Any:
        item = put(bucket, key, *rest, **more)
        if "_data_" in key:
            sandbox.world.objects.delete(bucket, key)
        return item

    monkeypatch.setattr(sandbox.world.objects, "put", losing)
    done = cli("migrate", CVM_TWO_DISKS, *TO_ECS, "--name", "moved", *FAST)
    assert_clear(done, 1, "ExportIncomplete", "1 of 2 objects")
    assert len(objects(sandbox)) == 1
    assert_cleaned(cli, sandbox)


def test_a_quota_that_is_full_when_it_counts(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("ecs:ImportImage refuse code=QuotaExceed.Image after=1 times=1")  # after the dry run
    assert_clear(migrate(cli), 5, "QuotaExceed.Image")
    assert_taken_up(cli, sandbox)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "ecs:ImportImage refuse code=InvalidSecurityToken.Expired after=1 times=forever",
            "InvalidSecurityToken.Expired",
        ),
        ("oss:UploadPart refuse code=SecurityTokenExpired status=403 times=forever", "SecurityTokenExpired"),
        ("cos:GetObject refuse code=ExpiredToken status=403 after=1 times=forever", "ExpiredToken"),
    ],
)
def test_an_expired_token(cli: Cli, sandbox: Sandbox, fault: str, says: str) -> None:
    """There is nothing to refresh it with: the keys are the environment's own."""
    sandbox.faults.add(fault)
    fatten(sandbox)
    assert_clear(migrate(cli), 3, says)
    sandbox.faults.clear()
    assert_taken_up(cli, sandbox)


# ------------------------------------------------------------------------------------------------------ the copy


def test_a_source_that_changes_during_the_copy(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fatten(sandbox)

    def change() -> None:
        bucket, item = staged(sandbox)
        data = bytearray(sandbox.world.objects.path(item).read_bytes())
        data[-1] ^= 1
        sandbox.world.objects.put(bucket, item.key, bytes(data))

    when(sandbox, monkeypatch, "cos:GetObject", 3, change)
    done = migrate(cli)
    assert_clear(done, 1, "changed")
    assert_cleaned(cli, sandbox)


def test_a_source_that_vanishes_during_the_copy(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fatten(sandbox)

    def vanish() -> None:
        bucket, item = staged(sandbox)
        sandbox.world.objects.delete(bucket, item.key)

    when(sandbox, monkeypatch, "cos:GetObject", 3, vanish)
    assert_clear(migrate(cli), 1, "NoSuchKey")
    assert_cleaned(cli, sandbox)


def test_an_upload_that_somebody_else_aborts(cli: Cli, sandbox: Sandbox) -> None:
    """Whoever did so may have meant it: it is said. Taken up again, the copy begins a new upload."""
    fatten(sandbox)
    sandbox.faults.add("oss:UploadPart lose-upload after=1 times=1")
    assert_clear(migrate(cli), 1, "NoSuchUpload", "aborted")
    assert_taken_up(cli, sandbox)
    assert_cleaned(cli, sandbox)


def test_bytes_that_change_on_the_way(cli: Cli, sandbox: Sandbox) -> None:
    """On either leg: found by the checksum of the part, and mended before anything is completed."""
    fatten(sandbox)
    sandbox.faults.add("cos:GetObject corrupt-body after=2 times=1")
    sandbox.faults.add("oss:UploadPart corrupt-body after=1 times=1")
    done = migrate(cli, "-o", "json")
    assert done.code == 0, done
    assert all(fault.spent for fault in sandbox.faults.list())
    assert ecs_disks(sandbox, done.json["image_id"]) == cvm_disks(sandbox, "img-seed0001")


# --------------------------------------------------------------------------------------------------- the journal


def test_a_journal_on_a_disk_that_fills_up(cli: Cli, sandbox: Sandbox) -> None:
    """Wherever the room ends, it is said, and with room again the job goes on."""
    codes: list[int] = []
    for room in (30_000, 80_000, 130_000, 200_000):
        sandbox.reset()
        sandbox.clock.speed = 3000
        for path in sorted((home() / "state").glob("journal*")):
            path.unlink()

        def limit(room: int = room) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        with imgmove("migrate", ECS, *TO_CVM, "--name", "moved", *FAST, preexec_fn=limit) as process:
            out, err = process.communicate(timeout=30)
        codes.append(process.returncode)
        assert process.returncode in {0, 1}, err
        assert "Traceback" not in err
        if process.returncode:
            assert_clear(Done(1, out, err), 1, "journal", "IMGMOVE_HOME")
            if Session().jobs():
                assert_taken_up(cli, sandbox)
            else:
                assert tasks(sandbox, "ExportImage") == []
    assert codes[0] == 1, codes


def test_a_home_that_cannot_be_written(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGMOVE_HOME", "/proc/imgmove")
    assert_clear(migrate(cli), 1, "IMGMOVE_HOME")
    assert tasks(sandbox, "ExportImages") == []


def test_a_damaged_journal(cli: Cli, sandbox: Sandbox) -> None:
    path = home() / "state" / "journal.sqlite3"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"This is no database. " * 500)
    for words in (("jobs", "list"), ("jobs", "resume", "--yes"), ("migrate", CVM, *TO_ECS, "--name", "moved")):
        assert_clear(cli(*words), 7, str(path), "damaged")
    assert tasks(sandbox, "ExportImages") == []
    path.rename(path.with_suffix(".damaged"))
    assert cli("migrate", CVM, *TO_ECS, "--name", "moved", *FAST).code == 0


# ------------------------------------------------------------------------------------------------------ the clock


@pytest.mark.parametrize("jump", [+7200.0, -7200.0], ids=["forward", "back"])
def test_a_clock_that_jumps(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """What is measured is measured by a clock that does not: no wait ends early or late."""
    offset = 0.0

    def leap() -> None:
        nonlocal offset
        offset = jump

    monkeypatch.setattr(SystemClock, "now", lambda _self: time.time() + offset)
    when(sandbox, monkeypatch, "oss:UploadPart", 2, leap)
    fatten(sandbox)
    done = migrate(cli, "-o", "json", "--timeout", "1h")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert len(tasks(sandbox, "ImportImage")) == 1
    assert objects(sandbox) == []


@pytest.mark.parametrize("jump", [+7200.0, -7200.0], ids=["ours is behind", "ours is ahead"])
def test_a_clock_that_the_vendors_do_not_take(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """Signatures of another time are refused; it is said so, and when the clock is right again the job goes on."""
    offset = 0.0

    def leap() -> None:
        nonlocal offset
        offset = jump

    monkeypatch.setattr(sandbox.clock, "wall", lambda: time.time() + offset)
    when(sandbox, monkeypatch, "oss:InitiateMultipartUpload", 2, leap)
    done = migrate(cli)
    offset = 0.0
    assert_clear(done, 3, "clock")
    assert_taken_up(cli, sandbox)


def test_a_clock_that_is_set_back_while_a_submit_is_in_doubt(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was started "in the future" is found all the same: one import, not two."""
    sandbox.faults.add("ecs:ImportImage drop-after after=1 times=1")
    offset = 0.0

    def leap() -> None:
        nonlocal offset
        offset = -300.0

    monkeypatch.setattr(SystemClock, "now", lambda _self: time.time() + offset)
    when(sandbox, monkeypatch, "ecs:ImportImage", 2, leap)
    done = migrate(cli, "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert len(tasks(sandbox, "ImportImage")) == 1
