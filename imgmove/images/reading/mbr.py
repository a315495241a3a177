"""The MBR's partition table: four entries, and a chain of more of them in an extended partition."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imgmove.images.guest.layout import Partition
from imgmove.images.reading.device import Device
from imgmove.images.reading.partition_types import EXTENDED, MBR_ROLES

_TABLE_AT: Final = 446
_ENTRY: Final = struct.Struct("<B3sB3sII")
_FIRST_LOGICAL: Final = 5
#: Linux knows no more; a chain that is longer goes in circles.
_MOST_LOGICAL: Final = 60
SIGNATURE: Final = b"\x55\xaa"


@dataclass(frozen=True)
class Entry:
    status: int
    type: int
    start: int
    sectors: int

    @property
    def is_used(self) -> bool:
        return bool(self.type and self.sectors)


def entries(sector: bytes) -> list[Entry]:
    """The four entries, used or not; none where the sector has no signature."""
    if sector[510:512] != SIGNATURE:
        return []
    found = [_ENTRY.unpack_from(sector, _TABLE_AT + 16 * index) for index in range(4)]
    return [Entry(status, kind, start, sectors) for status, _, kind, _, start, sectors in found]


def is_table(sector: bytes, disk_sectors: int) -> bool:
    """What stands in the four places can be entries: the boot code of a FAT or NTFS stands there as well."""
    used = [entry for entry in entries(sector) if entry.type or entry.sectors or entry.start]
    return bool(used) and all(
        entry.status in {0, 0x80} and (entry.start < disk_sectors or not entry.is_used) for entry in used
    )


class Table:
    """The partitions of a disk by its MBR. `problems` says what is wrong, in words."""

    def __init__(self, device: Device, sector_bytes: int = 512) -> None:
        self._device, self._sector_bytes = device, sector_bytes
        self.problems: list[str] = []
        sector = device.read_at(0, 512)
        self._disk_id = int.from_bytes(sector[440:444], "little")
        self.partitions = tuple(self._all(entries(sector)))

    def _all(self, primary: list[Entry]) -> Iterator[Partition]:
        for number, entry in enumerate(primary, 1):
            if entry.is_used:
                yield self._partition(number, entry, entry.start)
        extended = [entry for entry in primary if entry.is_used and entry.type in EXTENDED]
        for entry in extended[:1]:
            yield from self._logical(entry)
        if len(extended) > 1:
            self.problems.append("there are several extended partitions")

    def _logical(self, extended: Entry) -> Iterator[Partition]:
        """Each link has a partition, relative to the link, and the next link, relative to the extended partition."""
        number, at, seen = _FIRST_LOGICAL, extended.start, set[int]()
        while True:
            if at in seen or len(seen) >= _MOST_LOGICAL:
                self.problems.append("the chain of logical partitions goes in circles")
                return
            seen.add(at)
            link = entries(self._device.read_at(at * self._sector_bytes, 512))
            if not link:
                self.problems.append("the chain of logical partitions leads to a place without a table")
                return
            data = [entry for entry in link[:2] if entry.is_used and entry.type not in EXTENDED]
            for entry in data[:1]:
                yield self._partition(number, entry, at + entry.start)
                number += 1
            following = [entry for entry in link[:2] if entry.is_used and entry.type in EXTENDED]
            if not following:
                return
            at = extended.start + following[0].start

    def _partition(self, number: int, entry: Entry, start: int) -> Partition:
        return Partition(
            number=number,
            offset_bytes=start * self._sector_bytes,
            size_bytes=entry.sectors * self._sector_bytes,
            type=f"0x{entry.type:02x}",
            role=MBR_ROLES.get(entry.type, ""),
            uuid=f"{self._disk_id:08x}-{number:02x}" if self._disk_id else "",
            is_active=entry.status == 0x80,
        )
