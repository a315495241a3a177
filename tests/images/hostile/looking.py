"""How tests look at bytes: through a reader that counts, and never without the bounds being checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guard import LIMIT_BYTES, inspect
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import MAX_READ_BYTES, MAX_READS, MAX_TOTAL_BYTES, ImageBytes


@dataclass
class CountingReader:
    """Reads from memory, and remembers what was asked. Nobody may ask beyond the end, or for more than the bounds."""

    data: bytes
    claimed_bytes: int = 0
    """How large the image says that it is; what is beyond the data is zeros. 0: as large as the data."""
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return max(self.claimed_bytes, len(self.data))

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        assert offset >= 0
        assert 0 < length <= MAX_READ_BYTES or not self.size_bytes
        assert offset + length <= self.size_bytes, "a read outside the file"
        assert len(self.asked) <= MAX_READS
        assert sum(size for _, size in self.asked) <= MAX_TOTAL_BYTES
        return self.data[offset : offset + length].ljust(length, b"\0")

    def image(self) -> ImageBytes:
        return ImageBytes(self.size_bytes, self)


def look(
    data: bytes,
    name: str = "disk",
    declared: DiskFormat | None = None,
    *,
    system_disk: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    claimed_bytes: int = 0,
) -> Facts:
    """What the guard says to these bytes."""
    reader = CountingReader(bytes(data), claimed_bytes)
    return inspect(name, reader.image(), declared, system_disk=system_disk, limit_bytes=limit_bytes)


def refusal(
    data: bytes,
    name: str = "disk",
    declared: DiskFormat | None = None,
    *,
    system_disk: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    claimed_bytes: int = 0,
) -> ImgmoveError:
    """The guard must refuse these bytes: with one line that begins with the name, a code and a hint."""
    with pytest.raises(ImgmoveError) as caught:
        look(
            data, name, declared,
            system_disk=system_disk, limit_bytes=limit_bytes, claimed_bytes=claimed_bytes,
        )  # fmt: skip
    check_refusal(caught.value)
    assert caught.value.message.startswith(name + " ")
    return caught.value


def check_refusal(error: ImgmoveError) -> None:
    """One clear line, a code, and what to do."""
    assert (error.kind, error.exit_code) == (Kind.CORRUPT, 7)
    assert error.hint
    assert re.fullmatch(r"[A-Z]\w+", error.code)
    assert error.message.isprintable()
    assert len(error.message) < 600
