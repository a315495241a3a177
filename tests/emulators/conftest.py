"""`imgmove …` in this process against the second emulation, on a clock that passes while nobody looks."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from imgmove.cli.main import main
from imgmove.engine.clock import SystemClock
from tests.emulators import stores
from tests.emulators.alibaba import Ecs
from tests.emulators.cam import Cam, TencentSts
from tests.emulators.cvm import Cvm
from tests.emulators.ecm import Ecm
from tests.emulators.ram import AlibabaSts, Ram
from tests.emulators.wire import Service, listening

SERVICES: Final = ("CVM", "ECM", "COS", "ECS", "OSS")
#: What tells who we are and of the roles: there for tests that say so (`account_services`).
ACCOUNT_SERVICES: Final = ("CAM", "TENCENT_STS", "RAM", "ALIBABA_STS")
EVERY: Final = (*SERVICES, *ACCOUNT_SERVICES)
CREDENTIALS: Final = {
    "TENCENTCLOUD_SECRET_ID": "AKIDemulator", "TENCENTCLOUD_SECRET_KEY": "tencent-secret",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIemulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "alibaba-secret",
}  # fmt: skip
#: The keys of the contract's document ("Output").
DOCUMENT: Final = {"job", "operation", "provider", "region", "state", "progress", "task_id", "request_id", "image_id",
                   "artifacts", "error"}  # fmt: skip
STATES: Final = {"pending", "running", "succeeded", "failed", "cancelled", "unknown"}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found


Cli = Callable[..., Done]


class HurriedTime:
    """Sleeping takes no time at all, and the clock is that much later afterwards."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> float:
        return time.time() + self.slept

    def sleep(self, _clock: SystemClock, seconds: float, stop: threading.Event) -> None:
        if not stop.is_set():
            self.slept += max(0.0, seconds)


@dataclass
class Clouds:
    """The services of one test, with their `ways`."""

    now: Callable[[], float]
    ways: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.renew()

    def renew(self, ways: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """All services anew, in the ways given by their names."""
        chosen = {name: dict((ways or {}).get(name, {})) for name in EVERY}
        self.cos, self.oss = stores.cos(self.now, chosen["COS"]), stores.oss(self.now, chosen["OSS"])
        self.cvm = Cvm(self.now, self.cos, chosen["CVM"])
        self.ecm = Ecm(self.now, self.cos, chosen["ECM"])
        self.ecs = Ecs(self.now, self.oss, chosen["ECS"])
        self.cam, self.tencent_sts = Cam(self.now, chosen["CAM"]), TencentSts(self.now, chosen["TENCENT_STS"])
        self.ram, self.alibaba_sts = Ram(self.now, chosen["RAM"]), AlibabaSts(self.now, chosen["ALIBABA_STS"])
        self.settle()

    def settle(self) -> None:
        """What listens serves these services."""
        for name, server in _LISTENING.items():
            server.service = self.service(name)

    def service(self, name: str) -> Service:
        found: Service = getattr(self, name.lower())
        return found

    def check_for_bugs(self) -> None:
        """An exception inside the emulation is no finding about imgmove."""
        for name in EVERY:
            assert not [ask.path for ask in self.service(name).asked if ask.what == "BUG"], name


_LISTENING: dict[str, Any] = {}


@pytest.fixture(scope="session")
def _servers() -> Iterator[None]:
    with ExitStack() as stack:
        for name in EVERY:
            _LISTENING[name] = stack.enter_context(listening(Service()))
        yield
    _LISTENING.clear()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> HurriedTime:
    hurry = HurriedTime()
    monkeypatch.setattr(SystemClock, "sleep", lambda clock, seconds, stop: hurry.sleep(clock, seconds, stop))
    monkeypatch.setattr(SystemClock, "now", lambda _clock: hurry.now())
    monkeypatch.setattr(SystemClock, "monotonic", lambda _clock: time.monotonic() + hurry.slept)
    return hurry


@pytest.fixture
def clouds(_servers: None, hurried: HurriedTime) -> Iterator[Clouds]:
    made = Clouds(hurried.now)
    yield made
    made.check_for_bugs()


@pytest.fixture
def cli(clouds: Clouds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """`imgmove` with credentials and with every endpoint on the emulation."""
    for name in list(os.environ):
        if name.startswith(("IMGMOVE_", "TENCENT", "ALIBABA", "ALICLOUD", "TCCLI", "OSS_")) or name.endswith(
            ("_proxy", "_PROXY")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMGMOVE_HOME", str(tmp_path / "imgmove"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in SERVICES:
        monkeypatch.setenv(f"IMGMOVE_ENDPOINT_URL_{name}", url_of(name))

    def run(*words: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        done = Done(ended.value.code if isinstance(ended.value.code, int) else -1, captured.out, captured.err)
        check_contract(done, [str(word) for word in words])
        return done

    return run


def url_of(name: str) -> str:
    """Where a service of the emulation listens."""
    return f"http://127.0.0.1:{_LISTENING[name].server_address[1]}"


@pytest.fixture
def account_services(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """STS, CAM and RAM are on the emulation, too."""
    for name in ACCOUNT_SERVICES:
        monkeypatch.setenv(f"IMGMOVE_ENDPOINT_URL_{name}", url_of(name))


def check_contract(done: Done, words: list[str]) -> None:
    """What holds for every command, however it ended."""
    shown = done.out + done.err
    assert "Traceback" not in shown, done
    assert "internal error: " not in shown, done
    for secret in ("tencent-secret", "alibaba-secret"):
        assert secret not in shown, done
    assert (done.code == 0) == ("error: " not in done.err), done
    assert done.code in {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}, done
    if "json" not in words:
        return
    document = json.loads(done.out)
    if words[0] in {"export", "import", "create", "status", "migrate", "copy"} and "--list-os" not in words:
        assert set(document) >= DOCUMENT, document
        assert document["state"] in STATES
        assert document["task_id"] is None or isinstance(document["task_id"], str)
        assert document["progress"] is None or 0 <= document["progress"] <= 100
    error = document["error"]
    assert (error is None) == (done.code == 0), document
    if error is not None:
        assert set(error) >= {"code", "message", "hint", "request_id"}, error
        assert error["code"], error
        assert error["message"], error
        assert error["hint"], error
