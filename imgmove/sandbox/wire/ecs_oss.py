"""What ECS checks of OSS before an export or import: the role it acts under, the bucket, the object."""

from __future__ import annotations

import re

from imgmove.sandbox.wire.alibaba_access import VENDOR, role_allows
from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_rpc import Call
from imgmove.sandbox.world.accounts import Role
from imgmove.sandbox.world.alibaba_policy import trusts
from imgmove.sandbox.world.alibaba_rules import SERVICE
from imgmove.sandbox.world.object_records import Bucket, StoredObject

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
MAX_KEY_BYTES = 1023


def service_role(call: Call, default: str) -> Role:
    """The role that ECS acts under: the call's RoleName, else the default one.

    Raises RpcError NoSetRoletoECSServiceAcount when the role is missing, does not trust ECS, has no policy, is too
    young to be effective, or has another name than the documents allow (alibaba.md 3.3).
    """
    settings, accounts = call.world.alibaba.settings, call.world.accounts
    name = call.arguments.text("RoleName", default)
    role = accounts.spread(accounts.role(VENDOR, call.account, name), settings.role_delay_seconds)
    named_right = name == default or settings.custom_role_names
    if role is None or not (named_right and role.policies):
        raise RpcError("NoSetRoletoECSServiceAcount")
    if not trusts(role.document, "Service", [SERVICE]):
        raise RpcError("NoSetRoletoECSServiceAcount")
    return role


def usable_bucket(call: Call, name: str, region: str) -> Bucket:
    """The bucket of that name, if ECS can use it from a region (alibaba.md 3.1, 3.2)."""
    bucket = call.world.objects.bucket(VENDOR, name)
    if bucket is None:
        raise RpcError("InvalidOSSBucket.NotFound")
    if bucket.owner != call.account:
        raise RpcError("InvalidOSS.NotAuthorized")
    if bucket.region != region:
        raise RpcError("InvalidOSSBucket.NotMatched", f"the bucket is in {bucket.region} and not in {region}")
    if bucket.encryption:
        raise RpcError("InvalidOSSBucket.EncryptUnsupported")
    return bucket


def check_rights(call: Call, role: Role, rights: tuple[str, ...], bucket: str, key: str = "*") -> None:
    """Raises RpcError InvalidOSS.NotAuthorized when the role's policies lack one of the rights on a bucket or key."""
    for right in rights:
        whole_bucket = "Bucket" in right or right == "oss:ListMultipartUploads"
        resource = f"acs:oss:*:{call.account}:{bucket}" + ("" if whole_bucket else f"/{key}")
        if not role_allows(call.world, role, right, resource):
            raise RpcError("InvalidOSS.NotAuthorized")


def readable_object(call: Call, bucket: Bucket, key: str) -> StoredObject:
    """The object to import. Raises RpcError for one that is missing, too new, empty or archived."""
    settings, objects = call.world.alibaba.settings, call.world.objects
    found = objects.head(bucket, key)
    if found is None or call.world.clock.now() - found.stored_at < settings.object_delay_seconds:
        raise RpcError("InvalidOSSObject.NotFound")
    if not found.size_bytes:
        raise RpcError("InvalidOSSObject.Size")
    if not objects.readable(found):
        raise RpcError("InvalidOSSObject.NeedRestore")
    return found


def check_bucket_name(name: str) -> None:
    """Raises RpcError InvalidOSSBucket.Malformed for what cannot be a bucket's name."""
    if not BUCKET_NAME.fullmatch(name):
        raise RpcError("InvalidOSSBucket.Malformed")


def check_key(key: str) -> None:
    """Raises RpcError InvalidOSSObject.Malformed for what cannot be the key of an image file."""
    if len(key.encode()) > MAX_KEY_BYTES or key.startswith(("/", "\\")) or key.endswith("/"):
        raise RpcError("InvalidOSSObject.Malformed")
