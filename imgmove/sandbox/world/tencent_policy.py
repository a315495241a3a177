"""CAM policies: reading them, asking them, the preset ones, and what a key or a service role may do."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.world.accounts import Key, Policy, Role
from imgmove.sandbox.world.tencent_rules import EXPORT_ROLE

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

VERSION = "2.0"
CVM_PRINCIPALS = ("cvm.qcloud.com", "cvm.cloud.tencent.com", "cvm.tencentcloudapi.com")
"""Who CVM may be in a trust policy; which spelling CVM_QcsRole has is unconfirmed (tencent.md 3.5)."""
WRITE_ACTIONS = ("cos:PutObject", "cos:InitiateMultipartUpload", "cos:UploadPart", "cos:CompleteMultipartUpload")
"""What a role has to be allowed on a bucket's objects for an export (tencent.md 3.5)."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. `principals` is filled in trust policies only, by kind ("service", "qcs")."""

    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: dict[str, tuple[str, ...]]

    def covers(self, action: str, resource: str) -> bool:
        """Whether it speaks of this action on this resource; `*` is a wildcard, `name/` before an action is noise."""
        named = any(_matches(pattern, action) for pattern in self.actions)
        return named and any(_matches(pattern, resource) for pattern in self.resources)


class PolicyError(ValueError):
    """A document that is no policy; `element` is the part that is wrong ("Version", "Effect", ...)."""

    def __init__(self, element: str, message: str) -> None:
        super().__init__(message)
        self.element = element


def read(document: str) -> list[Statement]:
    """The statements of a policy or trust policy. Raises PolicyError."""
    try:
        content = read_json(document)
    except ValueError as error:
        raise PolicyError("Document", "the policy document is not JSON") from error
    if not isinstance(content, dict):
        raise PolicyError("Document", "the policy document is not an object")
    if content.get("version") != VERSION:
        raise PolicyError("Version", 'the policy document has no "version": "2.0"')
    statements = content.get("statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Statement", 'the policy document has no "statement"')
    return [_statement(each) for each in statements]


def _statement(content: Any) -> Statement:
    if not isinstance(content, dict):
        raise PolicyError("Statement", "a statement is not an object")
    effect = str(content.get("effect", "")).lower()
    if effect not in ("allow", "deny"):
        raise PolicyError("Effect", 'a statement needs an "effect" of allow or deny')
    actions = _strings(content.get("action"), "Action")
    if not actions:
        raise PolicyError("Action", 'a statement needs an "action"')
    principals = content.get("principal", {})
    if not isinstance(principals, dict):
        raise PolicyError("Principal", 'the "principal" of a statement is not an object')
    return Statement(
        allow=effect == "allow",
        actions=tuple(name.removeprefix("name/") for name in actions),
        resources=_strings(content.get("resource", "*"), "Resource"),
        principals={kind.lower(): _strings(names, "Principal") for kind, names in principals.items()},
    )


def _strings(content: Any, element: str) -> tuple[str, ...]:
    found = [content] if isinstance(content, str) else content
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise PolicyError(element, "it has to be a string or a list of strings")
    return tuple(found)


def _matches(pattern: str, name: str) -> bool:
    """Only `*` stands for others, any others: a key may hold line breaks. fnmatch does not backtrack for ever."""
    literal = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(name.lower(), literal)


def allows(documents: Iterable[str], action: str, resource: str) -> bool:
    """Whether these policies together allow an action: one has to allow it, and none to deny it."""
    covering = [s for text in documents for s in read(text) if s.covers(action, resource)]
    return bool(covering) and all(statement.allow for statement in covering)


def trusted(document: str, kind: str) -> list[str]:
    """Whom a trust policy names of a kind ("service", "qcs"). Raises PolicyError for a document that is none."""
    return [
        name
        for statement in read(document)
        if statement.allow and statement.covers("sts:AssumeRole", "*")
        for name in statement.principals.get(kind, ())
    ]


# Preset policies


def _document(*actions: str) -> str:
    statement = {"effect": "allow", "action": list(actions), "resource": ["*"]}
    return json.dumps({"version": VERSION, "statement": [statement]})


_PRESETS: dict[str, tuple[str, str]] = {
    "AdministratorAccess": ("Full access to all resources", _document("*")),
    "ReadOnlyAccess": ("Read-only access to all resources", _document("*:Describe*", "*:Get*", "*:List*")),
    "QcloudCVMFullAccess": ("Full access to CVM", _document("cvm:*")),
    "QcloudCVMReadOnlyAccess": ("Read-only access to CVM", _document("cvm:Describe*")),
    "QcloudECMFullAccess": ("Full access to ECM", _document("ecm:*")),
    "QcloudCOSFullAccess": ("Full access to COS", _document("cos:*")),
    "QcloudCOSReadOnlyAccess": ("Read-only access to COS", _document("cos:Get*", "cos:Head*", "cos:List*")),
    "QcloudCOSDataFullControl": (
        "Reading, writing and deleting data in COS",
        _document("cos:GetService", "cos:GetBucket", "cos:List*", "cos:Get*Object*", "cos:Put*Object*",
                  "cos:Head*", "cos:Options*", "cos:Delete*Object*", "cos:*MultipartUpload*", "cos:UploadPart*",
                  "cos:PostObject*", "cos:AppendObject"),
    ),
    "QcloudCOSDataWriteOnly": (
        "Writing data to COS",
        _document("cos:PutObject*", "cos:PostObject*", "cos:*MultipartUpload*", "cos:UploadPart*", "cos:ListParts"),
    ),
    "QcloudCOSDataReadOnly": ("Reading data in COS", _document("cos:Get*Object*", "cos:Head*", "cos:List*")),
    "QcloudCamFullAccess": ("Full access to CAM", _document("cam:*", "sts:*")),
    "QcloudSTSFullAccess": ("Full access to STS", _document("sts:*")),
    "QcloudKMSAccessForCVMRole": ("CVM's access to KMS for encrypted disks", _document("kms:*")),
}  # fmt: skip


def preset_policies() -> list[Policy]:
    """The preset policies that matter here; the vendor has many hundreds."""
    return [
        Policy(name=name, document=document, scope="System", description=text)
        for name, (text, document) in _PRESETS.items()
    ]


def policies(world: World, account_id: str) -> list[Policy]:
    """All policies that an account can attach: its own, those the world's seed gave to everybody, the presets."""
    found = {policy.name: policy for policy in preset_policies()}
    found |= {policy.name: policy for policy in reversed(world.accounts.policies("tencent", account_id))}
    return list(found.values())


def policy_number(policy: Policy) -> int:
    """A policy's PolicyId: its own, or one made from its name for those that were given none."""
    return int(policy.policy_id) if policy.policy_id.isdecimal() else zlib.crc32(policy.name.encode())


# Asking


def role_allows(world: World, role: Role, action: str, resource: str) -> bool:
    """Whether a role's attached policies allow an action."""
    return allows(_documents(world, role.account_id, role.policies), action, resource)


def _documents(world: World, account_id: str, names: Iterable[str]) -> list[str]:
    by_name = {policy.name: policy.document for policy in policies(world, account_id)}
    return [by_name[name] for name in names if name in by_name]


def key_allows(world: World, key: Key, action: str, resource: str) -> bool:
    """Whether a key may do something. A key without policies is its account's own and may do everything; one with
    them may do what they allow; a temporary one, what its role's or user's policies and the policy it was asked for
    with both allow."""
    session = world.tencent.state.sessions.get(key.access_key_id)
    if key.policies is not None and not allows(_documents(world, key.account_id, key.policies), action, resource):
        return False
    if session is None:
        return True
    if session.policy and not allows([session.policy], action, resource):
        return False
    if session.kind != "role":
        return True
    role = world.accounts.role("tencent", key.account_id, session.role_name)
    return role is not None and role_allows(world, role, action, resource)


_USER = re.compile(r"qcs::cam::?(?:uin/)?(?P<account>\d+):uin/(?P<user>\d+)")


def principal_names(world: World, key: Key | None) -> list[str]:
    """Under which names a bucket's policy may mean the bearer of a key; none for nobody."""
    if key is None:
        return []
    account, session = f"qcs::cam::uin/{key.account_id}", world.tencent.state.sessions.get(key.access_key_id)
    if session is not None and session.kind == "role":
        role_id = key.principal.rpartition("/")[2]
        return [f"{account}:roleName/{session.role_name}", f"{account}:role/{role_id}"]
    user = _USER.fullmatch(key.principal)
    user_id = user["user"] if user else key.account_id
    return [f"{account}:uin/{user_id}", *([f"{account}:root"] if user_id == key.account_id else [])]


def service_role(world: World, account_id: str, name: str = EXPORT_ROLE) -> Role | None:
    """The account's role of that name, if it lets CVM take it on."""
    found = world.accounts.role("tencent", account_id, name)
    role = world.accounts.spread(found, world.tencent.settings.role_delay_seconds)
    services = set(_services(role)) if role else set()
    return role if services & set(CVM_PRINCIPALS) else None


def _services(role: Role) -> list[str]:
    return trusted(role.document, "service") if role.document else role.trusted_services


def cos_resource(region: str, app_id: str, bucket: str, key: str = "*") -> str:
    """The six-part name of a bucket's object."""
    return f"qcs::cos:{region}:uid/{app_id}:{bucket}/{key}"


def may_write(world: World, role: Role, resource: str) -> bool:
    """Whether a role has every right on a bucket that the exporter needs."""
    return all(role_allows(world, role, action, resource) for action in WRITE_ACTIONS)
