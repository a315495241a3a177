"""CAM's attachments of policies to roles: attaching, detaching, listing both ways; and how a call names a policy."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.cam_roles import find_role, page
from imgmove.sandbox.wire.ecm_describe import ecm_time
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import Scalar, Struct
from imgmove.sandbox.world.accounts import Policy, Role
from imgmove.sandbox.world.tencent_policy import policies, policy_number

ATTACH_PARAMETERS = Struct.of(
    PolicyId=Scalar.UNSIGNED, PolicyName=Scalar.STRING, AttachRoleId=Scalar.STRING, AttachRoleName=Scalar.STRING
)
DETACH_PARAMETERS = Struct.of(
    PolicyId=Scalar.UNSIGNED, PolicyName=Scalar.STRING, DetachRoleId=Scalar.STRING, DetachRoleName=Scalar.STRING
)
ATTACHED_PARAMETERS = Struct.of(
    {"Page": Scalar.UNSIGNED, "Rp": Scalar.UNSIGNED},
    RoleId=Scalar.STRING,
    RoleName=Scalar.STRING,
    PolicyType=Scalar.STRING,
    Keyword=Scalar.STRING,
)
ENTITIES_PARAMETERS = Struct.of(
    {"PolicyId": Scalar.UNSIGNED}, Page=Scalar.UNSIGNED, Rp=Scalar.UNSIGNED, EntityFilter=Scalar.STRING
)

TYPES = {"": ("System", "Custom"), "QCS": ("System",), "User": ("Custom",)}
ENTITIES = ("All", "User", "Group", "Role")
ROLE_ENTITY = 3
"""RelatedType of a role."""
BY_SYNTAX = 2
"""CreateMode of a policy that was written, not clicked together."""


def all_policies(call: Call) -> list[Policy]:
    """The account's policies and the preset ones."""
    return policies(call.world, call.account.account_id)


def named_policy(call: Call) -> Policy:
    """The policy that PolicyId or PolicyName names."""
    number, name = call.get("PolicyId"), call.text("PolicyName")
    if number is None and not name:
        raise ApiError("InvalidParameter.ParamError", "PolicyId or PolicyName must be specified.")
    for policy in all_policies(call):
        if (policy_number(policy) == number) if number is not None else (policy.name == name):
            return policy
    raise ApiError("InvalidParameter.PolicyIdNotExist")


def numbered_policy(call: Call, number: int) -> Policy:
    """The policy of that PolicyId."""
    policy = next((policy for policy in all_policies(call) if policy_number(policy) == number), None)
    if policy is None:
        raise ApiError("ResourceNotFound.PolicyIdNotFound")
    return policy


def attach_role_policy(call: Call) -> dict[str, Any]:
    """Attaches a policy to a role; doing it again is fine."""
    role, policy = find_role(call, "Attach"), named_policy(call)
    call.world.accounts.attach_policy(role, policy.name)
    return {}


def detach_role_policy(call: Call) -> dict[str, Any]:
    """Detaches a policy from a role; one that is not attached is fine."""
    role, policy = find_role(call, "Detach"), named_policy(call)
    call.world.accounts.detach_policy(role, policy.name)
    return {}


def list_attached_role_policies(call: Call) -> dict[str, Any]:
    """The policies of a role, a page at a time."""
    role, kind = find_role(call), call.text("PolicyType")
    if kind not in TYPES:
        raise ApiError("InvalidParameter.ParamError", "`PolicyType` is User or QCS.")
    by_name = {policy.name: policy for policy in all_policies(call)}
    attached = [by_name[name] for name in role.policies if name in by_name]
    found = [p for p in attached if p.scope in TYPES[kind] and call.text("Keyword").lower() in p.name.lower()]
    shown = page(found, call.get("Page"), call.get("Rp"))
    return {"List": [_render_attached(policy) for policy in shown], "TotalNum": len(found)}


def _render_attached(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyId": policy_number(policy),
        "PolicyName": policy.name,
        "AddTime": ecm_time(policy.created),
        "PolicyType": "QCS" if policy.scope == "System" else "User",
        "CreateMode": BY_SYNTAX,
        "Deactived": 0,
        "DeactivedDetail": [],
        "Description": policy.description,
    }


def list_entities_for_policy(call: Call) -> dict[str, Any]:
    """What a policy is attached to, a page at a time: roles, since users have no attachments of their own here."""
    policy, kind = numbered_policy(call, call.get("PolicyId")), call.get("EntityFilter", "All")
    if kind not in ENTITIES:
        raise ApiError("InvalidParameter.ParamError", "`EntityFilter` is All, User, Group or Role.")
    found = holders(call, policy) if kind in ("All", "Role") else []
    shown = page(found, call.get("Page", 1), call.get("Rp", 20))
    return {"TotalNum": len(found), "List": [_entity(role) for role in shown]}


def _entity(role: Role) -> dict[str, Any]:
    return {
        "Id": role.role_id,
        "Name": role.name,
        "Uin": 0,
        "RelatedType": ROLE_ENTITY,
        "AttachmentTime": ecm_time(role.created),
    }


def holders(call: Call, policy: Policy) -> list[Role]:
    """The account's roles that a policy is attached to."""
    roles = call.world.accounts.roles("tencent", call.account.account_id)
    return [role for role in roles if policy.name in role.policies]
