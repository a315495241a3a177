"""Results on standard output: one JSON document, or tables and lines for people. Remote text is cleaned here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imgmove.core.text import clean
from imgmove.core.units import format_size

if TYPE_CHECKING:
    from imgmove.app.results import Result


def print_json(document: Mapping[str, Any]) -> None:
    """`document` as the one JSON text of this run. Text is escaped to ASCII, so that no control character gets out."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def print_lines(lines: Iterable[str]) -> None:
    """Lines of data for people; each is expected to be clean."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """A table. On a terminal as rich draws it; else columns aligned by spaces, one row a line, nothing cut."""
    cells = [[clean("" if cell is None else cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells, right)
    else:
        print_lines(_plain_table(columns, cells, right))


def _rich_table(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[int]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def _plain_table(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[int]) -> Iterable[str]:
    from rich.cells import cell_len

    rows = [[column.upper() for column in columns], *cells]
    widths = [max(cell_len(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        padded = [
            _pad(cell, width, index in right) for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()


def _pad(cell: str, width: int, to_right: bool) -> str:
    from rich.cells import cell_len

    blanks = " " * (width - cell_len(cell))
    return blanks + cell if to_right else cell + blanks


def print_result(result: Result) -> None:
    """An operation's result for people: what became of it, where things are, how to come back."""
    print_lines(_result_lines(result))


def _result_lines(result: Result) -> Iterable[str]:
    place = " ".join(word for word in (result.provider, result.region) if word)
    progress = f" {result.progress}%" if result.progress is not None and result.state.value == "running" else ""
    vendor = f" ({clean(result.vendor_state)})" if result.vendor_state else ""
    dry = " (dry run: nothing was done)" if result.dry_run else ""
    yield f"{result.operation} on {place}: {result.state.value}{progress}{vendor}{dry}"
    named = (
        ("job", result.job),
        ("task", result.task_id),
        ("image", result.image_id),
        ("request id", result.request_id),
    )
    for name, value in named:
        if value:
            yield f"  {name:<11}{clean(value)}"
    for artifact in result.artifacts:
        size = f"  {format_size(artifact.size)}" if artifact.size is not None else ""
        disk = f"  {clean(artifact.disk)}" if artifact.disk else ""
        crc = f"  crc64 {clean(artifact.crc64)}" if artifact.crc64 else ""
        yield f"  {'object':<11}{clean(artifact.uri)}{size}{disk}{crc}"
    for item in result.items:
        yield f"  {clean(item.get('name')):<40} {clean(item.get('state'))}  {clean(item.get('message') or '')}".rstrip()
    if result.message:
        yield f"  {clean(result.message)}"
