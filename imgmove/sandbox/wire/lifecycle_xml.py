"""What lifecycle documents of COS and OSS have in common: reading their pieces with the checks that both make."""

from __future__ import annotations

from datetime import datetime

from imgmove.sandbox.wire.numbers import natural
from imgmove.sandbox.wire.store_xml import Element
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule, Transition

MAX_RULES = 1000
MAX_ID_CHARACTERS = 255


class LifecycleError(ValueError):
    """A document that is no lifecycle configuration; `unknown` names an element that the sandbox does not carry out."""

    def __init__(self, message: str, unknown: str = "") -> None:
        super().__init__(message)
        self.unknown = unknown


def check_children(element: Element, *allowed: str) -> None:
    """Raises LifecycleError for an element inside that is not among those: it is not silently left out."""
    for child in element.children:
        if child.name not in allowed:
            raise LifecycleError(f"{child.name} in {element.name} is not carried out", unknown=child.name)


def only(element: Element, name: str) -> Element | None:
    """The one child of that name. Raises LifecycleError for several."""
    found = element.all(name)
    if len(found) > 1:
        raise LifecycleError(f"there may be one {name} only")
    return found[0] if found else None


def days(element: Element | None, name: str, *, least: int = 1) -> int | None:
    """The number of days in a child; None without the child. Raises LifecycleError for what is no number of days."""
    if element is None or not element.all(name):
        return None
    found = natural(element.get(name))
    if found is None or found < least:
        raise LifecycleError(f"{name} has to be a whole number of days from {least} on")
    return found


def date(element: Element | None, name: str) -> str:
    """The date in a child, as it came; "" without. Raises LifecycleError for what is no date with a zone."""
    text = element.get(name) if element is not None else ""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LifecycleError(f"{name} is no date in ISO 8601") from None
    if moment.tzinfo is None:
        raise LifecycleError(f"{name} has to name its time zone")
    return text


def transition(element: Element, days_name: str, date_name: str, classes: frozenset[str]) -> Transition:
    """One change of class. Raises LifecycleError."""
    found = Transition(element.get("StorageClass"), days(element, days_name, least=0), date(element, date_name))
    if found.storage_class not in classes:
        raise LifecycleError(f"objects cannot move to the storage class {found.storage_class!r}")
    if (found.days is None) == (not found.date):
        raise LifecycleError(f"a transition has either {days_name} or a date")
    return found


def enabled(rule: Element) -> bool:
    """Whether the rule's Status is Enabled. Raises LifecycleError for what is neither Enabled nor Disabled."""
    status = rule.get("Status")
    if status not in ("Enabled", "Disabled"):
        raise LifecycleError("Status is Enabled or Disabled")
    return status == "Enabled"


def check_rules(rules: list[LifecycleRule]) -> None:
    """Raises LifecycleError for no rules, too many, rules without an action, ids that are too long or twice there."""
    if not 1 <= len(rules) <= MAX_RULES:
        raise LifecycleError(f"there may be 1 to {MAX_RULES} rules")
    ids = [rule.rule_id for rule in rules]
    if len(set(ids)) < len(ids) or max(map(len, ids)) > MAX_ID_CHARACTERS:
        raise LifecycleError("an ID is there twice, or too long")
    if not all(rule.does_something for rule in rules):
        raise LifecycleError("a rule has no action")
