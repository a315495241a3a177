"""What jobs left behind, from the journal: staged objects, open uploads, half-made images. Removed exactly, or listed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from imgmove.app.copying import End, Stores
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.resolve import split_account, with_account
from imgmove.core.codec import decode
from imgmove.core.errors import ImgmoveError
from imgmove.core.jobs import Job, Resource, Step, StepState
from imgmove.core.ports import Journal
from imgmove.core.requests import Operation
from imgmove.core.tasks import Handle
from imgmove.engine.clock import Clock
from imgmove.engine.operation import made_by
from imgmove.engine.steps import Resolve

REMOVABLE: Final = frozenset({"object", "upload", "image"})


def staged_prefix(job_id: str) -> str:
    """How the keys of everything begin that a migration writes into the destination's bucket: nobody else's do."""
    return f"imgmove-{job_id}-"


def leftovers_of(job: Job) -> Sequence[Resource]:
    """What the job made, nobody asked to keep, and nobody removed."""
    return [resource for resource in job.resources if not resource.keep and resource.removed_at is None]


class Leftovers:
    """Removes what jobs left behind. Safe to repeat: what is gone already is fine."""

    def __init__(self, stores: Stores, resolve: Resolve, journal: Journal, clock: Clock) -> None:
        self._stores, self._resolve, self._journal, self._clock = stores, resolve, journal, clock
        self._removers: dict[str, Callable[[Resource], None]] = {
            "object": self._remove_object,
            "upload": self._abort_upload,
            "image": self._delete_image,
        }

    def remove(self, job: Job, kinds: Collection[str] = REMOVABLE) -> list[tuple[Resource, ImgmoveError]]:
        """Remove everything of `leftovers_of(job)` that is of these kinds; what could not be, with why."""
        left = []
        for resource in leftovers_of(job):
            remover = self._removers.get(resource.kind)
            if remover is None or resource.kind not in kinds:
                continue
            try:
                remover(resource)
            except ImgmoveError as error:
                left.append((resource, error))
                continue
            self._journal.removed(job.id, resource.uri, self._clock.now())
        return left

    def look_again(self, job: Job) -> None:
        """Write down what an ended or interrupted job made without our seeing it.

        That is what a cancelled export went on to write, and uploads whose begin was the last thing a process did. A
        look that fails finds nothing: the next one may.
        """
        for step in job.steps:
            if step.state in {StepState.CANCELLED, StepState.FAILED} and step.handle:
                self._note(job, partial(self._exported, step))
        if job.operation is Operation.MIGRATE and any(step.name == "copy" and _was_begun(step) for step in job.steps):
            self._note(job, lambda: self._uploads(job))

    def _note(self, job: Job, look: Callable[[], Sequence[Resource]]) -> None:
        known = {resource.uri for resource in job.resources}
        try:
            found = look()
        except ImgmoveError:
            return
        for resource in found:
            if resource.uri not in known:
                self._journal.made(job.id, replace(resource, created_at=self._clock.now(), keep=False))

    def _exported(self, step: Step) -> Sequence[Resource]:
        handle = decode(Handle, step.handle or {})
        if handle.operation is not Operation.EXPORT:
            return []
        service = self._resolve(step.provider, step.region)
        report = service.poll(handle, step.memo)
        if not report.is_final:  # the second look shows whether what is there still grows
            report = service.poll(handle, report.memo)
        return made_by(step, handle, report)

    def _uploads(self, job: Job) -> Sequence[Resource]:
        request = MigrateRequest.of(job)
        profile = split_account(request.dest_provider)[1]
        end = End(request.dest_scheme, request.dest_bucket, "", request.dest_region, profile)
        return [
            Resource(
                f"{end.scheme}://{end.bucket}/{upload.key}?uploadId={upload.upload_id}", "upload",
                with_account(end.scheme, profile), end.region,
            )
            for upload in self._stores(end).uploads(staged_prefix(job.id))
        ]  # fmt: skip

    def _remove_object(self, resource: Resource) -> None:
        end = _end(resource.uri, resource)
        self._stores(end).delete(end.key)

    def _abort_upload(self, resource: Resource) -> None:
        uri, _, upload_id = resource.uri.partition("?uploadId=")
        end = _end(uri, resource)
        self._stores(end).abort(end.key, upload_id)

    def _delete_image(self, resource: Resource) -> None:
        image_id = resource.uri.rpartition("/")[2]
        self._resolve(resource.provider, resource.region).delete_image(image_id)


def _was_begun(step: Step) -> bool:
    return step.intended_at is not None


def _end(uri: str, resource: Resource) -> End:
    scheme, separator, rest = uri.partition("://")
    if not separator:
        directory, _, name = uri.rpartition("/")
        return End("file", directory or "/", name)
    bucket, _, key = rest.partition("/")
    return End(scheme, bucket, key, resource.region, split_account(resource.provider)[1])
