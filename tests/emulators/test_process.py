"""The real command in a process of its own, sockets that misbehave, and time limits of a profile."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.emulators.conftest import Cli, Clouds
from tests.emulators.test_bad_answers import SUBMITS
from tests.emulators.test_imports import GZ, HZ
from tests.emulators.test_parameters import RAW

COMMAND: Final = (sys.executable, "-m", "imgmove")
ECS_IMAGE: Final = "m-bp67acfmxazb4p"


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **more}
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.usefixtures("cli")
def test_a_process_of_its_own_whatever_the_environment_says(clouds: Clouds, tmp_path: Path) -> None:
    """A proxy that nobody answers at, a debug switch of the SDKs, and warnings as errors."""
    clouds.cvm.own()
    clouds.ecs.put(ECS_IMAGE, "web")
    nasty = {
        "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9", "DEBUG": "sdk", "PYTHONWARNINGS": "error::DeprecationWarning:imgmove",
        "TENCENTCLOUD_TOKEN": "a-tencent-token", "ALIBABA_CLOUD_SECURITY_TOKEN": "an-alibaba-token",
    }  # fmt: skip
    fast = ("--poll-interval", "5ms", "--quiet", "-o", "json")
    for words in (
        ("export", "img-web00001", *GZ, "--bucket", "stage-1250000000", *fast),
        ("export", ECS_IMAGE, *HZ, "--bucket", "stage", *fast),
    ):
        done = run(*words, **nasty)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert json.loads(done.stdout)["state"] == "succeeded"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["imgmove"], "files were left in the home"


@pytest.mark.usefixtures("cli")
def test_a_reader_that_goes_away(clouds: Clouds) -> None:
    for number in range(50):
        clouds.ecs.put(f"m-bp{number}", f"web {number}")
    words = " ".join([*COMMAND, "images", *HZ])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{words} | head -1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""


class Rude(threading.Thread):
    """Accepts connections and hangs up before it has read a byte."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.accepted = 0
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.accepted += 1
                connection.close()


@pytest.fixture
def rude() -> Iterator[Rude]:
    found = Rude()
    yield found
    found.socket.shutdown(socket.SHUT_RDWR)
    found.socket.close()


@pytest.mark.parametrize("operation", SUBMITS)
def test_whoever_accepts_and_hangs_up(
    cli: Cli, clouds: Clouds, operation: str, rude: Rude, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, service, _call = SUBMITS[operation]
    monkeypatch.setenv(f"IMGMOVE_ENDPOINT_URL_{service}", f"http://127.0.0.1:{rude.socket.getsockname()[1]}")
    done = submit(cli, clouds)
    assert (done.code, done.error["code"]) == (1, "NoAnswer"), done
    assert len([line for line in done.err.splitlines() if line.startswith("error: ")]) == 1
    assert rude.accepted < 60


@pytest.mark.parametrize("operation", [name for name in SUBMITS if name != "cvm export"])
def test_an_answer_that_comes_too_late(cli: Cli, clouds: Clouds, operation: str, tmp_path: Path) -> None:
    """The profile's time limit is over before the service answers; what it started is found all the same."""
    (tmp_path / "imgmove").mkdir()
    (tmp_path / "imgmove" / "config.toml").write_text('[profiles.default]\nread_timeout = "80ms"\n')
    submit, service, call = SUBMITS[operation]
    there: Any = clouds.service(service)
    answer = there.answer
    late: list[Any] = []

    def slowly(ask: Any) -> Any:
        if ask.what == call and not late:
            late.append(ask)
            said = answer(ask)
            time.sleep(0.2)
            return said
        return answer(ask)

    there.answer = slowly
    if service == "ECS":
        there.ways["related"] = "early"
    done = submit(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert there.count(call) == (2 if operation in {"ecs import", "ecs create"} else 1)
    assert len(there.images) == 1


def test_a_signal_leaves_a_job_that_can_be_taken_up(cli: Cli, clouds: Clouds) -> None:
    clouds.ecs.put(ECS_IMAGE, "web")
    clouds.ecs.script = [({"TaskStatus": "Processing"}, {})]
    words = ("export", ECS_IMAGE, *HZ, "--bucket", "stage", "--poll-interval", "10ms", "-o", "json")
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while clouds.ecs.count("DescribeTaskAttribute") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()
    out, _err = process.communicate(timeout=30)
    assert process.returncode == 130, out
    job = json.loads(out)["job"]
    for task in clouds.ecs.tasks.values():
        task["film"] = type(task["film"])(({"TaskStatus": "Finished"}, {"system": RAW}))
    done = cli("jobs", "resume", job, "-o", "json")
    assert (done.code, done.json["state"], clouds.ecs.count("ExportImage")) == (0, "succeeded", 1), done
