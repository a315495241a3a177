"""Where a copy begins: at the upload that the journal knows, at one that the destination holds, or at a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo, UploadInfo
from imgmove.engine.transfer.mending import name_of, no_source
from imgmove.engine.transfer.plan import PartPlan, plan_of_parts, plan_parts
from imgmove.engine.transfer.record import CopyRecord
from imgmove.engine.transfer.surroundings import CopyOptions, Surroundings


def look_at_both(
    source: ObjectStore, source_key: str, destination: ObjectStore, key: str, around: Surroundings
) -> tuple[ObjectInfo, ObjectInfo | None]:
    """The source, and what is at the destination already; both stores are asked at once. NOT_FOUND without a source."""
    with ThreadPoolExecutor(1) as beside:
        there = beside.submit(around.ask, lambda: destination.head(key), f"looking at {name_of(destination, key)}")
        info = around.ask(lambda: source.head(source_key), f"looking at {name_of(source, source_key)}")
    if info is None:
        raise no_source(source, source_key)
    return info, there.result()


@dataclass
class Upload:
    """An upload to go on with. `held` are the parts that the destination has, by number; `record` is to be kept."""

    plan: PartPlan
    record: CopyRecord
    held: dict[int, PartInfo] = field(default_factory=dict)
    is_adopted: bool = False
    """Found at the destination, without a journal that knows it: its parts may be those of something else."""


@dataclass(frozen=True)
class TakingUp:
    """Finds or begins the upload of one object. `source` is the object as it is now."""

    source: ObjectInfo
    destination: ObjectStore
    key: str
    options: CopyOptions
    around: Surroundings

    def upload(self, record: CopyRecord, measure: Callable[[], int | None]) -> Upload:
        """The upload to go on with, the journal's first. `measure` gives the source's CRC-64 where its store did not.

        A journal's upload of a source that has changed since is aborted: it was ours, and nobody can use it.
        """
        if record.belongs_to(self.source.etag, self.source.size_bytes):
            found = self._of_record(record)
            if found is not None:
                return found
        elif record.upload_id:
            self.around.ask(lambda: self.destination.abort(self.key, record.upload_id), "aborting the old upload")
        uploads = open_uploads(self.destination, self.key, self.around)
        return self._adopted(uploads, measure) or self.new(uploads)

    def new(self, known: Sequence[UploadInfo] = ()) -> Upload:
        """A new upload; `known` are those that were there before."""
        plan = plan_parts(self.source.size_bytes, self.destination.limits, self.options.part_bytes)
        upload_id = begin_upload(self.destination, self.key, {upload.upload_id for upload in known}, self.around)
        return Upload(plan, CopyRecord(upload_id, plan.part_bytes, self.source.etag, self.source.size_bytes))

    def _of_record(self, record: CopyRecord) -> Upload | None:
        """The journal's upload; None where the store does not know it any more.

        Parts whose CRC-64 nobody noted are left to the comparison at the end, and sent again where there is none.
        """
        plan = PartPlan(self.source.size_bytes, record.part_bytes)
        parts = held_parts(self.destination, self.key, record.upload_id, self.around)
        if parts is None:
            return None
        held = {part.number: part for part in parts if plan.fits(part)}
        record.crcs = {number: crc for number, crc in record.crcs.items() if int(number) in held}
        if self.source.crc64 is None:
            held = {number: part for number, part in held.items() if str(number) in record.crcs}
        return Upload(plan, record, held)

    def _adopted(self, uploads: Sequence[UploadInfo], measure: Callable[[], int | None]) -> Upload | None:
        """An unfinished upload of this very key, the newest first, that is empty or whose parts fit this object.

        Parts not of one that was begun before the source was written; and only where the source has a CRC-64: that
        is what tells, at the end, parts of something else. An empty one is what a run leaves that died right after
        it had begun.
        """
        for upload in sorted(uploads, key=lambda item: item.initiated, reverse=True):
            parts = held_parts(self.destination, self.key, upload.upload_id, self.around)
            plan = None if parts is None else self._plan_of(upload, parts, measure)
            if plan is None or parts is None:
                continue
            record = CopyRecord(upload.upload_id, plan.part_bytes, self.source.etag, self.source.size_bytes)
            record.crcs = {str(part.number): part.crc64 for part in parts if part.crc64 is not None}
            self.around.note(f"found an unfinished upload with {len(parts)} of {plan.count} parts: continuing it")
            return Upload(plan, record, {part.number: part for part in parts}, is_adopted=True)
        return None

    def _plan_of(
        self, upload: UploadInfo, parts: Sequence[PartInfo], measure: Callable[[], int | None]
    ) -> PartPlan | None:
        """The plan that an upload with these parts can be continued by; None where they may be of something else."""
        if not parts:
            return plan_parts(self.source.size_bytes, self.destination.limits, self.options.part_bytes)
        if 0 < upload.initiated < self.source.last_modified or (self.source.crc64 is None and measure() is None):
            return None
        plan = plan_of_parts(self.source.size_bytes, list(parts), self.destination.limits)
        return plan if plan is not None and self.options.part_bytes in {None, plan.part_bytes} else None


def open_uploads(destination: ObjectStore, key: str, around: Surroundings) -> list[UploadInfo]:
    """The unfinished uploads of exactly this key, from all pages of the list; none where we may not list them."""
    name = name_of(destination, key)
    try:
        found = around.ask(lambda: list(destination.uploads(key)), f"listing uploads of {name}")
    except ImgmoveError as error:
        if error.kind is not Kind.DENIED:
            raise
        around.note(f"unfinished uploads may not be listed, so none of {name} is taken over")
        return []
    return [upload for upload in found if upload.key == key]


def held_parts(destination: ObjectStore, key: str, upload_id: str, around: Surroundings) -> list[PartInfo] | None:
    """The parts of an upload, from all pages of the list; None where the store does not know the upload."""
    try:
        return around.ask(lambda: list(destination.parts(key, upload_id)), "listing parts")
    except ImgmoveError as error:
        if error.kind is not Kind.NOT_FOUND or error.code == "NoSuchBucket":
            raise
        return None


def begin_upload(destination: ObjectStore, key: str, known: set[str], around: Surroundings) -> str:
    """Begin an upload; its id. Where the answer is lost, the upload that it began is looked for, so that none is left.

    `known` are the ids of uploads that were there before.
    """
    tries = 0
    while True:
        try:
            return destination.begin(key)
        except ImgmoveError as error:
            if error.maybe_applied:
                new = [item for item in open_uploads(destination, key, around) if item.upload_id not in known]
                for upload in new:
                    if held_parts(destination, key, upload.upload_id, around) == []:
                        return upload.upload_id
            tries += 1
            around.pause(error, tries, f"beginning the upload to {name_of(destination, key)}")
