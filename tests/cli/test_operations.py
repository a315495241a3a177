"""Commands against the emulated clouds: data on standard output, everything else on standard error, exit codes."""

from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli

ECS_IMAGE = "alibaba://cn-hangzhou/m-bp1seed0000000000001"
FAST = ("--poll-interval", "20ms")
DOCUMENT = {"job", "operation", "provider", "region", "state", "progress", "task_id", "request_id", "image_id",
            "artifacts", "error"}  # fmt: skip


def test_export_prints_one_document_and_nothing_else(cli: Cli) -> None:
    done = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", *FAST, "-o", "json")
    document = done.json
    assert done.code == 0
    assert set(document) >= DOCUMENT
    assert (document["operation"], document["provider"], document["region"]) == ("export", "alibaba", "cn-hangzhou")
    assert (document["state"], document["progress"], document["error"]) == ("succeeded", 100, None)
    assert isinstance(document["task_id"], str)
    artifact = document["artifacts"][0]
    assert set(artifact) >= {"uri", "format", "disk", "size", "crc64"}
    assert artifact["uri"].startswith("oss://imgmove-hz/")
    assert artifact["crc64"].isdigit()
    assert f"job {document['job']}" in done.err


def test_without_a_terminal_there_are_plain_lines_only(cli: Cli) -> None:
    done = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", *FAST)
    assert "\x1b" not in done.err + done.out
    assert "export on alibaba cn-hangzhou: succeeded" in done.out
    assert "accepted" in done.err


def test_quiet_says_nothing_on_standard_error(cli: Cli) -> None:
    done = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", *FAST, "--quiet", "-o", "json")
    assert done.err == ""
    assert done.json["state"] == "succeeded"


def test_json_progress_is_lines_of_json(cli: Cli) -> None:
    import json

    done = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", *FAST, "--progress", "json", "-o", "json")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert [event["event"] for event in events][:3] == ["Note", "StepStarted", "Submitted"]


def test_no_wait_and_status_from_another_shell(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.clock.speed = 0.001
    begun = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", "--no-wait", "-o", "json")
    assert begun.code == 0
    assert begun.json["state"] in {"pending", "running"}
    job = begun.json["job"]
    assert cli("status", job, "-o", "json").json["state"] in {"pending", "running"}
    sandbox.clock.advance(100_000)
    followed = cli("status", job, "--watch", *FAST, "-o", "json")
    assert (followed.code, followed.json["state"]) == (0, "succeeded")
    assert followed.json["artifacts"][0]["uri"].startswith("oss://imgmove-hz/")
    assert len(sandbox.requests("ecs", "ExportImage")) == 1
    rows = cli("jobs", "list", "-o", "json").json["jobs"]
    assert [(row["id"], row["state"]) for row in rows] == [(job, "succeeded")]


def test_a_timeout_ends_with_6_and_resume_takes_it_up(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.clock.speed = 0.001
    late = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", "--timeout", "100ms", *FAST, "-o", "json")
    assert late.code == 6
    assert late.json["state"] in {"pending", "running"}
    assert "jobs resume" in late.json["error"]["hint"]
    sandbox.clock.advance(100_000)
    resumed = cli("jobs", "resume", late.json["job"], *FAST, "-o", "json")
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded")
    assert len(sandbox.requests("ecs", "ExportImage")) == 1


def test_status_by_the_vendors_own_ids(cli: Cli) -> None:
    exported = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", *FAST, "-o", "json").json
    task = cli("status", exported["task_id"], "--provider", "ecs", "--region", "cn-hangzhou", "-o", "json")
    assert (task.code, task.json["state"]) == (0, "succeeded")
    image = cli("status", ECS_IMAGE, "-o", "json")
    assert (image.json["state"], image.json["image_id"]) == ("succeeded", "m-bp1seed0000000000001")
    assert cli("status", "t-nope", "--provider", "ecs", "--region", "cn-hangzhou").code == 4
    assert cli("status", "t-nope").code == 2


def test_a_task_that_the_vendor_offers_no_call_for_is_known_to_the_journal(cli: Cli) -> None:
    exported = cli(
        "export", "tencent://ap-guangzhou/img-seed0001", "--bucket", "imgmove-gz-1250000000", *FAST, "-o", "json"
    )
    where = ("--provider", "cvm", "--region", "ap-guangzhou", "-o", "json")
    seen = cli("status", exported.json["task_id"], *where)
    assert (seen.code, seen.json["state"], seen.json["job"]) == (0, "succeeded", exported.json["job"])
    unknown = cli("status", "105999999", *where)
    assert unknown.code == 4
    assert unknown.json["error"]["hint"]


def test_import_from_what_was_exported(cli: Cli) -> None:
    exported = cli("export", "alibaba://ap-southeast-1/m-t4nseed0000000000001", "--bucket", "imgmove-sg", "--format", "qcow2",
                   *FAST, "-o", "json")  # fmt: skip
    uri = exported.json["artifacts"][0]["uri"]
    done = cli("import", uri, "--region", "ap-southeast-1", "--name", "web-copy", "--os-type", "debian", "--boot-mode", "bios",
               "--tag", "team=ops", *FAST, "-o", "json")  # fmt: skip
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert done.json["image_id"].startswith("m-")
    rows = cli("images", "--provider", "alibaba", "--region", "ap-southeast-1", "-o", "json").json
    assert rows["error"] is None
    row = next(row for row in rows["images"] if row["name"] == "web-copy")
    assert set(row) == {"uri", "id", "name", "state", "size_gib", "os", "created"}
    assert row["uri"] == f"alibaba://ap-southeast-1/{done.json['image_id']}"


def test_create_an_image_of_an_instance(cli: Cli) -> None:
    done = cli("create", "alibaba://cn-hangzhou/i-bp1seed0000000000001", "--name", "web-now", *FAST, "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done


def test_a_dry_run_has_no_side_effect(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("export", ECS_IMAGE, "--bucket", "imgmove-hz", "--dry-run", "-o", "json")
    assert (done.code, done.json["state"], done.json["job"]) == (0, "succeeded", None)
    with sandbox.world.lock:
        assert sandbox.world.alibaba.state.tasks == []
    refused = cli("export", "alibaba://cn-hangzhou/m-bp1windows0000000001", "--bucket", "imgmove-hz", "--dry-run")
    assert refused.code == 4


def test_copy_between_the_two_clouds_stores_and_files(cli: Cli, tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(bytes(510) + b"\x55\xaa" + b"data" * 1_000_000)
    assert cli("copy", disk, "cos://imgmove-gz-1250000000/a/disk.raw", "--part-size", "1MiB").code == 0
    across = cli("copy", "cos://imgmove-gz-1250000000/a/disk.raw", "oss://imgmove-hz/b/disk.raw", "-o", "json")
    assert (across.code, across.json["artifacts"][0]["size"]) == (0, disk.stat().st_size), across
    assert "source = destination" in across.json["message"]
    again = cli("copy", "cos://imgmove-gz-1250000000/a/disk.raw", "oss://imgmove-hz/b/disk.raw", "-o", "json")
    assert "nothing was sent" in again.json["message"]
    back = tmp_path / "back"
    back.mkdir()
    assert cli("copy", "oss://imgmove-hz/b/", f"{back}/").code == 0
    assert (back / "disk.raw").read_bytes() == disk.read_bytes()


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b[0m", "[bold red]web[/]", "a\u202eb"])
def test_names_from_the_cloud_do_nothing(cli: Cli, sandbox: Sandbox, name: str) -> None:
    with sandbox.world.lock:
        image = sandbox.world.alibaba.image("cn-hangzhou", "m-bp1seed0000000000001")
        assert image is not None
        image.name = name
    done = cli("images", "--provider", "alibaba", "--region", "cn-hangzhou")
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    if name.startswith("[bold"):
        assert name in done.out
    rows = cli("images", "--provider", "alibaba", "--region", "cn-hangzhou", "-o", "json")
    assert "\x1b" not in rows.out
    assert name in [row["name"] for row in rows.json["images"]]
