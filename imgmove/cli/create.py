"""`imgmove create`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import (
    OPERATION_EXIT_CODES,
    Command,
    KeyValue,
    output_options,
    provider_option,
    region_option,
    wait_options,
)
from imgmove.core.requests import BootMode


@click.command(
    "create",
    cls=Command,
    exit_codes=OPERATION_EXIT_CODES,
    examples=[
        ("An image of a CVM instance",
         "imgmove create ins-9bsa90io --provider tencent --region ap-guangzhou --name web-2026-11"),
        ("An image of an edge instance, shutting it down first",
         "imgmove create ecm://ap-hangzhou-ecm/ein-93sjjr8k --name web --force-poweroff"),
        ("An image of an ECS instance, with a tag",
         "imgmove create alibaba://cn-hangzhou/i-bp67acfmxazb4p --name web --tag team=ops"),
    ],
)  # fmt: skip
@click.argument("instance", metavar="INSTANCE")
@provider_option
@region_option
@click.option("--name", required=True, metavar="N", help="Name of the image.")
@click.option("--description", default="", metavar="TEXT")
@click.option("--force-poweroff", is_flag=True, help="Shut the instance down first (Tencent).")
@click.option("--disk", "disk_ids", multiple=True, metavar="ID", help="A data disk to include; may be repeated.")
@click.option(
    "--snapshot", "snapshot_ids", multiple=True, metavar="ID", help="Make it of this snapshot; may be repeated."
)
@click.option("--sysprep", is_flag=True, help="Run Sysprep (Windows on CVM).")
@click.option("--family", default="", metavar="NAME", help="Image family.")
@click.option("--boot-mode", type=click.Choice([item.value for item in BootMode]), help="How the machine starts (ECS).")
@click.option("--tag", "tags", multiple=True, type=KeyValue(), metavar="K=V", help="A tag; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Ask the provider whether it would accept; nothing is done.")
@wait_options
@output_options
def command(**arguments: Any) -> None:
    """Make an image of INSTANCE.

    INSTANCE is an address (tencent://REGION/ins-…, ecm://REGION/ein-…, alibaba://REGION/i-…) or, with --provider
    and --region, an id.
    """
    from imgmove.cli.operation import parse_tags, run_operation, wait_arguments

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    arguments["tags"] = parse_tags(arguments["tags"])
    run_operation(
        output, profile, lambda session, attendance: session.create(**arguments, attendance=attendance), **waiting
    )
