"""OSS's lifecycle rules of buckets as `imgmove.core.inspection` has them: what happens to an object put there now."""

from __future__ import annotations

import math
from typing import Final

from imgmove.clouds.alibaba.answers import unix_time, xml_text
from imgmove.clouds.alibaba.store_xml import Element
from imgmove.core.inspection import LifecycleRule

_DAY_SECONDS: Final = 86_400.0
_NEVER: Final = math.inf


def read(root: Element, now: float) -> tuple[LifecycleRule, ...]:
    """The rules of a LifecycleConfiguration, none for an empty document. Dates become days from `now`."""
    return tuple(_rule(entry, now) for entry in root.findall("Rule"))


def _rule(entry: Element, now: float) -> LifecycleRule:
    days, storage_class = _first_transition(entry, now)
    return LifecycleRule(
        id=xml_text(entry, "ID"),
        prefix=xml_text(entry, "Prefix"),
        enabled=xml_text(entry, "Status").lower() == "enabled",
        expire_days=_days(entry.find("Expiration"), now),
        transition_days=days,
        transition_class=storage_class,
        abort_upload_days=_days(entry.find("AbortMultipartUpload"), now),
    )


def _first_transition(entry: Element, now: float) -> tuple[int | None, str]:
    """When objects first become another class, and which one."""
    found = [(_days(each, now), xml_text(each, "StorageClass")) for each in entry.findall("Transition")]
    return min(found, key=lambda pair: _NEVER if pair[0] is None else pair[0], default=(None, ""))


def _days(action: Element | None, now: float) -> int | None:
    """After how many days an action comes; None for none, and for a date that is over: it concerns older objects."""
    if action is None:
        return None
    days = xml_text(action, "Days")
    if days:
        return int(days) if days.isascii() and days.isdecimal() and len(days) < 10 else None
    date = unix_time(xml_text(action, "CreatedBeforeDate") or xml_text(action, "Date"))
    return None if date is None or date <= now else math.ceil((date - now) / _DAY_SECONDS)
