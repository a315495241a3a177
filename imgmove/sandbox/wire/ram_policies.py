"""RAM's calls about policies, and about their attachment to roles."""

from __future__ import annotations

import re
from typing import Any

from imgmove.sandbox.wire.alibaba_access import VENDOR
from imgmove.sandbox.wire.alibaba_errors import RpcError
from imgmove.sandbox.wire.alibaba_rpc import Call
from imgmove.sandbox.wire.alibaba_time import to_second
from imgmove.sandbox.wire.ram_roles import MAX_DESCRIPTION_BYTES, check_length, check_name, named_role
from imgmove.sandbox.world.accounts import Policy, Role
from imgmove.sandbox.world.alibaba_policy import MAX_DOCUMENT_BYTES, MalformedPolicyError, read

Answer = dict[str, Any]

POLICY_NAME = re.compile(r"[A-Za-z0-9-]+")
MAX_POLICIES_OF_ROLE = 20
ONLY_VERSION = "v1"


def attach_policy_to_role(call: Call) -> Answer:
    """Attaches a policy to a role."""
    policy, role = _policy(call), named_role(call)
    if len(role.policies) >= MAX_POLICIES_OF_ROLE:
        raise RpcError("LimitExceeded.Role.Policy")
    if not call.world.accounts.attach_policy(role, policy.name):
        raise RpcError("EntityAlreadyExists.Role.Policy", policy.name)
    dates = call.world.alibaba.state.attach_dates
    dates[f"{call.account}/{role.name}/{policy.name}"] = call.world.clock.wall()
    return {}


def detach_policy_from_role(call: Call) -> Answer:
    """Takes a policy away from a role."""
    policy, role = _policy(call), named_role(call)
    if not call.world.accounts.detach_policy(role, policy.name):
        raise RpcError("EntityNotExist.Role.Policy", policy.name)
    return {}


def list_policies_for_role(call: Call) -> Answer:
    """The policies that are attached to a role."""
    role, accounts = named_role(call), call.world.accounts
    found = (accounts.policy(VENDOR, call.account, name) for name in role.policies)
    return {"Policies": {"Policy": [_show_attached(call, role, policy) for policy in found if policy]}}


def get_policy(call: Call) -> Answer:
    """One policy with its document."""
    policy = _policy(call)
    return {"Policy": _show_listed(call, policy), "DefaultPolicyVersion": _show_version(policy)}


def list_policies(call: Call) -> Answer:
    """The account's own and the system's policies by name, in pages that a Marker continues."""
    scope, size = call.arguments.text("PolicyType"), call.arguments.number("MaxItems", 100)
    if scope not in ("", "System", "Custom"):
        raise RpcError("InvalidParameter.PolicyType")
    if not 1 <= size <= 1000:
        raise RpcError("InvalidParameter.MaxItems")
    after = call.arguments.text("Marker")
    known = call.world.accounts.policies(VENDOR, call.account)
    left = sorted((p for p in known if p.name > after and scope in ("", p.scope)), key=lambda policy: policy.name)
    shown = {"Policies": {"Policy": [_show_listed(call, policy) for policy in left[:size]]}}
    if len(left) > size:
        return {"IsTruncated": True, "Marker": left[size - 1].name, **shown}
    return {"IsTruncated": False, **shown}


def list_entities_for_policy(call: Call) -> Answer:
    """What a policy is attached to: roles. Users have no attachments of their own here."""
    policy = _policy(call)
    roles = [_show_entity(call, role, policy) for role in _holders(call, policy)]
    return {"Groups": {"Group": []}, "Users": {"User": []}, "Roles": {"Role": roles}}


def list_policy_versions(call: Call) -> Answer:
    """The versions of a policy; there is only the first."""
    shown = _show_version(_policy(call))
    del shown["PolicyDocument"]
    return {"PolicyVersions": {"PolicyVersion": [shown]}}


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
    check_name("PolicyName", name, POLICY_NAME, 128)
    check_length("Description", given.text("Description"), MAX_DESCRIPTION_BYTES)
    check_length("PolicyDocument", document, MAX_DOCUMENT_BYTES)
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


def _policy(call: Call) -> Policy:
    name, scope = call.arguments.text("PolicyName"), call.arguments.text("PolicyType")
    if scope not in ("System", "Custom"):
        raise RpcError("InvalidParameter.PolicyType")
    policy = call.world.accounts.policy(VENDOR, call.account, name)
    if policy is None or policy.scope != scope:
        raise RpcError("EntityNotExist.Policy", name)
    return policy


def _show_policy(policy: Policy) -> Answer:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.scope,
        "Description": policy.description,
        "DefaultVersion": ONLY_VERSION,
        "CreateDate": to_second(policy.created),
    }


def _show_listed(call: Call, policy: Policy) -> Answer:
    updated, count = to_second(policy.created), len(_holders(call, policy))
    return {**_show_policy(policy), "UpdateDate": updated, "AttachmentCount": count}


def _holders(call: Call, policy: Policy) -> list[Role]:
    return [role for role in call.world.accounts.roles(VENDOR, call.account) if policy.name in role.policies]


def _show_entity(call: Call, role: Role, policy: Policy) -> Answer:
    return {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": f"acs:ram::{role.account_id}:role/{role.name}",
        "Description": role.description,
        "AttachDate": _attach_date(call, role, policy),
    }


def _attach_date(call: Call, role: Role, policy: Policy) -> str:
    dates = call.world.alibaba.state.attach_dates
    return to_second(dates.get(f"{role.account_id}/{role.name}/{policy.name}", role.created))


def _show_attached(call: Call, role: Role, policy: Policy) -> Answer:
    shown = _show_policy(policy)
    del shown["CreateDate"]
    return {**shown, "AttachDate": _attach_date(call, role, policy)}


def _show_version(policy: Policy) -> Answer:
    return {
        "VersionId": ONLY_VERSION,
        "IsDefaultVersion": True,
        "PolicyDocument": policy.document,
        "CreateDate": to_second(policy.created),
    }
