"""RAM policies of Alibaba Cloud: reading them, asking them, and the system policies that every account has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.world.accounts import Policy
from imgmove.sandbox.world.alibaba_rules import EXPORT_RIGHTS, IMPORT_RIGHTS

VERSION = "1"
MAX_DOCUMENT_BYTES = 6144


class MalformedPolicyError(ValueError):
    """A policy document is none; says why in the vendor's manner."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. `principals` is filled in trust policies only: {"Service": [...], "RAM": [...]}."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: dict[str, tuple[str, ...]]

    def covers(self, action: str, resource: str) -> bool:
        """Whether it speaks of this action (case ignored) on this resource; `*` and `?` are wildcards."""
        listed = _matches(self.not_actions or self.actions, action.lower())
        named = listed is not bool(self.not_actions)
        return named and (not self.resources or _matches(self.resources, resource))


def read(document: str) -> list[Statement]:
    """The statements of a policy document. Raises MalformedPolicyError that says what is wrong with it."""
    try:
        content = read_json(document)
    except ValueError as error:
        raise MalformedPolicyError("The policy document is not a JSON document.") from error
    if not isinstance(content, dict) or content.get("Version") != VERSION:
        raise MalformedPolicyError('The policy document has no "Version": "1".')
    statements = content.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicyError('The policy document has no list "Statement".')
    return [_statement(each) for each in statements]


def allows(documents: Iterable[str], action: str, resource: str) -> bool:
    """Whether these policies together allow an action: one has to allow it, and none to deny it."""
    covering = [s for text in documents for s in read(text) if s.covers(action, resource)]
    return bool(covering) and all(statement.allow for statement in covering)


def trusts(document: str, kind: str, principals: Iterable[str]) -> bool:
    """Whether a trust policy lets one of these principals of a kind ("Service", "RAM") assume its role."""
    named = set(principals)
    return any(
        statement.allow and statement.covers("sts:AssumeRole", "*") and named & {*statement.principals.get(kind, ())}
        for statement in read(document)
    )


def trusted_services(document: str) -> list[str]:
    """The services that a trust policy names. Raises MalformedPolicyError for a document that is none."""
    found = (name for statement in read(document) for name in statement.principals.get("Service", ()))
    return list(dict.fromkeys(found))


def _statement(content: Any) -> Statement:
    if not isinstance(content, dict) or content.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicyError('A statement needs an "Effect" of Allow or Deny.')
    if not ("Action" in content or "NotAction" in content):
        raise MalformedPolicyError('A statement needs an "Action".')
    principals = content.get("Principal", {})
    if not isinstance(principals, dict):
        raise MalformedPolicyError('The "Principal" of a statement has to be an object.')
    return Statement(
        allow=content["Effect"] == "Allow",
        actions=tuple(name.lower() for name in _strings(content.get("Action", []))),
        not_actions=tuple(name.lower() for name in _strings(content.get("NotAction", []))),
        resources=_strings(content.get("Resource", [])),
        principals={kind: _strings(names) for kind, names in principals.items()},
    )


def _strings(content: Any) -> tuple[str, ...]:
    found = [content] if isinstance(content, str) else content
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise MalformedPolicyError("Actions, resources and principals have to be strings or lists of strings.")
    return tuple(found)


def _matches(patterns: Iterable[str], name: str) -> bool:
    # fnmatch gives [ a meaning that policies do not know.
    return any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)


def _document(*actions: str) -> str:
    return json.dumps(
        {"Version": VERSION, "Statement": [{"Action": list(actions), "Effect": "Allow", "Resource": "*"}]}
    )


_SYSTEM_POLICIES: dict[str, tuple[str, str]] = {
    "AdministratorAccess": ("Full access to all resources", _document("*")),
    "ReadOnlyAccess": ("Read-only access to all resources", _document("*:Describe*", "*:List*", "*:Get*")),
    "AliyunECSFullAccess": ("Full access to ECS", _document("ecs:*")),
    "AliyunECSReadOnlyAccess": ("Read-only access to ECS", _document("ecs:Describe*", "ecs:List*")),
    "AliyunOSSFullAccess": ("Full access to OSS", _document("oss:*")),
    "AliyunOSSReadOnlyAccess": ("Read-only access to OSS", _document("oss:Get*", "oss:List*")),
    "AliyunRAMFullAccess": ("Full access to RAM and STS", _document("ram:*", "sts:*")),
    "AliyunSTSAssumeRoleAccess": ("Calling AssumeRole of STS", _document("sts:AssumeRole")),
    "AliyunECSImageExportRolePolicy": (
        "Lets ECS write exported images to OSS",
        _document(*EXPORT_RIGHTS, "oss:GetBucketInfo"),
    ),
    "AliyunECSImageImportRolePolicy": ("Lets ECS read images from OSS", _document(*IMPORT_RIGHTS)),
}


def system_policies() -> list[Policy]:
    """The policies of type System that matter here, the two for export and import word for word (alibaba.md 3.3)."""
    return [
        Policy(name=name, document=document, scope="System", description=description)
        for name, (description, document) in _SYSTEM_POLICIES.items()
    ]
