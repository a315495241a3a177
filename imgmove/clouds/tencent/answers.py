"""Reading what Tencent Cloud answers: JSON that may lack fields, XML that may be hostile, times in several forms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

Json = Mapping[str, Any]


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text(source: Json, name: str) -> str:
    """A field as text, empty where it is missing, null or no scalar. Ids come as numbers and as text (1.5)."""
    value = source.get(name)
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(source: Json, name: str) -> int | None:
    """A field as a whole number; None for anything else."""
    try:
        return int(text(source, name))
    except ValueError:
        return None


def objects(source: Json, name: str) -> list[dict[str, Any]]:
    """The objects of a list, none where it is missing or null."""
    found = source.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(source: Json, name: str) -> tuple[str, ...]:
    """The texts of a list, none where it is missing or null."""
    found = source.get(name)
    if not isinstance(found, list):
        return ()
    return tuple(str(item) for item in found if isinstance(item, str | int | float) and str(item))


def child(source: Json, name: str) -> dict[str, Any]:
    """An object inside, empty where it is missing or null."""
    found = source.get(name)
    return found if isinstance(found, dict) else {}


def unix_time(value: str) -> float | None:
    """Unix seconds of a time that names its zone (`…Z`, `…+00:00`); None for anything else.

    Times without a zone, as ECM has them (1.5), name no moment.
    """
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def rfc3339(value: str) -> str:
    """A time in UTC with seconds; what names no moment stays as it is."""
    moment = unix_time(value)
    return value if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_time(value: str) -> float:
    """Unix seconds of an HTTP date, 0 for none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return 0.0


def xml_root(body: bytes) -> ElementTree.Element | None:
    """The root of an XML document without namespaces; None for none, for a web page, and for a document type.

    Entities are declared in document types alone, so that nothing can be expanded; a zero byte means an encoding in
    which one could hide. Blanks in front are passed over: COS sends them while it completes an upload (6).
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
    return None if root.tag.lower() == "html" else root


def xml_text(element: ElementTree.Element, path: str) -> str:
    """The text below `path`, empty where there is none."""
    return (element.findtext(path) or "").strip()
