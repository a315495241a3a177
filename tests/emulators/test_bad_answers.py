"""Answers that are none, answers that get lost, and endpoints that are somebody else's: one clear line, no second submit."""

from __future__ import annotations

from typing import Any, Final

import pytest

from imgmove.engine.reads import TRIES
from tests.emulators.conftest import Cli, Clouds, Done, HurriedTime
from tests.emulators.test_imports import GZ, HZ, OPERATIONS
from tests.emulators.wire import CUT, SPOILT

CVM_IMAGE, ECS_IMAGE = "img-web00001", "m-bp67acfmxazb4p"
WAYS: Final = (*SPOILT, *CUT)
#: Said by a gateway in front of the service, which then saw nothing.
TURNED_AWAY: Final = ("redirect", "throttled")


def cvm_export(cli: Cli, clouds: Clouds, *words: str) -> Done:
    if CVM_IMAGE not in clouds.cvm.images:
        clouds.cvm.own(CVM_IMAGE)
    return cli("export", CVM_IMAGE, *GZ, "--bucket", "stage-1250000000", "--timeout", "5h", *words, "-o", "json")


def ecs_export(cli: Cli, clouds: Clouds, *words: str) -> Done:
    if ECS_IMAGE not in clouds.ecs.images:
        clouds.ecs.put(ECS_IMAGE, "web")
    return cli("export", ECS_IMAGE, *HZ, "--bucket", "stage", "--timeout", "5h", *words, "-o", "json")


SUBMITS: Final[dict[str, tuple[Any, str, str]]] = {
    **{name: (run, service, call) for name, (run, service, call, _film) in OPERATIONS.items()},
    "cvm export": (cvm_export, "CVM", "ExportImages"),
    "ecs export": (ecs_export, "ECS", "ExportImage"),
}


def effects(clouds: Clouds, operation: str) -> int:
    """How many operations the emulation has started."""
    if operation.endswith("export"):
        return len(clouds.cvm.exports) + len(clouds.ecs.tasks)
    made = [image for service in (clouds.cvm, clouds.ecm, clouds.ecs) for image in service.images]
    return len(made)


@pytest.mark.parametrize("how", [how for how in WAYS if how not in TURNED_AWAY])
@pytest.mark.parametrize("operation", SUBMITS)
def test_an_answer_that_is_lost_after_the_service_acted(cli: Cli, clouds: Clouds, operation: str, how: str) -> None:
    """What was started is found and followed to its end."""
    run, service, call = SUBMITS[operation]
    clouds.renew({"ECS": {"related": "early"}})
    clouds.service(service).spoil(call, how)
    done = run(cli, clouds)
    assert effects(clouds, operation) == 1
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    tokened = operation in {"ecs import", "ecs create"}
    assert clouds.service(service).count(call) <= (2 if tokened else 1)


@pytest.mark.parametrize("how", ["html", "empty", "null", "response", "long", "close", "half", *TURNED_AWAY])
@pytest.mark.parametrize("operation", SUBMITS)
def test_an_answer_that_is_lost_before_the_service_acted(
    cli: Cli, clouds: Clouds, operation: str, how: str, hurried: HurriedTime
) -> None:
    """Nothing was started: it is sent again, once that is sure; where it cannot be sure, the operator decides."""
    run, service, call = SUBMITS[operation]
    clouds.service(service).spoil(call, how, acted=False)
    done = run(cli, clouds)
    if operation == "cvm export" and how not in TURNED_AWAY:
        assert (done.code, done.error["code"], effects(clouds, operation)) == (1, "InDoubt", 0), done
        assert "--on-doubt" in done.error["hint"]
        done = cli("jobs", "resume", done.json["job"], "--on-doubt", "resubmit", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert (effects(clouds, operation), clouds.service(service).count(call)) == (1, 2)


@pytest.mark.parametrize("how", ["html", "html502", "empty", "null", "object", "long", "binary", "reset", *TURNED_AWAY])
@pytest.mark.parametrize("operation", SUBMITS)
def test_an_endpoint_that_is_somebody_elses(
    cli: Cli, clouds: Clouds, operation: str, how: str, hurried: HurriedTime
) -> None:
    """Every answer is wrong: it ends soon, with one clear line, and without a row of submits."""
    run, service, call = SUBMITS[operation]
    there = clouds.service(service)
    for what in (
        "DescribeImages",
        "DescribeImage",
        "DescribeTasks",
        "DescribeTaskAttribute",
        "DescribeImportImageOs",
        call,
    ):
        there.spoil(what, how, 10_000, acted=False)
    done = run(cli, clouds)
    assert effects(clouds, operation) == 0
    assert done.json["state"] != "succeeded"
    assert done.code in ({5} if how == "throttled" else {1}), done
    assert len([line for line in done.err.splitlines() if line.startswith("error: ")]) == 1
    if how in {"html", "html502", "empty", "empty500", "null", "list", "long", "binary", "broken"}:
        assert "did not answer like" in done.error["message"], done
    assert there.count(call) <= 1 or how in {"redirect", "throttled"} or operation in {"ecs import", "ecs create"}
    assert hurried.slept < (18000 if how == "throttled" else 200), "it took too long to give up"


SOME_WAYS: Final = {"html", "null", "response", "empty", "throttled", "half"}
READS: Final = {
    "cvm images": ("CVM", "DescribeImages", ("images", *GZ)),
    "ecm images": ("ECM", "DescribeImage", ("images", "--provider", "ecm")),
    "ecs images": ("ECS", "DescribeImages", ("images", *HZ)),
    "cvm image": ("CVM", "DescribeImages", ("status", CVM_IMAGE, *GZ)),
    "ecm image": ("ECM", "DescribeImage", ("status", "img-edge0001", "--provider", "ecm")),
    "ecm task": ("ECM", "DescribeTaskStatus", ("status", "1528611", "--provider", "ecm")),
    "ecs image": ("ECS", "DescribeImages", ("status", ECS_IMAGE, *HZ)),
    "ecs task": ("ECS", "DescribeTaskAttribute", ("status", "t-bp67acfmxazb0001", *HZ)),
    "cvm systems": ("CVM", "DescribeImportImageOs", ("import", "--list-os", *GZ)),
    "cvm dry run": ("CVM", "ExportImages", ("export", CVM_IMAGE, *GZ, "--bucket", "stage-1250000000", "--dry-run")),
    "ecs dry run": ("ECS", "ExportImage", ("export", ECS_IMAGE, *HZ, "--bucket", "stage", "--dry-run")),
    "object": ("COS", "HEAD object", ("import", "cos://stage-1250000000/a.raw", *GZ, "--name", "web")),
    "other object": ("OSS", "HEAD object", ("import", "oss://stage/a.raw", *HZ, "--name", "web")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "how"),
    [
        (read, how)
        for read in READS
        for how in WAYS
        if how in SOME_WAYS or read in {"cvm images", "ecs images", "ecs dry run"}
    ],
)
def test_reading_from_the_wrong_endpoint(cli: Cli, clouds: Clouds, read: str, how: str) -> None:
    service, what, words = READS[read]
    if what == "HEAD object" and how == "half":
        return  # a head without a body that ends early cannot be told from a whole one
    clouds.service(service).spoil(what, how, 100)
    done = cli(*words, "-o", "json")
    assert done.code == (5 if how == "throttled" else 1), done
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done
    assert len(lines[0]) < 300, lines
    assert 1 <= clouds.service(service).count(what) <= TRIES, "reads are tried again a few times, and no more"


@pytest.mark.parametrize("manner", ["chunked", "close", "slow"])
@pytest.mark.parametrize("operation", SUBMITS)
def test_manners_of_http(cli: Cli, clouds: Clouds, operation: str, manner: str) -> None:
    run, _service, _call = SUBMITS[operation]
    for name in ("CVM", "ECM", "COS", "ECS", "OSS"):
        clouds.service(name).manner.add(manner)
    done = run(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert effects(clouds, operation) == 1


@pytest.mark.parametrize("operation", [name for name in SUBMITS if name not in {"cvm export", "ecs export"}])
def test_gateways_that_pack_answers(cli: Cli, clouds: Clouds, operation: str) -> None:
    run, service, _call = SUBMITS[operation]
    clouds.service(service).manner.add("gzip")
    done = run(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert effects(clouds, operation) == 1


@pytest.mark.parametrize("operation", SUBMITS)
def test_nobody_listens(cli: Cli, clouds: Clouds, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, service, _call = SUBMITS[operation]
    monkeypatch.setenv(f"IMGMOVE_ENDPOINT_URL_{service}", "http://127.0.0.1:9")
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.error["code"]) == (1, "failed", "Connect"), done
