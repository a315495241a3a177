"""CRC-64/XZ, the checksum that COS and OSS both report: of bytes as they pass, and of parts put together.

Parameters (tencent.md 6, alibaba.md 7.2): ECMA-182 polynomial, reflected, initial value and final XOR all ones; the
CRC of `123456789` is 0x995DC9BBDF1939FA.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_POLYNOMIAL: Final = 0xC96C5795D7870F42  # ECMA-182, bits reflected
_ONE: Final = 1 << 63  # the polynomial 1 in reflected order


def crc64(data: bytes | bytearray | memoryview, value: int = 0) -> int:
    """The CRC of what `value` is the CRC of, followed by `data`."""
    from fastcrc import crc64 as fast

    result: int = fast.xz(data, value)
    return result


def combine(first: int, second: int, second_length: int) -> int:
    """The CRC of two runs of bytes put together, from the CRC of each and the length of the second in bytes."""
    return _multiply(_shift(second_length), first) ^ second


def combine_all(parts: Iterable[tuple[int, int]]) -> int:
    """The CRC of runs put together in order, each given as (CRC, length in bytes); 0 for none."""
    total = 0
    for value, length in parts:
        total = combine(total, value, length)
    return total


@lru_cache(maxsize=64)
def _shift(length: int) -> int:
    """x to the power of 8 * length, modulo the polynomial. Parts have few lengths: the cache makes combining cheap."""
    result, power, bits = _ONE, _ONE >> 1, length * 8
    while bits:
        if bits & 1:
            result = _multiply(power, result)
        power = _multiply(power, power)
        bits >>= 1
    return result


def _multiply(a: int, b: int) -> int:
    """The product of two polynomials modulo the polynomial, in reflected order."""
    product, mask = 0, _ONE
    while a:
        if a & mask:
            product ^= b
            a ^= mask
        mask >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product
