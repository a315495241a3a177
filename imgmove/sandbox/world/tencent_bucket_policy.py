"""Policies of COS buckets: the same statements as CAM's, with principals, in words of any case."""

from __future__ import annotations

import json
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.world.tencent_policy import PolicyError, Statement
from imgmove.sandbox.world.tencent_policy import read as read_policy

ANYONE = "qcs::cam::anyone:anyone"


class ConditionError(ValueError):
    """A policy with a condition, which the sandbox does not evaluate."""


def read(document: str) -> list[Statement]:
    """The statements of a bucket's policy. Raises PolicyError, ConditionError."""
    try:
        content = _lower_keys(read_json(document))
    except ValueError as error:
        raise PolicyError("Document", "the policy document is not JSON") from error
    listed = content.get("statement") if isinstance(content, dict) else None
    statements = read_policy(json.dumps(content))
    if not all(statement.principals.get("qcs") for statement in statements):
        raise PolicyError("Principal", "a statement of a bucket policy names whom it is about")
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, dict) and each.get("condition"):
            raise ConditionError("the sandbox does not evaluate conditions of bucket policies")
    return statements


def verdict(document: str, names: Collection[str], action: str, resource: str) -> bool | None:
    """What a bucket's policy says about somebody known by any of `names`: True, False, or None for nothing."""
    found = [
        statement.allow
        for statement in (read(document) if document else [])
        if statement.covers(action, resource) and _about(statement, names)
    ]
    return all(found) if found else None


def _about(statement: Statement, names: Collection[str]) -> bool:
    patterns = [pattern.replace("[", "[[]").replace("?", "[?]") for pattern in statement.principals["qcs"]]
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in (ANYONE, *names))


def _lower_keys(content: Any) -> Any:
    """The names of elements in lower case: the vendor's own examples have both spellings."""
    if isinstance(content, dict):
        return {name.lower(): _lower_keys(value) for name, value in content.items()}
    return [_lower_keys(each) for each in content] if isinstance(content, list) else content
