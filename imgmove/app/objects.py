"""Looking at an object before it is handed to an importer: is it there, is it an image, is it what it is said to be?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from imgmove.core.address import LocalFile
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ObjectStore
from imgmove.images.guard import LIMIT_BYTES, inspect
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes, Read

Ask = Callable[[Callable[[], bytes]], bytes]
"""Asks a question that is safe to repeat, maybe more than once (`imgmove.engine.reads.Reads.ask`)."""


@dataclass(frozen=True)
class StoredImage:
    """An object that is looked at as an image: pinned by its ETag, so that every look is at the same bytes."""

    uri: str
    size_bytes: int
    read: Read

    @classmethod
    def of(cls, store: ObjectStore, key: str) -> StoredImage:
        """The object as it is now; NOT_FOUND where there is none. Its `read` raises CONFLICT once it has changed."""
        uri = (
            str(LocalFile(Path(store.bucket) / key))
            if store.scheme == "file"
            else f"{store.scheme}://{store.bucket}/{key}"
        )
        info = store.head(key)
        if info is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"there is no {'file' if store.scheme == 'file' else 'object'} {uri}", code="NoSuchKey",
                hint="check the path" if store.scheme == "file" else "check bucket, key and region",
            )  # fmt: skip
        return cls(uri, info.size_bytes, partial(_read_pinned, store, key, uri, info.etag))

    def patiently(self, ask: Ask) -> StoredImage:
        """The same image, whose every read goes through `ask`."""
        return replace(self, read=lambda offset, length: ask(partial(self.read, offset, length)))

    def guarded(self, declared: DiskFormat | None, *, system_disk: bool, limit_bytes: int = LIMIT_BYTES) -> Facts:
        """What the guard finds (`imgmove.images.guard.inspect`): a few small reads, 8 MiB at most in all."""
        image = ImageBytes(self.size_bytes, self.read)
        return inspect(self.uri, image, declared, system_disk=system_disk, limit_bytes=limit_bytes)


def look_at_image(
    store: ObjectStore, key: str, declared: DiskFormat | None, *, system_disk: bool, limit_bytes: int = LIMIT_BYTES
) -> Facts:
    """What an object is, found out with a HEAD and a few small reads (8 MiB at most in all), by the guard.

    Raises NOT_FOUND, or CORRUPT for an object that is empty, no image, of another format than it is said to be, or
    refused as hostile (`imgmove.images.guard`).
    """
    return StoredImage.of(store, key).guarded(declared, system_disk=system_disk, limit_bytes=limit_bytes)


def _read_pinned(store: ObjectStore, key: str, uri: str, etag: str, offset: int, length: int) -> bytes:
    try:
        return store.read(key, offset, length, etag)
    except ImgmoveError as error:
        if error.code != "PreconditionFailed":
            raise
        raise ImgmoveError(
            Kind.CONFLICT, f"{uri} changed while it was looked at", code="SourceChanged",
            hint="run the same command again when nobody writes it", request_id=error.request_id,
        ) from error  # fmt: skip
