"""The rules G01 to G14: what a guest's facts mean for a destination. Pure functions over data; runs in the parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, Severity, worst_first
from imgmove.images.guest.facts import GuestFacts
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.guest.rules.access import G10, G11
from imgmove.images.guest.rules.boot_way import G02
from imgmove.images.guest.rules.catalogue import (
    Case,
    Hit,
    Rule,
    RuleState,
    State,
    Target,
    Unseen,
    finding_of,
    words_for,
)  # fmt: skip
from imgmove.images.guest.rules.drivers import G04
from imgmove.images.guest.rules.guest import Guest
from imgmove.images.guest.rules.image import G01, refusal_finding, trouble_hits
from imgmove.images.guest.rules.metadata import G05
from imgmove.images.guest.rules.names import G03
from imgmove.images.guest.rules.network import G06
from imgmove.images.guest.rules.sizing import G14
from imgmove.images.guest.rules.storage import G13
from imgmove.images.guest.rules.traces import G07, G08, G09
from imgmove.images.guest.rules.windows import G12
from imgmove.images.reading.inspection import Trouble

__all__ = [
    "HOW_TO_MEND", "RULES", "Case", "Rule", "RuleState", "State", "Target", "Verdict", "judge", "refusal_finding",
    "refused", "words_for",
]  # fmt: skip

#: All rules, in their order.
RULES: Final[tuple[Rule, ...]] = (G01, G02, G03, G04, G05, G06, G07, G08, G09, G10, G11, G12, G13, G14)

#: How remedies are applied, said once under a report.
HOW_TO_MEND: Final = (
    "mend it on the machine that the image was made of, and export again; or in a local copy of the image without starting "
    "it: `virt-customize -a FILE --run-command 'COMMAND'` (libguestfs)"
)
#: Most that one rule says of one guest: nobody reads more, and the facts come from foreign bytes.
_MOST_FOUND: Final = 100
_NOT_READ: Final = "the disk could not be read"
_NO_SYSTEM: Final = "no root file system was read"


@dataclass(frozen=True)
class Verdict:
    """What the rules say: the findings, worst first, and what became of every rule."""

    findings: tuple[Finding, ...]
    rules: tuple[RuleState, ...]

    @property
    def will_start(self) -> bool | None:
        """False where something blocks; None where a rule could not be looked at; True otherwise."""
        if any(item.severity is Severity.BLOCK for item in self.findings):
            return False
        return None if any(item.state is State.NOT_LOOKED for item in self.rules) else True


def judge(
    target: Target, layout: DiskLayout | None, facts: GuestFacts | None, trouble: Sequence[Trouble] = ()
) -> Verdict:
    """Judge a guest by every rule. What could not be read (None, `trouble`, `facts.not_looked`) is said, never guessed."""
    findings: list[Finding] = []
    states: list[RuleState] = []
    for rule in RULES:
        found, state = _judge_by(rule, target, layout, facts, trouble)
        findings += found
        states.append(state)
    return Verdict(tuple(worst_first(findings)), tuple(states))


def refused(error: ImgmoveError, about: str = "") -> Verdict:
    """The verdict on an image that the guard has refused (CORRUPT): G01 is broken, and nothing else was looked at."""
    states = [RuleState(rule.id, rule.title, State.NOT_LOOKED, "the image was refused") for rule in RULES[1:]]
    return Verdict((refusal_finding(error, about),), (RuleState(G01.id, G01.title, State.BROKEN), *states))


def _judge_by(
    rule: Rule, target: Target, layout: DiskLayout | None, facts: GuestFacts | None, trouble: Sequence[Trouble]
) -> tuple[list[Finding], RuleState]:
    if rule is G01:
        return _settled(rule, target, trouble_hits(tuple(trouble)))
    if layout is None:
        return [], RuleState(rule.id, rule.title, State.NOT_LOOKED, _NOT_READ)
    guest = Guest(target, layout, facts or GuestFacts())
    reason = _not_for(rule, guest, is_read=facts is not None)
    if reason:
        return [], reason
    return _settled(rule, target, [*islice(rule.look(guest), _MOST_FOUND), *_unseen(rule, guest)])


def _not_for(rule: Rule, guest: Guest, *, is_read: bool) -> RuleState | None:
    """Why a rule has nothing to look at in this guest; None where it has."""
    if not rule.systems:
        return None
    if not is_read or guest.facts.os is None:
        return RuleState(rule.id, rule.title, State.NOT_LOOKED, _NO_SYSTEM)
    if guest.os.kind in rule.systems:
        return None
    if not guest.os.kind:
        return RuleState(rule.id, rule.title, State.NOT_LOOKED, "the system is not one that is known here")
    return RuleState(rule.id, rule.title, State.NOT_APPLICABLE, f"not for {guest.os.kind}")


def _unseen(rule: Rule, guest: Guest) -> Iterator[Unseen]:
    """What the collectors could not read of what this rule looks at."""
    for item in guest.facts.not_looked:
        if item.area in rule.areas:
            yield Unseen(f"{item.path}: {item.why}")


def _settled(rule: Rule, target: Target, met: Sequence[Hit | Unseen]) -> tuple[list[Finding], RuleState]:
    found = [finding_of(rule, item, target) for item in met if isinstance(item, Hit)]
    findings = [item for item in found if item is not None]
    severities = {item.severity for item in findings}
    unseen = [item.why for item in met if isinstance(item, Unseen)]
    if Severity.BLOCK in severities:
        state = State.BROKEN
    elif unseen:
        state = State.NOT_LOOKED
    else:
        state = State.WARNED if Severity.WARN in severities else State.KEPT
    return findings, RuleState(rule.id, rule.title, state, "; ".join(dict.fromkeys(unseen)))
