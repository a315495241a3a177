"""CAM's policy language, as far as a role is judged by it: who may take it on, and which actions it is allowed.

Documents come from outside and may be anything: what cannot be read is None, and never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

VERSION: Final = "2.0"
_ASSUME: Final = "sts:AssumeRole"
_PREFIX: Final = "name/"
#: Actions whose resource is the bucket itself, `BUCKET/` as well as `BUCKET/*`.
_BUCKET_ACTIONS: Final = frozenset({"cos:HeadBucket", "cos:GetBucket", "cos:ListMultipartUploads"})
#: How older policies name an object: `prefix//APPID/NAME/KEY`.
_OLD_PATH: Final = re.compile(r"^prefix//(\d+)/([^/]+)(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One statement. `services` are the principals of a trust policy that are services of the vendor."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    services: tuple[str, ...] = ()
    has_condition: bool = False


def statements(document: str) -> tuple[Statement, ...] | None:
    """The statements of a policy, URL-encoded or not; None for what is no policy."""
    found = _field(_content(document), "statement")
    listed = _listed(found)
    if found is None or not all(isinstance(item, dict) for item in listed):
        return None
    return tuple(_statement(item) for item in listed)


def trusted_services(policy: Iterable[Statement]) -> tuple[str, ...]:
    """The services that a trust policy lets take the role on."""
    denied = {name for item in policy if not item.allows and _names(item, _ASSUME) for name in item.services}
    allowed = [name for item in policy if item.allows and _names(item, _ASSUME) for name in item.services]
    return tuple(dict.fromkeys(name for name in allowed if name not in denied))


def joined(document: str, more: str) -> str | None:
    """`document` with the statements of `more` behind its own, all of which are kept; None for what is no policy."""
    if statements(document) is None or statements(more) is None:
        return None
    content = _content(document)
    before, behind = (_listed(_field(_content(text), "statement")) for text in (document, more))
    name = next(key for key in content if key.lower() == "statement")
    return json.dumps({**content, name: [*before, *behind]})


def missing(policy: Sequence[Statement], actions: Iterable[str], buckets: Iterable[str]) -> tuple[str, ...]:
    """Those of `actions` of COS that the statements do not allow on all of `buckets` (NAME-APPID).

    Without buckets a right on any bucket counts. A statement with a condition allows nothing and denies nothing
    here: whether the condition holds for the service, nobody can say.
    """
    firm = [item for item in policy if not item.has_condition]
    named = tuple(buckets)
    return tuple(action for action in actions if not all(_allowed(firm, action, bucket) for bucket in named or ("",)))


def _allowed(policy: Sequence[Statement], action: str, bucket: str) -> bool:
    about = [item for item in policy if _names(item, action)]
    if any(not item.allows and _covers(item, action, bucket, everything=True) for item in about):
        return False
    return any(item.allows and _covers(item, action, bucket, everything=False) for item in about)


def _names(statement: Statement, action: str) -> bool:
    """Does it speak of `action`? `name/` in front of one is noise."""
    wanted = action.removeprefix(_PREFIX).lower()
    return any(fnmatchcase(wanted, _pattern(item.removeprefix(_PREFIX))) for item in statement.actions)


def _covers(statement: Statement, action: str, bucket: str, *, everything: bool) -> bool:
    return any(_is_covered(resource, action, bucket, everything=everything) for resource in statement.resources)


def _is_covered(resource: str, action: str, bucket: str, *, everything: bool) -> bool:
    """Does `resource`, `*` or the six parts `qcs:PROJECT:cos:REGION:ACCOUNT:BUCKET/KEY`, mean all objects of `bucket`?

    Region and account are passed over: a bucket's name stands for both. Where the bucket is not known, every resource
    of COS means it, except that (with `everything`) it has to mean all of them.
    """
    if resource.strip() == "*":
        return True
    parts = resource.strip().split(":", 5)
    if len(parts) < 6 or not fnmatchcase("cos", _pattern(parts[2] or "*")):
        return False
    if not bucket:
        return parts[5] in {"*", "*/*"} or not everything
    pattern = _pattern(_OLD_PATH.sub(r"\2-\1\3", parts[5]))
    is_about_bucket = action.removeprefix(_PREFIX) in _BUCKET_ACTIONS
    return fnmatchcase(f"{bucket}/any object", pattern) or (is_about_bucket and fnmatchcase(f"{bucket}/", pattern))


def _pattern(text: str) -> str:
    """A pattern for fnmatch in which only `*` stands for others."""
    return text.strip().lower().replace("[", "[[]").replace("?", "[?]")


def _statement(item: dict[str, Any]) -> Statement:
    principal = _field(item, "principal")
    return Statement(
        allows=str(_field(item, "effect")).lower() == "allow",
        actions=tuple(_texts(_field(item, "action"))),
        # a trust policy has none: it is about the role itself
        resources=tuple(_texts(_field(item, "resource"))) or ("*",),
        services=tuple(_texts(_field(principal, "service"))),
        has_condition=bool(_field(item, "condition")),
    )


def _content(document: str) -> Any:
    """A document is shown as it is, URL-encoded, or encoded as forms are, with `+` for a blank."""
    readings = (_json(read(document)) for read in (str, unquote, unquote_plus))
    return next((found for found in readings if found is not None), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _field(content: Any, name: str) -> Any:
    """A member of an object, whatever the case of its name."""
    if not isinstance(content, dict):
        return None
    return next((value for key, value in content.items() if str(key).lower() == name), None)


def _texts(value: Any) -> Iterator[str]:
    for item in _listed(value):
        if isinstance(item, str):
            yield item
