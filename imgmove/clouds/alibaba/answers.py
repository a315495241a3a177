"""Reading what Alibaba answers: JSON objects that may lack fields, XML that may be hostile, times in several forms."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

Json = Mapping[str, Any]

#: Minutes in the samples, seconds in the SDK, milliseconds in OSS's lists (alibaba.md 1.3, 1.4).
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?Z")


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text(source: Json, name: str) -> str:
    """A field as text, empty where it is missing, null or no scalar."""
    value = source.get(name)
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(source: Json, name: str) -> int | None:
    """A field as a whole number; sizes come as numbers and as text."""
    try:
        return int(text(source, name))
    except ValueError:
        return None


def items(source: Json, outer: str, inner: str) -> Iterator[dict[str, Any]]:
    """The objects of `{outer: {inner: […]}}`; of `{outer: […]}` too, as some of the vendor's samples have it."""
    found = source.get(outer)
    if isinstance(found, dict):
        found = found.get(inner)
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, dict))


def has_list(source: Json, outer: str, inner: str) -> bool:
    """Is there a list at all, be it empty?"""
    found = source.get(outer)
    return isinstance(found, list) or (isinstance(found, dict) and isinstance(found.get(inner), list))


def percent(value: str) -> int | None:
    """`"40%"` as 40; None where there is no percentage."""
    match = re.fullmatch(r"\s*(\d{1,3})(?:\.\d+)?\s*%?\s*", value)
    return min(100, int(match.group(1))) if match else None


def unix_time(value: str) -> float | None:
    """Unix seconds of a UTC time, with or without seconds; None for anything else."""
    match = _TIME.fullmatch(value.strip())
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match.group(1)}:{match.group(2) or '00'}")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()


def rfc3339(value: str) -> str:
    """A UTC time with seconds; what is no time stays as it is."""
    moment = unix_time(value)
    return value if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wire_time(moment: float) -> str:
    """Unix seconds as the services take times."""
    return datetime.fromtimestamp(max(0.0, moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def xml_root(body: bytes) -> ElementTree.Element | None:
    """The root of an XML document without namespaces; None for none, and for one with a document type.

    Entities are declared in document types alone, so that nothing can be expanded; a zero byte means an encoding in
    which one could hide. Blanks in front are passed over: a store that takes long may keep a connection alive by them.
    """
    document = body.strip()
    if any(mark in document for mark in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):
        return None
    try:
        root = ElementTree.fromstring(document)  # noqa: S314  # no document type gets here, hence no entity
    except (ElementTree.ParseError, ValueError):
        return None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def xml_text(element: ElementTree.Element, path: str) -> str:
    """The text below `path`, empty where there is none."""
    return (element.findtext(path) or "").strip()
