"""Which objects are an export's own: after an earlier export to the same names, without paths, after a lost answer."""

from __future__ import annotations

from dataclasses import replace

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.core.errors import Kind
from imgmove.core.requests import Operation
from imgmove.core.tasks import TaskState
from tests.clouds.tencent.bucket import FakeBucket, Held
from tests.clouds.tencent.conftest import Clock
from tests.clouds.tencent.exports import IMAGE, KEY, REQUEST, TOKEN, fails, image, shows, submitted, until_end
from tests.clouds.tencent.scripted import Reply, ScriptedServer

# ------------------------------------------------------------------------- what an earlier export has left there


def test_a_stale_object_is_not_taken_for_the_new_one(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    key = f"nightly_{IMAGE}_system_snap-1.raw"
    bucket.objects[key] = Held(modified=1_780_000_000.0)
    handle = submitted(cvm, server, replace(REQUEST, prefixes=("nightly",)), (key,))
    shows(server, image())
    assert until_end(cvm, handle).state is TaskState.RUNNING
    bucket.objects[key] = Held(modified=1_780_000_100.0)
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED, "the same bytes, written anew"


def test_where_nobody_could_look_the_time_tells(cvm: Cvm, server: ScriptedServer, clock: Clock) -> None:
    key = f"nightly_{IMAGE}_system_snap-1.raw"
    server.otherwise = lambda asked: Reply(403)
    handle = submitted(cvm, server, replace(REQUEST, prefixes=("nightly",)), (key,))
    assert handle.details["before"] is None
    bucket = server.otherwise = FakeBucket({key: Held(modified=clock.time - 1000)})
    shows(server, image())
    assert until_end(cvm, handle).state is TaskState.RUNNING
    bucket.objects[key] = Held(modified=clock.time - 50)
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED


def test_our_own_prefix_needs_no_clock(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    bucket.objects[KEY] = Held(modified=1.0)
    handle = submitted(cvm, server)
    shows(server, image())
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED
    assert not any(asked.query.get("prefix") for asked in server.asked)


# ------------------------------------------------------------------------------------------------------- paths


def test_without_paths_the_names_tell(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server, keys=())
    assert handle.task_id == "105591590"
    shows(server, image(disks=2))
    bucket.objects = {KEY: Held(), f"other_{IMAGE}_system_x.raw": Held()}
    assert until_end(cvm, handle).state is TaskState.RUNNING, "one of two disks"
    bucket.objects[KEY.replace("system", "data")] = Held()
    done = until_end(cvm, handle)
    assert done.state is TaskState.SUCCEEDED
    assert [item.disk for item in done.artifacts] == ["system", "data"]


def test_without_paths_the_root_disk_alone(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    handle = submitted(cvm, server, replace(REQUEST, root_disk_only=True), keys=())
    shows(server, image(disks=2))
    bucket.objects = {KEY: Held()}
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED


# -------------------------------------------------------------------------------------------------------- find


def test_an_object_with_our_prefix_proves_it(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    shows(server, image())
    assert cvm.find(REQUEST, TOKEN, 1_780_000_000.0) is None
    bucket.objects[KEY] = Held()
    handle = cvm.find(REQUEST, TOKEN, 1_780_000_000.0)
    assert handle is not None
    assert (handle.operation, handle.task_id) == (Operation.EXPORT, None)
    assert until_end(cvm, handle).state is TaskState.SUCCEEDED


def test_so_does_an_unfinished_upload(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    shows(server, image())
    bucket.uploads = [KEY]
    assert cvm.find(REQUEST, TOKEN, 1_780_000_000.0) is not None


def test_an_exporting_image_alone_proves_nothing(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    shows(server, image("EXPORTING"))
    error = fails(lambda: cvm.find(REQUEST, TOKEN, 1_780_000_000.0))
    assert (error.kind, error.code) == (Kind.CONFLICT, "ExportNotAttributable")
    shows(server, image("NORMAL"))
    assert cvm.find(REQUEST, TOKEN, 1_780_000_000.0) is None


def test_what_was_there_before_is_not_ours(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket, clock: Clock) -> None:
    request = replace(REQUEST, prefixes=("nightly",))
    shows(server, image())
    bucket.objects[f"nightly_{IMAGE}_system_snap-1.raw"] = Held(modified=clock.time - 86_400)
    assert cvm.find(request, TOKEN, clock.time) is None
    bucket.objects[f"nightly_{IMAGE}_system_snap-1.raw"] = Held(modified=clock.time + 60)
    assert cvm.find(request, TOKEN, clock.time) is not None


def test_no_bucket_no_export(cvm: Cvm, server: ScriptedServer, bucket: FakeBucket) -> None:
    shows(server, image())
    bucket.exists = False
    assert cvm.find(REQUEST, TOKEN, 1_780_000_000.0) is None
