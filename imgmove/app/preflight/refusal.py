"""From findings to the one error that a command ends with: all that blocks, with the code of the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imgmove.app.preflight.catalogue import CATALOGUE
from imgmove.core.errors import EXIT_CODES, ImgmoveError, Kind
from imgmove.core.findings import Finding, blocking

#: What kind of failure an exit code stands for, where the catalogue leaves it to the vendor's answer.
_KINDS: Final = {
    EXIT_CODES[kind]: kind
    for kind in (Kind.UNAVAILABLE, Kind.USAGE, Kind.DENIED, Kind.INVALID, Kind.QUOTA, Kind.CORRUPT)
}


def refusal(findings: Sequence[Finding], *, force: bool = False) -> ImgmoveError | None:
    """The error for what blocks, None where nothing does. `force` goes on past what may be waived."""
    blocks = blocking(findings, force=force)
    if not blocks:
        return None
    first = blocks[0]
    hints = dict.fromkeys(hint for block in blocks if (hint := _hint(block, force=force)))
    return ImgmoveError(
        _kind(first), "; ".join(dict.fromkeys(_text(block) for block in blocks)), code=error_code(first),
        hint="; ".join(hints), request_id=first.request_id, findings=tuple(findings),
    )  # fmt: skip


def error_code(finding: Finding) -> str:
    """The vendor's own code, else ours."""
    kind = CATALOGUE.get(finding.id)
    return finding.code or (kind.error_code if kind else finding.id)


def _kind(finding: Finding) -> Kind:
    kind = CATALOGUE[finding.id].kind if finding.id in CATALOGUE else None
    return kind or _KINDS.get(finding.exit_code or 1, Kind.UNAVAILABLE)


def _text(finding: Finding) -> str:
    if not finding.about or finding.about in finding.what:
        return finding.what
    return f"{finding.about}: {finding.what}"


def _hint(finding: Finding, *, force: bool) -> str:
    """What mends it, in one line; `--force` where it goes past this one."""
    text = " ".join(line.removeprefix("$ ") for line in finding.fix.splitlines())
    return f"{text} (or --force, if you know better)" if finding.waivable and not force and text else text
