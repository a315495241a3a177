"""CVM, ECM and COS under the suites that every cloud has to pass, with our sandbox behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from imgmove.clouds.tencent.cvm import Cvm
from imgmove.clouds.tencent.ecm import Ecm
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.formats import DiskFormat
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
from imgmove.sandbox import Sandbox
from imgmove.testing.compute_contract import ComputeContract, ComputeHarness
from imgmove.testing.memory_store import Answer
from imgmove.testing.store_contract import StoreContract, StoreHarness
from tests.clouds.tencent.rehearsal import BUCKET, REGION, add_image, add_instance, put_disk, send, settings_for

_numbers = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.clock.freeze()
        settings = sandbox.world.tencent.settings
        settings.rate_limits = False
        settings.image_quota = settings.ecm_image_quota = 1000
        yield sandbox


@contextmanager
def behaving(sandbox: Sandbox, **settings: object) -> Iterator[None]:
    """The sandbox's CVM and ECM, behaving so for a while."""
    current = sandbox.world.tencent.settings
    before = {name: getattr(current, name) for name in settings}
    for name, value in settings.items():
        setattr(current, name, value)
    yield
    for name, value in before.items():
        setattr(current, name, value)


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


class RehearsedHarness(ComputeHarness):
    """A service of our sandbox. Only its own time is moved: tasks go on, signatures stay valid."""

    service: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.before = 0

    def request(self, operation: Operation) -> ServiceRequest | None:
        make = self.makers().get(operation)
        return make(self.name()) if make else None

    def makers(self) -> Mapping[Operation, Callable[[str], ServiceRequest]]:
        raise NotImplementedError

    def name(self) -> str:
        return f"contract-{next(_numbers)}"

    def started(self) -> int:
        return sum(task.service == self.service for task in self.sandbox.world.tencent.state.tasks)

    def now(self) -> float:
        return time.time()

    def pass_time(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def lose_next_answer(self) -> None:
        for action in self.actions:
            self.sandbox.faults.add(f"{self.service}:{action} drop-after")

    def break_next_look(self) -> None:
        self.sandbox.faults.add(f"{self.service}:Describe* html")


class CvmHarness(RehearsedHarness):
    service = "cvm"
    actions = ("ExportImages", "ImportImage", "CreateImage", "SyncImages")

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        super().__init__(sandbox)
        self.provider = Cvm(REGION, settings_for(sandbox, home))

    def makers(self) -> Mapping[Operation, Callable[[str], ServiceRequest]]:
        sandbox = self.sandbox
        return {
            Operation.EXPORT: lambda name: ExportRequest((add_image(sandbox, name),), BUCKET, DiskFormat.QCOW2),
            Operation.IMPORT: lambda name: ImportRequest(
                name, (DiskSource(BUCKET, put_disk(sandbox, name)),), os_type="debian", os_version="12", force=True
            ),
            Operation.CREATE: lambda name: CreateRequest(name, add_instance(sandbox, "ins")),
            Operation.TRANSFER: lambda name: TransferRequest(
                name, "tencent", "ap-shanghai", add_image(sandbox, f"{name}-s", "ap-shanghai")
            ),
        }

    def refused_request(self, operation: Operation) -> ServiceRequest:
        refused: dict[Operation, ServiceRequest] = {
            Operation.EXPORT: ExportRequest(("img-00000000",), BUCKET),
            Operation.IMPORT: ImportRequest("refused", (DiskSource("nobodys-1250000000", "absent.qcow2"),),
                                            os_type="Debian", os_version="1999"),
            Operation.CREATE: CreateRequest("refused", "ins-00000000"),
            Operation.TRANSFER: TransferRequest("refused", "tencent", "ap-shanghai", "img-00000000"),
        }  # fmt: skip
        return refused[operation]


class TestCvm(ComputeContract):
    @pytest.fixture
    def harness(self, sandbox: Sandbox, tmp_path: Path) -> Iterator[ComputeHarness]:
        yield CvmHarness(sandbox, tmp_path)
        sandbox.faults.clear()


class TestCvmOtherwise(TestCvm):
    """What the vendor's facts leave open, the other way round: the international site's answers, among others."""

    @pytest.fixture(autouse=True)
    def otherwise(self, sandbox: Sandbox) -> Iterator[None]:
        with behaving(
            sandbox, import_returns_image_id=False, export_shows_exporting=False, dry_run_code="DryRunOperation",
            unknown_image_code="InvalidImageId.NotFound", export_crc=False, import_moves_sync_percent=True,
        ):  # fmt: skip
            yield


class EcmHarness(RehearsedHarness):
    service = "ecm"
    actions = ("ImportCustomImage", "CreateImage", "ImportImage")

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        super().__init__(sandbox)
        self.provider = Ecm("", settings_for(sandbox, home))

    def makers(self) -> Mapping[Operation, Callable[[str], ServiceRequest]]:
        sandbox = self.sandbox
        return {
            Operation.IMPORT: lambda name: ImportRequest(
                name, (DiskSource(BUCKET, put_disk(sandbox, name)),), os_type="debian", os_version="12"
            ),
            Operation.CREATE: lambda name: CreateRequest(name, add_instance(sandbox, "ein"), force_poweroff=True),
            Operation.TRANSFER: lambda name: TransferRequest(name, "tencent", REGION, add_image(sandbox, f"{name}-t")),
        }

    def refused_request(self, operation: Operation) -> ServiceRequest:
        refused: dict[Operation, ServiceRequest] = {
            Operation.IMPORT: ImportRequest("refused", (DiskSource(BUCKET, "absent.qcow2"),), os_type="Plan 9"),
            Operation.CREATE: CreateRequest("refused", "ein-00000000"),
            Operation.TRANSFER: TransferRequest("refused", "tencent", REGION, "img-00000000"),
        }
        return refused[operation]


class TestEcm(ComputeContract):
    @pytest.fixture
    def harness(self, sandbox: Sandbox, tmp_path: Path) -> Iterator[ComputeHarness]:
        yield EcmHarness(sandbox, tmp_path)
        sandbox.faults.clear()


class TestEcmOtherwise(TestEcm):
    """ECM that keeps the ids of CVM's images."""

    @pytest.fixture(autouse=True)
    def otherwise(self, sandbox: Sandbox) -> Iterator[None]:
        with behaving(sandbox, ecm_keeps_image_id=True):
            yield
