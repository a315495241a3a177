"""Pieces of Markdown: tables, code blocks, and the anchors that a page's headings get."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would end a cell is escaped."""
    lines = [_row(columns), _row(["---"] * len(columns))]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def code(text: str) -> str:
    """`text` as code in a line; empty stays empty."""
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str]) -> str:
    return ", ".join(code(text) for text in texts)


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def anchor(heading: str) -> str:
    """The fragment by which a heading is linked, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def paragraphs(docstring: str | None) -> str:
    """A docstring in the same paragraphs, each on one line."""
    cleaned = "\n".join(line.strip() for line in (docstring or "").strip().splitlines())
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", cleaned) if part.strip())


def sections(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part)
