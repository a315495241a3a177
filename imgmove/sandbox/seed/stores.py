"""Buckets and objects of a seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.seed import alibaba, tencent
from imgmove.sandbox.seed.errors import SeedError
from imgmove.sandbox.seed.tables import BucketTable, LifecycleTable, ObjectTable
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule, Transition
from imgmove.sandbox.world.object_records import Bucket, Properties
from imgmove.sandbox.world.objects import STANDARD_CLASS
from imgmove.sandbox.world.versions import NULL

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

OWNERS = {"tencent": tencent.UIN, "alibaba": alibaba.ACCOUNT}
REGIONS = {"tencent": tencent.REGION, "alibaba": alibaba.REGION}
_AS_THEY_ARE = (
    "region", "owner", "acl", "storage_class", "multi_az", "redundancy", "block_public_access",
    "public_endpoint_forbidden", "policy",
)  # fmt: skip
"""Settings of a bucket that have the same name in a seed."""


def sow_bucket(world: World, table: BucketTable) -> None:
    """Makes a bucket or changes the one of that name."""
    objects, vendor = world.objects, table.provider
    bucket = objects.bucket(vendor, table.name)
    if table.absent:
        if bucket is not None:
            _take_away(world, bucket)
        return
    if bucket is None:
        owner, region = table.owner or OWNERS[vendor], table.region or REGIONS[vendor]
        bucket = objects.create_bucket(vendor, table.name, region, owner, storage_class=STANDARD_CLASS[vendor])
    _change(bucket, table)
    world.changed()


def _change(bucket: Bucket, table: BucketTable) -> None:
    for name in _AS_THEY_ARE:
        value = getattr(table, name)
        if value not in (None, "") or (name == "policy" and value == ""):
            setattr(bucket, name, value)
    if table.encryption is not None:
        bucket.encryption = table.encryption or None
    if table.versioning is not None:
        bucket.versioning = table.versioning or None
    if table.lifecycle is not None:
        bucket.lifecycle = [_rule(each) for each in table.lifecycle]


def _rule(table: LifecycleTable) -> LifecycleRule:
    moved = [Transition(table.transition_class, table.transition_days)] if table.transition_class else []
    rule = LifecycleRule(
        table.id,
        table.prefix,
        table.enabled,
        expire_days=table.expire_days,
        transitions=moved,
        abort_upload_days=table.abort_upload_days,
    )
    if not rule.does_something or (moved and table.transition_days is None):
        raise SeedError(f"rule {table.id!r} does nothing: say expire_days, abort_upload_days, or a transition's two")
    return rule


def _take_away(world: World, bucket: Bucket) -> None:
    for upload in world.objects.uploads.of_bucket(bucket):
        world.objects.lose_upload(upload.upload_id)
    bucket.versioning = None
    for item in world.objects.held(bucket):
        world.objects.delete(bucket, item.key)
    for item in world.objects.versions.older(bucket):
        world.objects.versions.remove(bucket, item.key, item.version_id or NULL)
    world.objects.delete_bucket(bucket)


def sow_object(world: World, table: ObjectTable, folder: Path | None) -> None:
    """Stores an object. `folder` is where its file is looked for; None takes no files."""
    bucket = world.objects.bucket(table.provider, table.bucket)
    if bucket is None:
        raise SeedError(f"there is no bucket {table.bucket!r}")
    properties = Properties(storage_class=table.storage_class)
    try:
        if table.file:
            world.objects.put(bucket, table.key, seed_file(folder, table.file), properties)
        else:
            world.objects.put(bucket, table.key, table.text.encode() or bytes(table.size_bytes), properties)
    except OSError as error:
        raise SeedError(f"{table.file}: {error.strerror}") from error


def seed_file(folder: Path | None, name: str) -> Path:
    """A file that a seed names. Raises SeedError where none may be named: everybody on the machine may ask the control
    port, and must not get at files by it."""
    if folder is None:
        raise SeedError(f"file = {name!r}: only a seed file may name files")
    return folder / name
