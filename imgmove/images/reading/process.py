"""Looking into a disk image by a process of its own: the parent, who reads for it, watches it, and ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from imgmove.core.formats import DiskFormat
from imgmove.images.reading.inspection import Inspection, Limits
from imgmove.images.reading.source import ImageSource

Progress = Callable[[int, int], None]
"""Bytes read and ranges read so far."""


def look_inside(
    source: ImageSource,
    disk_format: DiskFormat,
    limits: Limits | None = None,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Inspection:
    """The layout of the disk in `source`, and the facts of the guest on it.

    Whatever is in the image, an Inspection comes back: crashes, hangs and nonsense of the reader are its `trouble`.
    Raises what `source.read` raises, unchanged; USAGE (`MissingExtra`) where the readers are not installed; and
    INTERRUPTED where `stop` is set. The reader is gone in any case.
    """
    raise NotImplementedError
