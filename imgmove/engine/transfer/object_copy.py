"""Copying one object: plan, adopt what is there, move what is missing, check, finish.

The truth about a half-done copy is the destination's own part list. Nothing is completed before everything that can be
compared was compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo
from imgmove.engine.transfer.completion import complete, remove_wrong
from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import corrupt, lost_upload, name_of, store_error
from imgmove.engine.transfer.mover import Mover
from imgmove.engine.transfer.part_task import PartDone, PartTask
from imgmove.engine.transfer.plan import Part, PartPlan
from imgmove.engine.transfer.record import Comparison, CopyRecord
from imgmove.engine.transfer.surroundings import SIGNATURE_SECONDS, Copied, CopyOptions, Surroundings, spare_workers
from imgmove.engine.transfer.taking_up import TakingUp, Upload, look_at_both
from imgmove.engine.transfer.window import Window
from imgmove.engine.transfer.wire import move_part

_DIFFERS: Final = "the finished object differs from its source (size or CRC-64), and was removed again"


def copy_object(
    source: ObjectStore,
    source_key: str,
    destination: ObjectStore,
    key: str,
    options: CopyOptions,
    around: Surroundings,
    record: CopyRecord | None = None,
) -> Copied:
    """Copy one object. Safe to repeat: what is complete is left alone, what is half-done is continued.

    `record` is what an earlier run kept. Raises NOT_FOUND (no source), CONFLICT (the source changed, the upload was
    aborted), CORRUPT (a part cannot be mended: nothing was completed), INTERRUPTED, TIMEOUT, or what the stores refuse.
    """
    info, before = look_at_both(source, source_key, destination, key, around)
    if before is not None and before.size_bytes == info.size_bytes:
        info, before = _measured(source, info), _measured(destination, before)
        if info.crc64 is not None and info.crc64 == before.crc64:
            around.moved(info.size_bytes, info.size_bytes)
            return Copied(before, Comparison(already_there=True, size=True), 0, 0)
    if info.size_bytes == 0:
        return _copy_nothing(destination, key, around)
    return _Copy(source, info, destination, key, before, options, around).run(record)


def _measured(store: ObjectStore, info: ObjectInfo) -> ObjectInfo:
    """With its CRC-64, where the store gives none but can be read for nothing."""
    return info if info.crc64 is not None else replace(info, crc64=store.measure(info.key))


def _copy_nothing(destination: ObjectStore, key: str, around: Surroundings) -> Copied:
    """An empty object has no range to read and no part to send."""
    written = around.ask(lambda: destination.put(key, b""), f"writing {name_of(destination, key)}")
    if written.size_bytes or written.crc64 not in {None, crc64(b"")}:
        raise corrupt(name_of(destination, key), "the source is empty, and what was written is not")
    return Copied(written, Comparison(size=True, whole="source = destination"), 0, 0)


class _Copy:
    """One copy under way. `before` is what was at the destination when it began."""

    def __init__(
        self,
        source: ObjectStore,
        info: ObjectInfo,
        destination: ObjectStore,
        key: str,
        before: ObjectInfo | None,
        options: CopyOptions,
        around: Surroundings,
    ) -> None:
        self.source, self.info = source, info
        self.destination, self.key, self.before = destination, key, before
        self.options, self.around = options, around
        self.name = name_of(destination, key)
        self.window = Window(options.workers)
        self.upload = Upload(PartPlan(0, 1), CopyRecord())
        self.held_bytes = 0
        self.compared: set[int] = set()
        self.sent_bytes = self.parts_sent = 0
        self.reported_bytes = -1

    @property
    def plan(self) -> PartPlan:
        return self.upload.plan

    @property
    def record(self) -> CopyRecord:
        return self.upload.record

    def run(self, record: CopyRecord | None) -> Copied:
        taking_up = TakingUp(self.info, self.destination, self.key, self.options, self.around)
        self._go_on_with(taking_up.upload(record or CopyRecord(), self._measure))
        copied = self._attempt()
        if copied is None:
            self.around.note(f"{self.name}: parts of an earlier run are not of this source: sending everything anew")
            self._go_on_with(taking_up.new())
            copied = self._attempt()
        if copied is None:
            raise corrupt(self.name, _DIFFERS)
        return copied

    def _measure(self) -> int | None:
        self.info = _measured(self.source, self.info)
        return self.info.crc64

    def _go_on_with(self, upload: Upload) -> None:
        self.upload = upload
        self.held_bytes = sum(part.size_bytes for part in upload.held.values())
        self.around.keep(self.record, True)

    def _attempt(self) -> Copied | None:
        """Move what is missing, check and finish; None where the finished object was wrong and is removed."""
        is_known = all(str(number) in self.record.crcs for number in self.upload.held)
        self._move(part for part in self.plan.parts() if part.number not in self.upload.held)
        before = self._compare_before_completion()
        finished = self._finish()
        comparison = Comparison(len(self.compared), self.plan.count, before, size=True)
        checked = self._compare_after(finished, comparison)
        if checked is not None:
            return Copied(finished, checked, self.sent_bytes, self.parts_sent)
        remove_wrong(self.destination, self.key, self.around)
        if is_known:
            raise corrupt(self.name, _DIFFERS)
        return None

    # ---------------------------------------------------------------------------------------------- moving

    def _move(self, parts: Iterable[Part]) -> None:
        """Move parts until all are across."""
        mover: Mover[Part] = Mover(
            self._start, self._arrived, self._explain, self.window, self.around,
            spare=spare_workers(self.options.workers), limit=self._limit, state=self._state, report=self._report,
        )  # fmt: skip
        mover.move(parts)

    def _state(self) -> str:
        return f"copying to {self.name}: {len(self.upload.held)} of {self.plan.count} parts are there"

    def _limit(self) -> int:
        return self.options.bandwidth.limit(self.around.local_time())

    def _start(self, part: Part, meter: str, bytes_per_second: int, *, only_read: bool = False) -> Future[PartDone]:
        """Signed anew for every try: signatures and tokens grow old."""
        read = self.source.sign_read(self.info.key, part.offset, part.length, self.info.etag, SIGNATURE_SECONDS)
        write = None
        if not only_read:
            write = self.destination.sign_put_part(
                self.key, self.record.upload_id, part.number, part.length, SIGNATURE_SECONDS
            )
        task = PartTask(
            part.number, part.offset, part.length, read, write, self.info.etag, self.info.size_bytes,
            self.options.timeout_seconds, bytes_per_second, meter, self.options.compute_crc or only_read,
        )  # fmt: skip
        return self.around.executor.submit(move_part, task)

    def _explain(self, fault: PartFault) -> ImgmoveError:
        error = store_error(fault, self.source, self.info.key, self.destination)
        if fault.leg == "write" and error.kind is Kind.NOT_FOUND and error.code != "NoSuchBucket":
            return lost_upload(self.name)
        return error

    def _arrived(self, part: Part, done: PartDone) -> ImgmoveError | None:
        """The destination has the part; CORRUPT is returned where its CRC-64 is not ours."""
        theirs = self.destination.crc64_of(done.write_headers)
        self.sent_bytes += done.length
        self.parts_sent += 1
        if theirs is not None and done.crc64 is not None:
            if theirs != done.crc64:
                return corrupt(self.name, f"part {part.number} arrived with another CRC-64 than it was sent with")
            self.compared.add(part.number)
        etag = done.write_headers.get("etag", "").strip('"')
        self.upload.held[part.number] = PartInfo(part.number, done.length, etag, theirs)
        self.held_bytes += done.length
        if done.crc64 is not None:
            self.record.crcs[str(part.number)] = done.crc64
        self.around.keep(self.record, False)
        return None

    def _report(self, under_way_bytes: int) -> None:
        done = min(self.held_bytes + under_way_bytes, self.info.size_bytes)
        if done != self.reported_bytes:
            self.reported_bytes = done
            self.around.moved(done, self.info.size_bytes)

    # -------------------------------------------------------------------------------------------- checking

    def _compare_before_completion(self) -> bool:
        """Our combined CRC against the source's; wrong parts are found and replaced. True where it was compared."""
        for is_last in (False, False, True):
            combined = self.record.combined(self.plan)
            if combined is None or self.info.crc64 is None:
                return False
            if combined == self.info.crc64:
                return True
            if is_last:
                break
            self.around.note(f"{self.name}: what was read is not what the source is: reading it again to find where")
            self._replace(self._wrong_parts())
        raise corrupt(self.name, "what is read from the source has another CRC-64 than its store reports")

    def _wrong_parts(self) -> Iterator[Part]:
        """Those that differ from what is read now."""
        again: dict[int, int | None] = {}
        mover: Mover[Part] = Mover(
            lambda part, meter, share: self._start(part, meter, share, only_read=True),
            lambda part, done: again.update({part.number: done.crc64}),  # returns None: nothing can be wrong with it
            self._explain, self.window, self.around, limit=self._limit, state=self._state,
        )  # fmt: skip
        mover.move(self.plan.parts())
        return (part for part in self.plan.parts() if again[part.number] != self.record.crcs[str(part.number)])

    def _replace(self, wrong: Iterable[Part]) -> None:
        parts = list(wrong)
        for part in parts:
            self.held_bytes -= self.upload.held.pop(part.number).size_bytes
        self._move(parts)

    def _finish(self) -> ObjectInfo:
        self.around.check(self._state())
        parts = [self.upload.held[part.number] for part in self.plan.parts()]
        return complete(self.destination, self.key, self.record.upload_id, parts, self._is_it, self.around)

    def _is_it(self, found: ObjectInfo) -> bool:
        """Is what is at the destination now the object that our parts make?"""
        if found.size_bytes != self.info.size_bytes:
            return False
        wanted = self.info.crc64 if self.info.crc64 is not None else self.record.combined(self.plan)
        if found.crc64 is not None and wanted is not None:
            return found.crc64 == wanted
        return self.before is None or self.before.etag != found.etag

    def _compare_after(self, finished: ObjectInfo, comparison: Comparison) -> Comparison | None:
        """What is known now; None where the destination differs, which nobody must take for the copy."""
        expected, whole = self.info.crc64, "source = destination"
        if expected is None:
            expected, whole = self.record.combined(self.plan), "ours = destination"
        if finished.size_bytes != self.info.size_bytes:
            return None
        if expected is None or finished.crc64 is None:
            return comparison
        return comparison.with_(whole=whole) if finished.crc64 == expected else None
