"""RAM and STS of Alibaba Cloud once more, from the models of their official packages (ram20150501, sts20150401) alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.emulators import documents
from tests.emulators.rpc import RefusedError, Rpc

EXPORT_ROLE: Final = "AliyunECSImageExportDefaultRole"
IMPORT_ROLE: Final = "AliyunECSImageImportDefaultRole"
ACCOUNT: Final = "1968132000120000"
_POLICY: Final = ("PolicyType!", "PolicyName!")
RAM: Final[dict[str, tuple[str, ...]]] = {
    "GetRole": ("RoleName!",),
    "ListPoliciesForRole": ("RoleName!",),
    "GetPolicy": _POLICY,
    "GetPolicyVersion": (*_POLICY, "VersionId!"),
    "CreateRole": ("RoleName!", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "AllowConsoleLogin",
                   "Tag.N.Key", "Tag.N.Value"),
    "UpdateRole": ("RoleName!", "NewAssumeRolePolicyDocument", "NewDescription", "NewMaxSessionDuration",
                   "NewAllowConsoleLogin"),
    "CreatePolicy": ("PolicyName!", "PolicyDocument!", "Description", "Tag.N.Key", "Tag.N.Value"),
    "AttachPolicyToRole": (*_POLICY, "RoleName!", "ResourceGroupId"),
}  # fmt: skip
#: What the vendor's own policies allow (alibaba.md 3.3).
SYSTEM: Final = {
    "AliyunECSImageExportRolePolicy": [
        "oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:GetBucketLocation", "oss:GetBucketInfo",
        "oss:AbortMultipartUpload", "oss:ListMultipartUploads", "oss:ListParts",
    ],
    "AliyunECSImageImportRolePolicy": ["oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo"],
    "AliyunOSSFullAccess": ["oss:*"],
    "AliyunECSReadOnlyAccess": ["ecs:Describe*"],
}  # fmt: skip


def trust(*services: str) -> dict[str, Any]:
    return {"Statement": [{"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": list(services)}}],
            "Version": "1"}  # fmt: skip


def grant(*actions: str, resource: str = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Version": "1", "Statement": [{"Action": list(actions), "Resource": [resource], "Effect": effect}]}


class Ram(Rpc):
    """The roles and policies of one account. `lag`: so many looks do not show yet what was made."""

    version, product, table = "2015-05-01", "ram", RAM

    def __init__(self, now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__(now, ways)
        self.policies: dict[tuple[str, str], Any] = {
            ("System", name): grant(*actions) for name, actions in SYSTEM.items()
        }
        self.roles: dict[str, dict[str, Any]] = {}

    def role(self, name: str, *policies: str, trusts: Mapping[str, Any] | None = None) -> None:
        """A role with these policies attached, by their names; without any, with the one that belongs to it."""
        own = name.replace("DefaultRole", "RolePolicy")
        attached = [next(key for key in self.policies if key[1] == policy) for policy in policies or (own,)]
        self.roles[name] = {"trust": trusts or trust("ecs.aliyuncs.com"), "attached": attached, "unseen": 0}

    def both_roles(self) -> None:
        self.role(EXPORT_ROLE)
        self.role(IMPORT_ROLE)

    def _role(self, name: str, *, looks: bool = True) -> dict[str, Any]:
        role = self.roles.get(name)
        if role is not None and looks and role["unseen"]:
            role["unseen"] -= 1
            role = None
        if role is None:
            raise RefusedError("EntityNotExist.Role", 404, f"The role not exists : {name} .")
        return role

    def shown(self, document: Mapping[str, Any] | str) -> Any:
        if isinstance(document, str):
            return document
        return document if self.ways.get("documents") == "parsed" else documents.written(document, self.ways)

    # --------------------------------------------------------------------------------------------------- looking

    def do_GetRole(self, values: Mapping[str, Any]) -> dict[str, Any]:
        role = self._role(values["RoleName"])
        shown = {"RoleId": "901234567890123", "RoleName": values["RoleName"], "Description": "",
                 "Arn": f"acs:ram::{ACCOUNT}:role/{values['RoleName'].lower()}",
                 "AssumeRolePolicyDocument": self.shown(role["trust"]), "CreateDate": self.stamp(),
                 "UpdateDate": self.stamp(), "MaxSessionDuration": 3600, "AllowConsoleLogin": False,
                 "RolePrincipalName": "", "IsServiceLinkedRole": False, "LatestDeletionTask": {}}  # fmt: skip
        if "few fields" in self.ways:
            shown = {"AssumeRolePolicyDocument": shown["AssumeRolePolicyDocument"]}
        return {"Role": shown}

    def do_ListPoliciesForRole(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Whole, as the definition has it; the lists of no policy in each of their forms."""
        attached = self._role(values["RoleName"])["attached"]
        rows = [self._row(kind, name) for kind, name in attached]
        empty: dict[str, dict[str, Any]] = {"absent": {}, "null": {"Policies": None}, "bare": {"Policies": {}},
                                            "null inside": {"Policies": {"Policy": None}}}  # fmt: skip
        if not rows and self.ways.get("empty lists") in empty:
            return empty[self.ways["empty lists"]]
        return {"Policies": rows if "flat lists" in self.ways else {"Policy": rows}}

    def _row(self, kind: str, name: str) -> dict[str, Any]:
        row = {"PolicyName": name, "PolicyType": kind, "DefaultVersion": "v1", "Description": "",
               "AttachDate": self.stamp()}  # fmt: skip
        return {key: row[key] for key in ("PolicyName", "PolicyType")} if "few fields" in self.ways else row

    def _policy(self, values: Mapping[str, Any]) -> Any:
        found = self.policies.get((values["PolicyType"], values["PolicyName"]))
        if found is None:
            raise RefusedError("EntityNotExist.Policy", 404)
        return self.shown(found)

    def do_GetPolicy(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The document where today's definition has it, where the older one had it, or only in the version."""
        document = self._policy(values)
        policy = {"PolicyName": values["PolicyName"], "PolicyType": values["PolicyType"], "DefaultVersion": "v1",
                  "Description": "", "CreateDate": self.stamp(), "UpdateDate": self.stamp(), "AttachmentCount": 1}  # fmt: skip
        version = {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": self.stamp(), "PolicyDocument": document}
        forms: dict[str, dict[str, Any]] = {
            "today": {"Policy": policy, "DefaultPolicyVersion": version},
            "in the policy": {"Policy": {**policy, "PolicyDocument": document}},
            "by the version": {"Policy": policy},
        }
        return forms[self.ways.get("policy document", "today")]

    def do_GetPolicyVersion(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if values["VersionId"] != "v1":
            raise RefusedError("EntityNotExist.Policy.Version", 404)
        return {"PolicyVersion": {"VersionId": "v1", "IsDefaultVersion": True, "PolicyDocument": self._policy(values)}}

    # -------------------------------------------------------------------------------------------------- changing

    def do_CreateRole(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if values["RoleName"] in self.roles:
            raise RefusedError("EntityAlreadyExists.Role", 409)
        document = self._document(values["AssumeRolePolicyDocument"])
        self.roles[values["RoleName"]] = {"trust": document, "attached": [], "unseen": self.ways.get("lag", 0)}
        return {"Role": {"RoleName": values["RoleName"], "AssumeRolePolicyDocument": document}}

    @staticmethod
    def _document(text: str) -> str:
        try:
            documents.statements(text)
        except ValueError as error:
            raise RefusedError("MalformedPolicyDocument") from error
        return text

    def do_UpdateRole(self, values: Mapping[str, Any]) -> dict[str, Any]:
        role = self._role(values["RoleName"], looks=False)
        if "NewAssumeRolePolicyDocument" in values:
            role["trust"] = self._document(values["NewAssumeRolePolicyDocument"])
        return {"Role": {"RoleName": values["RoleName"]}}

    def do_CreatePolicy(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if ("Custom", values["PolicyName"]) in self.policies:
            raise RefusedError("EntityAlreadyExists.Policy", 409)
        self.policies["Custom", values["PolicyName"]] = self._document(values["PolicyDocument"])
        return {"Policy": {"PolicyName": values["PolicyName"], "PolicyType": "Custom", "DefaultVersion": "v1"}}

    def do_AttachPolicyToRole(self, values: Mapping[str, Any]) -> dict[str, Any]:
        key = (values["PolicyType"], values["PolicyName"])
        if key not in self.policies:
            raise RefusedError("EntityNotExist.Policy", 404)
        attached = self._role(values["RoleName"], looks=False)["attached"]
        if key in attached:
            raise RefusedError("EntityAlreadyExists.Role.Policy", 409)
        attached.append(key)
        return {}


class AlibabaSts(Rpc):
    """Who is asking. `caller` is the kind in the vendor's word, whose case its pages do not agree on."""

    version, product, table = "2015-04-01", "sts", {"GetCallerIdentity": ()}

    def do_GetCallerIdentity(self, _values: Mapping[str, Any]) -> dict[str, Any]:
        kind = self.ways.get("caller", "Account")
        arn = {"account": f"acs:ram::{ACCOUNT}:root", "ramuser": f"acs:ram::{ACCOUNT}:user/admin"}.get(
            kind.lower(), f"acs:ram::{ACCOUNT}:assumed-role/admin/me"
        )
        account: int | str = int(ACCOUNT) if "numbers" in self.ways else ACCOUNT
        found = {"IdentityType": kind, "AccountId": account, "PrincipalId": account, "UserId": account, "Arn": arn}
        if kind == "AssumedRoleUser":
            found["RoleId"] = found.pop("UserId")
        return {name: found[name] for name in ("AccountId", "Arn")} if "few fields" in self.ways else found
