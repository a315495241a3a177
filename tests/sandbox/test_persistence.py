"""The world on disk: round trips, broken states, the lock of a directory."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import FaultPlan
from imgmove.sandbox.persistence import SCHEMA, DirectoryError, DirectoryLock, Persistence
from imgmove.sandbox.world import SECTIONS, World, alibaba_records, tencent_records
from imgmove.sandbox.world.accounts import Account, Key


def world_in(root: Path) -> World:
    return World(root, Clock(), FaultPlan())


def furnish(world: World) -> None:
    """Something in every section."""
    world.accounts.add(Account("tencent", "1", "125"))
    world.accounts.add_key(Key("tencent", "AKID", "s3cret", "1", "qcs::cam", token="t", expires_at=12.5))
    bucket = world.objects.create_bucket("tencent", "b-125", "ap-guangzhou", "1")
    world.objects.put(bucket, "键/key", b"content")
    upload = world.objects.uploads.begin(bucket, "big")
    world.objects.uploads.put_part(bucket, "big", upload.upload_id, 7, b"part")
    world.tencent.add_image(tencent_records.Image("img-1", "1", "ap-guangzhou", "web", tags={"a": "b"}))
    world.tencent.start(tencent_records.Task(0, "cvm", "CreateImage", "1", "ap-guangzhou", 0, 0, 0), 60)
    disk = alibaba_records.ImageDisk("system", "/dev/xvda", 1)
    world.alibaba.add_image(alibaba_records.Image("m-1", "web", "cn-hangzhou", "2", [disk]))


def states(world: World) -> dict[str, object]:
    return {name: getattr(world, name).state for name in SECTIONS}


def test_a_world_comes_back_as_it_was(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    furnish(world)
    Persistence(world).save()
    again = world_in(tmp_path)
    assert Persistence(again).load()
    assert states(again) == states(world)
    assert next(iter(again.objects.state.uploads.values())).parts[7].size_bytes == 4


def test_the_clock_goes_on_from_where_it_was(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    world.clock.freeze()
    world.clock.advance(5000)
    world.clock.speed = 7
    world.clock.skew_seconds = -30
    world.changed()
    Persistence(world).save()
    again = world_in(tmp_path)
    Persistence(again).load()
    assert (again.clock.speed, again.clock.skew_seconds, again.clock.frozen) == (7, -30, True)
    assert again.clock.now() == pytest.approx(5000, abs=60)


def test_a_new_directory_has_nothing(tmp_path: Path) -> None:
    assert not Persistence(world_in(tmp_path)).load()


def test_nothing_is_written_when_nothing_has_changed(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    persistence = Persistence(world)
    persistence.save()
    (tmp_path / "state.json").unlink()
    persistence.save()
    assert not (tmp_path / "state.json").exists()
    world.changed()
    persistence.save()
    assert (tmp_path / "state.json").exists()


def test_every_save_returns_with_its_change_on_disk(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    persistence = Persistence(world)
    missing: list[str] = []

    def work(number: int) -> None:
        for step in range(20):
            account_id = f"{number}-{step}"
            with world.lock:
                world.accounts.add(Account("tencent", account_id))
            persistence.save()
            if f'"{account_id}"' not in (tmp_path / "state.json").read_text():
                missing.append(account_id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []


def test_a_discarded_file_goes_once_the_state_without_it_is_on_disk(tmp_path: Path) -> None:
    world = World(tmp_path, Clock(), FaultPlan(), durable=True)
    persistence = Persistence(world)
    persistence.save()
    blob = world.blobs / "old"
    blob.write_text("bytes")
    world.discard(blob)
    persistence.save()
    assert blob.exists(), "the state on disk may still name it"
    world.changed()
    persistence.save()
    assert not blob.exists()


def test_a_discarded_file_goes_at_once_where_nothing_is_kept(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    (world.blobs / "old").write_text("bytes")
    world.discard(world.blobs / "old")
    world.discard(world.blobs / "old")
    assert list(world.blobs.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "can't be read"),
        (b"{", "can't be read"),
        (b"[]", "can't be read"),
        (json.dumps({"schema": SCHEMA}).encode(), "can't be read"),
        (json.dumps({"schema": SCHEMA + 1}).encode(), f"has schema {SCHEMA + 1}; this version reads {SCHEMA}"),
    ],
)
def test_a_state_that_cannot_be_read_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(DirectoryError, match=r".") as caught:
        Persistence(world_in(tmp_path)).load()
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert (tmp_path / "state.json").read_bytes() == content, "and it is left for somebody to look at"


def test_a_directory_has_one_sandbox(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.acquire()
    with pytest.raises(DirectoryError, match=r"in use by another sandbox \(process \d+\)"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()
