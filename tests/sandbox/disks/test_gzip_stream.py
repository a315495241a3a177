"""Zeros that are packed by arithmetic, checked against zlib."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.sandbox.disks.gzip_stream import GzipWriter, crc32_with_zeros


@given(data=st.binary(max_size=100), zeros=st.integers(0, 100_000))
def test_crc32_with_zeros(data: bytes, zeros: int) -> None:
    assert crc32_with_zeros(zlib.crc32(data), zeros) == zlib.crc32(data + bytes(zeros))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.one_of(st.binary(max_size=50), st.integers(0, 6 << 20)), max_size=5))
def test_gzip_unpacks_it(tmp_path: Path, pieces: list[bytes | int]) -> None:
    path = tmp_path / "packed"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    writer = GzipWriter(descriptor)
    for piece in pieces:
        if isinstance(piece, int):
            writer.write_zeros(piece)
        else:
            writer.write(piece)
    writer.finish()
    os.close(descriptor)
    expected = b"".join(bytes(piece) if isinstance(piece, int) else piece for piece in pieces)
    assert gzip.decompress(path.read_bytes()) == expected
