"""`imgmove check` while something happens to it: signals, a parent that is killed, a store in trouble, an object that changes."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.processes import imgmove, until
from tests.cli.test_check import SEED_DISK
from tests.cli.test_migrate import CVM, OSS, TO_ECS, migrate

OBJECT = f"oss://{OSS}/web.qcow2"
CHECK = ("check", OBJECT, "--for", "alibaba", "-o", "json")
#: The guard reads twice, then the reader asks.
IN_THE_READER = "after=3"


@pytest.fixture(autouse=True)
def _stored(cli: Cli) -> None:
    assert cli("copy", SEED_DISK, OBJECT).code == 0


def reader_of(parent: subprocess.Popen[str]) -> int:
    """The process that `parent` looks into an image with."""

    def look() -> str:
        return subprocess.run(["pgrep", "-P", str(parent.pid)], capture_output=True, text=True, check=False).stdout

    return int(until(look).split()[0])


def is_gone(pid: int) -> bool:
    """No such process, or one that has ended and only waits to be taken leave of."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] in {"", "Z"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_look_and_its_reader(sandbox: Sandbox, number: signal.Signals) -> None:
    sandbox.faults.add(f"oss:GetObject delay seconds=1 {IN_THE_READER}")
    with imgmove(*CHECK) as process:
        until(lambda: sandbox.faults.list()[0].matched > 3)
        reader = reader_of(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert (document["findings"], document["error"]["code"]) == ([], "Interrupted")
    assert "nothing was changed" in err
    assert "Traceback" not in err
    assert is_gone(reader)


def test_a_reader_does_not_outlive_a_killed_parent(sandbox: Sandbox) -> None:
    sandbox.faults.add(f"oss:GetObject delay seconds=2 {IN_THE_READER}")
    with imgmove(*CHECK) as process:
        until(lambda: sandbox.faults.list()[0].matched > 3)
        reader = reader_of(process)
        process.kill()
        process.wait()
    assert until(lambda: is_gone(reader))


@pytest.mark.parametrize(
    "fault",
    [
        "oss:GetObject drop-before", "oss:GetObject cut-body", "oss:GetObject html", "oss:GetObject throttle times=2",
        "oss:GetObject refuse code=ServiceUnavailable status=503", "oss:HeadObject drop-before",
    ],
)  # fmt: skip
def test_what_passes_is_borne(cli: Cli, sandbox: Sandbox, fault: str) -> None:
    wanted = cli(*CHECK).json["findings"]
    sandbox.faults.add(fault)
    sandbox.faults.add(f"{fault} {IN_THE_READER}")
    done = cli(*CHECK)
    assert done.code == 0, done.err
    assert done.json["findings"] == wanted


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("oss:GetObject refuse code=ServiceUnavailable status=503 times=forever", 1),
        ("oss:GetObject throttle times=forever", 5),
        ("oss:GetObject refuse code=AccessDenied status=403 times=forever", 3),
    ],
)
def test_what_does_not_pass_is_one_line(cli: Cli, sandbox: Sandbox, fault: str, code: int) -> None:
    sandbox.faults.add(f"{fault} {IN_THE_READER}")
    done = cli(*CHECK)
    assert done.code == done.json["error"]["exit_code"] == code, done.err
    assert done.json["findings"] == []
    assert [line.startswith(("error: ", "  → ")) for line in done.err.splitlines()] == [True, True]


def test_an_object_that_changes_meanwhile_is_said_to(cli: Cli, sandbox: Sandbox, tmp_path: Path) -> None:
    other = tmp_path / "other.qcow2"
    other.write_bytes(SEED_DISK.read_bytes() + bytes(65536))
    sandbox.faults.add(f"oss:GetObject delay seconds=2 {IN_THE_READER}")
    with imgmove(*CHECK) as process:
        until(lambda: sandbox.faults.list()[0].matched > 3)
        assert cli("copy", other, OBJECT, "--format", "qcow2").code == 0
        out, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert json.loads(out)["error"]["code"] == "SourceChanged"
    assert f"{OBJECT} changed while it was looked at" in err


def test_progress_for_programs(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add(f"oss:GetObject delay seconds=1.1 {IN_THE_READER}")
    done = cli(*CHECK, "--progress", "json")
    looks = [json.loads(line) for line in done.err.splitlines()]
    assert looks
    assert {look["event"] for look in looks} == {"Looked"}
    assert all(look["what"] == OBJECT and look["read_bytes"] > 0 and look["requests"] > 0 for look in looks)


def test_a_migration_that_is_stopped_while_it_looks_can_be_taken_up(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add(f"cos:GetObject delay seconds=1 {IN_THE_READER}")
    words = ("migrate", CVM, *TO_ECS, "--name", "web", "--check", "--poll-interval", "10ms", "-o", "json")
    with imgmove(*words) as process:
        until(lambda: sandbox.faults.list()[0].matched > 3)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    job = json.loads(out)["job"]
    assert f"imgmove jobs resume {job}" in err.splitlines()[-1]
    done = cli("jobs", "resume", job, "--poll-interval", "10ms", "-o", "json")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done.err


def test_a_migration_bears_what_passes_while_it_looks(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add(f"cos:GetObject refuse code=ServiceUnavailable status=503 {IN_THE_READER}")
    done = migrate(cli, CVM, *TO_ECS, "--name", "web", "--check")
    assert (done.code, done.json["state"]) == (0, "succeeded"), done.err
