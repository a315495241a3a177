"""May this caller do this? Policies of assumed roles, and what the roles that ECS acts under allow it on OSS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key, Role
from imgmove.sandbox.world.alibaba_policy import allows

if TYPE_CHECKING:
    from imgmove.sandbox.wire.alibaba_rpc import Service

VENDOR = "alibaba"
ASSUMED_ROLE = re.compile(r"acs:ram::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/(?P<session>.+)")
ALWAYS_ALLOWED = ("sts:GetCallerIdentity",)


def authorise(world: World, service: Service, caller: Key, action: str, resource: str) -> None:
    """Lets the account itself and its users do everything, and an assumed role what its policies allow.

    Raises RpcError with the service's code for a caller without the right (alibaba.md 9.4).
    """
    right = f"{service.code}:{action}"
    session = ASSUMED_ROLE.fullmatch(caller.principal)
    if session is None or right in ALWAYS_ALLOWED:
        return
    role = world.accounts.role(VENDOR, session["account"], session["role"])
    limit = world.alibaba.state.session_policies.get(caller.access_key_id)
    allowed = role is not None and role_allows(world, role, right, resource)
    if allowed and (limit is None or allows([limit], right, resource)):
        return
    refusal = RpcError(service.denied_by_action.get(action, service.denied))
    refusal.extra["AccessDeniedDetail"] = {
        "AuthAction": right,
        "AuthPrincipalType": "AssumedRoleUser",
        "AuthPrincipalDisplayName": f"{session['role']}:{session['session']}",
        "AuthPrincipalOwnerId": session["account"],
        "NoPermissionType": "ImplicitDeny",
        "PolicyType": "AccountLevelIdentityBasedPolicy",
    }
    raise refusal


def role_allows(world: World, role: Role, action: str, resource: str) -> bool:
    """Whether the policies attached to a role allow an action on a resource."""
    attached = (world.accounts.policy(VENDOR, role.account_id, name) for name in role.policies)
    return allows([policy.document for policy in attached if policy is not None], action, resource)
