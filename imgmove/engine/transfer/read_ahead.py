"""An object's bytes in order, fetched ahead of their use by workers, with their CRC-64."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from imgmove.core.errors import ImgmoveError
from imgmove.core.ports import ObjectInfo, ObjectStore
from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import corrupt, name_of, store_error
from imgmove.engine.transfer.part_task import PartTask
from imgmove.engine.transfer.surroundings import SIGNATURE_SECONDS, CopyOptions, Surroundings
from imgmove.engine.transfer.wire import fetch_part

_PIECE_BYTES: Final = 4 << 20
_AHEAD: Final = 4
MISREAD: Final = "SourceMisread"

Extent = tuple[int, int]
"""Offset and length in bytes."""


class ReadAhead:
    """Reads one object once."""

    def __init__(self, source: ObjectStore, info: ObjectInfo, options: CopyOptions, around: Surroundings) -> None:
        self._source, self._info = source, info
        self._options, self._around = options, around
        self._name = name_of(source, info.key)
        self._crc = 0
        self._read_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in order. Raises as a copy does: what cannot be read, INTERRUPTED, TIMEOUT."""
        size = self._info.size_bytes
        waiting = iter((offset, min(_PIECE_BYTES, size - offset)) for offset in range(0, size, _PIECE_BYTES))
        ahead: deque[tuple[Extent, Future[bytes] | ImgmoveError]] = deque()
        try:
            while True:
                for extent in waiting:
                    ahead.append((extent, self._fetch(extent)))
                    if len(ahead) == _AHEAD:
                        break
                if not ahead:
                    return
                extent, future = ahead.popleft()
                piece = self._result(extent, future)
                self._crc = crc64(piece, self._crc)
                self._read_bytes += len(piece)
                self._around.moved(self._read_bytes, size)
                yield piece
        finally:
            for _, future in ahead:
                if isinstance(future, Future):
                    future.cancel()

    def compare(self) -> bool:
        """Does what was read have the CRC-64 that the store reports? False where it reports none; CORRUPT where not."""
        if self._info.crc64 is None or self._read_bytes != self._info.size_bytes:
            return False
        if self._crc != self._info.crc64:
            raise corrupt(self._name, "what was read has another CRC-64 than the store reports", MISREAD)
        return True

    def _fetch(self, extent: Extent) -> Future[bytes] | ImgmoveError:
        """A fetch under way, signed anew; or why it could not begin."""
        offset, length = extent
        try:
            read = self._source.sign_read(self._info.key, offset, length, self._info.etag, SIGNATURE_SECONDS)
        except ImgmoveError as error:
            return error
        limit = self._options.bandwidth.limit(self._around.local_time())
        task = PartTask(
            0, offset, length, read, None, self._info.etag, self._info.size_bytes, self._options.timeout_seconds,
            max(1, limit // _AHEAD) if limit else 0, compute_crc=False,
        )  # fmt: skip
        return self._around.executor.submit(fetch_part, task)

    def _result(self, extent: Extent, future: Future[bytes] | ImgmoveError) -> bytes:
        """The bytes of a range, fetched again as often as makes sense."""
        tries = 0
        while True:
            self._around.check(f"reading {self._name}")
            try:
                if isinstance(future, ImgmoveError):
                    raise future
                return future.result()
            except PartFault as fault:
                error = store_error(fault, self._source, self._info.key, self._source)
            except ImgmoveError as refusal:
                error = refusal
            tries += 1
            self._around.pause(error, tries, f"reading at {extent[0]}")
            future = self._fetch(extent)
