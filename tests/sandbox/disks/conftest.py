"""Fixtures for the tests of disk formats."""

from __future__ import annotations

import pytest

from tests.sandbox.disks.images import QemuImg, required


@pytest.fixture(scope="session")
def qemu_img() -> QemuImg:
    """The judge of all formats."""
    return QemuImg(required("qemu-img"))
