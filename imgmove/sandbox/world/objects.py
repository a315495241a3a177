"""Both vendors' object stores: buckets, objects and multipart uploads. The wires put them into XML.

Every method takes `world.lock` itself where it needs it. The slow work on files (joining, slicing, checksums)
is done outside the lock, so call what stores bytes without holding it where others should be able to go on
meanwhile; calling it under the lock is correct all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.world.blobs import Blobs, Checksums
from imgmove.sandbox.world.lifecycle import carry_out
from imgmove.sandbox.world.listing import cut
from imgmove.sandbox.world.object_records import (
    Bucket,
    ObjectsState,
    Page,
    Part,
    Properties,
    StoredObject,
    Upload,
    etag_of_md5,
)
from imgmove.sandbox.world.store_errors import Reason, StoreError
from imgmove.sandbox.world.uploads import Uploads
from imgmove.sandbox.world.versions import Versions

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

__all__ = [
    "Bucket",
    "Checksums",
    "Objects",
    "Page",
    "Part",
    "Properties",
    "Reason",
    "StoreError",
    "StoredObject",
    "Upload",
]

STANDARD_CLASS = {"tencent": "STANDARD", "alibaba": "Standard"}


class Objects:
    """The contents of COS (vendor "tencent") and OSS ("alibaba")."""

    State = ObjectsState

    def __init__(self, world: World) -> None:
        self._world = world
        self.state = ObjectsState()
        self.blobs = Blobs(world.blobs)
        self.uploads = Uploads(world, self)
        self.versions = Versions(world, self)

    # Buckets

    def bucket(self, vendor: str, name: str) -> Bucket | None:
        """The vendor's bucket of that name, whoever owns it."""
        with self._world.lock:
            return self.state.buckets.get(f"{vendor}/{name}")

    def buckets(self, vendor: str, owner: str) -> Sequence[Bucket]:
        """The buckets of an account, by name."""
        with self._world.lock:
            found = [b for b in self.state.buckets.values() if (b.vendor, b.owner) == (vendor, owner)]
            return sorted(found, key=lambda bucket: bucket.name)

    def create_bucket(
        self, vendor: str, name: str, region: str, owner: str, *, acl: str = "private", storage_class: str = ""
    ) -> Bucket:
        """Creates a bucket. Raises StoreError BUCKET_OWNED or BUCKET_EXISTS (somebody else's) for a taken name."""
        with self._world.lock:
            taken = self.bucket(vendor, name)
            if taken:
                reason = Reason.BUCKET_OWNED if taken.owner == owner else Reason.BUCKET_EXISTS
                raise StoreError(reason, BucketName=name)
            kind = storage_class or STANDARD_CLASS[vendor]
            created = self._world.clock.wall()
            bucket = Bucket(name, vendor, region, owner, created, acl=acl, storage_class=kind)
            self.state.buckets[_id(bucket)] = bucket
            self.state.objects[_id(bucket)] = {}
            self._world.changed()
            return bucket

    def delete_bucket(self, bucket: Bucket) -> None:
        """Removes an empty bucket. Raises StoreError BUCKET_NOT_EMPTY while it has objects, versions or open uploads."""
        with self._world.lock:
            if self._keys(bucket) or self.versions.older(bucket) or self.uploads.of_bucket(bucket):
                raise StoreError(Reason.BUCKET_NOT_EMPTY, BucketName=bucket.name)
            self.state.buckets.pop(_id(bucket), None)
            self.state.objects.pop(_id(bucket), None)
            self.state.older_versions.pop(_id(bucket), None)
            self._world.changed()

    # Objects

    def put(
        self,
        bucket: Bucket,
        key: str,
        source: Path | bytes,
        properties: Properties | None = None,
        *,
        move: bool = False,
        checksums: Checksums | None = None,
        forbid_overwrite: bool = False,
        owner: str = "",
    ) -> StoredObject:
        """Stores bytes or a file under a key, whole, replacing what was there.

        `move` takes the file over instead of copying it. `checksums` saves computing them. `owner` is the
        writing account, the bucket's own by default. Raises StoreError OBJECT_EXISTS with `forbid_overwrite`
        where the key is taken, NO_SUCH_BUCKET when the bucket was deleted meanwhile.
        """
        checksums = checksums or Checksums.of(source)
        size_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
        blob = self.blobs.adopt(source, move=move)
        item = StoredObject(
            key=key,
            size_bytes=size_bytes,
            etag=etag_of_md5(bucket.vendor, checksums.md5),
            crc64=checksums.crc64,
            blob=blob,
            last_modified=self._world.clock.wall(),
            owner=owner or bucket.owner,
            properties=properties or Properties(),
        )
        return self.publish(bucket, item, forbid_overwrite)

    def copy(
        self,
        source: StoredObject,
        bucket: Bucket,
        key: str,
        properties: Properties,
        *,
        forbid_overwrite: bool = False,
        owner: str = "",
    ) -> StoredObject:
        """Stores an object's bytes under another key, or the same with other properties. Errors as of `put`.

        The copy is an object of one piece: a multipart source's ETag does not survive.
        """
        with self._world.lock:
            blob = self.blobs.link(source.blob)
        etag = source.etag
        if source.part_count:
            etag = etag_of_md5(bucket.vendor, Checksums.of(self.blobs.path(blob)).md5)
        item = replace(
            source,
            key=key,
            etag=etag,
            blob=blob,
            last_modified=self._world.clock.wall(),
            owner=owner or bucket.owner,
            part_count=0,
            properties=properties,
            restore_ready_at=None,
        )
        return self.publish(bucket, item, forbid_overwrite)

    def head(self, bucket: Bucket, key: str) -> StoredObject | None:
        """The object under a key."""
        with self._world.lock:
            return self._keys(bucket).get(key)

    def delete(self, bucket: Bucket, key: str) -> bool:
        """Removes the object under a key, or hides its versions behind a marker; False when there was none."""
        with self._world.lock:
            item = self._keys(bucket).pop(key, None)
            if item is None and bucket.versioning is None:
                return False
            self.versions.make_room(bucket, key, item)
            if bucket.versioning:
                self.versions.mark_deleted(bucket, key)
            self._world.changed()
            return item is not None

    def list(
        self, bucket: Bucket, prefix: str = "", delimiter: str = "", marker: str = "", max_keys: int = 1000
    ) -> Page:
        """One page of the objects whose keys begin with `prefix` and come behind `marker`, in order of keys."""
        with self._world.lock:
            keys = sorted(key for key in self._keys(bucket) if key.startswith(prefix))
            held = self._keys(bucket)
            entries = ((key, held[key]) for key in keys[bisect_right(keys, marker) if marker else 0 :])
            page = cut(entries, prefix, delimiter, marker, max_keys)
        return Page(page.items, page.prefixes, page.truncated, page.last_name if page.truncated else "")

    def path(self, item: StoredObject | Part) -> Path:
        """The file that holds the bytes of an object or a part. Not to be changed."""
        return self.blobs.path(item.blob)

    def settle(self) -> None:
        """Brings all buckets up to the sandbox's present: what their lifecycle rules ask for is done."""
        with self._world.lock:
            if carry_out(self, self._world.clock):
                self._world.changed()

    def readable(self, item: StoredObject) -> bool:
        """False for an archived object without a restored copy."""
        if not item.archived:
            return True
        return item.restore_ready_at is not None and item.restore_ready_at <= self._world.clock.now()

    def restore(self, item: StoredObject, seconds: float) -> None:
        """Begins to restore an archived object; readable after `seconds` of the sandbox's time."""
        with self._world.lock:
            item.restore_ready_at = self._world.clock.now() + seconds
            self._world.changed()

    def lose_upload(self, upload_id: str) -> bool:
        """Forgets an open upload as if somebody else had aborted it (a fault); False when there is none."""
        return self.uploads.lose(upload_id)

    # What the multipart uploads need

    def publish(self, bucket: Bucket, item: StoredObject, forbid_overwrite: bool) -> StoredObject:
        """Puts a finished record under its key, in one step. Errors as of `put`; the blob is then removed."""
        item.properties.storage_class = item.properties.storage_class or bucket.storage_class
        with self._world.lock:
            held = self.state.objects.get(_id(bucket))
            old = None if held is None else held.get(item.key)
            if held is None or (old and forbid_overwrite and not _overwrites_nothing(bucket)):
                self.blobs.drop([item.blob])
                raise StoreError(Reason.OBJECT_EXISTS if old else Reason.NO_SUCH_BUCKET, Key=item.key)
            item.stored_at = self._world.clock.now()
            self.versions.make_room(bucket, item.key, old)
            self.versions.stamp(bucket, item)
            held[item.key] = item
            self._world.changed()
            return item

    def sweep(self) -> int:
        """Removes files that no record names, as an interrupted run leaves them. Call before serving."""
        with self._world.lock:
            return self.blobs.sweep(self._named())

    def discard_all(self) -> None:
        """Discards the files of all objects and parts: for a world that is about to be emptied, also while serving."""
        with self._world.lock:
            for name in self._named():
                self._world.discard(self.blobs.path(name))

    def _named(self) -> set[str]:
        """The names of all blobs that records name."""
        held = {item.blob for objects in self.state.objects.values() for item in objects.values()}
        held |= {item.blob for items in self.state.older_versions.values() for item in items if item.blob}
        return held | {part.blob for upload in self.state.uploads.values() for part in upload.parts.values()}

    def held(self, bucket: Bucket, prefix: str = "") -> Sequence[StoredObject]:
        """All objects of a bucket whose keys begin with `prefix`, in no order."""
        with self._world.lock:
            return [item for key, item in self._keys(bucket).items() if key.startswith(prefix)]

    def _keys(self, bucket: Bucket) -> dict[str, StoredObject]:
        return self.state.objects.get(_id(bucket), {})


def _overwrites_nothing(bucket: Bucket) -> bool:
    """OSS ignores the wish not to overwrite in versioned buckets (alibaba.md 7.2)."""
    return bucket.vendor == "alibaba" and bucket.versioning is not None


def _id(bucket: Bucket) -> str:
    return f"{bucket.vendor}/{bucket.name}"
