"""Copying through a converter: the source read in order, ahead of its use; the result sent in parts as they fill.

For what cannot be cut into independent ranges: unpacking `.raw.tar.gz`, writing qcow2. Memory is bounded by the part
size; nothing is staged on disk. The conversion is deterministic, so that a resumed copy reads again and sends only the
parts that the destination does not hold. The first part, which holds the header, is sent last.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Final, Protocol

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo, StoreLimits
from imgmove.engine.transfer import wire
from imgmove.engine.transfer.crc64 import combine_all, crc64
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import corrupt, delay_or_raise, lost_upload, store_error
from imgmove.engine.transfer.object_copy import SIGNATURE_SECONDS, Copied, CopyOptions, Surroundings
from imgmove.engine.transfer.record import Comparison, CopyRecord

_READ_BYTES: Final = 4 << 20
_READ_AHEAD: Final = 4
_PART_BYTES: Final = 8 << 20
#: What parts in memory (being filled, and in flight) may take together, as far as the part size allows.
_BUFFER_BYTES: Final = 48 << 20
_TICK_SECONDS: Final = 0.2


class Converted(Protocol):
    """A converted stream. `head()` is known only after `body` was consumed; it fills the first `head_bytes`."""

    largest_bytes: int
    head_bytes: int
    body: Iterator[bytes]

    def head(self) -> bytes: ...


Convert = Callable[[Iterator[bytes], int], Converted]
"""From the source's bytes in order, and their number, to a converted stream."""


def first_part_bytes(limits: StoreLimits) -> int:
    """The part that is kept back for its header is as small as the store allows, so that it costs no memory."""
    return max(1 << 20, limits.min_part_bytes)


def stream_part_bytes(largest_bytes: int, limits: StoreLimits) -> int:
    """The size of all parts but the first: 8 MiB, or more where the largest possible result needs it."""
    least = -(-largest_bytes // (limits.max_parts - 1))
    return max(_PART_BYTES, limits.min_part_bytes, -(-least // (1 << 20)) * (1 << 20))


def copy_converted(
    source: ObjectStore,
    source_key: str,
    destination: ObjectStore,
    key: str,
    convert: Convert,
    options: CopyOptions,
    around: Surroundings,
    record: CopyRecord | None = None,
) -> Copied:
    """Copy one object through `convert`. Safe to repeat. Raises as `copy_object`, and what the converter refuses."""
    info = source.head(source_key)
    if info is None:
        raise ImgmoveError(
            Kind.NOT_FOUND, f"there is no object {source.scheme}://{source.bucket}/{source_key}", code="NoSuchKey",
            hint="check bucket and key",
        )  # fmt: skip
    return _StreamCopy(source, info, destination, key, convert, options, around).run(record)


@dataclass
class _Sending:
    number: int
    offset: int
    body: bytes
    crc: int
    tries: int = 0


class _StreamCopy:
    def __init__(
        self,
        source: ObjectStore,
        info: ObjectInfo,
        destination: ObjectStore,
        key: str,
        convert: Convert,
        options: CopyOptions,
        around: Surroundings,
    ) -> None:
        self.source, self.info = source, info
        self.destination, self.key = destination, key
        self.convert, self.options, self.around = convert, options, around
        self.name = f"{destination.scheme}://{destination.bucket}/{key}"
        self.record = CopyRecord()
        self.known: dict[int, PartInfo] = {}
        self.parts: dict[int, tuple[PartInfo, int]] = {}
        self.running: dict[Future[wire.PartDone], _Sending] = {}
        self.compared = 0
        self.sent_bytes = self.parts_sent = 0

    def run(self, record: CopyRecord | None) -> Copied:
        self._take_up(record or CopyRecord())
        try:
            is_compared = self._pass()
        finally:
            for future in self.running:
                future.cancel()
            wait(self.running)
        finished = self._finish()
        whole = combine_all((crc, part.size_bytes) for part, crc in (self.parts[n] for n in sorted(self.parts)))
        if finished.crc64 is not None and finished.crc64 != whole:
            self.destination.delete(self.key)
            raise corrupt(self.name, "the finished object differs from what was sent, and was removed again")
        comparison = Comparison(self.compared, len(self.parts), is_compared)
        if finished.crc64 is not None:
            comparison = comparison.with_(whole="ours = destination")
        return Copied(finished, comparison, self.sent_bytes, self.parts_sent)

    # ---------------------------------------------------------------------------------------- upload and parts

    def _take_up(self, record: CopyRecord) -> None:
        """The journal's upload, else an unfinished one of this key, else a new one."""
        if record.belongs_to(self.info.etag, self.info.size_bytes) and self._hold(record):
            return
        uploads = [upload for upload in self.destination.uploads(self.key) if upload.key == self.key]
        newest = max(uploads, key=lambda upload: upload.initiated, default=None)
        found = CopyRecord(newest.upload_id if newest else "", 0, self.info.etag, self.info.size_bytes)
        if newest is not None and self._hold(found):
            return
        self.record = CopyRecord(self.destination.begin(self.key), 0, self.info.etag, self.info.size_bytes)
        self.around.keep(self.record, True)

    def _hold(self, record: CopyRecord) -> bool:
        try:
            self.known = {part.number: part for part in self.destination.parts(self.key, record.upload_id)}
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return False
        self.record = record
        self.around.keep(self.record, True)
        return True

    def _is_held(self, sending: _Sending) -> PartInfo | None:
        """The part that the destination holds, if it is this one: by our CRC of then, or by its ETag, an MD5."""
        part = self.known.get(sending.number)
        if part is None or part.size_bytes != len(sending.body):
            return None
        noted = self.record.crcs.get(str(sending.number), part.crc64)
        if noted is not None:
            return part if noted == sending.crc else None
        digest = hashlib.md5(sending.body, usedforsecurity=False).hexdigest()
        return part if digest == part.etag.lower() else None

    # ------------------------------------------------------------------------------------------------ the pass

    def _pass(self) -> bool:
        """Read, convert and send everything once. True where the source's CRC-64 was compared with what was read."""
        reading = _Reading(self.source, self.info, self.options, self.around, self._check_stop)
        converted = self.convert(reading.pieces(), self.info.size_bytes)
        part_bytes = stream_part_bytes(converted.largest_bytes, self.destination.limits)
        in_flight = max(1, min(self.options.workers, _BUFFER_BYTES // part_bytes))
        kept_back = first_part_bytes(self.destination.limits) - converted.head_bytes
        front, number, offset, buffer = b"", 2, first_part_bytes(self.destination.limits), bytearray()
        for piece in converted.body:
            if len(front) < kept_back:
                taken = kept_back - len(front)
                front, piece = front + piece[:taken], piece[taken:]
            buffer += piece
            while len(buffer) >= part_bytes:
                self._send(number, offset, bytes(buffer[:part_bytes]), in_flight)
                del buffer[:part_bytes]
                number, offset = number + 1, offset + part_bytes
            self._check_stop()
        if buffer:
            self._send(number, offset, bytes(buffer), in_flight)
        self._settle_all(0)
        is_compared = reading.compare(self.name)
        self._send(1, 0, converted.head() + front, in_flight)
        self._settle_all(0)
        return is_compared

    def _check_stop(self) -> None:
        if self.around.stop.is_set():
            raise ImgmoveError(
                Kind.INTERRUPTED, f"the copy to {self.name} was stopped; {len(self.parts)} parts are there",
                code="Interrupted", hint="run it again, or `imgmove jobs resume`: no part is sent twice",
            )  # fmt: skip

    def _send(self, number: int, offset: int, body: bytes, in_flight: int) -> None:
        """Hand a part to a worker, waiting while too many are in flight; a part that is there is not sent."""
        sending = _Sending(number, offset, body, crc64(body))
        held = self._is_held(sending)
        if held is not None:
            self.parts[number] = (held, sending.crc)
            return
        self._settle_all(in_flight - 1)
        self._submit(sending)

    def _submit(self, sending: _Sending) -> None:
        write = self.destination.sign_put_part(
            self.key, self.record.upload_id, sending.number, len(sending.body), SIGNATURE_SECONDS
        )
        limit = self.options.bandwidth.limit(self.around.now())
        task = wire.PartTask(
            sending.number, sending.offset, len(sending.body), write, write, timeout_seconds=self.options.timeout_seconds,
            bytes_per_second=limit,
        )  # fmt: skip
        self.running[self.around.executor.submit(wire.send_part, task, sending.body)] = sending

    def _settle_all(self, most: int) -> None:
        """Wait until at most `most` parts are in flight."""
        while len(self.running) > most:
            self._check_stop()
            done, _ = wait(self.running, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                self._settle(future, self.running.pop(future))

    def _settle(self, future: Future[wire.PartDone], sending: _Sending) -> None:
        try:
            done = future.result()
        except PartFault as fault:
            self._again(sending, store_error(fault, self.source, self.info.key, self.destination))
            return
        theirs = self.destination.crc64_of(done.write_headers)
        if theirs is not None and theirs != sending.crc:
            self._again(
                sending, corrupt(self.name, f"part {sending.number} arrived with another CRC-64 than it was sent with")
            )
            return
        self.compared += theirs is not None
        self.sent_bytes += len(sending.body)
        self.parts_sent += 1
        etag = done.write_headers.get("etag", "").strip('"')
        self.parts[sending.number] = (PartInfo(sending.number, len(sending.body), etag, theirs), sending.crc)
        self.record.crcs[str(sending.number)] = sending.crc
        self.around.keep(self.record, False)

    def _again(self, sending: _Sending, error: ImgmoveError) -> None:
        sending.tries += 1
        seconds = delay_or_raise(error, sending.tries, self.around.chance)
        self.around.note(f"part {sending.number} again in {seconds:.1f} s: {error}")
        self.around.stop.wait(seconds)
        self._check_stop()
        self._submit(sending)

    def _finish(self) -> ObjectInfo:
        """Complete the upload; where the answer is lost, look whether it took effect."""
        parts = [self.parts[number][0] for number in sorted(self.parts)]
        size = sum(part.size_bytes for part in parts)
        try:
            return self.destination.finish(self.key, self.record.upload_id, parts)
        except ImgmoveError as error:
            if not (error.maybe_applied or error.kind is Kind.NOT_FOUND):
                raise
            found = self.destination.head(self.key)
            if found is not None and found.size_bytes == size:
                return found
            if error.kind is Kind.NOT_FOUND:
                raise lost_upload(self.name) from error
            return self.destination.finish(self.key, self.record.upload_id, parts)


class _Reading:
    """The source's bytes in order, fetched ahead by workers, with their CRC."""

    def __init__(
        self,
        source: ObjectStore,
        info: ObjectInfo,
        options: CopyOptions,
        around: Surroundings,
        check_stop: Callable[[], None],
    ) -> None:
        self._source, self._info = source, info
        self._options, self._around = options, around
        self._check_stop = check_stop
        self._crc = 0
        self._read_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        size = self._info.size_bytes
        waiting = deque((offset, min(_READ_BYTES, size - offset)) for offset in range(0, size, _READ_BYTES))
        ahead: deque[tuple[tuple[int, int], Future[bytes]]] = deque()
        try:
            while waiting or ahead:
                while waiting and len(ahead) < _READ_AHEAD:
                    extent = waiting.popleft()
                    ahead.append((extent, self._fetch(extent)))
                extent, future = ahead.popleft()
                piece = self._result(extent, future)
                self._crc = crc64(piece, self._crc)
                self._read_bytes += len(piece)
                self._around.moved(self._read_bytes, size)
                yield piece
        finally:
            for _, future in ahead:
                future.cancel()

    def _fetch(self, extent: tuple[int, int]) -> Future[bytes]:
        offset, length = extent
        read = self._source.sign_read(self._info.key, offset, length, self._info.etag, SIGNATURE_SECONDS)
        task = wire.PartTask(
            0, offset, length, read, None, self._info.etag, self._options.timeout_seconds, compute_crc=False
        )
        return self._around.executor.submit(wire.fetch_part, task)

    def _result(self, extent: tuple[int, int], future: Future[bytes]) -> bytes:
        """The bytes of a range, fetched again as often as makes sense."""
        tries = 0
        while True:
            self._check_stop()
            try:
                return future.result()
            except PartFault as fault:
                tries += 1
                error = store_error(fault, self._source, self._info.key, self._source)
                seconds = delay_or_raise(error, tries, self._around.chance)
            self._around.note(f"reading at {extent[0]} again in {seconds:.1f} s: {error}")
            self._around.stop.wait(seconds)
            future = self._fetch(extent)

    def compare(self, name: str) -> bool:
        """What was read against the source's own CRC-64; CORRUPT where they differ, False where there is none."""
        if self._info.crc64 is None or self._read_bytes != self._info.size_bytes:
            return False
        if self._crc != self._info.crc64:
            raise corrupt(name, "what was read has another CRC-64 than the source reports")
        return True
