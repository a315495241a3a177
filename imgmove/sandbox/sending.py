"""Sending answers: small ones in one write, slices of files without reading them into memory, or spoilt on request."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from email.utils import formatdate
from typing import BinaryIO

import multidict
from aiohttp import web

from imgmove.sandbox.faults import Effect
from imgmove.sandbox.http import FileSlice, Response

ONE_WRITE_BYTES = 256 << 10
"""Bodies up to this size go out with their head in one write: two writes cost 44 ms a call (alibaba.md 5.5)."""
SERVER_NAME = "imgmove-sandbox"


@dataclass(frozen=True)
class OpenSlice:
    """A slice of an open file: its bytes are safe from a concurrent delete or overwrite."""

    file: BinaryIO
    offset: int
    length: int

    def part(self, start: int, end: int) -> OpenSlice:
        """The bytes from `start` to `end` of this slice."""
        return OpenSlice(self.file, self.offset + start, end - start)

    def read(self) -> bytes:
        """All its bytes."""
        return os.pread(self.file.fileno(), self.length, self.offset)


@dataclass
class Outgoing:
    """An answer that is ready to be sent."""

    status: int
    headers: multidict.CIMultiDict[str]
    body: bytes | OpenSlice

    @classmethod
    def of(cls, response: Response) -> Outgoing:
        """Opens the file, or reads it if it is small. Raises FileNotFoundError."""
        return cls(response.status, multidict.CIMultiDict(response.headers), _opened(response.body))

    @property
    def length(self) -> int:
        """Size of the body in bytes."""
        return self.body.length if isinstance(self.body, OpenSlice) else len(self.body)

    def close(self) -> None:
        """Closes the file. Safe to repeat."""
        if isinstance(self.body, OpenSlice):
            self.body.file.close()


def _opened(body: bytes | FileSlice) -> bytes | OpenSlice:
    if isinstance(body, bytes):
        return body
    opened = OpenSlice(body.path.open("rb"), body.offset, body.length)
    if body.length > ONE_WRITE_BYTES:
        return opened
    with opened.file:
        return opened.read()


async def send(http: web.BaseRequest, outgoing: Outgoing, wall: float, spoil: Effect | None) -> web.StreamResponse:
    """Sends the answer, its Date being `wall`; `spoil` CUT_BODY or CORRUPT_BODY damages the body on the way.

    A cut body has its full Content-Length announced, and the connection is closed halfway.
    """
    headers = _headers(http, outgoing, wall)
    if http.method == "HEAD":
        return web.Response(status=outgoing.status, headers=headers)
    if spoil is None and isinstance(outgoing.body, bytes):
        return web.Response(status=outgoing.status, headers=headers, body=outgoing.body)
    stream = web.StreamResponse(status=outgoing.status, headers=headers)
    await stream.prepare(http)
    for piece in _pieces(outgoing, spoil):
        await _send_piece(http, stream, piece)
    if spoil is Effect.CUT_BODY:
        break_connection(http, abruptly=False)
    else:
        await stream.write_eof()
    return stream


def break_connection(http: web.BaseRequest, *, abruptly: bool) -> web.StreamResponse:
    """Closes the connection, at once or after what was written has gone out; gives aiohttp something to return."""
    if http.transport is not None and abruptly:
        http.transport.abort()
    elif http.transport is not None:
        http.transport.close()
    return web.Response()


def _headers(http: web.BaseRequest, outgoing: Outgoing, wall: float) -> multidict.CIMultiDict[str]:
    headers = outgoing.headers.copy()
    headers.setdefault("Date", formatdate(wall, usegmt=True))
    headers.setdefault("Server", SERVER_NAME)
    if http.method != "HEAD" or "Content-Length" not in headers:
        headers["Content-Length"] = str(outgoing.length)
    return headers


def _pieces(outgoing: Outgoing, spoil: Effect | None) -> list[bytes | OpenSlice]:
    """The body in the pieces to send; it is cut before, or spoilt at, the byte in the middle."""
    body, middle, end = outgoing.body, outgoing.length // 2, outgoing.length
    if spoil is Effect.CUT_BODY:
        return [_part(body, 0, middle)]
    if spoil is Effect.CORRUPT_BODY and end:
        chosen = _part(body, middle, middle + 1)
        byte = chosen.read() if isinstance(chosen, OpenSlice) else chosen
        return [_part(body, 0, middle), bytes([byte[0] ^ 0x01]), _part(body, middle + 1, end)]
    return [body]


def _part(body: bytes | OpenSlice, start: int, end: int) -> bytes | OpenSlice:
    return body.part(start, end) if isinstance(body, OpenSlice) else body[start:end]


async def _send_piece(http: web.BaseRequest, stream: web.StreamResponse, piece: bytes | OpenSlice) -> None:
    if isinstance(piece, bytes):
        if piece:
            await stream.write(piece)
        return
    if http.transport is None or http.transport.is_closing():
        raise ConnectionResetError("the client has gone")
    if piece.length:
        loop = asyncio.get_running_loop()
        await loop.sendfile(http.transport, piece.file, piece.offset, piece.length)
