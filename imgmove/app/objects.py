"""Looking at an object before it is handed to an importer: is it there, is it an image, is it what it is said to be?"""

from __future__ import annotations

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ObjectStore
from imgmove.images.guard import LIMIT_BYTES, inspect
from imgmove.images.headers.facts import Facts
from imgmove.images.headers.image_bytes import ImageBytes


def look_at_image(
    store: ObjectStore, key: str, declared: DiskFormat | None, *, system_disk: bool, limit_bytes: int = LIMIT_BYTES
) -> Facts:
    """What an object is, found out with a HEAD and a few small reads (8 MiB at most in all), by the guard.

    Raises NOT_FOUND, or CORRUPT for an object that is empty, no image, of another format than it is said to be, or
    refused as hostile (`imgmove.images.guard`).
    """
    uri = f"{store.scheme}://{store.bucket}/{key}"
    info = store.head(key)
    if info is None:
        raise ImgmoveError(
            Kind.NOT_FOUND, f"there is no object {uri}", code="NoSuchKey", hint="check bucket, key and region"
        )
    etag = info.etag

    def read(offset: int, length: int) -> bytes:
        try:
            return store.read(key, offset, length, etag)
        except ImgmoveError as error:
            if error.code != "PreconditionFailed":
                raise
            raise ImgmoveError(
                Kind.CONFLICT, f"{uri} changed while it was looked at", code="SourceChanged",
                hint="run the same command again when nobody writes it", request_id=error.request_id,
            ) from error  # fmt: skip

    image = ImageBytes(info.size_bytes, read)
    return inspect(uri, image, declared, system_disk=system_disk, limit_bytes=limit_bytes)
