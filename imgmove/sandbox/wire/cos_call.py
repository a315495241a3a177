"""One call of COS's XML API, and whether its caller may make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_hosts import Place
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key
from imgmove.sandbox.world.object_records import Bucket, Properties, StoredObject
from imgmove.sandbox.world.objects import Objects
from imgmove.sandbox.world.tencent_bucket_policy import verdict
from imgmove.sandbox.world.tencent_policy import cos_resource, key_allows, principal_names

VENDOR = "tencent"
POLICY_RIGHTS = ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy")
"""What a bucket's policy cannot take from its owner, so that the policy can be mended."""


class Need(Enum):
    """What an operation needs beside the right of its name."""

    SIGNED = auto()
    """Any signed request."""
    OWN = auto()
    """The bucket's owner."""
    READ_BUCKET = auto()
    WRITE_BUCKET = auto()
    READ_OBJECT = auto()
    READ_ACL = auto()
    WRITE_ACL = auto()


@dataclass(frozen=True)
class Call:
    """A request, understood. `caller` is None for an anonymous one."""

    world: World
    request: Request
    place: Place
    caller: Key | None
    found_bucket: Bucket | None

    @property
    def objects(self) -> Objects:
        """The stores."""
        return self.world.objects

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is about. Raises CosError NoSuchBucket."""
        if self.found_bucket is None:
            raise CosError("NoSuchBucket")
        return self.found_bucket

    @property
    def account(self) -> str:
        """The caller's account, "" for nobody's."""
        return self.caller.account_id if self.caller else ""

    @cached_property
    def query(self) -> dict[str, str]:
        """The decoded query parameters."""
        return dict(self.request.query())

    def header(self, name: str, default: str = "") -> str:
        """A request header."""
        return self.request.headers.get(name, default)

    def item(self) -> StoredObject | None:
        """The object under the call's key, or the version of it that is asked for."""
        version_id = self.query.get("versionId", "")
        with self.world.lock:
            if version_id:
                return self.objects.versions.find(self.bucket, self.place.key, version_id)
            return self.objects.head(self.bucket, self.place.key)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from the query, cut down to `high`. Raises CosError InvalidArgument for anything else."""
        text = self.query.get(name, "")
        if not text:
            return default
        given = natural(text)
        if given is None or given < low:
            raise CosError("InvalidArgument", f"{name} is invalid.")
        return min(given, high)


@dataclass(frozen=True)
class Route:
    """How one operation is recognised, what it needs and what carries it out."""

    action: str
    """Its name for faults and logs, after the title of the vendor's page."""
    right: str
    """The action's name in CAM policies."""
    level: str
    """"service", "bucket" or "object"."""
    method: str
    need: Need
    handle: Callable[[Call], Response]
    parameters: tuple[str, ...] = ()
    """Query parameters that all have to be there."""
    header: str = ""
    """A header that has to be there."""


def authorise(call: Call, route: Route) -> None:
    """Raises CosError AccessDenied unless the caller may do this."""
    if route.need is Need.SIGNED:
        if call.caller is None or not key_allows(call.world, call.caller, f"cos:{route.right}", "*"):
            raise CosError("AccessDenied")
        return
    item = call.item() if route.level == "object" else None
    if not allowed(call, route.right, route.need, call.bucket, call.place.key, item):
        raise CosError("AccessDenied")


def allowed(call: Call, right: str, need: Need, bucket: Bucket, key: str, item: StoredObject | None) -> bool:
    """Whether the caller may use a right on a bucket's key: as its owner's key, by the bucket's policy or by an ACL."""
    app_id = bucket.name.rpartition("-")[2]
    action, resource = f"cos:{right}", cos_resource(bucket.region, app_id, bucket.name, key)
    said = verdict(bucket.policy, principal_names(call.world, call.caller), action, resource)
    own = call.caller is not None and call.account == bucket.owner
    if said is False and not (own and right in POLICY_RIGHTS):
        return False
    if said or (own and call.caller and key_allows(call.world, call.caller, action, resource)):
        return True
    return not own and _acl_allows(call, need, bucket, item)


def _acl_allows(call: Call, need: Need, bucket: Bucket, item: StoredObject | None) -> bool:
    if need is Need.READ_OBJECT:
        properties = item.properties if item is not None else Properties()
        if properties.acl != "default" or properties.grants:
            return properties.acl == "public-read" or _granted(call, properties.grants, "READ")
        return bucket.acl in ("public-read", "public-read-write") or _granted(call, bucket.grants, "READ")
    if need is Need.READ_BUCKET:
        return bucket.acl in ("public-read", "public-read-write") or _granted(call, bucket.grants, "READ")
    if need is Need.WRITE_BUCKET:
        return bucket.acl == "public-read-write" or _granted(call, bucket.grants, "WRITE")
    if need in (Need.READ_ACL, Need.WRITE_ACL):
        grants = item.properties.grants if item is not None else bucket.grants
        return _granted(call, grants, "READ_ACP" if need is Need.READ_ACL else "WRITE_ACP")
    return False


def _granted(call: Call, grants: dict[str, list[str]], permission: str) -> bool:
    return any(call.account in grants.get(each, []) for each in (permission, "FULL_CONTROL") if call.account)
