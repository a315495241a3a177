"""The ECS side of the world: what there is, what is under way, and the passing of the sandbox's time over it."""

from __future__ import annotations

import random
import shutil
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.disks import DiskFormat, convert
from imgmove.sandbox.faults import Effect
from imgmove.sandbox.world.alibaba_records import Image, Instance, Snapshot, Task, TokenUse, move
from imgmove.sandbox.world.alibaba_rules import STALLED_PERCENT, Settings
from imgmove.sandbox.world.alibaba_work import Step, due_step
from imgmove.sandbox.world.working import Hands, drive, scratch

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

WEEK_SECONDS = 7 * 24 * 3600
SCRATCH_PREFIX = "ecs-work-"
"""Directories beside the blobs in which tasks convert disks; a killed sandbox leaves them."""


@dataclass
class AlibabaState:
    """Everything that persists."""

    settings: Settings = field(default_factory=Settings)
    images: list[Image] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    tokens: dict[str, TokenUse] = field(default_factory=dict)
    """ClientTokens used, by "account/region/action/token"."""
    resource_groups: list[str] = field(default_factory=lambda: ["rg-acfmsandbox00001"])
    session_policies: dict[str, str] = field(default_factory=dict)
    """The Policy that AssumeRole was given, by the access key id it issued."""
    attach_dates: dict[str, float] = field(default_factory=dict)
    """When a policy was attached, Unix seconds, by "account/role/policy"."""
    update_dates: dict[str, float] = field(default_factory=dict)
    """When a role or policy was last changed, Unix seconds, by "account/role/name" or "account/policy/name"."""


class Alibaba:
    """Images, snapshots, instances and tasks of Alibaba Cloud. Every method but `settle` is called under `world.lock`.

    `settle()` brings everything up to the sandbox's present; the wires call it first thing in every call.
    """

    State = AlibabaState

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = random.Random()
        self._hands = Hands()
        self._in_work: set[int] = set()
        """The `id()` of each task that some thread is working on: after a reset, another may have its number."""
        self.state = AlibabaState()
        self.blobs = world.root / "ecs-disks"
        """Raw bytes of disks, one file each, never changed once written."""
        self.blobs.mkdir(exist_ok=True)
        for left_over in world.root.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(left_over)

    @property
    def settings(self) -> Settings:
        """How this ECS behaves; may be changed at any time."""
        return self.state.settings

    # What there is

    def image(self, region: str, image_id: str) -> Image | None:
        """The image of that id in a region, whoever owns it."""
        return next((i for i in self.state.images if (i.region, i.image_id) == (region, image_id)), None)

    def images(self, region: str) -> list[Image]:
        """All images of a region, newest first."""
        found = [image for image in self.state.images if image.region == region]
        return sorted(found, key=lambda image: -image.created)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id; the ids differ over all regions."""
        return next((s for s in self.state.snapshots if s.snapshot_id == snapshot_id), None)

    def instance(self, region: str, instance_id: str) -> Instance | None:
        """The instance of that id in a region."""
        return next((i for i in self.state.instances if (i.region, i.instance_id) == (region, instance_id)), None)

    def task(self, task_id: str) -> Task | None:
        """The task of that id."""
        return next((task for task in self.state.tasks if task.task_id == task_id), None)

    def running(self, action: str, owner: str) -> list[Task]:
        """An account's unfinished tasks of one kind, over all regions."""
        return [t for t in self.state.tasks if (t.action, t.owner) == (action, owner) and not t.over]

    def exports_this_week(self, owner: str) -> int:
        """How many exports an account has begun within seven days."""
        since = self._world.clock.wall() - WEEK_SECONDS
        return sum(1 for t in self.state.tasks if (t.action, t.owner) == ("ExportImage", owner) and t.created > since)

    def new_id(self, prefix: str) -> str:
        """A fresh id: "m-bp1…" for images, "s-", "t-" and so on."""
        letters = self._random.choices(string.ascii_lowercase + string.digits, k=17)
        return f"{prefix}-bp1{''.join(letters)}"

    # Bytes of disks

    def keep(self, source: Path, *, take: bool = False) -> str:
        """Stores raw bytes of a disk and returns the blob's name; `take` moves the file instead of copying it.

        A copy is sparse.
        """
        name = self.new_id("disk")
        if take:
            source.replace(self.blobs / name)
        else:
            convert(source, DiskFormat.RAW, self.blobs / name, DiskFormat.RAW)
        return name

    def keep_blank(self, size_bytes: int) -> str:
        """Stores a disk of zeros, which takes up no space, and returns the blob's name."""
        name = self.new_id("disk")
        with self.blob(name).open("xb") as file:
            file.truncate(size_bytes)
        return name

    def blob(self, name: str) -> Path:
        """The file that holds a disk's raw bytes."""
        return self.blobs / name

    def drop_unused_blobs(self) -> None:
        """Removes the files that no image, snapshot or instance refers to."""
        used = {snapshot.blob for snapshot in self.state.snapshots}
        used |= {disk.blob for image in self.state.images for disk in image.disks}
        used |= {disk.blob for instance in self.state.instances for disk in instance.disks}
        for path in self.blobs.iterdir():
            if path.is_file() and path.name not in used:
                self._world.discard(path)

    # What changes

    def add_image(self, image: Image) -> Image:
        """Puts an image into the world. Raises ValueError when its region has one of that id."""
        if self.image(image.region, image.image_id):
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

    def remove_image(self, image: Image) -> None:
        """Deletes an image; its snapshots stay, as at the vendor."""
        self.state.images.remove(image)
        self.drop_unused_blobs()
        self._world.changed()

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Deletes a snapshot."""
        self.state.snapshots.remove(snapshot)
        self.drop_unused_blobs()
        self._world.changed()

    def start(self, task: Task) -> Task:
        """Sets a task going from now on, with the fault that the plan may hold for it."""
        task.created, task.started = self._world.clock.wall(), self._world.clock.now()
        task.queue_seconds = self.settings.queue_seconds + self._wait_for_a_slot(task)
        fault = self._world.faults.task_fault("ecs", task.action)
        if fault is not None and fault.effect is Effect.STALL_TASK:
            task.stalled = True
        elif fault is not None:
            task.doom_code = fault.code or f"{task.action}Failed"
            task.doom_message = fault.message or "The task failed."
        self.state.tasks.append(task)
        self._world.changed()
        return task

    def cancel(self, task: Task) -> None:
        """Ends a task before its time: what it was making vanishes, and nothing of it is left in any bucket."""
        task.percent = self.percent(task)
        move(task, "Deleted")
        task.finished = self._world.clock.wall()
        image = self.image(task.region, task.image_id)
        if task.action != "ExportImage" and image is not None:
            self.state.snapshots = [
                s for s in self.state.snapshots if s.snapshot_id not in {d.snapshot_id for d in image.disks}
            ]
            self.remove_image(image)
        self._world.changed()

    def pause(self, task: Task) -> None:
        """Holds a task in `Paused` until `resume`."""
        move(task, "Paused")
        task.paused_at = self._world.clock.now()
        self._world.changed()

    def resume(self, task: Task) -> None:
        """Lets a paused task go on from where it stood."""
        if task.paused_at is None:
            raise ValueError(f"task {task.task_id} is not paused")
        move(task, "Processing")
        task.started += self._world.clock.now() - task.paused_at
        task.paused_at = None
        self._world.changed()

    # Time

    def settle(self) -> None:
        """Brings every task and image up to the sandbox's present. Costs nothing when nothing is due.

        To be called without the lock, so that others can go on while disks are converted; a task that somebody else
        works on stays as it is meanwhile.
        """
        with self._hands.at_work() as is_first:
            while is_first and (due := self._take_due()):
                self._work_off(*due)

    def _take_due(self) -> tuple[Task, Step] | None:
        """The next task that is due and nobody's, and what there is to do; it is ours from then on."""
        with self._world.lock:
            for task in self.state.tasks:
                over = task.over and (task.delivered or task.status != "Finished")
                step = None if over or id(task) in self._in_work else due_step(self._world, task)
                if step is not None:
                    self._in_work.add(id(task))
                    return task, step
        return None

    def _work_off(self, task: Task, step: Step) -> None:
        def is_wanted() -> bool:
            """Not so once it was cancelled or paused, or the world was emptied."""
            return task.status in ("Processing", "Finished") and any(task is each for each in self.state.tasks)

        try:
            with scratch(self._world.root, SCRATCH_PREFIX) as directory:
                drive(self._world.lock, step(self._world, task, directory), is_wanted)
        finally:
            with self._world.lock:
                self._in_work.discard(id(task))

    def elapsed(self, task: Task) -> float:
        """The sandbox seconds that a task has been going, pauses left out."""
        until = self._world.clock.now() if task.paused_at is None else task.paused_at
        return until - task.started

    def percent(self, task: Task) -> int:
        """How far a task is: 100 only when it is Finished."""
        if task.status == "Finished":
            return 100
        if task.over:
            return task.percent
        worked = self.elapsed(task) - task.queue_seconds
        done = int(100 * worked / task.work_seconds) if task.work_seconds > 0 else 100
        return max(0, min(done, STALLED_PERCENT if task.stalled else 99))

    def _wait_for_a_slot(self, task: Task) -> float:
        """Seconds until a copy may begin: a region runs few copies at once and queues the rest (alibaba.md 1.6)."""
        if task.action != "CopyImage":
            return 0.0
        limit, now = self.settings.concurrent_copies, self._world.clock.now()
        ends = sorted(
            other.started + other.queue_seconds + other.work_seconds
            for other in self.state.tasks
            if other.action == "CopyImage" and other.source_region == task.source_region and not other.over
        )
        return max(0.0, ends[-limit] - now) if len(ends) >= limit else 0.0
