"""The RAM service (version 2015-05-01) as a wire: roles and policies, as far as export and import need them."""

from __future__ import annotations

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire.alibaba_errors import Errors
from imgmove.sandbox.wire.alibaba_parameters import number, text
from imgmove.sandbox.wire.alibaba_rpc import Action, RpcWire, Service
from imgmove.sandbox.wire.ram_policies import (
    attach_policy_to_role,
    create_policy,
    delete_policy,
    detach_policy_from_role,
    get_policy,
    get_policy_version,
    list_entities_for_policy,
    list_policies,
    list_policies_for_role,
    list_policy_versions,
)
from imgmove.sandbox.wire.ram_roles import create_role, delete_role, get_role, list_roles, update_role
from imgmove.sandbox.world import World

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
        "ListPolicies": Action((*text("PolicyType", "Marker"), *number("MaxItems")), list_policies),
        "ListEntitiesForPolicy": Action(_POLICY, list_entities_for_policy),
        "ListPolicyVersions": Action(_POLICY, list_policy_versions),
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
