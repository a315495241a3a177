"""`imgmove check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from imgmove.cli.command import READ_EXIT_CODES, SIZE, Command, Output, output_options
from imgmove.core.requests import BootMode

if TYPE_CHECKING:
    from imgmove.app.check import CheckReport

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
    from imgmove.cli.looking import looking
    from imgmove.cli.operation import stop_on_signals
    from imgmove.cli.progress import plain_progress
    from imgmove.cli.render import print_json

    output: Output = arguments.pop("output")
    with stop_on_signals(plain_progress(output), "nothing was changed") as stop:
        session = Session(arguments.pop("profile"))
        with looking(output, arguments["what"]) as progress:
            report = session.check(**arguments, progress=progress, stop=stop)
    if output.is_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    error = report.error()
    if error:
        raise Reported(replace(error, findings=()))  # they have been shown


def _print_report(report: CheckReport) -> None:
    from imgmove.cli.findings import print_findings, print_labelled, summary_line
    from imgmove.core.text import clean

    verdict = f"{_VERDICTS[report.verdict_word]} {report.title} ({summary_line(report.findings)})"
    print_labelled([("", f"{clean(report.what)}: {verdict}")])
    print_labelled((f"  {name:<7}", clean(text)) for name, text in _about(report) if text)
    print_labelled([("", "")])
    print_findings(report.findings)
    if report.findings:
        print_labelled([("", "")])
    if report.how_to_mend:
        print_labelled([("how to mend: ", report.how_to_mend), ("", "")])
    print_labelled(_rule_lines(report))


def _about(report: CheckReport) -> Iterator[tuple[str, str]]:
    """What was looked at, and what the look took."""
    from imgmove.core.units import format_size

    layout, facts = report.inspection.layout, report.inspection.facts
    shape = report.facts.format.value if report.facts and report.facts.format else "refused, and not opened"
    table = f", {layout.table.upper() or 'no partition table'}" if layout else ""
    disk = f", a disk of {format_size(layout.disk_bytes)}{table}" if layout else ""
    yield "image", f"{shape}, {format_size(report.size_bytes)}{disk}"
    if facts and facts.os:
        kernels = [kernel.version for kernel in facts.kernels or ()]
        running = f", kernel {', '.join(kernels[:3])}{'…' if len(kernels) > 3 else ''}" if kernels else ""
        name = facts.os.name or facts.os.kind or "not recognised"
        yield "guest", f"{name}{', ' if facts.os.architecture else ''}{facts.os.architecture}{running}"
        root = next((item for item in layout.file_systems if item.where == facts.root_where), None) if layout else None
        yield "root", f"{facts.root_where}{f' ({root.kind})' if root else ''}"
    yield "read", _cost(report)


def _cost(report: CheckReport) -> str:
    from imgmove.core.units import format_size

    # Of a small image some is read twice: more than all of it says nothing.
    part = f" ({report.read_percent:.2f} %)" if 0 < report.read_percent < 100 else ""
    how = ", as a stream from its beginning" if report.inspection.cost.is_stream else ""
    requests = f"{report.requests} request{'s' if report.requests != 1 else ''}"
    return f"{format_size(report.read_bytes)}{part} in {requests}{how}, {report.seconds:.1f} s"


def _rule_lines(report: CheckReport) -> Iterator[tuple[str, str]]:
    """The rules by what became of them: what was found fine by its title, what was not looked at with the reason."""
    from imgmove.core.text import clean

    groups: dict[tuple[str, str], list[str]] = {}
    for rule in report.rules:
        note = clean(rule.note) if rule.state.value == "not-looked" else ""
        groups.setdefault((rule.state.value, note), []).append(rule.id)
    titles = {rule.id: rule.title for rule in report.rules}
    for (state, note), ids in groups.items():
        lead = f"  {state:<15}"
        if state == "kept":
            yield from (
                (lead if number == 0 else f"{'':<17}", f"{id_} {titles[id_]}") for number, id_ in enumerate(ids)
            )
        else:
            yield lead, f"{' '.join(ids)}{': ' if note else ''}{note}"
