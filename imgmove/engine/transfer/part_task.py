"""What travels to a worker, and what comes back: a range, signed requests, and the part's checksum."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgmove.core.ports import SignedRequest


@dataclass(frozen=True)
class PartTask:
    """One part. `read` None: its bytes are given; `write` None: only read it, and compute the CRC."""

    number: int
    offset: int
    length: int
    read: SignedRequest | None
    write: SignedRequest | None
    etag: str = ""
    """The source's ETag: another one in the answer means that the source changed. Empty: not compared."""
    object_bytes: int = 0
    """The source's size, likewise; 0: not compared."""
    timeout_seconds: float = 60.0
    bytes_per_second: int = 0
    """This part's share of a bandwidth limit; 0 for none."""
    meter: str = ""
    compute_crc: bool = True


@dataclass(frozen=True)
class PartDone:
    """What became of a part. Headers have lower-case names."""

    number: int
    length: int
    crc64: int | None
    read_headers: dict[str, str] = field(default_factory=dict)
    write_headers: dict[str, str] = field(default_factory=dict)
