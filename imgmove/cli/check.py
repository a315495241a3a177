"""`imgmove check`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from imgmove.cli.command import READ_EXIT_CODES, SIZE, Command, Output, output_options
from imgmove.core.requests import BootMode

if TYPE_CHECKING:
    from imgmove.app.check import CheckReport

#: Without a terminal a sign of life so often, so that nobody takes us for dead.
_SIGN_SECONDS: Final = 60.0
_VERDICTS: Final = {
    "ok": "starts on", "warn": "should start on", "block": "would not start on", "unknown": "cannot be told to start on",
}  # fmt: skip


@click.command(
    "check",
    cls=Command,
    exit_codes=(*READ_EXIT_CODES[:-1], 7, READ_EXIT_CODES[-1]),
    examples=[
        ("Will this exported image start on ECS? It is read where it is, a few MB of it",
         "imgmove check cos://stage-1250000000/web.qcow2 --for alibaba"),
        ("A local file, and what blocks it, for a script",
         "imgmove check ./web.vhd --for tencent -o json |\n"
         "    jq -r '.findings[] | select(.severity == \"block\") | .what'"),
        ("In the middle of a migration, on what was exported", "imgmove migrate SOURCE DESTINATION --check …"),
    ],
)  # fmt: skip
@click.argument("what", metavar="WHAT")
@click.option("--for", "provider", required=True, metavar="P", help="Where it is to start: tencent, ecm or alibaba.")
@click.option("--from", "origin", metavar="P", help="Where it ran. Default: by what is found in it.")
@click.option("--region", default="", metavar="R", help="Region of the bucket; asked of its store by default.")
@click.option("--format", "disk_format", type=click.Choice(["raw", "qcow2", "vhd", "vmdk", "raw.tar.gz"]),
              help="What it has to be. Default: by its name.")  # fmt: skip
@click.option("--boot-mode", type=click.Choice([item.value for item in BootMode]),
              help="How it is going to be started. Default: any way that the image allows.")  # fmt: skip
@click.option("--max-read", "max_read_bytes", type=SIZE, metavar="SIZE",
              help="Read no more than this. Default: 512MiB; an archive (.raw.tar.gz) is read as a stream.")  # fmt: skip
@output_options
def command(**arguments: Any) -> None:
    """Look inside the disk image WHAT, and say whether it will start on the other cloud. Nothing is changed.

    WHAT is a file, cos://BUCKET-APPID/KEY or oss://BUCKET/KEY. An object is read by ranges, not downloaded. Each rule
    (G01 to G14) says what is wrong, why it matters there, and what mends it. Needs the extra `imgmove[check]`.
    """
    from imgmove.app.session import Session
    from imgmove.cli.failures import Reported
    from imgmove.cli.render import print_json

    output: Output = arguments.pop("output")
    with _signs_of_life(output, arguments["what"]) as progress:
        report = Session(arguments.pop("profile")).check(**arguments, progress=progress)
    if output.is_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    error = report.error()
    if error:
        raise Reported(replace(error, findings=()))  # they have been shown


def _print_report(report: CheckReport) -> None:
    from imgmove.cli.findings import print_findings, summary_line
    from imgmove.cli.render import print_lines
    from imgmove.core.text import clean

    print_lines(
        [f"{clean(report.what)}: {_VERDICTS[report.verdict_word]} {report.title} ({summary_line(report.findings)})"]
    )
    print_lines(f"  {name:<7}{clean(text)}" for name, text in _about(report) if text)
    print_lines([""])
    print_findings(report.findings)
    if report.findings:
        print_lines(["", f"how to mend: {report.how_to_mend}", ""])
    print_lines(_rule_lines(report))


def _about(report: CheckReport) -> Iterator[tuple[str, str]]:
    """What was looked at, and what the look took."""
    from imgmove.core.units import format_size

    layout, facts = report.inspection.layout, report.inspection.facts
    shape = report.facts.format.value if report.facts and report.facts.format else "not recognised"
    disk = (
        f", a disk of {format_size(layout.disk_bytes)}, {layout.table.upper() or 'no partition table'}"
        if layout
        else ""
    )
    yield "image", f"{shape}, {format_size(report.size_bytes)}{disk}"
    if facts and facts.os:
        kernels = [kernel.version for kernel in facts.kernels or ()]
        running = f", kernel {', '.join(kernels[:3])}{'…' if len(kernels) > 3 else ''}" if kernels else ""
        name = facts.os.name or facts.os.kind or "not recognised"
        yield "guest", f"{name}{', ' if facts.os.architecture else ''}{facts.os.architecture}{running}"
        root = next((item for item in layout.file_systems if item.where == facts.root_where), None) if layout else None
        yield "root", f"{facts.root_where}{f' ({root.kind})' if root else ''}"
    how = ", as a stream from its beginning" if report.inspection.cost.is_stream else ""
    yield (
        "read",
        (
            f"{format_size(report.read_bytes)} ({report.read_percent:.2f} %) in {report.requests} requests"
            f"{how}, {report.seconds:.1f} s"
        ),
    )


def _rule_lines(report: CheckReport) -> Iterator[str]:
    """The rules by what became of them, in a line each: what was not looked at is not passed over in silence."""
    from imgmove.core.text import clean

    states: dict[str, list[str]] = {}
    for rule in report.rules:
        states.setdefault(rule.state.value, []).append(rule.id)
    for state, ids in states.items():
        yield f"  {state:<15}{' '.join(ids)}"
    for rule in report.rules:
        if rule.note and rule.state.value == "not-looked":
            yield f"  {rule.id} was not looked at: {clean(rule.note)}"


@contextmanager
def _signs_of_life(output: Output, what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Progress on standard error: bytes and requests so far, on a terminal as they come, else once a minute."""
    from imgmove.cli.streams import to_stderr
    from imgmove.core.text import clean
    from imgmove.core.units import format_size

    if output.quiet:
        yield None
        return
    said_at = time.monotonic()

    def words(read_bytes: int, requests: int) -> str:
        return f"looking into {clean(what)}: {format_size(read_bytes)} read in {requests} requests"

    def say(read_bytes: int, requests: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= _SIGN_SECONDS:
            said_at = time.monotonic()
            to_stderr(words(read_bytes, requests) + "\n")

    if not sys.stderr.isatty() or output.verbose:
        yield say
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True, highlight=False).status(escape(f"looking into {clean(what)}")) as status:
        yield lambda read_bytes, requests: status.update(escape(words(read_bytes, requests)))
