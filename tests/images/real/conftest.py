"""Fixtures of the real images."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import bare_cli, cli, sandbox, shared_sandbox
from tests.images.real.exclusive import alone
from tests.images.real.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Workshop]:
    """The place where this run's disks are built; pytest-xdist's processes share it, and the last one clears it away."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "real-images"
    mine = folder.with_name(f"real-images-{worker_id}.used")
    with alone(folder.with_suffix(".lock")):
        folder.mkdir(exist_ok=True)
        mine.touch()
    yield Workshop(Path(folder))
    with alone(folder.with_suffix(".lock")):
        mine.unlink()
        if not list(folder.parent.glob("real-images-*.used")):
            shutil.rmtree(folder)


__all__ = ["bare_cli", "cli", "sandbox", "shared_sandbox", "workshop"]
