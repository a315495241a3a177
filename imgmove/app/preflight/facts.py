"""What a preflight is about, and all that was found out about it: what the checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imgmove.app.guest import Guest
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.preflight.answers import NOT_ASKED, Answer
from imgmove.app.preflight.history import History
from imgmove.app.preflight.sides import SideFacts
from imgmove.app.route import Route
from imgmove.config import Prices
from imgmove.core.ports import CheckResult, ObjectInfo
from imgmove.core.requests import DiskSource
from imgmove.core.tasks import Image

GIB = 1 << 30


@dataclass(frozen=True)
class Surroundings:
    """What the checks need besides: the time, what earlier jobs took, what things cost."""

    now: float = 0.0
    history: History = field(default_factory=History)
    prices: Prices = field(default_factory=Prices)
    is_report: bool = False
    """Nothing follows: what could not be asked is a finding, too (`doctor`)."""


@dataclass(frozen=True)
class Facts:
    """Everything about one way. `wanted` has empty fields for what an operation of one side does not know."""

    wanted: MigrateRequest
    around: Surroundings
    source: SideFacts | None = None
    destination: SideFacts | None = None
    images: Mapping[str, Answer[Image]] = field(default_factory=dict)
    objects: tuple[tuple[DiskSource, Answer[ObjectInfo]], ...] = ()
    route: Answer[Route] = NOT_ASKED
    guest: Guest | None = None
    dry_runs: Mapping[str, Answer[CheckResult]] = field(default_factory=dict)
    """By side."""

    @property
    def sides(self) -> tuple[SideFacts, ...]:
        return tuple(side for side in (self.source, self.destination) if side is not None)

    @property
    def image(self) -> Image | None:
        """The image, where there is one and it could be looked at."""
        answer = next(iter(self.images.values()), NOT_ASKED)
        return answer.value

    @property
    def name(self) -> str:
        """What the new image will be called."""
        return self.wanted.name or (self.image.name if self.image else "")

    @property
    def bytes_at_most(self) -> int | None:
        """How many bytes travel at most: all of the disks that go along; None where their sizes are not known."""
        if self.objects:
            sizes = [answer.value.size_bytes for _, answer in self.objects if answer.value]
            return sum(sizes) if len(sizes) == len(self.objects) else None
        gib = [disk.get("size_gib") for image in self._known_images for disk in self.disks_of(image)]
        known = [size for size in gib if isinstance(size, int)]
        return sum(known) * GIB if known and len(known) == len(gib) else None

    @property
    def _known_images(self) -> list[Image]:
        return [answer.value for answer in self.images.values() if answer.value is not None]

    def disks_of(self, image: Image) -> list[dict[str, Any]]:
        """The image's disks that go along; its size as its one disk where it lists none."""
        disks = list(image.details.get("disks") or ())
        if not disks and image.size_gib is not None:
            disks = [{"kind": "system", "size_gib": image.size_gib}]
        return disks[:1] if self.wanted.root_disk_only else disks
