"""Looking at an object before it is handed to an importer: is it there, is it an image, is it what it is said to be?"""

from __future__ import annotations

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.ports import ObjectStore
from imgmove.images.sniff import HEAD_BYTES, TAIL_BYTES, check_image


def look_at_image(store: ObjectStore, key: str, declared: DiskFormat | None, *, system_disk: bool) -> DiskFormat | None:
    """The format of an object, found out with a HEAD and one or two small reads.

    Raises NOT_FOUND, or CORRUPT for an object that is empty, no image, or of another format than it is said to be.
    """
    uri = f"{store.scheme}://{store.bucket}/{key}"
    info = store.head(key)
    if info is None:
        raise ImgmoveError(
            Kind.NOT_FOUND, f"there is no object {uri}", code="NoSuchKey", hint="check bucket, key and region"
        )
    head = store.read(key, 0, min(HEAD_BYTES, info.size_bytes), info.etag) if info.size_bytes else b""
    tail = b""
    if info.size_bytes > HEAD_BYTES:
        tail = store.read(key, info.size_bytes - TAIL_BYTES, TAIL_BYTES, info.etag)
    return check_image(uri, head, tail or head[-TAIL_BYTES:], declared, system_disk)
