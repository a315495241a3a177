"""A runner over twins in memory: what the engine's tests build on."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from imgmove.core.abilities import Abilities, Lookup
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Event
from imgmove.core.jobs import Job, Step
from imgmove.core.ports import Journal
from imgmove.core.requests import CreateRequest, ExportRequest, Operation
from imgmove.engine.options import RunOptions
from imgmove.engine.runner import STEP_FUNCTIONS, Runner
from imgmove.engine.steps import StepFunction, operation_step
from imgmove.journal.memory import MemoryJournal
from imgmove.testing.fake_clock import FakeClock
from imgmove.testing.memory_compute import MemoryCompute, MemoryWorld, memory_abilities


class Rig:
    """One world, one journal, one clock; as many runners (processes) as a test wants to start and kill."""

    def __init__(
        self,
        lookup: Lookup = Lookup.CONCLUSIVE,
        settling_seconds: float = 30.0,
        journal: Journal | None = None,
        functions: Mapping[str, StepFunction] = STEP_FUNCTIONS,
        seed: int = 1,
    ) -> None:
        self.clock = FakeClock()
        self.world = MemoryWorld(self.clock.monotonic)
        self.abilities: Abilities = memory_abilities(lookup, settling_seconds)
        self.journal: Journal = journal or MemoryJournal()
        self.functions = functions
        self.events: list[Event] = []
        self.chance = random.Random(seed)
        self.stop = threading.Event()

    def provider(self, _name: str = "memory", region: str = "here") -> MemoryCompute:
        return MemoryCompute(self.world, self.abilities, region)

    def add_job(self, *steps: Step, job_id: str = "job-1", operation: Operation = Operation.EXPORT) -> None:
        self.journal.add(Job(job_id, operation, self.clock.now(), {}, steps))

    def add_export(self, name: str = "export") -> Step:
        """A step that exports an image of its own."""
        return operation_step(name, "memory", "here", ExportRequest((self.world.add_image(name).id,), "bucket"))

    def add_create(self, name: str = "create") -> Step:
        request = CreateRequest(f"image of {name}", self.world.add_instance())
        return operation_step(name, "memory", "here", request)

    def run(self, options: RunOptions | None = None, job_id: str = "job-1") -> Job:
        runner = Runner(
            self.journal, self.provider, clock=self.clock, listener=self.events.append, functions=self.functions,
            chance=self.chance,
        )  # fmt: skip
        return runner.run(job_id, options, self.stop)

    def step(self, name: str = "export", job_id: str = "job-1") -> Step:
        return self.journal.job(job_id).step(name)

    def calls(self, kind: str) -> list[Any]:
        """What the calls of one kind were about, in order."""
        return [what for name, what in self.world.calls if name == kind]

    def seen(self, kind: type[Event]) -> Sequence[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def refusal(kind: Kind, *, code: str = "Refused", retry_after_seconds: float | None = None) -> ImgmoveError:
    return ImgmoveError(kind, "no", code=code, retry_after_seconds=retry_after_seconds)


def lost_answer() -> ImgmoveError:
    return ImgmoveError(Kind.UNAVAILABLE, "the connection broke", code="ConnectionReset", maybe_applied=True)
