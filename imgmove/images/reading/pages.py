"""Pages of the image behind the pipe: few and large requests for what is read in sequence, small ones for the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from imgmove.images.reading.device import ReadsSpentError, clipped
from imgmove.images.reading.wire import MAX_RANGE_BYTES

PAGE_BYTES: Final = 64 << 10
#: Kept at most.
_CACHE_PAGES: Final = 1024
#: Reading in sequence doubles what is asked for each time, up to this many pages.
_MOST_AHEAD: Final = 32
#: Sequences that are followed at the same time: a file's data, the tables that say where it goes on.
_SEQUENCES: Final = 8

Fetch = Callable[[int, int], bytes]
"""`fetch(offset, length)`: exactly the bytes there."""


class Pages:
    """A device of pages, each fetched once as long as it is kept. `spent`: a read was refused for the limits' sake."""

    def __init__(self, size_bytes: int, fetch: Fetch, most_bytes: int, most_requests: int) -> None:
        self.size_bytes = size_bytes
        self.spent = False
        self._fetch = fetch
        self._left_bytes, self._left_requests = most_bytes, most_requests
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._ends: OrderedDict[int, int] = OrderedDict()
        """Where sequences would go on, and how many pages they read last."""

    def read_at(self, offset: int, length: int) -> bytes:
        length = clipped(self.size_bytes, offset, length)
        if not length:
            return b""
        page, within = divmod(offset, PAGE_BYTES)
        if within + length <= PAGE_BYTES:
            return self._page(page, 1)[within : within + length]
        last = (offset + length - 1) // PAGE_BYTES
        pieces = [self._page(number, last + 1 - number) for number in range(page, last + 1)]
        return b"".join(pieces)[within : within + length]

    def _page(self, number: int, wanted: int) -> bytes:
        found = self._kept.get(number)
        if found is not None:
            self._kept.move_to_end(number)
            return found
        self._load(number, wanted)
        return self._kept[number]

    def _load(self, number: int, wanted: int) -> None:
        """Fetch a run of pages that are not there yet, beginning with `number`; `wanted` are asked for in any case."""
        count = max(min(wanted, MAX_RANGE_BYTES // PAGE_BYTES), self._ahead(number))
        end = min(number + count, -(-self.size_bytes // PAGE_BYTES))
        end = next((other for other in range(number + 1, end) if other in self._kept), end)
        offset = number * PAGE_BYTES
        data = self._fetched(offset, min(end * PAGE_BYTES, self.size_bytes) - offset)
        for index in range(number, end):
            start = (index - number) * PAGE_BYTES
            self._keep(index, data[start : start + PAGE_BYTES])
        self._remember(end, end - number)

    def _ahead(self, number: int) -> int:
        before = self._ends.pop(number, 0)
        return min(2 * before, _MOST_AHEAD) or 1

    def _remember(self, end: int, count: int) -> None:
        while end in self._kept:  # a sequence goes on behind what is there already
            end += 1
        self._ends[end] = count
        while len(self._ends) > _SEQUENCES:
            self._ends.popitem(last=False)

    def _keep(self, number: int, page: bytes) -> None:
        self._kept[number] = page
        while len(self._kept) > _CACHE_PAGES:
            self._kept.popitem(last=False)

    def _fetched(self, offset: int, length: int) -> bytes:
        if self.spent or self._left_requests < 1 or self._left_bytes < length:
            self.spent = True
            raise ReadsSpentError
        self._left_requests -= 1
        self._left_bytes -= length
        return self._fetch(offset, length)
