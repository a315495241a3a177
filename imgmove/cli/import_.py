"""`imgmove import`."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from imgmove.cli.command import (
    OPERATION_EXIT_CODES,
    Command,
    KeyValue,
    output_options,
    provider_option,
    region_option,
    wait_options,
)
from imgmove.cli.export import FORMATS
from imgmove.core.requests import Architecture, BootMode


def complete_os_type(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names that the provider offers, asked of it; nothing where it cannot be asked."""
    from imgmove.app.session import Session
    from imgmove.core.errors import ImgmoveError

    try:
        choices = Session(ctx.params.get("profile") or "").os_choices(
            ctx.params.get("provider"), ctx.params.get("region")
        )
    except ImgmoveError:
        return []
    names = [choice.os_type for choice in choices]
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


@click.command(
    "import",
    cls=Command,
    exit_codes=OPERATION_EXIT_CODES,
    examples=[
        ("Register a CVM image from an object in COS",
         "imgmove import cos://backup-1250000000/web.qcow2 --region ap-guangzhou --name web \\\n"
         "    --os-type Debian --os-version 12"),
        ("Register an ECS image with a data disk",
         "imgmove import oss://backup/web_system.qcow2 --data-disk oss://backup/web_data.qcow2 \\\n"
         "    --region cn-hangzhou --name web --os-type Debian --boot-mode bios"),
        ("Bring a CVM image to the edge (ECM)",
         "imgmove import tencent://ap-guangzhou/img-6pb6lrmy --provider ecm --name web"),
        ("Which operating systems does it know?",
         "imgmove import --list-os --provider tencent --region ap-guangzhou"),
    ],
)  # fmt: skip
@click.argument("source", required=False, metavar="OBJECT")
@provider_option
@region_option
@click.option("--name", metavar="N", help="Name of the image.")
@click.option("--bucket", metavar="B", help="Bucket, where OBJECT is only a key.")
@click.option("--data-disk", "data_disks", multiple=True, metavar="OBJECT", help="A further disk; may be repeated.")
@click.option(
    "--disk-size",
    "disk_sizes",
    multiple=True,
    type=click.IntRange(1),
    metavar="GIB",
    help="Size of the disk in GiB, once for each disk (ECS).",
)
@click.option(
    "--os-type",
    default="",
    metavar="OS",
    shell_complete=complete_os_type,
    help="Operating system, as the provider or as people call it (debian, ubuntu-22.04, windows).",
)
@click.option("--os-version", default="", metavar="VERSION", help="Its version.")
@click.option(
    "--arch", "architecture", type=click.Choice([item.value for item in Architecture]), help="Default: x86_64."
)
@click.option("--boot-mode", type=click.Choice([item.value for item in BootMode]), help="How the machine starts.")
@click.option("--license", "license_", default="", metavar="TYPE", help="TencentCloud, Aliyun, Auto or BYOL.")
@click.option("--format", "disk_format", type=FORMATS, help="Format of the object; found out by itself.")
@click.option("--description", default="", metavar="TEXT")
@click.option("--family", default="", metavar="NAME", help="Image family.")
@click.option("--tag", "tags", multiple=True, type=KeyValue(), metavar="K=V", help="A tag; may be repeated.")
@click.option("--role-name", default="", metavar="NAME", help="Service role that reads the bucket.")
@click.option("--detect", is_flag=True, help="Let the provider inspect the image afterwards (ECS).")
@click.option("--nvme/--no-nvme", default=None, help="Say whether the image has an NVMe driver (ECS).")
@click.option("--init", default="", metavar="HOW", help="cloudinit or nbd (ECM).")
@click.option(
    "--force",
    is_flag=True,
    help="Waive what the provider lets be waived, findings that are our own judgement, and our "
    "look at the object's format.",
)
@click.option("--dry-run", is_flag=True, help="Ask the provider whether it would accept; nothing is done.")
@click.option("--list-os", is_flag=True, help="Print the operating systems that the provider offers, and end.")
@wait_options
@output_options
def command(list_os: bool, **arguments: Any) -> None:
    """Register an image from OBJECT in the provider's own store.

    OBJECT is an address (cos://BUCKET-APPID/KEY, oss://BUCKET/KEY), BUCKET/KEY, or a key with --bucket.
    Done means: the image itself is usable, not only the task finished.
    """
    from imgmove.cli.operation import parse_tags, run_operation, wait_arguments

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    if list_os:
        _print_os_choices(output, profile, arguments["provider"], arguments["region"])
        return
    if not arguments["source"]:
        raise click.UsageError("Missing argument 'OBJECT'.")
    if not arguments["name"]:
        raise click.UsageError("Missing option '--name'.")
    arguments["tags"] = parse_tags(arguments["tags"])
    run_operation(
        output, profile, lambda session, attendance: session.import_image(**arguments, attendance=attendance), **waiting
    )


def _print_os_choices(output: Any, profile: str, provider: str | None, region: str | None) -> None:
    from imgmove.app.session import Session
    from imgmove.cli.render import print_json, print_table

    choices = Session(profile).os_choices(provider, region)
    if output.is_json:
        rows = [{"os_type": item.os_type, "family": item.family, "versions": list(item.versions)} for item in choices]
        print_json({"os": rows, "error": None})
        return
    print_table(
        ("os type", "family", "versions"), [(c.os_type, c.family, ", ".join(c.versions) or "any") for c in choices]
    )
