"""`imgmove images`."""

from __future__ import annotations

from typing import Any

import click

from imgmove.cli.command import READ_EXIT_CODES, Command, output_options, provider_option, region_option


@click.command(
    "images",
    cls=Command,
    exit_codes=READ_EXIT_CODES,
    examples=[
        ("The images of a region", "imgmove images --provider tencent --region ap-guangzhou"),
        ("Their addresses, for a script", "imgmove images --provider alibaba --region cn-hangzhou -o json |\n"
         "    jq -r '.images[].uri'"),
    ],
)  # fmt: skip
@provider_option
@region_option
@output_options
def command(provider: str | None, region: str | None, **common: Any) -> None:
    """List the account's own images, in every state."""
    from imgmove.app.session import Session
    from imgmove.cli.render import print_json, print_table

    rows = Session(common["profile"]).images(provider, region)
    if common["output"].is_json:
        print_json({"images": rows, "error": None})
        return
    columns = ("uri", "name", "state", "size_gib", "os", "created")
    table = [[row[column] for column in columns] for row in rows]
    print_table(("image", "name", "state", "GiB", "os", "created"), table, right=(3,))
