"""`imgmove doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from imgmove.cli.command import Command, Output, output_options
from imgmove.cli.migrate import outcome_options

if TYPE_CHECKING:
    from imgmove.app.preflight import DoctorReport


@click.command(
    "doctor",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 130),
    examples=[
        ("Everything that a migration would stumble over, before it costs anything",
         "imgmove doctor tencent://ap-guangzhou/img-6pb6lrmy alibaba://cn-hangzhou \\\n"
         "    --source-bucket stage-1250000000 --dest-bucket stage --name web"),
        ("What blocks, for a script",
         "imgmove doctor tencent://ap-guangzhou/img-6pb6lrmy alibaba://cn-hangzhou -o json |\n"
         "    jq -r '.findings[] | select(.severity == \"block\") | .what'"),
        ("The provider's own copy to another region",
         "imgmove doctor alibaba://cn-hangzhou/m-bp67acfmxazb4p alibaba://ap-southeast-1 --name web"),
    ],
)  # fmt: skip
@click.argument("source", metavar="SOURCE")
@click.argument("destination", metavar="DESTINATION")
@outcome_options
@output_options
def command(**arguments: Any) -> None:
    """Look at everything that migrating SOURCE to DESTINATION needs. Nothing is changed.

    Who we are, clocks and endpoints, service roles, both buckets, the image and the way it takes, the other side, time
    and money: all findings at once, the worst first. Ends with 0 where nothing blocks, else with the exit code that
    `imgmove migrate` would have ended with. Takes migrate's options; buckets may be left out.
    """
    from imgmove.app.session import Session
    from imgmove.cli.failures import Reported
    from imgmove.cli.operation import parse_tags, stop_on_signals
    from imgmove.cli.progress import plain_progress
    from imgmove.cli.render import print_json

    output: Output = arguments.pop("output")
    arguments["tags"] = parse_tags(arguments["tags"])
    with stop_on_signals(plain_progress(output), "nothing was changed") as stop:
        report = Session(arguments.pop("profile")).doctor(**arguments, stop=stop)
    if output.is_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    if report.error is not None:
        raise Reported(report.error)


def _print_report(report: DoctorReport) -> None:
    from imgmove.cli.findings import print_findings, print_labelled, summary_line
    from imgmove.core.text import clean

    verdict = "would not work" if report.error else "nothing stands in the way"
    print_findings(report.findings)
    print_labelled(("fine  ", clean(text)) for text in report.fine)
    way = f"{clean(report.source)} to {clean(report.destination)}"
    print_labelled([("", ""), ("", f"{way}: {verdict} ({summary_line(report.findings)})")])
