"""What jobs left behind, from the journal: staged objects, open uploads, half-made images. Removed exactly, or listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imgmove.app.copying import End, Stores
from imgmove.app.resolve import split_account
from imgmove.core.errors import ImgmoveError
from imgmove.core.jobs import Job, Resource
from imgmove.core.ports import Journal
from imgmove.engine.clock import Clock
from imgmove.engine.steps import Resolve


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

    def remove(self, job: Job) -> list[tuple[Resource, ImgmoveError]]:
        """Remove everything of `leftovers_of(job)`; what could not be, with why."""
        left = []
        for resource in leftovers_of(job):
            remover = self._removers.get(resource.kind)
            if remover is None:
                continue
            try:
                remover(resource)
            except ImgmoveError as error:
                left.append((resource, error))
                continue
            self._journal.removed(job.id, resource.uri, self._clock.now())
        return left

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


def _end(uri: str, resource: Resource) -> End:
    scheme, separator, rest = uri.partition("://")
    if not separator:
        directory, _, name = uri.rpartition("/")
        return End("file", directory or "/", name)
    bucket, _, key = rest.partition("/")
    return End(scheme, bucket, key, resource.region, split_account(resource.provider)[1])
