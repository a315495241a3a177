"""What a rule is: data. An id, what it looks at, and each of its cases with severity, reason and remedy by destination."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from imgmove.core.findings import Finding, Severity

if TYPE_CHECKING:
    from imgmove.images.guest.rules.guest import Guest

#: Destinations that rules know; what stands for `ANY` holds for all that have nothing of their own.
TENCENT: Final = "tencent"
ECM: Final = "ecm"
ALIBABA: Final = "alibaba"
ANY: Final = ""

Words = str | Mapping[str, str]
"""A text, or texts by destination."""
Severities = Severity | Mapping[str, Severity]
"""One for all destinations, or by destination; a destination without one is not concerned."""


class State(StrEnum):
    """What became of a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    """At least one finding blocks."""
    WARNED = "warned"
    NOT_APPLICABLE = "not-applicable"
    NOT_LOOKED = "not-looked"
    """What it looks at could not be read; nothing is said of it."""


@dataclass(frozen=True)
class Target:
    """Where the image is to run, and how it will be asked for."""

    provider: str
    """`tencent`, `ecm`, `alibaba`, or another service."""
    boot_mode: str | None = None
    """What the import will say: `bios`, `uefi`; None where it says nothing, so that the destination's default counts."""
    source_cloud: str = ""
    """`tencent`, `alibaba`, or empty where that is not known."""


@dataclass(frozen=True)
class Case:
    """One way to break a rule. `what`, `why` and `fix` are templates over the values of what was found."""

    name: str
    severity: Severities
    what: str
    why: Words
    fix: Words
    source: str = ""
    """Where the demand is written: a section of the vendor facts."""
    exit_code: int = 4
    """Of a command that met it unprepared, where it blocks."""
    waivable: bool = True

    def severity_for(self, provider: str) -> Severity | None:
        """None where the destination is not concerned."""
        if isinstance(self.severity, Severity):
            return self.severity
        return self.severity.get(provider, self.severity.get(ANY))


@dataclass(frozen=True)
class Hit:
    """A case that was met: `about` is the thing (`/etc/fstab:3`), `values` fill the case's templates."""

    case: str
    about: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unseen:
    """Something that a rule wanted to look at, and could not; in words."""

    why: str


Look = Callable[["Guest"], Iterator[Hit | Unseen]]


@dataclass(frozen=True)
class Rule:
    """A rule: its cases are all that it can ever find."""

    id: str
    title: str
    looks_at: str
    cases: tuple[Case, ...]
    look: Look
    areas: tuple[str, ...] = ()
    """The parts of the guest's facts that it needs: without them it was not looked at."""
    systems: frozenset[str] = frozenset({"linux"})
    """Kinds of guests that it is for; empty: it needs no guest at all."""

    def case(self, name: str) -> Case:
        return next(case for case in self.cases if case.name == name)


@dataclass(frozen=True)
class RuleState:
    """What became of one rule, for one guest and destination."""

    id: str
    title: str
    state: State
    note: str = ""
    """Why it was not looked at, or does not apply."""


def words_for(words: Words, provider: str) -> str:
    """The text for a destination."""
    return words if isinstance(words, str) else words.get(provider, words.get(ANY, ""))


def finding_of(rule: Rule, hit: Hit, target: Target) -> Finding | None:
    """What was found, in words; None where the destination is not concerned."""
    case = rule.case(hit.case)
    severity = case.severity_for(target.provider)
    if severity is None:
        return None
    values = {"provider": target.provider, "about": hit.about, **hit.values}
    return Finding(
        id=rule.id,
        case=case.name,
        severity=severity,
        about=hit.about,
        what=case.what.format_map(values),
        why=words_for(case.why, target.provider).format_map(values),
        fix=words_for(case.fix, target.provider).format_map(values),
        exit_code=case.exit_code if severity is Severity.BLOCK else None,
        waivable=severity is Severity.BLOCK and case.waivable,
    )
