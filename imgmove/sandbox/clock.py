"""The sandbox's two clocks: the wall clock that signatures are checked by, and its own time that tasks run on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEFAULT_SPEED = 60.0
MAX_SPEED = 1e9
MAX_ADVANCE_SECONDS = 1e12
MAX_SKEW_SECONDS = 30 * 365 * 24 * 3600
"""What keeps both clocks in the range that dates, headers and the state file can hold."""


class Clock:
    """`wall()` is real Unix time plus `skew_seconds`: signatures, expiry and every timestamp shown.

    `now()` is the sandbox's own time in seconds, used for the progress of tasks only. It starts at 0, runs
    `speed` times as fast as real time, can be frozen and moved forward, and never goes back. Safe to use from
    several threads.
    """

    def __init__(
        self,
        speed: float = DEFAULT_SPEED,
        *,
        start: float = 0.0,
        real_wall: Callable[[], float] = time.time,
        real_steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._skew_seconds = 0.0
        self._real_wall = real_wall
        self._real_steady = real_steady
        self._lock = threading.Lock()
        self._speed = _checked_speed(speed)
        self._frozen = False
        self._base = start
        self._anchor = real_steady()

    def wall(self) -> float:
        """Unix time in seconds, shifted by `skew_seconds`."""
        return self._real_wall() + self._skew_seconds

    @property
    def skew_seconds(self) -> float:
        """Added to `wall()`: lets clock-skew errors be rehearsed. Setting more than 30 years raises ValueError."""
        return self._skew_seconds

    @skew_seconds.setter
    def skew_seconds(self, seconds: float) -> None:
        if not abs(seconds) <= MAX_SKEW_SECONDS:
            raise ValueError(f"the clock can be shifted by {MAX_SKEW_SECONDS} seconds at most, not by {seconds}")
        self._skew_seconds = float(seconds)

    def now(self) -> float:
        """The sandbox's own time in seconds since its start."""
        with self._lock:
            return self._now()

    def advance(self, seconds: float) -> None:
        """Moves `now()` forward at once. Raises ValueError for a negative number, since time does not go back, and
        for more than 30,000 years."""
        if not 0 <= seconds <= MAX_ADVANCE_SECONDS:
            raise ValueError(f"the clock can only be moved forward, not by {seconds} seconds")
        with self._lock:
            self._base += seconds

    def freeze(self) -> None:
        """Stops `now()`; `advance` still moves it. Harmless when frozen already."""
        with self._lock:
            self._settle()
            self._frozen = True

    def unfreeze(self) -> None:
        """Lets `now()` run on from where it stands. Harmless when it runs already."""
        with self._lock:
            self._settle()
            self._frozen = False

    @property
    def frozen(self) -> bool:
        """Whether `now()` stands still."""
        return self._frozen

    @property
    def speed(self) -> float:
        """Sandbox seconds for each real second; above 0."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._lock:
            self._settle()
            self._speed = _checked_speed(speed)

    def _now(self) -> float:
        elapsed = 0.0 if self._frozen else (self._real_steady() - self._anchor) * self._speed
        return self._base + elapsed

    def _settle(self) -> None:
        """Takes what has passed into the base, so that a change of pace holds from this moment on."""
        self._base, self._anchor = self._now(), self._real_steady()


def _checked_speed(speed: float) -> float:
    if not 0 < speed <= MAX_SPEED:
        raise ValueError(f"the clock's speed must be above 0 and at most {MAX_SPEED}, not {speed}; freeze() stops it")
    return float(speed)
