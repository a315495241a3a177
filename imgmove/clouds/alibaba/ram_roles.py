"""Service roles in RAM: how one is now, and creating what is missing of it (alibaba.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imgmove.clouds.alibaba import answers, policy_documents
from imgmove.clouds.alibaba.policy_documents import Statement
from imgmove.clouds.alibaba.rpc import Rpc
from imgmove.clouds.alibaba.service_roles import SYSTEM_POLICIES
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import RoleState, ServiceRole

_ABSENT_ROLE: Final = "EntityNotExist.Role"
#: Answers of an endpoint that does not have the call at all: we may not look, as without the right to.
_NO_LOOK: Final = frozenset({Kind.DENIED, Kind.UNSUPPORTED})
#: More policies than RAM attaches to any role: a list that does not end is none.
_MAX_PAGES: Final = 100


@dataclass(frozen=True)
class _Attached:
    """A policy as the list of a role's policies names it."""

    name: str
    type: str
    version: str


class RamRoles:
    """The roles of one account. Safe to use from several threads."""

    def __init__(self, ram: Rpc) -> None:
        self._ram = ram

    # ------------------------------------------------------------------------------------------------- looking

    def state(self, role: ServiceRole) -> RoleState:
        """How the role is now; DENIED where we may not look, and where the endpoint has no such call."""
        body = self._role(role.name)
        if body is None:
            return RoleState(exists=False)
        trust = policy_documents.statements(body.get("AssumeRolePolicyDocument"))
        attached = self._attached(role.name)
        return RoleState(
            exists=True,
            trusts=None if trust is None else policy_documents.trusts(trust, role.trusted_service),
            trusted_services=() if trust is None else policy_documents.trusted_services(trust),
            attached=None if attached is None else tuple(policy.name for policy in attached),
            missing_actions=None if attached is None else self._missing(role, attached),
        )

    def _role(self, name: str) -> Mapping[str, Any] | None:
        """The role's own description; None where there is none."""
        try:
            body = self._ram.call("GetRole", {"RoleName": name})
        except ImgmoveError as error:
            if error.code == _ABSENT_ROLE:
                return None
            if error.kind in {Kind.UNSUPPORTED, Kind.NOT_FOUND}:
                raise replace(error, kind=Kind.DENIED) from error
            raise
        found = body.get("Role")
        if not isinstance(found, dict):
            raise self._ram.incomplete("Role", body, changes=False)
        return found

    def _attached(self, role_name: str) -> list[_Attached] | None:
        """The policies attached to the role, all pages; None where we may not look.

        A role that was made just now may not be seen everywhere yet.
        """
        try:
            return list(self._listed(role_name))
        except ImgmoveError as error:
            if error.kind not in _NO_LOOK and error.code != _ABSENT_ROLE:
                raise
            return None

    def _listed(self, role_name: str) -> Iterator[_Attached]:
        """RAM gives the list whole today; other lists of its go on by a Marker, and this one may."""
        marker = ""
        for _ in range(_MAX_PAGES):
            body = self._ram.call("ListPoliciesForRole", {"RoleName": role_name, "Marker": marker or None})
            for entry in answers.items(body, "Policies", "Policy"):
                names = ("PolicyName", "PolicyType", "DefaultVersion")
                yield _Attached(*(answers.text(entry, name) for name in names))
            following = answers.text(body, "Marker")
            if answers.text(body, "IsTruncated") != "true" or following in {"", marker}:
                return
            marker = following

    def _missing(self, role: ServiceRole, attached: Sequence[_Attached]) -> tuple[str, ...] | None:
        """The needed actions that are not allowed; None where a policy that nobody may read could allow them."""
        read = [self._statements(policy) for policy in attached]
        missing = policy_documents.missing_actions(
            [policy for policy in read if policy is not None], role.needed_actions, role.buckets
        )
        return None if missing and None in read else missing

    def _statements(self, policy: _Attached) -> tuple[Statement, ...] | None:
        """What a policy says: by its document, else by what is known of a policy of the vendor's of that name."""
        found = policy_documents.statements(self._document(policy))
        if found is None and policy.type != "Custom":
            found = policy_documents.statements(SYSTEM_POLICIES.get(policy.name))
        return found

    def _document(self, policy: _Attached) -> Any:
        """The document of the default version, by either of two calls; None where neither may be asked."""
        named = {"PolicyType": policy.type or "System", "PolicyName": policy.name}
        body = self._unless_closed("GetPolicy", named)
        described, version = _object(body, "Policy"), _object(body, "DefaultPolicyVersion")
        document = version.get("PolicyDocument") or described.get("PolicyDocument")
        if document:
            return document
        version_id = answers.text(described, "DefaultVersion") or policy.version
        if not version_id:
            return None
        body = self._unless_closed("GetPolicyVersion", {**named, "VersionId": version_id})
        return _object(body, "PolicyVersion").get("PolicyDocument")

    def _unless_closed(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._ram.call(action, parameters)
        except ImgmoveError as error:
            if error.kind not in _NO_LOOK | {Kind.NOT_FOUND}:
                raise
            return {}

    # ------------------------------------------------------------------------------------------------ creating

    def create(self, role: ServiceRole) -> list[str]:
        """Create what is missing of the role; what was done, in words. Whatever is there stays."""
        return [*self._with_trust(role), *self._with_rights(role)]

    def _with_rights(self, role: ServiceRole) -> Iterator[str]:
        """The policy and its grant, unless the role has the rights already; what had to be done for it."""
        attached = self._attached(role.name) or []
        if any(policy.name == role.policy_name for policy in attached) or self._missing(role, attached) == ():
            return
        if not role.policy_is_system:
            yield from self._made(
                "CreatePolicy", "EntityAlreadyExists.Policy", f"created the policy {role.policy_name}",
                {"PolicyName": role.policy_name, "PolicyDocument": role.policy, "Description": role.description or None},
            )  # fmt: skip
        kind = "System" if role.policy_is_system else "Custom"
        yield from self._made(
            "AttachPolicyToRole", "EntityAlreadyExists.Role.Policy",
            f"attached the {kind.lower()} policy {role.policy_name} to the role {role.name}",
            {"PolicyType": kind, "PolicyName": role.policy_name, "RoleName": role.name},
        )  # fmt: skip

    def _with_trust(self, role: ServiceRole) -> Iterator[str]:
        """The role, trusting its service; what had to be done for it."""
        body = self._seen(role.name)
        if body is None:
            yield from self._made(
                "CreateRole", "EntityAlreadyExists.Role",
                f"created the role {role.name}, which {role.trusted_service} may take on",
                {"RoleName": role.name, "AssumeRolePolicyDocument": role.trust_policy,
                 "Description": role.description or None},
            )  # fmt: skip
            return
        document = body.get("AssumeRolePolicyDocument")
        trust = policy_documents.statements(document)
        if trust is None:
            yield f"the trust policy of the role {role.name} cannot be read: it stays as it is"
        elif not policy_documents.trusts(trust, role.trusted_service):
            yield self._extend_trust(role, document)

    def _seen(self, name: str) -> Mapping[str, Any] | None:
        """The role, None where there is none or nobody may look: creating it then says which."""
        try:
            return self._role(name)
        except ImgmoveError as error:
            if error.kind is not Kind.DENIED:
                raise
            return None

    def _extend_trust(self, role: ServiceRole, document: Any) -> str:
        """Add the service to those that the trust policy has; nobody loses the role by it."""
        wanted = policy_documents.extended(document, role.trust_policy)
        if wanted is None or not policy_documents.trusts(
            policy_documents.statements(wanted) or (), role.trusted_service
        ):
            raise ImgmoveError(
                Kind.CONFLICT, f"the trust policy of the role {role.name} denies it to {role.trusted_service}",
                code="TrustDenied", hint="remove that Deny in the RAM console; nothing is taken away here",
            )  # fmt: skip
        parameters = {"RoleName": role.name, "NewAssumeRolePolicyDocument": wanted}
        self._ram.call("UpdateRole", parameters, changes=True)
        return f"added {role.trusted_service} to those that may take on the role {role.name}"

    def _made(self, action: str, there: str, words: str, parameters: Mapping[str, Any]) -> list[str]:
        """Call something that makes something; nothing was done where it was `there` already."""
        try:
            self._ram.call(action, parameters, changes=True)
        except ImgmoveError as error:
            if error.code != there:
                raise
            return []
        return [words]


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}
