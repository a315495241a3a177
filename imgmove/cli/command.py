"""The shape of a command: help that begins with examples and lists exit codes, and the options all commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import click

from imgmove.core.errors import EXIT_MEANINGS
from imgmove.core.units import parse_duration, parse_rate, parse_size

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

#: Exit codes of a command that asks a provider and waits for it.
OPERATION_EXIT_CODES: Final = (0, 1, 2, 3, 4, 5, 6, 7, 9, 130)
READ_EXIT_CODES: Final = (0, 1, 2, 3, 4, 5, 130)


class Command(click.Command):
    """A command whose `--help` begins with examples and ends with its exit codes."""

    def __init__(
        self, *args: Any, examples: Sequence[tuple[str, str]] = (), exit_codes: Sequence[int] = (0, 2), **kwargs: Any
    ) -> None:
        # Also beside settings of the command's own: click keeps the help option that it makes first.
        kwargs["context_settings"] = {"help_option_names": ["-h", "--help"], **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.exit_codes = tuple(exit_codes)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), EXIT_MEANINGS[code]) for code in self.exit_codes])


def write_examples(examples: Sequence[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    """Each example: what it does, and the words to type. Never wrapped, so that it can be copied."""
    formatter.write("Examples:\n")
    for what, words in examples:
        formatter.write(f"  # {what}\n")
        for line in words.splitlines():
            formatter.write(f"  {line}\n")
    formatter.write("\n")


class Quantity(click.ParamType[float]):
    """A parameter with a unit (`90s`, `5MiB`), parsed by a function of `imgmove.core.units`."""

    def __init__(self, name: str, parse: Callable[[str], float]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return self._parse(value) if isinstance(value, str) else float(value)


DURATION: Final = Quantity("duration", parse_duration)
SIZE: Final = Quantity("size", parse_size)
RATE: Final = Quantity("rate", parse_rate)


class KeyValue(click.ParamType[tuple[str, str]]):
    """`KEY=VALUE`."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, sign, text = str(value).partition("=")
        if not sign or not key:
            self.fail(f"{value!r} is not KEY=VALUE", param, ctx)
        return key, text


@dataclass(frozen=True)
class Output:
    """How a command speaks: `json` or `table`, quiet or not, verbose or not."""

    format: str = "table"
    quiet: bool = False
    verbose: bool = False
    progress: str = "auto"

    @property
    def is_json(self) -> bool:
        return self.format == "json"


def stack(*decorators: Decorator) -> Decorator:
    """One decorator from several, the first on top in the help."""

    def apply(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def output_options(function: Callable[..., R]) -> Callable[..., R]:
    """`--output`, `--quiet`, `--verbose`, `--profile`; the function gets `output` and `profile`."""

    @click.option("-o", "--output", "output_format", type=click.Choice(["table", "json"]), default="table",
                  show_default=True, help="Form of what is printed on standard output.")  # fmt: skip
    @click.option("-q", "--quiet", is_flag=True, help="No progress, only errors.")
    @click.option("--progress", type=click.Choice(["auto", "json"]), default="auto",
                  help="Form of the progress on standard error: for people, or JSON lines for programs.")  # fmt: skip
    @click.option("-v", "--verbose", is_flag=True, help="More on standard error: every look, tracebacks.")
    @click.option("--profile", default="", metavar="NAME",
                  help="Profile of the configuration file, or of tccli and aliyun.")  # fmt: skip
    @wraps(function)
    def wrapper(*args: Any, output_format: str, quiet: bool, verbose: bool, progress: str, **kwargs: Any) -> R:
        return function(*args, output=Output(output_format, quiet, verbose, progress), **kwargs)

    return wrapper


provider_option = click.option("--provider", metavar="P", help="tencent (cvm), ecm or alibaba (ecs).")
region_option = click.option("--region", metavar="R", help="Region of the service; before an address's own.")

wait_options: Decorator = stack(
    click.option("--wait/--no-wait", default=True, show_default=True,
                 help="Wait for the end, or leave when it is accepted."),
    click.option("--timeout", type=DURATION, metavar="DURATION",
                 help="Stop waiting after this time (90s, 30m, 6h); the work goes on. No limit by default."),
    click.option("--poll-interval", type=DURATION, metavar="DURATION", help="Time between two looks."),
    click.option("--on-doubt", type=click.Choice(["ask", "wait", "resubmit", "stop"]), default="ask", show_default=True,
                 help="Where the answer to a submit was lost and looking cannot tell whether it took effect. "
                      "'ask' stops where nobody can be asked."),
    click.option("-y", "--yes", is_flag=True, help="Ask nothing."),
)  # fmt: skip
