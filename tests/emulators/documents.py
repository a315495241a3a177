"""Policy documents as both clouds' pages show them: the same grant in every form that is legal there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

#: How a document is written down where it is shown.
WRITTEN: Final = {
    "plain": lambda document: json.dumps(document),
    "quoted": lambda document: quote(json.dumps(document, separators=(",", ":"))),
    "quoted whole": lambda document: quote(json.dumps(document), safe=""),
    "quoted plus": lambda document: quote_plus(json.dumps(document)),
    "indented": lambda document: "\n" + json.dumps(document, indent=2) + "\n",
}  # fmt: skip


def written(document: Mapping[str, Any], ways: Mapping[str, Any]) -> str:
    """A document in the ways chosen: its form (`documents`), single things without a list (`singles`), names in the
    other case (`other case`)."""
    content: Any = _singles(document) if "singles" in ways else document
    if "other case" in ways:
        content = _other_case(content)
    text: str = WRITTEN[ways.get("documents", "plain")](content)
    return text


def statements(text: str) -> list[dict[str, Any]]:
    """The statements of a document that somebody sent; names in lower case. ValueError where it is none."""
    content = json.loads(text)
    if not isinstance(content, dict) or not {"version", "statement"} <= {name.lower() for name in content}:
        raise ValueError(text)
    found = {name.lower(): value for name, value in content.items()}["statement"]
    listed = found if isinstance(found, list) else [found]
    return [{name.lower(): value for name, value in item.items()} for item in listed]


def services(text: str) -> set[str]:
    """The services that a trust policy lets in."""
    found: set[str] = set()
    for item in statements(text):
        principal = {name.lower(): value for name, value in item.get("principal", {}).items()}
        named = principal.get("service", [])
        found |= {named} if isinstance(named, str) else set(named)
    return found


def _singles(value: Any) -> Any:
    """Lists of one thing as the thing itself, statements too."""
    if isinstance(value, Mapping):
        return {name: _singles(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_singles(item) for item in value]
        return items[0] if len(items) == 1 else items
    return value


def _other_case(value: Any) -> Any:
    """`statement` as `Statement`, `effect` as `Effect`: names of members, and the words for the effect."""
    if isinstance(value, Mapping):
        return {
            name[:1].upper() + name[1:]: item.capitalize() if name == "effect" else _other_case(item)
            for name, item in value.items()
        }
    return [_other_case(item) for item in value] if isinstance(value, list) else value
