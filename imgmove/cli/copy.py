"""`imgmove copy`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import SIZE, Command, output_options, stack, wait_options

transfer_options = stack(
    click.option("--workers", type=click.IntRange(1, 64), default=8, show_default=True, metavar="N",
                 help="Parts in flight at once."),
    click.option("--part-size", "part_bytes", type=SIZE, metavar="SIZE",
                 help="Size of a part (5MiB). Default: 16MiB, more for large objects."),
    click.option("--bandwidth", default="off", metavar="RATE",
                 help="Limit (50MiB), or a timetable ('08:00,10MiB 19:00,off')."),
)  # fmt: skip


@click.command(
    "copy",
    cls=Command,
    exit_codes=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130),
    examples=[
        ("From one cloud's store to the other's, nothing on disk",
         "imgmove copy cos://backup-1250000000/web.qcow2 oss://backup/web.qcow2"),
        ("Everything below a prefix, to files", "imgmove copy oss://backup/2026/ ./2026/"),
        ("Unpack what ECS exported, as qcow2, on the way",
         "imgmove copy oss://backup/m-1_system.raw.tar.gz cos://backup-1250000000/web.qcow2 --format qcow2"),
        ("A local image in another format (runs qemu-img, after a look at the image's header)",
         "imgmove copy ./web.vmdk oss://backup/web.qcow2 --format qcow2"),
    ],
)  # fmt: skip
@click.argument("source", metavar="SOURCE")
@click.argument("destination", metavar="DESTINATION")
@click.option(
    "--format",
    "disk_format",
    type=click.Choice(["raw", "qcow2", "vhd", "vmdk"]),
    help="Convert: from raw and .raw.tar.gz to raw, qcow2 or a fixed VHD on the way; all else from local files, "
    "by qemu-img.",
)
@click.option(
    "--source-region", default="", metavar="R", help="Region of the source bucket; asked of its store by default."
)
@click.option(
    "--dest-region", default="", metavar="R", help="Region of the destination bucket; asked of its store by default."
)
@click.option("--source-profile", default="", metavar="NAME", help="Profile of the source's account.")
@click.option("--dest-profile", default="", metavar="NAME", help="Profile of the destination's account.")
@transfer_options
@wait_options
@output_options
def command(**arguments: Any) -> None:
    """Copy SOURCE to DESTINATION: one object or file, or everything below a prefix that ends in '/'.

    SOURCE and DESTINATION are cos://BUCKET-APPID/KEY, oss://BUCKET/KEY or a path. Parts are checked by CRC-64 as they
    pass; run it again after an interruption, and only what is missing is sent.
    """  # fmt: skip
    from imgmove.cli.operation import run_operation, wait_arguments

    waiting = wait_arguments(arguments)
    output, profile = arguments.pop("output"), arguments.pop("profile")
    run_operation(
        output, profile, lambda session, attendance: session.copy(**arguments, attendance=attendance), **waiting
    )
