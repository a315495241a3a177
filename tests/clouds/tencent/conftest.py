"""Fixtures: a scripted server, a clock, and settings that point at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.clouds.tencent.ecm import Ecm
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.settings import Settings
from tests.clouds.tencent.bucket import FakeBucket
from tests.clouds.tencent.scripted import ScriptedServer

KEYS = {
    "TENCENTCLOUD_SECRET_ID": "AKID-0001",
    "TENCENTCLOUD_SECRET_KEY": "very-secret-indeed",
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
        endpoints=dict.fromkeys(("CVM", "ECM", "COS", "TENCENT_STS", "CAM"), server.url), user_agent="imgmove/test",
    )  # fmt: skip


@pytest.fixture
def cvm(settings: Settings) -> Cvm:
    return Cvm("ap-guangzhou", settings)


@pytest.fixture
def ecm(settings: Settings) -> Ecm:
    return Ecm("", settings)


@pytest.fixture
def store(settings: Settings) -> CosStore:
    return CosStore("bkt-125", "ap-guangzhou", settings)


@pytest.fixture
def bucket(server: ScriptedServer) -> FakeBucket:
    found = FakeBucket()
    server.otherwise = found
    return found
