"""How long to wait before trying again: exponential, with full jitter, and never less than the vendor asks for."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits that double from `base_seconds` up to `cap_seconds`, each shortened by chance down to nothing.

    Full jitter spreads clients that failed together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
    """

    base_seconds: float = 1.0
    cap_seconds: float = 60.0

    def seconds(self, failures: int, chance: random.Random, retry_after_seconds: float | None = None) -> float:
        """The wait after `failures` failures in a row (1 is the first).

        With `retry_after_seconds` (what the vendor asked for) never less than that, and a little more, so that not
        everybody comes back at the same instant.
        """
        ceiling = min(self.cap_seconds, self.base_seconds * 2.0 ** min(max(failures, 1) - 1, 32))
        jitter = chance.uniform(0.0, ceiling)
        if retry_after_seconds is None:
            return jitter
        return max(0.0, retry_after_seconds) + min(jitter, self.base_seconds)
