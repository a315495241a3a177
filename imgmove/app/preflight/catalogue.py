"""All kinds of findings of a preflight, by id. A finding that is not in here cannot be made."""

from __future__ import annotations

from typing import Any, Final

from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.app.preflight.kinds_account import ACCOUNT_KINDS
from imgmove.app.preflight.kinds_bucket import BUCKET_KINDS
from imgmove.app.preflight.kinds_destination import DESTINATION_KINDS
from imgmove.app.preflight.kinds_image import IMAGE_KINDS
from imgmove.core.findings import SEVERITY_ORDER, Finding, Severity

KINDS: Final = (*ACCOUNT_KINDS, *BUCKET_KINDS, *IMAGE_KINDS, *DESTINATION_KINDS)
CATALOGUE: Final[dict[str, FindingKind]] = {kind.id: kind for kind in KINDS}
_SECTIONS: Final = tuple(Section)


def found(kind_id: str, **words: Any) -> Finding:
    """A finding of that kind (`FindingKind.found`)."""
    return CATALOGUE[kind_id].found(**words)


def in_order(findings: list[Finding]) -> list[Finding]:
    """By severity, then by section, then as they were found; each said once."""
    said = dict.fromkeys(findings)
    return sorted(said, key=lambda item: (SEVERITY_ORDER.index(item.severity), section_of(item)))


def section_of(finding: Finding) -> int:
    """Where its section stands in a report; findings of another catalogue come last."""
    kind = CATALOGUE.get(finding.id)
    return _SECTIONS.index(kind.section) if kind else len(_SECTIONS)


def is_noted(finding: Finding) -> bool:
    """Is it worth a line for somebody who did not ask for a report?"""
    kind = CATALOGUE.get(finding.id)
    return finding.severity is not Severity.INFO or (kind is not None and kind.noted)


def is_of_image(finding: Finding) -> bool:
    """Is it about one image alone?"""
    kind = CATALOGUE.get(finding.id)
    return kind is not None and kind.section is Section.IMAGE
