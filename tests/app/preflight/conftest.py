"""Sessions inside a sandbox, with waits that take no time."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imgmove.app.session import Session
from imgmove.engine.clock import SystemClock
from imgmove.sandbox import Sandbox

CVM, ECS = "tencent://ap-guangzhou/img-seed0001", "alibaba://cn-hangzhou/m-bp1seed0000000000001"
COS, OSS = "imgmove-gz-1250000000", "imgmove-hz"


class HurriedClock(SystemClock):
    """The machine's clock, for signatures; sleeping takes no time."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.on_sleep: Callable[[], object] | None = None

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        self.slept.append(seconds)
        if self.on_sleep:
            self.on_sleep()


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox(speed=3000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """A sandbox as if new, with the vendors' clocks right."""
    running.reset()
    running.clock.skew_seconds = 0.0
    with running.world.lock:
        running.world.tencent.settings.rate_limits = False
    yield running
    running.clock.skew_seconds = 0.0


Open = Callable[..., Session]


@pytest.fixture
def open_session(sandbox: Sandbox, tmp_path: Path) -> Open:
    """A session of the sandbox's operator; variables given are set, those given as None are unset."""

    def opened(**variables: str | None) -> Session:
        environment: dict[str, Any] = {**sandbox.environment(), "IMGMOVE_HOME": str(tmp_path / "imgmove"), **variables}
        given = {name: value for name, value in environment.items() if value is not None}
        return Session(environment=given, home=tmp_path, clock=HurriedClock())

    return opened
