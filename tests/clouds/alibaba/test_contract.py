"""Alibaba's adapters under the contract suites, against the sandbox: real HTTP, every signature verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from imgmove.testing.compute_contract import ComputeContract, ComputeHarness
from imgmove.testing.store_contract import StoreContract, StoreHarness
from tests.clouds.alibaba.harness import OssHarness, SandboxHarness


class TestEcs(ComputeContract):
    """ECS: every operation that it has, and its images."""

    @pytest.fixture
    def harness(self, sandbox: Sandbox, tmp_path: Path) -> ComputeHarness:
        return SandboxHarness(sandbox, tmp_path)


class TestOss(StoreContract):
    """OSS."""

    @pytest.fixture
    def harness(self, sandbox: Sandbox, tmp_path: Path) -> Iterator[StoreHarness]:
        yield OssHarness(sandbox, tmp_path)
        sandbox.clock.skew_seconds = 0.0
