"""`imgmove jobs` and `imgmove status` of migrations: taken up, followed, cancelled, cleaned; by one process at a time."""

import json
from pathlib import Path
from typing import Any

from imgmove.app.session import Session
from imgmove.core.jobs import Job, Step
from imgmove.core.requests import Operation
from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.processes import imgmove, job_at
from tests.cli.test_bad_input import assert_clear
from tests.cli.test_migrate import COS, CVM, ECS, FAST, OSS, TO_CVM, TO_ECS, migrate, objects

POLL = ("--poll-interval", "10ms")


def begin(cli: Cli, sandbox: Sandbox, *words: str) -> str:
    """A migration that is left at its first long step, which does not move; its job id."""
    sandbox.clock.speed = 0.001
    done = cli("migrate", *words, "--name", "moved", "--timeout", "300ms", *FAST)
    assert done.code == 6, done
    return str(done.json["job"])


def go_on(sandbox: Sandbox) -> None:
    sandbox.clock.speed = 3000
    sandbox.clock.advance(100_000)


def tasks(sandbox: Sandbox, action: str) -> list[Any]:
    with sandbox.world.lock:
        sandbox.settle()
        both: list[Any] = [*sandbox.world.tencent.state.tasks, *sandbox.world.alibaba.state.tasks]
        return [task for task in both if task.action == action]


def image_names(cli: Cli) -> list[str]:
    """The names of the images of ECS in the destination's region."""
    rows = cli("images", "--provider", "ecs", "--region", "cn-hangzhou", "-o", "json").json["images"]
    return [row["name"] for row in rows]


# -------------------------------------------------------------------------------------------------------- resume


def test_a_failed_export_is_tried_again_with_a_new_token(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("ecs:ExportImage fail-task")
    failed = migrate(cli, ECS, *TO_CVM, "--name", "moved")
    assert (failed.code, failed.json["state"]) == (1, "failed"), failed
    assert [step["state"] for step in failed.json["steps"]] == ["succeeded", "failed", "pending", "pending", "pending"]
    job = failed.json["job"]
    first = Session().journal.job(job).step("export").token
    resumed = cli("jobs", "resume", job, *FAST)
    assert (resumed.code, resumed.json["state"], resumed.json["error"]) == (0, "succeeded", None), resumed
    assert Session().journal.job(job).step("export").token != first
    assert len(tasks(sandbox, "ExportImage")) == 2
    assert objects(sandbox) == []


def test_a_failed_import_is_tried_again_without_another_export(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("ecs:ImportImage fail-task")
    failed = migrate(cli, CVM, *TO_ECS, "--name", "moved")
    assert (failed.code, failed.json["state"]) == (1, "failed"), failed
    resumed = cli("jobs", "resume", failed.json["job"], *FAST)
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded"), resumed
    assert (len(tasks(sandbox, "ExportImages")), len(tasks(sandbox, "ImportImage"))) == (1, 2)
    assert objects(sandbox) == []
    assert image_names(cli).count("moved") == 1


def test_list_and_show(cli: Cli) -> None:
    done = migrate(cli, CVM, *TO_ECS, "--name", "moved").json
    listed = cli("jobs", "list", "-o", "json").json
    assert [(row["id"], row["operation"], row["state"], row["running"]) for row in listed["jobs"]] == [
        (done["job"], "migrate", "succeeded", None)
    ]
    assert cli("jobs", "list", "--unfinished", "-o", "json").json["jobs"] == []
    shown = cli("jobs", "show", done["job"], "-o", "json").json["jobs"][0]
    assert shown["plan"]["image_id"] == "img-seed0001"
    assert [step["name"] for step in shown["steps"]] == ["preflight", "export", "copy", "import", "cleanup"]
    text = json.dumps(shown)
    assert "sandbox-tencent-secret" not in text
    assert "q-signature" not in text
    table = cli("jobs", "show", done["job"])
    assert table.code == 0
    assert "migrate on alibaba cn-hangzhou: succeeded" in table.out


# ----------------------------------------------------------------------------------------- one process at a time


def test_a_job_that_another_process_runs(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.clock.speed = 0.001
    with imgmove("migrate", CVM, *TO_ECS, "--name", "moved", *FAST) as process:
        job = job_at("export").id
        for command in ("resume", "cancel"):
            assert_clear(cli("jobs", command, job, "--yes"), 9, str(process.pid))
        assert str(process.pid) in cli("jobs", "list", "-o", "json").json["jobs"][0]["running"]
        status = cli("status", job, "-o", "json").json
        assert (status["state"], status["operation"]) == ("running", "migrate")
        assert [step["state"] for step in status["steps"]][:2] == ["succeeded", "running"]
        assert cli("jobs", "resume", "--yes", "-o", "json").json == {"jobs": [], "error": None}
        go_on(sandbox)
        watched = cli("status", job, "--watch", *FAST)
        assert (watched.code, watched.json["state"]) == (0, "succeeded"), watched
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert json.loads(out)["image_id"] == watched.json["image_id"] is not None
    assert len(tasks(sandbox, "ExportImages")) == len(tasks(sandbox, "ImportImage")) == 1


def test_a_watch_ends_where_nobody_goes_on(cli: Cli, sandbox: Sandbox) -> None:
    job = begin(cli, sandbox, CVM, *TO_ECS)
    go_on(sandbox)
    watched = cli("status", job, "--watch", *FAST)
    assert (watched.code, watched.json["state"]) == (0, "running")
    assert f"jobs resume {job}" in watched.err
    assert cli("jobs", "resume", job, *FAST).code == 0


def test_a_job_of_a_newer_imgmove(cli: Cli) -> None:
    step = Step("teleport", "migrate-teleport", provider="tencent", region="ap-guangzhou")
    Session().journal.add(Job("j0000000000001", Operation.MIGRATE, 1.0, {"new": True}, (step,)))
    assert_clear(cli("jobs", "resume", "j0000000000001"), 4, "migrate-teleport", "newer imgmove")
    assert cli("jobs", "list").code == 0
    assert cli("jobs", "show", "j0000000000001", "-o", "json").json["jobs"][0]["steps"][0]["state"] == "pending"
    assert cli("status", "j0000000000001", "-o", "json").json["state"] == "pending"
    assert cli("jobs", "cancel", "j0000000000001", "--yes", "-o", "json").code == 0
    assert cli("jobs", "clean", "--yes").code == 0


# -------------------------------------------------------------------------------------------------------- cancel


def test_an_export_of_ecs_is_cancelled_at_the_provider(cli: Cli, sandbox: Sandbox) -> None:
    job = begin(cli, sandbox, ECS, *TO_CVM)
    done = cli("jobs", "cancel", job, "--yes", "-o", "json")
    assert done.code == 0, done
    assert (done.json["jobs"][0]["state"], done.json["jobs"][0]["notes"]) == ("cancelled", [])
    assert len(sandbox.requests("ecs", "CancelTask")) == 1
    go_on(sandbox)
    assert objects(sandbox) == []
    assert cli("jobs", "cancel", job, "--yes").code == 0


def test_an_import_of_ecs_is_cancelled_at_the_provider(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.world.lock:
        settings = sandbox.world.alibaba.settings
        before, settings.import_seconds = settings.import_seconds, 1e9
    try:
        late = cli("migrate", CVM, *TO_ECS, "--name", "moved", "--timeout", "3s", *FAST)
        assert late.code == 6, late
        assert late.json["steps"][3]["state"] == "running"
        done = cli("jobs", "cancel", late.json["job"], "--yes", "-o", "json")
    finally:
        settings.import_seconds = before
    assert done.code == 0, done
    assert len(sandbox.requests("ecs", "CancelTask")) == 1
    go_on(sandbox)
    assert objects(sandbox) == []
    cli("jobs", "clean", "--yes")
    assert "moved" not in image_names(cli)


def test_a_copy_of_ecs_is_cancelled_at_the_provider(cli: Cli, sandbox: Sandbox) -> None:
    job = begin(cli, sandbox, ECS, "alibaba://cn-shanghai")
    done = cli("jobs", "cancel", job, "--yes", "-o", "json")
    assert (done.code, done.json["jobs"][0]["state"]) == (0, "cancelled"), done
    assert len(sandbox.requests("ecs", "CancelCopyImage")) == 1
    go_on(sandbox)
    assert cli("images", "--provider", "ecs", "--region", "cn-shanghai", "-o", "json").json["images"] == []


def test_an_export_of_cvm_goes_on_and_what_it_writes_is_cleaned(cli: Cli, sandbox: Sandbox) -> None:
    job = begin(cli, sandbox, CVM, *TO_ECS)
    done = cli("jobs", "cancel", job, "--yes", "-o", "json")
    assert done.code == 0, done
    assert "goes on at the provider" in done.json["jobs"][0]["notes"][0]
    assert objects(sandbox) == []
    go_on(sandbox)
    sandbox.settle()
    assert len(objects(sandbox)) == 1
    listed = cli("jobs", "clean", "--dry-run", "-o", "json").json["leftovers"]
    assert [row["kind"] for row in listed] == ["object"]
    assert cli("jobs", "clean", "--yes").code == 0
    assert objects(sandbox) == []


# --------------------------------------------------------------------------------------------------------- clean


def test_clean_removes_exactly_what_jobs_made(cli: Cli, sandbox: Sandbox, tmp_path: Path) -> None:
    mine = tmp_path / "mine.raw"
    mine.write_bytes(b"mine" * 1000)
    for uri in (f"cos://{COS}/imgmove-mine.raw", f"oss://{OSS}/imgmove-mine.raw"):
        assert cli("copy", mine, uri, "-q").code == 0
    sandbox.faults.add("ecs:ImportImage fail-task")
    failed = migrate(cli, CVM, *TO_ECS, "--name", "moved")
    assert failed.code == 1
    before = objects(sandbox)
    assert len(before) == 4
    dry = cli("jobs", "clean", "--dry-run", "-o", "json")
    rows = {row["uri"]: row for row in dry.json["leftovers"]}
    staged = [row for row in rows.values() if row["kind"] == "object"]
    assert sorted(uri.partition("://")[0] for uri in rows if rows[uri]["kind"] == "object") == ["cos", "oss"]
    assert all(row["size"] > 100_000 and not row["removed"] and row["job"] == failed.json["job"] for row in staged)
    assert objects(sandbox) == before
    assert cli("jobs", "clean").code == 2  # nobody can be asked
    done = cli("jobs", "clean", "--yes", "-o", "json")
    assert done.code == 0, done
    assert all(row["removed"] for row in done.json["leftovers"])
    assert objects(sandbox) == ["imgmove-mine.raw", "imgmove-mine.raw"]
    assert "moved" not in image_names(cli)
    assert cli("jobs", "clean", "--yes", "-o", "json").json["leftovers"] == []


def test_what_cannot_be_removed_is_said(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("ecs:ImportImage fail-task")
    failed = migrate(cli, CVM, *TO_ECS, "--name", "moved")
    assert failed.code == 1
    sandbox.faults.add("oss:DeleteObject refuse code=AccessDenied status=403 times=forever")
    done = cli("jobs", "clean", "--yes", "-o", "json")
    assert (done.code, done.json["error"]["code"]) == (8, "Leftovers")
    problems = [row for row in done.json["leftovers"] if not row["removed"]]
    assert [row["uri"].partition("://")[0] for row in problems] == ["oss"]
    assert "AccessDenied" in problems[0]["problem"]
    sandbox.faults.clear()
    assert cli("jobs", "clean", "--yes").code == 0
    assert objects(sandbox) == []
