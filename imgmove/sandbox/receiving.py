"""Receiving request bodies: small ones into memory, larger ones into a file, hashed on the way by worker threads."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import BinaryIO

from fastcrc import crc64

from imgmove.sandbox.http import Body

MEMORY_LIMIT_BYTES = 1 << 20
"""Bodies above this go to a file."""
BLOCK_BYTES = 1 << 20
"""What is collected before a worker thread hashes and writes it."""

ReadChunk = Callable[[], Awaitable[bytes]]
"""Gives what has arrived; b"" at the end of the body."""


class BodyCutError(Exception):
    """A fault asked for the connection to break at this point of the body."""


class BodyTooLargeError(Exception):
    """More has arrived, or is announced, than the service takes."""


class BodySink:
    """Takes a body in pieces and makes a `Body` of it. `feed` calls come one after another, from any thread."""

    def __init__(self, directory: Path, *, flip_at: int | None = None) -> None:
        self._directory = directory
        self._flip_at = flip_at
        self._md5 = hashlib.md5()
        self._crc64 = 0
        self._size_bytes = 0
        self._memory = bytearray()
        self._path: Path | None = None
        self._file: BinaryIO | None = None

    def feed(self, block: bytes | bytearray) -> None:
        """Takes the next bytes. Raises OSError when they can't be stored."""
        block = self._damaged(block)
        self._size_bytes += len(block)
        self._md5.update(block)
        self._crc64 = crc64.xz(block, self._crc64)
        if self._file is None and self._size_bytes <= MEMORY_LIMIT_BYTES:
            self._memory += block
            return
        if self._file is None:
            self._file = self._open()
        self._file.write(block)

    def finish(self) -> Body:
        """The body. Nothing may be fed any more."""
        if self._file is not None:
            self._file.close()
        return Body(
            size_bytes=self._size_bytes,
            md5=self._md5.digest(),
            crc64=self._crc64,
            content=b"" if self._path else bytes(self._memory),
            path=self._path,
        )

    def discard(self) -> None:
        """Removes the file, if there is one and nobody has taken it. Safe to repeat."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        self._path = self._directory / f"body-{secrets.token_hex(8)}"
        file = self._path.open("xb")  # blocks are larger than its buffer and pass it by
        file.write(self._memory)
        self._memory.clear()
        return file

    def _damaged(self, block: bytes | bytearray) -> bytes | bytearray:
        """The block, with the byte flipped that a fault wants flipped."""
        if self._flip_at is None or not 0 <= self._flip_at - self._size_bytes < len(block):
            return block
        damaged = bytearray(block)
        damaged[self._flip_at - self._size_bytes] ^= 0x01
        return damaged


async def receive(
    read: ReadChunk, sink: BodySink, executor: Executor, *, limit_bytes: int, cut_at: int | None = None
) -> None:
    """Feeds the sink until the body ends: while a worker thread hashes one block, the next is being received.

    Raises BodyCutError once `cut_at` bytes have arrived, BodyTooLargeError once more than `limit_bytes` have.
    """
    loop = asyncio.get_running_loop()
    received = 0
    hashing: asyncio.Future[None] | None = None
    try:
        while True:
            block, ended = await _block(read)
            received += len(block)
            if cut_at is not None and received >= cut_at:
                raise BodyCutError
            if received > limit_bytes:
                raise BodyTooLargeError
            if hashing is not None:
                await hashing
                hashing = None
            if ended and received == len(block):
                sink.feed(block)  # a small body: not worth a thread
                return
            hashing = loop.run_in_executor(executor, sink.feed, block)
            if ended:
                return
    finally:
        if hashing is not None:
            await hashing


async def _block(read: ReadChunk) -> tuple[bytearray, bool]:
    """The next BLOCK_BYTES or more, fewer at the end; and whether this was the end."""
    block = bytearray()
    while len(block) < BLOCK_BYTES:
        chunk = await read()
        if not chunk:
            return block, True
        block += chunk
    return block, False
