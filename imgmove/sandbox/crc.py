"""CRC-64/XZ of joined pieces from the values of the pieces: arithmetic in GF(2)[x], no data read.

The polynomial is ECMA-182, reflected, with initial value and final XOR all ones: what COS and OSS both send
as `x-*-hash-crc64ecma` (tencent.md 6, alibaba.md 7.2).
"""

from __future__ import annotations

from functools import lru_cache

REFLECTED_POLYNOMIAL = 0xC96C5795D7870F42
ONE = 1 << 63
"""The polynomial 1; bit 63 is the coefficient of x^0, as in the reflected register."""


def combine(first: int, second: int, second_size_bytes: int) -> int:
    """The CRC of A+B from `first` = CRC of A, `second` = CRC of B and B's size in bytes."""
    return _multiply(_shift(second_size_bytes), first) ^ second


def combine_all(pieces: list[tuple[int, int]]) -> int:
    """The CRC of pieces laid end to end, each given as (CRC, size in bytes). Of no pieces: 0, as of no bytes."""
    total = 0
    for crc, size_bytes in pieces:
        total = combine(total, crc, size_bytes)
    return total


@lru_cache(maxsize=1024)
def _shift(size_bytes: int) -> int:
    """x^(8 * size_bytes) modulo the polynomial: what `size_bytes` zero bytes do to a register."""
    result, power = ONE, _x_to_the_eighth()
    while size_bytes:
        if size_bytes & 1:
            result = _multiply(result, power)
        power = _multiply(power, power)
        size_bytes >>= 1
    return result


def _x_to_the_eighth() -> int:
    return ONE >> 8


def _multiply(a: int, b: int) -> int:
    """The product of two polynomials modulo the CRC's."""
    product = 0
    while a:
        if a & ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFFFFFFFFFF
        b = (b >> 1) ^ (REFLECTED_POLYNOMIAL if b & 1 else 0)
    return product
