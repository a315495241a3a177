"""CVM, ECM and COS under the suites that every cloud has to pass, with our sandbox behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgmove.clouds.tencent.store import CosStore
from imgmove.core.ports import SignedRequest
from imgmove.sandbox import Sandbox
from imgmove.testing.memory_store import Answer
from imgmove.testing.store_contract import StoreContract, StoreHarness
from tests.clouds.tencent.rehearsal import BUCKET, REGION, send, settings_for


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.world.tencent.settings.rate_limits = False
        yield sandbox


class CosHarness(StoreHarness):
    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        settings = settings_for(sandbox, home)
        self.sandbox = sandbox
        self.store = CosStore(BUCKET, REGION, settings)
        self.missing_bucket = CosStore("nobodys-1250000000", REGION, settings)

    def send(self, request: SignedRequest, body: bytes = b"") -> Answer:
        return send(request, body, self.sandbox)

    def pass_time(self, seconds: float) -> None:
        self.sandbox.clock.skew_seconds += seconds


class TestCos(StoreContract):
    @pytest.fixture
    def harness(self, sandbox: Sandbox, tmp_path: Path) -> Iterator[StoreHarness]:
        yield CosHarness(sandbox, tmp_path)
        sandbox.clock.skew_seconds = 0.0
