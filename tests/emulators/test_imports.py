"""Imports and images of instances against every legal reading of the pages: ids, states, tasks, invisible images."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.emulators.conftest import Cli, Clouds, Done

RAW: Final = bytes(510) + b"\x55\xaa" + bytes(512)
GZ = ("--provider", "tencent", "--region", "ap-guangzhou")
HZ = ("--provider", "alibaba", "--region", "cn-hangzhou")
WAIT = ("--timeout", "5h", "-o", "json")


def cvm_import(cli: Cli, clouds: Clouds, *words: str) -> Done:
    clouds.cos.write("stage-1250000000/a.raw", RAW)
    return cli("import", "cos://stage-1250000000/a.raw", *GZ, "--name", "web", *words, *WAIT)


def cvm_create(cli: Cli, clouds: Clouds, *words: str) -> Done:
    return cli("create", "ins-9bsa90io", *GZ, "--name", "web", *words, *WAIT)


def ecs_import(cli: Cli, clouds: Clouds, *words: str) -> Done:
    clouds.oss.write("stage/a.raw", RAW)
    return cli("import", "oss://stage/a.raw", *HZ, "--name", "web", *words, *WAIT)


def ecs_create(cli: Cli, clouds: Clouds, *words: str) -> Done:
    return cli("create", "i-bp67acfmxazb4p", *HZ, "--name", "web", *words, *WAIT)


def ecm_create(cli: Cli, clouds: Clouds, *words: str) -> Done:
    return cli("create", "ein-stopped0", "--provider", "ecm", "--name", "web", *words, *WAIT)


def ecm_import(cli: Cli, clouds: Clouds, *words: str) -> Done:
    clouds.cos.write("stage-1250000000/a.raw", RAW)
    return cli("import", "cos://stage-1250000000/a.raw", "--provider", "ecm", "--name", "web", *words, *WAIT)


def ecm_fetch(cli: Cli, clouds: Clouds, *words: str) -> Done:
    return cli("import", "tencent://ap-chengdu/img-centre01", "--provider", "ecm", "--name", "web", *words, *WAIT)


#: Name, how it is called, the service and its call, and the way that films the image.
OPERATIONS: Final = {
    "cvm import": (cvm_import, "CVM", "ImportImage", "import looks"),
    "cvm create": (cvm_create, "CVM", "CreateImage", "create looks"),
    "ecs import": (ecs_import, "ECS", "ImportImage", "image looks"),
    "ecs create": (ecs_create, "ECS", "CreateImage", "image looks"),
    "ecm create": (ecm_create, "ECM", "CreateImage", "image looks"),
    "ecm import": (ecm_import, "ECM", "ImportCustomImage", "image looks"),
    "ecm fetch": (ecm_fetch, "ECM", "ImportImage", "image looks"),
}
TENCENT_LOOKS: Final[dict[str, list[Any]]] = {
    "at once": ["NORMAL"],
    "by the book": ["CREATING", "CREATING", "NORMAL"],
    "not there at first": [None] * 6 + ["IMPORTING", "NORMAL"],
    "out of sight once": ["CREATING", None, "CREATING", "NORMAL"],
    "strange words": ["CHECKING", "Pending", "CONVERTING", "NORMAL"],
    "in use at once": ["IMPORTING", "USING"],
    "progress": [{"ImageState": "IMPORTING", "SyncPercent": None}, {"ImageState": "IMPORTING", "SyncPercent": 40},
                 {"ImageState": "IMPORTING", "SyncPercent": "55"}, {"ImageState": "NORMAL", "SyncPercent": 0}],
    "snapshots later": [{"ImageState": "CREATING", "SnapshotSet": []}, {"ImageState": "NORMAL", "SnapshotSet": []},
                        {"ImageState": "NORMAL", "SnapshotSet": None}, "NORMAL"],
}  # fmt: skip
ECS_LOOKS: Final[dict[str, list[Any]]] = {
    "at once": ["Available"],
    "by the book": ["Waiting", "Creating", "Available"],
    "not there at first": [None] * 6 + ["Creating", "Available"],
    "strange words": ["Checking", "Creating", "Available"],
    "no status yet": [{"Status": ""}, {"Status": "Creating"}, "Available"],
    "progress": [{"Status": "Creating", "Progress": "32%"}, {"Status": "Creating", "Progress": ""},
                 {"Status": "Creating", "Progress": None}, {"Status": "Creating", "Progress": 55}, "Available"],
    "deprecated": ["Creating", "Deprecated"],
}  # fmt: skip


def looks_of(operation: str) -> dict[str, list[Any]]:
    return ECS_LOOKS if operation.startswith("ecs") else TENCENT_LOOKS


#: Every film in the plainest way, and two of them in every way.
CASES: Final[list[tuple[str, str, dict[str, Any]]]] = [
    (operation, look, ways)
    for operation in OPERATIONS
    for look in looks_of(operation)
    for ways in ({}, {"unknown id is an error": 1}, {"null sets": 1}, {"few fields": 1})
    if not ways or look in {"by the book", "not there at first"}
]


@pytest.mark.parametrize(("operation", "look", "ways"), CASES, ids=str)
def test_it_ends_well_whatever_shows_when(
    cli: Cli, clouds: Clouds, operation: str, look: str, ways: dict[str, Any]
) -> None:
    run, service, call, film = OPERATIONS[operation]
    clouds.renew({service: {film: list(looks_of(operation)[look]), "also": ("SrcImage", "ImageDescription"), **ways}})
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.json["progress"]) == (0, "succeeded", 100), done
    assert done.json["image_id"] in getattr(clouds, service.lower()).images
    assert done.json["request_id"], done
    assert clouds.service(service).count(call) == 1


@pytest.mark.parametrize("looks", [["IMPORTING", "NORMAL"], [None, None, None, "IMPORTING", "NORMAL"]])
@pytest.mark.parametrize("ways", [{"import id": False}, {"import id": True}, {"import id": False, "page": 1}], ids=str)
def test_cvm_import_with_and_without_an_image_id(
    cli: Cli, clouds: Clouds, ways: dict[str, Any], looks: list[Any]
) -> None:
    clouds.renew({"CVM": {"import looks": list(looks), **ways}})
    clouds.cvm.own("img-likeit01", "web of yesterday")
    clouds.cvm.own("img-likeit02", "my web")
    done = cvm_import(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["image_id"].startswith("img-new")
    assert clouds.cvm.count("ImportImage") == 1


@pytest.mark.parametrize(
    ("operation", "looks", "code"),
    [
        ("cvm import", ["IMPORTING", "IMPORTFAILED"], "IMPORTFAILED"),
        ("cvm import", ["IMPORTING", None], "ImageVanished"),
        ("cvm import", [None], "ImageMissing"),
        ("cvm create", ["CREATING", "CREATEFAILED"], "CREATEFAILED"),
        ("cvm create", ["CREATING", None], "ImageVanished"),
        ("ecs import", ["Creating", "CreateFailed"], "CreateFailed"),
        ("ecs import", ["Creating", "UnAvailable"], "UnAvailable"),
        ("ecs import", ["Creating", None], "ImageVanished"),
        ("ecs import", [None], "ImageMissing"),
        ("ecs create", ["Creating", "CreateFailed"], "CreateFailed"),
        ("ecs create", ["Waiting", None], "ImageVanished"),
        ("ecm fetch", ["SYNCING", "SYNCFAILED"], "SYNCFAILED"),
        ("ecm fetch", [None], "ImageMissing"),
        ("ecm import", ["IMPORTING", None], "ImageVanished"),
    ],
)
@pytest.mark.parametrize("ways", [{}, {"unknown id is an error": 1}, {"null sets": 1}], ids=str)
def test_it_ends_badly(
    cli: Cli, clouds: Clouds, operation: str, looks: list[Any], code: str, ways: dict[str, Any]
) -> None:
    run, service, call, film = OPERATIONS[operation]
    clouds.renew({service: {film: list(looks), **ways}})
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.error["code"]) == (1, "failed", code), done
    assert done.json["request_id"], done
    assert clouds.service(service).count(call) == 1
    if code == "IMPORTFAILED":
        for reason in ("VirtioNotInstall", "CloudInitNotInstalled", "PartitionNotPresent", "RootPartitionNotFound"):
            assert reason in done.error["hint"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_outlives_the_command(cli: Cli, clouds: Clouds, operation: str) -> None:
    run, service, call, film = OPERATIONS[operation]
    picture = "Creating" if service == "ECS" else "IMPORTING"
    end = "Available" if service == "ECS" else "NORMAL"
    clouds.renew({service: {film: [picture] * 3 + [end]}})
    begun = run(cli, clouds, "--no-wait")
    assert begun.code == 0, begun
    assert begun.json["state"] in {"pending", "running"}, begun
    job = begun.json["job"]
    seen = cli("status", job, "-o", "json")
    assert seen.json["state"] in {"pending", "running"}, seen
    ended = cli("status", job, "--watch", "-o", "json")
    assert (ended.code, ended.json["state"]) == (0, "succeeded"), ended
    by_image = cli(
        "status", ended.json["image_id"], *{"CVM": GZ, "ECS": HZ, "ECM": ("--provider", "ecm")}[service], "-o", "json"
    )
    assert (by_image.code, by_image.json["state"]) == (0, "succeeded"), by_image
    assert clouds.service(service).count(call) == 1


# ------------------------------------------------------------------------------------------------------- ECM's tasks


@pytest.mark.parametrize("operation", ["ecm create", "ecm import"])
@pytest.mark.parametrize(
    "ways",
    [
        {"task id": "number"},
        {"task id": "text"},
        {"task id shown": "text"},
        {"few fields": 1},
        {"numbers as text": 1},
        {"null sets": 1},
        {"unknown task is an error": 1},
        {"task looks": [("PENDING", None), ("PROCESSING", ""), ("QUEUED", ""), ("SUCCESS", None)]},
        {"task looks": [("SUCCESS", "")], "image looks": [None, None, "CREATING", "NORMAL"]},
        {"task looks": [("OPERATING", "")] * 6 + [("SUCCESS", "")], "image looks": ["NORMAL"]},
    ],
    ids=str,
)
def test_ecm_tasks_in_both_forms(cli: Cli, clouds: Clouds, operation: str, ways: dict[str, Any]) -> None:
    run, _service, call, _film = OPERATIONS[operation]
    clouds.renew({"ECM": ways})
    done = run(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["task_id"].isdecimal()
    assert done.json["image_id"] in clouds.ecm.images
    assert clouds.ecm.count(call) == 1
    by_task = cli("status", done.json["task_id"], "--provider", "ecm", "-o", "json")
    assert (by_task.code, by_task.json["state"]) == (0, "succeeded"), by_task


@pytest.mark.parametrize("operation", ["ecm create", "ecm import"])
def test_ecm_tasks_that_fail(cli: Cli, clouds: Clouds, operation: str) -> None:
    run, _service, call, _film = OPERATIONS[operation]
    clouds.renew({"ECM": {"task looks": [("OPERATING", ""), ("FAILED", "no room at the edge")], "image looks": [None]}})
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.error["message"]) == (1, "failed", "no room at the edge"), done
    assert clouds.ecm.count(call) == 1


@pytest.mark.parametrize("way", ["none", "null"])
@pytest.mark.parametrize("operation", ["ecm create", "ecm import"])
def test_ecm_without_a_task_id_goes_by_the_image(cli: Cli, clouds: Clouds, operation: str, way: str) -> None:
    run, _service, call, _film = OPERATIONS[operation]
    clouds.renew({"ECM": {"task id": way}})
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.json["task_id"]) == (0, "succeeded", None), done
    assert done.json["request_id"]
    assert clouds.ecm.count(call) == 1


@pytest.mark.parametrize("ways", [{"same id": 1}, {"edge name": "web"}, {"edge name": ""}], ids=str)
def test_ecm_copies_of_cvm_images_under_any_id_and_name(cli: Cli, clouds: Clouds, ways: dict[str, Any]) -> None:
    clouds.renew({"ECM": ways})
    clouds.ecm.own("img-other001", "web", SrcImage={"ImageId": "img-centre01", "Region": "ap-beijing"})
    done = ecm_fetch(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["image_id"] == ("img-centre01" if "same id" in ways else "img-edge0002")


# ------------------------------------------------------------------------------------------------------- ECS's tasks


@pytest.mark.parametrize(
    "ways",
    [
        {"task id": "old"},
        {"task id": "none"},
        {"no image id": 1},
        {"no image id": 1, "image looks": [None, None, "Creating", "Available"]},
        {"action": "upper"},
        {"few fields": 1},
        {"usable": 1},
        {"extra fields": 1},
        {"numbers as text": 1},
        {"flat lists": 1},
        {"task looks": [{"TaskStatus": "Finished"}], "image looks": ["Creating"] * 30 + ["Available"]},
        {"task looks": [None], "image looks": ["Creating"] * 30 + ["Available"]},
        {"task looks": [{"TaskStatus": "Waiting"}, None, {"TaskStatus": "Odd"}, None]},
        {
            "task looks": [
                {"TaskStatus": "Processing", "TaskProcess": ""},
                {"TaskStatus": "Processing", "TaskProcess": ...},
            ]
        },
        {
            "task looks": [
                {"TaskStatus": "Processing", "TaskProcess": "130%"},
                {"TaskStatus": "Processing", "TaskProcess": "a"},
            ]
        },
    ],
    ids=str,
)
def test_ecs_imports_by_task_and_image(cli: Cli, clouds: Clouds, ways: dict[str, Any]) -> None:
    clouds.renew({"ECS": ways})
    clouds.ecs.put("m-bp1likeit", "web of yesterday")
    done = ecs_import(cli, clouds)
    assert (done.code, done.json["state"], done.json["image_id"]) == (0, "succeeded", "m-bp1imported00001"), done
    assert clouds.ecs.count("ImportImage") == 1
    assert all(ask.values["Status"] == "ALL" for ask in clouds.ecs.asked if ask.what == "DescribeImages")


@pytest.mark.parametrize("looks", [["Creating", "CreateFailed"], ["Creating", None], [None]])
def test_ecs_says_why_an_import_failed(cli: Cli, clouds: Clouds, looks: list[Any]) -> None:
    reason = {"TaskStatus": "Failed", "OperationProgressSet": {"OperationProgress": [
        {"OperationStatus": "Failed", "ErrorCode": "InvalidImageSize", "ErrorMsg": "larger than it says"}]}}  # fmt: skip
    clouds.renew({"ECS": {"task looks": [{"TaskStatus": "Processing"}, reason], "image looks": looks}})
    done = ecs_import(cli, clouds)
    assert (done.code, done.error["code"], done.error["message"]) == (1, "InvalidImageSize", "larger than it says"), (
        done
    )


def test_ecs_import_that_was_cancelled(cli: Cli, clouds: Clouds) -> None:
    clouds.renew(
        {"ECS": {"task looks": [{"TaskStatus": "Processing"}, {"TaskStatus": "Deleted"}], "image looks": [None]}}
    )
    done = ecs_import(cli, clouds)
    assert (done.code, done.json["state"]) == (1, "cancelled"), done


# ---------------------------------------------------------------------------------------------- refusals and dry runs


@pytest.mark.parametrize(
    ("operation", "code", "exit_code"),
    [
        ("cvm import", "ImageQuotaLimitExceeded", 5),
        ("cvm import", "InvalidImageName.Duplicate", 4),
        ("cvm import", "InvalidParameter.InvalidParameterUrlError", 4),
        ("cvm import", "InvalidParameterValue.ISOMustImportByForce", 4),
        ("cvm import", "OperationDenied.InnerUserProhibitAction", 3),
        ("cvm import", "RegionAbilityLimit.UnsupportedToImportImage", 4),
        ("cvm import", "AuthFailure.UnauthorizedOperation", 3),
        ("cvm create", "InvalidInstanceId.NotFound", 4),
        ("cvm create", "OperationDenied.InstanceOperationInProgress", 4),
        ("ecs import", "InvalidImageName.Duplicated", 4),
        ("ecs import", "QuotaExceed.Image", 5),
        ("ecs import", "NoSetRoletoECSServiceAcount", 3),
        ("ecs import", "InvalidOSSObject.NotFound", 4),
        ("ecs import", "Account.Arrearage", 3),
        ("ecs create", "IncorrectInstanceStatus", 4),
        ("ecs create", "QuotaExceed.Snapshot", 5),
        ("ecm create", "FailedOperation.InstanceNotAllStopped", 4),
        ("ecm create", "ResourceInsufficient.InvaildPrivateImageNum", 5),
        ("ecm create", "UnauthorizedOperation.ForbiddenOperation", 3),
        ("ecm create", "UnsupportedOperation.InstanceIdNotFound", 4),
        ("ecm import", "InvalidParameterValue.ImageNameDuplicate", 4),
        ("ecm fetch", "InvalidParameterValue.InvalidImageID", 4),
        ("ecm create", "ActionOffline", 4),
    ],
)
def test_refusals(cli: Cli, clouds: Clouds, operation: str, code: str, exit_code: int) -> None:
    run, service, call, _film = OPERATIONS[operation]
    getattr(clouds, service.lower()).refusals[call] = [code]
    done = run(cli, clouds)
    assert (done.code, done.json["state"], done.error["code"]) == (exit_code, "failed", code), done
    assert done.error["message"] == "refused by the emulation"
    assert done.error["request_id"]
    assert clouds.service(service).count(call) == 1


@pytest.mark.parametrize(
    ("operation", "way"),
    [(operation, way) for operation in ("cvm import", "cvm create") for way in ("answer", "error")]
    + [
        (operation, way)
        for operation in ("ecs import", "ecs create")
        for way in ("DryRunOperation", "DRYRUN.SUCCESS", "answer")
    ],
)
def test_a_dry_run_that_passes(cli: Cli, clouds: Clouds, operation: str, way: str) -> None:
    run, service, _call, _film = OPERATIONS[operation]
    clouds.renew({service: {"dry run": way}})
    done = run(cli, clouds, "--dry-run")
    assert (done.code, done.json["state"], done.json["dry_run"]) == (0, "succeeded", True), done
    assert getattr(clouds, service.lower()).images == {}


@pytest.mark.parametrize("operation", ["ecm create", "ecm import", "ecm fetch"])
def test_ecm_has_no_dry_run_and_nothing_is_sent(cli: Cli, clouds: Clouds, operation: str) -> None:
    run, _service, call, _film = OPERATIONS[operation]
    done = run(cli, clouds, "--dry-run")
    assert (done.code, clouds.ecm.count(call)) == (0, 0), done
    assert "no dry run" in done.json["message"]


@pytest.mark.parametrize("service", ["CVM", "ECM"])
def test_lists_of_systems_that_are_null(cli: Cli, clouds: Clouds, service: str) -> None:
    clouds.renew({service: {"null os lists": 1}})
    run = cvm_import if service == "CVM" else ecm_import
    done = run(cli, clouds, "--os-type", "Debian", "--os-version", "9")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
