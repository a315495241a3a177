"""The command line against a sandbox: `cli(...)` runs `imgmove …` in this process, with its real entry point."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imgmove.cli.main import main
from imgmove.sandbox import Sandbox


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it has to be."""
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=3000) as running:
        running.world.tencent.settings.rate_limits = False
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox as if new: seeded, without faults and without a log."""
    shared_sandbox.reset()
    shared_sandbox.clock.speed = 3000
    with shared_sandbox.world.lock:
        shared_sandbox.world.tencent.settings.rate_limits = False
    return shared_sandbox


@pytest.fixture
def bare_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """`imgmove` without a cloud, credentials or configuration."""
    import os

    for name in list(os.environ):
        if name.startswith(("IMGMOVE_", "TENCENT", "ALIBABA", "ALICLOUD", "TCCLI", "OSS_")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMGMOVE_HOME", str(tmp_path / "imgmove"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")

    def run(*words: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def cli(bare_cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`imgmove` inside the sandbox, as the operator of its default world."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return bare_cli
