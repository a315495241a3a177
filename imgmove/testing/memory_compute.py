"""An image service in memory: a twin of `ComputeProvider` whose world, time and accidents a test decides."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from imgmove.core.abilities import Abilities, Lookup, NameRule, OperationAbility
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import CheckResult
from imgmove.core.requests import (
    CreateRequest,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    TransferRequest,
    operation_of,
)
from imgmove.core.tasks import FINAL_TASK_STATES, Artifact, Handle, Image, OsChoice, TaskReport, TaskState
from imgmove.testing.memory_store import MemoryStore

_OPERATIONS: Final = (Operation.EXPORT, Operation.IMPORT, Operation.CREATE, Operation.TRANSFER)


def memory_abilities(
    lookup: Lookup = Lookup.CONCLUSIVE, settling_seconds: float = 30.0, *, cancel: bool = True
) -> Abilities:
    """The abilities of a service that can do everything, and after a lost answer what `lookup` says."""
    ability = OperationAbility(
        lookup, settling_seconds, cancel=cancel, formats=(DiskFormat.QCOW2, DiskFormat.RAW), poll_seconds=10.0,
        max_images=10, max_disks=4, options=frozenset({"description", "tags", "prefixes"}),
    )  # fmt: skip
    return Abilities(
        provider="memory", title="Memory", store_scheme="memory",
        operations=dict.fromkeys(_OPERATIONS, ability), image_name=NameRule(60),
        image_id_example="img-1", image_id_pattern=r"img-\d+", instance_id_pattern=r"ins-\d+",
        transfer_from=("memory",),
    )  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What befalls one call: it takes effect (`applied`) or not, and then `error` is raised.

    A refusal is an `ImgmoveError` that was not applied; a lost answer one with `maybe_applied`, applied or not; the
    death of the process any other exception.
    """

    error: BaseException
    applied: bool = False


@dataclass
class MemoryTask:
    """An operation that the service works on. Times are the service's own."""

    id: str
    request: ServiceRequest
    token: str
    started_at: float
    visible_at: float
    """From when on `find` shows it."""
    ends_at: float
    image_id: str | None = None
    error: ImgmoveError | None = None
    """With this it will end, instead of success."""
    ended: TaskState | None = None


@dataclass
class MemoryWorld:
    """What exists: shared by the regions of a service, and by the processes that a test lets die."""

    time: Callable[[], float]
    """The service's own clock, in seconds; never set back."""
    images: dict[str, Image] = field(default_factory=dict)
    instances: set[str] = field(default_factory=set)
    stores: dict[str, MemoryStore] = field(default_factory=dict)
    tasks: list[MemoryTask] = field(default_factory=list)
    duration_seconds: float = 60.0
    visible_after_seconds: float = 0.0
    """How late `find` shows what the next submit starts."""
    error: ImgmoveError | None = None
    """What the next operation fails with."""
    submit_faults: deque[Fault | None] = field(default_factory=deque)
    """For the next submits, in order; None lets one pass."""
    find_faults: deque[BaseException | None] = field(default_factory=deque)
    poll_faults: deque[BaseException | None] = field(default_factory=deque)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Every call with what it was about: ("submit", token), ("find", since), ("poll", task id), ("cancel", task id)."""

    def add_image(self, name: str = "seed", state: str = "NORMAL") -> Image:
        image = Image(f"img-{len(self.images) + 1}", name, state, size_gib=1, os="linux", details={"owner": "self"})
        self.images[image.id] = image
        return image

    def add_instance(self) -> str:
        instance_id = f"ins-{len(self.instances) + 1}"
        self.instances.add(instance_id)
        return instance_id

    def store(self, bucket: str) -> MemoryStore:
        return self.stores.setdefault(bucket, MemoryStore(bucket))


class MemoryCompute:
    """One region of the service. Keeps to `imgmove.core.ports.ComputeProvider`."""

    def __init__(self, world: MemoryWorld, abilities: Abilities | None = None, region: str = "here") -> None:
        self.world = world
        self.abilities = abilities or memory_abilities()
        self.region = region
        self._lock = threading.RLock()

    def check(self, request: ServiceRequest, token: str) -> CheckResult:
        with self._lock:
            self._validate(request)
            return CheckResult(request_id=f"check-{token}")

    def submit(self, request: ServiceRequest, token: str) -> Handle:
        with self._lock:
            self.world.calls.append(("submit", token))
            fault = self.world.submit_faults.popleft() if self.world.submit_faults else None
            if fault is not None and not fault.applied:
                raise fault.error
            handle = self._start(request, token)
            if fault is not None:
                raise fault.error
            return handle

    def find(self, request: ServiceRequest, token: str, since: float) -> Handle | None:
        with self._lock:
            self.world.calls.append(("find", since))
            _raise_next(self.world.find_faults)
            now = self.world.time()
            for task in self.world.tasks:
                if task.token == token and task.request == request and now >= task.visible_at:
                    return self._handle(task)
            return None

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        with self._lock:
            self.world.calls.append(("poll", handle.task_id))
            _raise_next(self.world.poll_faults)
            report = self._report(self._task(handle.task_id))
            return replace(report, memo={"looks": memo.get("looks", 0) + 1})

    def look_up(self, identifier: str) -> TaskReport:
        with self._lock:
            if identifier in self.world.images:
                state = TaskState.SUCCEEDED if self.world.images[identifier].state == "NORMAL" else TaskState.RUNNING
                return TaskReport(state, image_id=identifier, vendor_state=self.world.images[identifier].state)
            return self._report(self._task(identifier))

    def cancel(self, handle: Handle) -> TaskReport:
        with self._lock:
            self.world.calls.append(("cancel", handle.task_id))
            if not self.abilities.ability(handle.operation).cancel:
                raise ImgmoveError(Kind.UNSUPPORTED, "there is no call that cancels", code="CancelNotSupported")
            task = self._task(handle.task_id)
            if self._report(task).state not in FINAL_TASK_STATES:
                task.ended = TaskState.CANCELLED
                self.world.images.pop(task.image_id or "", None)
            return self._report(task)

    def images(self) -> Iterator[Image]:
        with self._lock:
            self._settle_all()
            return iter(list(self.world.images.values()))

    def image(self, image_id: str) -> Image:
        with self._lock:
            self._settle_all()
            if image_id not in self.world.images:
                raise ImgmoveError(Kind.NOT_FOUND, f"there is no image {image_id}", code="NoSuchImage")
            return self.world.images[image_id]

    def delete_image(self, image_id: str) -> None:
        with self._lock:
            self.world.images.pop(image_id, None)

    def os_choices(self) -> Sequence[OsChoice]:
        return (OsChoice("Debian", ("12", "13")), OsChoice("Windows", ("2022",), family="windows"))

    # ---------------------------------------------------------------------------------------------- the service

    def _start(self, request: ServiceRequest, token: str) -> Handle:
        if self.abilities.ability(operation_of(request)).lookup is Lookup.TOKENED:
            earlier = next((task for task in self.world.tasks if task.token == token), None)
            if earlier is not None:
                return self._handle(earlier)
        self._validate(request)
        now = self.world.time()
        task = MemoryTask(
            f"task-{len(self.world.tasks) + 1}", request, token, now,
            now + self.world.visible_after_seconds, now + self.world.duration_seconds, error=self.world.error,
        )  # fmt: skip
        if not isinstance(request, ExportRequest):
            task.image_id = self.world.add_image(request.name, "CREATING").id
        self.world.tasks.append(task)
        self.world.visible_after_seconds, self.world.error = 0.0, None
        return self._handle(task)

    def _validate(self, request: ServiceRequest) -> None:
        self.abilities.ability(operation_of(request))
        missing = _missing(request, self.world)
        if missing:
            raise ImgmoveError(Kind.NOT_FOUND, f"there is no {missing}", code="NotFound", request_id="req-1")
        if isinstance(request, ExportRequest):
            return
        self.abilities.image_name.check(request.name)
        if any(image.name == request.name for image in self.world.images.values()):
            raise ImgmoveError(Kind.EXISTS, f"an image {request.name!r} exists", code="NameTaken", request_id="req-1")

    def _handle(self, task: MemoryTask) -> Handle:
        return Handle(
            operation_of(task.request), self.region, task.id, task.image_id, request_id=f"req-{task.id}",
            details={"token": task.token},
        )  # fmt: skip

    def _task(self, task_id: str | None) -> MemoryTask:
        found = next((task for task in self.world.tasks if task.id == task_id), None)
        if found is None:
            raise ImgmoveError(Kind.NOT_FOUND, f"there is no task {task_id}", code="NoSuchTask")
        return found

    def _settle_all(self) -> None:
        for task in self.world.tasks:
            self._report(task)

    def _report(self, task: MemoryTask) -> TaskReport:
        """Where the task is now; the first look after its end brings the end about."""
        now = self.world.time()
        if task.ended is None and now >= task.ends_at:
            self._end(task)
        if task.ended is not None:
            report = TaskReport(task.ended, 100, task.ended.value.upper(), error=task.error)
            artifacts = _artifacts(task) if task.ended is TaskState.SUCCEEDED else ()
            return replace(report, task_id=task.id, image_id=task.image_id, artifacts=artifacts)
        share = (now - task.started_at) / max(task.ends_at - task.started_at, 1e-9)
        state = TaskState.PENDING if share < 0.1 else TaskState.RUNNING
        return TaskReport(state, int(share * 100), "WORKING", task_id=task.id, image_id=task.image_id)

    def _end(self, task: MemoryTask) -> None:
        task.ended = TaskState.FAILED if task.error else TaskState.SUCCEEDED
        if isinstance(task.request, ExportRequest):
            if task.error is None:
                for artifact in _artifacts(task):
                    self.world.store(task.request.bucket).put(artifact.uri.rpartition("/")[2], b"disk")
            return
        image = self.world.images[task.image_id or ""]
        self.world.images[image.id] = replace(image, state="IMPORTFAILED" if task.error else "NORMAL")


def _raise_next(faults: deque[BaseException | None]) -> None:
    error = faults.popleft() if faults else None
    if error is not None:
        raise error


def _missing(request: ServiceRequest, world: MemoryWorld) -> str:
    """The first thing that the request names and that does not exist."""
    match request:
        case ExportRequest():
            return next((f"image {image_id}" for image_id in request.image_ids if image_id not in world.images), "")
        case ImportRequest():
            absent = (disk for disk in request.disks if world.store(disk.bucket).head(disk.key) is None)
            return next((f"object {disk.key}" for disk in absent), "")
        case CreateRequest():
            return "" if request.instance_id in world.instances else f"instance {request.instance_id}"
        case TransferRequest():
            return "" if request.source_image_id in world.images else f"image {request.source_image_id}"


def _artifacts(task: MemoryTask) -> tuple[Artifact, ...]:
    if not isinstance(task.request, ExportRequest):
        return ()
    bucket, suffix = task.request.bucket, (task.request.format or DiskFormat.QCOW2).value
    return tuple(
        Artifact(
            f"memory://{bucket}/{task.token}_{image_id}.{suffix}", task.request.format or DiskFormat.QCOW2, "system", 4
        )
        for image_id in task.request.image_ids
    )
