"""Multipart uploads of both vendors: parts as blobs, listed by pages, joined into objects or given up."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from imgmove.sandbox import crc
from imgmove.sandbox.world.blobs import Checksums
from imgmove.sandbox.world.listing import cut
from imgmove.sandbox.world.object_records import (
    Bucket,
    Part,
    PartPage,
    Properties,
    StoredObject,
    Upload,
    UploadPage,
    etag_of_md5,
)
from imgmove.sandbox.world.store_errors import Reason, StoreError

if TYPE_CHECKING:
    from imgmove.sandbox.world import World
    from imgmove.sandbox.world.objects import Objects


class Uploads:
    """The open uploads of all buckets; reached as `world.objects.uploads`."""

    def __init__(self, world: World, objects: Objects) -> None:
        self._world = world
        self._objects = objects
        self._idle = threading.Condition(world.lock)
        self._busy: set[str] = set()

    def begin(self, bucket: Bucket, key: str, properties: Properties | None = None, *, owner: str = "") -> Upload:
        """Begins a multipart upload."""
        with self._world.lock:
            upload = Upload(
                upload_id=_upload_id(bucket.vendor),
                vendor=bucket.vendor,
                bucket=bucket.name,
                key=key,
                initiated=self._world.clock.wall(),
                begun_at=self._world.clock.now(),
                owner=owner or bucket.owner,
                properties=properties or Properties(),
            )
            self._objects.state.uploads[upload.upload_id] = upload
            self._world.changed()
            return upload

    def upload(self, bucket: Bucket, key: str, upload_id: str) -> Upload:
        """The open upload of that id to that key. Raises StoreError NO_SUCH_UPLOAD."""
        with self._world.lock:
            upload = self._objects.state.uploads.get(upload_id)
            if not upload or (upload.vendor, upload.bucket, upload.key) != (bucket.vendor, bucket.name, key):
                raise StoreError(Reason.NO_SUCH_UPLOAD, UploadId=upload_id)
            return upload

    def put_part(
        self,
        bucket: Bucket,
        key: str,
        upload_id: str,
        number: int,
        source: Path | bytes,
        *,
        move: bool = False,
        checksums: Checksums | None = None,
    ) -> Part:
        """Stores a part, replacing the one of that number. Raises StoreError NO_SUCH_UPLOAD."""
        self.upload(bucket, key, upload_id)
        checksums = checksums or Checksums.of(source)
        size_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
        blob = self._objects.blobs.adopt(source, move=move)
        return self._keep_part(bucket, key, upload_id, (number, size_bytes, blob, checksums))

    def copy_part(
        self, bucket: Bucket, key: str, upload_id: str, number: int, source: StoredObject, offset: int, length: int
    ) -> Part:
        """Stores `length` bytes of an object from `offset` on as a part. Raises StoreError NO_SUCH_UPLOAD."""
        with self._world.lock:
            self.upload(bucket, key, upload_id)
            held = self._objects.blobs.link(source.blob)  # stays readable if the source is overwritten meanwhile
        try:
            blob, checksums = self._objects.blobs.slice(held, offset, length)
        finally:
            self._objects.blobs.drop([held])
        return self._keep_part(bucket, key, upload_id, (number, length, blob, checksums))

    def list_parts(
        self, bucket: Bucket, key: str, upload_id: str, after_number: int = 0, max_parts: int = 1000
    ) -> PartPage:
        """One page of an upload's parts behind `after_number`, in order. Raises StoreError NO_SUCH_UPLOAD."""
        with self._world.lock:
            parts = self.upload(bucket, key, upload_id).parts
            numbers = sorted(number for number in parts if number > after_number)
            page = [parts[number] for number in numbers[:max_parts]]
        return PartPage(page, 0 < max_parts < len(numbers), page[-1].number if page else 0)

    def list_uploads(
        self,
        bucket: Bucket,
        prefix: str = "",
        delimiter: str = "",
        key_marker: str = "",
        upload_id_marker: str = "",
        max_uploads: int = 1000,
    ) -> UploadPage:
        """One page of a bucket's open uploads by key, then id.

        Behind `key_marker`; with `upload_id_marker` also those of that very key with a greater id.
        """
        with self._world.lock:
            entries = sorted(((u.key, u.upload_id), u) for u in self.of_bucket(bucket))
        begin = (key_marker, upload_id_marker)
        behind = [
            (key, upload)
            for (key, upload_id), upload in entries
            if (key > key_marker if not upload_id_marker else (key, upload_id) > begin)
        ]
        page = cut(behind, prefix, delimiter, key_marker, max_uploads)
        if not page.truncated:
            return UploadPage(page.items, page.prefixes, False, "", "")
        last = page.items[-1] if page.items and page.items[-1].key == page.last_name else None
        return UploadPage(page.items, page.prefixes, True, page.last_name, last.upload_id if last else "")

    def complete(
        self,
        bucket: Bucket,
        key: str,
        upload_id: str,
        wanted: list[tuple[int, str]] | None,
        *,
        minimum_part_bytes: int,
        forbid_overwrite: bool = False,
    ) -> StoredObject:
        """Makes the object of the parts `wanted`, (number, ETag) in ascending order; None takes all there are.

        The upload and all its parts are gone afterwards, and stay as they were on an error. Raises StoreError
        NO_SUCH_UPLOAD, NO_PARTS, INVALID_PART (absent, or another ETag), INVALID_PART_ORDER, PART_TOO_SMALL (any
        but the last below `minimum_part_bytes`), OBJECT_EXISTS.
        """
        with self._exclusively(upload_id):
            upload = self.upload(bucket, key, upload_id)
            parts = _chosen(upload, wanted, minimum_part_bytes)
            if forbid_overwrite and bucket.versioning is None and self._objects.head(bucket, key):
                raise StoreError(Reason.OBJECT_EXISTS, Key=key)
            item = self._joined(upload, parts)
            with self._world.lock:
                published = self._objects.publish(bucket, item, forbid_overwrite)
                self._forget(upload_id)
        return published

    def abort(self, bucket: Bucket, key: str, upload_id: str) -> None:
        """Gives an upload up and removes its parts. Raises StoreError NO_SUCH_UPLOAD."""
        with self._world.lock:
            self._wait_until_idle(upload_id)
            self.upload(bucket, key, upload_id)
            self._forget(upload_id)
            self._world.changed()

    def lose(self, upload_id: str) -> bool:
        """Forgets an upload as if somebody else had aborted it (a fault); False when there is none."""
        with self._world.lock:
            self._wait_until_idle(upload_id)
            found = upload_id in self._objects.state.uploads
            self._forget(upload_id)
            self._world.changed()
            return found

    def of_bucket(self, bucket: Bucket) -> list[Upload]:
        """The open uploads of one bucket, in no order."""
        uploads = self._objects.state.uploads.values()
        return [u for u in uploads if (u.vendor, u.bucket) == (bucket.vendor, bucket.name)]

    def _keep_part(self, bucket: Bucket, key: str, upload_id: str, made: tuple[int, int, str, Checksums]) -> Part:
        number, size_bytes, blob, checksums = made
        part = Part(
            number=number,
            size_bytes=size_bytes,
            etag=etag_of_md5(bucket.vendor, checksums.md5),
            md5=checksums.md5.hex(),
            crc64=checksums.crc64,
            blob=blob,
            last_modified=self._world.clock.wall(),
        )
        with self._world.lock:
            self._wait_until_idle(upload_id)
            try:
                parts = self.upload(bucket, key, upload_id).parts
            except StoreError:
                self._objects.blobs.drop([blob])
                raise
            old, parts[number] = parts.get(number), part
            if old:
                self._world.discard(self._objects.blobs.path(old.blob))
            self._world.changed()
        return part

    def _joined(self, upload: Upload, parts: list[Part]) -> StoredObject:
        return StoredObject(
            key=upload.key,
            size_bytes=sum(part.size_bytes for part in parts),
            etag=_etag_of_parts(upload.vendor, parts),
            crc64=crc.combine_all([(part.crc64, part.size_bytes) for part in parts]),
            blob=self._objects.blobs.join([part.blob for part in parts]),
            last_modified=self._world.clock.wall(),
            owner=upload.owner,
            part_count=len(parts),
            properties=upload.properties,
        )

    def _forget(self, upload_id: str) -> None:
        upload = self._objects.state.uploads.pop(upload_id, None)
        if upload:
            for part in upload.parts.values():
                self._world.discard(self._objects.blobs.path(part.blob))
            self._world.changed()

    @contextmanager
    def _exclusively(self, upload_id: str) -> Iterator[None]:
        """Keeps everybody else's hands off an upload while its parts are joined outside the lock."""
        with self._world.lock:
            self._wait_until_idle(upload_id)
            self._busy.add(upload_id)
        try:
            yield
        finally:
            with self._world.lock:
                self._busy.discard(upload_id)
                self._idle.notify_all()

    def _wait_until_idle(self, upload_id: str) -> None:
        self._idle.wait_for(lambda: upload_id not in self._busy)


def _upload_id(vendor: str) -> str:
    return token_hex(32) if vendor == "tencent" else token_hex(16).upper()


def _etag_of_parts(vendor: str, parts: list[Part]) -> str:
    """Not the MD5 of the object: `…-N` (tencent.md 6, alibaba.md 7.2)."""
    joined = b"".join(bytes.fromhex(part.md5) for part in parts)
    return f"{etag_of_md5(vendor, hashlib.md5(joined).digest())}-{len(parts)}"


def _chosen(upload: Upload, wanted: list[tuple[int, str]] | None, minimum_part_bytes: int) -> list[Part]:
    """The parts to complete an upload with, after every check of the list."""
    if wanted is None:
        wanted = [(number, upload.parts[number].etag) for number in sorted(upload.parts)]
    if not wanted:
        raise StoreError(Reason.NO_PARTS, UploadId=upload.upload_id)
    numbers = [number for number, _ in wanted]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise StoreError(Reason.INVALID_PART_ORDER, UploadId=upload.upload_id)
    for number, etag in wanted:
        part = upload.parts.get(number)
        if part is None or part.etag.lower() != etag.strip('"').lower():
            raise StoreError(Reason.INVALID_PART, UploadId=upload.upload_id, PartNumber=number, PartEtag=etag)
    parts = [upload.parts[number] for number in numbers]
    for part in parts[:-1]:
        if part.size_bytes < minimum_part_bytes:
            raise StoreError(
                Reason.PART_TOO_SMALL,
                ETag=part.etag,
                PartNumber=part.number,
                MinSizeAllowed=minimum_part_bytes,
                ProposedSize=part.size_bytes,
            )
    return parts
