"""What both clouds hold, in one plain document: for people, tests and the control port. It has no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from imgmove.sandbox.world import World


class Summarised(Protocol):
    """A sandbox, as far as a summary needs one."""

    @property
    def world(self) -> World:
        """What it holds."""

    def settle(self) -> None:
        """Brings it up to the present."""


def summarise(sandbox: Summarised) -> dict[str, Any]:
    """The world as it is now, all tasks brought up to the present."""
    sandbox.settle()
    world = sandbox.world
    with world.lock:
        return {"tencent": _tencent(world), "alibaba": _alibaba(world)}


def _tencent(world: World) -> dict[str, Any]:
    cloud = world.tencent
    return {
        "images": [
            {
                "id": i.image_id,
                "service": i.service,
                "region": i.region,
                "name": i.name,
                "state": i.state,
                "kind": i.kind,
            }
            for i in cloud.state.images
        ],
        "instances": [
            {"id": i.instance_id, "service": i.service, "region": i.region, "name": i.name, "state": i.state}
            for i in cloud.state.instances
        ],
        "tasks": [
            {
                "id": str(t.task_id),
                "service": t.service,
                "action": t.action,
                "state": t.status,
                "percent": cloud.percent(t),
                "images": t.image_ids,
                "code": t.code,
                "message": t.message,
            }
            for t in cloud.state.tasks
        ],
        "messages": [{"image": m.image_id, "code": m.code, "text": m.text} for m in cloud.messages],
        **_objects(world, "tencent"),
        "roles": _roles(world, "tencent"),
    }


def _alibaba(world: World) -> dict[str, Any]:
    cloud = world.alibaba
    return {
        "images": [
            {"id": i.image_id, "region": i.region, "name": i.name, "state": i.status, "owner": i.owner}
            for i in cloud.state.images
        ],
        "instances": [
            {"id": i.instance_id, "region": i.region, "name": i.name, "state": i.status} for i in cloud.state.instances
        ],
        "tasks": [
            {
                "id": t.task_id,
                "action": t.action,
                "state": t.status,
                "percent": cloud.percent(t),
                "images": [t.image_id],
                "code": t.error_code,
                "message": t.error_message,
            }
            for t in cloud.state.tasks
        ],
        **_objects(world, "alibaba"),
        "roles": _roles(world, "alibaba"),
    }


def _objects(world: World, vendor: str) -> dict[str, Any]:
    state = world.objects.state
    buckets = {name: bucket for name, bucket in state.buckets.items() if bucket.vendor == vendor}
    return {
        "buckets": [
            {
                "name": bucket.name,
                "region": bucket.region,
                "acl": bucket.acl,
                "storage_class": bucket.storage_class,
                "encryption": bucket.encryption,
                "versioning": bucket.versioning,
                "lifecycle_rules": len(bucket.lifecycle),
                "objects": [
                    {"key": o.key, "size_bytes": o.size_bytes, "etag": o.etag, "crc64": _text(o.crc64)}
                    for o in state.objects[name].values()
                ],
            }
            for name, bucket in sorted(buckets.items())
        ],
        "uploads": [
            {"id": u.upload_id, "bucket": u.bucket, "key": u.key, "parts": len(u.parts)}
            for u in state.uploads.values()
            if u.vendor == vendor
        ],
    }


def _roles(world: World, vendor: str) -> list[dict[str, Any]]:
    roles = [role for role in world.accounts.state.roles if role.vendor == vendor]
    return [{"name": role.name, "account": role.account_id, "policies": role.policies} for role in roles]


def _text(crc64: int | None) -> str | None:
    """As both vendors write it; JSON numbers of 64 bits get mangled by many readers."""
    return None if crc64 is None else str(crc64)
