"""`imgmove export`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import (
    OPERATION_EXIT_CODES,
    Command,
    output_options,
    provider_option,
    region_option,
    wait_options,
)
from imgmove.core.formats import DiskFormat

FORMATS = click.Choice([item.value for item in DiskFormat if item is not DiskFormat.RAW_TAR_GZ])


@click.command(
    "export",
    cls=Command,
    exit_codes=(*OPERATION_EXIT_CODES[:-2], 8, *OPERATION_EXIT_CODES[-2:]),
    examples=[
        ("Export a CVM image as qcow2 and wait for it",
         "imgmove export img-6pb6lrmy --provider tencent --region ap-guangzhou \\\n"
         "    --bucket backup-1250000000 --format qcow2"),
        ("The same with an address; leave when it is accepted, look again later",
         "imgmove export tencent://ap-guangzhou/img-6pb6lrmy --bucket backup-1250000000 --no-wait\n"
         "imgmove status JOB --watch"),
        ("Would it be accepted?",
         "imgmove export alibaba://cn-hangzhou/m-bp67acfmxazb4p --bucket backup --dry-run"),
    ],
)  # fmt: skip
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@provider_option
@region_option
@click.option("--bucket", required=True, metavar="B", help="Bucket in the image's region (Tencent: with its APPID).")
@click.option("--format", "disk_format", type=FORMATS, help="Format of the object. The provider's default is raw.")
@click.option(
    "--prefix",
    "prefixes",
    multiple=True,
    metavar="TEXT",
    help="What the objects' names begin with; once, or once for each image. Default: unique to the job.",
)
@click.option("--root-disk-only", is_flag=True, help="Only the system disk.")
@click.option("--role-name", default="", metavar="NAME", help="Service role that writes the bucket.")
@click.option("--force", is_flag=True, help="Go on past findings that are our own judgement.")
@click.option("--dry-run", is_flag=True, help="Ask the provider whether it would accept; nothing is done.")
@wait_options
@output_options
def command(**arguments: Any) -> None:
    """Export IMAGE to the provider's own object store.

    IMAGE is an address (tencent://REGION/img-…, alibaba://REGION/m-…) or, with --provider and --region, an id.
    Several images may be given. Done means: every object is there, complete and stable.
    """
    from imgmove.cli.operation import run_operation, wait_arguments

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    run_operation(
        output, profile, lambda session, attendance: session.export(**arguments, attendance=attendance), **waiting
    )
