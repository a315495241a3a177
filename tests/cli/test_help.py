"""Help: begins with examples, lists exit codes, and is what the golden files say.

After a change that is meant: `python -m tests.cli.test_help` writes the golden files anew.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from imgmove.cli.command import Command
from imgmove.cli.main import COMMANDS, cli
from imgmove.core.errors import EXIT_MEANINGS

GOLDEN = Path(__file__).parent / "golden"


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and subcommand, as the words to type."""
    context = click.Context(cli)
    for name in COMMANDS:
        yield (name,)
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((name, child) for child in command.list_commands(context))


def help_of(words: tuple[str, ...]) -> str:
    runner = CliRunner(env={"COLUMNS": "100"})
    result = runner.invoke(cli, [*words, "--help"], prog_name="imgmove", terminal_width=100)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("words", [(), *commands()], ids=lambda words: " ".join(words) or "imgmove")
def test_help_is_what_the_golden_file_says(words: tuple[str, ...]) -> None:
    assert help_of(words) == golden_file(words).read_text("utf-8")


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_begins_with_examples(words: tuple[str, ...]) -> None:
    text = help_of(words)
    assert text.startswith("Examples:\n  # ")
    assert f"imgmove {words[0]}" in text.split("Usage:")[0]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_lists_exit_codes(words: tuple[str, ...]) -> None:
    context = click.Context(cli)
    command: click.Command | None = cli.get_command(context, words[0])
    if len(words) > 1:
        assert isinstance(command, click.Group)
        command = command.get_command(context, words[1])
    if isinstance(command, click.Group):
        return
    assert isinstance(command, Command)
    section = help_of(words).split("Exit codes:")[1]
    for code in command.exit_codes:
        assert str(code) in section
        assert code in EXIT_MEANINGS


def test_completion_scripts() -> None:
    for shell, mark in (
        ("bash", "_IMGMOVE_COMPLETE=bash_complete"),
        ("zsh", "#compdef imgmove"),
        ("fish", "complete --no-files"),
    ):
        result = CliRunner().invoke(cli, ["completion", shell])
        assert mark in result.output


def golden_file(words: tuple[str, ...]) -> Path:
    return GOLDEN / f"{'-'.join(('imgmove', *words))}.txt"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.txt"):
        path.unlink()
    for each in [(), *commands()]:
        golden_file(each).write_text(help_of(each), "utf-8")
