"""Looking into a disk image by a process of its own: the parent, who reads for it, watches it, and ends it."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from imgmove.core.errors import usage_error
from imgmove.core.formats import DiskFormat
from imgmove.images.reading.child import WORKER, ReaderProcess
from imgmove.images.reading.conversation import Conversation
from imgmove.images.reading.inspection import Inspection, Limits
from imgmove.images.reading.source import ImageSource
from imgmove.images.reading.wire import make_task, stream_seconds

Progress = Callable[[int, int], None]
"""Bytes read and ranges read so far."""

#: What the extra `check` installs and the reader imports.
LIBRARIES: Final = ("pyvhdi", "pyvmdk", "pyfsext", "pyfsxfs", "pyfsntfs", "pyfsfat", "zstandard", "lz4")
_DEFAULT: Final = Limits()


def look_inside(
    source: ImageSource,
    disk_format: DiskFormat,
    limits: Limits = _DEFAULT,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    worker: str = WORKER,
) -> Inspection:
    """The layout of the disk in `source`, and the facts of the guest on it. Guard the image first.

    Whatever is in the image, an Inspection comes back: crashes, hangs and nonsense of the reader are its `trouble`.
    Raises what `source.read` raises, unchanged; USAGE (`MissingExtra`) where the readers are not installed; and
    INTERRUPTED where `stop` is set. The reader is gone in any case. `worker` is the module whose `main` is the
    reader; tests put others in its place.
    """
    require_libraries()
    task = make_task(disk_format, source.size_bytes, limits)
    longer = stream_seconds(disk_format, source.size_bytes)
    process = ReaderProcess(worker, limits.wall_seconds + longer, limits.total_seconds + longer, stop)
    try:
        conversation = Conversation(process, source, task, limits.answer_bytes, progress)
        conversation.hold()
    finally:
        process.close()
    return conversation.found()


def require_libraries() -> None:
    """Raise USAGE where a library of the extra `check` is missing. Loads none of them."""
    for name in LIBRARIES:
        if find_spec(name) is None:
            raise usage_error(
                f"looking into images needs the Python module {name}, which is not installed",
                hint=f"{shlex.quote(sys.executable)} -m pip install 'imgmove[check]'", code="MissingExtra",
            )  # fmt: skip
