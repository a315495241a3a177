"""Copying through a converter: the source read in order, ahead of its use; the result sent in parts as they fill.

For what cannot be cut into independent ranges: unpacking `.raw.tar.gz`, writing qcow2. Memory is bounded by the part
size; nothing is staged on disk. The conversion is deterministic, so that a resumed copy reads again and sends only the
parts that the destination does not hold. The first part, which holds the header, is sent last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo, StoreLimits
from imgmove.engine.transfer.completion import complete, remove_wrong
from imgmove.engine.transfer.crc64 import combine_all, crc64
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import corrupt, lost_upload, name_of, store_error
from imgmove.engine.transfer.mover import Mover
from imgmove.engine.transfer.part_task import PartDone, PartTask
from imgmove.engine.transfer.read_ahead import ReadAhead
from imgmove.engine.transfer.record import Comparison, CopyRecord
from imgmove.engine.transfer.surroundings import SIGNATURE_SECONDS, Copied, CopyOptions, Surroundings
from imgmove.engine.transfer.taking_up import begin_upload, held_parts, look_at_both, open_uploads
from imgmove.engine.transfer.window import Window
from imgmove.engine.transfer.wire import send_part

_PART_BYTES: Final = 8 << 20
#: What parts in flight may take together in memory, as far as the part size allows.
_IN_FLIGHT_BYTES: Final = 32 << 20
_DIFFERS: Final = "the finished object differs from what was sent, and was removed again"


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
    info, before = look_at_both(source, source_key, destination, key, around)
    return _StreamCopy(source, info, destination, key, before, convert, options, around).run(record)


@dataclass(frozen=True)
class _Full:
    """A part of the result, full."""

    number: int
    offset: int
    body: bytes | bytearray
    crc: int


class _StreamCopy:
    """One copy under way. `known` is what the destination may hold already; `parts` is what it holds for sure."""

    def __init__(
        self,
        source: ObjectStore,
        info: ObjectInfo,
        destination: ObjectStore,
        key: str,
        before: ObjectInfo | None,
        convert: Convert,
        options: CopyOptions,
        around: Surroundings,
    ) -> None:
        self.source, self.info = source, info
        self.destination, self.key, self.before = destination, key, before
        self.convert, self.options, self.around = convert, options, around
        self.name = name_of(destination, key)
        self.record = CopyRecord()
        self.known: dict[int, PartInfo] = {}
        self.parts: dict[int, tuple[PartInfo, int]] = {}
        self.compared = self.sent_bytes = self.parts_sent = self.parts_reused = 0

    def run(self, record: CopyRecord | None) -> Copied:
        self._take_up(record or CopyRecord())
        copied = self._attempt()
        if copied is None and self.parts_reused:
            self.around.note(f"{self.name}: parts of an earlier run are not of this source: sending everything anew")
            self._begin()
            copied = self._attempt()
        if copied is None:
            raise corrupt(self.name, _DIFFERS)
        return copied

    def _attempt(self) -> Copied | None:
        """Convert, send and finish; None where the finished object was wrong and is removed."""
        is_compared = self._convert()
        parts = [self.parts[number] for number in sorted(self.parts)]
        whole = combine_all((crc, part.size_bytes) for part, crc in parts)
        size = sum(part.size_bytes for part, _ in parts)
        finished = complete(
            self.destination, self.key, self.record.upload_id, [part for part, _ in parts],
            lambda found: self._is_it(found, size, whole), self.around,
        )  # fmt: skip
        if finished.size_bytes != size or finished.crc64 not in {None, whole}:
            remove_wrong(self.destination, self.key, self.around)
            return None
        comparison = Comparison(self.compared, len(parts), is_compared)
        if finished.crc64 is not None:
            comparison = comparison.with_(whole="ours = destination")
        return Copied(finished, comparison, self.sent_bytes, self.parts_sent)

    def _is_it(self, found: ObjectInfo, size_bytes: int, crc: int) -> bool:
        if found.size_bytes != size_bytes:
            return False
        if found.crc64 is not None:
            return found.crc64 == crc
        return self.before is None or self.before.etag != found.etag

    # ---------------------------------------------------------------------------------------- upload and parts

    def _take_up(self, record: CopyRecord) -> None:
        """The journal's upload, else the newest unfinished one of this key, else a new one."""
        if record.belongs_to(self.info.etag, self.info.size_bytes) and self._hold(record):
            return
        uploads = open_uploads(self.destination, self.key, self.around)
        newest = max(uploads, key=lambda upload: upload.initiated, default=None)
        found = CopyRecord(newest.upload_id if newest else "", 0, self.info.etag, self.info.size_bytes)
        if newest is None or not self._hold(found):
            self._begin({upload.upload_id for upload in uploads})

    def _hold(self, record: CopyRecord) -> bool:
        parts = held_parts(self.destination, self.key, record.upload_id, self.around)
        if parts is None:
            return False
        self.known, self.record = {part.number: part for part in parts}, record
        self.around.keep(self.record, True)
        return True

    def _begin(self, known: set[str] | None = None) -> None:
        upload_id = begin_upload(self.destination, self.key, known or set(), self.around)
        self.known, self.parts = {}, {}
        self.record = CopyRecord(upload_id, 0, self.info.etag, self.info.size_bytes)
        self.around.keep(self.record, True)

    def _held(self, part: _Full) -> PartInfo | None:
        """The part that the destination holds, if it is this one: by our CRC of then, or by its ETag, an MD5."""
        there = self.known.get(part.number)
        if there is None or there.size_bytes != len(part.body):
            return None
        noted = self.record.crcs.get(str(part.number), there.crc64)
        if noted is not None:
            return there if noted == part.crc else None
        digest = hashlib.md5(part.body, usedforsecurity=False).hexdigest()
        return there if digest == there.etag.lower() else None

    # --------------------------------------------------------------------------------------------- converting

    def _convert(self) -> bool:
        """Read, convert and send everything; True where what was read was compared with the source's CRC-64.

        Where what was read turns out damaged, it is read once more, and only parts that differ are sent again.
        """
        try:
            return self._pass()
        except ImgmoveError as error:
            if error.kind is not Kind.CORRUPT or error.code == "ChecksumMismatch":
                raise
            self.around.note(f"{error}; reading {name_of(self.source, self.info.key)} once more")
        self.known |= {number: part for number, (part, _) in self.parts.items()}
        self.parts = {}
        return self._pass()

    def _pass(self) -> bool:
        reading = ReadAhead(self.source, self.info, self.options, self.around)
        pieces = reading.pieces()
        try:
            converted = self.convert(pieces, self.info.size_bytes)
            part_bytes = stream_part_bytes(converted.largest_bytes, self.destination.limits)
            front = bytearray()
            in_flight = max(1, min(self.options.workers, _IN_FLIGHT_BYTES // part_bytes))
            self._send(self._missing(self._cut(converted, part_bytes, front)), in_flight)
            is_compared = reading.compare()
        finally:
            pieces.close()  # type: ignore[attr-defined]  # a generator: what it still fetches is let go
        head = converted.head() + bytes(front)
        self._send(self._missing(iter([_Full(1, 0, head, crc64(head))])), 1)
        return is_compared

    def _cut(self, converted: Converted, part_bytes: int, front: bytearray) -> Iterator[_Full]:
        """The body in parts; what the first part holds of it goes to `front`."""
        first_bytes = first_part_bytes(self.destination.limits)
        kept_back = first_bytes - converted.head_bytes
        number, offset, buffer = 2, first_bytes, bytearray()
        for body in converted.body:
            piece = memoryview(body)
            if len(front) < kept_back:
                taken = min(len(piece), kept_back - len(front))
                front += piece[:taken]
                piece = piece[taken:]
            while len(buffer) + len(piece) >= part_bytes:
                room = part_bytes - len(buffer)
                buffer += piece[:room]
                yield _Full(number, offset, buffer, crc64(buffer))
                piece, buffer = piece[room:], bytearray()
                number, offset = number + 1, offset + part_bytes
            buffer += piece
        if buffer:
            yield _Full(number, offset, buffer, crc64(buffer))

    def _missing(self, parts: Iterator[_Full]) -> Iterator[_Full]:
        """Those that have to be sent; the others are noted as there."""
        for part in parts:
            held = self._held(part)
            if held is None:
                yield part
            else:
                self.parts[part.number] = (held, part.crc)
                self.parts_reused += 1

    # ------------------------------------------------------------------------------------------------ sending

    def _send(self, parts: Iterator[_Full], in_flight: int) -> None:
        mover: Mover[_Full] = Mover(
            self._start, self._arrived, self._explain, Window(in_flight), self.around,
            limit=lambda: self.options.bandwidth.limit(self.around.local_time()), state=self._state,
        )  # fmt: skip
        mover.move(parts)

    def _state(self) -> str:
        return f"copying to {self.name}: {len(self.parts)} parts are there"

    def _start(self, part: _Full, meter: str, bytes_per_second: int) -> Future[PartDone]:
        write = self.destination.sign_put_part(
            self.key, self.record.upload_id, part.number, len(part.body), SIGNATURE_SECONDS
        )
        task = PartTask(
            part.number, part.offset, len(part.body), None, write, timeout_seconds=self.options.timeout_seconds,
            bytes_per_second=bytes_per_second, meter=meter,
        )  # fmt: skip
        return self.around.executor.submit(send_part, task, part.body)

    def _explain(self, fault: PartFault) -> ImgmoveError:
        error = store_error(fault, self.source, self.info.key, self.destination)
        is_gone = error.kind is Kind.NOT_FOUND and error.code != "NoSuchBucket"
        return lost_upload(self.name) if is_gone else error

    def _arrived(self, part: _Full, done: PartDone) -> ImgmoveError | None:
        """The destination has the part; CORRUPT is returned where its CRC-64 is not ours."""
        theirs = self.destination.crc64_of(done.write_headers)
        self.sent_bytes += len(part.body)
        self.parts_sent += 1
        if theirs is not None and theirs != part.crc:
            return corrupt(self.name, f"part {part.number} arrived with another CRC-64 than it was sent with")
        self.compared += theirs is not None
        etag = done.write_headers.get("etag", "").strip('"')
        self.parts[part.number] = (PartInfo(part.number, len(part.body), etag, theirs), part.crc)
        self.record.crcs[str(part.number)] = part.crc
        self.around.keep(self.record, False)
        return None
