"""Signs of life while an image is looked into, on standard error: bytes and requests so far."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from imgmove.cli.command import Output
from imgmove.cli.streams import to_stderr
from imgmove.core.text import clean
from imgmove.core.units import format_size

Looked = Callable[[int, int], None]
"""Bytes and ranges read so far."""

#: Without a terminal a sign of life so often, so that nobody takes us for dead; for programs and `-v` more often.
_SIGN_SECONDS: Final = 60.0
_OFTEN_SECONDS: Final = 1.0


@contextmanager
def looking(output: Output, what: str) -> Iterator[Looked | None]:
    """The signs that fit: moving on a terminal, lines elsewhere and with `-v`, JSON lines, nothing when quiet."""
    if output.progress == "json":
        yield _now_and_then(_OFTEN_SECONDS, lambda done, count: to_stderr(_json(what, done, count)))
    elif output.quiet:
        yield None
    elif output.verbose or not _is_alive():
        seconds = _OFTEN_SECONDS if output.verbose else _SIGN_SECONDS
        yield _now_and_then(seconds, lambda done, count: to_stderr(_words(what, done, count) + "\n"))
    else:
        yield from _moving(what)


def _is_alive() -> bool:
    """Is standard error a terminal that can be written over?"""
    if not sys.stderr.isatty():
        return False
    from rich.console import Console

    return not Console(stderr=True).is_dumb_terminal


def _moving(what: str) -> Iterator[Looked]:
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True, highlight=False).status(escape(f"looking into {clean(what)}")) as status:
        yield lambda done, count: status.update(escape(_words(what, done, count)))


def _words(what: str, read_bytes: int, requests: int) -> str:
    return f"looking into {clean(what)}: {format_size(read_bytes)} read in {requests} requests"


def _json(what: str, read_bytes: int, requests: int) -> str:
    line = {"event": "Looked", "what": what, "read_bytes": read_bytes, "requests": requests, "at": time.time()}
    return json.dumps(line) + "\n"


def _now_and_then(seconds: float, say: Looked) -> Looked:
    """`say`, but not more often than every so many seconds."""
    said_at = time.monotonic()

    def looked(read_bytes: int, requests: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= seconds:
            said_at = time.monotonic()
            say(read_bytes, requests)

    return looked
