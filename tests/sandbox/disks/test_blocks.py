"""Extents cut to blocks: whatever their shape, the same bytes come out, and no block of zeros."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.disks.blocks import blocks_with_data
from imgmove.sandbox.disks.model import Extent

BLOCK = 8
contents = st.lists(st.tuples(st.sampled_from([b"\0", b"x"]), st.integers(1, 20)), max_size=12).map(
    lambda runs: b"".join(byte * length for byte, length in runs)
)


@given(content=contents, cuts=st.sets(st.integers(0, 200), max_size=8), as_holes=st.booleans())
def test_blocks(content: bytes, cuts: set[int], as_holes: bool) -> None:
    ends = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    extents = []
    for start, end in pairwise(ends):
        data = content[start:end]
        extents.append(Extent(start, end - start, None if as_holes and not any(data) else data))
    rebuilt, last_end = bytearray(len(content) + BLOCK), 0
    for offset, block in blocks_with_data(extents, BLOCK):
        assert offset % BLOCK == len(block) % BLOCK == 0
        assert offset >= last_end
        assert all(any(block[start : start + BLOCK]) for start in range(0, len(block), BLOCK))
        rebuilt[offset : offset + len(block)] = block
        last_end = offset + len(block)
    assert bytes(rebuilt[: len(content)]) == content
    assert not any(rebuilt[len(content) :])
