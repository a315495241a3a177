"""ECS and OSS in the sandbox, as the contract suites want them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from imgmove.clouds.alibaba import cloud
from imgmove.core.ports import SignedRequest
from imgmove.core.requests import (
    CreateRequest,
    DiskSource,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    TransferRequest,
)
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Key, Policy
from imgmove.testing.compute_contract import ComputeHarness
from imgmove.testing.memory_store import Answer
from imgmove.testing.store_contract import StoreHarness

ACCOUNT = "1000000000000001"
REGION = "cn-hangzhou"
BUCKET = "imgmove-hz"
INSTANCE = "i-bp1seed0000000000001"
IMAGES = ("m-bp1seed0000000000001", "m-bp1seed0000000000002")
IMAGE_ELSEWHERE = "m-t4nseed0000000000001"
DISK = Path(__file__).parents[3] / "imgmove" / "sandbox" / "seed" / "seed-data-disk.qcow2"
SUBMITS = ("ExportImage", "ImportImage", "CreateImage", "CopyImage")


class SandboxHarness(ComputeHarness):
    """ECS in the sandbox, whose clock stands until time is passed."""

    missing_image_id = "m-bp1missing0000000001"

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self._sandbox = sandbox
        self._passed_seconds = 0.0
        self._numbers = itertools.count(1)
        self.settings = settings_for(sandbox, home, self.now)
        self.provider = cloud.compute("alibaba", REGION, self.settings)

    def request(self, operation: Operation) -> ServiceRequest | None:
        number = next(self._numbers)
        name = f"contract-{number}"
        if operation is Operation.EXPORT:
            return ExportRequest((IMAGES[number % len(IMAGES)],), BUCKET)
        if operation is Operation.IMPORT:
            key = f"{name}.qcow2"
            store = cloud.store("oss", BUCKET, REGION, self.settings)
            store.put(key, DISK.read_bytes())
            return ImportRequest(name, (DiskSource(BUCKET, key),), os_type="Debian")
        if operation is Operation.CREATE:
            return CreateRequest(name, INSTANCE)
        if operation is Operation.TRANSFER:
            return TransferRequest(name, "alibaba", "ap-southeast-1", IMAGE_ELSEWHERE)
        return None

    def refused_request(self, operation: Operation) -> ServiceRequest:
        requests: dict[Operation, ServiceRequest] = {
            Operation.EXPORT: ExportRequest((self.missing_image_id,), BUCKET),
            Operation.IMPORT: ImportRequest("refused", (DiskSource(BUCKET, "missing.qcow2"),)),
            Operation.CREATE: CreateRequest("refused", "i-bp1missing0000000001"),
            Operation.TRANSFER: TransferRequest("refused", "alibaba", "ap-southeast-1", self.missing_image_id),
        }
        return requests[operation]

    def started(self) -> int:
        with self._sandbox.world.lock:
            return len(self._sandbox.world.alibaba.state.tasks)

    def now(self) -> float:
        return time.time() + self._passed_seconds

    def pass_time(self, seconds: float) -> None:
        self._passed_seconds += seconds
        self._sandbox.clock.advance(seconds)

    def lose_next_answer(self) -> None:
        for action in SUBMITS:
            self._sandbox.faults.add(f"ecs:{action} drop-after")

    def break_next_look(self) -> None:
        self._sandbox.faults.add("ecs:Describe* html")


def settings_for(sandbox: Sandbox, home: Path, now: Callable[[], float] = time.time) -> Settings:
    environment = sandbox.environment()
    prefix = "IMGMOVE_ENDPOINT_URL_"
    endpoints = {name.removeprefix(prefix): url for name, url in environment.items() if name.startswith(prefix)}
    return Settings(environment=environment, home=home, endpoints=endpoints, now=now)


def limited(sandbox: Sandbox, settings: Settings, *actions: str) -> Settings:
    """The settings of a user who may do these alone."""
    document = json.dumps(
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    )
    with sandbox.world.lock:
        accounts = sandbox.world.accounts
        accounts.add_policy("alibaba", ACCOUNT, Policy("limits", document))
        user = f"acs:ram::{ACCOUNT}:user/limited"
        accounts.add_key(Key("alibaba", "LTAIlimited", "limited-secret", ACCOUNT, user, policies=["limits"]))
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIlimited", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "limited-secret"}
    return replace(settings, environment={**settings.environment, **keys})


@pytest.fixture
def harness(sandbox: Sandbox, tmp_path: Path) -> ComputeHarness:
    return SandboxHarness(sandbox, tmp_path)


class OssHarness(StoreHarness):
    """A bucket of OSS in the sandbox; signed requests are sent by plain urllib3, as workers do."""

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self._sandbox = sandbox
        self._http = urllib3.PoolManager()
        settings = settings_for(sandbox, home)
        self.store = cloud.store("oss", BUCKET, "", settings)
        self.missing_bucket = cloud.store("oss", "imgmove-missing", REGION, settings)

    def send(self, request: SignedRequest, body: bytes = b"") -> Answer:
        answer = self._http.request(
            request.method, request.url, headers=request.headers, body=body or None, redirect=False, retries=False
        )
        return Answer(answer.status, dict(answer.headers), answer.data)

    def pass_time(self, seconds: float) -> None:
        self._sandbox.clock.skew_seconds += seconds
