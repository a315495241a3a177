"""The stores without their wires: whole objects only, bytes that stay, and what many hands do at once."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from fastcrc import crc64

from imgmove.sandbox import Sandbox
from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import FaultPlan
from imgmove.sandbox.world import World
from imgmove.sandbox.world import blobs as blobs_module
from imgmove.sandbox.world.blobs import LINGER_SECONDS
from imgmove.sandbox.world.object_records import Bucket, ObjectsState
from imgmove.sandbox.world.objects import Properties, Reason, StoreError
from tests.sandbox.stores import worlds


@pytest.fixture
def wall() -> list[float]:
    """The time; change its one element to let time pass."""
    return [1_000_000.0]


@pytest.fixture
def world(tmp_path: Path, wall: list[float]) -> World:
    """An empty world."""
    return World(tmp_path / "world", Clock(real_wall=lambda: wall[0]), FaultPlan())


@pytest.fixture
def bucket(world: World) -> Bucket:
    """A bucket of COS."""
    return world.objects.create_bucket("tencent", "house-1250000000", "ap-guangzhou", "1")


def _files(world: World) -> int:
    return len(list(world.blobs.iterdir()))


def _refused(reason: Reason) -> pytest.RaisesExc[StoreError]:
    return pytest.RaisesExc(StoreError, check=lambda error: error.reason is reason)


def test_putting_a_file_copies_or_takes_it(world: World, bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "disk.raw"
    source.write_bytes(b"content")
    copied = world.objects.put(bucket, "copied", source)
    assert source.exists()
    moved = world.objects.put(bucket, "moved", source, move=True)
    assert not source.exists()
    for item in (copied, moved):
        assert world.objects.path(item).read_bytes() == b"content"
        assert (item.etag, item.crc64) == (hashlib.md5(b"content").hexdigest(), crc64.xz(b"content"))
        assert (item.size_bytes, item.storage_class, item.owner) == (7, "STANDARD", "1")


def test_a_copied_file_keeps_its_holes(world: World, bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "sparse.raw"
    with source.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"middle")
    stored = world.objects.path(world.objects.put(bucket, "sparse", source))
    assert stored.stat().st_size == 64 << 20
    assert stored.stat().st_blocks * 512 < 1 << 20
    assert stored.read_bytes()[32 << 20 :][:6] == b"middle"


def test_replaced_bytes_linger_for_their_readers(world: World, bucket: Bucket, wall: list[float]) -> None:
    old = world.objects.path(world.objects.put(bucket, "key", b"old"))
    world.objects.put(bucket, "key", b"new")
    assert old.read_bytes() == b"old", "an answer may be about to send them"
    wall[0] += LINGER_SECONDS + 1
    world.objects.delete(bucket, "key")
    assert not old.exists()


def test_copies_cost_no_bytes_and_live_by_themselves(world: World, bucket: Bucket) -> None:
    source = world.objects.put(bucket, "source", b"content", Properties(content_type="a/b"))
    copy = world.objects.copy(source, bucket, "copy", Properties(content_type="c/d"))
    assert world.objects.path(source).samefile(world.objects.path(copy))
    world.objects.delete(bucket, "source")
    assert world.objects.path(copy).read_bytes() == b"content"


def test_a_copy_of_a_multipart_object_has_its_md5_again(world: World, bucket: Bucket) -> None:
    uploads = world.objects.uploads
    upload_id = uploads.begin(bucket, "joined").upload_id
    for number in (1, 2):
        uploads.put_part(bucket, "joined", upload_id, number, b"ab" * number)
    joined = uploads.complete(bucket, "joined", upload_id, None, minimum_part_bytes=0)
    assert joined.etag.endswith("-2")
    copy = world.objects.copy(joined, bucket, "copy", Properties())
    assert (copy.etag, copy.part_count, copy.crc64) == (hashlib.md5(b"ababab").hexdigest(), 0, joined.crc64)


def test_nothing_is_left_behind(world: World, bucket: Bucket, wall: list[float]) -> None:
    uploads = world.objects.uploads
    upload_id = uploads.begin(bucket, "key").upload_id
    for number in (1, 2, 3, 3):
        uploads.put_part(bucket, "key", upload_id, number, b"part")
    assert _files(world) == 3
    uploads.complete(bucket, "key", upload_id, [(1, hashlib.md5(b"part").hexdigest())], minimum_part_bytes=0)
    assert _files(world) == 1
    abandoned = uploads.begin(bucket, "key").upload_id
    uploads.put_part(bucket, "key", abandoned, 1, b"part")
    uploads.abort(bucket, "key", abandoned)
    with _refused(Reason.NO_SUCH_UPLOAD):
        uploads.put_part(bucket, "key", abandoned, 1, b"part")
    with _refused(Reason.OBJECT_EXISTS):
        world.objects.put(bucket, "key", b"other", forbid_overwrite=True)
    assert _files(world) == 1


def test_a_failed_join_leaves_the_upload_as_it_was(
    world: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = world.objects.uploads
    upload_id = uploads.begin(bucket, "key").upload_id
    for number in (1, 2):
        uploads.put_part(bucket, "key", upload_id, number, b"part")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(blobs_module, "_transfer", full)
        with pytest.raises(OSError, match="No space"):
            uploads.complete(bucket, "key", upload_id, None, minimum_part_bytes=0)
    assert world.objects.head(bucket, "key") is None
    assert _files(world) == 2
    assert uploads.complete(bucket, "key", upload_id, None, minimum_part_bytes=0).size_bytes == 8


@pytest.mark.parametrize("kernel", [True, False])
def test_joining_with_and_without_the_kernels_help(
    world: World, bucket: Bucket, kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kernel:
        monkeypatch.setattr(blobs_module, "_kernel_copy", lambda *_arguments: None)
    uploads = world.objects.uploads
    upload_id = uploads.begin(bucket, "key").upload_id
    bodies = [os.urandom(size) for size in (3 << 20, 1, (1 << 20) + 7)]
    for number, body in enumerate(bodies, 1):
        uploads.put_part(bucket, "key", upload_id, number, body)
    item = uploads.complete(bucket, "key", upload_id, None, minimum_part_bytes=1)
    assert world.objects.path(item).read_bytes() == b"".join(bodies)
    assert item.crc64 == crc64.xz(b"".join(bodies))


def test_others_go_on_while_parts_are_joined(world: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = world.objects.uploads
    upload_id = uploads.begin(bucket, "key").upload_id
    for number in (1, 2):
        uploads.put_part(bucket, "key", upload_id, number, b"part")
    joining, go_on = threading.Event(), threading.Event()
    transfer = blobs_module._transfer

    def slow(*arguments: int) -> None:
        joining.set()
        assert go_on.wait(10)
        transfer(*arguments)

    monkeypatch.setattr(blobs_module, "_transfer", slow)
    with ThreadPoolExecutor(3) as pool:
        done = pool.submit(uploads.complete, bucket, "key", upload_id, None, minimum_part_bytes=0)
        assert joining.wait(10)
        world.objects.put(bucket, "other", b"at once")
        assert world.objects.head(bucket, "key") is None, "an object appears whole or not at all"
        late = pool.submit(uploads.put_part, bucket, "key", upload_id, 1, b"late")
        again = pool.submit(uploads.complete, bucket, "key", upload_id, None, minimum_part_bytes=0)
        go_on.set()
        assert done.result(10).size_bytes == 8
        for loser in (late, again):
            with _refused(Reason.NO_SUCH_UPLOAD):
                loser.result(10)
    assert world.objects.path(done.result()).read_bytes() == b"partpart"
    assert _files(world) == 2


def test_many_writers_of_one_key(world: World, bucket: Bucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: world.objects.put(bucket, "key", bytes([n]) * 1000), range(50)))
    item = world.objects.head(bucket, "key")
    assert item is not None
    content = world.objects.path(item).read_bytes()
    assert len(set(content)) == 1
    assert item.crc64 == crc64.xz(content)


def test_buckets_belong_to_one_account_of_a_vendor(world: World, bucket: Bucket) -> None:
    with _refused(Reason.BUCKET_OWNED):
        world.objects.create_bucket("tencent", bucket.name, "ap-shanghai", "1")
    with _refused(Reason.BUCKET_EXISTS):
        world.objects.create_bucket("tencent", bucket.name, "ap-guangzhou", "2")
    assert world.objects.create_bucket("alibaba", bucket.name, "cn-hangzhou", "2").storage_class == "Standard"
    assert [each.owner for each in world.objects.buckets("tencent", "1")] == ["1"]
    world.objects.delete_bucket(bucket)
    with _refused(Reason.NO_SUCH_BUCKET):
        world.objects.put(bucket, "key", b"late")
    assert _files(world) == 0


def test_the_state_survives_encoding(world: World, bucket: Bucket) -> None:
    world.objects.put(bucket, "key", b"content", Properties(metadata={"a": "b"}, grants={"READ": ["2"]}))
    upload_id = world.objects.uploads.begin(bucket, "key").upload_id
    world.objects.uploads.put_part(bucket, "key", upload_id, 7, b"part")
    state = world.objects.state
    assert msgspec.json.decode(msgspec.json.encode(state), type=ObjectsState) == state


def test_a_sweep_removes_strays_and_nothing_else(world: World, bucket: Bucket) -> None:
    item = world.objects.put(bucket, "key", b"content")
    upload_id = world.objects.uploads.begin(bucket, "key").upload_id
    part = world.objects.uploads.put_part(bucket, "key", upload_id, 1, b"part")
    (world.blobs / "stray").write_bytes(b"x")
    assert world.objects.sweep() == 1
    assert world.objects.path(item).exists()
    assert world.objects.path(part).exists()


def test_objects_and_uploads_survive_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path, seed=worlds.fill) as first:
        objects = first.world.objects
        bucket = objects.bucket("alibaba", worlds.OSS_BUCKET)
        assert bucket is not None
        objects.put(bucket, "key", b"content")
        upload_id = objects.uploads.begin(bucket, "open").upload_id
        objects.uploads.put_part(bucket, "open", upload_id, 1, b"part")
    with Sandbox(tmp_path) as second:
        objects = second.world.objects
        bucket = objects.bucket("alibaba", worlds.OSS_BUCKET)
        assert bucket is not None
        item = objects.head(bucket, "key")
        assert item is not None
        assert objects.path(item).read_bytes() == b"content"
        done = objects.uploads.complete(bucket, "open", upload_id, None, minimum_part_bytes=0)
        assert objects.path(done).read_bytes() == b"part"
