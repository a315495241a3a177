"""`imgmove roles`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from imgmove.cli.command import Command, Output, output_options, stack, write_examples

if TYPE_CHECKING:
    from imgmove.app.roles import RoleReport

EXAMPLES = [
    ("What the roles have to be, and how they are", "imgmove roles show --provider alibaba"),
    ("Create what is missing, and wait until it can be used", "imgmove roles create --provider tencent"),
]

role_options = stack(
    click.option("--provider", required=True, metavar="P", help="tencent (cvm), ecm or alibaba (ecs)."),
    click.option("--export-role", default="", metavar="NAME", help="Another name for the role of exports."),
    click.option("--import-role", default="", metavar="NAME", help="Another name for the role of imports."),
)


class RolesGroup(click.Group):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(EXAMPLES, formatter)
        super().format_help(ctx, formatter)


@click.group("roles", cls=RolesGroup, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The service roles that exports and imports need: with them the vendor's service reaches your bucket."""


@command.command(
    "show",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 130),
    examples=[
        ("The exact policies, and what is there", "imgmove roles show --provider tencent"),
        ("For a script", "imgmove roles show --provider alibaba -o json | jq -r '.roles[] | \"\\(.name) \\(.state)\"'"),
    ],
)  # fmt: skip
@role_options
@output_options
def show_roles(provider: str, export_role: str, import_role: str, **common: Any) -> None:
    """Show each role: as it has to be, as it is, and how to make it. Nothing is changed."""
    from imgmove.app.session import Session

    roles = Session(common["profile"]).roles(provider, export_role=export_role, import_role=import_role)
    _show(common["output"], roles.show())


@command.command(
    "create",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 130),
    examples=[
        ("Create what is missing, after asking", "imgmove roles create --provider alibaba"),
        ("From a script, without waiting until the grant has spread",
         "imgmove roles create --provider tencent --yes --no-wait -o json"),
    ],
)  # fmt: skip
@role_options
@click.option("--wait/--no-wait", default=True, show_default=True,
              help="Wait until the vendor's services can use the roles, about a minute.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@output_options
def create_roles(provider: str, export_role: str, import_role: str, wait: bool, yes: bool, **common: Any) -> None:
    """Create the roles that are missing, their trust and their rights. What is there is kept, nothing is taken away."""
    from imgmove.app.session import Session
    from imgmove.cli.operation import stop_on_signals
    from imgmove.cli.progress import plain_progress

    output: Output = common["output"]
    roles_of = partial(Session(common["profile"]).roles, provider, export_role=export_role, import_role=import_role)
    reports = roles_of().show()
    if any(report.word != "ready" for report in reports) and _agreed(reports, yes=yes):
        shown = plain_progress(output)
        with stop_on_signals(shown, "what was created stays") as stop:
            reports = roles_of(stop=stop).create(wait=wait, note=shown.note)
    _show(output, reports)


def _agreed(reports: Sequence[RoleReport], *, yes: bool) -> bool:
    """Shows what would be created, and asks; a usage error where nobody can be asked."""
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("this creates roles and policies in your account: give --yes where nobody can be asked")
    _to_stderr(_forms([report for report in reports if report.word != "ready"]))
    return click.confirm("create this?", err=True)


def _show(output: Output, reports: Sequence[RoleReport]) -> None:
    from imgmove.cli.render import print_json, print_lines

    if output.is_json:
        print_json({"roles": [report.to_json() for report in reports], "error": None})
        return
    print_lines(_forms(reports) or ["no service role is needed here"])


def _forms(reports: Sequence[RoleReport]) -> Sequence[str]:
    from imgmove.app.roles import role_lines
    from imgmove.core.text import clean

    return [clean(line) for line in role_lines(reports)]


def _to_stderr(lines: Sequence[str]) -> None:
    from imgmove.cli.streams import to_stderr

    to_stderr("".join(f"{line}\n" for line in lines))
