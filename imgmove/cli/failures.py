"""How a command that failed ends: one line that says what, where and what to do; JSON where JSON was asked for."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from imgmove.cli.streams import to_stderr
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.findings import blocking
from imgmove.core.text import clean


class Reported(Exception):  # noqa: N818 - not an error of its own: it carries one that has been shown already
    """An error whose JSON document the command itself has written; only the line for people is still missing."""

    def __init__(self, error: ImgmoveError) -> None:
        super().__init__(str(error))
        self.error = error


def report_failure(failure: BaseException, words: Sequence[str]) -> int:
    """Show `failure` on standard error (and as JSON on standard output where asked for); the exit code."""
    if isinstance(failure, SystemExit):
        return failure.code if isinstance(failure.code, int) else 1
    if isinstance(failure, click.exceptions.Exit):
        return failure.exit_code
    error = _as_error(failure)
    if isinstance(failure, KeyboardInterrupt | click.Abort) and sys.stderr.isatty():
        to_stderr("\n")  # the terminal's ^C, or a question, stands on this line
    if wants_json(words) and not isinstance(failure, Reported):
        from imgmove.cli.render import print_json

        print_json(_failure_document(error, words))
    if _is_verbose(words):
        to_stderr("".join(traceback.format_exception(failure)))
    print_error(error)
    return error.exit_code


def _as_error(failure: BaseException) -> ImgmoveError:
    if isinstance(failure, ImgmoveError):
        return failure
    if isinstance(failure, Reported):
        return failure.error
    if isinstance(failure, click.UsageError):
        return _usage(failure)
    if isinstance(failure, click.ClickException):
        return usage_error(failure.format_message())
    if isinstance(failure, KeyboardInterrupt | click.Abort):
        return ImgmoveError(
            Kind.INTERRUPTED, "interrupted", code="Interrupted", hint="`imgmove jobs list` shows what is under way"
        )
    return ImgmoveError(
        Kind.UNKNOWN,
        f"internal error: {type(failure).__name__}: {failure}",
        code="InternalError",
        hint="run it again with --verbose and report what it prints; `imgmove jobs list` shows what is under way",
    )


def _usage(failure: click.UsageError) -> ImgmoveError:
    path = failure.ctx.command_path if failure.ctx else "imgmove"
    return usage_error(failure.format_message(), hint=f"`{path} --help` shows how it is used")


def print_error(error: ImgmoveError) -> None:
    """`error: CODE: message (request id …)` and, on a line of its own, what to do; cleaned, on standard error.

    Where several findings are the reason, each stands in front with its why and its fix.
    """
    blocks = blocking(error.findings)
    if len(blocks) > 1:
        from imgmove.cli.findings import print_findings

        print_findings(blocks, sys.stderr)
    code = f"{clean(error.code)}: " if error.code and error.kind is not Kind.USAGE else ""
    request = f" (request id {clean(error.request_id)})" if error.request_id else ""
    to_stderr(f"error: {code}{clean(error.message)}{request}\n")
    if len(blocks) == 1 and blocks[0].why:
        to_stderr(f"  why: {clean(blocks[0].why)}\n")
    if error.hint:
        to_stderr(f"  → {clean(error.hint)}\n")


def wants_json(words: Sequence[str]) -> bool:
    """Was `-o json` asked for, as far as can be told without parsing? Stops at `--`."""
    before = list(words[: words.index("--")]) if "--" in words else list(words)
    pairs = zip(before, [*before[1:], ""], strict=True)
    return any(
        word in {"-ojson", "--output=json", "-o=json"} or (word in {"-o", "--output"} and following == "json")
        for word, following in pairs
    )


def _is_verbose(words: Sequence[str]) -> bool:
    before = list(words[: words.index("--")]) if "--" in words else list(words)
    return "--verbose" in before or "-v" in before


#: Commands whose document is a list under this name (contract, "Output").
_LISTS = {
    "images": "images",
    "providers": "providers",
    "jobs": "jobs",
    "check": "findings",
    "doctor": "findings",
    "roles": "roles",
}


def _failure_document(error: ImgmoveError, words: Sequence[str]) -> dict[str, object]:
    from imgmove.app.results import Result, error_json
    from imgmove.core.tasks import TaskState

    command = next((word for word in words if not word.startswith("-")), "")
    if command in _LISTS:
        return {_LISTS[command]: [], "error": error_json(error)}
    state = TaskState.UNKNOWN if error.kind in {Kind.TIMEOUT, Kind.INTERRUPTED, Kind.UNKNOWN} else TaskState.FAILED
    provider, region = _place_named(words)
    return Result(command, provider, region, state=state, error=error).to_json()


def _place_named(words: Sequence[str]) -> tuple[str, str]:
    """Provider and region, as far as flags and the first address of an image say them."""
    from imgmove.clouds.registry import Registry

    registry = Registry.installed()
    schemes = [(word.partition("://")[0].lower(), word.partition("://")[2]) for word in words if "://" in word]
    scheme, place = next(((name, rest) for name, rest in schemes if registry.is_provider(name)), ("", ""))
    provider = (_value_of("--provider", words) or scheme).strip().lower()
    region = _value_of("--region", words) or place.partition("/")[0]
    return registry.provider(provider)[0] if registry.is_provider(provider) else "", region


def _value_of(flag: str, words: Sequence[str]) -> str:
    """The value of an option in one of its two forms, empty where it is not given."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    forms = ((word, following) if word == flag else word.partition("=")[::2] for word, following in pairs)
    return next((value for name, value in forms if name == flag), "")
