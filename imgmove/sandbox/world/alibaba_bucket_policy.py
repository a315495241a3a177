"""Policies of OSS buckets: RAM's statements, with principals given as a list."""

from __future__ import annotations

import json
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.world.alibaba_policy import MalformedPolicyError, Statement
from imgmove.sandbox.world.alibaba_policy import read as read_policy

NOT_EVALUATED = ("Condition", "NotPrincipal", "NotResource")


class NotEvaluatedError(ValueError):
    """A policy with an element that the sandbox does not evaluate."""


def read(document: str) -> list[Statement]:
    """The statements of a bucket's policy. Raises MalformedPolicyError, NotEvaluatedError."""
    try:
        content = read_json(document)
    except ValueError as error:
        raise MalformedPolicyError("The policy document is not a JSON document.") from error
    listed = content.get("Statement") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise MalformedPolicyError('The policy document has no list "Statement".')
    return read_policy(json.dumps({**content, "Statement": [_prepared(each) for each in listed]}))


def _prepared(statement: Any) -> Any:
    """A statement with its principals where RAM's have them; none at all means everybody."""
    if not isinstance(statement, dict) or "Principal" not in statement:
        raise MalformedPolicyError('A statement of a bucket policy needs a "Principal".')
    for name in NOT_EVALUATED:
        if statement.get(name):
            raise NotEvaluatedError(f"The sandbox does not evaluate {name} of bucket policies.")
    return {**statement, "Principal": {"OSS": statement["Principal"] or ["*"]}}


def verdict(document: str, names: Collection[str], action: str, resource: str, *, owner: bool) -> bool | None:
    """What a bucket's policy says about somebody known by any of `names`: True, False, or None for nothing.

    `*` without a condition speaks of everybody but the bucket's owner (the vendor's page "Bucket Policy").
    """
    found = [
        statement.allow
        for statement in (read(document) if document else [])
        if statement.covers(action, resource) and _about(statement, names, owner=owner)
    ]
    return all(found) if found else None


def _about(statement: Statement, names: Collection[str], *, owner: bool) -> bool:
    principals = [name.replace("[", "[[]") for name in statement.principals["OSS"]]
    if "*" in principals and not owner:
        return True
    return any(fnmatchcase(name, pattern) for pattern in principals if pattern != "*" for name in names)
