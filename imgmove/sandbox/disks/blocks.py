"""From extents of any shape to whole, aligned blocks that hold something else than zeros."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imgmove.sandbox.disks.model import Extent, is_zero

Block = tuple[int, memoryview]


def blocks_with_data(extents: Iterable[Extent], block_bytes: int) -> Iterator[Block]:
    """(offset, data) in ascending order; offset and length are multiples of `block_bytes` (CHUNK_BYTES at most), the
    last block is filled up with zeros. Neighbouring blocks come together where they lie together in memory. The
    data is valid until the next one is asked for."""
    partial = _PartialBlock(block_bytes)
    for extent in extents:
        if extent.data is None:
            continue
        offset, data = extent.offset, memoryview(extent.data)
        while data:
            inside = offset % block_bytes
            whole = 0 if inside else len(data) - len(data) % block_bytes
            if whole:
                yield from partial.taken()
                yield from _runs_with_data(offset, data[:whole], block_bytes)
            else:
                if partial.offset != offset - inside:
                    yield from partial.taken()
                whole = partial.add(offset, data)
            offset, data = offset + whole, data[whole:]
    yield from partial.taken()


def _runs_with_data(offset: int, data: memoryview, block_bytes: int) -> Iterator[Block]:
    start: int | None = None
    for position in range(0, len(data), block_bytes):
        zero = is_zero(data[position : position + block_bytes])
        if zero and start is not None:
            yield offset + start, data[start:position]
            start = None
        elif not zero and start is None:
            start = position
    if start is not None:
        yield offset + start, data[start:]


class _PartialBlock:
    """The block that several extents fill."""

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._data = bytearray()
        self.offset = -1

    def add(self, offset: int, data: memoryview) -> int:
        """Takes what belongs to the block of `offset`, and says how many bytes that were."""
        inside = offset % self._block_bytes
        taken = min(self._block_bytes - inside, len(data))
        if not self._data:
            self.offset, self._data = offset - inside, bytearray(self._block_bytes)
        self._data[inside : inside + taken] = data[:taken]
        return taken

    def taken(self) -> Iterator[Block]:
        """The block, if there is one and it holds data; forgets it."""
        data, offset = memoryview(self._data), self.offset
        self._data, self.offset = bytearray(), -1
        if data and not is_zero(data):
            yield offset, data
