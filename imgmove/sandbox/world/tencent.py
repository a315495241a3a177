"""The CVM and ECM side of the world: what there is, what is under way, and the passing of the sandbox's time."""

from __future__ import annotations

import random
import shutil
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imgmove.sandbox.world.tencent_disks import copy_sparse
from imgmove.sandbox.world.tencent_export_work import Running, show_part, shows_part
from imgmove.sandbox.world.tencent_records import (
    OPERATING,
    FetchError,
    Image,
    Instance,
    Message,
    Session,
    Snapshot,
    Task,
)
from imgmove.sandbox.world.tencent_rules import Settings
from imgmove.sandbox.world.tencent_work import work
from imgmove.sandbox.world.working import Hands, drive, scratch

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

SCRATCH_PREFIX = "cvm-work-"
"""Directories beside the blobs in which tasks convert disks; a killed sandbox leaves them."""
Due = tuple[Task, Callable[["World", Task, Path], Running]]
FIRST_TASK_ID = 105591590


@dataclass
class TencentState:
    """Everything that persists."""

    settings: Settings = field(default_factory=Settings)
    images: list[Image] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    """What temporary keys stand for, by access key id."""
    next_task_id: int = FIRST_TASK_ID
    next_cam_id: int = 4611686018433460000
    """Ids of roles and policies that are made here."""


class Fetch(Protocol):
    """Reads an object for an importer, over COS as anybody would."""

    def __call__(self, url: str, path: Path, image: Image) -> Path:
        """`path` with the object's bytes, which must not be changed. Raises FetchError."""


def _no_fetch(url: str, path: Path, image: Image) -> Path:
    raise FetchError(f"no wire of CVM or ECM has been made that could read {url} into {path} for {image.image_id}")


class Tencent:
    """Images, snapshots, instances and tasks of Tencent Cloud. Every method but `settle` is called under `world.lock`.

    `settle()` brings everything up to the sandbox's present; the wires, COS among them, call it first in every call.
    """

    State = TencentState

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = random.Random()
        self._hands = Hands()
        self._in_work: set[int] = set()
        """The `id()` of each task that some thread is working on: after a reset, another may have its number."""
        self._litter = False
        self.fetch: Fetch = _no_fetch
        """Set by the wires: the world itself speaks no protocol."""
        self.state = TencentState()
        self.blobs = world.root / "cvm-disks"
        """Raw bytes of disks, one file each, never changed once written."""
        self.blobs.mkdir(exist_ok=True)
        for left_over in world.root.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(left_over)

    @property
    def settings(self) -> Settings:
        """How this cloud behaves; may be changed at any time."""
        return self.state.settings

    @property
    def messages(self) -> list[Message]:
        """The message centre, oldest first."""
        return self.state.messages

    # What there is

    def image(self, service: str, region: str, image_id: str) -> Image | None:
        """The image of that id, whoever owns it and whether it is visible yet or not; ECM's region is ""."""
        wanted = (service, region, image_id)
        return next((i for i in self.state.images if (i.service, i.region, i.image_id) == wanted), None)

    def images(self, service: str, region: str) -> list[Image]:
        """All images of a service in a region, newest first."""
        found = [i for i in self.state.images if (i.service, i.region) == (service, region)]
        return sorted(found, key=lambda image: -image.created)

    def is_visible(self, image: Image) -> bool:
        """Whether the API shows the image already."""
        return image.visible_from <= self._world.clock.now()

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id."""
        return next((s for s in self.state.snapshots if s.snapshot_id == snapshot_id), None)

    def snapshots_of(self, image: Image) -> list[Snapshot]:
        """The snapshots behind an image that still exist, the system disk's first."""
        found = (self.snapshot(snapshot_id) for snapshot_id in image.snapshot_ids)
        return sorted((s for s in found if s is not None), key=lambda s: s.usage != "SYSTEM_DISK")

    def instance(self, instance_id: str) -> Instance | None:
        """The instance of that id."""
        return next((i for i in self.state.instances if i.instance_id == instance_id), None)

    def task(self, task_id: str, service: str, action: str = "") -> Task | None:
        """The service's task of that id, given as text, if it is one of `action` (any for "")."""
        return next(
            (
                task
                for task in self.state.tasks
                if (str(task.task_id), task.service) == (task_id, service) and action in ("", task.action)
            ),
            None,
        )

    def running(self, service: str, action: str, account_id: str = "", region: str = "") -> list[Task]:
        """Unfinished tasks of one kind, of one account and region where these are given."""
        return [
            task
            for task in self.state.tasks
            if (task.service, task.action, task.status) == (service, action, OPERATING)
            and account_id in ("", task.account_id)
            and region in ("", task.region)
        ]

    def is_exported(self, image: Image) -> bool:
        """Whether an export of the image is under way, shown or not."""
        return any(
            image.image_id in task.image_ids and task.region == image.region
            for task in self.running("cvm", "ExportImages")
        )

    # Ids and bytes

    def new_id(self, prefix: str) -> str:
        """A fresh id: "img-", "snap-", "disk-" and eight letters and digits."""
        return f"{prefix}-{''.join(self._random.choices(string.ascii_lowercase + string.digits, k=8))}"

    def new_cam_id(self) -> int:
        """A fresh number for a role or a policy."""
        self.state.next_cam_id += 1
        self._world.changed()
        return self.state.next_cam_id

    def keep(self, source: Path, *, take: bool = False) -> str:
        """Stores the raw bytes of a disk, holes kept, and returns the blob's name; `take` moves the file."""
        name = self.new_id("disk")
        if take:
            source.replace(self.blobs / name)
        else:
            copy_sparse(source, self.blobs / name)
        return name

    def blob(self, name: str) -> Path:
        """The file that holds a disk's raw bytes."""
        return self.blobs / name

    def drop_unused_blobs(self) -> None:
        """Removes the files that no snapshot, instance or unfinished task refers to any more."""
        self._litter = False
        used = {snapshot.blob for snapshot in self.state.snapshots}
        used |= {disk.blob for instance in self.state.instances for disk in instance.disks}
        used |= {disk.blob for task in self.state.tasks if task.status == OPERATING for disk in task.disks}
        for path in self.blobs.iterdir():
            if path.name not in used:
                path.unlink()

    def litter(self) -> None:
        """Notes that files may be unneeded. They go with the next call: by then the state without them is on disk."""
        self._litter = True

    # What changes

    def add_image(self, image: Image) -> Image:
        """Puts an image into the world. Raises ValueError when its region has one of that id."""
        if self.image(image.service, image.region, image.image_id):
            raise ValueError(f"image {image.image_id} is there already")
        self.state.images.append(image)
        self._world.changed()
        return image

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Puts a snapshot into the world."""
        self.state.snapshots.append(snapshot)
        self._world.changed()
        return snapshot

    def add_instance(self, instance: Instance) -> Instance:
        """Puts an instance into the world."""
        self.state.instances.append(instance)
        self._world.changed()
        return instance

    def remove_image(self, image: Image, *, with_snapshots: bool = False) -> None:
        """Deletes an image. Its snapshots stay, as at the vendor, unless they are asked to go too."""
        self.state.images.remove(image)
        if with_snapshots:
            for snapshot in self.snapshots_of(image):
                self.remove_snapshot(snapshot)
        self._world.changed()

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Deletes a snapshot; images may still name it."""
        self.state.snapshots.remove(snapshot)
        self.litter()
        self._world.changed()

    def notify(self, task: Task, code: str, text: str) -> None:
        """Puts a notice about a task into its account's message centre."""
        image_id = task.image_ids[0] if task.image_ids else ""
        now = self._world.clock.wall()
        self.state.messages.append(Message(task.account_id, now, code, text, image_id, task.task_id))
        self._world.changed()

    def start(self, task: Task, seconds: float) -> Task:
        """Sets a task going now, for `seconds` of the sandbox, with the fault that the plan may hold for it."""
        task.task_id = self.state.next_task_id
        self.state.next_task_id += 1
        task.submitted, task.started = self._world.clock.wall(), self._world.clock.now()
        task.due = task.started + seconds
        fault = self._world.faults.task_fault(task.service, task.action)
        if fault is not None and fault.effect == "stall-task":
            task.stalled = True
        elif fault is not None:
            task.doom_code = fault.code or "InternalError"
            task.message = fault.message or "The task failed."
        self.state.tasks.append(task)
        self._world.changed()
        return task

    # Time

    def settle(self) -> None:
        """Brings every task up to the sandbox's present. Costs nothing when nothing is due.

        To be called without the lock, so that others can go on while disks are converted; a task that somebody else
        works on stays as it is meanwhile. Fetching an image to import asks COS, which settles in turn: a call within
        a call does nothing.
        """
        with self._hands.at_work() as is_first:
            while is_first and (due := self._take_due()):
                self._work_off(*due)

    def _take_due(self) -> Due | None:
        """The next task that is due and nobody's, and what there is to do; it is ours from then on."""
        with self._world.lock:
            if self._litter:
                self.drop_unused_blobs()
            now = self._world.clock.now()
            unfinished = [t for t in self.state.tasks if t.status == OPERATING and id(t) not in self._in_work]
            for task in sorted(unfinished, key=lambda task: task.due):
                ready = work if task.due <= now and not task.stalled else None
                step = ready or (show_part if shows_part(self._world, task) else None)
                if step is not None:
                    self._in_work.add(id(task))
                    return task, step
        return None

    def _work_off(self, task: Task, step: Callable[[World, Task, Path], Running]) -> None:
        try:
            with scratch(self._world.root, SCRATCH_PREFIX) as directory:
                steps = step(self._world, task, directory)
                drive(self._world.lock, steps, lambda: any(task is each for each in self.state.tasks))
        finally:
            with self._world.lock:
                self._in_work.discard(id(task))

    def percent(self, task: Task) -> int:
        """How far a task is; 100 only when it has succeeded."""
        if task.status == "SUCCESS":
            return 100
        length = task.due - task.started
        done = int(100 * (self._world.clock.now() - task.started) / length) if length > 0 else 99
        return max(0, min(done, 40 if task.stalled else 99))
