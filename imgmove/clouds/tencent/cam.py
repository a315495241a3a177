"""A service role in CAM: how it is, and creating what it lacks. Nothing is ever taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imgmove.clouds.tencent import answers, cam_policy
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.cam_policy import Statement
from imgmove.clouds.tencent.service_roles import PRESETS, trusts
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import RoleState, ServiceRole

#: Codes of a service that does not have the call at all: a small emulation, or one that has retired it.
UNKNOWN_CALLS: Final = frozenset({
    "InvalidAction", "UnknownAction", "NoSuchVersion", "NoSuchProduct", "ActionOffline", "NotImplemented",
    "UnsupportedOperation", "NoEndpoint",
})  # fmt: skip
#: A bucket that only rights on all buckets cover.
_ANY_BUCKET: Final = "any-0"


@dataclass(frozen=True)
class _Grants:
    """What the attached policies say; `unread` are those whose document nobody showed us."""

    names: tuple[str, ...]
    statements: tuple[Statement, ...]
    unread: tuple[str, ...]


def role_state(api: Api, role: ServiceRole) -> RoleState:
    """How the role is. DENIED where we may not look, or CAM is not there to be asked."""
    try:
        found = _role(api, role.name)
    except ImgmoveError as error:
        raise closed(error) from error
    if found is None:
        return RoleState(exists=False)
    trust = cam_policy.statements(answers.text(found, "PolicyDocument"))
    services = () if trust is None else cam_policy.trusted_services(trust)
    grants = _grants(api, role.name)
    return RoleState(
        exists=True, trusts=None if trust is None else trusts(services, role.trusted_service),
        attached=None if grants is None else grants.names,
        missing_actions=None if grants is None else _missing(grants, role), trusted_services=services,
    )  # fmt: skip


def create_role(api: Api, role: ServiceRole) -> Sequence[str]:
    """Create what is missing of the role; what was done, in words. Safe to repeat."""
    done = list(_create_role(api, role))
    grants = _grants(api, role.name)
    wanted = replace(role, buckets=role.buckets or (_ANY_BUCKET,))
    if grants is not None and _missing(grants, wanted) == ():
        return [*done, f"the policies of {role.name} allow all that is needed already: {', '.join(grants.names)}"]
    if not role.policy_is_system:
        done.append(_create_policy(api, role))
    if grants is not None and role.policy_name in grants.names:
        return [*done, f"the policy {role.policy_name} is attached to {role.name} already"]
    parameters = {"AttachRoleName": role.name, "PolicyName": role.policy_name}
    _unless_there(api, "AttachRolePolicy", parameters)
    return [*done, f"attached the policy {role.policy_name} to {role.name}"]


def _create_role(api: Api, role: ServiceRole) -> Iterator[str]:
    parameters = {"RoleName": role.name, "PolicyDocument": role.trust_policy, "Description": role.description}
    if _unless_there(api, "CreateRole", parameters):
        yield f"created the role {role.name}, which {role.trusted_service} may take on"
        return
    yield f"the role {role.name} is there already"
    try:
        found = _role(api, role.name)
    except ImgmoveError as error:
        if not _may_not_look(error):
            raise
        found = None
    yield from _add_trust(api, role, answers.text(found or {}, "PolicyDocument"))


def _add_trust(api: Api, role: ServiceRole, document: str) -> Iterator[str]:
    """Let the service take the role on, too, if it may not yet."""
    policy = cam_policy.statements(document)
    extended = cam_policy.joined(document, role.trust_policy)
    if policy is None or extended is None:
        yield f"whether {role.trusted_service} may take {role.name} on cannot be seen: see to it in the CAM console"
    elif not trusts(cam_policy.trusted_services(policy), role.trusted_service):
        parameters = {"RoleName": role.name, "PolicyDocument": extended}
        api.call("UpdateAssumeRolePolicy", parameters, changes=True)
        yield f"{role.trusted_service} may take {role.name} on now, beside those who could before"


def _create_policy(api: Api, role: ServiceRole) -> str:
    parameters = {"PolicyName": role.policy_name, "PolicyDocument": role.policy, "Description": role.description}
    if _unless_there(api, "CreatePolicy", parameters):
        return f"created the policy {role.policy_name}"
    return f"the policy {role.policy_name} is there already, and stays as it is"


def _unless_there(api: Api, action: str, parameters: Mapping[str, Any]) -> bool:
    """Call it; False where what it would make is there already."""
    try:
        api.call(action, parameters, changes=True)
    except ImgmoveError as error:
        if error.kind is not Kind.EXISTS:
            raise
        return False
    return True


def _role(api: Api, name: str) -> dict[str, Any] | None:
    """The role; None where there is none."""
    try:
        response = api.call("GetRole", {"RoleName": name})
    except ImgmoveError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise
    found = answers.child(response, "RoleInfo")
    if not found:
        raise api.incomplete("RoleInfo", response)
    return found


def _grants(api: Api, role_name: str) -> _Grants | None:
    """The role's policies; None where we may not look."""
    try:
        attached = list(api.numbered_pages("ListAttachedRolePolicies", {"RoleName": role_name}))
    except ImgmoveError as error:
        if _may_not_look(error) or error.kind is Kind.NOT_FOUND:
            return None  # a role that was made just now may not be seen everywhere yet
        raise
    statements: list[Statement] = []
    unread: list[str] = []
    for item in attached:
        found = _policy(api, item)
        statements += found or ()
        unread += [] if found is not None else [answers.text(item, "PolicyName")]
    return _Grants(tuple(answers.text(item, "PolicyName") for item in attached), tuple(statements), tuple(unread))


def _policy(api: Api, attached: Mapping[str, Any]) -> tuple[Statement, ...] | None:
    """The statements of an attached policy: its document, else what a preset of this name is known to allow."""
    name, number = answers.text(attached, "PolicyName"), answers.number(attached, "PolicyId")
    document = ""
    if number is not None:
        try:
            document = answers.text(api.call("GetPolicy", {"PolicyId": number}), "PolicyDocument")
        except ImgmoveError as error:
            if not (_may_not_look(error) or error.kind is Kind.NOT_FOUND):
                raise
    found = cam_policy.statements(document)
    if found is None and name in PRESETS and answers.text(attached, "PolicyType") in {"QCS", ""}:
        return (Statement(allows=True, actions=PRESETS[name], resources=("*",)),)
    return found


def _missing(grants: _Grants, role: ServiceRole) -> tuple[str, ...] | None:
    """The needed actions that are not allowed; None where a policy that we cannot read may allow them."""
    found = cam_policy.missing(grants.statements, role.needed_actions, role.buckets)
    return None if found and grants.unread else found


def _may_not_look(error: ImgmoveError) -> bool:
    return error.kind is Kind.DENIED or error.code in UNKNOWN_CALLS


def closed(error: ImgmoveError) -> ImgmoveError:
    """A CAM that does not have the call is one that we may not look into."""
    if error.code not in UNKNOWN_CALLS:
        return error
    return replace(error, kind=Kind.DENIED, hint="what is at CAM's endpoint has no roles: they are not looked at")
