"""Fixtures: a running Alibaba cloud of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.alibaba.cloud import Cloud, running


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Account, roles, buckets hz-bucket and sg-bucket, an image in each region, an instance; the clock stands still."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DEBUG"):
        monkeypatch.delenv(name, raising=False)
    with running(tmp_path) as cloud:
        yield cloud
