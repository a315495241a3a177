"""`--bandwidth`: a limit, or a timetable of limits over the day (`08:00,10MiB 19:00,off`)."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imgmove.core.errors import usage_error
from imgmove.core.units import parse_rate

_ENTRY: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d),(\S+)")


@dataclass(frozen=True)
class Timetable:
    """Limits in bytes per second by minute of the local day; 0 is no limit."""

    entries: tuple[tuple[int, int], ...] = ((0, 0),)

    def limit(self, at: datetime) -> int:
        """The limit that holds at that local time; before the first entry of the day the last one of it holds."""
        minute = at.hour * 60 + at.minute
        return self.entries[bisect_right(self.entries, (minute, 1 << 62)) - 1][1]


def parse_bandwidth(text: str) -> Timetable:
    """`50MiB`, `off`, or entries `HH:MM,RATE` separated by blanks; a usage error for anything else."""
    if "," not in text:
        return Timetable(((0, parse_rate(text)),))
    entries = {}
    for word in text.split():
        match = _ENTRY.fullmatch(word)
        if match is None:
            raise usage_error(f"{word!r} is no entry of a timetable", "write it like '08:00,10MiB 19:00,off'")
        entries[int(match.group(1)) * 60 + int(match.group(2))] = parse_rate(match.group(3))
    return Timetable(tuple(sorted(entries.items())))
