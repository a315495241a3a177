"""Fixtures of the real images."""

from pathlib import Path

import pytest

from tests.cli.conftest import bare_cli, cli, sandbox, shared_sandbox
from tests.images.real.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workshop:
    """The place where this run's disks are built; pytest-xdist's processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "real-images"
    folder.mkdir(exist_ok=True)
    return Workshop(Path(folder))


__all__ = ["bare_cli", "cli", "sandbox", "shared_sandbox", "workshop"]
