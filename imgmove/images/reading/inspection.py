"""What a look into a disk image may take, what it brought, and what went wrong with it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from imgmove.images.guest.layout import DiskLayout

if TYPE_CHECKING:
    from imgmove.images.guest.facts import GuestFacts

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one look may take: the readers are C code, and the bytes are foreign."""

    memory_bytes: int = 1 << 30
    """Of address space; on Linux only, other systems do not keep such a limit."""
    cpu_seconds: int = 120
    wall_seconds: float = 180.0
    """Without the time that the parent spends on reading from the source."""
    total_seconds: float = 1800.0
    """With it."""
    read_bytes: int = 512 * MIB
    """Most bytes read of a format with random access. An archive is read as a stream: its own size is the limit."""
    requests: int = 4096
    """Most ranges read; of an archive, its size in pages more."""
    answer_bytes: int = 64 * MIB
    """Most bytes of findings that the parent takes from the reader."""


class TroubleKind(StrEnum):
    """Why a look ended before its end. A table of words for each is the caller's."""

    CRASHED = "crashed"
    """The reader was ended by a signal, or broke off."""
    MEMORY = "out-of-memory"
    TIME = "out-of-time"
    READS = "too-many-reads"
    """The image sends its reader to more places than `Limits` allow."""
    PROTOCOL = "protocol"
    """The reader said what no reader of ours says: the image has taken it over."""
    UNREADABLE = "unreadable"
    """The container (qcow2, the archive…) cannot be opened or read."""
    FACTS = "facts"
    """The layout is known; gathering the guest's facts failed."""


@dataclass(frozen=True)
class Trouble:
    """`words` is one line for people, raw: `the reader crashed (SIGSEGV)`."""

    kind: TroubleKind
    words: str


@dataclass(frozen=True)
class Cost:
    """What a look took."""

    read_bytes: int = 0
    """Bytes read from the source: for an object what travelled over the network."""
    requests: int = 0
    """Ranges read from the source: for an object its GET requests."""
    fetch_seconds: float = 0.0
    """Spent on reading from the source."""
    total_seconds: float = 0.0
    is_stream: bool = False
    """The image had to be read from its beginning (`raw.tar.gz`): bytes read are up to the farthest place looked at."""


@dataclass(frozen=True)
class Inspection:
    """What is in an image, as far as it could be read. `layout` None: not even the tables; see `trouble`."""

    layout: DiskLayout | None = None
    facts: GuestFacts | None = None
    trouble: tuple[Trouble, ...] = ()
    cost: Cost = field(default_factory=Cost)

    @property
    def read_bytes(self) -> int:
        return self.cost.read_bytes

    @property
    def requests(self) -> int:
        return self.cost.requests
