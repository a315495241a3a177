"""Moving one part: a ranged read streamed into a write through one buffer, with the CRC computed on the way.

`move_part`, `fetch_part` and `send_part` are all that a worker runs. They take a range, signed requests and nothing
else, so that a worker holds no credentials and no state, wherever it runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from imgmove.engine.transfer.crc64 import crc64
from imgmove.engine.transfer.faults import ConnectionFault
from imgmove.engine.transfer.part_task import PartDone, PartTask
from imgmove.engine.transfer.reading import open_source
from imgmove.engine.transfer.underway import meters
from imgmove.engine.transfer.writing import open_sink

#: One buffer of this size for each worker thread: large pieces keep Python out of the way of the bytes.
BUFFER_BYTES: Final = 2 << 20
_LEAST_PIECE_BYTES: Final = 1 << 14
#: A limited part moves in pieces of this time, so that a store does not take it for dead.
_PIECE_SECONDS: Final = 0.125

_local = threading.local()


class Pace:
    """Keeps a part below its share of the bandwidth by sleeping."""

    def __init__(
        self,
        bytes_per_second: int,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._monotonic, self._sleep = monotonic, sleep
        self._started = monotonic() if bytes_per_second else 0.0
        self._count = 0
        share = int(bytes_per_second * _PIECE_SECONDS)
        self.piece_bytes = min(BUFFER_BYTES, max(_LEAST_PIECE_BYTES, share)) if bytes_per_second else BUFFER_BYTES

    def passed(self, count: int) -> None:
        if not self._rate:
            return
        self._count += count
        ahead = self._count / self._rate - (self._monotonic() - self._started)
        if ahead > 0:
            self._sleep(ahead)


def move_part(task: PartTask, pace: Pace | None = None) -> PartDone:
    """Move one part. Raises `PartFault` for everything that an end or the network does; safe to repeat."""
    pace = pace or Pace(task.bytes_per_second)
    view = _buffer()[: pace.piece_bytes]
    value, left = 0, task.length
    with meters.meter(task.meter) as meter, open_source(task, meter) as source, open_sink(task, meter) as sink:
        while left:
            count = source.readinto(view[:left] if left < len(view) else view)
            if not count:
                raise _ended_early(left)
            piece = view[:count]
            if task.compute_crc:
                value = crc64(piece, value)
            sink.write(piece)
            left -= count
            meter.moved(task.length - left, left)
            pace.passed(count)
        crc = value if task.compute_crc else None
        answer = sink.finish(crc)
    return PartDone(task.number, task.length, crc, source.headers, answer)


def fetch_part(task: PartTask, pace: Pace | None = None) -> bytes:
    """The bytes of a range. Raises `PartFault`; safe to repeat."""
    pace = pace or Pace(task.bytes_per_second)
    body = bytearray(task.length)
    view, filled = memoryview(body), 0
    with meters.meter(task.meter) as meter, open_source(task, meter) as source:
        while filled < task.length:
            count = source.readinto(view[filled : filled + pace.piece_bytes])
            if not count:
                raise _ended_early(task.length - filled)
            filled += count
            pace.passed(count)
    return bytes(body)


def send_part(task: PartTask, body: bytes | bytearray, pace: Pace | None = None) -> PartDone:
    """Write a part that is in memory. Raises `PartFault`; safe to repeat."""
    pace = pace or Pace(task.bytes_per_second)
    view = memoryview(body)
    crc = crc64(body)
    with meters.meter(task.meter) as meter, open_sink(task, meter) as sink:
        for start in range(0, len(view), pace.piece_bytes):
            piece = view[start : start + pace.piece_bytes]
            sink.write(piece)
            meter.moved(start + len(piece), len(view) - start - len(piece))
            pace.passed(len(piece))
        answer = sink.finish(crc)
    return PartDone(task.number, len(body), crc, {}, answer)


def _buffer() -> memoryview:
    """This thread's buffer, used again for every part."""
    if not hasattr(_local, "buffer"):
        _local.buffer = memoryview(bytearray(BUFFER_BYTES))
    found: memoryview = _local.buffer
    return found


def _ended_early(left: int) -> ConnectionFault:
    return ConnectionFault("read", f"the answer ended {left} bytes early")
