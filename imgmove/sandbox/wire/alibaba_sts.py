"""Alibaba's STS (version 2015-04-01) as a wire: who is calling, and temporary keys for roles."""

from __future__ import annotations

import re
from typing import Any

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire.alibaba_access import ASSUMED_ROLE, VENDOR, user_id
from imgmove.sandbox.wire.alibaba_errors import Errors, RpcError
from imgmove.sandbox.wire.alibaba_parameters import number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call, RpcWire, Service
from imgmove.sandbox.wire.alibaba_time import to_second
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Key, Role
from imgmove.sandbox.world.alibaba_policy import MalformedPolicyError, read, trusts

Answer = dict[str, Any]

ROLE_ARN = re.compile(r"acs:ram::(?P<account>\d+):role/(?P<role>[A-Za-z0-9. @-]{1,64})")
SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
SHORTEST_SECONDS = 900
DEFAULT_SECONDS = 3600
MAX_POLICY_BYTES = 2048

STS_ERRORS: Errors = {
    "InvalidParameter.RoleArn": (400, "The parameter RoleArn is wrongly formed."),
    "InvalidParameter.RoleSessionName": (400, "The parameter RoleSessionName is wrongly formed."),
    "InvalidParameter.DurationSeconds": (400, "The Min/Max value of DurationSeconds is 15min/{}."),
    "InvalidParameter.PolicyGrammar": (400, "The parameter Policy has not passed grammar check."),
    "InvalidParameter.PolicySize": (400, "The size of Policy must be smaller than 2048 bytes."),
    "NoPermission": (403, "You are not authorized to do this action. You should be authorized by RAM."),
    "EntityNotExist.Role": (404, "The specified Role not exists."),
}


def get_caller_identity(call: Call) -> Answer:
    """Who the key stands for: the account, a user of it, or an assumed role."""
    caller = call.caller
    session = ASSUMED_ROLE.fullmatch(caller.principal)
    identity = {"AccountId": caller.account_id, "Arn": caller.principal}
    if session is not None:
        role = call.world.accounts.role(VENDOR, session["account"], session["role"])
        role_id = role.role_id if role is not None else user_id(caller.principal)
        return {
            **identity,
            "IdentityType": "AssumedRoleUser",
            "RoleId": role_id,
            "PrincipalId": f"{role_id}:{session['session']}",
        }
    if ":user/" in caller.principal:
        number_of_user = user_id(caller.principal)
        return {**identity, "IdentityType": "RAMUser", "UserId": number_of_user, "PrincipalId": number_of_user}
    return {
        **identity,
        "IdentityType": "Account",
        "UserId": caller.account_id,
        "PrincipalId": caller.account_id,
    }


def assume_role(call: Call) -> Answer:
    """A temporary key for a role that trusts the caller; Policy may narrow what it is allowed."""
    session_name, role = call.arguments.text("RoleSessionName"), _role(call)
    if not SESSION_NAME.fullmatch(session_name):
        raise RpcError("InvalidParameter.RoleSessionName")
    seconds = call.arguments.number("DurationSeconds", DEFAULT_SECONDS)
    if not SHORTEST_SECONDS <= seconds <= role.max_session_seconds:
        raise RpcError("InvalidParameter.DurationSeconds", f"{role.max_session_seconds // 3600}hr")
    policy = _policy(call)
    if not trusts(role.document, "RAM", _principals(call.caller)):
        raise RpcError("NoPermission")
    principal = f"acs:ram::{role.account_id}:assumed-role/{role.name}/{session_name}"
    key = call.world.accounts.issue_temporary(VENDOR, role.account_id, principal, seconds)
    if policy:
        call.world.alibaba.state.session_policies[key.access_key_id] = policy
    return {
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{session_name}",
            "Arn": f"acs:ram::{role.account_id}:role/{role.name}/{session_name}",
        },
        "Credentials": {
            "AccessKeyId": key.access_key_id,
            "AccessKeySecret": key.secret,
            "SecurityToken": key.token,
            "Expiration": to_second(key.expires_at or 0.0),
        },
    }


def _role(call: Call) -> Role:
    """The role of RoleArn; the vendor does not mind the case of its name."""
    found = ROLE_ARN.fullmatch(call.arguments.text("RoleArn"))
    if found is None:
        raise RpcError("InvalidParameter.RoleArn")
    for role in call.world.accounts.roles(VENDOR, found["account"]):
        if role.name.lower() == found["role"].lower():
            return role
    raise RpcError("EntityNotExist.Role")


def _policy(call: Call) -> str:
    policy = call.arguments.text("Policy")
    if len(policy.encode()) > MAX_POLICY_BYTES:
        raise RpcError("InvalidParameter.PolicySize")
    try:
        if policy:
            read(policy)
    except MalformedPolicyError as error:
        raise RpcError("InvalidParameter.PolicyGrammar") from error
    return policy


def _principals(caller: Key) -> list[str]:
    """Under which names a trust policy may mean this caller: its account as a whole, or itself."""
    session = ASSUMED_ROLE.fullmatch(caller.principal)
    itself = f"acs:ram::{session['account']}:role/{session['role']}" if session else caller.principal
    return [f"acs:ram::{caller.account_id}:root", itself]


STS = Service(
    name="alibaba_sts",
    code="sts",
    product="Sts",
    host="sts.aliyuncs.com",
    version="2015-04-01",
    actions={
        "GetCallerIdentity": Action((), get_caller_identity),
        "AssumeRole": Action(
            (
                *text("RoleArn", "RoleSessionName", required=True),
                *text("Policy", "ExternalId", "SourceIdentity"),
                *number("DurationSeconds"),
            ),
            assume_role,
            "{RoleArn}",
        ),
    },
    errors=STS_ERRORS,
    denied="NoPermission",
)


class AlibabaStsWire(RpcWire):
    """STS over the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(STS, world, clock)
