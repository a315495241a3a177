"""What `imgmove doctor` says: all findings of a way at once, and the error that the first of them leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from imgmove.app.preflight.catalogue import CATALOGUE
from imgmove.app.preflight.checks import judge
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.fine import found_fine
from imgmove.app.preflight.refusal import refusal
from imgmove.app.results import error_json, finding_json
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, blocking


@dataclass(frozen=True)
class DoctorReport:
    """Both ends as they were asked for, and what was found."""

    source: str
    destination: str
    findings: tuple[Finding, ...]
    bytes_at_most: int | None = None
    route: str = ""
    force: bool = False
    fine: tuple[str, ...] = ()
    """What was looked at and is as it should be, in words; raw, as findings are."""

    @classmethod
    def of(cls, source: str, destination: str, facts: Facts) -> DoctorReport:
        route = facts.route.value.describe() if facts.route.value else ""
        findings = tuple(judge(facts))
        fine = found_fine(facts, findings)
        return cls(source, destination, findings, facts.bytes_at_most, route, facts.wanted.force, fine)

    @property
    def error(self) -> ImgmoveError | None:
        """What `migrate` would end with; None where nothing blocks. Its message names what blocks, and no more."""
        error = refusal(self.findings, force=self.force)
        if error is None:
            return None
        blocks = blocking(self.findings, force=self.force)
        names = ", ".join(dict.fromkeys(block.id for block in blocks))
        count = "1 finding blocks" if len(blocks) == 1 else f"{len(blocks)} findings block"
        hint = "mend what blocks, the first one first, and run this again"
        return replace(error, message=f"{count} the migration: {names}", hint=hint, findings=())

    def to_json(self) -> dict[str, Any]:
        """The contract's list of findings, each with its section, and what is known of the way."""
        return {
            "findings": [finding_json(item) | {"section": _section(item)} for item in self.findings],
            "error": error_json(self.error),
            "fine": list(self.fine),
            "source": self.source,
            "destination": self.destination,
            "route": self.route,
            "bytes_at_most": self.bytes_at_most,
        }


def _section(finding: Finding) -> str:
    return CATALOGUE[finding.id].section.value
