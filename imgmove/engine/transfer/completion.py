"""The end of an upload: completing it once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectInfo, ObjectStore, PartInfo
from imgmove.engine.transfer.mending import corrupt, lost_upload, name_of
from imgmove.engine.transfer.surroundings import Surroundings


def complete(
    destination: ObjectStore,
    key: str,
    upload_id: str,
    parts: Sequence[PartInfo],
    is_it: Callable[[ObjectInfo], bool],
    around: Surroundings,
) -> ObjectInfo:
    """Complete the upload; the object.

    Where the answer is lost, or the upload is not known any more, the object tells whether it took effect: `is_it`
    says whether what is there now is what the parts make. CONFLICT where somebody else aborted the upload.
    """
    name, tries = name_of(destination, key), 0
    while True:
        try:
            return _with_crc(destination, key, destination.finish(key, upload_id, parts), around)
        except ImgmoveError as error:
            is_gone = error.kind is Kind.NOT_FOUND and error.code != "NoSuchBucket"
            if error.maybe_applied or is_gone:
                found = around.ask(lambda: destination.head(key), f"looking at {name}")
                if found is not None and is_it(found):
                    return found
            if is_gone:
                raise lost_upload(name) from error
            tries += 1
            around.pause(error, tries, f"completing the upload to {name}")


def _with_crc(destination: ObjectStore, key: str, finished: ObjectInfo, around: Surroundings) -> ObjectInfo:
    """The object with its CRC-64: an answer that began before the work was done could not carry it."""
    if finished.crc64 is not None:
        return finished
    found = around.ask(lambda: destination.head(key), f"looking at {name_of(destination, key)}")
    return found if found is not None and found.etag == finished.etag else finished


def remove_wrong(destination: ObjectStore, key: str, around: Surroundings) -> None:
    """Remove a finished object that is not what it should be. CORRUPT where it stays."""
    name = name_of(destination, key)
    try:
        around.ask(lambda: destination.delete(key), f"removing {name}")
    except ImgmoveError as error:
        raise corrupt(
            name, f"the finished object differs from its source, and could not be removed: {error}"
        ) from error
