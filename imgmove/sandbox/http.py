"""What passes between the HTTP server and the wires: requests with received bodies, responses, the Wire protocol."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_plus

import multidict
from fastcrc import crc64

Headers = multidict.CIMultiDictProxy[str]

SERVICES = ("cvm", "ecm", "cam", "tencent_sts", "cos", "ecs", "ram", "alibaba_sts", "oss")
"""The nine services, in the order in which ports are given out. Their names in `Request.service` and in faults."""

HASH_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Body:
    """A request body that has been received whole.

    Small bodies are in memory, larger ones in the file `path`, which a handler may rename away to keep it;
    the server removes the file afterwards if it is still there. `md5` and `crc64` (CRC-64/XZ) were computed
    while receiving; `sha256_hex` is computed when first asked for, so ask before moving the file away.
    """

    size_bytes: int
    md5: bytes
    crc64: int
    content: bytes = b""
    path: Path | None = None

    @classmethod
    def of(cls, content: bytes) -> Body:
        """A body in memory, its checksums computed."""
        return cls(len(content), hashlib.md5(content).digest(), crc64.xz(content), content)

    def read(self) -> bytes:
        """The whole body. Meant for documents (JSON, XML, forms), not for objects."""
        return self.content if self.path is None else self.path.read_bytes()

    @cached_property
    def sha256_hex(self) -> str:
        """SHA-256 in lower-case hexadecimal. Computed on first use; the file must still be where it was."""
        if self.path is None:
            return hashlib.sha256(self.content).hexdigest()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Request:
    """One HTTP request as it was sent: path and query are not decoded, since signatures cover the raw form."""

    service: str
    method: str
    raw_path: str
    raw_query: str
    headers: Headers
    body: Body
    received_at: float
    """`Clock.wall()` when the request's head had arrived, Unix seconds."""

    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters in the order sent; `?uploads` gives `("uploads", "")`."""
        pieces = (piece.partition("=") for piece in self.raw_query.split("&") if piece)
        return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pieces]


@dataclass(frozen=True)
class FileSlice:
    """`length` bytes of a file from `offset` on, sent without reading them into memory."""

    path: Path
    offset: int
    length: int


@dataclass
class Response:
    """A wire's answer. The server adds Content-Length (and drops the body for HEAD, keeping that length)."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | FileSlice = b""

    @property
    def length(self) -> int:
        """Size of the body in bytes."""
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)


class Wire(Protocol):
    """One service's protocol over the world. Constructed with `(world, clock)`; called from worker threads."""

    max_body_bytes: int
    """Larger bodies are refused by `too_large` without being received."""

    def describe(self, request: Request) -> str:
        """The action's name for faults and the log: "ExportImages", "PutObject", "UploadPart". Never raises."""

    def handle(self, request: Request) -> Response:
        """Carries the request out and answers. Takes `world.lock` itself around access to the world."""

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        """An error answer in the vendor's shape; `status` None takes the vendor's usual one for the code."""

    def throttle(self, request: Request) -> Response:
        """The vendor's own answer to too many requests."""

    def too_large(self, request: Request) -> Response:
        """The vendor's own answer to a body that is too large for any of its operations."""
