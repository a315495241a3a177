"""A sandbox for each module, and the environment in which a reader would type."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.docs.pages import ROOT

SPEED = 3000


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=SPEED) as running:
        with running.world.lock:
            running.world.tencent.settings.rate_limits = False
        yield running


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path) -> Mapping[str, str]:
    """The sandbox's variables, a home of one's own, and `imgmove` on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **sandbox.environment(),
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "IMGMOVE_HOME": str(tmp_path / "imgmove"),
    }
