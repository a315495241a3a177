"""COS's ACLs of buckets and objects: showing them, setting them by header or by document."""

from __future__ import annotations

from imgmove.sandbox.http import Response
from imgmove.sandbox.wire.cos_call import Call
from imgmove.sandbox.wire.cos_errors import CosError
from imgmove.sandbox.wire.cos_objects import existing
from imgmove.sandbox.wire.cos_properties import OBJECT_ACLS, grants
from imgmove.sandbox.wire.store_xml import Element, Xml, XmlError, document, parse_body, tag

ALL_USERS = "http://cam.qcloud.com/groups/global/AllUsers"
BUCKET_ACLS = frozenset({"private", "public-read", "public-read-write"})
PERMISSIONS = frozenset({"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"})
_SCHEMA = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_PUBLIC = {"public-read": ("READ",), "public-read-write": ("READ", "WRITE")}


def get_bucket_acl(call: Call) -> Response:
    """GET Bucket acl."""
    return _answer(call.bucket.owner, call.bucket.acl, call.bucket.grants)


def put_bucket_acl(call: Call) -> Response:
    """PUT Bucket acl."""
    acl, granted = _asked(call, BUCKET_ACLS, "private")
    with call.world.lock:
        call.bucket.acl, call.bucket.grants = acl, granted
        call.world.changed()
    return Response(200, [])


def get_object_acl(call: Call) -> Response:
    """GET Object acl. `default` shows as the owner's full control and nothing else."""
    item = existing(call)
    return _answer(item.owner or call.bucket.owner, item.properties.acl, item.properties.grants)


def put_object_acl(call: Call) -> Response:
    """PUT Object acl."""
    item = existing(call)
    acl, granted = _asked(call, OBJECT_ACLS, "default")
    with call.world.lock:
        item.properties.acl, item.properties.grants = acl, granted
        call.world.changed()
    return Response(200, [])


def bucket_acl_of_headers(call: Call) -> tuple[str, dict[str, list[str]]]:
    """The ACL that a request to create a bucket asks for."""
    acl = call.header("x-cos-acl") or "private"
    if acl not in BUCKET_ACLS:
        raise CosError("InvalidArgument", "x-cos-acl is invalid.")
    return acl, grants(call)


def canonical_id(account: str) -> str:
    """An account's complete id, as ACLs and owners show it."""
    return f"qcs::cam::uin/{account}:uin/{account}"


def owner(account: str, name: str = "Owner") -> Xml:
    """The element that names an account with its complete id."""
    return tag(name, tag("ID", canonical_id(account)), tag("DisplayName", account))


def _answer(account: str, acl: str, granted: dict[str, list[str]]) -> Response:
    everyone = tag(f'Grantee {_SCHEMA} xsi:type="Group"', tag("URI", ALL_USERS))
    given = [_grant(_user(account), "FULL_CONTROL")]
    given += [_grant(everyone, permission) for permission in _PUBLIC.get(acl, ())]
    given += [_grant(_user(each), permission) for permission, users in granted.items() for each in users]
    result = tag("AccessControlPolicy", owner(account), tag("AccessControlList", *given))
    headers = [("Content-Type", "application/xml"), ("x-cos-acl", acl)]
    return Response(200, headers, document(result))


def _user(account: str) -> Xml:
    shown = canonical_id(account)
    return tag(f'Grantee {_SCHEMA} xsi:type="CanonicalUser"', tag("ID", shown), tag("DisplayName", shown))


def _grant(grantee: Xml, permission: str) -> Xml:
    return tag("Grant", grantee, tag("Permission", permission))


def _asked(call: Call, allowed: frozenset[str], default: str) -> tuple[str, dict[str, list[str]]]:
    """The ACL of the request's headers, else of its document. Raises CosError."""
    acl, granted = call.header("x-cos-acl"), grants(call)
    if acl or granted or not call.request.body.size_bytes:
        if acl and acl not in allowed:
            raise CosError("InvalidArgument", "x-cos-acl is invalid.")
        return acl or default, granted
    try:
        policy = parse_body(call.request.body, "AccessControlPolicy")
    except XmlError as error:
        raise CosError("MalformedXML") from error
    return _of_document(policy, allowed, default, call.bucket.owner)


def _of_document(
    policy: Element, allowed: frozenset[str], default: str, account: str
) -> tuple[str, dict[str, list[str]]]:
    everyone: set[str] = set()
    granted: dict[str, list[str]] = {}
    for grant in (each for listing in policy.all("AccessControlList") for each in listing.all("Grant")):
        permission = grant.get("Permission")
        if permission not in PERMISSIONS:
            raise CosError("MalformedXML")
        user = grant.get("Grantee/ID").rpartition("uin/")[2]
        if grant.get("Grantee/URI") == ALL_USERS or user == "anyone":
            everyone.add(permission)
        elif user and user != account:
            granted.setdefault(permission, []).append(user)
    acl = "public-read-write" if "WRITE" in everyone else "public-read" if everyone else default
    if acl not in allowed:
        raise CosError("InvalidArgument", "The access control list is invalid.")
    return acl, granted
