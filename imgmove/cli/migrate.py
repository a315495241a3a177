"""`imgmove migrate`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import Command, KeyValue, output_options, stack, wait_options
from imgmove.cli.copy import transfer_options
from imgmove.core.requests import Architecture, BootMode

#: What changes a migration's outcome: `doctor` takes them, too.
outcome_options = stack(
    click.option("--source-bucket", default="", metavar="B", help="Bucket in the source's region, for the export."),
    click.option("--dest-bucket", default="", metavar="B", help="Bucket in the destination's region, for the import."),
    click.option("--source-region", default="", metavar="R", help="Region of the source, before the address's own."),
    click.option("--dest-region", default="", metavar="R", help="Region of the destination, before the address's own."),
    click.option("--source-profile", default="", metavar="NAME", help="Profile of the source's account."),
    click.option("--dest-profile", default="", metavar="NAME", help="Profile of the destination's account."),
    click.option("--name", default="", metavar="N", help="Name of the new image. Default: the old one's."),
    click.option(
        "--format",
        "disk_format",
        type=click.Choice(["qcow2", "raw", "vhd", "vmdk"]),
        help="Format to import. Default: the smallest that works.",
    ),
    click.option("--root-disk-only", is_flag=True, help="Only the system disk."),
    click.option("--description", default="", metavar="TEXT"),
    click.option("--os-type", default="", metavar="OS", help="Instead of what the source's image says."),
    click.option("--os-version", default="", metavar="VERSION", help="Instead of what the source's image says."),
    click.option(
        "--arch",
        "architecture",
        type=click.Choice([item.value for item in Architecture]),
        help="Instead of what the source's image says.",
    ),
    click.option(
        "--boot-mode", type=click.Choice([item.value for item in BootMode]), help="Instead of what the source says."
    ),
    click.option("--license", "license_", default="", metavar="TYPE", help="Licence type at the destination."),
    click.option(
        "--tag", "tags", multiple=True, type=KeyValue(), metavar="K=V", help="A tag of the new image; may be repeated."
    ),
    click.option("--export-role", default="", metavar="NAME", help="Service role of the export."),
    click.option("--import-role", default="", metavar="NAME", help="Service role of the import."),
    click.option("--force", is_flag=True,
                 help="Go on past findings that are our own judgement, and waive what the destination lets be waived "
                      "(CVM: cloud-init)."),
    click.option("--keep-staged", is_flag=True, help="Keep the exported and the copied object."),
    transfer_options,
)  # fmt: skip


@click.command(
    "migrate",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 6, 7, 9, 130),
    examples=[
        ("From Tencent to Alibaba, the whole way",
         "imgmove migrate tencent://ap-guangzhou/img-6pb6lrmy alibaba://cn-hangzhou \\\n"
         "    --source-bucket stage-1250000000 --dest-bucket stage --name web"),
        ("And back",
         "imgmove migrate alibaba://cn-hangzhou/m-bp67acfmxazb4p tencent://ap-guangzhou \\\n"
         "    --source-bucket stage --dest-bucket stage-1250000000 --name web"),
        ("To another region of the same cloud, by the provider's own copy",
         "imgmove migrate tencent://ap-guangzhou/img-6pb6lrmy tencent://ap-shanghai --name web"),
        ("After an interruption", "imgmove jobs resume j1m2n3p4q5r6s7"),
    ],
)  # fmt: skip
@click.argument("source", metavar="SOURCE")
@click.argument("destination", metavar="DESTINATION")
@outcome_options
@click.option("--check", is_flag=True,
              help="Look into the exported image before it is copied; stop if it would not start there.")  # fmt: skip
@wait_options
@output_options
def command(**arguments: Any) -> None:
    """Move the image SOURCE to DESTINATION: export, copy from store to store, import, verify, clean up.

    SOURCE is an image (tencent://REGION/img-…), DESTINATION a place (alibaba://REGION). The job's id is printed
    first; whatever dies on the way, `imgmove jobs resume` goes on, and nothing is done twice.
    """
    from imgmove.cli.operation import parse_tags, run_operation, wait_arguments

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    arguments["tags"] = parse_tags(arguments["tags"])
    run_operation(
        output, profile, lambda session, attendance: session.migrate(**arguments, attendance=attendance), **waiting
    )
