"""Progress on standard error: a live display on a terminal, plain lines elsewhere, nothing when quiet.

Listens to the engine's events; holds no logic of its own.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from imgmove.cli.command import Output
from imgmove.cli.streams import to_stderr
from imgmove.core.events import (
    Event,
    Found,
    Moved,
    Noted,
    Polled,
    PollFailed,
    StepEnded,
    StepStarted,
    Submitted,
    Waiting,
)
from imgmove.core.text import clean
from imgmove.core.units import format_duration, format_size

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: Without a terminal: a line at every change, and at least one in this time, so that nobody takes us for dead.
PLAIN_INTERVAL_SECONDS = 60.0
#: The rate is that of so many last seconds.
RATE_SECONDS = 15.0


class Progress(Protocol):
    def __call__(self, event: Event) -> None: ...

    def note(self, text: str) -> None:
        """A line that stays: the job's id, a question's answer, a retry."""


@dataclass
class Copied:
    """Bytes of a copy, and the rate of the last seconds. Takes bytes back where a part is sent again."""

    done_bytes: int = 0
    total_bytes: int = 0
    looks: deque[tuple[float, int]] = field(default_factory=deque)

    def moved(self, at: float, done_bytes: int, total_bytes: int) -> None:
        self.done_bytes, self.total_bytes = done_bytes, total_bytes
        self.looks.append((at, done_bytes))
        while self.looks[-1][0] - self.looks[0][0] > RATE_SECONDS:
            self.looks.popleft()

    @property
    def bytes_per_second(self) -> float:
        (start, before), (end, after) = self.looks[0], self.looks[-1]
        return max(0.0, (after - before) / (end - start)) if end > start else 0.0

    def describe(self, ended: bool) -> str:
        amount = f"{format_size(self.done_bytes)} of {format_size(self.total_bytes)}"
        rate = self.bytes_per_second
        if ended or not rate:
            return amount
        left = format_duration((self.total_bytes - self.done_bytes) / rate)
        return f"{amount}, {format_size(rate)}/s, {left} left"


@dataclass
class _Line:
    """What is known of one step."""

    title: str
    started_at: float
    task_id: str = ""
    state: str = "starting"
    percent: int | None = None
    note: str = ""
    copied: Copied | None = None
    ended: bool = False

    def describe(self) -> str:
        percent = f" {self.percent}%" if self.percent is not None else ""
        bytes_ = f" {self.copied.describe(self.ended)}" if self.copied else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.state}{percent}{bytes_}{note}"

    @property
    def news(self) -> str:
        """What is worth a line of its own where lines stay: bytes alone are not, until a tenth more is there."""
        if self.copied is None or self.ended:
            return self.describe()
        return f"{self.state}{self.note}{10 * self.copied.done_bytes // max(1, self.copied.total_bytes)}"


@dataclass
class _Board:
    """Steps by name, updated from events. Everything in it is clean text."""

    lines: dict[str, _Line] = field(default_factory=dict)

    def update(self, event: Event) -> _Line:
        line = self.lines.setdefault(event.step, _Line(event.step, event.at))
        match event:
            case StepStarted():
                line.title, line.started_at, line.ended = clean(event.title or event.step), event.at, False
            case Submitted():
                line.task_id = clean(event.handle.task_id or event.handle.image_id or "")
                line.state, line.note = ("taken over" if event.adopted else "accepted"), ""
            case Polled():
                report = event.report
                line.state = clean(report.vendor_state or report.state.value)
                line.percent, line.note = report.progress, clean(report.message)
                line.task_id = line.task_id or clean(report.task_id or report.image_id or "")
            case PollFailed():
                line.note = f"look failed: {clean(event.error)}; again in {format_duration(event.next_try_seconds)}"
            case Waiting():
                line.note = f"{clean(event.reason)}; {format_duration(event.seconds)}"
            case Noted():
                line.note = clean(event.text)
            case Moved():
                line.copied, line.state = line.copied or Copied(), "copying"
                line.copied.moved(event.at, event.done_bytes, event.total_bytes)
            case StepEnded():
                line.ended, line.note = True, ""
                line.state = "failed" if event.error else (event.report.state.value if event.report else "done")
            case _:
                pass
        return line


class QuietProgress:
    def __call__(self, event: Event) -> None:
        """Nothing: `--quiet` asks for errors only."""

    def note(self, text: str) -> None:
        """Nothing."""


class PlainProgress:
    """One line for each change, with the time since the step began; repeated looks without news are not printed."""

    def __init__(self, write: Callable[[str], object], *, verbose: bool = False) -> None:
        self._write = write
        self._verbose = verbose
        self._board = _Board()
        self._last: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            line = self._board.update(event)
            before, printed_at = self._last.get(event.step, ("", float("-inf")))
            if line.news == before and not self._verbose and event.at - printed_at < PLAIN_INTERVAL_SECONDS:
                return
            self._last[event.step] = (line.news, event.at)
            task = f" [{line.task_id}]" if line.task_id else ""
            self._write(f"{format_duration(event.at - line.started_at)} {line.title}{task}: {line.describe()}\n")

    def note(self, text: str) -> None:
        self._write(text + "\n")


class JsonProgress:
    """`--progress json`: every event as a JSON object on a line of its own, for programs."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        from imgmove.core.codec import encode

        line = json.dumps({"event": type(event).__name__, **encode(event)})
        with self._lock:
            self._write(line + "\n")

    def note(self, text: str) -> None:
        self._write(json.dumps({"event": "Note", "text": text}) + "\n")


class LiveProgress:
    """A live block at the bottom of the terminal: what is happening, percent, elapsed, the task, how to come back."""

    def __init__(self, console: Console, now: Callable[[], float]) -> None:
        from rich.spinner import Spinner

        self._console = console
        self._now = now
        self._board = _Board()
        self._lock = threading.Lock()
        self._come_back = ""
        self._spinner = Spinner("dots")

    def __call__(self, event: Event) -> None:
        with self._lock:
            line = self._board.update(event)
            self._come_back = (
                f"job {clean(event.job)} · Ctrl-C leaves it running · imgmove jobs resume {clean(event.job)}"
            )
            if isinstance(event, Found):
                self.note(clean(event.text))
                line.note = ""
            elif isinstance(event, StepEnded):
                self._leave(line, event)

    def _leave(self, line: _Line, event: StepEnded) -> None:
        """An ended step leaves the live block and stays above it as a line."""
        from rich.text import Text

        mark, style = ("✗", "red") if event.error else ("✓", "green")
        elapsed = format_duration(event.at - line.started_at)
        self._console.print(Text.assemble((mark, style), f" {line.title} ", (f"{line.describe()} in {elapsed}", "dim")))
        self._board.lines.pop(event.step, None)

    def note(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(text))

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            lines = list(self._board.lines.values())
        grid = Table.grid(padding=(0, 1))
        for line in lines:
            task = f" {line.task_id}" if line.task_id else ""
            grid.add_row(
                self._spinner, Text(line.title, style="bold"), Text(line.describe()),
                Text(format_duration(self._now() - line.started_at) + task, style="dim"),
            )  # fmt: skip
        return Group(grid, Text(self._come_back, style="dim")) if lines else Text("")


def plain_progress(output: Output) -> Progress:
    """Lines for what has no steps and needs no display; JSON where asked for, nothing when quiet."""
    if output.progress == "json":
        return JsonProgress(to_stderr)
    return QuietProgress() if output.quiet else PlainProgress(to_stderr, verbose=output.verbose)


@contextmanager
def progress(output: Output, now: Callable[[], float] = time.time) -> Iterator[Progress]:
    """The progress that fits: live on a terminal, plain lines elsewhere, nothing when quiet."""
    if output.progress == "json":
        yield JsonProgress(to_stderr)
        return
    if output.quiet:
        yield QuietProgress()
        return
    if not sys.stderr.isatty() or output.verbose:
        yield PlainProgress(to_stderr, verbose=output.verbose)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        yield PlainProgress(to_stderr)
        return
    shown = LiveProgress(console, now)
    with Live(
        get_renderable=shown.__rich__, console=console, refresh_per_second=8, transient=True, redirect_stdout=False
    ):
        yield shown
