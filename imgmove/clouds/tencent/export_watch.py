"""Following an export: no call tells of its task, so the images' states and the objects in the bucket do (1.1).

Finding one again whose answer was lost: an object, or an unfinished upload, whose name begins with our prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from imgmove.clouds.tencent import cvm_images
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.cvm_images import EXPORTING, CvmImage
from imgmove.clouds.tencent.export_target import (
    CLOCK_SLACK_SECONDS,
    ExportTarget,
    artifact_of,
    details_of,
    disk_of_name,
    mark_of,
)
from imgmove.clouds.tencent.image_watch import LOOKS_UNTIL_GONE
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, UploadInfo
from imgmove.core.requests import Operation
from imgmove.core.tasks import Artifact, Handle, TaskReport, TaskState

T = TypeVar("T")

#: An image that was EXPORTING and is not any more: its objects may show this much later.
EXPORT_GRACE_SECONDS: Final = 600.0
#: Where EXPORTING never showed, nothing tells a long export from a failed one; Terraform waits as long.
UNSEEN_EXPORT_GRACE_SECONDS: Final = 3600.0

#: An object that was last written so long ago does not grow any more.
STABLE_SECONDS: Final = 60.0

#: States in which an image is certainly not being exported.
_AT_REST: Final = frozenset({"NORMAL", "USING", "SYNCING", ""})


@dataclass(frozen=True)
class _Look:
    """What one look has shown."""

    states: Mapping[str, str]
    """Image id to the vendor's word; images that are gone are missing."""
    objects: Mapping[str, ObjectInfo]
    expected: int
    missing_images: tuple[str, ...]
    """Images that are gone and have not all of their objects."""

    @property
    def word(self) -> str:
        return ", ".join(dict.fromkeys(self.states.values()))

    @property
    def is_busy(self) -> bool:
        """An unknown word may mean an export, too."""
        return any(word not in _AT_REST for word in self.states.values())

    @property
    def is_complete(self) -> bool:
        return len(self.objects) >= self.expected and all(info.size_bytes for info in self.objects.values())

    def is_old(self, now: float) -> bool:
        """Were all objects last written a while ago? Then the second look would show the same."""
        return all(0 < info.last_modified < now - STABLE_SECONDS for info in self.objects.values())

    @property
    def marks(self) -> dict[str, list[Any]]:
        return {key: [info.size_bytes, info.etag] for key, info in sorted(self.objects.items())}


class ExportWatch:
    """Looks at exports in one region. Safe to use from several threads."""

    def __init__(
        self, api: Api, store: Callable[[str], ObjectStore], now: Callable[[], float], grace_seconds: float | None
    ) -> None:
        self._api = api
        self._store = store
        self._now = now
        self._grace_seconds = grace_seconds

    # --------------------------------------------------------------------------------------------------- poll

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        """One look (`ComputeProvider.poll`)."""
        target = ExportTarget.of(handle.details)
        images = cvm_images.by_ids(self._api, target.image_ids)
        disks = {**memo.get("disks", {}), **_disks(images, root_disk_only=target.root_disk_only)}
        look = self._look(target, handle, images, disks)
        kept: dict[str, Any] = {
            "disks": disks,
            "objects": look.marks,
            "shown": bool(memo.get("shown")) or EXPORTING in look.states.values(),
        }
        if look.is_complete and not look.is_busy:
            if memo.get("objects") != look.marks and not look.is_old(self._now()):
                return self._going(handle, look, "exported; looking whether the objects are stable", kept)
            return TaskReport(
                TaskState.SUCCEEDED, progress=100, vendor_state=look.word, task_id=handle.task_id,
                request_id=handle.request_id, artifacts=self._artifacts(target, look), memo=kept,
            )  # fmt: skip
        return self._unfinished(handle, target, look, memo, kept)

    def _look(
        self, target: ExportTarget, handle: Handle, images: Mapping[str, CvmImage], disks: Mapping[str, int]
    ) -> _Look:
        try:
            seen = self._named(target) if target.keys else self._listed(target)
            objects = {info.key: info for info in seen if target.is_fresh(info, handle.submitted_at)}
        except ImgmoveError as error:
            if error.kind is not Kind.DENIED:
                raise
            raise error.with_hint(
                f"the export goes on, but its objects cannot be looked at: grant cos:HeadObject and cos:GetBucket "
                f"on {target.bucket}"
            ) from error
        counts = {image_id: self._count(target, image_id, disks) for image_id in target.image_ids}
        have = {image_id: sum(image_id in key for key in objects) for image_id in target.image_ids}
        expected = len(target.keys) or sum(counts.values())
        gone = tuple(item for item in target.image_ids if item not in images and have[item] < counts[item])
        return _Look({item: image.word for item, image in images.items()}, objects, expected, gone)

    @staticmethod
    def _count(target: ExportTarget, image_id: str, disks: Mapping[str, int]) -> int:
        """How many objects an image will have: those that CVM has named, else as many as it has disks."""
        return sum(image_id in key for key in target.keys) or (0 if target.keys else disks.get(image_id, 1))

    def _named(self, target: ExportTarget) -> Iterator[ObjectInfo]:
        store = self._store(target.bucket)
        try:
            found = [store.head(key) for key in target.keys]
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return iter(())  # CVM has accepted the bucket: one that is gone fails the export in the end
        return (info for info in found if info is not None)

    def _listed(self, target: ExportTarget) -> Iterator[ObjectInfo]:
        store = self._store(target.bucket)
        for beginning in target.beginnings.values():
            for info in store.list(beginning):
                if not target.root_disk_only or disk_of_name(info.key) != "data":
                    # a list carries no checksum
                    yield store.head(info.key) or info

    def _unfinished(
        self, handle: Handle, target: ExportTarget, look: _Look, memo: Mapping[str, Any], kept: dict[str, Any]
    ) -> TaskReport:
        if look.missing_images:
            kept["missed"] = int(memo.get("missed") or 0) + 1
            if kept["missed"] >= LOOKS_UNTIL_GONE:
                gone = ", ".join(look.missing_images)
                return self._failed(handle, target, look, "ImageVanished", f"the image {gone} is gone")
        message = f"{len(look.objects)} of {look.expected} objects are in cos://{target.bucket}"
        if look.is_busy or look.missing_images:
            return self._going(handle, look, message, kept)
        kept["written"] = self._written(target, look, handle.submitted_at)
        grows = kept["written"] and kept["written"] != memo.get("written")
        kept["rests_since"] = self._now() if grows else float(memo.get("rests_since") or self._now())
        if self._now() - kept["rests_since"] > self._grace(shown=kept["shown"]):
            return self._failed(handle, target, look, "ExportIncomplete", f"CVM works on it no more, and {message}")
        return self._going(handle, look, message, kept)

    def _grace(self, *, shown: bool) -> float:
        if self._grace_seconds is not None:
            return self._grace_seconds
        return EXPORT_GRACE_SECONDS if shown else UNSEEN_EXPORT_GRACE_SECONDS

    def _written(self, target: ExportTarget, look: _Look, since: float) -> dict[str, int]:
        """How many parts the unfinished uploads of missing objects have: while they grow, CVM is still writing."""
        store = self._store(target.bucket)
        waiting = [upload for upload in self._uploads(target, since) if upload.key not in look.objects]
        return {
            upload.upload_id: len(_if_allowed(partial(store.parts, upload.key, upload.upload_id))) for upload in waiting
        }

    def _uploads(self, target: ExportTarget, since: float) -> list[UploadInfo]:
        """Unfinished uploads of objects with this export's names, begun at or after `since`."""
        store = self._store(target.bucket)
        found = [
            upload for beginning in target.beginnings.values()
            for upload in _if_allowed(partial(store.uploads, beginning))
        ]  # fmt: skip
        begun = since - CLOCK_SLACK_SECONDS
        return [item for item in found if not target.own_prefix or not 0 < item.initiated < begun]

    def _going(self, handle: Handle, look: _Look, message: str, memo: dict[str, Any]) -> TaskReport:
        return TaskReport(
            TaskState.RUNNING, vendor_state=look.word, message=message, task_id=handle.task_id,
            request_id=handle.request_id, memo=memo,
        )  # fmt: skip

    def _failed(self, handle: Handle, target: ExportTarget, look: _Look, code: str, message: str) -> TaskReport:
        error = ImgmoveError(
            Kind.FAILED, message, code=code, request_id=handle.request_id,
            hint="CVM gives no reason: look into the console's message centre, check that its role may write the "
            "bucket and that no rule of the bucket removes objects; then export again",
        )  # fmt: skip
        return TaskReport(
            TaskState.FAILED, vendor_state=look.word, task_id=handle.task_id, request_id=handle.request_id,
            artifacts=self._artifacts(target, look), error=error,
        )  # fmt: skip

    @staticmethod
    def _artifacts(target: ExportTarget, look: _Look) -> tuple[Artifact, ...]:
        """The objects in CVM's order, else by name with the system disk first."""
        order = {key: number for number, key in enumerate(target.keys)}
        keys = sorted(look.objects, key=lambda key: (order.get(key, 0), disk_of_name(key) != "system", key))
        return tuple(artifact_of(target, look.objects[key]) for key in keys)

    # --------------------------------------------------------------------------------------------------- find

    def find(self, target: ExportTarget, since: float) -> Handle | None:
        """The export that writes to `target`, begun at or after `since`; None where nothing of it shows.

        CONFLICT (look again) while one of the images is being exported: whose export that is nobody can say, and
        whoever sent another would be refused. A look after its end tells.
        """
        if self._shows_object(target, since) or self._uploads(target, since):
            return Handle(Operation.EXPORT, self._api.region, submitted_at=since, details=details_of(target))
        images = cvm_images.by_ids(self._api, target.image_ids)
        busy = [image.id for image in images.values() if image.word == EXPORTING]
        if busy:
            raise ImgmoveError(
                Kind.CONFLICT, f"{', '.join(busy)} is being exported, and CVM does not say by whom",
                code="ExportNotAttributable", hint="look again when that export has ended; nothing is sent meanwhile",
            )  # fmt: skip
        return None

    def _shows_object(self, target: ExportTarget, since: float) -> bool:
        try:
            return any(target.is_fresh(info, since) for info in self._listed(target))
        except ImgmoveError as error:
            if error.kind is Kind.NOT_FOUND:
                return False  # no bucket, no export to it
            raise

    def marks_before(self, target: ExportTarget) -> dict[str, list[Any]] | None:
        """What an earlier export to the same names has left; None where the bucket cannot be looked at.

        Never fails: what is wrong with the bucket is CVM's to say.
        """
        if not target.own_prefix:
            return {}
        store = self._store(target.bucket)
        try:
            return {
                info.key: mark_of(store.head(info.key) or info)
                for beginning in target.beginnings.values()
                for info in store.list(beginning)
            }
        except ImgmoveError:
            return None


def _if_allowed(entries: Callable[[], Iterable[T]]) -> list[T]:
    """All of a list; empty where it is closed to us: whoever may read objects may not be allowed to list uploads."""
    try:
        return list(entries())
    except ImgmoveError as error:
        if error.is_passing and error.code != "NotTheService":
            raise
        return []


def _disks(images: Mapping[str, CvmImage], *, root_disk_only: bool) -> dict[str, int]:
    """How many disks each image has."""
    return {image_id: 1 if root_disk_only else max(1, len(image.snapshots)) for image_id, image in images.items()}
