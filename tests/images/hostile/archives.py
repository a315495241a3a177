"""Tar archives, a header at a time, and the gzip around them."""

from __future__ import annotations

import gzip

BLOCK = 512
END = bytes(2 * BLOCK)


def number(value: int, width: int = 12) -> bytes:
    """Octal, or base 256 where it is too large for that."""
    if value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return (1 << (8 * width - 1) | value).to_bytes(width, "big")


def header(
    name: bytes = b"disk.raw",
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    checksum: int | None = None,
    sparse: bytes = b"",
    link: bytes = b"",
    folder: bytes = b"",
) -> bytes:
    """One block; `size` may be the raw field, `sparse` what stands from 386 on (old GNU maps)."""
    data = bytearray(BLOCK)
    data[: len(name)] = name
    data[100:124] = b"0000644\x000000000\x000000000\x00"
    data[124:136] = size if isinstance(size, bytes) else number(size)
    data[136:148] = number(0)
    data[156:157] = kind
    data[157 : 157 + len(link)] = link
    data[257:265] = b"ustar  \0" if sparse else b"ustar\x0000"
    data[386 : 386 + len(sparse)] = sparse
    data[345 : 345 + len(folder)] = folder
    data[148:156] = b" " * 8
    total = sum(data) if checksum is None else checksum
    data[148:156] = b"%06o\0 " % total
    return bytes(data)


def padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def member(data: bytes, name: bytes = b"disk.raw", kind: bytes = b"0") -> bytes:
    return header(name, len(data), kind) + padded(data)


def pax(records: dict[str, str] | bytes, kind: bytes = b"x") -> bytes:
    body = records if isinstance(records, bytes) else b"".join(record(key, value) for key, value in records.items())
    return member(body, b"pax", kind)


def record(key: str, value: str) -> bytes:
    text = f" {key}={value}\n".encode()
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length += 1
    return str(length).encode() + text


def packed(*parts: bytes, level: int = 6) -> bytes:
    return gzip.compress(b"".join(parts), level, mtime=0)
