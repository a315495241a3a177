"""docs/reference/findings.md: every kind of finding of a preflight, and every case of every guest rule, from their catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from imgmove.app.preflight.catalogue import KINDS
from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.core.errors import EXIT_CODES
from imgmove.images.guest.rules import RULES, Case, Rule, words_for
from scripts.reference.markdown import code, sections, table

_TITLES: Final = {
    Section.IDENTITY: "Who we are",
    Section.ENDPOINT: "Where services are asked",
    Section.ROLES: "Service roles",
    Section.BUCKET: "Buckets",
    Section.IMAGE: "The image and its way",
    Section.DESTINATION: "The destination",
    Section.ESTIMATE: "Time and money",
}
_TARGETS: Final = ("tencent", "ecm", "alibaba")
_PLACE: Final = re.compile(r"\{(\w+)[^}]*\}")


def preflight() -> str:
    """A table for each section."""
    return sections(_section(section) for section in Section)


def _section(section: Section) -> str:
    rows = [_kind_row(kind) for kind in KINDS if kind.section is section]
    columns = ("finding", "severity", "exit code", "what it says", "why it matters")
    return f"### {_TITLES[section]}\n\n{table(columns, rows)}"


def _kind_row(kind: FindingKind) -> tuple[str, str, str, str, str]:
    severity = kind.severity.value + (", `--force` goes on" if kind.waivable else "")
    exit_code = str(EXIT_CODES[kind.kind]) if kind.kind else ("the vendor's" if kind.severity.value == "block" else "")
    return code(kind.id), severity, exit_code, f"{kind.title}: {_shown(kind.what)}", _shown(kind.why)


def rule_overview() -> str:
    """The rules in a line each."""
    return table(
        ("rule", "what it demands", "what it looks at"),
        [(f"[{rule.id}](#{rule.id.lower()})", rule.title, rule.looks_at) for rule in RULES],
    )


def rules() -> str:
    """A table of cases for each rule."""
    return sections(_rule(rule) for rule in RULES)


def _rule(rule: Rule) -> str:
    columns = ("case", *_TARGETS, "what it says", "why it matters", "what mends it", "source")
    return f"### {rule.id}\n\n{rule.title}.\n\n{table(columns, [_case_row(case) for case in rule.cases])}"


def _case_row(case: Case) -> tuple[str, ...]:
    severities = [case.severity_for(target) for target in _TARGETS]
    return (
        code(case.name), *(severity.value if severity else "" for severity in severities), _shown(case.what),
        *(" / ".join(_texts(words)) for words in (case.why, case.fix)), case.source,
    )  # fmt: skip


def _texts(words: object) -> Iterator[str]:
    """The different texts of a case, those of all destinations once."""
    said = dict.fromkeys(words_for(words, target) for target in _TARGETS)  # type: ignore[arg-type]  # Words
    return (_shown(text) for text in said if text)


def _shown(template: str) -> str:
    """A template with its places as ellipses; line breaks of a fix as one line."""
    return _PLACE.sub("…", template).replace("\n", " ").replace("{{", "{").replace("}}", "}").replace("<", "&lt;")
