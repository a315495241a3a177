"""How many parts are in flight: fewer after a throttle, more again after successes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Window:
    """Additive increase, multiplicative decrease, between 1 and `most`.

    A throttle halves the window, at most once for the parts that were in flight together; every full window of
    successes lets one more part in.
    """

    most: int
    allowed: int = 0
    _successes: int = 0
    _epoch: int = 0

    def __post_init__(self) -> None:
        self.allowed = self.allowed or self.most

    @property
    def epoch(self) -> int:
        """Which window a part starts in; hand it back with its throttle."""
        return self._epoch

    def succeeded(self) -> None:
        if self.allowed >= self.most:
            return
        self._successes += 1
        if self._successes >= self.allowed:
            self.allowed, self._successes = self.allowed + 1, 0

    def throttled(self, epoch: int) -> None:
        """A part that started in window `epoch` was throttled."""
        if epoch == self._epoch:
            self.allowed, self._successes, self._epoch = max(1, self.allowed // 2), 0, self._epoch + 1
