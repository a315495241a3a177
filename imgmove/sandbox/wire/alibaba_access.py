"""May this caller do this? Policies of assumed roles, and what the roles that ECS acts under allow it on OSS."""

from __future__ import annotations

import hashlib
import re

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key, Role
from imgmove.sandbox.world.alibaba_policy import allows

VENDOR = "alibaba"
ASSUMED_ROLE = re.compile(r"acs:ram::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/(?P<session>.+)")
ALWAYS_ALLOWED = ("sts:GetCallerIdentity",)


def authorise(world: World, caller: Key, right: str, resource: str, denied: str) -> None:
    """Raises RpcError with the code `denied` for a caller without the right (alibaba.md 9.4)."""
    if right in ALWAYS_ALLOWED or key_allows(world, caller, right, resource):
        return
    session = ASSUMED_ROLE.fullmatch(caller.principal)
    shown = f"{session['role']}:{session['session']}" if session else user_id(caller.principal)
    refusal = RpcError(denied)
    refusal.extra["AccessDeniedDetail"] = {
        "AuthAction": right,
        "AuthPrincipalType": "AssumedRoleUser" if session else "SubUser",
        "AuthPrincipalDisplayName": shown,
        "AuthPrincipalOwnerId": caller.account_id,
        "NoPermissionType": "ImplicitDeny",
        "PolicyType": "AccountLevelIdentityBasedPolicy",
    }
    raise refusal


def key_allows(world: World, key: Key, action: str, resource: str) -> bool:
    """Whether the policies behind a key allow an action: those of its role and session, or those that limit a user.
    A key without any is its account's own, and may do everything."""
    session = ASSUMED_ROLE.fullmatch(key.principal)
    if session is None:
        documents = world.accounts.documents(VENDOR, key.account_id, key.policies or [])
        return key.policies is None or allows(documents, action, resource)
    role = world.accounts.role(VENDOR, session["account"], session["role"])
    limit = world.alibaba.state.session_policies.get(key.access_key_id)
    if role is None or not role_allows(world, role, action, resource):
        return False
    return limit is None or allows([limit], action, resource)


def user_id(principal: str) -> str:
    """The number of a user or session: they have no record here that could hold one, so it is made of the name."""
    return str(2 * 10**17 + int.from_bytes(hashlib.sha256(principal.encode()).digest()[:7]))


def role_allows(world: World, role: Role, action: str, resource: str) -> bool:
    """Whether the policies attached to a role allow an action on a resource."""
    return allows(world.accounts.documents(VENDOR, role.account_id, role.policies), action, resource)
