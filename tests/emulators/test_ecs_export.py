"""ECS's export against every legal reading of its pages: ids, tasks, related items, objects (alibaba.md 1.2 to 1.4, 4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.conftest import Cli, Clouds, Done

IMAGE = "m-bp67acfmxazb4p"
WHOLE = b"\x1f\x8b a whole disk, packed " * 50
HALF = WHOLE[: len(WHOLE) // 2]
GOING, FINISHED = {"TaskStatus": "Processing", "TaskProcess": "40%"}, {"TaskStatus": "Finished", "TaskProcess": "100%"}
NO_PROGRESS = {"TaskStatus": "Processing", "TaskProcess": ...}

#: What the task says and the object looks like, look by look (None: the task is not known); all of them end well.
GOOD: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "by the book": [({"TaskStatus": "Waiting"}, {}), (GOING, {}), (FINISHED, {"system": WHOLE})],
    "at once": [(FINISHED, {"system": WHOLE})],
    "object later than the task": [(FINISHED, {})] * 5 + [(FINISHED, {"system": WHOLE})],
    "object earlier than the task": [(GOING, {"system": WHOLE}), (GOING, {}), (FINISHED, {})],
    "empty, then growing": [(GOING, {"system": b""}), (FINISHED, {"system": HALF}), (FINISHED, {"system": WHOLE})],
    "no progress": [(NO_PROGRESS, {}), ({"TaskStatus": "Processing", "TaskProcess": ""}, {}),
                    ({"TaskStatus": "Processing", "TaskProcess": None}, {}), (FINISHED, {"system": WHOLE})],
    "strange words": [({"TaskStatus": "Pending"}, {}), ({"TaskStatus": "Paused"}, {}), ({"TaskStatus": "Packing"}, {}),
                      (FINISHED, {"system": WHOLE})],
    "not listed at first": [(None, {}), (None, {}), (GOING, {}), (FINISHED, {"system": WHOLE})],
    "forgotten in the end": [(GOING, {})] + [(None, {"system": WHOLE})] * 30,
    "progress as a number": [({"TaskStatus": "Processing", "TaskProcess": 40}, {}), (FINISHED, {"system": WHOLE})],
}  # fmt: skip


def export(cli: Cli, *words: str) -> Done:
    return cli("export", f"alibaba://cn-hangzhou/{IMAGE}", "--bucket", "stage", "--timeout", "3h", *words, "-o", "json")


def assert_exported(done: Done, clouds: Clouds) -> None:
    assert (done.code, done.json["state"], done.json["progress"]) == (0, "succeeded", 100), done
    assert [(item["size"], item["disk"]) for item in done.json["artifacts"]] == [(len(WHOLE), "system")], done
    assert done.json["artifacts"][0]["uri"].startswith("oss://stage/")
    assert clouds.ecs.count("ExportImage") == 1


@pytest.mark.parametrize("related", ["all", "object", "none", "missing", "early"])
@pytest.mark.parametrize("script", GOOD)
def test_it_ends_well_whatever_shows_when(cli: Cli, clouds: Clouds, script: str, related: str) -> None:
    clouds.renew({"ECS": {"related": related}})
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.script = list(GOOD[script])
    assert_exported(export(cli), clouds)


@pytest.mark.parametrize(
    "ways",
    [
        {"task id": "old"},
        {"task id": "both"},
        {"task begins": "tsk-"},
        {"task begins": "m-odd"},
        {"action": "upper"},
        {"action": "lower"},
        {"few fields": 1},
        {"few fields": 1, "related": "missing"},
        {"numbers as text": 1},
        {"extra fields": 1},
        {"usable": 1},
        {"flat lists": 1},
        {"no empty lists": 1},
        {"unknown id is an error": 1},
        {"not found status": 403},
        {"system mark": "_t-bp67acfmxazb4p", "related": "missing"},
        {"ending": "raw", "related": "none"},
        {"ending": "vhd.gz"},
    ],
    ids=str,
)
def test_answers_that_say_more_or_less(cli: Cli, clouds: Clouds, ways: dict[str, Any]) -> None:
    clouds.renew({"ECS": ways})
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.script = list(GOOD["by the book"])
    done = export(cli)
    assert_exported(done, clouds)
    assert done.json["task_id"] in clouds.ecs.tasks
    assert done.json["request_id"]


@pytest.mark.parametrize("way", ["none", "null"])
def test_no_task_id_and_the_task_is_found(cli: Cli, clouds: Clouds, way: str) -> None:
    clouds.renew({"ECS": {"task id": way, "related": "early"}})
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.script = list(GOOD["by the book"])
    done = export(cli)
    assert_exported(done, clouds)
    assert done.json["task_id"] in clouds.ecs.tasks


@pytest.mark.parametrize("ways", [{"forgets tasks": 1}, {"tasks are closed": 1}, {"related": "missing"}], ids=str)
def test_no_task_id_and_nothing_to_be_found_is_said_with_the_request_id(
    cli: Cli, clouds: Clouds, ways: dict[str, Any]
) -> None:
    clouds.renew({"ECS": {"task id": "none", **ways}})
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.script = [(GOING, {})]
    done = export(cli)
    assert (done.code, done.error["code"], done.error["request_id"][:2]) == (1, "AcceptedWithoutId", "R-"), done
    assert done.error["request_id"] in done.error["message"]
    assert "jobs resume" in done.error["hint"]
    assert clouds.ecs.count("ExportImage") == 1
    clouds.ecs.ways.pop(next(iter(ways)))
    clouds.ecs.script = list(GOOD["by the book"])
    for task in clouds.ecs.tasks.values():
        task["film"] = type(task["film"])(*GOOD["by the book"])
    resumed = cli("jobs", "resume", done.json["job"], "-o", "json")
    assert_exported(resumed, clouds)


def test_failures_of_looks_are_none_of_the_export(cli: Cli, clouds: Clouds) -> None:
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.refusals["DescribeTaskAttribute"] = ["Throttling.User", "ServiceUnavailable", "InternalError", "Throttling",
                                                    "IllegalTimestamp", "UnknownError", "SomethingNew"]  # fmt: skip
    clouds.oss.refusals["HEAD object"] = [
        (503, "ServiceUnavailable"),
        (500, "InternalError"),
        (403, "RequestTimeTooSkewed"),
    ]
    for how in ("html", "close", "reset", "half", "empty", "empty500", "null", "list", "object", "long", "html502", "binary",
                "redirect", "throttled", "broken"):  # fmt: skip
        clouds.ecs.spoil("DescribeTaskAttribute", how)
        clouds.oss.spoil("HEAD object", how)
    done = export(cli)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.ecs.count("ExportImage") == 1


@pytest.mark.parametrize("retry_after", [None, 0, 20, 3000, -1, "soon"])
def test_throttled_submits_are_sent_again(cli: Cli, clouds: Clouds, hurried: Any, retry_after: Any) -> None:
    clouds.renew({"ECS": {} if retry_after is None else {"retry after": retry_after}})
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.refusals["ExportImage"] = ["Throttling.User", "Throttling"]
    done = export(cli)
    assert (done.code, clouds.ecs.count("ExportImage"), len(clouds.ecs.tasks)) == (0, 3, 1), done
    if retry_after == 3000:
        assert hurried.slept >= 6.0


@pytest.mark.parametrize(
    ("script", "state", "code", "exit_code"),
    [
        ([({"TaskStatus": "Failed", "TaskProcess": "50%"}, {})], "failed", "TaskFailed", 1),
        ([(GOING, {}), ({"TaskStatus": "Failed", "OperationProgressSet": {"OperationProgress": [
            {"OperationStatus": "Failed", "ErrorCode": "ExportImageFailed", "ErrorMsg": "no room"}]}}, {})],
         "failed", "ExportImageFailed", 1),
        ([(GOING, {}), ({"TaskStatus": "Deleted"}, {})], "cancelled", None, 1),
        ([(FINISHED, {})], "failed", "ExportIncomplete", 1),
        ([(FINISHED, {"system": b""})], "failed", "ExportIncomplete", 1),
        ([(GOING, {}), (None, {})], "failed", "ExportIncomplete", 1),
    ],
)  # fmt: skip
def test_it_ends_badly(cli: Cli, clouds: Clouds, script: Any, state: str, code: str | None, exit_code: int) -> None:
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.script = script
    done = export(cli)
    assert (done.code, done.json["state"]) == (exit_code, state), done
    assert code is None or done.error["code"] == code
    assert clouds.ecs.count("ExportImage") == 1


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("InvalidImageId.NotFound", 4), ("ImageId.NotFound", 4), ("IncorrectImageStatus", 4), ("ImageIsExporting", 4),
        ("OperationDenied.ImageExporting", 4), ("NoSetRoletoECSServiceAcount", 3), ("NoSetRoletoECSServiceAccount", 3),
        ("InvalidOSSBucket.NotFound", 4), ("OssBucket.NotFound", 4), ("ConcurrentQuotaExceed.ExportImage", 5),
        ("WeeklyQuotaExceed.ExportImage", 5), ("Forbidden.RAM", 3), ("UserNotInTheWhiteList", 3),
        ("InvalidAccessKeyId.NotFound", 3), ("InvalidRegionId.NotFound", 4),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["real", "dry"])
def test_refusals(cli: Cli, clouds: Clouds, code: str, exit_code: int, dry: tuple[str, ...]) -> None:
    clouds.ecs.put(IMAGE, "web")
    clouds.ecs.refusals["ExportImage"] = [code]
    done = export(cli, *dry)
    assert (done.code, done.json["state"], done.error["code"]) == (exit_code, "failed", code), done
    assert (done.error["message"], done.error["request_id"][:2]) == ("refused by the emulation", "R-")
    assert clouds.ecs.count("ExportImage") == 1


@pytest.mark.parametrize("way", ["DryRunOperation", "DRYRUN.SUCCESS", "answer"])
def test_a_dry_run_that_passes(cli: Cli, clouds: Clouds, way: str) -> None:
    clouds.renew({"ECS": {"dry run": way}})
    clouds.ecs.put(IMAGE, "web")
    done = export(cli, "--dry-run")
    assert (done.code, done.json["state"], done.json["dry_run"]) == (0, "succeeded", True), done
    assert clouds.ecs.tasks == {}


@pytest.mark.parametrize("related", ["all", "missing"])
def test_several_disks(cli: Cli, clouds: Clouds, related: str) -> None:
    clouds.renew({"ECS": {"related": related}})
    clouds.ecs.put(IMAGE, "web", disks=2)
    clouds.ecs.script = [
        (GOING, {}),
        (FINISHED, {"system": WHOLE}),
        (FINISHED, {}),
        (FINISHED, {"system": WHOLE, "data": HALF}),
    ]
    done = export(cli)
    assert done.code == 0, done
    assert {(item["disk"], item["size"]) for item in done.json["artifacts"]} == {
        ("system", len(WHOLE)), ("data:xvdb", len(HALF))
    }  # fmt: skip


def test_no_wait_and_status_later(cli: Cli, clouds: Clouds) -> None:
    clouds.renew({"ECS": {"task id": "old", "action": "upper"}})
    clouds.ecs.put(IMAGE, "web")
    begun = export(cli, "--no-wait")
    assert (begun.code, begun.json["state"]) == (0, "running"), begun
    task_id = begun.json["task_id"]
    by_task = cli("status", task_id, "--provider", "ecs", "--region", "cn-hangzhou", "--watch", "-o", "json")
    assert (by_task.code, by_task.json["state"], by_task.json["task_id"]) == (0, "succeeded", task_id), by_task
    by_job = cli("status", begun.json["job"], "--watch", "-o", "json")
    assert (by_job.code, by_job.json["state"]) == (0, "succeeded"), by_job
    assert clouds.ecs.count("ExportImage") == 1
