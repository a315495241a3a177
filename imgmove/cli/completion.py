"""`imgmove completion`."""

from __future__ import annotations

import click

from imgmove.cli.command import Command


@click.command(
    "completion",
    cls=Command,
    examples=[
        ("For this shell only", 'eval "$(imgmove completion bash)"'),
        ("For good", "imgmove completion zsh > ~/.zfunc/_imgmove"),
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from imgmove.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(cli, {}, "imgmove", "_IMGMOVE_COMPLETE").source())
