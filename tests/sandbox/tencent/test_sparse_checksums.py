"""The reckoned CRC-64 of a sparse file is the one that reading it gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox.world.blobs import Checksums
from imgmove.sandbox.world.sparse_checksums import SHORT_HOLE_BYTES, checksums_of_parts

PIECES = st.lists(st.tuples(st.integers(0, 5 * SHORT_HOLE_BYTES // 2), st.binary(max_size=5000)), max_size=4)


@given(PIECES)
def test_the_crc_is_the_same(tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]]) -> None:
    path = tmp_path_factory.getbasetemp() / "sparse"
    with path.open("wb") as file:
        for hole, data in pieces:
            file.seek(hole, 1)
            file.write(data)
        file.truncate()
    assert checksums_of_parts(path).crc64 == Checksums.of(path).crc64
