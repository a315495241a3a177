"""CRC-64/XZ of parts put together is the CRC of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from imgmove.engine.transfer.crc64 import combine, combine_all, crc64


def test_the_check_value_of_the_vendors_documents() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA == 11051210869376104954
    assert crc64(b"6789", crc64(b"12345")) == crc64(b"123456789")


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_combining_two(first: bytes, second: bytes) -> None:
    assert combine(crc64(first), crc64(second), len(second)) == crc64(first + second)


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_combining_many(pieces: list[bytes]) -> None:
    assert combine_all((crc64(piece), len(piece)) for piece in pieces) == crc64(b"".join(pieces))


def test_long_runs_need_no_long_time() -> None:
    assert combine(1, 0, 1 << 40) != 0
