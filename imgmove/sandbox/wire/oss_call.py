"""One call of OSS's API, and whether its caller may make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire.alibaba_access import ASSUMED_ROLE, VENDOR, key_allows, user_id
from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.oss_errors import OssError, invalid_argument
from imgmove.sandbox.wire.oss_hosts import Place
from imgmove.sandbox.wire.oss_signature import Identity
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key
from imgmove.sandbox.world.alibaba_bucket_policy import verdict
from imgmove.sandbox.world.object_records import Bucket, StoredObject
from imgmove.sandbox.world.objects import Objects

__all__ = ["VENDOR", "Call", "Need", "Route", "allowed", "authorise"]


class Need(Enum):
    """What an operation needs beside the right of its name."""

    SIGNED = auto()
    """Any signed request."""
    OWN = auto()
    """The bucket's owner."""
    READ_BUCKET = auto()
    WRITE_BUCKET = auto()
    READ_OBJECT = auto()


@dataclass(frozen=True)
class Call:
    """A request, understood."""

    world: World
    request: Request
    place: Place
    identity: Identity
    found_bucket: Bucket | None

    @property
    def objects(self) -> Objects:
        """The stores."""
        return self.world.objects

    @property
    def bucket(self) -> Bucket:
        """The bucket that the call is about. Raises OssError NoSuchBucket."""
        if self.found_bucket is None:
            raise OssError("NoSuchBucket", BucketName=self.place.bucket)
        return self.found_bucket

    @property
    def account(self) -> str:
        """The caller's account, "" for nobody's."""
        return self.identity.key.account_id if self.identity.key else ""

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
        """A whole number from the query. Raises OssError InvalidArgument for anything else, also above `high`."""
        text = self.query.get(name, "")
        if not text:
            return default
        given = natural(text)
        if given is None or not low <= given <= high:
            raise invalid_argument(name, text, f"Argument {name} must be an integer between {low} and {high}.")
        return given


@dataclass(frozen=True)
class Route:
    """How one operation is recognised, what it needs and what carries it out."""

    action: str
    """Its name for faults and logs: that of the vendor's API page."""
    right: str
    """The action's name in RAM policies."""
    level: str
    """"service", "bucket" or "object"."""
    method: str
    need: Need
    handle: Callable[[Call], Response]
    parameters: tuple[str, ...] = ()
    """Query parameters that all have to be there."""
    header: str = ""
    """A header that has to be there."""
    data: bool = False
    """Whether it moves or lists object data, which some accounts may not do through public endpoints."""


def authorise(call: Call, route: Route) -> None:
    """Raises OssError AccessDenied unless the caller may do this."""
    key = call.identity.key
    if route.need is Need.SIGNED:
        if key is None:
            raise OssError("AccessDenied", "Anonymous access is forbidden for this operation.")
        if not key_allows(call.world, key, f"oss:{route.right}", f"acs:oss:*:{key.account_id}:*"):
            raise OssError("AccessDenied", "You have no right to access this object.")
        return
    item = call.item() if route.level == "object" else None
    if allowed(call, route.right, route.need, call.bucket, call.place.key, item):
        return
    if key is None and route.need is Need.OWN:
        raise OssError("AccessDenied", "Anonymous access is forbidden for this operation.")
    if key is not None and call.account == call.bucket.owner:
        raise OssError("AccessDenied", "You have no right to access this object.")
    raise OssError("AccessDenied")


def allowed(call: Call, right: str, need: Need, bucket: Bucket, name: str, item: StoredObject | None) -> bool:
    """Whether the caller may use a right on a bucket's key: by the bucket's policy, as its owner's key, or by an ACL."""
    key, action = call.identity.key, f"oss:{right}"
    resource = f"acs:oss:*:{bucket.owner}:{bucket.name}" + (f"/{name}" if name else "")
    own = key is not None and key.account_id == bucket.owner
    root = own and key is not None and key.principal.endswith(":root")
    said = verdict(bucket.policy, _names(key), action, resource, owner=root)
    if said is not None:
        return said
    if own and key is not None:
        return key_allows(call.world, key, action, resource)
    return not bucket.block_public_access and _acl_allows(need, bucket, item)


def _acl_allows(need: Need, bucket: Bucket, item: StoredObject | None) -> bool:
    acl = bucket.acl
    if need in (Need.READ_OBJECT, Need.WRITE_BUCKET) and item is not None and item.properties.acl != "default":
        acl = item.properties.acl
    if need in (Need.READ_OBJECT, Need.READ_BUCKET):
        return acl in ("public-read", "public-read-write")
    return need is Need.WRITE_BUCKET and acl == "public-read-write"


def _names(key: Key | None) -> list[str]:
    """Under which names a bucket's policy may mean the bearer of a key: account, user or role session."""
    if key is None:
        return []
    session = ASSUMED_ROLE.fullmatch(key.principal)
    if session is not None:
        return [f"arn:sts::{session['account']}:assumed-role/{session['role']}/{session['session']}"]
    return [key.account_id if key.principal.endswith(":root") else user_id(key.principal)]
