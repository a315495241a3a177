"""CVM's export against every legal reading of its pages: what is named, what shows, and when (tencent.md 1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.conftest import Cli, Clouds, Done

BUCKET = "stage-1250000000"
WHOLE = b"a whole disk " * 50
HALF = WHOLE[: len(WHOLE) // 2]
IMAGE = "img-web00001"

#: What the image's state and the object look like, look by look; all of them end well.
GOOD: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "shown all the time": [("EXPORTING", {}), ("EXPORTING", {}), ("NORMAL", {"system": WHOLE})],
    "never shown": [("NORMAL", {}), ("NORMAL", {}), ("NORMAL", {"system": WHOLE})],
    "shown now and then": [("NORMAL", {}), ("EXPORTING", {}), ("NORMAL", {}), ("EXPORTING", {}), ("NORMAL", {"system": WHOLE})],
    "object long before the end": [("EXPORTING", {"system": WHOLE})] + [("EXPORTING", {})] * 4 + [("NORMAL", {})],
    "object long after the end": [("EXPORTING", {})] + [("NORMAL", {})] * 9 + [("NORMAL", {"system": WHOLE})],
    "empty first": [("EXPORTING", {"system": b""})] * 3 + [("NORMAL", {}), ("NORMAL", {}), ("NORMAL", {"system": WHOLE})],
    "growing": [("EXPORTING", {"system": WHOLE[:9]}), ("EXPORTING", {"system": HALF}), ("NORMAL", {"system": WHOLE})],
    "growing when NORMAL": [("NORMAL", {"system": WHOLE[:9]}), ("NORMAL", {"system": HALF}), ("NORMAL", {"system": WHOLE})],
    "there, gone, there": [("NORMAL", {"system": HALF}), ("NORMAL", {"system": None}), ("NORMAL", {"system": WHOLE})],
    "strange words": [("CHECKING", {}), ("Pending", {}), ("USING", {}), ("CHECKING", {"system": WHOLE}), ("USING", {})],
    "out of sight once": [("EXPORTING", {}), (None, {}), ("EXPORTING", {}), ("NORMAL", {"system": WHOLE})],
}  # fmt: skip


def export(cli: Cli, *words: str) -> Done:
    return cli("export", f"tencent://ap-guangzhou/{IMAGE}", "--bucket", BUCKET, "--timeout", "3h", *words, "-o", "json")


@pytest.mark.parametrize("paths", ["slash", "bare", "missing", "null", "empty"])
@pytest.mark.parametrize("script", GOOD)
def test_it_ends_well_whatever_shows_when(cli: Cli, clouds: Clouds, script: str, paths: str) -> None:
    clouds.renew({"CVM": {"cos paths": paths}})
    clouds.cvm.own(IMAGE)
    clouds.cvm.script = list(GOOD[script])
    done = export(cli)
    assert (done.code, done.json["state"], done.json["task_id"]) == (0, "succeeded", "105591590"), done
    artifact = done.json["artifacts"][0]
    assert artifact["uri"].startswith(f"cos://{BUCKET}/")
    assert artifact["uri"].endswith(f"_{IMAGE}_system_snap-sys0.raw")
    assert artifact["size"] == len(WHOLE), "half an object was reported"
    assert clouds.cvm.count("ExportImages") == 1


@pytest.mark.parametrize(
    "ways",
    [
        {"task id": "text"},
        {"task id": "missing"},
        {"task id": "null"},
        {"few fields": 1},
        {"few fields": 1, "cos paths": "missing"},
        {"numbers as text": 1},
        {"unknown id is an error": 1},
        {"null sets": 1},
        {"charset": 1},
        {"beside": {"RetCode": 0, "Warning": None}},
        {"ending": "RAW"},
        {"ending": "img", "cos paths": "missing"},
        {"ending": "raw.gz", "cos paths": "null"},
    ],
    ids=str,
)
def test_answers_that_say_more_or_less(cli: Cli, clouds: Clouds, ways: dict[str, Any]) -> None:
    clouds.renew({"CVM": ways})
    clouds.cvm.own(IMAGE)
    done = export(cli)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["task_id"] == (None if ways.get("task id") in {"missing", "null"} else "105591590")
    assert done.json["request_id"], "the request id comes back"
    assert len(done.json["artifacts"]) == 1
    assert clouds.cvm.count("ExportImages") == 1


@pytest.mark.parametrize(
    "ways", [{"task id": "missing", "cos paths": "missing"}, {"task id": "null", "cos paths": "null"}]
)
@pytest.mark.parametrize("script", ["shown all the time", "never shown"])
def test_an_answer_with_nothing_but_its_request_id(cli: Cli, clouds: Clouds, ways: dict[str, Any], script: str) -> None:
    """It was accepted all the same: it is followed by the image and the objects, or said to be in doubt."""
    clouds.renew({"CVM": ways})
    clouds.cvm.own(IMAGE)
    clouds.cvm.script = list(GOOD[script])
    done = export(cli)
    assert clouds.cvm.count("ExportImages") == 1, "sent twice"
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["request_id"], done


def test_accepted_and_nothing_to_be_seen_is_said_with_the_request_id(cli: Cli, clouds: Clouds) -> None:
    clouds.renew({"CVM": {"task id": "missing", "cos paths": "missing"}})
    clouds.cvm.own(IMAGE)
    clouds.cvm.script = [("NORMAL", {})] * 20 + [("NORMAL", {"system": WHOLE})]
    done = export(cli)
    assert (done.code, done.error["code"], done.error["request_id"][:2]) == (1, "AcceptedWithoutId", "r-"), done
    assert done.error["request_id"] in done.error["message"]
    resumed = cli("jobs", "resume", done.json["job"], "--on-doubt", "wait", "-o", "json")
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded"), resumed
    assert clouds.cvm.count("ExportImages") == 1


def test_no_crc_is_no_crc(cli: Cli, clouds: Clouds) -> None:
    clouds.renew({"COS": {"no crc": 1}})
    clouds.cvm.own(IMAGE)
    done = export(cli)
    assert (done.code, done.json["artifacts"][0]["crc64"]) == (0, None), done


def test_failures_of_looks_are_none_of_the_export(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own(IMAGE)
    clouds.cvm.refusals["DescribeImages"] = ["InternalError", "RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded",
                                             "AuthFailure.SignatureExpire", "FailedOperation", "ResourceInUse"]  # fmt: skip
    clouds.cos.refusals["HEAD object"] = [(503, "SlowDown"), (500, "InternalError"), (403, "RequestTimeTooSkewed")]
    for how in (
        "html",
        "close",
        "reset",
        "half",
        "empty",
        "null",
        "list",
        "object",
        "response",
        "long",
        "html502",
        "throttled",
    ):
        clouds.cvm.spoil("DescribeImages", how)
        clouds.cos.spoil("HEAD object", how)
    done = export(cli)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.cvm.count("ExportImages") == 1


@pytest.mark.parametrize("ways", [{}, {"unknown id is an error": 1}, {"null sets": 1}])
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([("EXPORTING", {}), (None, {})], "ImageVanished"),
        ([("EXPORTING", {}), ("NORMAL", {})], "ExportIncomplete"),
        ([("NORMAL", {})], "ExportIncomplete"),
        ([("EXPORTING", {"system": b""}), ("NORMAL", {})], "ExportIncomplete"),
    ],
)
def test_it_ends_badly(cli: Cli, clouds: Clouds, script: Any, code: str, ways: dict[str, Any]) -> None:
    clouds.renew({"CVM": ways})
    clouds.cvm.own(IMAGE)
    clouds.cvm.script = script
    done = export(cli)
    assert (done.code, done.json["state"], done.error["code"]) == (1, "failed", code), done
    assert clouds.cvm.count("ExportImages") == 1


def test_a_state_that_nobody_knows_goes_on_until_the_deadline(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own(IMAGE)
    clouds.cvm.script = [("CHECKING", {})]
    done = export(cli)
    assert (done.code, done.json["state"], done.json["vendor_state"]) == (6, "running", "CHECKING"), done
    clouds.cvm.exports.clear()
    clouds.cos.write(clouds.cvm.names[IMAGE]["system"], WHOLE)
    later = cli("status", done.json["job"], "--watch", "-o", "json")
    assert (later.code, later.json["state"], later.json["task_id"]) == (0, "succeeded", "105591590"), later
    assert clouds.cvm.count("ExportImages") == 1


@pytest.mark.parametrize("disks", [1, 2])
@pytest.mark.parametrize("paths", ["slash", "missing"])
def test_several_disks_come_one_after_the_other(cli: Cli, clouds: Clouds, disks: int, paths: str) -> None:
    clouds.renew({"CVM": {"cos paths": paths}})
    clouds.cvm.own(IMAGE, disks=disks)
    objects = {"system": WHOLE} | ({"data": HALF} if disks == 2 else {})
    clouds.cvm.script = [("NORMAL", {"system": WHOLE}), ("NORMAL", {}), ("NORMAL", {}), ("NORMAL", objects)]
    done = export(cli)
    assert (done.code, len(done.json["artifacts"])) == (0, disks), done


def test_an_object_of_an_earlier_export_is_not_taken_for_the_new_one(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own(IMAGE)
    clouds.cos.write(f"{BUCKET}/web_{IMAGE}_system_snap-sys0.raw", b"of last week", ago=7 * 86400)
    clouds.cvm.script = [
        ("EXPORTING", {}),
        ("NORMAL", {}),
        ("NORMAL", {}),
        ("NORMAL", {}),
        ("NORMAL", {"system": WHOLE}),
    ]
    done = export(cli, "--prefix", "web")
    assert (done.code, done.json["artifacts"][0]["size"]) == (0, len(WHOLE)), done


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("AuthFailure.CamRoleNameAuthenticateFailed", 3),
        ("InvalidImageId.NotFound", 4),
        ("InvalidParameterValue.BucketNotFound", 4),
        ("InvalidParameterValue.InvalidBucketPermissionForExport", 3),
        ("InvalidParameterValue.InvalidImageState", 4),
        ("LimitExceeded.ExportImageTaskLimitExceeded", 5),
        ("UnsupportedOperation.WindowsImageExportUnsupported", 4),
        ("AuthFailure.SignatureFailure", 3),
        ("UnauthorizedOperation", 3),
        ("SomethingNew.NobodyKnows", None),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["real", "dry"])
def test_refusals(cli: Cli, clouds: Clouds, code: str, exit_code: int | None, dry: tuple[str, ...]) -> None:
    clouds.cvm.own(IMAGE)
    clouds.cvm.refusals["ExportImages"] = [code]
    done = export(cli, *dry)
    assert done.code == exit_code if exit_code else done.code in {1, 4}, done
    assert (done.json["state"], done.error["code"], done.error["request_id"][:2]) == ("failed", code, "r-"), done
    assert done.error["message"] == "refused by the emulation"
    assert clouds.cvm.count("ExportImages") == 1


@pytest.mark.parametrize("way", ["answer", "error"])
def test_a_dry_run_that_passes(cli: Cli, clouds: Clouds, way: str) -> None:
    clouds.renew({"CVM": {"dry run": way}})
    clouds.cvm.own(IMAGE)
    done = export(cli, "--dry-run")
    assert (done.code, done.json["state"], done.json["dry_run"]) == (0, "succeeded", True), done
    assert clouds.cvm.exports == {}


def test_no_wait_and_status_later(cli: Cli, clouds: Clouds) -> None:
    clouds.cvm.own(IMAGE)
    begun = export(cli, "--no-wait")
    assert (begun.code, begun.json["state"], begun.json["task_id"]) == (0, "running", "105591590"), begun
    seen = [cli("status", begun.json["job"], "-o", "json").json["state"] for _ in range(4)]
    assert seen[-1] == "succeeded", seen
    by_image = cli("status", f"tencent://ap-guangzhou/{IMAGE}", "-o", "json")
    assert (by_image.code, by_image.json["image_id"]) == (0, IMAGE)
    by_task = cli("status", "105591590", "--provider", "tencent", "--region", "ap-guangzhou", "-o", "json")
    assert (by_task.code, by_task.json["job"]) == (0, begun.json["job"]), by_task
    strange = cli("status", "105591591", "--provider", "tencent", "--region", "ap-guangzhou", "-o", "json")
    assert (strange.code, clouds.cvm.count("ExportImages")) == (4, 1), strange
