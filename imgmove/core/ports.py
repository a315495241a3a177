"""The seams: what the engine asks of a cloud, a store and a journal; adapters implement these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError
from imgmove.core.jobs import Job, Resource, Step
from imgmove.core.requests import Operation, ServiceRequest
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, Image, OsChoice, TaskReport

# ---------------------------------------------------------------------------------------------------- compute


@dataclass(frozen=True)
class CheckResult:
    """A dry run that passed. `request_id` is the vendor's; `performed` is False where only local rules were checked
    because the service has no dry run."""

    request_id: str | None = None
    performed: bool = True
    notes: tuple[str, ...] = ()


class ComputeProvider(Protocol):
    """One image service in one region. All methods raise only `ImgmoveError` for what the service or network does.

    An instance may be used from several threads.
    """

    @property
    def abilities(self) -> Abilities: ...

    @property
    def region(self) -> str: ...

    def check(self, request: ServiceRequest, token: str) -> CheckResult:
        """Would `submit` be accepted? No side effect; raises what submit would raise. Safe to repeat."""

    def submit(self, request: ServiceRequest, token: str) -> Handle:
        """Start the operation, sent once, never retried inside. NOT safe to repeat.

        `token` is ours and unique to this submit: the adapter uses it as client token where the vendor honours one.
        On an error with `maybe_applied` the operation may have started; `find` tells. An error without it is a
        refusal: nothing was started.
        """

    def find(self, request: ServiceRequest, token: str, since: float) -> Handle | None:
        """Did an earlier `submit(request, token)`, sent at or after `since` (unix seconds), take effect?

        The handle of the operation it started, or None where none is visible (yet). Never adopts an operation
        that somebody else started. Safe to repeat. See `OperationAbility.lookup` for what None means. Raises CONFLICT
        for "look again": something is under way that may be ours, and nobody can say yet.
        """

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """Look once at the operation. Safe to repeat, changes nothing. `memo` is the last report's, or empty.

        SUCCEEDED means looked at: every exported object is there, complete and stable; an imported image is usable.
        A vendor state that we do not know is UNKNOWN, never an end. Raises for a look that failed (which says
        nothing about the operation); returns FAILED with `error` for an operation that failed.
        """

    def look_up(self, identifier: str) -> TaskReport:
        """The state of a vendor's task id or image id that no journal knows (`imgmove status ID --provider P`).

        NOT_FOUND where this service in this region knows no such id; UNSUPPORTED, with what to do instead, for
        ids that the vendor offers no call for (CVM export tasks). Safe to repeat.
        """

    def cancel(self, handle: Handle) -> TaskReport:
        """Cancel the operation. UNSUPPORTED where the vendor has no call for it. Safe to repeat."""

    def images(self) -> Iterator[Image]:
        """The account's own images in every state, all pages. Safe to repeat."""

    def image(self, image_id: str) -> Image:
        """One image, whoever owns it; NOT_FOUND where there is none. Safe to repeat."""

    def delete_image(self, image_id: str) -> None:
        """Remove an image and the snapshots that belong to it alone; absent is fine. Safe to repeat."""

    def os_choices(self) -> Sequence[OsChoice]:
        """The operating systems that an import may name. Safe to repeat."""


# ----------------------------------------------------------------------------------------------- object stores


@dataclass(frozen=True)
class ObjectInfo:
    """An object as its store shows it. `crc64` is the store's CRC-64/XZ of the whole object, None if it gives none."""

    key: str
    size_bytes: int
    etag: str
    """Without quotes, compared without case."""
    last_modified: float
    """Unix seconds; 0 where the store gave none."""
    crc64: int | None = None
    storage_class: str = ""


@dataclass(frozen=True)
class PartInfo:
    """A part that the destination holds. `crc64` is None where the store's list does not carry it."""

    number: int
    size_bytes: int
    etag: str
    crc64: int | None = None


@dataclass(frozen=True)
class UploadInfo:
    """An unfinished multipart upload."""

    upload_id: str
    key: str
    initiated: float


@dataclass(frozen=True)
class SignedRequest:
    """A request ready to be sent by anybody: what travels to a worker. Expires; never written to a journal or a log."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    """To be sent exactly as they are. Where the address in `url` is a loopback one, `Host` may stand here."""


@dataclass(frozen=True)
class StoreLimits:
    """A store's rules for multipart uploads and names, with the source of each in the adapter."""

    min_part_bytes: int
    max_part_bytes: int
    max_parts: int
    max_object_bytes: int
    max_single_put_bytes: int


@dataclass(frozen=True)
class BucketInfo:
    name: str
    region: str
    encrypted: bool | None = None
    """None where we may not look."""
    storage_class: str = ""


class ObjectStore(Protocol):
    """One bucket of one object service. All methods raise only `ImgmoveError`. Safe to use from several threads.

    NOT_FOUND with code `NoSuchBucket`, `NoSuchKey` or `NoSuchUpload` tells what is missing; PRECONDITION (kind
    CONFLICT, code `PreconditionFailed`) that the source changed.
    """

    @property
    def scheme(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def limits(self) -> StoreLimits: ...

    def bucket_info(self) -> BucketInfo:
        """The bucket's region, asked of the store. NOT_FOUND, or DENIED. Safe to repeat."""

    def head(self, key: str) -> ObjectInfo | None:
        """The object, or None where there is none. DENIED is raised, never taken for absence."""

    def measure(self, key: str) -> int | None:
        """The CRC-64 of an object by reading it, where that costs no traffic (local files); None elsewhere."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, all pages, in key order."""

    def read(self, key: str, offset: int, length: int, etag: str | None = None) -> bytes:
        """`length` bytes at `offset` (fewer only at the object's end). With `etag`, CONFLICT where it changed."""

    def put(self, key: str, body: bytes) -> ObjectInfo:
        """Write a small object in one request; replaces. Safe to repeat."""

    def sign_read(self, key: str, offset: int, length: int, etag: str | None, expires_seconds: float) -> SignedRequest:
        """A ranged GET, pinned to `etag` where given. The answer must be 206 with the asked range."""

    def sign_put_part(
        self, key: str, upload_id: str, number: int, length: int, expires_seconds: float
    ) -> SignedRequest:
        """A PUT of one part of exactly `length` bytes. The answer carries ETag and the part's CRC-64."""

    def share_url(self, key: str, expires_seconds: float) -> str:
        """A signed GET URL of the store's public form, for the vendor's own importer to fetch the object once."""

    def begin(self, key: str) -> str:
        """Start a multipart upload; its id. NOT safe to repeat (look with `uploads`)."""

    def parts(self, key: str, upload_id: str) -> Iterator[PartInfo]:
        """All parts that the store holds, all pages, by number."""

    def uploads(self, prefix: str) -> Iterator[UploadInfo]:
        """All unfinished uploads of keys that start with `prefix`, all pages."""

    def finish(self, key: str, upload_id: str, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Complete the upload from exactly these parts. On `maybe_applied` look with `head` before doing it again."""

    def abort(self, key: str, upload_id: str) -> None:
        """Forget the upload and its parts; absent is fine."""

    def delete(self, key: str) -> None:
        """Remove the object; absent is fine."""

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ImgmoveError:
        """The error that an answer to a signed request means (status 300 and above, or an error document)."""

    def crc64_of(self, headers: Mapping[str, str]) -> int | None:
        """The CRC-64/XZ in an answer of this store (headers without regard to case), None where it carries none."""


# ------------------------------------------------------------------------------------------------------ clouds


class Cloud(Protocol):
    """What an entry point of the group `imgmove.clouds` names: one vendor. Importing it loads no SDK."""

    name: str
    services: Mapping[str, Abilities]
    """Provider name (`tencent`, `ecm`) to what it can do."""
    aliases: Mapping[str, str]
    """Other names for providers: `cvm` to `tencent`."""
    stores: tuple[str, ...]
    """Schemes of its object stores."""
    endpoint_services: tuple[str, ...]
    """Names that `IMGMOVE_ENDPOINT_URL_<NAME>` may take for this cloud."""
    region_variables: tuple[str, ...]
    """Environment variables that name a default region, first wins."""

    def compute(self, provider: str, region: str, settings: Settings) -> ComputeProvider:
        """An image service in a region (empty: only where `region_optional`). DENIED without credentials."""

    def store(self, scheme: str, bucket: str, region: str, settings: Settings) -> ObjectStore:
        """A bucket. With an empty region the store is asked where the bucket is."""

    def check_bucket_name(self, scheme: str, bucket: str) -> None:
        """Raise a usage error, with the rule in words, for a name that no bucket of this store can have."""

    def default_region(self, settings: Settings) -> str:
        """The region that the vendor's own profile files name, or empty."""

    def error_table(self) -> Sequence[ErrorRow]:
        """Every vendor code that is mapped, for the docs and the tests."""


@dataclass(frozen=True)
class ErrorRow:
    """A vendor's error code: what it means for us and for the operator."""

    service: str
    code: str
    kind: str
    meaning: str
    hint: str
    source: str = ""


# ----------------------------------------------------------------------------------------------------- journal


class Journal(Protocol):
    """Jobs and steps on durable ground: what a method wrote is on disk when it returns.

    Raises CONFLICT for a transition that `STEP_TRANSITIONS` forbids, NOT_FOUND for an unknown job or step,
    UNAVAILABLE (disk full, read-only), CORRUPT (a damaged file) — with a hint that says what to do.
    """

    def add(self, job: Job) -> None: ...

    def job(self, job_id: str) -> Job: ...

    def jobs(self) -> Sequence[Job]:
        """All jobs, newest first."""

    def plan(self, job_id: str, step: Step) -> None:
        """Add a step at the end, or plan an ended (failed, cancelled) or intended one again."""

    def intend(self, job_id: str, step: str, token: str, at: float) -> None:
        """Before every submit: we are about to send, with this token, at this time."""

    def accepted(self, job_id: str, step: str, handle: Handle, at: float) -> None: ...

    def observed(self, job_id: str, step: str, memo: Mapping[str, Any]) -> None:
        """What the last look showed; need not be durable at once."""

    def finished(
        self, job_id: str, step: str, outputs: Mapping[str, Any], at: float, *, skipped: bool = False
    ) -> None: ...

    def failed(
        self, job_id: str, step: str, error: Mapping[str, Any], at: float, *, cancelled: bool = False
    ) -> None: ...

    def made(self, job_id: str, resource: Resource) -> None:
        """Write down something that was, or is about to be, made; the same uri again updates the row."""

    def removed(self, job_id: str, uri: str, at: float) -> None: ...

    def close_job(self, job_id: str, at: float) -> None: ...

    def hold(self, job_id: str) -> AbstractContextManager[None]:
        """Be the job's one runner while inside. HELD, saying who (process, host, since), where a living process is."""

    def holder(self, job_id: str) -> str | None:
        """Who runs the job now, in words, or None."""


OPERATION_WORDS: Mapping[Operation, str] = {
    Operation.EXPORT: "export",
    Operation.IMPORT: "import",
    Operation.CREATE: "image of an instance",
    Operation.TRANSFER: "provider's own copy",
    Operation.MIGRATE: "migration",
    Operation.COPY: "copy",
}
