"""Findings for people: blocks of a few lines, worst first, wrapped and coloured on a terminal, plain and uncut in a pipe."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Final

from imgmove.app.results import finding_json
from imgmove.core.findings import SEVERITY_ORDER, Finding, Severity, worst_first
from imgmove.core.text import clean

__all__ = ["finding_json", "print_findings", "print_labelled", "summary_line"]

_STYLES: Final[Mapping[Severity, str]] = {
    Severity.BLOCK: "bold red", Severity.WARN: "bold yellow", Severity.INFO: "cyan",
}  # fmt: skip
_NOUNS: Final[Mapping[Severity, tuple[str, str]]] = {
    Severity.BLOCK: ("block", "blocks"), Severity.WARN: ("warning", "warnings"), Severity.INFO: ("note", "notes"),
}  # fmt: skip
#: How far the texts stand in: a severity, a label (`why`, `fix`) and a blank.
_INDENT: Final = 6
#: Wider than this nobody reads lines.
_WIDEST: Final = 110
#: Where a row may not be broken: within a word, and within a command in back quotes, which is there to be copied.
_WHOLE: Final = re.compile(r"(?:`[^`]*`|\S)+")


def print_findings(findings: Sequence[Finding], stream: IO[str] | None = None) -> None:
    """Show all findings, worst first, on `stream` (standard output by default); nothing where there are none.

    Each is what is wrong behind its severity, the finding's name and exit code, then `why` and `fix` on lines of their
    own. A fix of several lines stays so, and its commands are never broken. Remote text is cleaned here.
    """
    out = stream or sys.stdout
    draw = _on_terminal if out.isatty() else _plain
    draw([line for finding in worst_first(findings) for line in _lines(finding)], out)


def print_labelled(lines: Iterable[tuple[str, str]]) -> None:
    """Lines of a label and a text on standard output, wrapped beside the label on a terminal. Expected to be clean."""
    rows_of = (lambda text, label: _wrapped(text, _width() - len(label))) if sys.stdout.isatty() else _whole
    for label, text in lines:
        for number, row in enumerate(rows_of(text, label)):
            sys.stdout.write(f"{label if number == 0 else ' ' * len(label)}{row}".rstrip() + "\n")
    sys.stdout.flush()


def _whole(text: str, _label: str) -> list[str]:
    return [text]


def summary_line(findings: Sequence[Finding]) -> str:
    """How many there are of each severity: `2 blocks, 1 warning, 3 notes`; `nothing found` for none."""
    counts = {severity: sum(item.severity is severity for item in findings) for severity in SEVERITY_ORDER}
    words = [f"{count} {_NOUNS[severity][count != 1]}" for severity, count in counts.items() if count]
    return ", ".join(words) or "nothing found"


_Line = tuple[str, str, str]
"""A label, its style, and the text behind it."""


def _lines(finding: Finding) -> Iterator[_Line]:
    about = clean(finding.about)
    what = clean(finding.what)
    named = f"{about}: {what}" if about and about not in what else what
    yield finding.severity.value, _STYLES[finding.severity], f"{named}  {_name(finding)}"
    for label, text in (("why", finding.why), ("fix", finding.fix)):
        for number, line in enumerate(text.splitlines()):
            yield label if number == 0 else "", "dim", clean(line)


def _name(finding: Finding) -> str:
    """`[bucket-missing, exit 4]`: what to search for, and what a script would have got."""
    words = [clean(finding.id)]
    if finding.case:
        words.append(clean(finding.case))
    if finding.code and finding.code != finding.id:
        words.append(clean(finding.code))
    if finding.exit_code is not None:
        words.append(f"exit {finding.exit_code}")
    if finding.request_id:
        words.append(f"request id {clean(finding.request_id)}")
    return f"[{', '.join(words)}]"


def _plain(lines: Sequence[_Line], out: IO[str]) -> None:
    """One line for each text, however long: `grep` and `less` take it as it is."""
    for label, _style, text in lines:
        lead = f"{label:<{_INDENT}}" if label in set(Severity) else f"{'':<{_INDENT}}{label:<5}"
        out.write(f"{lead}{text}".rstrip() + "\n")
    out.flush()


def _on_terminal(lines: Sequence[_Line], out: IO[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, soft_wrap=True)
    width = _width()
    for label, style, text in lines:
        heads = label in set(Severity)
        lead, blank = (f"{label:<{_INDENT}}", " " * _INDENT) if heads else (f"{'':<{_INDENT}}{label:<5}", " " * 11)
        for number, row in enumerate(_wrapped(text, width - len(blank))):
            shown = Text(lead if number == 0 else blank, style=style if number == 0 else "")
            console.print(shown.append(row, style="bold" if heads else ""))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _wrapped(text: str, width: int) -> list[str]:
    """`text` in rows of at most `width` columns; a command stays whole whatever its length, to be copied."""
    from rich.cells import cell_len

    if text.startswith("$ "):
        return [text]
    rows = [""]
    for word in _WHOLE.findall(text):
        longer = f"{rows[-1]} {word}" if rows[-1] else word
        if rows[-1] and cell_len(longer) > max(20, width):
            rows.append(word)
        else:
            rows[-1] = longer
    return rows
