"""CAM's calls about policies: making, changing and deleting them, listing them and their versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from imgmove.sandbox.wire.cam_attachments import BY_SYNTAX, all_policies, holders, named_policy, numbered_policy
from imgmove.sandbox.wire.cam_roles import NAME, check_description, check_document, page
from imgmove.sandbox.wire.cvm_checks import TAG
from imgmove.sandbox.wire.ecm_describe import ecm_time
from imgmove.sandbox.wire.tencent_api import Call
from imgmove.sandbox.wire.tencent_errors import ApiError
from imgmove.sandbox.wire.tencent_parameters import ListOf, Scalar, Struct
from imgmove.sandbox.world.accounts import Policy
from imgmove.sandbox.world.tencent_policy import policy_number

CREATE_PARAMETERS = Struct.of(
    {"PolicyName": Scalar.STRING, "PolicyDocument": Scalar.STRING},
    Description=Scalar.STRING,
    Tags=ListOf(TAG),
)
GET_PARAMETERS = Struct.of({"PolicyId": Scalar.UNSIGNED})
LIST_PARAMETERS = Struct.of(Rp=Scalar.UNSIGNED, Page=Scalar.UNSIGNED, Scope=Scalar.STRING, Keyword=Scalar.STRING)
DELETE_PARAMETERS = Struct.of({"PolicyId": ListOf(Scalar.UNSIGNED)})
VERSION_PARAMETERS = Struct.of({"PolicyId": Scalar.UNSIGNED, "VersionId": Scalar.UNSIGNED})
UPDATE_PARAMETERS = Struct.of(
    PolicyId=Scalar.UNSIGNED,
    PolicyName=Scalar.STRING,
    Description=Scalar.STRING,
    PolicyDocument=Scalar.STRING,
    Alias=Scalar.STRING,
)

SCOPES = {"All": ("System", "Custom"), "QCS": ("System",), "Local": ("Custom",)}
CUSTOM_TYPE, PRESET_TYPE = 1, 2
ONLY_VERSION = 1


def create_policy(call: Call) -> dict[str, Any]:
    """Creates a policy of the account's own."""
    name = call.text("PolicyName")
    if not NAME.fullmatch(name):
        raise ApiError("InvalidParameter.PolicyNameError")
    check_description(call)
    check_document(call.text("PolicyDocument"))
    if any(policy.name == name for policy in all_policies(call)):
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
    policy = numbered_policy(call, call.get("PolicyId"))
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


def update_policy(call: Call) -> dict[str, Any]:
    """Replaces document and description of a policy of the account's own."""
    policy = named_policy(call)
    if policy.scope == "System":
        raise ApiError("InvalidParameter.PolicyIdError")
    check_description(call)
    document = call.get("PolicyDocument", policy.document)
    check_document(document)
    policy.document, policy.description = document, call.get("Description", policy.description)
    call.world.changed()
    return {"PolicyId": policy_number(policy)}


def delete_policy(call: Call) -> dict[str, Any]:
    """Deletes policies of the account's own, also attached ones: they are detached."""
    chosen = [numbered_policy(call, number) for number in call.get("PolicyId")]
    if any(policy.scope == "System" for policy in chosen):
        raise ApiError("InvalidParameter.PolicyIdError")
    for policy in chosen:
        for role in holders(call, policy):
            call.world.accounts.detach_policy(role, policy.name)
        call.world.accounts.delete_policy("tencent", call.account.account_id, policy.name)
    return {}


def list_policy_versions(call: Call) -> dict[str, Any]:
    """The versions of a policy; there is only the first."""
    return {"Versions": [_version(numbered_policy(call, call.get("PolicyId")))]}


def get_policy_version(call: Call) -> dict[str, Any]:
    """A policy's version with its document; there is only the first."""
    policy = numbered_policy(call, call.get("PolicyId"))
    if call.get("VersionId") != ONLY_VERSION:
        raise ApiError("InvalidParameter.PolicyVersionNotExists")
    return {"PolicyVersion": {**_version(policy), "Document": policy.document}}


def _version(policy: Policy) -> dict[str, Any]:
    moment = datetime.fromtimestamp(policy.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"VersionId": ONLY_VERSION, "CreateDate": moment, "IsDefaultVersion": 1}


def _type(policy: Policy) -> int:
    return PRESET_TYPE if policy.scope == "System" else CUSTOM_TYPE


def list_policies(call: Call) -> dict[str, Any]:
    """The account's and the preset policies, a page at a time."""
    scope = call.get("Scope", "All")
    if scope not in SCOPES:
        raise ApiError("InvalidParameter.ScopeError")
    keyword = call.text("Keyword").lower()
    found = [p for p in all_policies(call) if p.scope in SCOPES[scope] and keyword in p.name.lower()]
    shown = page(found, call.get("Page", 1), call.get("Rp", 20))
    return {"TotalNum": len(found), "List": [_render(call, policy) for policy in shown], "ServiceTypeList": []}


def _render(call: Call, policy: Policy) -> dict[str, Any]:
    count = len(holders(call, policy))
    return {
        "PolicyId": policy_number(policy),
        "PolicyName": policy.name,
        "AddTime": ecm_time(policy.created),
        "Type": _type(policy),
        "Description": policy.description,
        "CreateMode": BY_SYNTAX,
        "Attachments": count,
        "ServiceType": "",
        "IsAttached": None,
        "Deactived": 0,
        "DeactivedDetail": [],
        "IsServiceLinkedPolicy": 0,
        "AttachEntityCount": count,
        "AttachEntityBoundaryCount": 0,
        "UpdateTime": ecm_time(policy.created),
    }
