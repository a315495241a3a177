"""The RAM service (version 2015-05-01) as a wire: roles and policies, as far as export and import need them."""

from __future__ import annotations

import re
import secrets
from typing import Any

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire.alibaba_access import VENDOR
from imgmove.sandbox.wire.alibaba_errors import Errors, RpcError
from imgmove.sandbox.wire.alibaba_parameters import number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, Call, RpcWire, Service
from imgmove.sandbox.wire.alibaba_time import to_second
from imgmove.sandbox.world import World
from imgmove.sandbox.world.accounts import Policy, Role
from imgmove.sandbox.world.alibaba_policy import MAX_DOCUMENT_BYTES, MalformedPolicyError, read, trusted_services

Answer = dict[str, Any]

ROLE_NAME = re.compile(r"[A-Za-z0-9. @-]+")
POLICY_NAME = re.compile(r"[A-Za-z0-9-]+")
MAX_ROLES = 1000
MAX_POLICIES_OF_ROLE = 20
SESSION_SECONDS = range(3600, 43200 + 1)
ONLY_VERSION = "v1"

RAM_ERRORS: Errors = {
    "NoPermission": (403, "You are not authorized to do this action."),
    "MalformedPolicyDocument": (400, "{}"),
    "InvalidParameter.RoleName.InvalidChars": (400, 'The parameter - "RoleName" contains invalid chars.'),
    "InvalidParameter.RoleName.Length": (400, 'The parameter - "RoleName" beyond the length limit.'),
    "InvalidParameter.PolicyName.InvalidChars": (400, 'The parameter - "PolicyName" contains invalid chars.'),
    "InvalidParameter.PolicyName.Length": (400, 'The parameter - "PolicyName" beyond the length limit.'),
    "InvalidParameter.PolicyType": (400, 'The parameter - "PolicyType" is incorrect.'),
    "InvalidParameter.PolicyDocument.Length": (400, 'The parameter - "PolicyDocument" beyond the length limit.'),
    "InvalidParameter.AssumeRolePolicyDocument.Length": (
        400,
        'The parameter - "AssumeRolePolicyDocument" beyond the length limit.',
    ),
    "InvalidParameter.Description.Length": (400, 'The parameter - "Description" beyond the length limit.'),
    "InvalidParameter.MaxSessionDuration": (400, 'The parameter - "MaxSessionDuration" is incorrect.'),
    "InvalidParameter.MaxItems": (400, 'The parameter - "MaxItems" is incorrect.'),
    "EntityNotExist.Role": (404, "The role not exists: {}."),
    "EntityNotExist.Policy": (404, "The policy does not exist: {}."),
    "EntityNotExist.Policy.Version": (404, "The policy version does not exist: {}."),
    "EntityNotExist.Role.Policy": (404, "The indicate policy attached to the role does not exist: {}."),
    "EntityAlreadyExists.Role": (409, "The role already exists: {}."),
    "EntityAlreadyExists.Policy": (409, "The policy already exists: {}."),
    "EntityAlreadyExists.Role.Policy": (409, "The role has already been attached this policy: {}."),
    "DeleteConflict.Role.Policy": (409, "The role CAN NOT has any attached policy while deleting the role."),
    "DeleteConflict.Policy.Role": (409, "The policy CAN NOT been attached to any role while deleting the policy."),
    "LimitExceeded.Role": (409, "The count of roles beyond the current limits."),
    "LimitExceeded.Role.Policy": (409, "The count of policies attached to the role beyond the current limits."),
}


def get_role(call: Call) -> Answer:
    """One role with its trust policy."""
    return {"Role": _show_role(call, _role(call), document=True)}


def list_roles(call: Call) -> Answer:
    """The account's roles by name, in pages that a Marker continues."""
    size = call.arguments.number("MaxItems", 100)
    if not 1 <= size <= 1000:
        raise RpcError("InvalidParameter.MaxItems")
    after = call.arguments.text("Marker")
    left = sorted(
        (role for role in call.world.accounts.roles(VENDOR, call.account) if role.name > after),
        key=lambda role: role.name,
    )
    shown = {"Roles": {"Role": [_show_role(call, role, document=False) for role in left[:size]]}}
    if len(left) > size:
        return {"IsTruncated": True, "Marker": left[size - 1].name, **shown}
    return {"IsTruncated": False, **shown}


def create_role(call: Call) -> Answer:
    """Makes a role; who may assume it is in AssumeRolePolicyDocument."""
    given, accounts = call.arguments, call.world.accounts
    name, document = given.text("RoleName"), given.text("AssumeRolePolicyDocument")
    _check_name("RoleName", name, ROLE_NAME, 64)
    _check_length("Description", given.text("Description"), 1024)
    if accounts.role(VENDOR, call.account, name):
        raise RpcError("EntityAlreadyExists.Role", name)
    if len(accounts.roles(VENDOR, call.account)) >= MAX_ROLES:
        raise RpcError("LimitExceeded.Role")
    role = accounts.add_role(
        Role(
            vendor=VENDOR,
            account_id=call.account,
            name=name,
            role_id=str(300_000_000_000_000_000 + secrets.randbelow(10**17)),
            trusted_services=_trust(document),
            document=document,
            description=given.text("Description"),
            created=call.world.clock.wall(),
            max_session_seconds=_session_seconds(given.number("MaxSessionDuration", SESSION_SECONDS.start)),
        )
    )
    return {"Role": _show_role(call, role, document=True)}


def update_role(call: Call) -> Answer:
    """Changes a role's trust policy, description or longest session."""
    role, given = _role(call), call.arguments
    document = given.text("NewAssumeRolePolicyDocument", role.document)
    services = _trust(document)
    seconds = _session_seconds(given.number("NewMaxSessionDuration", role.max_session_seconds))
    description = given.text("NewDescription", role.description)
    _check_length("Description", description, 1024)
    role.document, role.trusted_services = document, services
    role.description, role.max_session_seconds = description, seconds
    call.world.alibaba.state.update_dates[f"{call.account}/role/{role.name}"] = call.world.clock.wall()
    call.world.changed()
    return {"Role": _show_role(call, role, document=True)}


def delete_role(call: Call) -> Answer:
    """Deletes a role that has no policies attached any more."""
    role = _role(call)
    if role.policies:
        raise RpcError("DeleteConflict.Role.Policy")
    call.world.accounts.delete_role(VENDOR, call.account, role.name)
    return {}


def attach_policy_to_role(call: Call) -> Answer:
    """Attaches a policy to a role."""
    policy, role = _policy(call), _role(call)
    if len(role.policies) >= MAX_POLICIES_OF_ROLE:
        raise RpcError("LimitExceeded.Role.Policy")
    if not call.world.accounts.attach_policy(role, policy.name):
        raise RpcError("EntityAlreadyExists.Role.Policy", policy.name)
    dates = call.world.alibaba.state.attach_dates
    dates[f"{call.account}/{role.name}/{policy.name}"] = call.world.clock.wall()
    return {}


def detach_policy_from_role(call: Call) -> Answer:
    """Takes a policy away from a role."""
    policy, role = _policy(call), _role(call)
    if not call.world.accounts.detach_policy(role, policy.name):
        raise RpcError("EntityNotExist.Role.Policy", policy.name)
    return {}


def list_policies_for_role(call: Call) -> Answer:
    """The policies that are attached to a role."""
    role, accounts = _role(call), call.world.accounts
    found = (accounts.policy(VENDOR, call.account, name) for name in role.policies)
    return {"Policies": {"Policy": [_show_attached(call, role, policy) for policy in found if policy]}}


def get_policy(call: Call) -> Answer:
    """One policy with its document."""
    policy = _policy(call)
    attached = sum(policy.name in role.policies for role in call.world.accounts.roles(VENDOR, call.account))
    updated = {"UpdateDate": to_second(policy.created), "AttachmentCount": attached}
    return {"Policy": {**_show_policy(policy), **updated}, "DefaultPolicyVersion": _show_version(policy)}


def get_policy_version(call: Call) -> Answer:
    """A policy's version; there is only the first."""
    policy, version = _policy(call), call.arguments.text("VersionId")
    if version != ONLY_VERSION:
        raise RpcError("EntityNotExist.Policy.Version", version)
    return {"PolicyVersion": _show_version(policy)}


def create_policy(call: Call) -> Answer:
    """Makes a policy of the account's own."""
    given, accounts = call.arguments, call.world.accounts
    name, document = given.text("PolicyName"), given.text("PolicyDocument")
    _check_name("PolicyName", name, POLICY_NAME, 128)
    _check_length("Description", given.text("Description"), 1024)
    _check_length("PolicyDocument", document, MAX_DOCUMENT_BYTES)
    try:
        read(document)
    except MalformedPolicyError as error:
        raise RpcError("MalformedPolicyDocument", str(error)) from error
    if accounts.policy(VENDOR, call.account, name):
        raise RpcError("EntityAlreadyExists.Policy", name)
    policy = Policy(name, document, "Custom", given.text("Description"), call.world.clock.wall())
    accounts.add_policy(VENDOR, call.account, policy)
    return {"Policy": _show_policy(policy)}


def delete_policy(call: Call) -> Answer:
    """Deletes a policy of the account's own that is attached to nothing."""
    name, accounts = call.arguments.text("PolicyName"), call.world.accounts
    if any(name in role.policies for role in accounts.roles(VENDOR, call.account)):
        raise RpcError("DeleteConflict.Policy.Role")
    if not accounts.delete_policy(VENDOR, call.account, name):
        raise RpcError("EntityNotExist.Policy", name)
    return {}


def role_arn(role: Role) -> str:
    """A role's name in the vendor's resource names."""
    return f"acs:ram::{role.account_id}:role/{role.name}"


def _role(call: Call) -> Role:
    name = call.arguments.text("RoleName")
    role = call.world.accounts.role(VENDOR, call.account, name)
    if role is None:
        raise RpcError("EntityNotExist.Role", name)
    return role


def _policy(call: Call) -> Policy:
    name, scope = call.arguments.text("PolicyName"), call.arguments.text("PolicyType")
    if scope not in ("System", "Custom"):
        raise RpcError("InvalidParameter.PolicyType")
    policy = call.world.accounts.policy(VENDOR, call.account, name)
    if policy is None or policy.scope != scope:
        raise RpcError("EntityNotExist.Policy", name)
    return policy


def _trust(document: str) -> list[str]:
    _check_length("AssumeRolePolicyDocument", document, MAX_DOCUMENT_BYTES)
    try:
        return trusted_services(document)
    except MalformedPolicyError as error:
        raise RpcError("MalformedPolicyDocument", str(error)) from error


def _session_seconds(seconds: int) -> int:
    if seconds not in SESSION_SECONDS:
        raise RpcError("InvalidParameter.MaxSessionDuration")
    return seconds


def _check_name(parameter: str, name: str, pattern: re.Pattern[str], longest: int) -> None:
    if len(name) > longest:
        raise RpcError(f"InvalidParameter.{parameter}.Length")
    if not pattern.fullmatch(name):
        raise RpcError(f"InvalidParameter.{parameter}.InvalidChars")


def _check_length(parameter: str, value: str, longest_bytes: int) -> None:
    if len(value.encode()) > longest_bytes:
        raise RpcError(f"InvalidParameter.{parameter}.Length")


def _show_role(call: Call, role: Role, *, document: bool) -> Answer:
    updated = call.world.alibaba.state.update_dates.get(f"{role.account_id}/role/{role.name}", role.created)
    return {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": role_arn(role),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
        "CreateDate": to_second(role.created),
        "UpdateDate": to_second(updated),
        **({"AssumeRolePolicyDocument": role.document} if document else {}),
    }


def _show_policy(policy: Policy) -> Answer:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.scope,
        "Description": policy.description,
        "DefaultVersion": ONLY_VERSION,
        "CreateDate": to_second(policy.created),
    }


def _show_attached(call: Call, role: Role, policy: Policy) -> Answer:
    dates, place = call.world.alibaba.state.attach_dates, f"{role.account_id}/{role.name}/{policy.name}"
    shown = _show_policy(policy)
    del shown["CreateDate"]
    return {**shown, "AttachDate": to_second(dates.get(place, role.created))}


def _show_version(policy: Policy) -> Answer:
    return {
        "VersionId": ONLY_VERSION,
        "IsDefaultVersion": True,
        "PolicyDocument": policy.document,
        "CreateDate": to_second(policy.created),
    }


_ROLE = text("RoleName", required=True)
_POLICY = text("PolicyType", "PolicyName", required=True)
_DOCUMENT = text("AssumeRolePolicyDocument", required=True)
_MAY_DOCUMENT = text("NewAssumeRolePolicyDocument", "NewDescription")

RAM = Service(
    name="ram",
    code="ram",
    product="Ram",
    host="ram.aliyuncs.com",
    version="2015-05-01",
    actions={
        "GetRole": Action(_ROLE, get_role),
        "ListRoles": Action((*text("Marker"), *number("MaxItems")), list_roles),
        "CreateRole": Action((*_ROLE, *_DOCUMENT, *text("Description"), *number("MaxSessionDuration")), create_role),
        "UpdateRole": Action((*_ROLE, *_MAY_DOCUMENT, *number("NewMaxSessionDuration")), update_role),
        "DeleteRole": Action(_ROLE, delete_role),
        "AttachPolicyToRole": Action((*_POLICY, *_ROLE), attach_policy_to_role),
        "DetachPolicyFromRole": Action((*_POLICY, *_ROLE), detach_policy_from_role),
        "ListPoliciesForRole": Action(_ROLE, list_policies_for_role),
        "GetPolicy": Action(_POLICY, get_policy),
        "GetPolicyVersion": Action((*_POLICY, *text("VersionId", required=True)), get_policy_version),
        "CreatePolicy": Action(
            (*text("PolicyName", "PolicyDocument", required=True), *text("Description")), create_policy
        ),
        "DeletePolicy": Action(text("PolicyName", required=True), delete_policy),
    },
    errors=RAM_ERRORS,
    denied="NoPermission",
)


class RamWire(RpcWire):
    """RAM over the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(RAM, world, clock)
