"""The step of a copy: objects and files from one store to another, any to any, converted on the way where asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from imgmove.app.file_conversion import TAKEN_UP_AGAIN, FileConversion, check_file_conversion
from imgmove.app.objects import StoredImage
from imgmove.app.resolve import with_account
from imgmove.core.address import LocalFile, ObjectAddress
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Moved, Noted
from imgmove.core.formats import DiskFormat, format_of_name
from imgmove.core.jobs import Resource
from imgmove.core.ports import ObjectStore
from imgmove.core.tasks import Artifact
from imgmove.engine.steps import StepContext, StepFailed
from imgmove.engine.transfer.bandwidth import parse_bandwidth
from imgmove.engine.transfer.object_copy import copy_object
from imgmove.engine.transfer.record import CopyRecord
from imgmove.engine.transfer.stream_copy import copy_converted
from imgmove.engine.transfer.surroundings import Copied, CopyOptions, Surroundings, spare_workers
from imgmove.images.convert import can_convert, conversion


@dataclass(frozen=True)
class End:
    """One end of a copy, as the journal keeps it. `scheme` `file`: `bucket` is a directory."""

    scheme: str
    bucket: str
    key: str
    region: str = ""
    profile: str = ""

    def __str__(self) -> str:
        return (
            str(Path(self.bucket) / self.key) if self.scheme == "file" else f"{self.scheme}://{self.bucket}/{self.key}"
        )


@dataclass(frozen=True)
class CopyRequest:
    """What a copy step is asked for; `format` None leaves the bytes as they are."""

    source: End
    destination: End
    format: DiskFormat | None = None
    workers: int = 8
    part_bytes: int | None = None
    bandwidth: str = "off"
    staged: bool = False
    """The destination is only a stage of a migration: something to remove in the end."""
    disk: str | None = None
    guarded: bool = False
    """The guard looks at the source although nothing is converted: an importer is to read it."""
    extra: dict[str, Any] = field(default_factory=dict)

    def options(self) -> CopyOptions:
        return CopyOptions(self.workers, self.part_bytes, parse_bandwidth(self.bandwidth))


Stores = Callable[[End], ObjectStore]


def encode_copy(request: CopyRequest) -> dict[str, Any]:
    return dict(encode(asdict(request)))


def end_of(address: ObjectAddress | LocalFile, region: str = "", profile: str = "") -> End:
    """An address as an end; a local file is kept by its absolute path, for another shell may resume the copy."""
    if isinstance(address, LocalFile):
        path = address.path.absolute()
        return End("file", str(path.parent), path.name)
    return End(address.scheme, address.bucket, address.key, region, profile)


class CopyStep:
    """The step function of kind `copy`."""

    def __init__(self, stores: Stores, executor: Callable[[int], Executor] = ThreadPoolExecutor) -> None:
        self._stores, self._executor = stores, executor

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        """Copy, from wherever an earlier run stopped; the outputs name the object and what was compared with what."""
        request = decode(CopyRequest, context.step.request)
        context.begin({})
        executor = self._executor(request.workers + spare_workers(request.workers))
        try:
            return copy_one(context, request, self._stores, executor, str(request.source))
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def copy_one(
    context: StepContext, request: CopyRequest, stores: Stores, executor: Executor, memo_key: str
) -> dict[str, Any]:
    """Copy one object as (part of) a step; its outputs. `memo_key` names its record within the step's memo.

    Raises `StepFailed` for an end that a later run would meet again, `ImgmoveError` for what it may take up.
    """
    keeper = _Keeper(context, request, memo_key)
    try:
        copied = _copy(context, request, stores, executor, keeper)
    except ImgmoveError as error:
        keeper.flush()
        if error.kind in TAKEN_UP_AGAIN:
            raise
        raise StepFailed(_not_completed(error, request.source)) from error
    keeper.finished(copied)
    info, compared = copied.info, copied.comparison.describe()
    crc64 = None if info.crc64 is None else str(info.crc64)
    shape = request.format or format_of_name(request.destination.key)
    artifact = Artifact(str(request.destination), shape, request.disk, info.size_bytes, crc64, info.etag)
    return {
        "artifacts": [encode(artifact)],
        "compared": compared,
        "sent_bytes": copied.sent_bytes,
        "message": "; ".join(compared),
    }


def _not_completed(error: ImgmoveError, source: End) -> ImgmoveError:
    """The error with the exit code of a copy that could not be completed, where an end of it changed under our hands."""
    if error.kind is not Kind.CONFLICT and error.code not in {"NoSuchKey", "NoSuchUpload"}:
        return error
    text = error.message
    if error.code in {"PreconditionFailed", "NoSuchKey"} and str(source) not in text:
        text = f"{source} {'is gone' if error.code == 'NoSuchKey' else 'changed during the copy'}: {text}"
    return replace(error, kind=Kind.FAILED, message=text)


def _copy(context: StepContext, request: CopyRequest, stores: Stores, executor: Executor, keeper: _Keeper) -> Copied:
    source, destination = stores(request.source), stores(request.destination)
    around = Surroundings(
        executor,
        context.waiter,
        moved=lambda done, total: context.tell(Moved, done_bytes=done, total_bytes=total),
        keep=keeper.keep,
        chance=context.chance,
        note=lambda text: context.tell(Noted, text=text),
    )
    keys = request.source.key, request.destination.key
    found = _look(source, request, around)
    if found is None or request.format is None or found is request.format:
        return copy_object(source, keys[0], destination, keys[1], request.options(), around, keeper.record)
    if can_convert(found, request.format):
        convert = conversion(found, request.format)
        return copy_converted(source, keys[0], destination, keys[1], convert, request.options(), around, keeper.record)
    check_file_conversion(str(request.source), request.source.scheme == "file", found, request.format)
    work = FileConversion(
        context, around, Path(request.source.bucket) / keys[0], found, request.format,
        Path(request.destination.bucket) / keys[1] if request.destination.scheme == "file" else None,
    )  # fmt: skip
    return work.run(
        destination,
        keys[1],
        lambda path: stores(End("file", str(path.parent), path.name)),
        request.options(),
        keeper.record,
    )


def _look(source: ObjectStore, request: CopyRequest, around: Surroundings) -> DiskFormat | None:
    """What the source is, found out by the guard (CORRUPT for what it refuses); None where nobody needs to know."""
    if request.format is None and not request.guarded:
        return None
    what = f"looking at {request.source}"
    image = around.ask(partial(StoredImage.of, source, request.source.key), what)
    # Reads are asked for again, each by itself; what the guard makes of them is not.
    patient = replace(image, read=lambda offset, length: around.ask(partial(image.read, offset, length), what))
    return patient.guarded(None, system_disk=False).format or DiskFormat.RAW


class _Keeper:
    """Keeps a copy's record in the step's memo, and its upload and object among the job's resources."""

    #: Our CRCs of parts are worth keeping, but not a write for every part.
    _EVERY_SECONDS = 1.0

    def __init__(self, context: StepContext, request: CopyRequest, memo_key: str) -> None:
        self._context, self._request, self._memo_key = context, request, memo_key
        self._memo = dict(context.journal.job(context.job.id).step(context.step.name).memo)
        self._kept_at = float("-inf")
        self.record = CopyRecord.from_json(self._memo.get(memo_key))

    def keep(self, record: CopyRecord, durable: bool) -> None:
        self.record = record
        moment = self._context.clock.monotonic()
        if not durable and moment - self._kept_at < self._EVERY_SECONDS:
            return
        self._kept_at = moment
        if durable:
            upload = _upload(self._request, record.upload_id, self._context.clock.now())
            self._context.journal.made(self._context.job.id, upload)
        self.flush()

    def flush(self) -> None:
        """Write down what is known, if anything is."""
        if self.record.upload_id:
            self._memo[self._memo_key] = self.record.to_json()
            self._context.journal.observed(self._context.job.id, self._context.step.name, self._memo)

    def finished(self, copied: Copied) -> None:
        journal, job_id, now = self._context.journal, self._context.job.id, self._context.clock.now()
        end = self._request.destination
        if self._request.staged or not copied.comparison.already_there:
            size, owner = copied.info.size_bytes, with_account(end.scheme, end.profile)
            resource = Resource(str(end), "object", owner, end.region, size, now, keep=not self._request.staged)
            journal.made(job_id, resource)
        if self.record.upload_id:
            journal.removed(job_id, _upload(self._request, self.record.upload_id, now).uri, now)


def _upload(request: CopyRequest, upload_id: str, now: float) -> Resource:
    end = request.destination
    owner = with_account(end.scheme, end.profile)
    return Resource(f"{end}?uploadId={upload_id}", "upload", owner, end.region, None, now)
