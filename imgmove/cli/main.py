"""The entry point: finds the command, and turns every ending into one clear line and an exit code.

Imports click and nothing heavier: `imgmove --help` and `--version` load no SDK and no rich.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from imgmove.cli.streams import discard, open_missing_streams
from imgmove.version import __version__

#: Command name to its module, and the line that `imgmove --help` shows for it.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "migrate": ("imgmove.cli.migrate", "Move an image to another cloud: export, copy, import, verify, clean up."),
    "export": ("imgmove.cli.export", "Export images to the provider's own object store."),
    "import": ("imgmove.cli.import_", "Register an image from an object in the provider's own store."),
    "create": ("imgmove.cli.create", "Make an image of an instance."),
    "copy": ("imgmove.cli.copy", "Copy objects and files between stores, any to any."),
    "status": ("imgmove.cli.status", "The state of a job, a vendor's task or an image."),
    "check": ("imgmove.cli.check", "Look inside a disk image: will it start on the other cloud?"),
    "doctor": ("imgmove.cli.doctor", "Everything a migration would stumble over, found beforehand."),
    "roles": ("imgmove.cli.roles", "The service roles that exports and imports need: show, create."),
    "images": ("imgmove.cli.images", "The images of the account."),
    "providers": ("imgmove.cli.providers", "What each service can and cannot do."),
    "jobs": ("imgmove.cli.jobs", "The journal: list, show, resume, cancel, clean."),
    "sandbox": ("imgmove.cli.sandbox", "Both clouds, emulated on loopback."),
    "completion": ("imgmove.cli.completion", "Print the completion script for a shell."),
}

EXAMPLES: Final = (
    ("See it happen without any cloud", "imgmove sandbox run -- imgmove images --provider tencent"),
    (
        "Move an image from Tencent to Alibaba",
        "imgmove migrate tencent://ap-guangzhou/img-6pb6lrmy alibaba://cn-hangzhou \\\n"
        "    --source-bucket stage-1250000000 --dest-bucket stage",
    ),
    ("Come back to a job from another shell", "imgmove status j1m2n3p4q5r6s7 --watch"),
)
EPILOG: Final = "Every command's own --help begins with examples and lists its exit codes."


class LazyGroup(click.Group):
    """Commands whose modules are imported when they are run or asked for help, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from imgmove.cli.command import write_examples

        write_examples(EXAMPLES, formatter)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_module, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="imgmove", message="%(prog)s %(version)s")
def cli() -> None:
    """Move virtual machine images between Tencent Cloud (CVM, ECM) and Alibaba Cloud (ECS)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the contract's code."""
    open_missing_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(args=words, prog_name="imgmove", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read us went away (`imgmove … | head`): no message, and none from the interpreter's own flush.
        discard(1)
        sys.exit(1)
    except BaseException as error:  # noqa: BLE001 - the outermost frame: every ending becomes one line and a code
        from imgmove.cli.failures import report_failure

        sys.exit(report_failure(error, words))
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
