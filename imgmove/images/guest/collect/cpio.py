"""cpio archives as kernels unpack them (`newc` and `crc`): names and sizes, one entry after the other, contents skipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.collect.byte_source import ByteSource, UnpackError

MAGICS: Final = (b"070701", b"070702")
_HEADER_BYTES: Final = 110
_LONGEST_NAME: Final = 4096
_MOST_ENTRIES: Final = 300_000
_TRAILER: Final = "TRAILER!!!"


@dataclass(frozen=True)
class CpioEntry:
    name: str
    """Without a leading `/` or `./`."""
    size_bytes: int
    mode: int


def entries(source: ByteSource) -> Iterator[CpioEntry]:
    """The entries of one archive at the beginning of `source`, which stands behind it afterwards.

    Raises UnpackError for what is no archive, and what `source` raises.
    """
    for _ in range(_MOST_ENTRIES):
        entry = _header(source)
        if entry.name == _TRAILER:
            return
        yield entry
        source.skip(entry.size_bytes + -entry.size_bytes % 4, f"the file {entry.name[:100]!r}")
    raise UnpackError(f"it has more than {_MOST_ENTRIES} files")


def _header(source: ByteSource) -> CpioEntry:
    head = source.exactly(_HEADER_BYTES, "a file's header")
    if head[:6] not in MAGICS:
        raise UnpackError("it has bytes where a file's header should be")
    try:
        fields = [int(head[start : start + 8], 16) for start in range(6, _HEADER_BYTES, 8)]
    except ValueError as error:
        raise UnpackError("it has a file's header that is no number") from error
    mode, size_bytes, name_bytes = fields[1], fields[6], fields[11]
    if not 0 < name_bytes <= _LONGEST_NAME:
        raise UnpackError(f"it has a file's name of {name_bytes} bytes")
    padded = name_bytes + -(_HEADER_BYTES + name_bytes) % 4
    name = source.exactly(padded, "a file's name")[: name_bytes - 1].decode("utf-8", "replace")
    return CpioEntry(name.removeprefix("./").lstrip("/"), size_bytes, mode)
