"""RAM's policy documents: who may take a role on, and which actions policies allow on which buckets (alibaba.md 3.3).

What cannot be judged is held to be fine: conditions, and grants on some bucket while nobody has named one. A refusal
that is foretold wrongly costs more than one that comes later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

_ASSUME_ROLE: Final = "sts:AssumeRole"
#: Actions on the bucket itself: `bucket/*` does not allow them.
_OF_BUCKETS: Final = frozenset({"oss:getbucketlocation", "oss:getbucketinfo", "oss:listmultipartuploads"})
#: A key that only patterns for all keys fit.
_ANY_KEY: Final = "\x7f"
_OSS_ARN_PARTS: Final = 5


@dataclass(frozen=True)
class Statement:
    """One statement. Actions in lower case; `is_narrowed`: conditions decide whether it counts."""

    allows: bool
    actions: tuple[str, ...]
    other_than: bool = False
    """It speaks of all actions but these (NotAction)."""
    resources: tuple[str, ...] = ()
    is_narrowed: bool = False
    services: tuple[str, ...] = ()

    def names(self, action: str) -> bool:
        listed = any(_fits(pattern, action.lower()) for pattern in self.actions)
        return listed is not self.other_than

    def grants(self, action: str, buckets: Sequence[str]) -> bool:
        """Does it allow `action` on each bucket, or on any where none is named?"""
        if not self.allows or not self.names(action):
            return False
        if not self.resources:
            return True
        if not buckets:
            return any(_place(pattern) for pattern in self.resources)
        return all(any(_reaches(pattern, action, bucket) for pattern in self.resources) for bucket in buckets)

    def forbids(self, action: str, buckets: Sequence[str]) -> bool:
        """Does it deny `action` on one of the buckets as a whole, whatever the conditions; without one, on all?"""
        if self.allows or self.is_narrowed or not self.names(action):
            return False
        if not self.resources:
            return True
        return any(_covers(pattern, action, bucket) for pattern in self.resources for bucket in buckets or (_ANY_KEY,))


def statements(document: Any) -> tuple[Statement, ...] | None:
    """The statements of a document: JSON, plain or URL-encoded (with `+` for a blank, too), or parsed already; else None."""
    content = _parsed(document)
    listed = content.get("Statement") if content is not None else None
    found = [listed] if isinstance(listed, dict) else listed
    if not isinstance(found, list):
        return None
    return tuple(_statement(entry) for entry in found if isinstance(entry, dict))


def missing_actions(
    policies: Iterable[Sequence[Statement]], needed: Iterable[str], buckets: Sequence[str]
) -> tuple[str, ...]:
    """Those of `needed` that none of the policies allows on the buckets, or that one of them denies."""
    every = [statement for policy in policies for statement in policy]
    return tuple(
        action for action in needed
        if not any(each.grants(action, buckets) for each in every)
        or any(each.forbids(action, buckets) for each in every)
    )  # fmt: skip


def trusted_services(trust: Sequence[Statement]) -> tuple[str, ...]:
    """The services that may take the role on, each once."""
    denied = {name for each in trust if not each.allows and each.names(_ASSUME_ROLE) for name in each.services}
    allowed = (name for each in trust if each.allows and each.names(_ASSUME_ROLE) for name in each.services)
    return tuple(name for name in dict.fromkeys(allowed) if name not in denied)


def trusts(trust: Sequence[Statement], service: str) -> bool:
    return service.lower() in {name.lower() for name in trusted_services(trust)}


def extended(document: Any, addition: str) -> str | None:
    """`document` with the statements of `addition` behind its own; None where it is none."""
    content, added = _parsed(document), _parsed(addition)
    if content is None or added is None or statements(document) is None:
        return None
    own = content["Statement"]
    return json.dumps({**content, "Statement": [*(own if isinstance(own, list) else [own]), *added["Statement"]]})


def _parsed(document: Any) -> Mapping[str, Any] | None:
    if isinstance(document, dict):
        return document
    if not isinstance(document, str):
        return None
    for text in (document, unquote(document), unquote_plus(document)):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            continue
        return content if isinstance(content, dict) else None
    return None


def _statement(entry: Mapping[str, Any]) -> Statement:
    principal = entry.get("Principal")
    return Statement(
        allows=entry.get("Effect") == "Allow",
        actions=tuple(name.lower() for name in _texts(entry.get("NotAction") or entry.get("Action"))),
        other_than="NotAction" in entry,
        resources=_texts(entry.get("Resource")),
        is_narrowed=bool(entry.get("Condition") or entry.get("NotResource")),
        services=_texts(principal.get("Service")) if isinstance(principal, dict) else (),
    )


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else [value]
    return tuple(item for item in found if isinstance(item, str))


def _reaches(pattern: str, action: str, bucket: str) -> bool:
    """May `pattern` mean the bucket, or (for actions on objects) some of its objects?"""
    place = _place(pattern)
    if action.lower() in _OF_BUCKETS:
        return _fits(place, bucket)
    return _fits(place, f"{bucket}/{_ANY_KEY}") or ("/" in place and _fits(place.partition("/")[0], bucket))


def _covers(pattern: str, action: str, bucket: str) -> bool:
    """Does `pattern` mean the whole bucket, or (for actions on objects) all of its objects?"""
    return _fits(_place(pattern), bucket if action.lower() in _OF_BUCKETS else f"{bucket}/{_ANY_KEY}")


def _place(pattern: str) -> str:
    """The bucket and key of `acs:oss:REGION:ACCOUNT:BUCKET/KEY`, empty for another service's; a star ends any early."""
    parts = pattern.split(":", _OSS_ARN_PARTS - 1)
    if len(parts) > 1 and parts[1].lower() not in {"oss", "*"}:
        return ""
    return parts[-1] if len(parts) == _OSS_ARN_PARTS or not pattern.endswith("*") else "*"


def _fits(pattern: str, text: str) -> bool:
    """Wildcards are `*` and `?`; brackets, which have a meaning for fnmatch, are themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))
