"""docs/reference/commands.md: every command with its help, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator

import click

from imgmove.cli.command import Command, output_options, wait_options
from imgmove.cli.copy import transfer_options
from imgmove.cli.main import COMMANDS, cli
from scripts.reference.markdown import block, code, paragraphs, sections, table

#: Shared options: the title of their own section, and a function that carries them.
_SHARED = (("Waiting", wait_options), ("Moving bytes", transfer_options), ("Output and profile", output_options))


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and subcommand, by the words to type."""
    context = click.Context(cli, info_name="imgmove")
    for name in COMMANDS:
        command = _child(cli, context, name)
        yield (name,), command
        if isinstance(command, click.Group):
            yield from (((name, child), _child(command, context, child)) for child in command.list_commands(context))


def _child(group: click.Group, context: click.Context, name: str) -> click.Command:
    found = group.get_command(context, name)
    if found is None:
        raise LookupError(f"{group.name} lists {name!r} and does not have it")
    return found


def render() -> str:
    return sections([*(_shared(title) for title, _ in _SHARED), *(_command(*each) for each in commands())])


def overview() -> str:
    rows = [(f"[`imgmove {name}`](#imgmove-{name})", line) for name, (_module, line) in COMMANDS.items()]
    return table(("command", "what it does"), rows)


def _shared_options(title: str) -> list[click.Option]:
    decorate = dict(_SHARED)[title]
    carrier = click.command()(decorate(lambda **_: None))
    return [parameter for parameter in carrier.params if isinstance(parameter, click.Option)]


def _shared(title: str) -> str:
    return sections([f"## {title}", _options(_shared_options(title), click.Context(click.Command("any")))])


def _command(words: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("imgmove", *words)))
    title = f"{'#' * (len(words) + 1)} imgmove {' '.join(words)}"
    usage = " ".join([f"imgmove {' '.join(words)}", *command.collect_usage_pieces(context)])
    own, shared = _split(command)
    parts = [title, paragraphs(command.help), _examples(command), f"Usage: `{usage}`", _options(own, context)]
    if shared:
        parts.append("Also: " + ", ".join(f"[{name}](#{_anchor(name)})" for name in shared) + ".")
    return sections([*parts, _exit_codes(command)])


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _split(command: click.Command) -> tuple[list[click.Option], list[str]]:
    """A command's own options, and the titles of the shared ones that it takes whole."""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    names = {option.name for option in options}
    shared = {title: {option.name for option in _shared_options(title)} for title, _ in _SHARED}
    taken = [title for title, members in shared.items() if members <= names]
    covered = {name for title in taken for name in shared[title]}
    return [option for option in options if option.name not in covered], taken


def _examples(command: click.Command) -> str:
    if not isinstance(command, Command):
        return ""
    return block("sh", "\n\n".join(f"# {what}\n{words}" for what, words in command.examples))


def _options(options: list[click.Option], context: click.Context) -> str:
    records = [record for option in options if (record := option.get_help_record(context))]
    if not records:
        return ""
    return table(("option", "meaning"), [(code(names), meaning) for names, meaning in records])


def _exit_codes(command: click.Command) -> str:
    if not isinstance(command, Command):
        return ""
    return "Exit codes: " + ", ".join(str(number) for number in command.exit_codes) + " ([meaning](exit-codes.md))."
