"""What every command that changes something does: a session, progress, signals, one call, one result."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import click

from imgmove.app.attendance import Attendance
from imgmove.app.results import Result, error_json
from imgmove.app.session import Session
from imgmove.cli.command import Output
from imgmove.cli.failures import Reported
from imgmove.cli.progress import Progress, progress
from imgmove.cli.render import print_json, print_result
from imgmove.cli.streams import show_cursor
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.text import clean
from imgmove.engine.options import OnDoubt

Call = Callable[[Session, Attendance], Result]

#: What asks us to stop; SIGHUP is unknown to some systems.
_STOP_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def run_operation(output: Output, profile: str, call: Call, **waiting: Any) -> None:
    """Run `call`, show its progress and its result; raises `Reported` where the result is a failure."""
    run_operations(output, profile, [call], **waiting)


def run_operations(
    output: Output,
    profile: str,
    calls: Sequence[Call],
    *,
    wait: bool = True,
    timeout: float | None = None,
    poll_interval: float | None = None,
    on_doubt: str = "ask",
    yes: bool = False,
) -> None:
    """Run calls one after the other in one session; several give one document with a row for each (`jobs`)."""
    session = Session(profile)
    with progress(output) as shown, stop_on_signals(shown) as stop:
        attendance = Attendance(
            wait=wait,
            timeout_seconds=timeout,
            poll_seconds=poll_interval,
            on_doubt=OnDoubt(on_doubt),
            decide=asker(yes=yes),
            stop=stop,
            listener=shown,
            announce=shown.note,
        )
        results = [call(session, attendance) for call in calls if not stop.is_set()]
    if len(calls) == 1:
        show(output, results[0])
    else:
        _show_several(output, results, len(calls))


def _show_several(output: Output, results: Sequence[Result], asked: int) -> None:
    bad = [result for result in results if result.error]
    missing = asked - len(results)
    error = None
    if bad or missing:
        is_partial = len(bad) < len(results)
        text = f"{len(bad) + missing} of {asked} did not succeed"
        error = ImgmoveError(Kind.PARTIAL, text, code="PartialSuccess", hint="`imgmove jobs list` shows which")
        error = error if is_partial or not bad else bad[0].error
    if output.is_json:
        print_json({"jobs": [result.to_json() for result in results], "error": error_json(error)})
    else:
        for result in results:
            print_result(result)
    if error:
        raise Reported(error)


def show(output: Output, result: Result) -> None:
    """The result on standard output; raises `Reported` with its error where it has one."""
    if output.is_json:
        print_json(result.to_json())
    elif not (output.quiet and result.error):
        print_result(result)
    if result.error:
        raise Reported(result.error)


@contextmanager
def stop_on_signals(shown: Progress, left: str = "what runs at the provider goes on") -> Iterator[threading.Event]:
    """The first signal sets the event, and the engine stops cleanly. The second ends us now, with exit code 130.

    `left` says what then becomes of the work.
    A hangup (the terminal was closed) is one of them, unless it is ignored already: `nohup` wants us to go on.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            show_cursor()
            os._exit(130)
        stop.set()
        shown.note(f"stopping: {left} (once more to stop at once)")

    chosen = [number for number in _STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in chosen}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def asker(*, yes: bool) -> Callable[[str], OnDoubt]:
    """How a doubt is settled: by asking on a terminal; without one, or with `--yes`, by stopping. Never by guessing."""

    def decide(question: str) -> OnDoubt:
        if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return OnDoubt.STOP
        click.echo(clean(question), err=True)
        answer = click.prompt("wait, resubmit or stop?", type=click.Choice(["wait", "resubmit", "stop"]), err=True)
        return OnDoubt(answer)

    return decide


def parse_tags(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict(pairs)


def wait_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the options of `wait_options` out of a command's arguments."""
    return {name: arguments.pop(name) for name in ("wait", "timeout", "poll_interval", "on_doubt", "yes")}
