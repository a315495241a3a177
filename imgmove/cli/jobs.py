"""`imgmove jobs`."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from imgmove.cli.command import (
    OPERATION_EXIT_CODES,
    Command,
    output_options,
    wait_options,
    write_examples,
)

if TYPE_CHECKING:
    from imgmove.app.attendance import Attendance
    from imgmove.app.results import Result
    from imgmove.app.session import Session

EXAMPLES = [
    ("What is under way, and what was", "imgmove jobs list"),
    ("Take one up after the laptop was closed", "imgmove jobs resume j1m2n3p4q5r6s7"),
    ("Take up everything that nobody runs", "imgmove jobs resume --yes"),
]


class JobsGroup(click.Group):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(EXAMPLES, formatter)
        super().format_help(ctx, formatter)


@click.group("jobs", cls=JobsGroup, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The journal of jobs: everything that imgmove asked a provider to do, and how far it is."""


@command.command(
    "list",
    cls=Command,
    examples=[
        ("All jobs, newest first", "imgmove jobs list"),
        ("Only what has not ended", "imgmove jobs list --unfinished"),
    ],
)
@click.option("--unfinished", is_flag=True, help="Only jobs that have not ended.")
@output_options
def list_jobs(unfinished: bool, **common: Any) -> None:
    """List jobs, newest first. No provider is asked: `imgmove status JOB` does."""
    from imgmove.app.results import job_summary
    from imgmove.app.session import Session
    from imgmove.cli.render import print_json, print_table

    session = Session(common["profile"])
    jobs = [job for job in session.jobs() if not unfinished or not all(step.is_ended for step in job.steps)]
    rows = [job_summary(job, session.journal.holder(job.id)) for job in jobs]
    if common["output"].is_json:
        print_json({"jobs": rows, "error": None})
        return
    cells = [
        (row["id"], row["operation"], row["state"], row["created"], ", ".join(step["name"] for step in row["steps"]))
        for row in rows
    ]
    print_table(("job", "operation", "state", "created", "steps"), cells)


@command.command(
    "show", cls=Command, exit_codes=(0, 2, 4), examples=[("All that is known", "imgmove jobs show j1m2n3p4q5r6s7")]
)
@click.argument("job_id", metavar="JOB")
@output_options
def show_job(job_id: str, **common: Any) -> None:
    """Show all that the journal knows of JOB. No provider is asked: `imgmove status JOB` does."""
    from imgmove.app.outcome import result_of_job
    from imgmove.app.results import job_summary
    from imgmove.app.session import Session
    from imgmove.cli.render import print_json, print_lines, print_result
    from imgmove.core.codec import encode
    from imgmove.core.text import clean

    session = Session(common["profile"])
    job = session.journal.job(job_id)
    summary = job_summary(job, session.journal.holder(job.id))
    if common["output"].is_json:
        print_json({"jobs": [summary | {"plan": job.plan, "details": encode(job.steps)}], "error": None})
        return
    print_result(result_of_job(job))
    print_lines(
        f"  {step['name']:<11}{step['state']}  {step['started'] or ''}  {step['ended'] or ''}".rstrip()
        for step in summary["steps"]
    )
    for step in job.steps:
        if step.error:
            print_lines([f"  {clean(step.error.get('code'))}: {clean(step.error.get('message'))}",
                         f"  → {clean(step.error.get('hint'))}"])  # fmt: skip


@command.command(
    "resume",
    cls=Command,
    exit_codes=(*OPERATION_EXIT_CODES[:-2], 8, *OPERATION_EXIT_CODES[-2:]),
    examples=[
        ("One job", "imgmove jobs resume j1m2n3p4q5r6s7"),
        ("Everything unfinished that no living process runs", "imgmove jobs resume --yes"),
    ],
)
@click.argument("job_ids", nargs=-1, metavar="[JOB]...")
@click.option("--skip-check", is_flag=True, help="Go on without the look into the image that --check asked for.")
@wait_options
@output_options
def resume_jobs(job_ids: tuple[str, ...], skip_check: bool, **arguments: Any) -> None:
    """Take up JOB where it stopped: nothing is done twice. Without JOB, every unfinished one that nobody runs.

    Steps that failed are tried again. Where the answer to a submit was lost, the provider is looked at first.
    """
    from imgmove.app.session import Session
    from imgmove.cli.operation import run_operations, wait_arguments
    from imgmove.cli.render import print_json

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    chosen = list(job_ids) or _unfinished(Session(profile), yes=waiting["yes"])
    if not chosen:
        if output.is_json:
            print_json({"jobs": [], "error": None})
        return
    run_operations(
        output,
        profile,
        [partial(_resume, job_id, frozenset({"check"} if skip_check else ())) for job_id in chosen],
        **waiting,
    )


def _resume(job_id: str, skip: frozenset[str], session: Session, attendance: Attendance) -> Result:
    return session.resume(job_id, attendance=replace(attendance, skip=skip))


def _unfinished(session: Session, *, yes: bool) -> list[str]:
    """Ids of jobs to take up, after asking; a usage error where nobody can be asked."""
    waiting = [
        job.id for job in session.jobs()
        if not all(step.is_ended for step in job.steps) and session.journal.holder(job.id) is None
    ]  # fmt: skip
    if not waiting or yes:
        return waiting
    if not sys.stdin.isatty():
        raise click.UsageError(f"{len(waiting)} unfinished job(s): name them, or give --yes")
    click.echo("unfinished: " + ", ".join(waiting), err=True)
    return waiting if click.confirm("take them up?", err=True) else []


@command.command(
    "cancel",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 9),
    examples=[("Stop a job, and remove what it left behind", "imgmove jobs cancel j1m2n3p4q5r6s7")],
)
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB...")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@output_options
def cancel_jobs(job_ids: tuple[str, ...], yes: bool, **common: Any) -> None:
    """Cancel JOB: at the provider where the provider can (ECS exports, imports and copies), else it is said.

    What the job left behind is removed.
    """
    from imgmove.app.session import Session
    from imgmove.cli.render import print_json, print_lines, print_result
    from imgmove.core.text import clean

    _confirm(f"cancel {', '.join(job_ids)}?", yes=yes)
    session = Session(common["profile"])
    ended = [session.cancel(job_id) for job_id in job_ids]
    if common["output"].is_json:
        rows = [result.to_json() | {"notes": notes} for result, notes in ended]
        print_json({"jobs": rows, "error": None})
        return
    for result, notes in ended:
        print_result(result)
        print_lines(f"  {clean(note)}" for note in notes)


@command.command(
    "clean",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 8, 9),
    examples=[
        ("What finished jobs left behind, with sizes", "imgmove jobs clean --dry-run"),
        ("Remove it", "imgmove jobs clean --yes"),
    ],
)
@click.argument("job_ids", nargs=-1, metavar="[JOB]...")
@click.option("--dry-run", is_flag=True, help="Only list it.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@output_options
def clean_jobs(job_ids: tuple[str, ...], dry_run: bool, yes: bool, **common: Any) -> None:
    """Remove what JOB left behind: staged objects, open uploads, half-made images. Without JOB: of all finished jobs.

    Exactly what the journal says that jobs made, and nobody asked to keep.
    """
    from imgmove.app.results import leftover_json
    from imgmove.app.session import Session
    from imgmove.cli.failures import Reported
    from imgmove.cli.render import print_json, print_table
    from imgmove.core.errors import ImgmoveError, Kind
    from imgmove.core.units import format_size

    session = Session(common["profile"])
    found = session.leftovers(job_ids)
    rows = [leftover_json(job.id, resource) for job, resources in found for resource in resources]
    left: dict[str, str] = {}
    if rows and not dry_run:
        _confirm(f"remove {len(rows)} thing(s): {', '.join(row['uri'] for row in rows)}?", yes=yes)
        for job, _resources in found:
            left |= {resource.uri: str(error) for resource, error in session.clean(job.id)}
    for row in rows:
        row["removed"] = not dry_run and row["uri"] not in left
        row["problem"] = left.get(row["uri"], "")
    error = ImgmoveError(
        Kind.PARTIAL if len(left) < len(rows) else Kind.FAILED, f"{len(left)} of {len(rows)} could not be removed",
        code="Leftovers", hint="; ".join(left.values()),
    ) if left else None  # fmt: skip
    if common["output"].is_json:
        from imgmove.app.results import error_json

        print_json({"jobs": [job.id for job, _ in found], "leftovers": rows, "error": error_json(error)})
    else:
        sizes = ["" if row["size"] is None else format_size(row["size"]) for row in rows]
        what = ["removed" if row["removed"] else row["problem"] or "there" for row in rows]
        cells = [
            (row["uri"], row["kind"], size, row["job"], word) for row, size, word in zip(rows, sizes, what, strict=True)
        ]
        print_table(("what", "kind", "size", "job", ""), cells, right=(2,))
    if error:
        raise Reported(error)


def _confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; without one a usage error: nothing is removed in silence."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} give --yes where nobody can be asked")
    click.confirm(question, abort=True, err=True)
