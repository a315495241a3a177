"""CAM's calls about policies: CreatePolicy, GetPolicy, ListPolicies; attaching them to roles and listing those."""

from __future__ import annotations

from typing import Any

from imgmove.sandbox.wire.cam_roles import NAME, check_description, check_document, find_role, page
from imgmove.sandbox.wire.cvm_checks import TAG
from imgmove.sandbox.wire.ecm_describe import ecm_time
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct
from imgmove.sandbox.world.accounts import Policy
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
CREATE_PARAMETERS = Struct.of(
    {"PolicyName": Scalar.STRING, "PolicyDocument": Scalar.STRING},
    Description=Scalar.STRING,
    Tags=ListOf(TAG),
)
GET_PARAMETERS = Struct.of({"PolicyId": Scalar.UNSIGNED})
LIST_PARAMETERS = Struct.of(Rp=Scalar.UNSIGNED, Page=Scalar.UNSIGNED, Scope=Scalar.STRING, Keyword=Scalar.STRING)

SCOPES = {"All": ("System", "Custom"), "QCS": ("System",), "Local": ("Custom",)}
TYPES = {"": ("System", "Custom"), "QCS": ("System",), "User": ("Custom",)}
CUSTOM_TYPE, PRESET_TYPE = 1, 2
BY_SYNTAX = 2
"""CreateMode of a policy that was written, not clicked together."""


def _all(call: Call) -> list[Policy]:
    return policies(call.world, call.account.account_id)


def _named(call: Call) -> Policy:
    """The policy that PolicyId or PolicyName names."""
    number, name = call.get("PolicyId"), call.text("PolicyName")
    if number is None and not name:
        raise ApiError("InvalidParameter.ParamError", "PolicyId or PolicyName must be specified.")
    for policy in _all(call):
        if (policy_number(policy) == number) if number is not None else (policy.name == name):
            return policy
    raise ApiError("InvalidParameter.PolicyIdNotExist")


def attach_role_policy(call: Call) -> dict[str, Any]:
    """Attaches a policy to a role; doing it again is fine."""
    role, policy = find_role(call, "Attach"), _named(call)
    call.world.accounts.attach_policy(role, policy.name)
    return {}


def detach_role_policy(call: Call) -> dict[str, Any]:
    """Detaches a policy from a role; one that is not attached is fine."""
    role, policy = find_role(call, "Detach"), _named(call)
    call.world.accounts.detach_policy(role, policy.name)
    return {}


def list_attached_role_policies(call: Call) -> dict[str, Any]:
    """The policies of a role, a page at a time."""
    role, kind = find_role(call), call.text("PolicyType")
    if kind not in TYPES:
        raise ApiError("InvalidParameter.ParamError", "`PolicyType` is User or QCS.")
    by_name = {policy.name: policy for policy in _all(call)}
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


def create_policy(call: Call) -> dict[str, Any]:
    """Creates a policy of the account's own."""
    name = call.text("PolicyName")
    if not NAME.fullmatch(name):
        raise ApiError("InvalidParameter.PolicyNameError")
    check_description(call)
    check_document(call.text("PolicyDocument"))
    if any(policy.name == name for policy in _all(call)):
        raise ApiError("FailedOperation.PolicyNameInUse")
    policy = Policy(
        name=name,
        document=call.text("PolicyDocument"),
        description=call.text("Description"),
        created=call.world.clock.wall(),
        policy_id=str(call.world.tencent.new_cam_id()),
    )
    call.world.accounts.add_policy("tencent", call.account.account_id, policy)
    return {"PolicyId": policy_number(policy)}


def get_policy(call: Call) -> dict[str, Any]:
    """One policy with its document."""
    number = call.get("PolicyId")
    policy = next((policy for policy in _all(call) if policy_number(policy) == number), None)
    if policy is None:
        raise ApiError("ResourceNotFound.PolicyIdNotFound")
    return {
        "PolicyName": policy.name,
        "Description": policy.description,
        "Type": _type(policy),
        "AddTime": ecm_time(policy.created),
        "UpdateTime": ecm_time(policy.created),
        "PolicyDocument": policy.document,
        "PresetAlias": "",
        "IsServiceLinkedRolePolicy": 0,
        "Tags": [],
    }


def _type(policy: Policy) -> int:
    return PRESET_TYPE if policy.scope == "System" else CUSTOM_TYPE


def list_policies(call: Call) -> dict[str, Any]:
    """The account's and the preset policies, a page at a time."""
    scope = call.get("Scope", "All")
    if scope not in SCOPES:
        raise ApiError("InvalidParameter.ScopeError")
    keyword = call.text("Keyword").lower()
    found = [p for p in _all(call) if p.scope in SCOPES[scope] and keyword in p.name.lower()]
    shown = page(found, call.get("Page", 1), call.get("Rp", 20))
    return {"TotalNum": len(found), "List": [_render(policy) for policy in shown], "ServiceTypeList": []}


def _render(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyId": policy_number(policy),
        "PolicyName": policy.name,
        "AddTime": ecm_time(policy.created),
        "Type": _type(policy),
        "Description": policy.description,
        "CreateMode": BY_SYNTAX,
        "Attachments": 0,
        "ServiceType": "",
        "IsAttached": None,
        "Deactived": 0,
        "DeactivedDetail": [],
        "IsServiceLinkedPolicy": 0,
        "AttachEntityCount": 0,
        "AttachEntityBoundaryCount": 0,
        "UpdateTime": ecm_time(policy.created),
    }
