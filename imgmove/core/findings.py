"""Findings: what a look beforehand has found, said in a way that an operator can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    BLOCK = "block"
    """It would fail, or the machine would not start."""
    WARN = "warn"
    """It may fail, cost money, or work worse than it should."""
    INFO = "info"
    """Good to know; nothing to do."""


SEVERITY_ORDER: Final = (Severity.BLOCK, Severity.WARN, Severity.INFO)


@dataclass(frozen=True)
class Finding:
    """One thing found (contract, "Output"). All texts are raw: made harmless where they are shown.

    `id` names the kind of finding and never changes its meaning (`bucket-missing`, `G04`): catalogues list all of them.
    `case` tells apart what one kind may mean (`virtio_blk`), `about` is the thing itself (`oss://stage`,
    `/etc/fstab:3`). `exit_code` is what a command would have ended with that met it unprepared, None where none would
    have failed. `waivable`: `--force` goes on in spite of it.
    """

    id: str
    severity: Severity
    what: str
    why: str = ""
    fix: str = ""
    exit_code: int | None = None
    about: str = ""
    case: str = ""
    waivable: bool = False
    code: str = ""
    """The vendor's own code, where its refusal is what was found."""
    request_id: str | None = None


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, in the order of finding within each."""
    return sorted(findings, key=lambda finding: SEVERITY_ORDER.index(finding.severity))


def blocking(findings: Iterable[Finding], *, force: bool = False) -> list[Finding]:
    """Those that stop a command; with `force`, those that stop it all the same."""
    return [item for item in findings if item.severity is Severity.BLOCK and not (force and item.waivable)]
