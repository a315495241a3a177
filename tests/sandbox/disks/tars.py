"""Tar archives built byte by byte, so that the tests can say things that no archiver writes."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

BLOCK = 512


def header(
    name: bytes = b"disk.raw", size: int = 0, kind: bytes = b"0", *, raw_size: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A header in GNU's dialect; `extra` is what stands from byte 345 on."""
    size_field = b"%011o\0" % size if raw_size is None else raw_size
    block = bytearray(BLOCK)
    block[:100] = name.ljust(100, b"\0")
    block[100:124] = b"0000644\0" + b"0000000\0" + b"0000000\0"
    block[124:136] = size_field
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar  \0"
    block[345 : 345 + len(extra)] = extra
    return with_checksum(block)


def with_checksum(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def pax(records: Iterable[tuple[str, str]]) -> bytes:
    """A PAX header with these records."""
    data = b"".join(pax_record(key, value) for key, value in records)
    return header(b"PaxHeaders/disk.raw", len(data), b"x") + filled(data)


def pax_record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def archive(path: Path, *pieces: bytes, end: bytes = bytes(2 * BLOCK)) -> Path:
    """A .tar.gz of these pieces."""
    path.write_bytes(gzip.compress(b"".join(pieces) + end, 1, mtime=0))
    return path
