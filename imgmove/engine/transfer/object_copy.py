"""Copying one object: plan, adopt what is there, move what is missing, check, finish.

The truth about a half-done copy is the destination's own part list. Nothing is completed before everything that can be
compared was compared.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo
from imgmove.engine.transfer import wire
from imgmove.engine.transfer.bandwidth import Timetable
from imgmove.engine.transfer.faults import PartFault
from imgmove.engine.transfer.mending import MAX_CRC_TRIES, corrupt, delay_or_raise, lost_upload, store_error
from imgmove.engine.transfer.plan import Part, PartPlan, plan_of_parts, plan_parts
from imgmove.engine.transfer.record import Comparison, CopyRecord, Keep, keep_nothing
from imgmove.engine.transfer.window import Window

SIGNATURE_SECONDS: Final = 3600.0
_TICK_SECONDS: Final = 0.2


@dataclass(frozen=True)
class CopyOptions:
    """How to copy. Defaults keep the process below 128 MiB, whatever the object's size."""

    workers: int = 8
    part_bytes: int | None = None
    bandwidth: Timetable = field(default_factory=Timetable)
    compute_crc: bool = True
    timeout_seconds: float = 60.0


@dataclass(frozen=True)
class Surroundings:
    """Time, chance and the wish to stop, from outside."""

    executor: Executor
    stop: threading.Event = field(default_factory=threading.Event)
    moved: Callable[[int, int], None] = lambda _done, _total: None
    keep: Keep = keep_nothing
    now: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    note: Callable[[str], None] = lambda _text: None


@dataclass(frozen=True)
class Copied:
    """A finished copy: the destination's object, our CRC where computed, what was compared, and how much was sent."""

    info: ObjectInfo
    comparison: Comparison
    sent_bytes: int
    parts_sent: int


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

    `record` is what an earlier run kept. Raises NOT_FOUND (no source), CONFLICT (the source changed), CORRUPT (a part
    cannot be mended: nothing was completed), INTERRUPTED, or what the stores refuse.
    """
    info = source.head(source_key)
    if info is None:
        raise ImgmoveError(
            Kind.NOT_FOUND, f"there is no object {source.scheme}://{source.bucket}/{source_key}", code="NoSuchKey",
            hint="check bucket and key",
        )  # fmt: skip
    there = destination.head(key)
    if there is not None and _is_same(info, there):
        around.moved(info.size_bytes, info.size_bytes)
        return Copied(there, Comparison(already_there=True, size=True), 0, 0)
    return _Copy(source, info, destination, key, options, around).run(record)


def _is_same(source: ObjectInfo, there: ObjectInfo) -> bool:
    return source.size_bytes == there.size_bytes and source.crc64 is not None and source.crc64 == there.crc64


@dataclass
class _Attempt:
    part: Part
    tries: int = 0
    crc_tries: int = 0
    not_before: float = 0.0
    epoch: int = 0
    meter: str = ""


class _Copy:
    """One copy under way. `held` are the parts that the destination has, by number."""

    def __init__(
        self,
        source: ObjectStore,
        info: ObjectInfo,
        destination: ObjectStore,
        key: str,
        options: CopyOptions,
        around: Surroundings,
    ) -> None:
        self.source, self.info = source, info
        self.destination, self.key = destination, key
        self.options, self.around = options, around
        self.record = CopyRecord()
        self.plan = PartPlan(0, 1)
        self.held: dict[int, PartInfo] = {}
        self.window = Window(options.workers)
        self.compared: set[int] = set()
        self.sent_bytes = 0
        self.parts_sent = 0
        self.reported_bytes = -1

    def run(self, record: CopyRecord | None) -> Copied:
        self._take_up(record or CopyRecord())
        self._move([part for part in self.plan.parts() if part.number not in self.held])
        before = self._compare_before_completion()
        finished = self._finish()
        comparison = Comparison(len(self.compared), self.plan.count, before, size=True)
        return Copied(finished, self._compare_after(finished, comparison), self.sent_bytes, self.parts_sent)

    # -------------------------------------------------------------------------------- taking up, or beginning

    def _take_up(self, record: CopyRecord) -> None:
        """Continue the upload that the journal or the destination knows, or begin one."""
        if record.belongs_to(self.info.etag, self.info.size_bytes) and self._continue(record):
            return
        if self._adopt():
            return
        self.plan = plan_parts(self.info.size_bytes, self.destination.limits, self.options.part_bytes)
        self.record = CopyRecord("", self.plan.part_bytes, self.info.etag, self.info.size_bytes)
        self.record.upload_id = self.destination.begin(self.key)
        self.around.keep(self.record, True)

    def _continue(self, record: CopyRecord) -> bool:
        """The journal's upload; False where the store does not know it any more."""
        plan = PartPlan(self.info.size_bytes, record.part_bytes)
        try:
            held = [part for part in self.destination.parts(self.key, record.upload_id) if plan.fits(part)]
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return False
        self.plan, self.record = plan, record
        self.held = {part.number: part for part in held}
        self.record.crcs = {number: crc for number, crc in record.crcs.items() if int(number) in self.held}
        return True

    def _adopt(self) -> bool:
        """An unfinished upload of this very key, the newest first, that is empty or whose parts fit this object.

        Parts are taken over only where the source has a CRC-64: it is what would tell, at the end, that they are of
        an older version of the source.
        """
        uploads = [upload for upload in self.destination.uploads(self.key) if upload.key == self.key]
        for upload in sorted(uploads, key=lambda item: item.initiated, reverse=True):
            held = list(self.destination.parts(self.key, upload.upload_id))
            plan = self._plan_of(held)
            if plan is None:
                continue
            self.plan, self.held = plan, {part.number: part for part in held}
            self.record = CopyRecord(upload.upload_id, plan.part_bytes, self.info.etag, self.info.size_bytes)
            self.record.crcs = {str(part.number): part.crc64 for part in held if part.crc64 is not None}
            self.around.keep(self.record, True)
            self.around.note(f"found an unfinished upload with {len(held)} of {plan.count} parts: continuing it")
            return True
        return False

    def _plan_of(self, held: list[PartInfo]) -> PartPlan | None:
        """The plan that an upload with these parts can be continued by; None where it cannot be trusted to be ours."""
        if not held:
            return plan_parts(self.info.size_bytes, self.destination.limits, self.options.part_bytes)
        if self.info.crc64 is None:
            self.info = replace(self.info, crc64=self.source.measure(self.info.key))
        plan = plan_of_parts(self.info.size_bytes, held, self.destination.limits)
        if self.info.crc64 is None or plan is None or self.options.part_bytes not in {None, plan.part_bytes}:
            return None
        return plan

    # ---------------------------------------------------------------------------------------------- moving

    def _move(self, parts: list[Part], *, only_read: bool = False) -> dict[int, int]:
        """Move (or only read) `parts`, in parallel, until all are across; the CRC of each."""
        waiting = deque(_Attempt(part) for part in parts)
        running: dict[Future[wire.PartDone], _Attempt] = {}
        crcs: dict[int, int] = {}
        try:
            while waiting or running:
                self._check_stop()
                self._start(waiting, running, only_read)
                done, _ = wait(running, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
                if not running:
                    self.around.stop.wait(_TICK_SECONDS)
                for future in done:
                    attempt = running.pop(future)
                    wire.meters.pop(attempt.meter, None)
                    self._settle(future, attempt, waiting, crcs, only_read)
                self._report(running, only_read)
        finally:
            for future in running:
                future.cancel()
            wait(running)
        return crcs

    def _check_stop(self) -> None:
        if self.around.stop.is_set():
            raise ImgmoveError(
                Kind.INTERRUPTED,
                f"the copy to {self._name} was stopped; {len(self.held)} of {self.plan.count} parts are there",
                code="Interrupted", hint="run it again, or `imgmove jobs resume`: only what is missing is sent",
            )  # fmt: skip

    @property
    def _name(self) -> str:
        return f"{self.destination.scheme}://{self.destination.bucket}/{self.key}"

    def _start(self, waiting: deque[_Attempt], running: dict[Future[wire.PartDone], _Attempt], only_read: bool) -> None:
        moment = self.around.monotonic()
        for _ in range(len(waiting)):
            if len(running) >= self.window.allowed:
                return
            attempt = waiting.popleft()
            if attempt.not_before > moment:
                waiting.append(attempt)
                continue
            attempt.epoch = self.window.epoch
            attempt.meter = f"{id(self)}/{attempt.part.number}"
            running[self.around.executor.submit(wire.move_part, self._task(attempt, only_read))] = attempt

    def _task(self, attempt: _Attempt, only_read: bool) -> wire.PartTask:
        """Signed anew for every try: signatures and tokens grow old."""
        part = attempt.part
        read = self.source.sign_read(self.info.key, part.offset, part.length, self.info.etag, SIGNATURE_SECONDS)
        write = None
        if not only_read:
            write = self.destination.sign_put_part(
                self.key, self.record.upload_id, part.number, part.length, SIGNATURE_SECONDS
            )
        limit = self.options.bandwidth.limit(self.around.now())
        return wire.PartTask(
            part.number, part.offset, part.length, read, write, self.info.etag, self.options.timeout_seconds,
            max(1, limit // self.window.allowed) if limit else 0, attempt.meter, self.options.compute_crc or only_read,
        )  # fmt: skip

    def _settle(
        self,
        future: Future[wire.PartDone],
        attempt: _Attempt,
        waiting: deque[_Attempt],
        crcs: dict[int, int],
        only_read: bool,
    ) -> None:
        try:
            done = future.result()
        except PartFault as fault:
            self._again(attempt, store_error(fault, self.source, self.info.key, self.destination), waiting)
            return
        self.window.succeeded()
        if done.crc64 is not None:
            crcs[done.number] = done.crc64
        if only_read or self._holds(done, attempt, waiting):
            return

    def _holds(self, done: wire.PartDone, attempt: _Attempt, waiting: deque[_Attempt]) -> bool:
        """The destination has the part, and its CRC is ours; else the part is sent again."""
        theirs = self.destination.crc64_of(done.write_headers)
        self.sent_bytes += done.length
        self.parts_sent += 1
        if theirs is not None and done.crc64 is not None and theirs != done.crc64:
            attempt.crc_tries += 1
            self._again(
                attempt,
                corrupt(self._name, f"part {done.number} arrived with another CRC-64 than it was sent with"),
                waiting,
            )
            return False
        if theirs is not None and done.crc64 is not None:
            self.compared.add(done.number)
        etag = done.write_headers.get("etag", "").strip('"')
        self.held[done.number] = PartInfo(done.number, done.length, etag, theirs)
        if done.crc64 is not None:
            self.record.crcs[str(done.number)] = done.crc64
        self.around.keep(self.record, False)
        return True

    def _again(self, attempt: _Attempt, error: ImgmoveError, waiting: deque[_Attempt]) -> None:
        """Try the part again later, or give up with `error`."""
        attempt.tries += 1
        if error.kind is Kind.THROTTLED:
            self.window.throttled(attempt.epoch)
        if attempt.crc_tries >= MAX_CRC_TRIES:
            raise error
        seconds = delay_or_raise(error, attempt.tries, self.around.chance)
        attempt.not_before = self.around.monotonic() + seconds
        self.around.note(f"part {attempt.part.number} again in {seconds:.1f} s: {error}")
        waiting.append(attempt)

    def _report(self, running: dict[Future[wire.PartDone], _Attempt], only_read: bool) -> None:
        if only_read:
            return
        settled = sum(part.size_bytes for part in self.held.values())
        under_way = sum(wire.meters.get(attempt.meter, 0) for attempt in running.values())
        done = min(settled + under_way, self.info.size_bytes)
        if done != self.reported_bytes:
            self.reported_bytes = done
            self.around.moved(done, self.info.size_bytes)

    # -------------------------------------------------------------------------------------------- checking

    def _compare_before_completion(self) -> bool:
        """Our combined CRC against the source's; wrong parts are found and replaced. True where it was compared."""
        for _ in range(2):
            combined = self.record.combined(self.plan)
            if combined is None or self.info.crc64 is None:
                return False
            if combined == self.info.crc64:
                return True
            self.around.note(
                "the source's CRC-64 differs from what was read: reading every part again to find the wrong one"
            )
            self._replace_wrong_parts()
        raise corrupt(
            self._name, "what was read has another CRC-64 than the source reports, and no part differs on reading again"
        )

    def _replace_wrong_parts(self) -> None:
        again = self._move(list(self.plan.parts()), only_read=True)
        wrong = [part for part in self.plan.parts() if again[part.number] != self.record.crcs[str(part.number)]]
        for part in wrong:
            self.held.pop(part.number, None)
        self._move(wrong)

    def _finish(self) -> ObjectInfo:
        """Complete the upload; where the answer is lost, look whether it took effect."""
        self._check_stop()
        parts = [self.held[part.number] for part in self.plan.parts()]
        try:
            return self.destination.finish(self.key, self.record.upload_id, parts)
        except ImgmoveError as error:
            if not (error.maybe_applied or error.kind is Kind.NOT_FOUND):
                raise
            found = self.destination.head(self.key)
            if found is not None and found.size_bytes == self.info.size_bytes and self._could_be(found):
                return found
            if error.kind is Kind.NOT_FOUND:
                raise lost_upload(self._name) from error
            return self.destination.finish(self.key, self.record.upload_id, parts)

    def _could_be(self, found: ObjectInfo) -> bool:
        wanted = self.info.crc64 if self.info.crc64 is not None else self.record.combined(self.plan)
        return found.crc64 is None or wanted is None or found.crc64 == wanted

    def _compare_after(self, finished: ObjectInfo, comparison: Comparison) -> Comparison:
        """Both stores' values; a destination that differs is removed, so that nobody takes it for the copy."""
        expected, whole = (self.info.crc64, "source = destination")
        if expected is None:
            expected, whole = self.record.combined(self.plan), "ours = destination"
        if finished.size_bytes != self.info.size_bytes or (
            expected is not None and finished.crc64 is not None and finished.crc64 != expected
        ):
            with contextlib.suppress(ImgmoveError):
                self.destination.delete(self.key)
            raise corrupt(
                self._name, "the finished object differs from its source (size or CRC-64), and was removed again"
            )
        return comparison if expected is None or finished.crc64 is None else comparison.with_(whole=whole)
