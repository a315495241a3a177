"""Carrying out the lifecycle rules of buckets: objects expire or change their class, forgotten uploads are aborted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from imgmove.sandbox.world.lifecycle_rules import DAY_SECONDS, LifecycleRule, Transition
from imgmove.sandbox.world.versions import NULL

if TYPE_CHECKING:
    from imgmove.sandbox.clock import Clock
    from imgmove.sandbox.world.object_records import Bucket, StoredObject
    from imgmove.sandbox.world.objects import Objects

ROUNDING_SECONDS = 1e-3
"""Two moments that lie exactly so many days apart may differ by less in floating point."""


def carry_out(objects: Objects, clock: Clock) -> bool:
    """Does what the rules of all buckets ask for by now; False where that was nothing. Under `world.lock`."""
    changed = False
    for bucket in objects.state.buckets.values():
        for rule in (rule for rule in bucket.lifecycle if rule.enabled):
            changed |= _carry_out(objects, bucket, rule, clock)
    return changed


def _carry_out(objects: Objects, bucket: Bucket, rule: LifecycleRule, clock: Clock) -> bool:
    changed = False
    for item in objects.held(bucket, rule.prefix):
        if _expires(rule, item, clock):
            objects.delete(bucket, item.key)
            changed = True
        else:
            changed |= _move(rule.transitions, item, item.stored_at, clock)
    changed |= _old_versions(objects, bucket, rule, clock)
    return _abort_uploads(objects, bucket, rule, clock) or changed


def _old_versions(objects: Objects, bucket: Bucket, rule: LifecycleRule, clock: Clock) -> bool:
    changed = False
    for item in objects.versions.older(bucket, rule.prefix):
        alone = item.delete_marker and len(list(objects.versions.of_key(bucket, item.key))) == 1
        expired = rule.expire_delete_markers if alone else _due(rule.noncurrent_expire_days, item.noncurrent_at, clock)
        if expired:
            objects.versions.remove(bucket, item.key, item.version_id or NULL)
            changed = True
        elif not item.delete_marker:
            changed |= _move(rule.noncurrent_transitions, item, item.noncurrent_at, clock)
    return changed


def _expires(rule: LifecycleRule, item: StoredObject, clock: Clock) -> bool:
    return _due(rule.expire_days, item.stored_at, clock) or _dated(rule.expire_date, item, clock)


def _move(transitions: list[Transition], item: StoredObject, since: float, clock: Clock) -> bool:
    """Takes an object to the class of the latest transition that is due."""
    due = [each for each in transitions if _due(each.days, since, clock) or _dated(each.date, item, clock)]
    target = max(due, key=lambda each: each.days or 0).storage_class if due else item.storage_class
    if target == item.storage_class:
        return False
    item.properties.storage_class, item.restore_ready_at = target, None
    return True


def _abort_uploads(objects: Objects, bucket: Bucket, rule: LifecycleRule, clock: Clock) -> bool:
    late = [
        upload
        for upload in objects.uploads.of_bucket(bucket)
        if upload.key.startswith(rule.prefix) and _due(rule.abort_upload_days, upload.begun_at, clock)
    ]
    for upload in late:
        objects.uploads.lose(upload.upload_id)
    return bool(late)


def _due(days: int | None, since: float, clock: Clock) -> bool:
    return days is not None and clock.now() - since > days * DAY_SECONDS - ROUNDING_SECONDS


def _dated(date: str, item: StoredObject, clock: Clock) -> bool:
    if not date:
        return False
    return item.last_modified < datetime.fromisoformat(date).timestamp() <= clock.wall()
