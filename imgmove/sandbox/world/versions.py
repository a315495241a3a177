"""Versioned buckets: what overwriting and deleting leaves behind in them, older versions and delete markers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from imgmove.sandbox.world.listing import cut
from imgmove.sandbox.world.object_records import Bucket, StoredObject

if TYPE_CHECKING:
    from imgmove.sandbox.world import World
    from imgmove.sandbox.world.objects import Objects

NULL = "null"
"""How both vendors call the version of what was put without versioning."""


@dataclass(frozen=True)
class Version:
    """A version as it is listed."""

    item: StoredObject
    latest: bool

    @property
    def shown_id(self) -> str:
        """Its id, as the vendors show it."""
        return self.item.version_id or NULL


@dataclass(frozen=True)
class VersionPage:
    """One page of a listing of versions: by key, the newest first."""

    versions: list[Version]
    prefixes: list[str]
    truncated: bool
    next_key: str
    next_version_id: str


class Versions:
    """The older versions of all buckets; reached as `world.objects.versions`. Every method is called under the lock."""

    def __init__(self, world: World, objects: Objects) -> None:
        self._world = world
        self._objects = objects

    def make_room(self, bucket: Bucket, key: str, old: StoredObject | None) -> None:
        """Puts away what was under a key, or removes it where the bucket keeps no versions of it."""
        if old is not None and (bucket.versioning == "Enabled" or (bucket.versioning and old.version_id)):
            old.noncurrent_at = self._world.clock.now()
            self._older(bucket).append(old)
        elif old is not None:
            self._drop(old)
        if bucket.versioning == "Suspended":
            for item in [i for i in self._older(bucket) if (i.key, i.version_id) == (key, "")]:
                self._take(bucket, item)

    def stamp(self, bucket: Bucket, item: StoredObject) -> None:
        """Gives a new version its id."""
        item.version_id = token_urlsafe(24).replace("-", "0") if bucket.versioning == "Enabled" else ""

    def mark_deleted(self, bucket: Bucket, key: str) -> StoredObject:
        """Puts a delete marker on top of a key's versions."""
        now = self._world.clock.wall()
        marker = StoredObject(key, 0, "", None, "", now, bucket.owner, delete_marker=True)
        marker.noncurrent_at = self._world.clock.now()
        self.stamp(bucket, marker)
        self._older(bucket).append(marker)
        return marker

    def find(self, bucket: Bucket, key: str, shown_id: str) -> StoredObject | None:
        """The version of that id, also a delete marker."""
        found = (each.item for each in self.of_key(bucket, key) if each.shown_id == shown_id)
        return next(found, None)

    def marker(self, bucket: Bucket, key: str) -> StoredObject | None:
        """The delete marker that hides a key, if one does."""
        newest = next(self.of_key(bucket, key), None)
        return newest.item if newest and newest.item.delete_marker else None

    def of_key(self, bucket: Bucket, key: str) -> Iterator[Version]:
        """The versions of one key, the newest first."""
        current = self._objects.head(bucket, key)
        older = [item for item in reversed(self._older(bucket)) if item.key == key]
        for number, item in enumerate([*([current] if current else []), *older]):
            yield Version(item, latest=number == 0)

    def remove(self, bucket: Bucket, key: str, shown_id: str) -> StoredObject | None:
        """Removes one version for good; where it was the newest, the one before comes back."""
        found = self.find(bucket, key, shown_id)
        if found is None:
            return None
        held = self._objects.state.objects[f"{bucket.vendor}/{bucket.name}"]
        if held.get(key) is found:
            del held[key]
            self._drop(found)
        else:
            self._take(bucket, found)
        self._bring_back(bucket, key, held)
        self._world.changed()
        return found

    def _bring_back(self, bucket: Bucket, key: str, held: dict[str, StoredObject]) -> None:
        newest = next(self.of_key(bucket, key), None)
        if newest is not None and key not in held and not newest.item.delete_marker:
            self._older(bucket).remove(newest.item)
            held[key] = newest.item

    def page(self, bucket: Bucket, prefix: str, delimiter: str, after: tuple[str, str], limit: int) -> VersionPage:
        """One page of all versions behind `after`, a key and a version's id, "" for none of the key's own."""
        keys = {item.key for item in self._older(bucket)} | {item.key for item in self._objects.held(bucket)}
        entries = [(key, each) for key in sorted(keys) for each in self.of_key(bucket, key)]
        page = cut(_behind(entries, *after), prefix, delimiter, after[0], limit)
        last = page.items[-1].shown_id if page.items and page.items[-1].item.key == page.last_name else ""
        return VersionPage(page.items, page.prefixes, page.truncated, page.last_name, last)

    def older(self, bucket: Bucket, prefix: str = "") -> list[StoredObject]:
        """The versions and markers of a bucket that are not what is under their keys, oldest first."""
        return [item for item in self._older(bucket) if item.key.startswith(prefix)]

    def _older(self, bucket: Bucket) -> list[StoredObject]:
        return self._objects.state.older_versions.setdefault(f"{bucket.vendor}/{bucket.name}", [])

    def _take(self, bucket: Bucket, item: StoredObject) -> None:
        older = self._older(bucket)
        del older[next(number for number, each in enumerate(older) if each is item)]
        self._drop(item)

    def _drop(self, item: StoredObject) -> None:
        if item.blob:
            self._objects.blobs.retire(item.blob, self._world.clock.wall())


def _behind(entries: list[tuple[str, Version]], key: str, version_id: str) -> list[tuple[str, Version]]:
    if not key:
        return entries
    if version_id:
        for number, (name, each) in enumerate(entries):
            if (name, each.shown_id) == (key, version_id):
                return entries[number + 1 :]
    return [entry for entry in entries if entry[0] > key]
