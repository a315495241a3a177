"""`imgmove status`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import DURATION, Command, output_options, provider_option, region_option


@click.command(
    "status",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130),
    examples=[
        ("The state of a job, looked at now", "imgmove status j0123456789ab"),
        ("Follow it to its end, from any shell", "imgmove status j0123456789ab --watch"),
        ("A vendor's task, or an image", "imgmove status t-bp67acfmxazb4p --provider alibaba --region cn-hangzhou\n"
                                         "imgmove status tencent://ap-guangzhou/img-6pb6lrmy"),
    ],
)  # fmt: skip
@click.argument("identifier", metavar="ID")
@provider_option
@region_option
@click.option("--watch", is_flag=True, help="Follow it until it ends.")
@click.option("--timeout", type=DURATION, metavar="DURATION", help="Stop following after this time.")
@click.option("--poll-interval", type=DURATION, metavar="DURATION", help="Time between two looks.")
@output_options
def command(
    identifier: str,
    provider: str | None,
    region: str | None,
    watch: bool,
    timeout: float | None,
    poll_interval: float | None,
    **common: Any,
) -> None:
    """The state of ID: a job of imgmove, or with --provider (and --region) a vendor's task id or an image.

    The provider is asked; the exit code is 0 while it runs and when it succeeded, else that of the failure.
    Nothing is submitted: a job that was interrupted before its submit is taken up by `jobs resume`.
    """
    from imgmove.cli.operation import run_operation

    run_operation(
        common["output"],
        common["profile"],
        lambda session, attendance: session.status(identifier, provider, region, attendance=attendance),
        wait=watch,
        timeout=timeout,
        poll_interval=poll_interval,
    )
