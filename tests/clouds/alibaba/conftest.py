"""Fixtures: a scripted server, a clock and settings that point at it; and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgmove.clouds.alibaba.ecs import Ecs
from imgmove.clouds.alibaba.store import OssStore
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from tests.clouds.alibaba.scripted import ScriptedServer

KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "AKID-0001",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "very-secret-indeed",
}


@dataclass
class Clock:
    """A clock that stands until it is told."""

    time: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    found = ScriptedServer()
    yield found
    found.close()


@pytest.fixture
def settings(server: ScriptedServer, clock: Clock, tmp_path: Path) -> Settings:
    return Settings(
        environment=KEYS, home=tmp_path, now=clock, connect_timeout_seconds=1, read_timeout_seconds=1,
        endpoints={"ECS": server.url, "OSS": server.url, "ALIBABA_STS": server.url}, user_agent="imgmove/test",
    )  # fmt: skip


@pytest.fixture
def ecs(settings: Settings) -> Ecs:
    return Ecs("cn-hangzhou", settings)


@pytest.fixture
def store(settings: Settings) -> OssStore:
    return OssStore("bkt", "cn-hangzhou", settings)


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.clock.freeze()
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    """The sandbox as if just started."""
    started.reset()
    started.clock.freeze()
    return started
