"""The three standard streams, where somebody closed them or nobody reads them any more."""

from __future__ import annotations

import os
import sys


def open_missing_streams() -> None:
    """Give closed standard streams (`imgmove … >&-`) a place that swallows what is written.

    Before anything else is opened: a journal that got descriptor 1 or 2 would be written over by the next message.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor: this one
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w", closefd=False))


def to_stderr(text: str) -> None:
    """Write a message or progress at once. Where nobody reads it any more, work goes on and later messages are lost."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard(2)


def show_cursor() -> None:
    """Give a terminal its cursor back: a display that is left in the middle has hidden it."""
    if sys.stderr.isatty():
        to_stderr("\x1b[?25h")


def discard(descriptor: int) -> None:
    """Let what is written to a descriptor vanish, also what the interpreter flushes when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
