"""Signals, closed pipes and closed terminals, with real processes: every ending leaves a job that can be resumed."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imgmove.app.session import Session
from imgmove.core.jobs import Job, Step
from imgmove.core.requests import Operation
from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.processes import imgmove, job_at, until
from tests.cli.test_jobs import go_on, tasks
from tests.cli.test_migrate import CVM, ECS, FAST, TO_CVM, TO_ECS, objects

MIGRATE = ("migrate", CVM, *TO_ECS, "--name", "moved")


def assert_resumable(cli: Cli, sandbox: Sandbox, *words: str) -> None:
    """The one job there is can be taken up and ends well, with one export and one import in all."""
    go_on(sandbox)
    resumed = cli("jobs", "resume", *words, *FAST)
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded"), resumed
    assert len(tasks(sandbox, "ExportImages")) == len(tasks(sandbox, "ImportImage")) == 1
    assert objects(sandbox) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops_cleanly(cli: Cli, sandbox: Sandbox, number: signal.Signals) -> None:
    sandbox.clock.speed = 0.001
    with imgmove(*MIGRATE, *FAST) as process:
        job = job_at("export").id
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert f"imgmove jobs resume {job}" in err.rstrip().splitlines()[-1]
    assert "Traceback" not in err
    assert '"state": "running"' in out
    assert '"exit_code": 130' in out
    assert_resumable(cli, sandbox, job)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once(cli: Cli, sandbox: Sandbox, number: signal.Signals) -> None:
    """While a request hangs: the first signal has to wait for its answer."""
    sandbox.clock.speed = 0.001
    sandbox.faults.add("cvm:DescribeImages delay seconds=3 after=3 times=1")
    with imgmove(*MIGRATE, *FAST) as process:
        job = job_at("export").id
        until(lambda: sandbox.faults.list()[0].matched > 3)
        process.send_signal(number)
        time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=20) == 130
        assert time.monotonic() - began < 1.5
    assert_resumable(cli, sandbox, job)


def test_killed_and_taken_up_without_a_name(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.clock.speed = 0.001
    with imgmove(*MIGRATE, *FAST) as process:
        job_at("export")
        process.kill()
        process.wait()
    assert_resumable(cli, sandbox, "--yes")


def test_stopped_in_the_middle_of_a_copy(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add("oss:UploadPart delay seconds=1 times=1")
    with imgmove(*MIGRATE, *FAST) as process:
        until(lambda: sandbox.faults.list()[0].matched)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert_resumable(cli, sandbox, "--yes")


def test_a_terminal_that_is_closed(cli: Cli, sandbox: Sandbox) -> None:
    """A session of its own whose terminal goes away: the kernel sends SIGHUP, and nothing can be printed any more."""
    sandbox.clock.speed = 0.001
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).parents[2])
        os.execv(sys.executable, [sys.executable, "-m", "imgmove", *MIGRATE, "--poll-interval", "10ms"])
    job = job_at("export").id
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in {130, 1}
    assert Session().journal.holder(job) is None
    assert_resumable(cli, sandbox, job)


def test_a_hangup_that_is_to_be_ignored(cli: Cli, sandbox: Sandbox) -> None:
    """Under nohup, work goes on."""
    sandbox.clock.speed = 0.001
    with imgmove(*MIGRATE, *FAST, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        job_at("export")
        process.send_signal(signal.SIGHUP)
        go_on(sandbox)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


@pytest.mark.parametrize("words", [("jobs", "list"), ("jobs", "list", "-o", "json"), ("--help",)])
def test_a_reader_that_goes_away(cli: Cli, words: tuple[str, ...]) -> None:
    """`imgmove … | head -1`: more is written than a pipe holds, nobody reads it, no traceback."""
    journal = Session().journal
    for number in range(300):
        step = Step("export", provider="tencent", region="ap-guangzhou")
        journal.add(Job(f"j{number:013d}", Operation.EXPORT, 1.0, {}, (step,)))
    with imgmove(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if words[-1] != "--help":
            assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert err == ""
    assert process.returncode in {0, 1}


def test_progress_that_nobody_reads(cli: Cli, sandbox: Sandbox) -> None:
    """Standard error is closed: the migration goes on, and its result is on standard output."""
    read, write = os.pipe()
    os.close(read)
    with imgmove("migrate", ECS, *TO_CVM, "--name", "moved", *FAST, stderr=write) as process:
        os.close(write)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert '"state": "succeeded"' in out


def test_a_closed_standard_output(cli: Cli, sandbox: Sandbox) -> None:
    """`imgmove migrate … >&-`: the job is done all the same."""
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "imgmove", "migrate", ECS, *TO_CVM, "--name", "moved",
               *FAST]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=Path(__file__).parents[2])
    assert "Traceback" not in done.stderr
    assert cli("jobs", "list", "-o", "json").json["jobs"][0]["state"] == "succeeded"
